//! Media types of bodies: what a request says it brings, and which of the declared ones that is.

use std::borrow::Cow;

/// A media type with its parameters (RFC 9110 §8.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MediaType<'t> {
    essence: &'t str,
    parameters: Parameters<'t>,
}

impl<'t> MediaType<'t> {
    /// Reads the value of a `Content-Type`; `None`: it is none. Its parameters are looked at when one is asked for.
    pub(super) fn parse(value: &'t [u8]) -> Option<MediaType<'t>> {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let (essence, parameters) = value.split_at_checked(end)?;
        let essence = std::str::from_utf8(essence).ok()?;
        let essence = essence.trim_matches([' ', '\t']);
        let (kind, subtype) = essence.split_once('/')?;
        (is_token(kind) && is_token(subtype)).then_some(MediaType {
            essence,
            parameters: Parameters(parameters),
        })
    }

    /// Type and subtype as they were sent.
    pub(super) fn essence(&self) -> &'t str {
        self.essence
    }

    /// The value of a parameter; the name in lower case. `Err`: other readers could find another value, for it stands there
    /// twice, in parts, or among what are no parameters.
    pub(super) fn parameter(&self, name: &str) -> Result<Option<Cow<'t, str>>, Unclear> {
        let mut found: Option<Cow<'t, str>> = None;
        for parameter in self.parameters {
            let parameter = parameter?;
            if !parameter.is(name) {
                continue;
            }
            let value = parameter.unescaped();
            match &found {
                _ if parameter.is_extended() => return Err(Unclear),
                Some(before) if *before != value => return Err(Unclear),
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
            Err(Unclear) => false,
        }
    }
}

/// Parameters of a field, `; name=value` each (RFC 9110 §5.6.6). Those behind something that is none are not told: readers
/// differ about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameters<'t>(pub(super) &'t [u8]);

/// Other readers could find other parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclear;

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameter<'t> {
    name: &'t str,
    /// As it was sent, without its quotes.
    pub(super) value: &'t str,
    quoted: bool,
}

impl<'t> Parameter<'t> {
    /// Whether its name is this, in whatever case, or one that RFC 8187 and RFC 2231 make of it: `name*`, `name*0`.
    pub(super) fn is(&self, name: &str) -> bool {
        let base = self.name.split('*').next().unwrap_or_default();
        base.eq_ignore_ascii_case(name)
    }

    /// Whether its name has an asterisk: some readers then decode its value, or join it with others.
    pub(super) fn is_extended(&self) -> bool {
        self.name.contains('*')
    }

    /// The value without backslashes before characters.
    fn unescaped(&self) -> Cow<'t, str> {
        if !self.quoted || !self.value.contains('\\') {
            return Cow::Borrowed(self.value);
        }
        let mut out = String::with_capacity(self.value.len());
        let mut chars = self.value.chars();
        while let Some(char) = chars.next() {
            match char {
                '\\' => out.extend(chars.next()),
                char => out.push(char),
            }
        }
        Cow::Owned(out)
    }
}

impl<'t> Iterator for Parameters<'t> {
    type Item = Result<Parameter<'t>, Unclear>;

    fn next(&mut self) -> Option<Self::Item> {
        let gap = |byte: &u8| matches!(byte, b' ' | b'\t' | b';');
        let start = self.0.iter().position(|byte| !gap(byte))?;
        let read = first(self.0.get(start..)?);
        self.0 = read.map_or(&[][..], |(_, behind)| behind);
        Some(read.map(|(parameter, _)| parameter).ok_or(Unclear))
    }
}

/// The parameter at the begin of a text, and what stands behind it: nothing, or a semicolon.
fn first(text: &[u8]) -> Option<(Parameter<'_>, &[u8])> {
    let at = memchr::memchr(b'=', text)?;
    let name = std::str::from_utf8(text.get(..at)?).ok()?;
    let name = name.trim_end_matches([' ', '\t']);
    let text = text.get(at + 1..)?.trim_ascii_start();
    let quoted = text.first() == Some(&b'"');
    let (value, behind) = if quoted {
        let text = text.get(1..)?;
        let mut escaped = false;
        let end = text.iter().position(|byte| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })?;
        (text.get(..end)?, text.get(end + 1..)?.trim_ascii_start())
    } else {
        let end = memchr::memchr(b';', text).unwrap_or(text.len());
        let (value, behind) = text.split_at_checked(end)?;
        (value.trim_ascii_end(), behind)
    };
    let value = std::str::from_utf8(value).ok()?;
    let plain = quoted || !value.contains(['"', ' ', '\t']);
    let ends = matches!(behind.first(), None | Some(b';'));
    let parameter = Parameter {
        name,
        value,
        quoted,
    };
    (is_token(name) && plain && ends).then_some((parameter, behind))
}

/// Whether a text is a token (RFC 9110 §5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let special = b"!#$&-^_.+%'*`|~";
    let fine = |b: u8| b.is_ascii_alphanumeric() || special.contains(&b);
    !text.is_empty() && text.bytes().all(fine)
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
#[expect(clippy::unwrap_used, reason = "tests")]
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
                "text/plain;a=\";charset=utf-7\"; ;",
                Some(("text/plain", true)),
            ),
            // Readers that skip what is no parameter find UTF-16.
            (
                "application/json;x;charset=utf-16",
                Some(("application/json", false)),
            ),
            (
                "application/json;charset*=utf-16",
                Some(("application/json", false)),
            ),
            (
                "application/json;a=\"b\"c;charset=utf-16",
                Some(("application/json", false)),
            ),
            (
                "application/json;charset=\"utf-8",
                Some(("application/json", false)),
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
        for unclear in [
            "x; boundary=a",
            "boundary=a; boundary*=b",
            "boundary=a b",
            "boundary=a; boundary=b",
        ] {
            let text = format!("multipart/form-data; {unclear}");
            let media_type = MediaType::parse(text.as_bytes()).unwrap();
            assert_eq!(media_type.parameter("boundary"), Err(Unclear), "{unclear}");
        }
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
