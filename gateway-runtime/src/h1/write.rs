//! Heads, written.

use super::Framing;
use crate::clock::HttpDate;
use crate::exchange::Headers;

/// What asks for WebSocket, and what agrees (RFC 6455 §4).
const TO_WEBSOCKET: &[u8] = b"connection: upgrade\r\nupgrade: websocket\r\n";

/// Writes a request's head. `headers` name the host; what frames the message is decided here, and whether the back end is asked to
/// speak WebSocket from then on.
pub(crate) fn request_head(
    out: &mut Vec<u8>,
    method: &http::Method,
    target: &str,
    headers: &Headers,
    framing: Framing,
    websocket: bool,
) {
    out.extend_from_slice(method.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    fields(out, headers);
    match framing {
        // These are expected to bring a body, so that its absence is said (RFC 9110 §8.6).
        Framing::Empty
            if matches!(
                *method,
                http::Method::POST | http::Method::PUT | http::Method::PATCH
            ) =>
        {
            out.extend_from_slice(b"content-length: 0\r\n");
        }
        _ => frame(out, framing),
    }
    if websocket {
        out.extend_from_slice(TO_WEBSOCKET);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes an answer's head. `length` is what an answer without a body says of the one it would have had. `connection` is `close`,
/// `keep-alive` or nothing.
pub(crate) fn response_head(
    out: &mut Vec<u8>,
    status: u16,
    headers: &Headers,
    framing: Option<Framing>,
    connection: &str,
    date: &HttpDate,
) {
    status_line(out, status);
    fields(out, headers);
    if let Some(framing) = framing {
        frame(out, framing);
        if framing == Framing::Empty {
            out.extend_from_slice(b"content-length: 0\r\n");
        }
    }
    if status == 101 {
        out.extend_from_slice(TO_WEBSOCKET);
    } else if !connection.is_empty() {
        field(out, b"connection", connection.as_bytes());
    }
    if !headers.contains("date") {
        field(out, b"date", date.as_str().as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the head of an interim answer. It has no body, and says nothing of one (RFC 9110 §15.2).
pub(crate) fn interim_head(out: &mut Vec<u8>, status: u16, headers: &Headers) {
    status_line(out, status);
    fields(out, headers);
    out.extend_from_slice(b"\r\n");
}

fn status_line(out: &mut Vec<u8>, status: u16) {
    if status == 200 {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    out.push(b' ');
    let phrase = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    out.extend_from_slice(phrase.unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Every field but those that frame the message.
pub(super) fn fields(out: &mut Vec<u8>, headers: &Headers) {
    headers.write(out, |name| match name.len() {
        10 => !name.eq_ignore_ascii_case(b"connection"),
        14 => !name.eq_ignore_ascii_case(b"content-length"),
        17 => !name.eq_ignore_ascii_case(b"transfer-encoding"),
        _ => true,
    });
}

fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn frame(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::Length(length) => {
            let mut digits = itoa::Buffer::new();
            field(out, b"content-length", digits.format(length).as_bytes());
        }
        Framing::Chunked => field(out, b"transfer-encoding", b"chunked"),
        Framing::Empty | Framing::Close => {}
    }
}
