#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod differential;
mod encoder;
mod made;
#[allow(
    unreachable_pub,
    reason = "the tests of the whole read with it as well"
)]
mod reference;

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use proptest::prelude::*;
use tokio::io::AsyncWrite;

use super::*;
use crate::clock::Civil;
use crate::exchange::{FieldName, FieldValue, Head, Headers};

/// What a head of a request is read as: method, target, fields and framing, or the fault.
fn read(bytes: &str) -> String {
    match request(bytes.as_bytes(), 100) {
        Ok(None) => "partial".to_owned(),
        Ok(Some((head, length))) => {
            let framing = of_request(&head.survey, head.version);
            let mut shown = format!("{} {}", head.method, head.target.as_str());
            if let Some(authority) = &head.authority {
                shown.push_str(&format!(" at {authority}"));
            }
            for (name, value) in head.headers.iter() {
                let text = String::from_utf8_lossy;
                shown.push_str(&format!(" [{}={}]", text(name), text(value)));
            }
            let end = if head.survey.keeps_alive(head.version) {
                ""
            } else {
                ", last"
            };
            let rest = bytes.len() - length;
            format!("{shown} {framing:?}{end}, {rest} left")
        }
        Err(fault) => format!("{fault:?}"),
    }
}

#[test]
fn heads_of_requests() {
    for (bytes, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", "GET / Ok(Empty), 0 left"),
        (
            "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET",
            "GET / [Host=x] Ok(Empty), 3 left",
        ),
        ("GET / HTTP/1.0\r\n\r\n", "GET / Ok(Empty), last, 0 left"),
        (
            "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
            "GET / [Connection=Keep-Alive] Ok(Empty), 0 left",
        ),
        (
            "GET / HTTP/1.1\r\nconnection: x, Close\r\n\r\n",
            "GET / [connection=x, Close] Ok(Empty), last, 0 left",
        ),
        // White space around a value is not part of it.
        (
            "GET / HTTP/1.1\r\na: \t b \t\r\n\r\n",
            "GET / [a=b] Ok(Empty), 0 left",
        ),
        (
            "GET / HTTP/1.1\r\na:\r\n\r\n",
            "GET / [a=] Ok(Empty), 0 left",
        ),
        // Old clients send an empty line behind a body.
        ("\r\n\r\nGET / HTTP/1.1\r\n\r\n", "GET / Ok(Empty), 0 left"),
        // Targets.
        ("GET * HTTP/1.1\r\n\r\n", "GET * Ok(Empty), 0 left"),
        (
            "GET http://x/y?z HTTP/1.1\r\n\r\n",
            "GET /y?z at x Ok(Empty), 0 left",
        ),
        (
            "GET http://x HTTP/1.1\r\n\r\n",
            "GET / at x Ok(Empty), 0 left",
        ),
        (
            "GET x:80 HTTP/1.1\r\n\r\n",
            "GET / at x:80 Ok(Empty), 0 left",
        ),
        ("GET ftp://x/y HTTP/1.1\r\n\r\n", "Target"),
        ("GET file:///y HTTP/1.1\r\n\r\n", "Target"),
        ("GET /a#b HTTP/1.1\r\n\r\n", "Target"),
        ("GET  / HTTP/1.1\r\n\r\n", "Target"),
        ("GET / a HTTP/1.1\r\n\r\n", "Head"),
        ("GET /a\tb HTTP/1.1\r\n\r\n", "Target"),
        ("GET HTTP/1.1\r\n\r\n", "Target"),
        // Methods and versions.
        ("G(T / HTTP/1.1\r\n\r\n", "Method"),
        (" GET / HTTP/1.1\r\n\r\n", "Method"),
        ("get / HTTP/1.1\r\n\r\n", "get / Ok(Empty), 0 left"),
        ("GET / HTTP/2.0\r\n\r\n", "Head"),
        ("GET / HTTP/1.2\r\n\r\n", "Head"),
        ("GET / http/1.1\r\n\r\n", "Head"),
        ("GET /\r\n\r\n", "Target"),
        ("GET / HTTP/1.1 \r\n\r\n", "Head"),
        // Lines end in CR LF and in nothing else.
        ("GET / HTTP/1.1\n\n", "Head"),
        ("GET / HTTP/1.1\r\na: b\n\r\n", "Head"),
        ("GET / HTTP/1.1\na: b\r\n\r\n", "Head"),
        ("GET / HTTP/1.1\r\na: b\r\nc: d\n\n", "Head"),
        ("GET / HTTP/1.1\r\na: b\r\n\n", "Head"),
        ("\nGET / HTTP/1.1\r\n\r\n", "Head"),
        ("GET / HTTP/1.1\r\na: b\rc\r\n\r\n", "Field"),
        // Fields.
        ("GET / HTTP/1.1\r\na : b\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\n a: b\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\na: b\r\n\tc\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\n: b\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\na\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\na\0: b\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\na: b\0\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\na: \u{7f}\r\n\r\n", "Field"),
        ("GET / HTTP/1.1\r\nä: b\r\n\r\n", "Field"),
        (
            "GET / HTTP/1.1\r\na: ä\r\n\r\n",
            "GET / [a=ä] Ok(Empty), 0 left",
        ),
        // Incomplete.
        ("", "partial"),
        ("GE", "partial"),
        ("GET / HTTP/1.1\r\n", "partial"),
        ("GET / HTTP/1.1\r\na: b\r\n\r", "partial"),
    ] {
        assert_eq!(read(bytes), expected, "{bytes:?}");
    }
}

