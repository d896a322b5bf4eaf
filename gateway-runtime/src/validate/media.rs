//! Media types of bodies: what a request says it brings, and which of the declared ones that is.

use std::borrow::Cow;

/// A media type with its parameters (RFC 9110 §8.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MediaType<'t> {
    essence: &'t str,
    parameters: &'t str,
}

impl<'t> MediaType<'t> {
    /// Reads the value of a `Content-Type`; `None`: it is none.
    pub(super) fn parse(value: &'t [u8]) -> Option<MediaType<'t>> {
        let text = std::str::from_utf8(value).ok()?;
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let essence = essence.trim_matches([' ', '\t']);
        let (kind, subtype) = essence.split_once('/')?;
        let token = |text: &str| {
            let special = b"!#$&-^_.+%'*`|~";
            let fine = |b: u8| b.is_ascii_alphanumeric() || special.contains(&b);
            !text.is_empty() && text.bytes().all(fine)
        };
        (token(kind) && token(subtype)).then_some(MediaType {
            essence,
            parameters,
        })
    }

    /// Type and subtype as they were sent.
    pub(super) fn essence(&self) -> &'t str {
        self.essence
    }

    /// The value of a parameter; the name in lower case. `Err`: it stands there twice, with two values.
    pub(super) fn parameter(&self, name: &str) -> Result<Option<Cow<'t, str>>, ()> {
        let mut found: Option<Cow<'t, str>> = None;
        let mut rest = self.parameters;
        while let Some((known, behind)) = rest.split_once('=') {
            let known = known.trim_matches([' ', '\t', ';']);
            let (value, behind) = value(behind);
            rest = behind;
            if !known.eq_ignore_ascii_case(name) {
                continue;
            }
            match &found {
                Some(before) if *before != value => return Err(()),
                _ => found = Some(value),
            }
        }
        Ok(found)
    }

    /// Whether its text is UTF-8, as far as it says.
    pub(super) fn is_utf8(&self) -> bool {
        match self.parameter("charset") {
            Ok(None) => true,
            Ok(Some(charset)) => ["utf-8", "utf8", "us-ascii", "ascii"]
                .iter()
                .any(|known| charset.eq_ignore_ascii_case(known)),
            Err(()) => false,
        }
    }
}

/// The value at the begin of a text, a token or a quoted string, and what stands behind it.
fn value(text: &str) -> (Cow<'_, str>, &str) {
    let Some(quoted) = text.trim_start_matches([' ', '\t']).strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return (Cow::Borrowed(value.trim_matches([' ', '\t'])), rest);
    };
    let mut out = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (Cow::Owned(out), quoted.get(at + 1..).unwrap_or_default()),
            '\\' => out.extend(chars.next().map(|(_, char)| char)),
            char => out.push(char),
        }
    }
    (Cow::Owned(out), "")
}

/// How closely a declared media type or range names one; `None` if it does not. The largest is the one that speaks.
pub(super) fn closeness(declared: &str, essence: &str) -> Option<u8> {
    if declared == "*/*" || declared == "*" {
        return Some(0);
    }
    if declared.eq_ignore_ascii_case(essence) {
        return Some(3);
    }
    let (kind, subtype) = declared.split_once('/')?;
    let (sent, sent_subtype) = essence.split_once('/')?;
    if !kind.eq_ignore_ascii_case(sent) {
        return None;
    }
    match subtype.strip_prefix('*')? {
        "" => Some(1),
        suffix => {
            let from = sent_subtype.len().checked_sub(suffix.len())?;
            let end = sent_subtype.get(from..)?;
            end.eq_ignore_ascii_case(suffix).then_some(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_brings() {
        let charset = |text: &'static str| {
            MediaType::parse(text.as_bytes()).map(|media| (media.essence(), media.is_utf8()))
        };
        for (text, expected) in [
            ("application/json", Some(("application/json", true))),
            (
                "Application/JSON ; charset=UTF-8",
                Some(("Application/JSON", true)),
            ),
            (
                "application/json;charset=\"utf-8\"",
                Some(("application/json", true)),
            ),
            (
                "application/json;charset=us-ascii",
                Some(("application/json", true)),
            ),
            (
                "application/json;charset=utf-16",
                Some(("application/json", false)),
            ),
            (
                "application/json;charset=utf-8;charset=utf-7",
                Some(("application/json", false)),
            ),
            (
                "text/plain;a=\";charset=utf-7\"",
                Some(("text/plain", true)),
            ),
            (
                "application/vnd.a+json",
                Some(("application/vnd.a+json", true)),
            ),
            ("json", None),
            ("application/", None),
            ("application/json,text/plain", None),
            ("", None),
        ] {
            assert_eq!(charset(text), expected, "{text}");
        }
        let boundary = MediaType::parse(b"multipart/form-data; boundary=\"a \\\" b\"");
        assert_eq!(
            boundary.map(|m| m.parameter("boundary")),
            Some(Ok(Some("a \" b".into())))
        );
    }

    #[test]
    fn the_closest_range_speaks() {
        for (declared, sent, closeness_of) in [
            ("application/json", "application/JSON", Some(3)),
            ("application/*+json", "application/a.b+json", Some(2)),
            ("application/*+json", "application/json", None),
            ("application/*", "application/json", Some(1)),
            ("*/*", "image/png", Some(0)),
            ("image/*", "application/json", None),
            ("application/json", "application/a+json", None),
        ] {
            assert_eq!(closeness(declared, sent), closeness_of, "{declared} {sent}");
        }
    }
}
