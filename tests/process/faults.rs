//! Back ends and clients that break off, at the worst moment: who is not concerned does not notice, and who is gets an answer.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use gateway_tests::gateway::Gateway;
use gateway_tests::wait::eventually;
use gateway_tests::wire::{self, Got, Pieces, Talk};

use super::memory::most;
use super::workspace;

fn start(back_end: SocketAddr) -> Gateway {
    let args = ["--upstream".to_owned(), format!("http://{back_end}")];
    Gateway::emitted(&workspace::binary("process"), &args, &BTreeMap::new()).unwrap()
}

fn get(talk: &mut Talk, path: &str) -> Result<Option<Got>, String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    talk.send(request.as_bytes(), Pieces::Whole);
    talk.next(false)
}

fn post(talk: &mut Talk, path: &str, body: &str) -> Result<Option<Got>, String> {
    let length = body.len();
    let request =
        format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}");
    talk.send(request.as_bytes(), Pieces::Whole);
    talk.next(false)
}

/// Answers with this body, and tells whether that worked.
fn say(mut stream: &TcpStream, body: &str) -> bool {
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).is_ok()
}

/// Waits until the other side of a connection has gone.
fn wait_gone(mut stream: &TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
    let mut piece = vec![0; 1 << 16];
    while matches!(stream.read(&mut piece), Ok(1..)) {}
}

#[test]
fn a_back_end_that_closes_kept_connections_costs_no_request_that_can_be_sent_again() {
    // One answer for each connection; it is closed when the next request is there, by an end or by a reset.
    let closed = Arc::new(AtomicUsize::new(0));
    let counted = closed.clone();
    let gateway = start(wire::back_end(move |stream| {
        let mut read = Vec::new();
        if wire::receive(stream, &mut read).is_none() || !say(stream, "whole") {
            return;
        }
        let _ = (&mut &*stream).read(&mut [0; 1]);
        if counted.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            wire::reset(stream);
        }
    }));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut talk = Talk::open(gateway.address).unwrap();
                for number in 0..50 {
                    let answer = get(&mut talk, "/free").unwrap().unwrap();
                    assert_eq!(
                        (answer.status, answer.text().as_str()),
                        (200, "whole"),
                        "request {number}"
                    );
                }
            });
        }
    });
    let closed = closed.load(Ordering::Relaxed);
    assert!(closed > 100, "only {closed} were closed in the middle");
}

#[test]
fn what_may_not_be_sent_twice_reaches_a_back_end_once() {
    // It takes every second request of a connection, and closes without a word.
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = seen.clone();
    let gateway = start(wire::back_end(move |stream| {
        let mut read = Vec::new();
        for kept in [true, false] {
            let Some(request) = wire::receive(stream, &mut read) else {
                return;
            };
            let body = String::from_utf8(request.body.data).unwrap();
            log.lock().unwrap().push(body);
            if kept && !say(stream, "whole") {
                return;
            }
        }
    }));
    let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
    let mut talk = Talk::open(gateway.address).unwrap();
    for number in 0..60 {
        let answer = post(&mut talk, "/hasty/x", &format!("number {number}"));
        let answer = answer.unwrap().unwrap();
        *answers.entry(answer.status).or_default() += 1;
    }
    // Whether a request was acted on is not known once it was sent: the client is told, and decides.
    assert_eq!(answers.get(&200), Some(&30), "{answers:?}");
    assert_eq!(answers.get(&502), Some(&30), "{answers:?}");
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    let all = seen.len();
    seen.dedup();
    assert_eq!((seen.len(), all), (60, 60), "each was received, and once");
}

#[test]
fn a_connection_that_was_closed_before_takes_no_request() {
    // It closes behind each answer, without having said so.
    let gateway = start(wire::back_end(move |stream| {
        let mut read = Vec::new();
        if wire::receive(stream, &mut read).is_some() {
            say(stream, "whole");
        }
    }));
    let mut talk = Talk::open(gateway.address).unwrap();
    for number in 0..20 {
        // As long as an idle connection is taken for open without a question.
        wait(Duration::from_millis(25));
        let answer = post(&mut talk, "/hasty/x", "once").unwrap().unwrap();
        assert_eq!(answer.status, 200, "request {number}");
    }
}

