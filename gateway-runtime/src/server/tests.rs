#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "the other end of a socket takes its time"
)]

mod crowd;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::Semaphore;

use super::service::{Handler, Handling};
use super::*;
use crate::def::{GatewayDef, LimitsDef};
use crate::exchange::{Body, Buffered, Exchange, FieldName, FieldValue, Reply};
use crate::refusal::Refusal;
use crate::testing::{GATEWAY, LIMITS};
use crate::tls::{ClientTls, Stream};

const TEXT: FieldValue = FieldValue::from_static("text/plain");

/// Long beyond what any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server whose answers depend on the path, and the gate that `/gate` waits at.
struct Site {
    running: Running,
    gate: Arc<Semaphore>,
    entered: Arc<Semaphore>,
}

fn app(gate: Arc<Semaphore>, entered: Arc<Semaphore>) -> Handler {
    Arc::new(move |_, exchange, admitted| {
        let (gate, entered) = (gate.clone(), entered.clone());
        Box::pin(answer(gate, entered, exchange, admitted)) as Handling
    })
}

async fn answer(
    gate: Arc<Semaphore>,
    entered: Arc<Semaphore>,
    mut exchange: Exchange,
    admitted: Result<(), Refusal>,
) -> Reply {
    if let Err(refusal) = admitted {
        // What panicked comes back as a fault of the gateway's own.
        let status = match refusal {
            Refusal::Internal => 500,
            _ => 400,
        };
        return Reply::new(status).with_body(TEXT, format!("{refusal:?}"));
    }
    match exchange.path() {
        "/panic" => panic!("asked to"),
        "/gate" => {
            entered.add_permits(1);
            gate.acquire().await.unwrap().forget();
            Reply::new(200).with_body(TEXT, "through")
        }
        "/echo" => match exchange.take_body().buffer(1 << 20).await {
            Ok(Buffered::Whole(bytes, trailers)) => {
                let mut reply = Reply::new(200);
                if let Some(trailers) = trailers {
                    for (name, value) in trailers.iter() {
                        reply.headers.append(
                            FieldName::from_bytes(name).unwrap(),
                            FieldValue::from_bytes(value).unwrap(),
                        );
                    }
                }
                reply.set_body(Body::full(bytes));
                reply
            }
            Ok(Buffered::Longer(_)) => Reply::new(200).with_body(TEXT, "longer"),
            Err(fault) => Reply::new(400).with_body(TEXT, format!("{fault:?}")),
        },
        "/flood" => Reply::new(200).with_body(TEXT, vec![b'x'; 64 << 20]),
        path => {
            let seen = format!("{} {path} {}", exchange.method(), exchange.version());
            Reply::new(200).with_body(TEXT, seen)
        }
    }
}

fn settings() -> Settings {
    Settings {
        listen: vec![([127, 0, 0, 1], 0).into()],
        workers: 2,
        drain: PATIENCE,
        ..Settings::default()
    }
}

fn live(limits: LimitsDef, app: Handler) -> Live {
    Live {
        app: App::Test(app),
        admission: Admission::new(&GatewayDef { limits, ..GATEWAY }),
    }
}

fn site_with(limits: LimitsDef, settings: &Settings) -> Site {
    let gate = Arc::new(Semaphore::new(0));
    let entered = Arc::new(Semaphore::new(0));
    let live = live(limits, app(gate.clone(), entered.clone()));
    Site {
        running: start(live, settings, &Clock::system(), None).unwrap(),
        gate,
        entered,
    }
}

fn site(limits: LimitsDef) -> Site {
    site_with(limits, &settings())
}

impl Site {
    fn address(&self) -> SocketAddr {
        self.running.addresses()[0]
    }

    fn connect(&self) -> TcpStream {
        let tcp = TcpStream::connect(self.address()).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        tcp.set_write_timeout(Some(PATIENCE)).unwrap();
        tcp
    }

    /// Sends bytes on a connection of their own, and reads to its end.
    fn exchange(&self, bytes: &str) -> String {
        let mut tcp = self.connect();
        tcp.write_all(bytes.as_bytes()).unwrap();
        rest(&mut tcp)
    }

    fn events(&self) -> &Events {
        &self.running.shared().events
    }

    /// Waits until a request stands at the gate.
    fn wait_entered(&self) {
        eventually("a request is in flight", || {
            let entered = self.entered.try_acquire();
            entered.map(|entered| entered.forget()).is_ok()
        });
    }

