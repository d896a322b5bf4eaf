#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![expect(
    clippy::disallowed_methods,
    reason = "the other end of a socket takes its time"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Waker};

use bytes::Bytes;
use parking_lot::Mutex;

use super::*;
use crate::clock::Clock;
use crate::exchange::{Buffered, FieldName, FieldValue};
use crate::settings::Settings;
use crate::tls::ClientTls;

/// Long beyond what any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a back end does with one connection, in order.
#[derive(Clone)]
enum Act {
    /// Reads a head, and as much of a body as its fields or its last chunk say.
    Read,
    /// Reads no more than the beginning of a request.
    Glance,
    /// Sends these bytes.
    Say(String),
    /// Sends this byte again and again, until nobody takes it.
    Flood(u8),
    /// Closes with a reset.
    Reset,
    /// Waits until the other side closes.
    Hang,
    /// Waits a little.
    Pause,
}
use Act::{Flood, Hang, Pause, Read as Take, Reset};

fn say(text: &str) -> Act {
    Act::Say(text.to_owned())
}

/// A back end that follows one script per connection, and what it was sent.
struct Backend {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

fn backend(scripts: Vec<Vec<Act>>) -> Backend {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    std::thread::spawn(move || {
        for script in scripts {
            let (tcp, _) = listener.accept().unwrap();
            let log = log.clone();
            std::thread::spawn(move || follow(tcp, &script, &log));
        }
    });
    Backend { address, seen }
}

fn follow(mut tcp: TcpStream, script: &[Act], log: &Mutex<Vec<String>>) {
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    for act in script {
        match act {
            Take => match read_request(&mut tcp) {
                Some(request) => log.lock().push(request),
                None => return,
            },
            Act::Glance => tcp.read_exact(&mut [0; 100]).unwrap(),
            Act::Say(text) => {
                if tcp.write_all(text.as_bytes()).is_err() {
                    return;
                }
            }
            Flood(byte) => while tcp.write_all(&[*byte; 4096]).is_ok() {},
            Reset => {
                socket2::SockRef::from(&tcp)
                    .set_linger(Some(Duration::ZERO))
                    .unwrap();
                return;
            }
            Hang => {
                let _ = tcp.read(&mut [0; 1]);
            }
            Pause => std::thread::sleep(Duration::from_millis(60)),
        }
    }
}

fn read_request(tcp: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            let done = if head.contains("transfer-encoding: chunked") {
                body.ends_with("\r\n\r\n") && body.contains("0\r\n")
            } else {
                body.len() >= length
            };
            if done {
                return Some(text.into_owned());
            }
        }
        if tcp.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
}

/// One caller: a worker and its back end.
struct Caller {
    worker: Worker,
    endpoint: Arc<Endpoint>,
    runtime: tokio::runtime::Runtime,
}

fn settings() -> Settings {
    Settings {
        workers: 1,
        ..Settings::default()
    }
}

fn calling(url: &str) -> Caller {
    Caller {
        worker: Worker::lonely(Clock::system()),
        endpoint: Arc::new(Endpoint::new("default", url, &settings()).unwrap()),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
    }
}

impl Caller {
    fn of(backend: &Backend) -> Caller {
        calling(&format!("http://{}", backend.address))
    }

    fn call_within(
        &self,
        mut request: Outgoing,
        span: Duration,
    ) -> Result<Incoming, UpstreamFault> {
        let deadline = self.worker.clock.now().plus(span);
        self.runtime.block_on(async {
            tokio::time::timeout(
                PATIENCE * 2,
                send(&self.worker, &self.endpoint, &mut request, deadline),
            )
            .await
            .expect("a call ends by its deadline")
        })
    }

    fn call(&self, request: Outgoing) -> Result<Incoming, UpstreamFault> {
        self.call_within(request, PATIENCE)
    }

    fn read(&self, body: Body) -> Result<(Bytes, Option<Headers>), BodyFault> {
        self.runtime.block_on(async {
            match body.buffer(1 << 20).await? {
                Buffered::Whole(bytes, trailers) => Ok((bytes, trailers)),
                Buffered::Longer(_) => panic!("more than asked for"),
            }
        })
    }