#[test]
fn what_a_back_end_says_unasked_is_nobodys_answer() {
    let unasked = Arc::new(AtomicUsize::new(0));
    let sent = unasked.clone();
    let gateway = start(wire::back_end(move |stream| {
        let mut read = Vec::new();
        while wire::receive(stream, &mut read).is_some() && say(stream, "whole") {
            // The answer has arrived, and its connection is idle.
            wait(Duration::from_millis(10));
            let _ = say(stream, "evil");
            sent.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let mut talk = Talk::open(gateway.address).unwrap();
    for number in 0..20 {
        let answer = match number % 2 {
            0 => get(&mut talk, "/free"),
            _ => post(&mut talk, "/hasty/x", "body"),
        };
        let answer = answer.unwrap().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "whole"));
        eventually("it says more", || unasked.load(Ordering::Relaxed) > number);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client or a back end that takes its time"
)]
fn wait(time: Duration) {
    thread::sleep(time);
}

#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    const MUCH: usize = 16 << 20;
    let gateway = start(wire::back_end(move |mut stream| {
        // No more than the beginning is read.
        let _ = stream.read(&mut [0; 1000]);
        let answer = "HTTP/1.1 413 Too Much\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig";
        let _ = stream.write_all(answer.as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
        wait_gone(stream);
    }));
    for framing in [
        format!("content-length: {MUCH}"),
        "transfer-encoding: chunked".to_owned(),
    ] {
        let mut talk = Talk::open(gateway.address).unwrap();
        let head = format!("POST /large HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n");
        talk.send(head.as_bytes(), Pieces::Whole);
        let answer = thread::scope(|scope| {
            let mut sender = talk.twin().unwrap();
            let chunked = framing.starts_with("transfer");
            scope.spawn(move || {
                let piece = match chunked {
                    true => format!("1000\r\n{}\r\n", "x".repeat(0x1000)),
                    false => "x".repeat(0x1000),
                };
                for _ in 0..MUCH / 0x1000 {
                    // Nobody has to listen any more.
                    if sender.write_all(piece.as_bytes()).is_err() {
                        break;
                    }
                }
            });
            talk.next(false).unwrap().unwrap()
        });
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (413, "big"),
            "{framing}"
        );
    }
}

#[test]
fn an_answer_before_the_body_does_not_keep_the_connection() {
    // The rest of the body would be read as the next request.
    let heads: Arc<Mutex<Vec<usize>>> = Arc::default();
    let log = heads.clone();
    let gateway = start(wire::back_end(move |mut stream| {
        let mut first = [0; 1];
        if stream.read(&mut first).is_ok_and(|count| count == 1) {
            say(stream, "early");
        }
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        let count = String::from_utf8_lossy(&rest)
            .matches(" HTTP/1.1\r\n")
            .count();
        log.lock().unwrap().push(count);
    }));
    for _ in 0..20 {
        let mut talk = Talk::open(gateway.address).unwrap();
        talk.send(
            b"POST /large HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nsome",
            Pieces::Whole,
        );
        let answer = talk.next(false).unwrap().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "early"));
    }
    eventually("every connection is closed", || {
        heads.lock().unwrap().len() == 20
    });
    assert_eq!(
        *heads.lock().unwrap(),
        [1; 20],
        "requests of each connection"
    );
}

