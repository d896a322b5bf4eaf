#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::def::{
    ApiKind, EncodedSlash, ErrorDialect, GatewayDef, Http2LimitsDef, LimitsDef, StageDef,
};
use crate::refusal::Refusal;

const LIMITS: LimitsDef = LimitsDef {
    body: 1024,
    headers: 512,
    header_count: 10,
    uri: 128,
    requests_per_connection: 100,
    header_timeout: Duration::from_secs(1),
    body_timeout: Duration::from_secs(1),
    idle_timeout: Duration::from_secs(1),
    connections: 10,
    http2: Http2LimitsDef {
        streams: 10,
        stream_window: 65_535,
        connection_window: 65_535,
        header_list: 4096,
        resets: 10,
    },
    encoded_slash: EncodedSlash::Refuse,
};

const TRUSTING: GatewayDef = GatewayDef {
    name: "test",
    title: "",
    version: "",
    errors: ErrorDialect::Problem,
    kind: ApiKind::Plain,
    trusted_proxies: &["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"],
    limits: LIMITS,
    parameters: &[],
    upstreams: &[],
    stages: &[&StageDef::DEFAULT],
    routes: &[],
    cors: None,
    responses: &[],
    schemas: &[],
};

/// A head as text: the request line, then one field a line.
fn parts(head: &str) -> http::request::Parts {
    let mut lines = head.lines();
    let mut start = lines.next().unwrap().split(' ');
    let mut request = http::Request::builder()
        .method(start.next().unwrap())
        .uri(start.next().unwrap())
        .version(match start.next().unwrap() {
            "HTTP/1.0" => http::Version::HTTP_10,
            "HTTP/1.1" => http::Version::HTTP_11,
            "HTTP/2" => http::Version::HTTP_2,
            other => panic!("{other}"),
        });
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        request = request.header(name, value.trim());
    }
    request.body(()).unwrap().into_parts().0
}

fn admitted_from(head: &str, peer: &str) -> Result<Exchange, Refusal> {
    let (exchange, admitted) = judged(head, peer);
    admitted.map(|()| exchange)
}

fn judged(head: &str, peer: &str) -> (Exchange, Result<(), Refusal>) {
    let peer = Peer::new(SocketAddr::new(peer.parse().unwrap(), 4711), false);
    let rules = Admission::new(&TRUSTING);
    let head = Head::from_parts(&parts(head));
    let mut exchange = Exchange::new(head, Body::empty(), &peer, &rules, Nanos::ZERO);
    let admitted = exchange.admit(&rules);
    (exchange, admitted)
}

/// What becomes of a head: method, authority, path with query and the fields that are left, or the refusal.
fn fate(head: &str) -> String {
    match admitted_from(head, "127.0.0.1") {
        Ok(exchange) => {
            let mut fields: Vec<String> = exchange
                .headers()
                .iter()
                .map(|(name, value)| {
                    let text = |bytes| std::str::from_utf8(bytes).unwrap();
                    format!(" {}={}", text(name), text(value))
                })
                .collect();
            fields.sort();
            format!(
                "{} {}{}",
                exchange.method(),
                exchange.target().as_str(),
                fields.concat()
            )
        }
        Err(refusal) => format!("{refusal:?}"),
    }
}

