//! What a back end is sent.

use super::*;

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