#[test]
fn a_client_that_leaves_takes_its_call_along() {
    let (came, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (came.clone(), gone.clone());
    let gateway = start(wire::back_end(move |mut stream| {
        let mut read = Vec::new();
        let Some(request) = wire::receive(stream, &mut read) else {
            return;
        };
        counts.0.fetch_add(1, Ordering::Relaxed);
        if request.line.ends_with("/large") {
            // As much as is taken, without an end.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            let piece = [b'x'; 4096];
            while stream.write_all(&piece).is_ok() {}
        } else {
            // Nothing is answered.
            wait_gone(stream);
        }
        counts.1.fetch_add(1, Ordering::Relaxed);
    }));
    let held: Vec<Talk> = (0..10)
        .map(|number| {
            let path = if number % 2 == 0 { "/held" } else { "/large" };
            let mut talk = Talk::open(gateway.address).unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
            talk.send(request.as_bytes(), Pieces::Whole);
            talk
        })
        .collect();
    eventually("all calls have come", || came.load(Ordering::Relaxed) == 10);
    drop(held);
    eventually("all calls are over", || gone.load(Ordering::Relaxed) == 10);
}

#[test]
fn a_back_end_that_does_not_read_is_not_fed_and_not_waited_for() {
    let gateway = start(wire::back_end(|_| wait(Duration::from_secs(30))));
    let before = most(&gateway);
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let mut talk = Talk::open(gateway.address).unwrap();
                let head = "POST /hasty/x HTTP/1.1\r\nhost: a\r\ncontent-length: 67108864\r\n\r\n";
                talk.send(head.as_bytes(), Pieces::Whole);
                let mut sender = talk.twin().unwrap();
                thread::spawn(move || {
                    let piece = vec![b'x'; 1 << 16];
                    while sender.write_all(&piece).is_ok() {}
                });
                let answer = talk.next(false).unwrap().unwrap();
                assert_eq!(answer.status, 504);
            });
        }
    });
    let grown = most(&gateway) - before;
    assert!(
        grown < 16 << 20,
        "{grown} bytes for ten bodies that go nowhere"
    );
}

/// What is to become of a request: its path says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Fine,
    Chunked,
    NoAnswer,
    ResetBefore,
    HalfHead,
    ResetInHead,
    GiantHead,
    HalfBody,
    ResetInside,
    HalfChunk,
    ResetInChunk,
    BadChunk,
    Garbage,
    Behind,
}

impl Fate {
    const ALL: [Fate; 14] = [
        Fate::Fine,
        Fate::Chunked,
        Fate::NoAnswer,
        Fate::ResetBefore,
        Fate::HalfHead,
        Fate::ResetInHead,
        Fate::GiantHead,
        Fate::HalfBody,
        Fate::ResetInside,
        Fate::HalfChunk,
        Fate::ResetInChunk,
        Fate::BadChunk,
        Fate::Garbage,
        Fate::Behind,
    ];

    /// What the back end sends; whether the connection stays, ends or is reset.
    fn answer(self, body: &str) -> (String, wire::Then) {
        let (length, ok) = (body.len(), "HTTP/1.1 200 OK\r\n");
        let chunked = format!("{ok}transfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n");
        let whole = format!("{ok}content-length: {length}\r\n\r\n{body}");
        let half = format!("{ok}content-length: {}\r\n\r\n{body}", length + 1);
        match self {
            Fate::Fine => (whole, wire::Then::Keep),
            Fate::Chunked => (format!("{chunked}0\r\n\r\n"), wire::Then::Keep),
            Fate::NoAnswer => (String::new(), wire::Then::Close),
            Fate::ResetBefore => (String::new(), wire::Then::Reset),
            Fate::HalfHead => (format!("{ok}content-le"), wire::Then::Close),
            Fate::ResetInHead => (format!("{ok}content-le"), wire::Then::Reset),
            Fate::GiantHead => (format!("{ok}x: {}", "x".repeat(1 << 17)), wire::Then::Keep),
            Fate::HalfBody => (half, wire::Then::Close),
            Fate::ResetInside => (half, wire::Then::Reset),
            Fate::HalfChunk => (format!("{chunked}5\r\nab"), wire::Then::Close),
            Fate::ResetInChunk => (format!("{chunked}5\r\nab"), wire::Then::Reset),
            Fate::BadChunk => (format!("{chunked}zz\r\n"), wire::Then::Keep),
            Fate::Garbage => ("no HTTP\r\n\r\n".to_owned(), wire::Then::Keep),
            Fate::Behind => (format!("{whole}{whole}"), wire::Then::Keep),
        }
    }

    /// Whether an answer is what may become of this.
    fn allows(self, answer: &Got, body: &str) -> bool {
        let begins = answer.status == 200 && body.as_bytes().starts_with(&answer.body);
        match self {
            Fate::Fine | Fate::Chunked | Fate::Behind => {
                answer.status == 200 && !answer.cut && answer.text() == body
            }
            Fate::NoAnswer
            | Fate::ResetBefore
            | Fate::HalfHead
            | Fate::ResetInHead
            | Fate::GiantHead
            | Fate::Garbage => answer.status == 502 && !answer.cut,
            // A reset may take away what came before it; then there was no answer.
            Fate::ResetInside => begins && answer.cut || answer.status == 502,
            Fate::ResetInChunk => answer.cut || answer.status == 502,
            // What stands between chunks is not read by this client.
            Fate::HalfBody | Fate::HalfChunk | Fate::BadChunk => answer.status == 200 && answer.cut,
        }
    }
}