#[test]
fn heads() {
    for (head, expected) in [
        // Plain.
        ("GET /a?b=c HTTP/1.1\nhost: x", "GET /a?b=c host=x"),
        ("get /a HTTP/1.1\nhost: x", "get /a host=x"),
        ("GET /a HTTP/1.0\nhost: x", "GET /a host=x"),
        // One valid authority; that of the target wins.
        ("GET / HTTP/1.1", "BadHost"),
        ("GET / HTTP/1.0", "BadHost"),
        ("GET / HTTP/1.1\nhost: x\nhost: x", "BadHost"),
        ("GET / HTTP/1.1\nhost:", "BadHost"),
        ("GET / HTTP/1.1\nhost: a b", "BadHost"),
        ("GET / HTTP/1.1\nhost: a,b", "BadHost"),
        ("GET / HTTP/1.1\nhost: user@x", "BadHost"),
        ("GET / HTTP/1.1\nhost: x/y", "BadHost"),
        ("GET / HTTP/1.1\nhost: x:", "BadHost"),
        ("GET / HTTP/1.1\nhost: x:0", "BadHost"),
        ("GET / HTTP/1.1\nhost: x:+80", "BadHost"),
        ("GET / HTTP/1.1\nhost: x:65536", "BadHost"),
        ("GET / HTTP/1.1\nhost: x:80:80", "BadHost"),
        ("GET / HTTP/1.1\nhost: .x", "BadHost"),
        ("GET / HTTP/1.1\nhost: [::1", "BadHost"),
        ("GET / HTTP/1.1\nhost: [x]", "BadHost"),
        ("GET / HTTP/1.1\nhost: [::1]x", "BadHost"),
        ("GET / HTTP/1.1\nhost: x:8080", "GET / host=x:8080"),
        ("GET / HTTP/1.1\nhost: [::1]:80", "GET / host=[::1]:80"),
        ("GET http://y/a HTTP/1.1\nhost: x", "GET /a host=y"),
        ("GET http://y HTTP/1.1\nhost: x", "GET / host=y"),
        ("GET http://y/ HTTP/1.1", "BadHost"),
        ("GET http://y/ HTTP/1.1\nhost: x\nhost: x", "BadHost"),
        ("GET http://u@y/ HTTP/1.1\nhost: x", "BadHost"),
        ("GET https://y/a HTTP/2", "GET /a host=y"),
        ("GET https://y/a HTTP/2\nhost: Y", "GET /a host=y"),
        ("GET https://y/a HTTP/2\nhost: z", "BadHost"),
        ("GET /a HTTP/2\nhost: z", "GET /a host=z"),
        ("GET /a HTTP/2", "BadHost"),
        // Forms of the target that no route can have.
        ("OPTIONS * HTTP/1.1\nhost: x", "BadRequest(Target)"),
        ("GET * HTTP/1.1\nhost: x", "BadRequest(Target)"),
        ("GET x HTTP/1.1\nhost: x", "BadRequest(Target)"),
        ("CONNECT x:443 HTTP/1.1\nhost: x:443", "BadRequest(Target)"),
        ("CONNECT x:443 HTTP/2", "NotImplemented"),
        ("TRACE /a HTTP/1.1\nhost: x", "NotImplemented"),
        (
            "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\nhost: x",
            "BadRequest(Method)",
        ),
        // Framing.
        (
            "POST / HTTP/1.1\nhost: x\ntransfer-encoding: chunked",
            "POST / host=x",
        ),
        (
            "POST / HTTP/1.1\nhost: x\ntransfer-encoding: Chunked",
            "POST / host=x",
        ),
        (
            "POST / HTTP/1.1\nhost: x\ntransfer-encoding: gzip, chunked",
            "BadRequest(TransferEncoding)",
        ),
        (
            "POST / HTTP/1.1\nhost: x\ntransfer-encoding: ,chunked",
            "BadRequest(TransferEncoding)",
        ),
        (
            "POST / HTTP/1.1\nhost: x\ntransfer-encoding: identity",
            "BadRequest(TransferEncoding)",
        ),
        (
            "POST / HTTP/1.1\nhost: x\ntransfer-encoding: chunked\ntransfer-encoding: chunked",
            "BadRequest(TransferEncoding)",
        ),
        (
            "POST / HTTP/1.0\nhost: x\ntransfer-encoding: chunked",
            "BadRequest(TransferEncoding)",
        ),
        (
            "POST / HTTP/1.1\nhost: x\ntransfer-encoding: chunked\ncontent-length: 5",
            "BadRequest(Length)",
        ),
        // Fields of one connection.
        (
            "GET / HTTP/1.1\nhost: x\nconnection: keep-alive\nkeep-alive: 5\nte: trailers\nupgrade: h2c\n\
             http2-settings: AA\nproxy-connection: a\nproxy-authorization: a\na: b",
            "GET / a=b host=x",
        ),
        (
            "GET / HTTP/1.1\nhost: x\nconnection: close, A-b , host,content-length\nConnection: c\na-b: 1\nc: 2\nd: 3\n\
             content-length: 0",
            "GET / content-length=0 d=3 host=x",
        ),
        // Expectations.
        (
            "POST / HTTP/1.1\nhost: x\nexpect: 100-Continue",
            "POST / host=x",
        ),
        (
            "POST / HTTP/1.1\nhost: x\nexpect: 200-ok",
            "ExpectationFailed",
        ),
        (
            "POST / HTTP/1.1\nhost: x\nexpect: 100-continue\nexpect: more",
            "ExpectationFailed",
        ),
        (
            "OPTIONS / HTTP/1.1\nhost: x\nmax-forwards: 3",
            "OPTIONS / host=x max-forwards=2",
        ),
        (
            "OPTIONS / HTTP/1.1\nhost: x\nmax-forwards: 0",
            "NotImplemented",
        ),
        (
            "OPTIONS / HTTP/1.1\nhost: x\nmax-forwards: -1",
            "BadRequest(MaxForwards)",
        ),
        (
            "GET / HTTP/1.1\nhost: x\nmax-forwards: 0",
            "GET / host=x max-forwards=0",
        ),
        // Paths; more of them in `path::tests`.
        (
            "GET /%7euser/a%2Ab HTTP/1.1\nhost: x",
            "GET /~user/a%2Ab host=x",
        ),
        ("GET /a/../b HTTP/1.1\nhost: x", "BadPath(DotSegment)"),
        (
            "GET http://x/a/%2e HTTP/1.1\nhost: x",
            "BadPath(DotSegment)",
        ),
        ("GET /a%2fb HTTP/1.1\nhost: x", "BadPath(EncodedSlash)"),
        (
            "GET /ä?ö=ü HTTP/1.1\nhost: x",
            "GET /%C3%A4?%C3%B6=%C3%BC host=x",
        ),
    ] {
        assert_eq!(fate(head), expected, "{head}");
    }
}

