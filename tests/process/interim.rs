//! Answers before the answer: when they arrive, and who gets none.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, mpsc};

use bytes::Bytes;
use gateway_tests::gateway::Gateway;
use gateway_tests::http2;
use gateway_tests::wire::{self, Pieces, Talk};

use super::workspace;

const HINTS: &[u8] = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n";
const WHOLE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole";

fn start(back_end: SocketAddr) -> Gateway {
    let args = ["--upstream".to_owned(), format!("http://{back_end}")];
    Gateway::emitted(&workspace::binary("process"), &args, &BTreeMap::new()).unwrap()
}

fn say(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
}

#[test]
fn hints_do_not_wait_for_the_answer() {
    let (go, wait) = mpsc::channel();
    let wait = Mutex::new(wait);
    let gateway = start(wire::back_end(move |stream| {
        let mut read = Vec::new();
        while wire::receive(stream, &mut read).is_some() {
            say(stream, HINTS);
            let _ = wait.lock().unwrap().recv();
            say(stream, WHOLE);
        }
    }));
    let mut talk = Talk::open(gateway.address).unwrap();
    for _ in 0..3 {
        talk.send(b"GET /free HTTP/1.1\r\nhost: a\r\n\r\n", Pieces::Whole);
        let hints = talk.next(false).unwrap().unwrap();
        assert_eq!(hints.status, 103);
        assert_eq!(hints.fields, [(b"link".to_vec(), b"</x>".to_vec())]);
        // Only now.
        go.send(()).unwrap();
        let answer = talk.next(false).unwrap().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "whole"));
    }
}

#[test]
fn hints_arrive_while_the_client_waits_to_send() {
    let gateway = start(wire::back_end(|stream| {
        // Before any of the body: the client has not sent it.
        say(stream, HINTS);
        let mut read = Vec::new();
        let request = wire::receive(stream, &mut read).expect("a request");
        assert_eq!(request.body.data, b"body");
        say(stream, HINTS);
        say(stream, WHOLE);
    }));
    for framing in ["content-length: 4", "transfer-encoding: chunked"] {
        let mut talk = Talk::open(gateway.address).unwrap();
        let head =
            format!("POST /large HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n{framing}\r\n\r\n");
        talk.send(head.as_bytes(), Pieces::Whole);
        let mut before = [(); 2].map(|()| talk.next(false).unwrap().unwrap().status);
        before.sort_unstable();
        assert_eq!(before, [100, 103], "{framing}");
        let body: &[u8] = match framing.starts_with("content") {
            true => b"body",
            false => b"4\r\nbody\r\n0\r\n\r\n",
        };
        talk.send(body, Pieces::Bytes);
        let statuses = [(); 2].map(|()| talk.next(false).unwrap().unwrap().status);
        assert_eq!(statuses, [103, 200], "{framing}");
    }
}

#[test]
fn who_cannot_be_sent_hints_gets_the_answer_alone() {
    let gateway = start(wire::back_end(|stream| {
        let mut read = Vec::new();
        while wire::receive(stream, &mut read).is_some() {
            say(stream, HINTS);
            say(stream, WHOLE);
        }
    }));
    let mut talk = Talk::open(gateway.address).unwrap();
    talk.send(b"GET /free HTTP/1.0\r\nhost: a\r\n\r\n", Pieces::Whole);
    assert_eq!(talk.next(false).unwrap().unwrap().status, 200);
    assert_eq!(talk.rest().unwrap(), b"");
    // The engine for HTTP/2 has no way to send them.
    let request = http::Request::get("http://api.example/free")
        .body(Bytes::new())
        .unwrap();
    let answer = http2::ask(gateway.address, false, request).expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "whole"));
    assert_eq!(answer.header("link"), None);
}

#[test]
fn hints_stand_before_their_own_answer() {
    // Requests that are sent at once, with more hints than a socket takes.
    const REQUESTS: usize = 200;
    let gateway = start(wire::back_end(|stream| {
        let mut read = Vec::new();
        while let Some(request) = wire::receive(stream, &mut read) {
            let (_, name) = request.line.rsplit_once('/').unwrap();
            let link = format!("link: </{name}{}>", "x".repeat(4000));
            let hints = format!("HTTP/1.1 103 Early Hints\r\n{link}\r\n\r\n").repeat(16);
            let length = name.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{name}");
            say(stream, format!("{hints}{answer}").as_bytes());
        }
    }));
    let mut talk = Talk::open(gateway.address).unwrap();
    for number in 0..REQUESTS {
        let request = format!("GET /hasty/{number} HTTP/1.1\r\nhost: a\r\n\r\n");
        talk.send(request.as_bytes(), Pieces::Whole);
    }
    for number in 0..REQUESTS {
        let link = format!("</{number}x");
        loop {
            let next = talk.next(false).unwrap().expect("an answer");
            if next.status != 103 {
                assert_eq!((next.status, next.text()), (200, number.to_string()));
                break;
            }
            assert!(next.fields[0].1.starts_with(link.as_bytes()), "{number}");
        }
    }
}
