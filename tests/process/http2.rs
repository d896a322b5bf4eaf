//! HTTP/2 by the frame: what the gateway announces, and what becomes of clients that ask for too much.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use gateway_tests::client::Connection;
use gateway_tests::gateway::Gateway;

use super::back_end::BackEnd;
use super::workspace;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame (RFC 9113 §4.1).
#[derive(Debug)]
struct Frame {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A number with a prefix of 7 bits (RFC 7541 §5.1), none of them Huffman's.
fn number(mut value: usize) -> Vec<u8> {
    if value < 127 {
        return vec![u8::try_from(value).unwrap()];
    }
    let mut bytes = vec![127];
    value -= 127;
    while value >= 128 {
        bytes.push(u8::try_from(value % 128).unwrap() | 128);
        value /= 128;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

/// A field that no table keeps, or (`first` is 0x40) one that the table keeps.
fn field(first: u8, name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![first];
    for text in [name, value] {
        bytes.extend(number(text.len()));
        bytes.extend(text.bytes());
    }
    bytes
}

fn head(path: &str) -> Vec<u8> {
    [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "api.example"),
        (":path", path),
    ]
    .iter()
    .flat_map(|(name, value)| field(0, name, value))
    .collect()
}

struct Client(TcpStream);

impl Client {
    fn connect(gateway: &Gateway) -> Client {
        let mut tcp = TcpStream::connect(gateway.address).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        tcp.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        tcp.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
        Client(tcp)
    }

    /// A gateway that has heard enough may have closed already.
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// The next frame. `None`: the connection is closed.
    fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        if let Err(error) = self.0.read_exact(&mut head) {
            assert!(
                error.kind() != std::io::ErrorKind::WouldBlock,
                "nothing came for 20 seconds"
            );
            return None;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).ok()?;
        Some(Frame {
            kind: head[3],
            stream: u32::from_be_bytes([head[5], head[6], head[7], head[8]]),
            payload,
        })
    }

    /// The first frame of a kind. `None`: the connection was closed before one.
    fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Option<Frame> {
        std::iter::from_fn(|| self.next()).find(|frame| wanted(frame))
    }

    /// The connection is ended by the gateway: with GOAWAY and a reason, or without a word.
    fn is_turned_out(&mut self) -> bool {
        match self.until(|frame| frame.kind == GOAWAY) {
            Some(frame) => frame.payload[4..8] != [0; 4],
            None => true,
        }
    }
}

fn start(back_end: &BackEnd) -> Gateway {
    let args = [
        "--upstream".to_owned(),
        format!("http://{}", back_end.address),
    ];
    Gateway::emitted(&workspace::binary("process"), &args, &BTreeMap::new()).unwrap()
}

/// Others are served as if nothing had been.
fn assert_serves(gateway: &Gateway) {
    let mut connection = Connection::open(gateway.address).unwrap();
    connection
        .send(b"GET /free HTTP/1.1\r\nhost: api.example\r\n\r\n")
        .unwrap();
    assert_eq!(connection.read("GET").unwrap().unwrap().status, 200);
}

#[test]
fn the_limits_of_the_document_are_announced() {
    let back_end = BackEnd::start();
    let gateway = start(&back_end);
    let mut client = Client::connect(&gateway);
    let settings = client.until(|frame| frame.kind == SETTINGS).unwrap();
    let announced: BTreeMap<u16, u32> = settings
        .payload
        .chunks(6)
        .map(|setting| {
            (
                u16::from_be_bytes([setting[0], setting[1]]),
                u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]),
            )
        })
        .collect();
    // SETTINGS_MAX_CONCURRENT_STREAMS, SETTINGS_INITIAL_WINDOW_SIZE, SETTINGS_MAX_HEADER_LIST_SIZE.
    for (setting, expected) in [(3, 100), (4, 65_536), (6, 16_384)] {
        assert_eq!(
            announced.get(&setting),
            Some(&expected),
            "setting {setting}"
        );
    }
    let window = client
        .until(|frame| frame.kind == WINDOW_UPDATE && frame.stream == 0)
        .unwrap();
    // The protocol gives 65,535 to begin with.
    let more = u32::from_be_bytes(window.payload[..4].try_into().unwrap());
    assert_eq!(more + 65_535, 1 << 20);
}

#[test]
fn streams_beyond_the_limit_are_refused() {
    let back_end = BackEnd::start();
    let gateway = start(&back_end);
    let mut client = Client::connect(&gateway);
    for number in 0..100 {
        assert!(client.send(&frame(
            HEADERS,
            END_STREAM | END_HEADERS,
            2 * number + 1,
            &head("/held")
        )));
    }
    back_end.wait_held(100);
    assert!(client.send(&frame(
        HEADERS,
        END_STREAM | END_HEADERS,
        201,
        &head("/free")
    )));
    let refused = client.until(|frame| frame.kind == RST_STREAM).unwrap();
    // REFUSED_STREAM
    assert_eq!(
        (refused.stream, &refused.payload[..]),
        (201, &[0, 0, 0, 7][..])
    );
    back_end.release();
    let mut done = 0;
    while done < 100 {
        let frame = client.next().expect("the hundred are answered");
        done += usize::from(frame.kind == DATA && frame.payload == b"whole");
    }
    assert_serves(&gateway);
}