#[test]
fn sizes() {
    let long = |bytes: usize| "a".repeat(bytes);
    assert_eq!(
        fate(&format!("GET /{} HTTP/1.1\nhost: x", long(128))),
        "UriTooLong"
    );
    assert!(fate(&format!("GET /{} HTTP/1.1\nhost: x", long(127))).starts_with("GET /aaa"));
    assert_eq!(
        fate(&format!("GET http://x/{} HTTP/1.1\nhost: x", long(127))),
        "UriTooLong"
    );
    // `host: x` and `a: …` with their ends take 9 and 5 bytes.
    assert_eq!(
        fate(&format!("GET / HTTP/1.1\nhost: x\na: {}", long(499))),
        "HeadersTooLarge"
    );
    assert!(fate(&format!("GET / HTTP/1.1\nhost: x\na: {}", long(498))).starts_with("GET / a="));
    assert_eq!(
        fate(&format!("GET / HTTP/1.1\nhost: x{}", "\na: 1".repeat(10))),
        "HeadersTooLarge"
    );
    assert!(fate(&format!("GET / HTTP/1.1\nhost: x{}", "\na: 1".repeat(9))).starts_with("GET /"));
    assert_eq!(
        fate(&format!("GET / HTTP/1.1\nhost: {}", long(262))),
        "BadHost"
    );
}

#[test]
fn a_refused_request_keeps_what_its_answer_and_log_need() {
    let (refused, admitted) = judged(
        "GET /a/../b HTTP/1.1\nhost: Shop.Example:80\norigin: https://o",
        "127.0.0.1",
    );
    assert!(admitted.is_err());
    assert_eq!(refused.path(), "/a/../b");
    assert_eq!(refused.host(), "shop.example");
    assert_eq!(refused.header("origin"), Some(b"https://o".as_slice()));
}

#[test]
fn clients_behind_trusted_proxies() {
    for (peer, fields, expected) in [
        // Nobody is believed but the trusted.
        (
            "203.0.113.1",
            "x-forwarded-for: 198.51.100.1",
            "203.0.113.1 http",
        ),
        (
            "203.0.113.1",
            "x-forwarded-proto: https",
            "203.0.113.1 http",
        ),
        (
            "10.0.0.1",
            "x-forwarded-for: 198.51.100.1",
            "198.51.100.1 http proxy",
        ),
        // The rightmost that is not trusted; what stands to its left could be invented.
        (
            "10.0.0.1",
            "x-forwarded-for: 127.0.0.1, 198.51.100.1, 10.9.9.9,192.0.2.7",
            "198.51.100.1 http proxy",
        ),
        (
            "10.0.0.1",
            "x-forwarded-for: 198.51.100.1\nx-forwarded-for: 198.51.100.2, 10.1.1.1",
            "198.51.100.2 http proxy",
        ),
        // All trusted: the first of them.
        (
            "10.0.0.1",
            "x-forwarded-for: 10.0.0.9, 10.0.0.8",
            "10.0.0.9 http proxy",
        ),
        // What is no address ends the search.
        (
            "10.0.0.1",
            "x-forwarded-for: 198.51.100.1, unknown, 10.0.0.8",
            "10.0.0.8 http proxy",
        ),
        ("10.0.0.1", "x-forwarded-for:", "10.0.0.1 http proxy"),
        ("10.0.0.1", "a: b", "10.0.0.1 http proxy"),
        // Forms of addresses.
        (
            "10.0.0.1",
            "x-forwarded-for: 198.51.100.1:4711",
            "198.51.100.1 http proxy",
        ),
        (
            "10.0.0.1",
            "x-forwarded-for: [2001:db9::1]:4711",
            "2001:db9::1 http proxy",
        ),
        (
            "10.0.0.1",
            "x-forwarded-for: [2001:db9::1]",
            "2001:db9::1 http proxy",
        ),
        (
            "::ffff:10.0.0.1",
            "x-forwarded-for: ::ffff:198.51.100.1",
            "198.51.100.1 http proxy",
        ),
        (
            "2001:db8::5",
            "x-forwarded-for: 2001:db9::1",
            "2001:db9::1 http proxy",
        ),
        // The scheme the nearest proxy saw.
        (
            "10.0.0.1",
            "x-forwarded-proto: http, https",
            "10.0.0.1 https proxy",
        ),
        (
            "10.0.0.1",
            "x-forwarded-proto: https\nx-forwarded-proto: http",
            "10.0.0.1 http proxy",
        ),
        (
            "10.0.0.1",
            "x-forwarded-proto: gopher",
            "10.0.0.1 http proxy",
        ),
    ] {
        let exchange = admitted_from(&format!("GET / HTTP/1.1\nhost: x\n{fields}"), peer).unwrap();
        let seen = format!(
            "{} {}{}",
            exchange.client(),
            if exchange.secure() { "https" } else { "http" },
            if exchange.is_from_proxy() {
                " proxy"
            } else {
                ""
            }
        );
        assert_eq!(seen, expected, "{peer} {fields}");
    }
}

