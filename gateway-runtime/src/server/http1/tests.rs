//! What a connection writes, without a server around it.

#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::registry::Doing;
use super::super::worker::Worker;
use super::*;
use crate::clock::{Clock, Nanos};
use crate::exchange::{FieldValue, Peer};
use crate::tls::Stream;

#[tokio::test]
async fn no_interim_answer_follows_the_answer() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let _client = tokio::net::TcpStream::connect(address).await.unwrap();
    let (tcp, from) = listener.accept().await.unwrap();
    let front = Front {
        worker: Arc::new(Worker::lonely(Clock::system())),
        doing: Arc::new(Doing::new(Nanos::ZERO)),
        peer: Peer::new(from, false),
        crowded: false,
    };
    let wire = Wire::new(
        Stream::Plain(tcp),
        front.worker.clone(),
        front.doing.clone(),
    );
    let wire: SharedWire = Arc::new(Mutex::new(wire));
    let interim = Interim(wire.clone());
    let waiting = || !wire.lock().out.is_empty();

    interim.pass(103, &Headers::new());
    assert!(waiting());
    let asked = Asked {
        keep_alive: true,
        version: http::Version::HTTP_11,
        head_only: false,
    };
    let reply = Reply::new(200).with_body(FieldValue::from_static("text/plain"), "ok");
    let framing = framing(&reply, &asked);
    assert!(write(&front, &wire, &asked, framing, true, reply).await == Written::Whole);
    assert!(!waiting());
    interim.pass(103, &Headers::new());
    assert!(!waiting());
}
