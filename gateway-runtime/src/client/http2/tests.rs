#![cfg(feature = "tls")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;

use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;

use super::*;
use crate::client::{Call, Part, Tries, Upstream};
use crate::clock::Clock;
use crate::def::UpstreamDef;
use crate::exchange::{Buffered, Room, Target};
use crate::settings::Settings;
use crate::tls::{ServerTls, TlsSetup};

/// Long beyond what any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

static DEF: UpstreamDef = UpstreamDef {
    name: "u",
    http2: true,
    ..UpstreamDef::DEFAULT
};

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(data(name)).unwrap()
}

/// A back end by HTTP/2. It answers with what it was asked; `/hang` is never answered, `/drop` ends its connection.
struct Backend {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

fn backend(tls: Option<ServerTls>) -> Backend {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let backend = Backend {
        address: listener.local_addr().unwrap(),
        connections: Arc::default(),
    };
    let connections = backend.connections.clone();
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let stream = match &tls {
                    None => crate::tls::Stream::Plain(tcp),
                    Some(tls) => match tls.accept(tcp).await {
                        Ok((stream, http2)) => {
                            assert!(http2);
                            stream
                        }
                        Err(_) => continue,
                    },
                };
                tokio::spawn(serve(stream));
            }
        });
    });
    backend
}

async fn serve(stream: crate::tls::Stream) {
    let ends = Arc::new(tokio::sync::Notify::new());
    let told = ends.clone();
    let service = service_fn(move |request: Request<Received>| {
        let ends = told.clone();
        async move {
            let (head, body) = request.into_parts();
            match head.uri.path() {
                "/hang" => std::future::pending().await,
                "/drop" => {
                    ends.notify_one();
                    std::future::pending().await
                }
                _ => {}
            }
            let length = head.headers.get("content-length").cloned();
            let host = head.headers.contains_key("host");
            let body = body.collect().await.map(|all| all.to_bytes());
            let said = format!(
                "{} {} {length:?} {host} {:?}",
                head.method,
                head.uri,
                body.unwrap_or_default()
            );
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(said))))
        }
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = connection => {}
        () = ends.notified() => {}
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn upstream(url: &str, setup: &TlsSetup) -> Result<Arc<Upstream>, String> {
    let endpoint = Endpoint::new("u", url, &Settings::default())?.set_up(setup)?;
    let part = Part {
        label: String::new(),
        endpoint,
        weight: 1,
    };
    Ok(Arc::new(Upstream::new(&DEF, vec![part]).unwrap()))
}

fn clear() -> TlsSetup {
    TlsSetup {
        http2: true,
        ..TlsSetup::default()
    }
}

/// Calls and reads: the status and the body, or what went wrong.
async fn fate(
    worker: &Worker,
    upstream: &Arc<Upstream>,
    method: &str,
    path: &str,
    body: Body,
) -> String {
    let mut outgoing = Outgoing {
        method: method.parse().unwrap(),
        target: Target::parse(path).unwrap(),
        headers: Headers::new(),
        body,
        tunnel: Body::empty(),
        interim: None,
    };
    let patience = match path {
        "/hang" => Duration::from_millis(50),
        _ => PATIENCE,
    };
    let call = Call {
        worker,
        deadline: worker.clock.now().plus(patience),
        retries: None,
        key: None,
    };
    let mut tries = Tries::default();
    match upstream.call(call, &mut outgoing, &mut tries).await {
        Err(fault) => format!("{fault:?}"),
        Ok(incoming) => match incoming.body.buffer(1 << 16).await {
            Ok(Buffered::Whole(bytes, _)) => {
                format!("{} {}", incoming.status, String::from_utf8_lossy(&bytes))
            }
            Ok(Buffered::Longer(_)) => "too long".to_owned(),
            Err(fault) => format!("{} {fault:?}", incoming.status),
        },
    }
}

#[test]
fn requests_share_a_connection_and_outlive_it() {
    let backend = backend(None);
    let at = backend.address;
    let upstream = upstream(&format!("http://{at}/base"), &clear()).unwrap();
    let worker = Worker::lonely(Clock::system());
    runtime().block_on(async {
        for (method, path, body, expected) in [
            (
                "GET",
                "/a?b=c",
                Body::empty(),
                format!("200 GET http://{at}/a?b=c None false b\"\""),
            ),
            (
                "POST",
                "/a",
                Body::full("hello"),
                format!("200 POST http://{at}/a Some(\"5\") false b\"hello\""),
            ),
            ("HEAD", "/a", Body::empty(), "200 ".to_owned()),
            ("GET", "/hang", Body::empty(), "Timeout".to_owned()),
            (
                "POST",
                "/a",
                Body::scripted([Ok(Frame::data("x".into())), Err(BodyFault::ClientGone)]),
                "Body(ClientGone)".to_owned(),
            ),
        ] {
            let fate = fate(&worker, &upstream, method, path, body).await;
            assert_eq!(fate, expected, "{method} {path}");
        }
        assert_eq!(backend.connections.load(Ordering::SeqCst), 1);
        // The connection goes with a request on it; the next one has another.
        let gone = fate(&worker, &upstream, "POST", "/drop", Body::full("x")).await;
        assert_eq!(gone, "Reset");
        let after = fate(&worker, &upstream, "GET", "/a", Body::empty()).await;
        assert!(after.starts_with("200"), "{after}");
        assert_eq!(backend.connections.load(Ordering::SeqCst), 2);
        let slot = upstream.targets()[0].endpoint.http2(0).unwrap();
        let swept = |later| {
            let later = worker.clock.now().plus(Duration::from_secs(later));
            !slot.sweep(later, Duration::from_secs(50))
        };
        assert!(!swept(40));
        assert!(swept(60));
    });
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

/// Fields that no table keeps.
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let field = |(name, value): &(&str, &str)| [vec![0], text(name), text(value)].concat();
    fields.iter().flat_map(field).collect()
}