#[test]
fn what_steps_read() {
    let mut exchange = admitted_from(
        "GET /prod/books/a%2Ab?tag=x&tag=%C3%A4+b&empty&bad=%zz&&%74ag=3 HTTP/1.1\nhost: Shop.Example:8443\n\
         cookie: a=1; session=abc ; session=later\ncookie: b=2",
        "203.0.113.1",
    )
    .unwrap();
    assert_eq!(exchange.authority(), "Shop.Example:8443");
    assert_eq!(exchange.host(), "shop.example");
    assert_eq!(exchange.local_path(), "/prod/books/a%2Ab");
    exchange.enter(5);
    assert_eq!(exchange.local_path(), "/books/a%2Ab");
    exchange.set_params(Params::new(
        "/shelf/{book}",
        [(7, 12)].into_iter().collect(),
    ));
    assert_eq!(exchange.param("book"), Some("a%2Ab"));
    assert_eq!(exchange.param("other"), None);
    let values = |name| exchange.query_values(name).collect::<Vec<_>>();
    assert_eq!(values("tag"), ["x", "ä b", "3"]);
    assert_eq!(values("empty"), [""]);
    assert_eq!(values("bad"), ["%zz"]);
    assert_eq!(
        exchange.query_names().collect::<Vec<_>>(),
        ["tag", "tag", "empty", "bad", "tag"]
    );
    assert_eq!(exchange.cookie("session"), Some(b"abc".as_slice()));
    assert_eq!(exchange.cookie("b"), Some(b"2".as_slice()));
    assert_eq!(exchange.cookie("sess"), None);
}

#[test]
fn an_entered_stage_leaves_a_slash() {
    let mut exchange = admitted_from("GET /prod HTTP/1.1\nhost: x", "127.0.0.1").unwrap();
    exchange.enter(5);
    assert_eq!(exchange.local_path(), "/");
}

#[test]
fn params_beyond_the_few() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let spans = (0..names.len()).map(|at| (at, at + 1));
    let params = Params::new("/{a}/{b}-{c}/{d}.json/{e}/{f+}", spans.collect());
    for (at, name) in names.iter().enumerate() {
        assert_eq!(params.find(name), Some((at, at + 1)));
    }
    assert_eq!(params.find("g"), None);
}

#[test]
fn ids_are_uuids_of_version_4() {
    for _ in 0..100 {
        let id = RequestId::random();
        let text = id.as_str();
        assert_eq!(text.len(), 36);
        for (at, byte) in text.bytes().enumerate() {
            match at {
                8 | 13 | 18 | 23 => assert_eq!(byte, b'-'),
                14 => assert_eq!(byte, b'4'),
                19 => assert!(b"89ab".contains(&byte), "{text}"),
                _ => assert!(b"0123456789abcdef".contains(&byte), "{text}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn hosts_never_panic_and_are_parts_of_the_authority(host in "[a-zA-Z0-9.:\\[\\]@/ _-]{0,12}") {
        if let Ok(exchange) = admitted_from(&format!("GET / HTTP/1.1\nhost: {host}"), "127.0.0.1") {
            let lower = host.trim().to_ascii_lowercase();
            prop_assert!(lower.starts_with(exchange.host()));
            prop_assert!(!exchange.host().is_empty());
        }
    }
}

#[test]
fn cookies_that_came_apart_are_one_field() {
    // RFC 9113 §8.2.3.
    for (sent, expected) in [
        (&[][..], None),
        (&["a=1"], Some("a=1")),
        (&["a=1", "b=2", "c=3; d=4"], Some("a=1; b=2; c=3; d=4")),
    ] {
        let mut request = http::Request::builder().uri("http://a/");
        for cookie in sent {
            request = request.header("cookie", *cookie);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let head = Head::from_parts(&parts);
        let all: Vec<&[u8]> = head.headers.all(field::COOKIE).collect();
        let expected: Vec<&[u8]> = expected.iter().map(|text: &&str| text.as_bytes()).collect();
        assert_eq!(all, expected, "{sent:?}");
    }
}