#[test]
fn faults_concern_nobody_else() {
    let gateway = start(wire::back_end(|mut stream| {
        let mut read = Vec::new();
        while let Some(request) = wire::receive(stream, &mut read) {
            let (_, name) = request.line.rsplit_once('/').unwrap();
            let number: usize = name.parse().unwrap();
            let (answer, then) = Fate::ALL[number % Fate::ALL.len()].answer(&body(number));
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
            match then {
                wire::Then::Keep => {}
                wire::Then::Close => return,
                wire::Then::Reset => return wire::reset(stream),
            }
        }
    }));
    let mut warm = Talk::open(gateway.address).unwrap();
    assert_eq!(get(&mut warm, "/hasty/0").unwrap().unwrap().status, 200);
    thread::scope(|scope| {
        for client in 0..8 {
            let address = gateway.address;
            scope.spawn(move || {
                let mut talk = Talk::open(address).unwrap();
                for round in 0..60 {
                    // Another order for every client.
                    let number = round * (2 * client + 1) + client;
                    let fate = Fate::ALL[number % Fate::ALL.len()];
                    if round % 9 == 8 {
                        leave(address, number);
                    }
                    let answer = get(&mut talk, &format!("/hasty/{number}"));
                    let answer = answer.unwrap().expect("an answer");
                    assert!(
                        fate.allows(&answer, &body(number)),
                        "{fate:?} of {number}: {answer:?}"
                    );
                    if answer.cut {
                        talk = Talk::open(address).unwrap();
                    }
                }
            });
        }
    });
    drop(warm);
    // Standard streams, two listeners, their events: what is left is what it began with, and the pool.
    eventually("every client's connection is closed", || {
        let open = fs::read_dir(format!("/proc/{}/fd", gateway.id())).unwrap();
        open.count() < 60
    });
    let mut talk = Talk::open(gateway.address).unwrap();
    assert_eq!(get(&mut talk, "/hasty/0").unwrap().unwrap().status, 200);
}

/// The body of an answer that nobody else gets.
fn body(number: usize) -> String {
    format!("this is the answer to number {number}")
}

/// A client that goes in the middle of its request, or right behind it.
fn leave(address: SocketAddr, number: usize) {
    let (framing, body) = match number.is_multiple_of(3) {
        true => ("transfer-encoding: chunked", "4\r\nhalf\r\n6\r\n GET"),
        false => ("content-length: 10", "half GET "),
    };
    let request = format!("POST /hasty/{number} HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n{body}");
    let mut stream = TcpStream::connect(address).unwrap();
    let end = request.len() * (number % 7 + 1) / 8;
    stream.write_all(&request.as_bytes()[..end]).unwrap();
    if number.is_multiple_of(2) {
        wire::reset(&stream);
    }
}

#[test]
fn a_back_end_that_stops_is_not_waited_for() {
    let (ok, chunks) = ("HTTP/1.1 200 OK\r\n", "transfer-encoding: chunked\r\n\r\n");
    let beginnings = [
        (String::new(), 504),
        (ok[..10].to_owned(), 504),
        (format!("{ok}content-length: 5\r\n"), 504),
        ("HTTP/1.1 103 Early Hints\r\n\r\n".to_owned(), 504),
        (format!("{ok}content-length: 5\r\n\r\nha"), 200),
        (format!("{ok}{chunks}"), 200),
        (format!("{ok}{chunks}5\r\nha"), 200),
        (format!("{ok}{chunks}2\r\nha\r\n0\r\n"), 200),
    ];
    let said = beginnings.clone();
    let gateway = start(wire::back_end(move |mut stream| {
        let mut read = Vec::new();
        let request = wire::receive(stream, &mut read).expect("a request");
        let (_, name) = request.line.rsplit_once('/').unwrap();
        let (beginning, _) = &said[name.parse::<usize>().unwrap()];
        stream.write_all(beginning.as_bytes()).unwrap();
        wait_gone(stream);
    }));
    thread::scope(|scope| {
        for (number, (beginning, status)) in beginnings.iter().enumerate() {
            let address = gateway.address;
            scope.spawn(move || {
                let mut talk = Talk::open(address).unwrap();
                let mut answer = get(&mut talk, &format!("/hasty/{number}"))
                    .unwrap()
                    .unwrap();
                if answer.status == 103 {
                    answer = talk.next(false).unwrap().unwrap();
                }
                let cut = *status == 200;
                assert_eq!((answer.status, answer.cut), (*status, cut), "{beginning:?}");
            });
        }
    });
}