/// The head of an answer with 200, and the first frame of its body.
fn half(more: &[(&str, &str)]) -> Vec<u8> {
    let head = [vec![0x88], fields(more)].concat();
    [
        frame(HEADERS, END_HEADERS, 1, &head),
        frame(DATA, 0, 1, b"half"),
    ]
    .concat()
}

/// A back end that is sent one request and says these frames to it, as they are given.
fn scripted() -> (Arc<Upstream>, std::sync::mpsc::Sender<Vec<u8>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (say, said) = std::sync::mpsc::channel::<Vec<u8>>();
    std::thread::spawn(move || {
        let (mut tcp, _) = listener.accept().unwrap();
        tcp.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        // The preface, and all up to the request's head.
        tcp.read_exact(&mut [0; 24]).unwrap();
        let mut head = [0; 9];
        while head[3] != HEADERS {
            tcp.read_exact(&mut head).unwrap();
            let length = u64::from(u32::from_be_bytes([0, head[0], head[1], head[2]]));
            std::io::copy(&mut (&tcp).take(length), &mut std::io::sink()).unwrap();
        }
        let mut rest = tcp.try_clone().unwrap();
        std::thread::spawn(move || std::io::copy(&mut rest, &mut std::io::sink()));
        for frames in said {
            tcp.write_all(&frames).unwrap();
        }
    });
    (upstream(&url, &clear()).unwrap(), say)
}

/// Sends a request with such a body, and waits for the head of its answer.
async fn head(worker: &Worker, upstream: &Arc<Upstream>, body: Body) -> Incoming {
    let mut outgoing = Outgoing {
        method: Method::POST,
        target: Target::parse("/").unwrap(),
        headers: Headers::new(),
        body,
        tunnel: Body::empty(),
        interim: None,
    };
    let call = Call {
        worker,
        deadline: worker.clock.now().plus(PATIENCE),
        retries: None,
        key: None,
    };
    let mut tries = Tries::default();
    upstream
        .call(call, &mut outgoing, &mut tries)
        .await
        .unwrap()
}

fn failed(upstream: &Upstream) -> u64 {
    let standing = &upstream.targets()[0].standing;
    standing.failed.load(Ordering::Relaxed)
}

#[test]
fn a_body_ends_where_its_stream_does_and_a_reset_is_no_end() {
    let no_error = frame(RST_STREAM, 0, 1, &[0, 0, 0, 0]);
    let end = frame(DATA, END_STREAM, 1, b"!");
    for (frames, expected, failures) in [
        (
            [half(&[]), no_error.clone()],
            Err(BodyFault::UpstreamReset),
            1,
        ),
        ([half(&[]), [end, no_error].concat()], Ok("half!"), 0),
    ] {
        let (upstream, say) = scripted();
        let worker = Worker::lonely(Clock::system());
        say.send(frames.concat()).unwrap();
        let read = runtime().block_on(async {
            let answer = head(&worker, &upstream, Body::empty()).await;
            answer.body.buffer(100).await
        });
        let read = read.map(|read| match read {
            Buffered::Whole(bytes, _) => String::from_utf8(bytes.to_vec()).unwrap(),
            Buffered::Longer(_) => "longer".to_owned(),
        });
        assert_eq!(read, expected.map(str::to_owned));
        assert_eq!(failed(&upstream), failures);
    }
}

#[test]
fn a_client_that_leaves_during_its_answer_is_not_its_back_ends_fault() {
    let (upstream, say) = scripted();
    let worker = Worker::lonely(Clock::system());
    // One byte beyond what a back end takes at first: what comes behind it is asked for when the back end takes more.
    let upload = Body::scripted([
        Ok(Frame::data(vec![b'x'; 65_535].into())),
        Ok(Frame::data("x".into())),
        Err(BodyFault::ClientGone),
    ]);
    say.send(half(&[])).unwrap();
    let read = runtime().block_on(async {
        let answer = head(&worker, &upstream, upload).await;
        let more = [0, 1].map(|stream| frame(WINDOW_UPDATE, 0, stream, &[0, 0, 1, 0]));
        say.send(more.concat()).unwrap();
        answer.body.buffer(100).await
    });
    assert_eq!(read.err(), Some(BodyFault::ClientGone));
    assert_eq!(failed(&upstream), 0);
}