#[test]
fn a_client_that_opens_and_resets_is_turned_out() {
    let back_end = BackEnd::start();
    let gateway = start(&back_end);
    let mut client = Client::connect(&gateway);
    let mut bytes = Vec::new();
    for number in 0..2000 {
        let stream = 2 * number + 1;
        bytes.extend(frame(
            HEADERS,
            END_STREAM | END_HEADERS,
            stream,
            &head("/held"),
        ));
        // CANCEL
        bytes.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    client.send(&bytes);
    assert!(client.is_turned_out());
    assert_serves(&gateway);
}

#[test]
fn a_head_without_an_end_is_not_gathered() {
    let back_end = BackEnd::start();
    let gateway = start(&back_end);
    for piece in [field(0, "x", &"a".repeat(1000)), Vec::new()] {
        let mut client = Client::connect(&gateway);
        client.send(&frame(HEADERS, END_STREAM, 1, &head("/free")));
        let continuation = frame(CONTINUATION, 0, 1, &piece);
        for _ in 0..20_000 {
            if !client.send(&continuation) {
                break;
            }
        }
        assert!(client.is_turned_out());
    }
    assert_serves(&gateway);
}

#[test]
fn a_head_is_measured_after_its_compression() {
    let back_end = BackEnd::start();
    let gateway = start(&back_end);
    let mut client = Client::connect(&gateway);
    let mut packed = head("/free");
    // Kept in the table once, said again by one byte each time: 4 MB in 5 KB.
    packed.extend(field(0x40, "x", &"a".repeat(3900)));
    packed.extend([0x80 | 62; 1000]);
    client.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &packed));
    let answer = client.until(|frame| matches!(frame.kind, HEADERS | RST_STREAM | GOAWAY));
    if let Some(Frame {
        kind: HEADERS,
        payload,
        ..
    }) = answer
    {
        // `:status` with a value of its own; 431 is in no table.
        assert!(
            payload.windows(3).any(|part| part == b"431") || huffman_431(&payload),
            "{payload:?}"
        );
    }
    assert_serves(&gateway);
}

/// `431` in Huffman's code (RFC 7541, appendix B): 4 is 011010, 3 is 011001, 1 is 00001.
fn huffman_431(payload: &[u8]) -> bool {
    payload
        .windows(3)
        .any(|part| part == [0b0110_1001, 0b1001_0000, 0b1111_1111])
}

/// The status that an answer's head begins with; 0: one that is in no table.
fn status(payload: &[u8]) -> u16 {
    match payload.first() {
        Some(0x88) => 200,
        Some(0x8c) => 400,
        Some(0x8d) => 404,
        _ => 0,
    }
}

#[test]
fn a_request_means_one_thing_or_nothing() {
    // Every request and every field that another reader, or the next one over HTTP/1.1, could understand otherwise.
    let usual: &[(&str, &str)] = &[
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "api.example"),
        (":path", "/free"),
    ];
    let with = |more: &[(&'static str, &'static str)]| [usual, more].concat();
    let but = |name: &str, value: &'static str| {
        let mut fields = usual.to_vec();
        for field in &mut fields {
            if field.0 == name {
                field.1 = value;
            }
        }
        fields
    };
    let without = |name: &str| {
        let mut fields = usual.to_vec();
        fields.retain(|field| field.0 != name);
        fields
    };
    let back_end = BackEnd::start();
    let gateway = start(&back_end);
    for (fields, expected) in [
        (with(&[]), 200),
        // One host.
        (with(&[("host", "api.example")]), 200),
        (with(&[("host", "other.example")]), 400),
        (
            with(&[("host", "api.example"), ("host", "api.example")]),
            400,
        ),
        (but(":authority", "user@api.example"), 400),
        (but(":authority", "api.example, b"), 400),
        (without(":authority"), 400),
        // One path.
        (but(":path", "/free/../held"), 400),
        (but(":path", "/%2e%2e/free"), 400),
        (but(":path", "/a%2fb"), 400),
        (but(":path", "/a%00"), 400),
        (but(":path", "/a\\b"), 400),
        (but(":path", "*"), 400),
        // One framing: `Content-Length` is held against the frames.
        (with(&[("content-length", "5")]), 400),
        (
            with(&[("content-length", "0"), ("content-length", "0")]),
            400,
        ),
        (with(&[("content-length", "+0")]), 400),
        (with(&[("transfer-encoding", "chunked")]), 400),
        // Nothing of one connection (RFC 9113 §8.2.2).
        (with(&[("connection", "x-secret"), ("x-secret", "1")]), 400),
        (with(&[("keep-alive", "timeout=5")]), 400),
        (with(&[("proxy-connection", "keep-alive")]), 400),
        (with(&[("upgrade", "websocket")]), 400),
        (with(&[("te", "gzip")]), 400),
        // Fields that are fields.
        (with(&[("X-Upper", "1")]), 400),
        (with(&[("x y", "1")]), 400),
        (with(&[("x", "a\r\nevil: 1")]), 400),
        (with(&[("x", "a\0b")]), 400),
        (with(&[("", "1")]), 400),
        // Spaces around a value: whoever compares values would find it another one.
        (with(&[("x", " a")]), 400),
        (with(&[("x", "a\t")]), 400),
        (with(&[("authorization", " ")]), 400),
        (with(&[("x", "a b")]), 200),
    ] {
        let mut client = Client::connect(&gateway);
        let head: Vec<u8> = fields
            .iter()
            .flat_map(|(name, value)| field(0, name, value))
            .collect();
        client.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &head));
        let answer = client.until(|frame| matches!(frame.kind, HEADERS | RST_STREAM | GOAWAY));
        // Refused in words, or by an end of the stream: either way nothing of it was forwarded.
        let status = match &answer {
            Some(frame) if frame.kind == HEADERS => status(&frame.payload),
            _ => 400,
        };
        assert_eq!(status, expected, "{fields:?}: {answer:?}");
    }
    let forwarded = back_end.count();
    assert_eq!(forwarded, 3, "requests that reach the back end");
    assert_serves(&gateway);
}