#[test]
fn framing_of_requests() {
    let framing = |fields: &str| {
        let shown = read(&format!("POST / HTTP/1.1\r\n{fields}\r\n"));
        shown
            .split_once("] ")
            .map_or(shown.clone(), |(_, framing)| {
                framing
                    .rsplit("] ")
                    .next()
                    .unwrap_or(framing)
                    .trim_end_matches(", 0 left")
                    .to_owned()
            })
    };
    for (fields, expected) in [
        ("content-length: 0\r\n", "Ok(Empty)"),
        ("content-length: 5\r\n", "Ok(Length(5))"),
        ("content-length: 00005\r\n", "Ok(Length(5))"),
        (
            "content-length: 18446744073709551615\r\n",
            "Ok(Length(18446744073709551615))",
        ),
        ("content-length: 18446744073709551616\r\n", "Err(Length)"),
        ("content-length: +5\r\n", "Err(Length)"),
        ("content-length: -5\r\n", "Err(Length)"),
        ("content-length: 5 5\r\n", "Err(Length)"),
        ("content-length: 5, 5\r\n", "Err(Length)"),
        ("content-length: 0x5\r\n", "Err(Length)"),
        ("content-length:\r\n", "Err(Length)"),
        ("content-length: 5\r\ncontent-length: 5\r\n", "Err(Length)"),
        ("content-length: 5\r\nContent-Length: 6\r\n", "Err(Length)"),
        ("transfer-encoding: chunked\r\n", "Ok(Chunked)"),
        ("Transfer-Encoding: Chunked\r\n", "Ok(Chunked)"),
        (
            "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
            "Err(Length)",
        ),
        (
            "content-length: 5\r\ntransfer-encoding: chunked\r\n",
            "Err(Length)",
        ),
        (
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "Err(Coding)",
        ),
        ("transfer-encoding: gzip, chunked\r\n", "Err(Coding)"),
        ("transfer-encoding: chunked, chunked\r\n", "Err(Coding)"),
        ("transfer-encoding: ,chunked\r\n", "Err(Coding)"),
        ("transfer-encoding: chunked;a=b\r\n", "Err(Coding)"),
        ("transfer-encoding: identity\r\n", "Err(Coding)"),
        ("transfer-encoding: xchunked\r\n", "Err(Coding)"),
        ("transfer-encoding:\r\n", "Err(Coding)"),
        ("transfer-encoding: \u{b}chunked\r\n", "Field"),
    ] {
        assert_eq!(framing(fields), expected, "{fields:?}");
    }
    assert_eq!(
        read("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n"),
        "POST / [transfer-encoding=chunked] Err(Coding), last, 0 left"
    );
}

