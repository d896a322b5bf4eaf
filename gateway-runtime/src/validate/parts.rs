//! The parts of a `multipart/form-data` body (RFC 7578, RFC 2046 §5.1), read where they lie.
//!
//! Strict where two readers could find other parts: lines end with CR LF, the boundary is taken to the letter and stands at the
//! begin of no other line, a part names itself once, and the body ends with the closing boundary. Nested multiparts are bytes.

use std::borrow::Cow;

use super::media::{MediaType, Parameters, is_token};

/// Longest head of one part.
const HEAD: usize = 8 << 10;

/// One part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'b> {
    /// Its name.
    pub(super) name: Cow<'b, str>,
    /// Whether it is a file: it has a file name.
    pub(super) file: bool,
    /// Its media type, if it says one.
    pub(super) media_type: Option<&'b [u8]>,
    /// What it holds.
    pub(super) content: &'b [u8],
}

/// Why a body has no parts that could be read, as a sentence.
pub(super) type Fault = &'static str;

/// The parts of a body, one after the other.
#[derive(Debug)]
pub(super) struct Parts<'b> {
    /// From the delimiter of the next part on, without its dashes; `None`: the last part was read.
    rest: Option<&'b [u8]>,
    /// Two dashes, boundary.
    dashes: Vec<u8>,
}

impl<'b> Parts<'b> {
    /// Begins to read.
    pub(super) fn of(body: &'b [u8], media_type: &MediaType<'_>) -> Result<Parts<'b>, Fault> {
        let boundary = match media_type.parameter("boundary") {
            Ok(Some(boundary)) if (1..=70).contains(&boundary.len()) => boundary,
            _ => return Err("Content-Type names no boundary between the parts."),
        };
        let mut dashes = b"--".to_vec();
        dashes.extend_from_slice(boundary.as_bytes());
        // What stands before the first boundary belongs to nobody (RFC 2046 §5.1.1).
        let rest = match body.strip_prefix(dashes.as_slice()) {
            Some(rest) => rest,
            None => {
                let (_, rest) =
                    apart(body, &dashes)?.ok_or("The body does not begin with the boundary.")?;
                rest
            }
        };
        Ok(Parts {
            rest: Some(rest),
            dashes,
        })
    }

    /// The next part; `None`: there was the last one.
    pub(super) fn next(&mut self) -> Result<Option<Part<'b>>, Fault> {
        let Some(rest) = self.rest else {
            return Ok(None);
        };
        if let Some(behind) = rest.strip_prefix(b"--") {
            self.rest = None;
            return match padded(behind) {
                b"" | [b'\r', b'\n', ..] => Ok(None),
                _ => Err("The last boundary is not followed by a line break."),
            };
        }
        let rest = padded(rest)
            .strip_prefix(b"\r\n")
            .ok_or("A boundary is not followed by a line break.")?;
        // A part without a head begins with the empty line.
        let (head, content) = match rest.strip_prefix(b"\r\n") {
            Some(content) => (&b""[..], content),
            None => {
                let most = rest.get(..rest.len().min(HEAD)).unwrap_or_default();
                let end = memchr::memmem::find(most, b"\r\n\r\n")
                    .ok_or("The head of a part does not end, or is too long.")?;
                let content = rest.get(end + 4..).unwrap_or_default();
                (rest.get(..end).unwrap_or_default(), content)
            }
        };
        // To some this is an empty part, to others the begin of what it holds.
        if content.starts_with(&self.dashes) {
            return Err("The head of a part is followed by a boundary.");
        }
        let (content, behind) =
            apart(content, &self.dashes)?.ok_or("The body ends inside a part.")?;
        self.rest = Some(behind);
        part(head, content).map(Some)
    }
}

/// What stands before something, and what stands behind it.
type Halves<'b> = (&'b [u8], &'b [u8]);

/// What stands before and behind the next delimiter: CR LF, two dashes, boundary. Some readers take other line breaks for one.
fn apart<'b>(text: &'b [u8], dashes: &[u8]) -> Result<Option<Halves<'b>>, Fault> {
    for at in memchr::memmem::find_iter(text, dashes) {
        let (before, behind) = text.split_at_checked(at).unwrap_or_default();
        match before {
            [before @ .., b'\r', b'\n'] => {
                return Ok(Some((
                    before,
                    behind.get(dashes.len()..).unwrap_or_default(),
                )));
            }
            [.., b'\r' | b'\n'] => {
                return Err("A boundary stands behind a line break that is not CR LF.");
            }
            _ => {}
        }
    }
    Ok(None)
}

/// A text without the space at its begin.
fn padded(text: &[u8]) -> &[u8] {
    let padding = text.iter().take_while(|b| matches!(b, b' ' | b'\t'));
    text.get(padding.count()..).unwrap_or_default()
}