    /// Calls and reads: the status and the body, or what went wrong.
    fn fate(&self, request: Outgoing) -> String {
        let answer = match self.call(request) {
            Ok(answer) => answer,
            Err(fault) => return format!("{fault:?}"),
        };
        let mut body = answer.body;
        body.pause(Duration::from_millis(300));
        match self.read(body) {
            Ok((bytes, None)) => format!("{} {}", answer.status, String::from_utf8_lossy(&bytes)),
            Ok((bytes, Some(trailers))) => format!(
                "{} {} and {:?}",
                answer.status,
                String::from_utf8_lossy(&bytes),
                trailers.get_str("x-sum")
            ),
            Err(fault) => format!("{} {fault:?}", answer.status),
        }
    }
}

fn request(method: &str, path: &str, body: Body) -> Outgoing {
    Outgoing {
        method: method.parse().unwrap(),
        target: Target::parse(path).unwrap(),
        headers: Headers::new(),
        body,
        tunnel: Body::empty(),
    }
}

fn get() -> Outgoing {
    request("GET", "/", Body::empty())
}

fn post(body: &'static str) -> Outgoing {
    request("POST", "/", Body::full(body))
}

/// What one answer of a back end becomes, and whether its connection is used again.
#[track_caller]
fn check(method: &str, answer: &[Act], expected: &str, again: bool) {
    let kept = [
        &[Take],
        answer,
        &[Take, say("HTTP/1.1 299 x\r\ncontent-length: 4\r\n\r\nkept")],
    ]
    .concat();
    let fresh = vec![
        Take,
        say("HTTP/1.1 299 x\r\ncontent-length: 5\r\n\r\nfresh"),
    ];
    let backend = backend(vec![kept, fresh]);
    let caller = Caller::of(&backend);
    assert_eq!(caller.fate(request(method, "/", Body::empty())), expected);
    let second = if again { "299 kept" } else { "299 fresh" };
    assert_eq!(caller.fate(get()), second, "after {expected}");
}

#[test]
fn answers_that_are_fine() {
    for (method, answer, expected, again) in [
        (
            "GET",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
            "200 abc",
            true,
        ),
        (
            "GET",
            "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
            "200 ",
            true,
        ),
        (
            "GET",
            "HTTP/1.1 404 Not here\r\ncontent-length: 0\r\n\r\n",
            "404 ",
            true,
        ),
        (
            "GET",
            "HTTP/1.1 799 x\r\ncontent-length: 0\r\n\r\n",
            "799 ",
            true,
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
            "200 abc",
            true,
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\ntrailer: x-sum\r\n\r\n1\r\na\r\n0\r\nx-sum: 7\r\n\r\n",
            "200 a and Some(\"7\")",
            true,
        ),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n",
            "200 ",
            true,
        ),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "200 ",
            true,
        ),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", "204 ", true),
        // A body that cannot be there may come all the same, later than can be seen here.
        (
            "GET",
            "HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\n",
            "204 ",
            false,
        ),
        (
            "GET",
            "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n",
            "204 ",
            false,
        ),
        (
            "GET",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
            "304 ",
            true,
        ),
        (
            "GET",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
            "200 a",
            true,
        ),
        // The connection does not outlive these.
        (
            "GET",
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\na",
            "200 a",
            false,
        ),
        (
            "GET",
            "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na",
            "200 a",
            false,
        ),
        // More than was asked for.
        (
            "GET",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab",
            "200 a",
            false,
        ),
        (
            "GET",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nb",
            "200 a",
            false,
        ),
        (
            "HEAD",
            "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
            "200 ",
            false,
        ),
        (
            "GET",
            "HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\nabc",
            "204 ",
            false,
        ),
    ] {
        check(method, &[say(answer), Pause], expected, again);
    }
}

#[test]
fn an_answer_may_end_with_its_connection() {
    let backend = backend(vec![vec![Take, say("HTTP/1.1 200 OK\r\n\r\nabc")]]);
    assert_eq!(Caller::of(&backend).fate(get()), "200 abc");
}

#[test]
fn answers_in_pieces() {
    let answer =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    let pieces: Vec<Act> = answer
        .as_bytes()
        .chunks(7)
        .flat_map(|piece| [say(std::str::from_utf8(piece).unwrap()), Pause])
        .collect();
    check("GET", &pieces, "200 abc", true);
}

