//! HTTP/1.1: requests one after the other, and bytes that are none.

use super::*;

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
fn a_part_of_a_head_that_came_during_an_answer_is_waited_for_as_any_other() {
    let site = site(LimitsDef {
        header_timeout: Duration::from_millis(200),
        idle_timeout: PATIENCE / 2,
        ..LIMITS
    });
    let answers = site.exchange("GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /b HT");
    assert_eq!(answers.matches("GET / HTTP/1.1").count(), 1);
    assert!(answers.contains("RequestTimeout"), "{answers}");
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