    fn end(self) {
        self.running.drain();
        self.running.wait();
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let clock = Clock::system();
    let until = clock.now().plus(PATIENCE);
    while !holds() {
        assert!(clock.now() < until, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What comes until the other side closes, or resets.
fn rest(tcp: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match tcp.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
            Err(fault) if fault.kind() == ErrorKind::ConnectionReset => break,
            Err(fault) => panic!("{fault}, after {:?}", String::from_utf8_lossy(&bytes)),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// One answer with `content-length`: its status line and its body.
fn one(tcp: &mut TcpStream) -> (String, String) {
    let mut head = String::new();
    let mut byte = [0];
    while !head.ends_with("\r\n\r\n") {
        tcp.read_exact(&mut byte).unwrap();
        head.push(char::from(byte[0]));
    }
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    tcp.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[test]
fn a_connection_takes_many_requests_one_after_the_other_or_at_once() {
    let site = site(LIMITS);
    let mut tcp = site.connect();
    for path in ["/a", "/b"] {
        write!(tcp, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        assert_eq!(one(&mut tcp).1, format!("GET {path} HTTP/1.1"));
    }
    let pipelined: String = (0..10)
        .map(|n| format!("POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n{n}"))
        .collect();
    tcp.write_all(pipelined.as_bytes()).unwrap();
    for n in 0..10 {
        assert_eq!(one(&mut tcp).1, n.to_string());
    }
    site.end();
}

#[test]
fn heads_and_bodies_in_pieces() {
    let site = site(LIMITS);
    let request = "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                   3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\nx-sum: 5\r\n\r\n";
    let mut tcp = site.connect();
    for byte in request.bytes() {
        tcp.write_all(&[byte]).unwrap();
    }
    let (head, body) = one(&mut tcp);
    assert_eq!(body, "abcde");
    assert!(head.contains("x-sum: 5"), "{head}");
    site.end();
}

#[test]
fn what_starts_like_http2_may_be_http1() {
    let site = site(LIMITS);
    for method in ["P", "PR", "PRI", "PUT", "PRIX"] {
        let answer = site.exchange(&format!(
            "{method} / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        ));
        assert_eq!(body(&answer), format!("{method} / HTTP/1.1"));
    }
    site.end();
}

#[test]
fn a_connection_ends_after_its_share_of_requests() {
    let site = site(LimitsDef {
        requests_per_connection: 2,
        ..LIMITS
    });
    let answers = site.exchange(&"GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(3));
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 2);
    assert_eq!(answers.matches("connection: close").count(), 1);
    site.end();
}

#[test]
fn http_1_0_and_close_end_the_connection() {
    let site = site(LIMITS);
    for request in [
        "GET / HTTP/1.0\r\nhost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    ] {
        assert_eq!(status(&site.exchange(request)), "200");
    }
    site.end();
}

#[test]
fn a_client_that_expects_100_gets_it_when_its_body_is_wanted() {
    let site = site(LIMITS);
    let mut tcp = site.connect();
    tcp.write_all(
        b"POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
    )
    .unwrap();
    assert!(one(&mut tcp).0.starts_with("HTTP/1.1 100"));
    tcp.write_all(b"ok").unwrap();
    assert_eq!(one(&mut tcp).1, "ok");
    // Where it is not wanted, the answer comes at once.
    tcp.write_all(
        b"POST /a HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
    )
    .unwrap();
    assert!(one(&mut tcp).0.starts_with("HTTP/1.1 200"));
    // HTTP/1.0 knows no interim answer.
    let mut tcp = site.connect();
    tcp.write_all(
        b"POST /echo HTTP/1.0\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
    )
    .unwrap();
    tcp.write_all(b"ok").unwrap();
    assert_eq!(one(&mut tcp).1, "ok");
    site.end();
}

#[test]
fn what_is_ambiguous_is_refused_where_requests_are_understood() {
    let site = site(LIMITS);
    for (request, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", "BadHost"),
        (
            "GET /../a HTTP/1.1\r\nhost: x\r\n\r\n",
            "BadPath(DotSegment)",
        ),
        (
            "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
            "BadRequest(Target)",
        ),
        (
            "CONNECT x:1 HTTP/1.1\r\nhost: x:1\r\n\r\n",
            "BadRequest(Target)",
        ),
        (
            "POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "BadRequest(TransferEncoding)",
        ),
    ] {
        // What comes behind is never taken for a request.
        let answer = site.exchange(&format!("{request}GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
        assert_eq!(body(&answer), expected, "{request}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    site.end();
}

#[test]
fn a_small_body_that_nobody_wants_does_not_cost_the_connection() {
    let site = site(LIMITS);
    let mut tcp = site.connect();
    for path in ["/a", "/b"] {
        write!(
            tcp,
            "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
        )
        .unwrap();
        let (head, body) = one(&mut tcp);
        assert_eq!(body, format!("POST {path} HTTP/1.1"));
        assert!(!head.contains("\r\nconnection: "), "{head}");
    }
    site.end();
}

#[test]
fn heads_beyond_the_limits_are_refused() {
    let site = site(LIMITS);
    let with = |bytes: usize| {
        format!(
            "GET / HTTP/1.1\r\nhost: x\r\na: {}\r\nconnection: close\r\n\r\n",
            "a".repeat(bytes)
        )
    };
    assert_eq!(status(&site.exchange(&with(1000))), "200");
    assert_eq!(body(&site.exchange(&with(17 << 10))), "HeadersTooLarge");
    let uri = format!(
        "GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "a".repeat(9 << 10)
    );
    assert_eq!(body(&site.exchange(&uri)), "UriTooLong");
    assert_eq!(body(&site.exchange(&with(40 << 10))), "HeadersTooLarge");
    let uri = format!("GET /{}", "a".repeat(40 << 10));
    assert_eq!(body(&site.exchange(&uri)), "UriTooLong");
    let many = format!(
        "GET / HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "a: b\r\n".repeat(200)
    );
    assert_eq!(body(&site.exchange(&many)), "HeadersTooLarge");
    site.end();
}

#[test]
fn garbage_is_answered_and_the_connection_closed() {
    let site = site(LIMITS);
    for (bytes, why) in [
        ("\u{1}\u{2}\u{3}\r\n\r\n", "Method"),
        ("GET\r\n\r\n", "Method"),
        ("GET / HTTP/1.1\nhost: x\n\n", "Head"),
        ("GET / HTTP/1.1\r\nhost : x\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n", "Field"),
        (
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1, 2\r\n\r\n",
            "Length",
        ),
        (
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
            "Length",
        ),
        (
            "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            "Length",
        ),
        (
            "GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
            "TransferEncoding",
        ),
        ("GET / HTTP/3.7\r\nhost: x\r\n\r\n", "Head"),
    ] {
        // What comes behind is never taken for a request.
        let answer = site.exchange(&format!("{bytes}GET / HTTP/1.1\r\nhost: x\r\n\r\n"));
        assert_eq!(body(&answer), format!("BadRequest({why})"), "{bytes:?}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    site.end();
}

#[test]
fn bodies_end_as_they_should_or_say_why_not() {
    let site = site(LimitsDef {
        body: 10,
        body_timeout: Duration::from_millis(50),
        ..LIMITS
    });
    let echo = "POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let chunked = format!("{echo}transfer-encoding: chunked\r\n\r\n");
    for (request, expected) in [
        (
            format!("{echo}content-length: 10\r\n\r\n0123456789"),
            "0123456789",
        ),
        (
            format!("{echo}content-length: 11\r\n\r\n0123456789a"),
            "TooLarge",
        ),
        (
            format!("{chunked}a\r\n0123456789\r\n0\r\n\r\n"),
            "0123456789",
        ),
        (
            format!("{chunked}a\r\n0123456789\r\n1\r\na\r\n0\r\n\r\n"),
            "TooLarge",
        ),
        (format!("{chunked}x\r\n"), "ClientGarbled"),
        (format!("{chunked}2\r\nabc\r\n0\r\n\r\n"), "ClientGarbled"),
        (format!("{chunked}fffffffffffffffffff\r\n"), "ClientGarbled"),
        (format!("{chunked}2\r\nab"), "ClientTimeout"),
        (
            format!("{echo}content-length: 5\r\n\r\nab"),
            "ClientTimeout",
        ),
    ] {
        assert_eq!(body(&site.exchange(&request)), expected, "{request}");
    }
    site.end();
}

#[test]
fn a_client_that_leaves_inside_its_body_harms_nobody() {
    let site = site(LIMITS);
    let mut tcp = site.connect();
    tcp.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab")
        .unwrap();
    tcp.shutdown(Shutdown::Both).unwrap();
    drop(tcp);
    eventually("its connection is gone", || {
        site.running.shared().open_connections() == 0
    });
    site.end();
}

#[test]
fn a_head_that_does_not_come_to_its_end_closes_the_connection() {
    let site = site(LimitsDef {
        header_timeout: Duration::from_millis(80),
        ..LIMITS
    });
    for (bytes, answer) in [
        // Who has said nothing is told nothing.
        ("", ""),
        ("P", ""),
        ("PRI * HTTP/2.0\r\n", ""),
        ("GET / HT", "RequestTimeout"),
        ("GET / HTTP/1.1\r\nhost: x\r\n", "RequestTimeout"),
    ] {
        assert_eq!(body(&site.exchange(bytes)), answer, "{bytes:?}");
    }
    // Also the second head of a connection.
    let mut tcp = site.connect();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    one(&mut tcp);
    tcp.write_all(b"GET / HT").unwrap();
    assert_eq!(body(&rest(&mut tcp)), "RequestTimeout");
    eventually("each is counted", || {
        site.events().head_timeout.load(Ordering::Relaxed) == 6
    });
    site.end();
}

#[test]
fn an_idle_connection_is_closed_but_not_counted_as_slow() {
    let site = site(LimitsDef {
        idle_timeout: Duration::from_millis(80),
        ..LIMITS
    });
    let mut tcp = site.connect();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    one(&mut tcp);
    assert_eq!(rest(&mut tcp), "");
    // One that waits for its answer is not idle.
    let mut waiting = site.connect();
    waiting
        .write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    site.wait_entered();
    std::thread::sleep(Duration::from_millis(300));
    site.gate.add_permits(1);
    assert_eq!(one(&mut waiting).1, "through");
    assert_eq!(site.events().head_timeout.load(Ordering::Relaxed), 0);
    site.end();
}

#[test]
fn a_client_that_does_not_read_is_not_waited_for() {
    let site = site(LimitsDef {
        idle_timeout: Duration::from_millis(80),
        ..LIMITS
    });
    let mut tcp = site.connect();
    tcp.write_all(b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    eventually("it is given up", || {
        site.events().stalled.load(Ordering::Relaxed) == 1
            && site.running.shared().open_connections() == 0
    });
    site.end();
}

#[test]
fn a_panic_is_one_answer_and_no_more() {
    let site = site(LIMITS);
    let mut tcp = site.connect();
    let mut other = site.connect();
    other
        .write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    site.wait_entered();
    for _ in 0..3 {
        tcp.write_all(b"GET /panic HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        assert!(one(&mut tcp).0.starts_with("HTTP/1.1 500"));
    }
    tcp.write_all(b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    assert_eq!(one(&mut tcp).1, "GET /a HTTP/1.1");
    site.gate.add_permits(1);
    assert_eq!(one(&mut other).1, "through");
    assert_eq!(site.events().panics.load(Ordering::Relaxed), 3);
    site.end();
}

#[test]
fn draining_finishes_what_is_in_flight_and_takes_nothing_new() {
    let site = site(LIMITS);
    let mut busy = site.connect();
    busy.write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    site.wait_entered();
    let mut idle = site.connect();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    one(&mut idle);
    site.running.drain();
    // A request that was on its way when draining began is still answered, as the last of its connection.
    idle.write_all(b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let late = rest(&mut idle);
    assert!(
        late.contains("connection: close") && late.contains("GET /late"),
        "{late}"
    );
    eventually("nobody listens", || {
        TcpStream::connect(site.address()).is_err()
    });
    site.gate.add_permits(1);
    let answer = rest(&mut busy);
    assert_eq!(body(&answer), "through");
    assert!(answer.contains("connection: close"), "{answer}");
    site.running.wait();
    assert_eq!(site.running.shared().open_connections(), 0);
}

#[test]
fn draining_ends_though_a_request_does_not() {
    let site = site_with(
        LIMITS,
        &Settings {
            drain: Duration::from_millis(400),
            ..settings()
        },
    );
    let mut busy = site.connect();
    busy.write_all(b"GET /gate HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    site.wait_entered();
    site.running.drain();
    site.running.wait();
    assert_eq!(rest(&mut busy), "");
}

#[test]
fn an_address_in_use_is_a_fault_that_says_so() {
    let site = site(LIMITS);
    let gate = Arc::new(Semaphore::new(0));
    let again = start(
        live(LIMITS, app(gate.clone(), gate)),
        &Settings {
            listen: vec![site.address()],
            ..settings()
        },
        &Clock::system(),
        None,
    );
    let faults = again.err().unwrap();
    assert_eq!(faults.len(), 1);
    assert!(faults[0].message.contains("in use"), "{}", faults[0]);
    site.end();
}

#[test]
fn what_is_served_can_be_replaced() {
    let site = site(LIMITS);
    let mut tcp = site.connect();
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    one(&mut tcp);
    site.running.serve(live(
        LIMITS,
        Arc::new(|_, _, _| Box::pin(async { Reply::new(200).with_body(TEXT, "new") }) as Handling),
    ));
    tcp.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert_eq!(one(&mut tcp).1, "new");
    site.end();
}

fn data(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// Runs a client.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(PATIENCE, work).await.unwrap() })
}

type Http2 = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

async fn http2<I>(io: I) -> (Http2, tokio::task::JoinHandle<hyper::Result<()>>)
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(io))
            .await
            .unwrap();
    (sender, tokio::spawn(connection))
}

async fn get(sender: &mut Http2, uri: &str) -> (u16, String) {
    sender.ready().await.unwrap();
    let request = http::Request::get(uri).body(Empty::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

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

#[test]
fn tls_with_either_version_and_no_other_certificate() {
    let site = site_with(
        LIMITS,
        &Settings {
            tls: Some((data("localhost.crt"), data("localhost.key"))),
            ..settings()
        },
    );
    let address = site.address();
    block_on(async {
        let connect = || tokio::net::TcpStream::connect(address);
        let trusting = ClientTls::trusting("localhost", &data("localhost.crt"));
        let stream = trusting.connect(connect().await.unwrap()).await.unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let request = http::Request::get("/a")
            .header("host", "localhost")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);

        let stream = trusting
            .with_http2()
            .connect(connect().await.unwrap())
            .await;
        let (mut sender, _) = http2(stream.unwrap()).await;
        assert_eq!(
            get(&mut sender, "https://localhost/b").await.1,
            "GET /b HTTP/2.0"
        );

        let doubting = ClientTls::trusting("localhost", &data("other.crt"));
        assert!(doubting.connect(connect().await.unwrap()).await.is_err());
        let elsewhere = ClientTls::trusting("example.com", &data("localhost.crt"));
        assert!(elsewhere.connect(connect().await.unwrap()).await.is_err());
    });
    // No TLS at all.
    assert!(
        !site
            .exchange("GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .contains("HTTP")
    );
    eventually("failed handshakes are counted", || {
        site.events().handshake_failed.load(Ordering::Relaxed) == 3
    });
    site.end();
}

#[test]
fn certificates_are_read_again_and_bad_ones_are_not_taken() {
    let folder = std::env::temp_dir().join(format!("gateway-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (certificate, key) = (folder.join("crt"), folder.join("key"));
    let install = |name: &str| {
        std::fs::copy(data(&format!("{name}.crt")), &certificate).unwrap();
        std::fs::copy(data(&format!("{name}.key")), &key).unwrap();
    };
    install("localhost");
    let site = site_with(
        LIMITS,
        &Settings {
            tls: Some((certificate.clone(), key.clone())),
            ..settings()
        },
    );
    let address = site.address();
    let shows = |name: &str| {
        let trusting = ClientTls::trusting("localhost", &data(&format!("{name}.crt")));
        block_on(async move {
            let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
            let stream: std::io::Result<Stream> = trusting.connect(tcp).await;
            stream.is_ok()
        })
    };
    assert!(shows("localhost") && !shows("other"));
    install("other");
    assert_eq!(site.running.shared().reload_tls(), []);
    assert!(shows("other") && !shows("localhost"));
    // A key that does not belong to the certificate.
    std::fs::copy(data("localhost.key"), &key).unwrap();
    let fault = site.running.shared().reload_tls().remove(0);
    assert!(fault.message.contains("cannot be used together"), "{fault}");
    std::fs::write(&certificate, "nothing").unwrap();
    assert_eq!(site.running.shared().reload_tls().len(), 1);
    assert!(shows("other"));
    site.end();
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn missing_certificates_are_faults_of_the_start() {
    let gate = Arc::new(Semaphore::new(0));
    let faults = start(
        live(LIMITS, app(gate.clone(), gate)),
        &Settings {
            tls: Some((data("absent.crt"), data("localhost.key"))),
            ..settings()
        },
        &Clock::system(),
        None,
    )
    .err()
    .unwrap();
    assert!(faults[0].message.contains("absent.crt"), "{}", faults[0]);
}