#[test]
fn answers_that_are_not() {
    for (answer, expected) in [
        // Broken off.
        (vec![], "Reset"),
        (vec![Reset], "Reset"),
        (vec![say("HTTP/1.1 200 OK\r\ncontent-le")], "Reset"),
        (
            vec![say("HTTP/1.1 200 OK\r\ncontent-le"), Pause, Reset],
            "Reset",
        ),
        (vec![say("HTTP/1.1 100 Continue\r\n\r\n")], "Reset"),
        // No HTTP.
        (vec![say("SSH-2.0-OpenSSH_9.9\r\n")], "Garbled"),
        (vec![say("<html></html>\r\n\r\n")], "Garbled"),
        (vec![say("HTTP/1.1 20 OK\r\n\r\n")], "Garbled"),
        // Longer than a head may be, though all of it may come with the read that crosses the line.
        (
            vec![say(&format!(
                "HTTP/1.1 200 OK\r\ncontent-length: 0\r\na: {}\r\n\r\n",
                "a".repeat(64 << 10)
            ))],
            "Garbled",
        ),
        (vec![say("HTTP/1.1 200 OK\r\na b: c\r\n\r\n")], "Garbled"),
        (
            vec![say("HTTP/1.1 200 OK\r\na: b\r\n c\r\n\r\n")],
            "Garbled",
        ),
        (vec![say("HTTP/2 200\r\n\r\n")], "Garbled"),
        (vec![say("HTTP/1.1 200 OK\r\na: "), Flood(b'a')], "Garbled"),
        // Nobody asked for another protocol.
        (
            vec![
                say(
                    "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
                ),
                Hang,
            ],
            "Garbled",
        ),
        (
            vec![say("HTTP/1.1 101 Switching Protocols\r\n\r\n"), Hang],
            "Garbled",
        ),
        // Framed twice, or in a way of its own.
        (
            vec![say(
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            )],
            "Garbled",
        ),
        (
            vec![say(
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\nabc",
            )],
            "Garbled",
        ),
        (
            vec![say(
                "HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabc",
            )],
            "Garbled",
        ),
        (
            vec![say("HTTP/1.1 200 OK\r\ncontent-length: 3, 3\r\n\r\nabc")],
            "Garbled",
        ),
        (
            vec![say("HTTP/1.1 200 OK\r\ncontent-length: +3\r\n\r\nabc")],
            "Garbled",
        ),
        (
            vec![say(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            )],
            "Garbled",
        ),
        (
            vec![say("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nabc")],
            "Garbled",
        ),
        (
            vec![say(
                "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            )],
            "Garbled",
        ),
        // Broken inside the body.
        (
            vec![say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc")],
            "200 UpstreamReset",
        ),
        (
            vec![
                say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
                Pause,
                Reset,
            ],
            "200 UpstreamReset",
        ),
        (
            vec![say(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
            )],
            "200 UpstreamReset",
        ),
        (
            vec![say(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
            )],
            "200 UpstreamGarbled",
        ),
        (
            vec![say(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n",
            )],
            "200 UpstreamGarbled",
        ),
        (
            vec![say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"), Hang],
            "200 UpstreamTimeout",
        ),
    ] {
        // What follows a failure is a new connection.
        let script = [vec![Take], answer].concat();
        let fresh = vec![
            Take,
            say("HTTP/1.1 299 x\r\ncontent-length: 5\r\n\r\nfresh"),
        ];
        let backend = backend(vec![script, fresh]);
        let caller = Caller::of(&backend);
        assert_eq!(caller.fate(get()), expected);
        assert_eq!(caller.fate(get()), "299 fresh", "after {expected}");
    }
}

#[test]
fn a_back_end_that_hangs_is_not_waited_for_beyond_the_deadline() {
    for script in [
        vec![Take, Hang],
        vec![Take, say("HTTP/1.1 200 OK\r\n"), Hang],
    ] {
        let backend = backend(vec![script]);
        let fault = Caller::of(&backend)
            .call_within(get(), Duration::from_millis(80))
            .unwrap_err();
        assert_eq!(fault, UpstreamFault::Timeout);
    }
}

#[test]
fn back_ends_that_cannot_be_reached() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for (url, expected) in [
        (format!("http://127.0.0.1:{port}"), UpstreamFault::Refused),
        (format!("http://localhost:{port}"), UpstreamFault::Refused),
        (format!("https://127.0.0.1:{port}"), UpstreamFault::Refused),
        (
            "http://nobody.invalid".to_owned(),
            UpstreamFault::Unresolved,
        ),
        // Where clouds keep the credentials of a machine.
        (
            "http://169.254.169.254".to_owned(),
            UpstreamFault::Unresolved,
        ),
        ("http://[fe80::1]".to_owned(), UpstreamFault::Unresolved),
        (
            "http://[fd00:ec2::254]".to_owned(),
            UpstreamFault::Unresolved,
        ),
        (
            "http://[::ffff:169.254.169.254]".to_owned(),
            UpstreamFault::Unresolved,
        ),
        (
            "http://[64:ff9b::a9fe:a9fe]".to_owned(),
            UpstreamFault::Unresolved,
        ),
        (
            "http://[2002:a9fe:a9fe::]".to_owned(),
            UpstreamFault::Unresolved,
        ),
    ] {
        assert_eq!(calling(&url).call(get()).unwrap_err(), expected, "{url}");
    }
}

#[test]
fn addresses_of_back_ends() {
    for (url, expected) in [
        ("http://a.example", "Endpoint(u at \"a.example\")"),
        (
            "https://a.example:8443/base/",
            "Endpoint(u at \"a.example:8443\"/base)",
        ),
        ("http://[::1]:80/", "Endpoint(u at \"[::1]:80\")"),
    ] {
        let endpoint = Endpoint::new("u", url, &settings()).unwrap();
        assert_eq!(format!("{endpoint:?}"), expected);
    }
    for (url, expected) in [
        ("", "no address"),
        ("a.example", "neither `http://` nor `https://`"),
        ("/path", "neither `http://` nor `https://`"),
        ("ftp://a.example", "neither `http://` nor `https://`"),
        ("http://", "no address"),
        ("http://user:pw@a.example", "user name"),
        ("http://a.example?x=1", "query"),
        ("http://a.example:0", "host and port"),
        ("http://a.example:70000", "host and port"),
        ("http://a.example:", "host and port"),
        ("http://a b", "no address"),
    ] {
        let fault = Endpoint::new("u", url, &settings()).unwrap_err();
        assert!(fault.contains(expected), "{url}: {fault}");
    }
}

#[test]
fn targets_behind_a_base_path() {
    let endpoint = Endpoint::new("u", "http://a/base/", &settings()).unwrap();
    let target = Target::parse("/x?y=z").unwrap();
    assert_eq!(endpoint.join(target).unwrap().as_str(), "/base/x?y=z");
    for text in [
        "",
        "x",
        "/a b",
        "/a#b",
        "/\u{e4}",
        "/a\r\nb: c",
        "/a\0",
        "?x",
    ] {
        assert!(Target::parse(text).is_err(), "{text:?}");
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn a_connection_that_was_closed_while_idle_costs_nothing() {
    // The first connection is closed after one answer, the second is used twice.
    for second in [get, || post("body")] {
        let backend = backend(vec![
            vec![Take, say(OK)],
            vec![Take, say(OK), Take, say(OK)],
        ]);
        let caller = Caller::of(&backend);
        assert_eq!(caller.fate(get()), "200 ok");
        // Long enough for the close to arrive.
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(caller.fate(second()), "200 ok");
        assert_eq!(caller.fate(get()), "200 ok");
        assert_eq!(backend.seen.lock().len(), 3);
    }
}

#[test]
fn a_connection_that_closes_on_the_second_request_is_tried_again_only_if_that_is_safe() {
    for (method, body, expected, seen) in [
        ("GET", "", "200 ok", 3),
        ("PUT", "", "200 ok", 3),
        ("DELETE", "", "200 ok", 3),
        ("POST", "", "Reset", 2),
        ("PUT", "body", "Reset", 2),
    ] {
        let backend = backend(vec![vec![Take, say(OK), Take], vec![Take, say(OK)]]);
        let caller = Caller::of(&backend);
        assert_eq!(caller.fate(get()), "200 ok");
        std::thread::sleep(LIKELY_CLOSED * 2);
        let second = request(method, "/", Body::full(body));
        assert_eq!(caller.fate(second), expected, "{method} {body}");
        assert_eq!(backend.seen.lock().len(), seen, "{method} {body}");
    }
}

#[test]
fn a_new_connection_that_closes_is_not_tried_again() {
    let backend = backend(vec![vec![Take], vec![Take, say(OK)]]);
    assert_eq!(Caller::of(&backend).fate(get()), "Reset");
    assert_eq!(backend.seen.lock().len(), 1);
}

#[test]
fn what_is_sent() {
    let backend = backend(vec![vec![
        Take,
        say(OK),
        Take,
        say(OK),
        Take,
        say(OK),
        Take,
        say(OK),
        Take,
        say(OK),
    ]]);
    let caller = Caller::of(&backend);
    let mut named = request("GET", "/a?b=c", Body::empty());
    named
        .headers
        .set(field::HOST, FieldValue::from_static("own.example"));
    caller.fate(named);
    caller.fate(get());
    caller.fate(post("abc"));
    let mut declared = post("");
    declared
        .headers
        .set(field::CONTENT_LENGTH, FieldValue::from_static("0"));
    caller.fate(declared);
    let mut trailers = Headers::new();
    trailers.set(
        FieldName::from_static("x-sum"),
        FieldValue::from_static("3"),
    );
    let mut streamed = request("POST", "/", Body::whole("abc".into(), Some(trailers)));
    streamed
        .headers
        .set(field::TRANSFER_ENCODING, FieldValue::from_static("chunked"));
    streamed
        .headers
        .set(field::TRAILER, FieldValue::from_static("x-sum"));
    caller.fate(streamed);
    let address = backend.address;
    let expected = [
        "GET /a?b=c HTTP/1.1\r\nhost: own.example\r\n\r\n".to_owned(),
        format!("GET / HTTP/1.1\r\nhost: {address}\r\n\r\n"),
        format!("POST / HTTP/1.1\r\nhost: {address}\r\ncontent-length: 3\r\n\r\nabc"),
        format!("POST / HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\n\r\n"),
        format!(
            "POST / HTTP/1.1\r\ntrailer: x-sum\r\nhost: {address}\r\ntransfer-encoding: chunked\r\n\r\n\
             3\r\nabc\r\n0\r\nx-sum: 3\r\n\r\n"
        ),
    ];
    assert_eq!(*backend.seen.lock(), expected);
}

#[test]
fn an_answer_before_the_whole_request_was_read() {
    let answer = "HTTP/1.1 413 Too large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
    let backend = backend(vec![vec![Act::Glance, say(answer), Pause]]);
    let caller = Caller::of(&backend);
    let large = request("POST", "/", Body::full(vec![b'x'; 8 << 20]));
    assert_eq!(caller.fate(large), "413 no");
}

#[test]
fn places_are_bounded_and_waited_for_until_the_deadline() {
    // A chunked body has its connection until it is read.
    let chunked = say("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
    let backend = backend(vec![vec![Take, chunked, Take, say(OK)], vec![Hang]]);
    let caller = Caller::of(&backend);
    caller.endpoint.slot(0).shrink(1);
    let held = caller.call(get()).unwrap();
    assert_eq!(
        caller
            .call_within(get(), Duration::from_millis(50))
            .unwrap_err(),
        UpstreamFault::Overloaded
    );
    // The place comes free with the connection, and the one who waits gets both.
    let deadline = caller.worker.clock.now().plus(PATIENCE);
    let answer = caller.runtime.block_on(async {
        let mut request = get();
        let waiting = send(&caller.worker, &caller.endpoint, &mut request, deadline);
        let release = async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            held.body.buffer(10).await
        };
        let (answer, _) = tokio::join!(waiting, release);
        answer
    });
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(backend.seen.lock().len(), 2);
}

#[test]
fn who_waits_for_a_place_is_bounded() {
    let backend = backend(Vec::new());
    let caller = Caller::of(&backend);
    caller.endpoint.slot(0).shrink(0);
    let deadline = caller.worker.clock.now().plus(PATIENCE);
    let mut requests: Vec<Outgoing> = (0..=pool::MOST_WAITING).map(|_| get()).collect();
    caller.runtime.block_on(async {
        let mut calls: Vec<_> = requests
            .iter_mut()
            .map(|request| Box::pin(send(&caller.worker, &caller.endpoint, request, deadline)))
            .collect();
        let mut poll = |at: usize| {
            let call: Pin<&mut _> = calls[at].as_mut();
            call.poll(&mut Context::from_waker(Waker::noop()))
        };
        for at in 0..pool::MOST_WAITING {
            assert!(poll(at).is_pending(), "{at}");
        }
        let beyond = poll(pool::MOST_WAITING).map(|answered| answered.unwrap_err());
        assert_eq!(beyond, Poll::Ready(UpstreamFault::Overloaded));
    });
}

#[test]
fn an_answer_that_is_dropped_takes_its_connection_with_it() {
    let backend = backend(vec![
        vec![
            Take,
            say("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
            Hang,
        ],
        vec![Take, say(OK)],
    ]);
    let caller = Caller::of(&backend);
    drop(caller.call(get()).unwrap());
    assert_eq!(caller.fate(get()), "200 ok");
}

#[test]
fn the_sweep_closes_what_the_other_side_has_closed() {
    let backend = backend(vec![vec![Take, say(OK)]]);
    let caller = Caller::of(&backend);
    caller.fate(get());
    let swept = |caller: &Caller| {
        caller.runtime.block_on(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            sweep(0, &caller.endpoint, caller.worker.clock.now())
        })
    };
    assert!(!swept(&caller), "nothing is left");
}

#[test]
fn the_sweep_closes_what_was_idle_too_long() {
    let backend = backend(vec![vec![Take, say(OK), Hang]]);
    let caller = Caller::of(&backend);
    caller.fate(get());
    let now = caller.worker.clock.now();
    let sweep_at = |later| {
        caller
            .runtime
            .block_on(async { sweep(0, &caller.endpoint, now.plus(later)) })
    };
    assert!(sweep_at(Duration::from_secs(40)));
    assert!(!sweep_at(Duration::from_secs(60)));
}

#[test]
fn certificates_of_back_ends_are_checked() {
    // A back end that speaks no TLS, and one whose certificate nobody trusts.
    let plain = backend(vec![vec![say("HTTP/1.1 200 OK\r\n\r\n")]]);
    let caller = calling(&format!("https://{}", plain.address));
    assert_eq!(caller.call(get()).unwrap_err(), UpstreamFault::Tls);

    let data = |name: &str| {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data")
            .join(name)
    };
    let server =
        crate::tls::ServerTls::load(&data("localhost.crt"), &data("localhost.key")).unwrap();
    for (trusted, expected) in [("localhost.crt", "200 ok"), ("other.crt", "Tls")] {
        let mut caller = calling("https://localhost");
        caller.endpoint = Arc::new(
            Endpoint::new("default", "https://localhost", &settings())
                .unwrap()
                .with_tls(ClientTls::trusting("localhost", &data(trusted))),
        );
        let fate = caller.runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            Arc::get_mut(&mut caller.endpoint).unwrap().set_port(port);
            let serve = async {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let (tcp, _) = listener.accept().await.unwrap();
                if let Ok((mut stream, http2)) = server.accept(tcp).await {
                    assert!(!http2);
                    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
                    stream.write_all(OK.as_bytes()).await.unwrap();
                    stream.flush().await.unwrap();
                }
            };
            let deadline = caller.worker.clock.now().plus(PATIENCE);
            let call = async {
                let mut request = get();
                match send(&caller.worker, &caller.endpoint, &mut request, deadline).await {
                    Ok(answer) => match answer.body.buffer(100).await {
                        Ok(Buffered::Whole(bytes, _)) => {
                            format!("{} {}", answer.status, String::from_utf8_lossy(&bytes))
                        }
                        other => format!("{:?}", other.err()),
                    },
                    Err(fault) => format!("{fault:?}"),
                }
            };
            tokio::join!(serve, call).1
        });
        assert_eq!(fate, expected, "{trusted}");
    }
}
