//! The parts of a `multipart/form-data` body (RFC 7578, RFC 2046 §5.1), read where they lie.
//!
//! Strict where two readers could find other parts: lines end with CR LF, the boundary is taken to the letter, a part names
//! itself once, and the body ends with the closing boundary. Nested multiparts are bytes.

use std::borrow::Cow;

use super::media::MediaType;

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
    /// CR LF, two dashes, boundary.
    delimiter: Vec<u8>,
}

impl<'b> Parts<'b> {
    /// Begins to read.
    pub(super) fn of(body: &'b [u8], media_type: &MediaType<'_>) -> Result<Parts<'b>, Fault> {
        let boundary = match media_type.parameter("boundary") {
            Ok(Some(boundary)) if (1..=70).contains(&boundary.len()) => boundary,
            _ => return Err("Content-Type names no boundary between the parts."),
        };
        let mut delimiter = b"\r\n--".to_vec();
        delimiter.extend_from_slice(boundary.as_bytes());
        let first = delimiter.get(2..).unwrap_or_default();
        // What stands before the first boundary belongs to nobody (RFC 2046 §5.1.1).
        let rest = match body.strip_prefix(first) {
            Some(rest) => rest,
            None => {
                let at = memchr::memmem::find(body, &delimiter)
                    .ok_or("The body does not begin with the boundary.")?;
                body.get(at + delimiter.len()..).unwrap_or_default()
            }
        };
        Ok(Parts {
            rest: Some(rest),
            delimiter,
        })
    }

    /// The next part; `None`: there was the last one.
    pub(super) fn next(&mut self) -> Result<Option<Part<'b>>, Fault> {
        let Some(rest) = self.rest else {
            return Ok(None);
        };
        if rest.starts_with(b"--") {
            self.rest = None;
            return Ok(None);
        }
        let padding = rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        let rest = rest.get(padding..).unwrap_or_default();
        let rest = rest
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
        let (content, behind) =
            match content.strip_prefix(self.delimiter.get(2..).unwrap_or_default()) {
                // Nothing between the head and the boundary, not even its line break.
                Some(behind) => (&b""[..], behind),
                None => {
                    let end = memchr::memmem::find(content, &self.delimiter)
                        .ok_or("The body ends inside a part.")?;
                    (
                        content.get(..end).unwrap_or_default(),
                        content
                            .get(end + self.delimiter.len()..)
                            .unwrap_or_default(),
                    )
                }
            };
        self.rest = Some(behind);
        part(head, content).map(Some)
    }
}

fn part<'b>(head: &'b [u8], content: &'b [u8]) -> Result<Part<'b>, Fault> {
    let mut disposition = None;
    let mut media_type = None;
    for line in lines(head) {
        let colon =
            memchr::memchr(b':', line).ok_or("A line in the head of a part is no field.")?;
        let name = line.get(..colon).unwrap_or_default();
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
    let disposition = disposition
        .and_then(|value| std::str::from_utf8(value).ok())
        .ok_or("A part has no Content-Disposition.")?;
    let (kind, parameters) = disposition.split_once(';').unwrap_or((disposition, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err("A part is no form-data.");
    }
    let (mut name, mut file) = (None, false);
    let mut rest = parameters;
    while !rest.trim().is_empty() {
        let (known, behind) = rest
            .split_once('=')
            .ok_or("A part's Content-Disposition cannot be read.")?;
        let (value, behind) =
            parameter(behind).ok_or("A part's Content-Disposition cannot be read.")?;
        rest = behind;
        match known
            .trim_matches([' ', '\t', ';'])
            .to_ascii_lowercase()
            .as_str()
        {
            "name" if name.is_some() => return Err("A part has two names."),
            "name" => name = Some(value),
            "filename" | "filename*" => file = true,
            _ => {}
        }
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

/// A value of `Content-Disposition`. Browsers write `%22` for a quote and mean nothing else by a backslash (WHATWG), others
/// escape with it: both name the same part here, for only quotes are ever escaped in a name.
fn parameter(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let Some(quoted) = text.trim_start().strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return Some((Cow::Borrowed(value.trim()), rest));
    };
    let mut escaped = false;
    let end = quoted.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let (value, rest) = (quoted.get(..end)?, quoted.get(end + 1..)?);
    let value = match value.contains("\\\"") || value.contains("%22") {
        true => Cow::Owned(value.replace("\\\"", "\"").replace("%22", "\"")),
        false => Cow::Borrowed(value),
    };
    Some((value, rest))
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
                    "before\r\n--b \t\r\n{NAMED}a; filename=\"x;y\"\r\nContent-Type: image/png\r\n\r\n\r\n--c\r\n--b\r\n{NAMED}\"b\\\"c\"\r\n\r\n\r\n--b--after"
                ),
                vec!["a!(image/png)=\r\n--c", "b\"c="],
            ),
            (format!("--b\r\n{NAMED}\"a\"\r\n\r\n--b--"), vec!["a="]),
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
