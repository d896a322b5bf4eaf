#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::task::Waker;

use super::super::{Upload, connect_apart};
use super::*;
use crate::client::{Endpoint, pool};
use crate::clock::Clock;
use crate::exchange::Body;
use crate::server::Worker;
use crate::settings::Settings;

#[test]
fn who_is_sent_more_of_a_request_does_not_pause() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let endpoint = Arc::new(Endpoint::new("u", &url, &Settings::default()).unwrap());
    let worker = Worker::lonely(Clock::system());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let link = connect_apart(&worker, &endpoint).await.unwrap();
        let (lease, _) = pool::lease(&worker, &endpoint).await.unwrap();
        let mut body = LinkBody::new(Framing::Length(2), link, lease);
        body.pause(Duration::from_secs(3600));
        let mut counts_from = |upload: Option<&'static str>| {
            if let (Some(piece), Some((link, _))) = (upload, &mut body.link) {
                link.upload = Upload::new(Framing::Length(2), Body::full(piece));
            }
            let polled = body.poll_frame(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            body.timer.as_ref().unwrap().1
        };
        let first = counts_from(None);
        while Instant::now() == first {}
        assert_eq!(counts_from(None), first);
        assert!(counts_from(Some("x")) > first);
    });
}
