//! What answers of a back end become, and when nobody waits for one any longer.

use super::*;

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
fn an_answer_before_the_whole_request_was_read() {
    let answer = "HTTP/1.1 413 Too large\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
    let backend = backend(vec![vec![Act::Glance, say(answer), Pause]]);
    let caller = Caller::of(&backend);
    let large = request("POST", "/", Body::full(vec![b'x'; 8 << 20]));
    assert_eq!(caller.fate(large), "413 no");
}
