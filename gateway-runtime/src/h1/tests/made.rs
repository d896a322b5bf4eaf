//! Messages made of parts that are right, nearly right or wrong.

use proptest::prelude::*;

/// First lines of requests, right and wrong.
pub(super) const REQUEST_LINES: &[&str] = &[
    "GET / HTTP/1.1",
    "POST /a?b HTTP/1.1",
    "PUT /x HTTP/1.0",
    "GET http://a/b HTTP/1.1",
    "OPTIONS * HTTP/1.1",
    "CONNECT a:1 HTTP/1.1",
    "GET  / HTTP/1.1",
    "GET /\tx HTTP/1.1",
    "\r\nGET / HTTP/1.1",
    "\nGET / HTTP/1.1",
    "get /%2e\u{e9} HTTP/1.1",
    "GET / HTTP/1.2",
    "GET /",
    "G{T / HTTP/1.1",
];
/// First lines of answers, right and wrong.
pub(super) const STATUS_LINES: &[&str] = &[
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200",
    "HTTP/1.0 404 ",
    "HTTP/1.1 204 No Content",
    "HTTP/1.1 304 x",
    "HTTP/1.1 100 Continue",
    "HTTP/1.1 999 \u{e9}",
    "HTTP/1.1 99 x",
    "HTTP/1.1  200 x",
    "HTTP/2 200",
    "\r\nHTTP/1.1 200 OK",
    "HTTP/1.1 2000 x",
];
const LINES: &[&str] = &[
    "Host: a",
    "content-length: 3",
    "content-length: 0",
    "Content-Length: 003",
    "content-length: 3, 3",
    "content-length: +3",
    "content-length : 3",
    "content-length:3\t",
    "content-length: 18446744073709551616",
    "transfer-encoding: chunked",
    "Transfer-Encoding:\tCHUNKED ",
    "transfer-encoding: gzip, chunked",
    "transfer-encoding: chunked;q=1",
    "transfer-encoding: identity",
    "transfer_encoding: chunked",
    "connection: close",
    "connection: keep-alive, x",
    "expect: 100-continue",
    "x: a\tb",
    "x:",
    "x-\u{e9}: y",
    "y: \u{e9}",
    " folded",
    "\tfolded",
    "no colon",
    ": empty",
    "x: \u{0}",
    "x: a\rb",
    "|~`^_!#$%&'*+.-09aZ: token",
];
const BODIES: &[&str] = &[
    "",
    "abc",
    "abcd",
    "0\r\n\r\n",
    "3\r\nabc\r\n0\r\n\r\n",
    "3;x=\"y\"\r\nabc\r\n0\r\n\r\n",
    "3 ; x\r\nabc\r\n00\r\nx: y\r\n\r\n",
    "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n",
    "3\r\nabc\r\n0\r\ncontent-length: 3\r\nx: y\r\n\r\n",
    "3\nabc\r\n0\r\n\r\n",
    "3\r\nabcd\r\n0\r\n\r\n",
    "3 \r\nabc\r\n0\r\n\r\n",
    "0x3\r\nabc\r\n0\r\n\r\n",
    "0000000000000000003\r\nabc\r\n0\r\n\r\n",
    "ffffffffffffffff\r\nabc",
    "3\r\nabc\r\n0\r\nx : y\r\n\r\n",
    "3\r\nabc\r\n0\r\n y\r\n\r\n",
    "0\r\nGET / HTTP/1.1\r\n\r\n",
    "3\r\nabc\n0\r\n\r\n",
    "3;\n\r\nabc\r\n0\r\n\r\n",
    "10000000000000003\r\nabc\r\n0\r\n\r\n",
    "3\r\nabc\r\n0\r\nx: y\n\r\n\r\n",
    "3\r\nabc\r\n\r\n0\r\n\r\n",
];
const ENDS: &[&str] = &[
    "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n",
];
/// What is put into messages at any place.
const SALT: &[u8] = b"\r\n\r\n \t:;,0139afAF-+\"\\\0\x0b\x7f\x80\xffx/?#%";

/// A change of a byte: where, what, and how.
pub(super) type Change = (prop::sample::Index, u8, u8);

/// Bytes with some changes.
pub(super) fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for (place, salt, how) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = place.index(bytes.len());
        let salt = SALT[usize::from(*salt) % SALT.len()];
        match how % 5 {
            0 => bytes[at] = salt,
            1 => bytes.insert(at, salt),
            2 => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            _ => {
                let end = bytes.len().min(at + 1 + usize::from(how >> 3));
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
        }
    }
    bytes
}

/// Messages that are nearly right: a first line, fields, a body, with an end of a line that is usually one, and a few changes.
pub(super) fn messages(first: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let text = |list: &'static [&'static str]| prop::sample::select(list);
    (
        text(first),
        prop_oneof![2 => Just(""), 3 => Just("transfer-encoding: chunked\r\n"), 1 => Just("content-length: 3\r\n")],
        prop::collection::vec((text(LINES), text(ENDS)), 0..4),
        text(ENDS),
        text(BODIES),
        prop_oneof![2 => Just(""), 1 => text(BODIES), 1 => Just("GET /next HTTP/1.1\r\n\r\n")],
        prop::collection::vec(any::<Change>(), 0..4),
        any::<bool>(),
    )
        .prop_map(|(first, framing, lines, end, body, behind, changes, changing)| {
            let mut message = format!("{first}\r\n{framing}");
            for (line, end) in lines {
                message.push_str(line);
                message.push_str(end);
            }
            message.push_str(end);
            message.push_str(body);
            message.push_str(behind);
            // One byte for each character.
            let bytes = message.chars().map(|char| char as u8).collect();
            match changing {
                true => changed(bytes, &changes),
                false => bytes,
            }
        })
}