#[test]
fn heads_of_answers() {
    let read = |bytes: &str, bodiless| match response(bytes.as_bytes()) {
        Ok(None) => "partial".to_owned(),
        Ok(Some((head, length))) => {
            let framing = of_response(&head.survey, head.version, bodiless);
            let end = if head.survey.keeps_alive(head.version) {
                ""
            } else {
                ", last"
            };
            format!(
                "{} {framing:?}{end}, {} left",
                head.status,
                bytes.len() - length
            )
        }
        Err(fault) => format!("{fault:?}"),
    };
    for (bytes, expected) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "200 Ok(Close), 0 left"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "200 Ok(Empty), 0 left",
        ),
        (
            "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nhi",
            "200 Ok(Length(2)), 2 left",
        ),
        (
            "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n",
            "200 Ok(Length(2)), last, 0 left",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "200 Ok(Chunked), 0 left",
        ),
        (
            "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "200 Err(Coding), last, 0 left",
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n",
            "200 Err(Length), 0 left",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\n",
            "200 Err(Length), 0 left",
        ),
        (
            "HTTP/1.1 299 Sure, Why Not\r\nconnection: close\r\n\r\n",
            "299 Ok(Close), last, 0 left",
        ),
        ("HTTP/1.1 99 x\r\n\r\n", "Head"),
        ("HTTP/1.1 099 x\r\n\r\n", "Head"),
        ("HTTP/1.1 2000 x\r\n\r\n", "Head"),
        ("HTTP/1.1  200 x\r\n\r\n", "Head"),
        ("\r\nHTTP/1.1 200 x\r\n\r\n", "Head"),
        ("HTTP/1.1 200 x\n\n", "Head"),
        ("HTTP/1.1 200 x\r\na: b\n\r\n", "Head"),
        ("HTTP/1.1 200 x\r\na : b\r\n\r\n", "Field"),
        ("HTTP/1.1 200 x\r\na: b\r\n c\r\n\r\n", "Field"),
        ("hello\r\n\r\n", "Head"),
        ("HTTP/1.1 200 OK\r\n", "partial"),
    ] {
        assert_eq!(read(bytes, false), expected, "{bytes:?}");
    }
    assert_eq!(
        read("HTTP/1.1 304 x\r\ncontent-length: 5\r\n\r\n", true),
        "304 Ok(Empty), 0 left"
    );
}

#[test]
fn more_fields_than_are_read_are_told_apart() {
    let head = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
    assert_eq!(
        request(head.as_bytes(), 100).unwrap_err(),
        HeadFault::TooManyFields
    );
    let (read, _) = request(head.as_bytes(), 300).unwrap().unwrap();
    assert_eq!(read.headers.len(), 200);
}

/// Takes a body out of its framing, given in pieces of `step` bytes.
fn decoded(
    framing: Framing,
    wire: &[u8],
    step: usize,
) -> Result<(Vec<u8>, String, usize), Garbled> {
    let mut decoder = Decoder::new(framing);
    let (mut data, mut shown) = (Vec::new(), String::from("unfinished"));
    let mut there: Vec<u8> = Vec::new();
    let mut given = 0;
    loop {
        match decoder.next(&there)? {
            Piece::Data { skip, length } => {
                data.extend_from_slice(&there[skip..skip + length]);
                there.drain(..skip + length);
            }
            Piece::End { skip, trailers } => {
                there.drain(..skip);
                shown = format!("{trailers:?}");
                return Ok((data, shown, wire.len() - given + there.len()));
            }
            Piece::Nothing => {
                there.clear();
                if given == wire.len() {
                    return Ok((data, shown, 0));
                }
                let end = (given + step.max(1)).min(wire.len());
                there.extend_from_slice(&wire[given..end]);
                given = end;
            }
        }
    }
}

use super::body::Garbled;

