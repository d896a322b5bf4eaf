//! How long a body is (RFC 9112 §6).

use crate::exchange::{Coding, Length, Survey};
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
pub(crate) fn of_request(survey: &Survey, version: http::Version) -> Result<Framing, Misframed> {
    Ok(said(survey, version)?.unwrap_or(Framing::Empty))
}

/// How the body of an answer ends; `bodiless` answers have none whatever they say (RFC 9110 §6.4.1).
pub(crate) fn of_response(
    survey: &Survey,
    version: http::Version,
    bodiless: bool,
) -> Result<Framing, Misframed> {
    let framing = said(survey, version)?.unwrap_or(Framing::Close);
    Ok(if bodiless { Framing::Empty } else { framing })
}

/// What the fields say; `None`: nothing.
fn said(survey: &Survey, version: http::Version) -> Result<Option<Framing>, Misframed> {
    match (survey.coding, survey.length) {
        (Coding::Unclear, _) => Err(Misframed::Coding),
        (Coding::Chunked, _) if version != http::Version::HTTP_11 => Err(Misframed::Coding),
        (Coding::Chunked, Length::Bytes(_)) | (_, Length::Unclear) => Err(Misframed::Length),
        (Coding::Chunked, Length::Absent) => Ok(Some(Framing::Chunked)),
        (Coding::Absent, Length::Bytes(0)) => Ok(Some(Framing::Empty)),
        (Coding::Absent, Length::Bytes(length)) => Ok(Some(Framing::Length(length))),
        (Coding::Absent, Length::Absent) => Ok(None),
    }
}