#[test]
fn a_client_that_ends_inside_its_body_can_read_why_it_is_refused() {
    let gateway = start(wire::back_end(|stream| {
        // What comes of a request that breaks off is never answered.
        wait_gone(stream);
    }));
    for (framing, body) in [
        ("content-length: 10", ""),
        ("content-length: 10", "half "),
        ("transfer-encoding: chunked", ""),
        ("transfer-encoding: chunked", "4\r\nhal"),
        ("transfer-encoding: chunked", "4\r\nhalf\r\n0\r\n"),
    ] {
        let mut talk = Talk::open(gateway.address).unwrap();
        let request = format!("POST /large HTTP/1.1\r\nhost: a\r\n{framing}\r\n\r\n{body}");
        talk.send(request.as_bytes(), Pieces::Whole);
        talk.end();
        let answer = talk.next(false).unwrap().unwrap();
        assert_eq!(
            (answer.status, answer.cut),
            (400, false),
            "{framing} {body:?}"
        );
        assert_eq!(talk.rest().unwrap(), b"", "{framing} {body:?}");
    }
}

#[test]
fn back_ends_and_clients_that_say_everything_byte_by_byte() {
    let gateway = start(wire::back_end(|mut stream| {
        let _ = stream.set_nodelay(true);
        let mut read = Vec::new();
        while let Some(request) = wire::receive(stream, &mut read) {
            let body = String::from_utf8(request.body.data).unwrap();
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{body}\r\n0\r\nx-t: 1\r\n\r\n"
            );
            for byte in answer.bytes() {
                stream.write_all(&[byte]).unwrap();
            }
        }
    }));
    thread::scope(|scope| {
        for client in 0..4 {
            let address = gateway.address;
            scope.spawn(move || {
                let mut talk = Talk::open(address).unwrap();
                for round in 0..5 {
                    let body = format!("from {client} in {round}");
                    let length = body.len();
                    let request = format!(
                        "POST /large HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n{body}"
                    );
                    talk.send(request.as_bytes(), Pieces::Bytes);
                    let answer = talk.next(false).unwrap().unwrap();
                    assert_eq!((answer.status, answer.text()), (200, body));
                }
            });
        }
    });
}

#[test]
fn no_request_on_a_kept_connection_fails_by_sigterm() {
    let gateway = start(wire::back_end(|stream| {
        let mut read = Vec::new();
        while wire::receive(stream, &mut read).is_some() && say(stream, "whole") {}
    }));
    let address = gateway.address;
    let served = AtomicUsize::new(0);
    let mut gateway = gateway;
    thread::scope(|scope| {
        for client in 0..8 {
            let served = &served;
            scope.spawn(move || {
                let mut talk = Talk::open(address).unwrap();
                // Every request that was sent before the gateway said that it closes is answered.
                loop {
                    let answer = match client % 2 {
                        0 => get(&mut talk, "/free"),
                        _ => post(&mut talk, "/hasty/x", "body"),
                    };
                    let answer = answer.unwrap().expect("an answer");
                    assert_eq!((answer.status, answer.text().as_str()), (200, "whole"));
                    served.fetch_add(1, Ordering::Relaxed);
                    let closing = |(name, _): &(Vec<u8>, Vec<u8>)| name == b"connection";
                    if answer.fields.iter().any(closing) {
                        break;
                    }
                }
            });
        }
        eventually("it is under load", || served.load(Ordering::Relaxed) > 400);
        gateway.signal("TERM");
    });
    assert_eq!(gateway.wait(), Some(0));
}
