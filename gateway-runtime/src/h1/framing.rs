//! How long a body is (RFC 9112 §6).

use crate::exchange::{Headers, field};
use crate::refusal::{Refusal, Why};

/// How a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    Empty,
    /// After so many bytes, at least one.
    Length(u64),
    /// With its last chunk.
    Chunked,
    /// With the connection. Answers alone.
    Close,
}

/// Why it cannot be told how long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misframed {
    /// `Transfer-Encoding` is not one `chunked` of HTTP/1.1.
    Coding,
    /// `Content-Length` is no number, stands twice, or beside `Transfer-Encoding`.
    Length,
}

impl From<Misframed> for Refusal {
    fn from(misframed: Misframed) -> Refusal {
        Refusal::BadRequest(match misframed {
            Misframed::Coding => Why::TransferEncoding,
            Misframed::Length => Why::Length,
        })
    }
}

/// How the body of a request ends. Both fields, several lengths and other codings are refused although RFC 9112 §6.3 knows what
/// to make of some: the server behind may read them in another way.
pub(crate) fn of_request(headers: &Headers, version: http::Version) -> Result<Framing, Misframed> {
    match (coding(headers, version)?, length(headers)?) {
        (true, None) => Ok(Framing::Chunked),
        (true, Some(_)) => Err(Misframed::Length),
        (false, None | Some(0)) => Ok(Framing::Empty),
        (false, Some(length)) => Ok(Framing::Length(length)),
    }
}

/// How the body of an answer ends; `bodiless` answers have none whatever they say (RFC 9110 §6.4.1).
pub(crate) fn of_response(
    headers: &Headers,
    version: http::Version,
    bodiless: bool,
) -> Result<Framing, Misframed> {
    let framing = match (coding(headers, version)?, length(headers)?) {
        (true, None) => Framing::Chunked,
        (true, Some(_)) => return Err(Misframed::Length),
        (false, Some(0)) => Framing::Empty,
        (false, Some(length)) => Framing::Length(length),
        (false, None) => Framing::Close,
    };
    Ok(if bodiless { Framing::Empty } else { framing })
}

/// Whether the body is chunked: by one `chunked` in one field, never by anything else.
fn coding(headers: &Headers, version: http::Version) -> Result<bool, Misframed> {
    let mut values = headers.all(field::TRANSFER_ENCODING);
    let Some(coding) = values.next() else {
        return Ok(false);
    };
    let single = coding.eq_ignore_ascii_case(b"chunked") && values.next().is_none();
    if single && version == http::Version::HTTP_11 {
        Ok(true)
    } else {
        Err(Misframed::Coding)
    }
}

fn length(headers: &Headers) -> Result<Option<u64>, Misframed> {
    let mut values = headers.all(field::CONTENT_LENGTH);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Misframed::Length);
    }
    number(value).map(Some).ok_or(Misframed::Length)
}

/// A number of decimal digits alone: no sign, no space, no list.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}