#[test]
fn an_answer_that_is_not_whole_in_time_is_its_back_ends_fault() {
    let (upstream, say) = scripted();
    let worker = Worker::lonely(Clock::system());
    say.send(half(&[])).unwrap();
    let read = runtime().block_on(async {
        let answer = head(&worker, &upstream, Body::empty()).await;
        let room = Room::new(0);
        answer.body.gather_by(100, &room, Instant::now()).await
    });
    assert_eq!(read.err(), Some(BodyFault::UpstreamTimeout));
    assert_eq!(failed(&upstream), 1);
}

#[test]
fn fields_that_belong_to_one_connection_or_to_no_trailer_go_no_further() {
    let (upstream, say) = scripted();
    let worker = Worker::lonely(Clock::system());
    let own = [
        ("x_request_id", "1"),
        ("proxy-authenticate", "Basic"),
        ("x-sum", "2"),
    ];
    let behind = [&own[..], &[("x-request-id", "1"), ("set-cookie", "a=b")]].concat();
    let trailers = frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields(&behind));
    say.send([half(&own), trailers].concat()).unwrap();
    let (headers, read) = runtime().block_on(async {
        let answer = head(&worker, &upstream, Body::empty()).await;
        (answer.headers, answer.body.buffer(100).await)
    });
    let Ok(Buffered::Whole(_, Some(trailers))) = read else {
        panic!("trailers");
    };
    for left in [headers, trailers] {
        assert_eq!(format!("{left:?}"), r#"{"x-sum": "2"}"#);
    }
}

#[test]
fn who_speaks_something_else_is_no_back_end() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut tcp in listener.incoming().flatten() {
            let _ = tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let upstream = upstream(&format!("http://{at}"), &clear()).unwrap();
    let worker = Worker::lonely(Clock::system());
    runtime().block_on(async {
        let fate = fate(&worker, &upstream, "GET", "/", Body::empty()).await;
        assert_eq!(fate, "Reset");
    });
}

#[test]
fn tls_as_the_document_says_it() {
    let server = || ServerTls::load(&data("localhost.crt"), &data("localhost.key")).unwrap();
    let backend = backend(Some(server()));
    let url = format!("https://{}", backend.address);
    let setup = |ca: &str, server_name| TlsSetup {
        ca: Some(text(ca)),
        identity: Some((text("localhost.crt"), text("localhost.key"))),
        server_name,
        http2: true,
    };
    let worker = Worker::lonely(Clock::system());
    runtime().block_on(async {
        for (ca, server_name, expected) in [
            ("localhost.crt", Some("localhost"), "200"),
            ("other.crt", Some("localhost"), "Tls"),
            ("localhost.crt", Some("other.example"), "Tls"),
        ] {
            let upstream = upstream(&url, &setup(ca, server_name)).unwrap();
            let fate = fate(&worker, &upstream, "GET", "/", Body::empty()).await;
            assert!(fate.starts_with(expected), "{ca} {server_name:?}: {fate}");
        }
    });
    let broken = [
        (
            TlsSetup {
                ca: Some("no PEM".to_owned()),
                ..TlsSetup::default()
            },
            "`ca` holds no certificate",
        ),
        (
            TlsSetup {
                identity: Some((text("localhost.crt"), "no PEM".to_owned())),
                ..TlsSetup::default()
            },
            "`clientKey` cannot be read",
        ),
        (
            TlsSetup {
                identity: Some((text("other.crt"), text("localhost.key"))),
                ..TlsSetup::default()
            },
            "`clientCert` and `clientKey` cannot be used",
        ),
        (
            TlsSetup {
                server_name: Some("no host"),
                ..TlsSetup::default()
            },
            "no name that a certificate can have",
        ),
    ];
    for (setup, expected) in broken {
        let why = upstream(&url, &setup).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn a_check_is_asked_by_http2_too() {
    let backend = backend(None);
    let upstream = upstream(&format!("http://{}", backend.address), &clear()).unwrap();
    let worker = Worker::lonely(Clock::system());
    let endpoint = &upstream.targets()[0].endpoint;
    let mut outgoing = Outgoing {
        method: Method::GET,
        target: Target::parse("/healthz").unwrap(),
        headers: Headers::new(),
        body: Body::empty(),
        tunnel: Body::empty(),
        interim: None,
    };
    let status = runtime().block_on(ask_apart(&worker, endpoint, &mut outgoing));
    assert_eq!(status, Ok(200));
    assert!(!endpoint.http2(0).unwrap().sweep(Nanos::ZERO, PATIENCE));
}
