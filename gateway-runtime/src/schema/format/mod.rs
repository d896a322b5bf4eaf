//! Formats: what strings of a kind look like. Written by hand, each linear in the text and without tables of its own.

mod internet;
mod time;
mod uri;

use crate::def::Format;

/// Whether a text has a format. Formats of numbers say nothing of texts.
pub(super) fn is(format: Format, text: &str) -> bool {
    match format {
        Format::DateTime => time::date_time(text),
        Format::Date => time::date(text),
        Format::Time => time::time(text),
        Format::Duration => time::duration(text),
        Format::Email => text.is_ascii() && internet::email(text),
        Format::IdnEmail => internet::email(text),
        Format::Hostname => internet::hostname(text),
        Format::IdnHostname => internet::idn_hostname(text),
        Format::Ipv4 => internet::ipv4(text),
        Format::Ipv6 => internet::ipv6(text),
        Format::Uri => uri::is(text, uri::ABSOLUTE),
        Format::UriReference => uri::is(text, uri::REFERENCE),
        Format::Iri => uri::is(text, uri::INTERNATIONAL),
        Format::IriReference => uri::is(text, uri::INTERNATIONAL_REFERENCE),
        Format::UriTemplate => uri::template(text),
        Format::Uuid => uuid(text),
        Format::JsonPointer => json_pointer(text),
        Format::RelativeJsonPointer => relative_json_pointer(text),
        Format::Regex => super::ecma::is_pattern(text),
        Format::Byte => base64(text),
        Format::Int32 | Format::Int64 => true,
    }
}

/// What a format demands, for "must be …".
pub const fn described(format: Format) -> &'static str {
    match format {
        Format::DateTime => "a date and time such as 2026-11-23T09:07:10Z",
        Format::Date => "a date such as 2026-11-23",
        Format::Time => "a time such as 09:07:10Z",
        Format::Duration => "a duration such as P1DT12H",
        Format::Email | Format::IdnEmail => "an e-mail address",
        Format::Hostname | Format::IdnHostname => "a host name",
        Format::Ipv4 => "an IPv4 address",
        Format::Ipv6 => "an IPv6 address",
        Format::Uri => "a URI with its scheme",
        Format::UriReference => "a URI or a relative reference",
        Format::Iri => "an IRI with its scheme",
        Format::IriReference => "an IRI or a relative reference",
        Format::UriTemplate => "a URI template",
        Format::Uuid => "a UUID",
        Format::JsonPointer => "a JSON pointer",
        Format::RelativeJsonPointer => "a relative JSON pointer",
        Format::Regex => "a regular expression (ECMA 262)",
        Format::Byte => "text in Base64",
        Format::Int32 => "an integer of 32 bits",
        Format::Int64 => "an integer of 64 bits",
    }
}

fn uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn json_pointer(text: &str) -> bool {
    (text.is_empty() || text.starts_with('/'))
        && text
            .split('~')
            .skip(1)
            .all(|after| after.starts_with(['0', '1']))
}

fn relative_json_pointer(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    !number.is_empty()
        && (number == "0" || !number.starts_with('0'))
        && (rest == "#" || json_pointer(rest))
}

fn base64(text: &str) -> bool {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    let Some(digits) = text.get(..text.len() - padding) else {
        return false;
    };
    text.len().is_multiple_of(4)
        && padding <= 2
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        for (text, good) in [
            ("", true),
            ("YQ==", true),
            ("YWI=", true),
            ("YWJj", true),
            ("YQ", false),
            ("YQ=", false),
            ("=", false),
            ("====", false),
            ("Y===", false),
            ("Y-_j", false),
            ("YQ==YQ==", false),
            ("YW\nj", false),
        ] {
            assert_eq!(is(Format::Byte, text), good, "{text}");
        }
    }

    #[test]
    fn no_text_breaks_a_format() {
        for format in Format::ALL {
            for text in [
                "", "é", "\u{0}", "-", ":", "@", "[", "%", "{", "~", "P", "T", "1", "::", "0x",
            ] {
                is(*format, text);
                is(*format, &text.repeat(300));
            }
            assert!(!described(*format).is_empty());
            assert_eq!(Format::of(format.word()), Some(*format));
        }
    }
}