fn part<'b>(head: &'b [u8], content: &'b [u8]) -> Result<Part<'b>, Fault> {
    let mut disposition = None;
    let mut media_type = None;
    for line in lines(head) {
        let colon =
            memchr::memchr(b':', line).ok_or("A line in the head of a part is no field.")?;
        let name = line.get(..colon).unwrap_or_default();
        if !std::str::from_utf8(name).is_ok_and(is_token)
            || memchr::memchr3(b'\r', b'\n', 0, line).is_some()
        {
            return Err("A line in the head of a part is no field.");
        }
        let value = line.get(colon + 1..).unwrap_or_default().trim_ascii();
        let known = if name.eq_ignore_ascii_case(b"content-disposition") {
            &mut disposition
        } else if name.eq_ignore_ascii_case(b"content-type") {
            &mut media_type
        } else if name.eq_ignore_ascii_case(b"content-transfer-encoding")
            && !["7bit", "8bit", "binary"]
                .iter()
                .any(|plain| value.eq_ignore_ascii_case(plain.as_bytes()))
        {
            return Err("A part is encoded for mail; RFC 7578 has no such parts.");
        } else {
            continue;
        };
        if known.replace(value).is_some() {
            return Err("A part says twice what it is.");
        }
    }
    let disposition = disposition.ok_or("A part has no Content-Disposition.")?;
    let end = memchr::memchr(b';', disposition).unwrap_or(disposition.len());
    let (kind, parameters) = disposition.split_at_checked(end).unwrap_or_default();
    if !kind.trim_ascii().eq_ignore_ascii_case(b"form-data") {
        return Err("A part is no form-data.");
    }
    let (mut name, mut file) = (None, false);
    for parameter in Parameters(parameters) {
        let parameter = parameter.map_err(|_| "A part's Content-Disposition cannot be read.")?;
        if parameter.is("name") {
            if name.is_some() || parameter.is_extended() {
                return Err("A part has two names, or one that is encoded.");
            }
            name = Some(named(parameter.value));
        }
        file |= parameter.is("filename");
    }
    Ok(Part {
        name: name.ok_or("A part has no name.")?,
        file,
        media_type,
        content,
    })
}

/// The lines of a head. One that is continued on the next (obs-fold) is taken apart and is then no field.
fn lines(head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = (!head.is_empty()).then_some(head);
    std::iter::from_fn(move || {
        let text = rest?;
        match memchr::memmem::find(text, b"\r\n") {
            Some(end) => {
                rest = text.get(end + 2..);
                text.get(..end)
            }
            None => rest.take(),
        }
    })
}

/// The name of a part. Browsers write `%22` for a quote and mean nothing else by a backslash (WHATWG), others escape with it:
/// both name the same part here, for only quotes are ever escaped in a name.
fn named(text: &str) -> Cow<'_, str> {
    match text.contains("\\\"") || text.contains("%22") {
        true => Cow::Owned(text.replace("\\\"", "\"").replace("%22", "\"")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<String>, Fault> {
        let media_type = MediaType::parse(b"multipart/form-data; boundary=b").unwrap();
        let mut parts = Parts::of(body.as_bytes(), &media_type)?;
        let mut read = Vec::new();
        while let Some(part) = parts.next()? {
            read.push(format!(
                "{}{}{}={}",
                part.name,
                if part.file { "!" } else { "" },
                part.media_type
                    .map(|media| format!("({})", String::from_utf8_lossy(media)))
                    .unwrap_or_default(),
                String::from_utf8_lossy(part.content)
            ));
        }
        Ok(read)
    }

    const NAMED: &str = "Content-Disposition: form-data; name=";

    #[test]
    fn parts_are_found_where_they_lie() {
        for (body, parts) in [
            (
                format!("--b\r\n{NAMED}\"a\"\r\n\r\n1\r\n--b--\r\n"),
                vec!["a=1"],
            ),
            (
                format!(
                    "before\r\n--b \t\r\n{NAMED}a; filename=\"x;y\"\r\nContent-Type: image/png\r\n\r\n\r\n--c\r\n--b\r\n{NAMED}\"b\\\"c\"\r\n\r\n\r\n--b--\t\r\nafter"
                ),
                vec!["a!(image/png)=\r\n--c", "b\"c="],
            ),
            (
                format!("--b\r\n{NAMED}\"a\"\r\n\r\n1--b\r\n--b--"),
                vec!["a=1--b"],
            ),
            ("--b--".to_owned(), vec![]),
        ] {
            assert_eq!(
                read(&body),
                Ok(parts.into_iter().map(str::to_owned).collect()),
                "{body}"
            );
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for body in [
            "".to_owned(),
            "--c\r\n".to_owned(),
            format!("--b\r\n{NAMED}\"a\"\r\n\r\n1"),
            format!("--b\r\n{NAMED}\"a\"\r\n\r\n1\r\n--b"),
            format!("--b\r\n{NAMED}\"a\"\r\n\r\n1\r\n--bc\r\n"),
            format!("--b\n{NAMED}\"a\"\n\n1\n--b--"),
            format!("--b\r\n{NAMED}\"a\"; name=\"b\"\r\n\r\n1\r\n--b--"),
            format!("--b\r\n{NAMED}\"a\"\r\n{NAMED}\"b\"\r\n\r\n1\r\n--b--"),
            format!("--b\r\n{NAMED}\"a\r\n\r\n1\r\n--b--"),
            "--b\r\nContent-Type: text/plain\r\n\r\n1\r\n--b--".to_owned(),
            "--b\r\n\r\n1\r\n--b--".to_owned(),
            format!(
                "--b\r\n{NAMED}\"a\"\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--b--"
            ),
            format!(
                "--b\r\n{NAMED}\"a\"\r\n x: y\r\n{}\r\n\r\n1\r\n--b--",
                "z".repeat(HEAD)
            ),
        ] {
            assert!(read(&body).is_err(), "{body}");
        }
    }
}
