//! HTTP/2, by a client that is hyper.

use std::sync::mpsc;

use super::*;

#[test]
fn http2_with_prior_knowledge() {
    let site = site(LIMITS);
    block_on(async {
        let tcp = tokio::net::TcpStream::connect(site.address())
            .await
            .unwrap();
        let (mut sender, _) = http2(tcp).await;
        for path in ["/a", "/b"] {
            let (status, body) = get(&mut sender, &format!("http://x{path}")).await;
            assert_eq!((status, body), (200, format!("GET {path} HTTP/2.0")));
        }
        assert_eq!(get(&mut sender, "http://x/a%2e%2e/..").await.0, 400);
        assert_eq!(get(&mut sender, "http://x/panic").await.0, 500);
        assert_eq!(get(&mut sender, "http://x/c").await.0, 200);
    });
    site.end();
}

#[test]
fn http2_streams_in_flight_outlive_draining() {
    let site = site(LIMITS);
    block_on(async {
        let tcp = tokio::net::TcpStream::connect(site.address())
            .await
            .unwrap();
        let (mut sender, connection) = http2(tcp).await;
        let mut twin = sender.clone();
        let busy = tokio::spawn(async move { get(&mut twin, "http://x/gate").await });
        site.entered.acquire().await.unwrap().forget();
        site.running.drain();
        site.gate.add_permits(1);
        assert_eq!(busy.await.unwrap().1, "through");
        // GOAWAY: the connection ends without a fault, and takes nothing more.
        connection.await.unwrap().unwrap();
        assert!(sender.ready().await.is_err());
    });
    site.running.wait();
}

#[test]
fn http2_connections_end_after_their_share_of_requests() {
    let site = site(LimitsDef {
        requests_per_connection: 2,
        ..LIMITS
    });
    block_on(async {
        let tcp = tokio::net::TcpStream::connect(site.address())
            .await
            .unwrap();
        let (mut sender, connection) = http2(tcp).await;
        get(&mut sender, "http://x/a").await;
        get(&mut sender, "http://x/b").await;
        connection.await.unwrap().unwrap();
    });
    site.end();
}

/// A server that reads the body of each request; each is told when it begins, and what of it came.
fn reading() -> (Running, mpsc::Receiver<String>) {
    let (tell, told) = mpsc::channel();
    let app: Handler = Arc::new(move |_, mut exchange, _| {
        let tell = tell.clone();
        Box::pin(async move {
            tell.send("begun".to_owned()).unwrap();
            let read = match exchange.take_body().buffer(100).await {
                Ok(Buffered::Whole(bytes, trailers)) => {
                    format!("{} {trailers:?}", String::from_utf8_lossy(&bytes))
                }
                Ok(Buffered::Longer(_)) => "longer".to_owned(),
                Err(fault) => format!("{fault:?}"),
            };
            tell.send(read).unwrap();
            Reply::new(204)
        }) as Handling
    });
    let running = start(live(LIMITS, app), &settings(), &Clock::system(), None).unwrap();
    (running, told)
}

#[test]
fn what_an_upload_over_http2_ends_with() {
    const DATA: u8 = 0;
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
    };
    // Names and values that no table keeps.
    let field = |name: &str, value: &str| {
        let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        [vec![0], text(name), text(value)].concat()
    };
    // `:method: POST`, `:scheme: http`, `:path: /`.
    let head = [vec![0x83, 0x86, 0x84], field(":authority", "x")].concat();
    let begins = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(SETTINGS, 0, 0, &[]),
        frame(HEADERS, 4, 1, &head),
        frame(DATA, 0, 1, b"half"),
    ]
    .concat();
    let trailers = [
        field("x-forwarded-for", "1.2.3.4"),
        field("x_request_id", "1"),
        field("authorization", "a"),
    ]
    .concat();
    let and_one = [trailers.clone(), field("x-sum", "2")].concat();
    for (ends, expected) in [
        (frame(DATA, 1, 1, b"!"), "half! None"),
        (frame(HEADERS, 5, 1, &trailers), "half None"),
        (
            frame(HEADERS, 5, 1, &and_one),
            r#"half Some({"x-sum": "2"})"#,
        ),
        (frame(RST_STREAM, 0, 1, &[0, 0, 0, 0]), "ClientGone"),
        (frame(RST_STREAM, 0, 1, &[0, 0, 0, 8]), "ClientGone"),
    ] {
        let (running, told) = reading();
        let mut tcp = TcpStream::connect(running.addresses()[0]).unwrap();
        tcp.write_all(&begins).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "begun");
        tcp.write_all(&ends).unwrap();
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), expected);
        drop(tcp);
        running.drain();
        running.wait();
    }
}

#[test]
fn a_client_whose_windows_stay_shut_is_not_waited_for() {
    let site = site(LimitsDef {
        idle_timeout: Duration::from_millis(100),
        ..LIMITS
    });
    block_on(async {
        let connect = || tokio::net::TcpStream::connect(site.address());
        // One that waits for its back end is not at fault, however long that takes.
        let (mut sender, _) = http2(connect().await.unwrap()).await;
        let patient = tokio::spawn(async move { get(&mut sender, "http://x/gate").await });
        site.entered.acquire().await.unwrap().forget();

        let (mut sender, connection) =
            hyper::client::conn::http2::Builder::new(TokioExecutor::new())
                .initial_stream_window_size(0)
                .handshake(TokioIo::new(connect().await.unwrap()))
                .await
                .unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::get("http://x/a")
            .body(http_body_util::Empty::<Bytes>::new())
            .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let _ = connection.await.unwrap();
        assert!(answer.into_body().collect().await.is_err());
        assert_eq!(site.events().stalled.load(Ordering::Relaxed), 1);

        site.gate.add_permits(1);
        assert_eq!(patient.await.unwrap().1, "through");
    });
    site.end();
}
