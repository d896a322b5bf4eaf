//! Heads of requests and answers.

use std::mem::MaybeUninit;

use httparse::{EMPTY_HEADER, Error, Header, ParserConfig, Status};

use crate::exchange::{Head, Headers, Survey};

/// An answer's head.
#[derive(Debug)]
pub(crate) struct ResponseHead {
    /// Status, 100 to 999.
    pub(crate) status: u16,
    /// The version.
    pub(crate) version: http::Version,
    /// The fields, those of the connection among them.
    pub(crate) headers: Headers,
    /// What the fields say about the message.
    pub(crate) survey: Survey,
}

/// Why bytes are no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadFault {
    /// The method is no token.
    Method,
    /// The target is none.
    Target,
    /// A field is none.
    Field,
    /// There are more fields than are read.
    TooManyFields,
    /// Anything else.
    Head,
}

/// Fields for which there is room on the stack.
const IN_PLACE: usize = 112;

/// Reads a request's head with at most `most` fields, and tells how many bytes it has; `None`: it is not complete.
pub(crate) fn request(bytes: &[u8], most: usize) -> Result<Option<(Head, usize)>, HeadFault> {
    let skipped = empty_lines(bytes)?;
    let bytes = bytes.get(skipped..).unwrap_or_default();
    // One more than is allowed, so that too many are counted where all limits are.
    let most = most.saturating_add(1);
    let found = if most <= IN_PLACE {
        request_in(bytes, &mut [const { MaybeUninit::uninit() }; IN_PLACE])
    } else {
        request_in(bytes, &mut vec![MaybeUninit::new(EMPTY_HEADER); most])
    };
    Ok(found?.map(|(head, length)| (head, skipped + length)))
}

fn request_in<'b>(
    bytes: &'b [u8],
    fields: &mut [MaybeUninit<Header<'b>>],
) -> Result<Option<(Head, usize)>, HeadFault> {
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, fields) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => {
            so_far(bytes)?;
            if request.version.is_some() {
                line(&request)?;
            }
            return Ok(None);
        }
        Err(fault) => return Err(fault_of(fault, request.method.is_some())),
    };
    let text = bytes.get(..length).unwrap_or_default();
    lines_end_well(text, request.headers)?;
    let mut head = line(&request)?;
    head.headers = headers(text, request.headers);
    head.survey = Survey::of(&head.headers);
    Ok(Some((head, length)))
}

/// What the first line of a request says.
fn line(request: &httparse::Request<'_, '_>) -> Result<Head, HeadFault> {
    let method = request.method.unwrap_or_default();
    let mut head = Head {
        method: http::Method::from_bytes(method.as_bytes()).map_err(|_| HeadFault::Method)?,
        version: version(request.version),
        ..Head::unread()
    };
    let target = request.path.unwrap_or_default();
    head.set_target(target).ok_or(HeadFault::Target)?;
    Ok(head)
}

/// Reads an answer's head, and tells how many bytes it has; `None`: it is not complete.
pub(crate) fn response(bytes: &[u8]) -> Result<Option<(ResponseHead, usize)>, HeadFault> {
    let mut fields = [const { MaybeUninit::uninit() }; IN_PLACE];
    let mut response = httparse::Response::new(&mut []);
    // No line may stand before the status line (RFC 9112 §2.2 allows it to servers alone).
    if matches!(bytes.first(), Some(b'\r' | b'\n')) {
        return Err(HeadFault::Head);
    }
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut fields,
    );
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return so_far(bytes).map(|()| None),
        Err(fault) => return Err(fault_of(fault, true)),
    };
    let text = bytes.get(..length).unwrap_or_default();
    lines_end_well(text, response.headers)?;
    let status = response.code.filter(|code| *code >= 100);
    let version = version(response.version);
    let headers = headers(text, response.headers);
    let head = ResponseHead {
        status: status.ok_or(HeadFault::Head)?,
        survey: Survey::of(&headers),
        version,
        headers,
    };
    Ok(Some((head, length)))
}

/// Reads the fields of a trailer section, the empty line behind them included.
pub(super) fn trailers(section: &[u8]) -> Result<Headers, HeadFault> {
    let mut fields = [EMPTY_HEADER; IN_PLACE];
    match httparse::parse_headers(section, &mut fields) {
        Ok(Status::Complete((length, fields))) if length == section.len() => {
            lines_end_well(section, fields)?;
            Ok(headers(section, fields))
        }
        Ok(_) => Err(HeadFault::Head),
        Err(fault) => Err(fault_of(fault, true)),
    }
}

/// Empty lines before a request, which old clients send behind a body (RFC 9112 §2.2).
fn empty_lines(bytes: &[u8]) -> Result<usize, HeadFault> {
    let mut skipped = 0;
    let mut rest = bytes;
    while let Some(behind) = rest.strip_prefix(b"\r\n") {
        rest = behind;
        skipped += 2;
    }
    match rest {
        // The parser would skip these too.
        [b'\n', ..] | [b'\r', _, ..] => Err(HeadFault::Head),
        _ => Ok(skipped),
    }
}

/// The parser takes LF alone for the end of a line. Others take it for a part of one (RFC 9112 §2.2).
fn lines_end_well(text: &[u8], fields: &[Header<'_>]) -> Result<(), HeadFault> {
    let start = text.as_ptr() as usize;
    let behind_line = |field: &Header<'_>| {
        let at = (field.name.as_ptr() as usize).wrapping_sub(start);
        at == 0
            || text
                .get(..at)
                .is_some_and(|before| before.ends_with(b"\r\n"))
    };
    if text.ends_with(b"\r\n\r\n") && fields.iter().all(behind_line) {
        Ok(())
    } else {
        Err(HeadFault::Head)
    }
}

/// The same of a head that is not complete: its faults are told as soon as a line shows them.
fn so_far(bytes: &[u8]) -> Result<(), HeadFault> {
    let ends_well = |at: usize| bytes.get(..at).is_some_and(|line| line.ends_with(b"\r"));
    match memchr::memchr_iter(b'\n', bytes).all(ends_well) {
        true => Ok(()),
        false => Err(HeadFault::Head),
    }
}

fn fault_of(fault: Error, has_method: bool) -> HeadFault {
    match fault {
        Error::HeaderName | Error::HeaderValue => HeadFault::Field,
        Error::TooManyHeaders => HeadFault::TooManyFields,
        Error::Token if has_method => HeadFault::Target,
        Error::Token => HeadFault::Method,
        Error::NewLine | Error::Status | Error::Version => HeadFault::Head,
    }
}

fn version(minor: Option<u8>) -> http::Version {
    match minor {
        Some(0) => http::Version::HTTP_10,
        _ => http::Version::HTTP_11,
    }
}

fn headers(text: &[u8], fields: &[Header<'_>]) -> Headers {
    Headers::parsed(
        text,
        fields
            .iter()
            .map(|field| (field.name.as_bytes(), field.value)),
    )
}