#[test]
fn chunked_bodies() {
    for (wire, expected) in [
        ("0\r\n\r\n", Some(("", "None", 0))),
        ("5\r\nhello\r\n0\r\n\r\n", Some(("hello", "None", 0))),
        ("5\r\nhello\r\n0\r\n\r\nGET", Some(("hello", "None", 3))),
        (
            "5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n",
            Some(("hello", "None", 0)),
        ),
        ("5 ; a\r\nhello\r\n0\r\n\r\n", Some(("hello", "None", 0))),
        (
            "a\r\n0123456789\r\n0A\r\n0123456789\r\n0\r\n\r\n",
            Some(("01234567890123456789", "None", 0)),
        ),
        (
            "0\r\nx-a: 1\r\nX-B: 2\r\n\r\n",
            Some(("", r#"Some({"x-a": "1", "X-B": "2"})"#, 0)),
        ),
        // What may not come so late is dropped.
        (
            "0\r\ncontent-length: 7\r\nx-a: 1\r\n\r\n",
            Some(("", r#"Some({"x-a": "1"})"#, 0)),
        ),
        ("0\r\nhost: evil\r\n\r\n", Some(("", "None", 0))),
        ("5\r\nhel", Some(("hel", "unfinished", 0))),
        // Sizes.
        ("\r\n", None),
        ("g\r\n", None),
        ("-5\r\nhello\r\n0\r\n\r\n", None),
        ("0x5\r\nhello\r\n0\r\n\r\n", None),
        (" 5\r\nhello\r\n0\r\n\r\n", None),
        ("5 \r\nhello\r\n0\r\n\r\n", None),
        ("5 5\r\nhello\r\n0\r\n\r\n", None),
        ("ffffffffffffffff\r\n", None),
        ("fffffffffffffff1\r\n", None),
        ("0000000000000005\r\nhello\r\n0\r\n\r\n", None),
        // Ends of lines.
        ("5\nhello\r\n0\r\n\r\n", None),
        ("5\r\nhello\n0\r\n\r\n", None),
        ("5\r\nhello0\r\n\r\n", None),
        ("5\r\nhellooo\r\n0\r\n\r\n", None),
        ("5\r5\r\nhello\r\n0\r\n\r\n", None),
        ("5;a\nb\r\nhello\r\n0\r\n\r\n", None),
        ("5;a\rb\r\nhello\r\n0\r\n\r\n", None),
        // Trailers.
        ("0\r\nx : y\r\n\r\n", None),
        ("0\r\nx: y\n\r\n\r\n", None),
        ("0\r\n x: y\r\n\r\n", None),
        ("0\r\nGET / HTTP/1.1\r\n\r\n", None),
    ] {
        for step in [1, 2, 3, 1000] {
            let found = decoded(Framing::Chunked, wire.as_bytes(), step).ok();
            let found =
                found.map(|(data, end, left)| (String::from_utf8(data).unwrap(), end, left));
            let expected =
                expected.map(|(data, end, left)| (data.to_owned(), end.to_owned(), left));
            assert_eq!(found, expected, "{wire:?} in steps of {step}");
        }
    }
}

#[test]
fn what_stands_around_chunks_is_bounded() {
    let extension = format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(AROUND_CHUNKS + 1));
    let many = format!(
        "{}0\r\n\r\n",
        "1;aaaaaaaa\r\nx\r\n".repeat(AROUND_CHUNKS / 8 + 1)
    );
    let trailers = format!("0\r\nx: {}\r\n\r\n", "a".repeat(AROUND_CHUNKS));
    for wire in [extension, many, trailers] {
        assert_eq!(
            decoded(Framing::Chunked, wire.as_bytes(), 1000),
            Err(Garbled)
        );
    }
    let plain = format!("{}0\r\n\r\n", "1\r\nx\r\n".repeat(AROUND_CHUNKS));
    let (data, _, _) = decoded(Framing::Chunked, plain.as_bytes(), 1000).unwrap();
    assert_eq!(data.len(), AROUND_CHUNKS);
}

#[test]
fn bodies_with_a_length_or_without() {
    assert_eq!(
        decoded(Framing::Length(3), b"abcdef", 2).unwrap(),
        (b"abc".to_vec(), "None".to_owned(), 3)
    );
    assert_eq!(
        decoded(Framing::Length(3), b"ab", 2).unwrap(),
        (b"ab".to_vec(), "unfinished".to_owned(), 0)
    );
    assert_eq!(
        decoded(Framing::Close, b"abc", 2).unwrap(),
        (b"abc".to_vec(), "unfinished".to_owned(), 0)
    );
    let mut close = Decoder::new(Framing::Close);
    assert!(close.ends_here() && close.is_done());
    assert!(!Decoder::new(Framing::Length(1)).ends_here());
    assert!(!Decoder::new(Framing::Chunked).ends_here());
}

fn headers(fields: &[(&'static str, &'static str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.append(FieldName::from_static(name), FieldValue::from_static(value));
    }
    headers
}

#[test]
fn heads_are_written_with_one_framing() {
    // Whatever the fields say.
    let fields = headers(&[
        ("host", "x"),
        ("content-length", "99"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("a", "b"),
    ]);
    let request = |method: http::Method, framing| {
        let mut out = Vec::new();
        request_head(&mut out, &method, "/y", &fields, framing, false);
        String::from_utf8(out).unwrap()
    };
    for (method, framing, end) in [
        (http::Method::GET, Framing::Empty, ""),
        (http::Method::POST, Framing::Empty, "content-length: 0\r\n"),
        (
            http::Method::POST,
            Framing::Length(7),
            "content-length: 7\r\n",
        ),
        (
            http::Method::POST,
            Framing::Chunked,
            "transfer-encoding: chunked\r\n",
        ),
    ] {
        assert_eq!(
            request(method.clone(), framing),
            format!("{method} /y HTTP/1.1\r\nhost: x\r\na: b\r\n{end}\r\n")
        );
    }
    let date = Civil::from_unix(0).http_date();
    let response = |status, framing, connection| {
        let mut out = Vec::new();
        response_head(&mut out, status, &fields, framing, connection, &date);
        String::from_utf8(out).unwrap()
    };
    let tail = "date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n";
    for (status, framing, connection, expected) in [
        (
            200,
            Some(Framing::Empty),
            "",
            "200 OK\r\nhost: x\r\na: b\r\ncontent-length: 0\r\n",
        ),
        (204, None, "", "204 No Content\r\nhost: x\r\na: b\r\n"),
        (
            299,
            Some(Framing::Length(3)),
            "close",
            "299 \r\nhost: x\r\na: b\r\ncontent-length: 3\r\nconnection: close\r\n",
        ),
        (
            404,
            Some(Framing::Chunked),
            "keep-alive",
            "404 Not Found\r\nhost: x\r\na: b\r\ntransfer-encoding: chunked\r\nconnection: keep-alive\r\n",
        ),
    ] {
        assert_eq!(
            response(status, framing, connection),
            format!("HTTP/1.1 {expected}{tail}")
        );
    }
}

/// A socket that takes `step` bytes at a time, and every other time none.
struct Narrow {
    taken: Vec<u8>,
    step: usize,
    open: bool,
}

impl AsyncWrite for Narrow {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.open = !self.open;
        if !self.open {
            return Poll::Pending;
        }
        let count = bytes.len().min(self.step);
        self.taken.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let joined: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        self.as_mut().poll_write(cx, &joined)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

proptest! {
    #[test]
    fn an_outbox_keeps_the_order(pieces in prop::collection::vec((any::<bool>(), 0_usize..9000), 0..8), step in 1_usize..20_000) {
        let mut out = Outbox::default();
        let mut expected = Vec::new();
        for (at, (text, length)) in pieces.iter().enumerate() {
            let bytes = vec![u8::try_from(at).unwrap(); *length];
            expected.extend_from_slice(&bytes);
            match text {
                true => out.text().extend_from_slice(&bytes),
                false => out.push(Bytes::from(bytes)),
            }
        }
        let mut socket = Narrow { taken: Vec::new(), step, open: false };
        let mut cx = Context::from_waker(Waker::noop());
        while out.poll_flush(&mut socket, &mut cx).is_pending() {}
        prop_assert!(out.is_empty());
        prop_assert_eq!(socket.taken, expected);
    }

    #[test]
    fn any_split_of_a_body_gives_the_same(wire in "([0-9a-f]{1,2}(;[a-z]{0,3})?\r\n[a-z]{0,20}\r\n|\r|\n|0\r\n|\r\n){0,6}", step in 1_usize..9) {
        let whole = decoded(Framing::Chunked, wire.as_bytes(), usize::MAX / 2);
        let split = decoded(Framing::Chunked, wire.as_bytes(), step);
        prop_assert_eq!(whole, split);
    }

    #[test]
    fn what_is_written_is_read_as_it_was(
        method in "[A-Z]{1,8}",
        target in "/[a-z0-9/?=&%]{0,20}",
        fields in prop::collection::vec(("[a-zA-Z][a-zA-Z0-9-]{0,10}", "([!-~]([ -~]{0,10}[!-~])?)?"), 0..6),
    ) {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in &fields {
            head.push_str(&format!("x{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let (first, length) = request(head.as_bytes(), 100).unwrap().unwrap();
        prop_assert_eq!(length, head.len());
        let mut out = Vec::new();
        request_head(&mut out, &first.method, first.target.as_str(), &first.headers, Framing::Length(1), false);
        let (second, _) = request(&out, 100).unwrap().unwrap();
        prop_assert_eq!(&second.method, &first.method);
        prop_assert_eq!(&second.target, &first.target);
        let list = |head: &Head| head.headers.iter().map(|(n, v)| (n.to_vec(), v.to_vec())).filter(|(n, _)| n != b"content-length").collect::<Vec<_>>();
        prop_assert_eq!(list(&second), list(&first));
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = request(&bytes, 100);
        let _ = response(&bytes);
        let _ = decoded(Framing::Chunked, &bytes, 7);
    }
}
