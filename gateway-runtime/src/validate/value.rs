//! Texts of requests as JSON: what a piece of text becomes is decided by the types that its schema allows where it stands.
//!
//! Where a number may stand, a text that is a JSON number is one; `true` and `false` are booleans where these may stand;
//! nothing, or `null`, is null; all else is a string. So one program checks parameters, forms and bodies alike.

use std::borrow::Cow;

use crate::def::{Rule, Rules, Types};
use crate::expr::Escape;

/// What a text is that cannot be made a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Decoded, it is not UTF-8.
    Utf8,
    /// It stands there more than once, and one value is wanted.
    Repeated,
    /// It is not written as its style wants it.
    Style,
}

/// How a text is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    /// It is not.
    Plain,
    /// Percent-encoded.
    Percent,
    /// Percent-encoded, and `+` is a space.
    Form,
}

/// Types of one text: of an array, an object, or neither.
const TEXTS: Types = Types::STRING
    .or(Types::NUMBER)
    .or(Types::BOOLEAN)
    .or(Types::NULL);

/// What a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// A string, a number, a boolean or null.
    One,
    /// An array.
    Several,
    /// An object.
    Members,
}

impl Sort {
    /// What `types` make of a value. `several`: there are several pieces of it.
    pub(super) fn of(types: Types, several: bool) -> Sort {
        if allows(types, Types::ARRAY) && (several || !allows(types, TEXTS)) {
            return Sort::Several;
        }
        if allows(types, Types::OBJECT) && !allows(types, TEXTS) {
            return Sort::Members;
        }
        Sort::One
    }
}

/// Whether some of these types are allowed.
pub(super) fn allows(types: Types, some: Types) -> bool {
    !types.and(some).is_empty()
}

/// What a schema that names no type must be about, by what else it says; a string if by nothing.
pub(super) fn implied(types: Types, rules: Rules) -> Types {
    if !types.has(Types::ALL) {
        return types;
    }
    let about = rules.iter().map(|rule| match rule {
        Rule::Enum(texts) => texts
            .iter()
            .map(|text| match text.as_bytes().first() {
                Some(b'"') => Types::STRING,
                Some(b't' | b'f') => Types::BOOLEAN,
                Some(b'n') => Types::NULL,
                Some(b'[') => Types::ARRAY,
                Some(b'{') => Types::OBJECT,
                _ => Types::NUMBER,
            })
            .fold(Types::NONE, Types::or),
        Rule::Minimum(_)
        | Rule::Maximum(_)
        | Rule::ExclusiveMinimum(_)
        | Rule::ExclusiveMaximum(_)
        | Rule::MultipleOf(_) => Types::NUMBER,
        Rule::Items(_) | Rule::PrefixItems(_) | Rule::UniqueItems => Types::ARRAY,
        Rule::Property(..) => Types::OBJECT,
        _ => Types::NONE,
    });
    match about.fold(Types::NONE, Types::or) {
        about if about.is_empty() => Types::STRING,
        about => about,
    }
}

/// Writes a text as the value that `types` let it be.
pub(super) fn write(text: &str, types: Types, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let verbatim = match bytes {
        b"true" | b"false" => allows(types, Types::BOOLEAN),
        b"null" => allows(types, Types::NULL),
        b"" if allows(types, Types::NULL) => {
            out.extend_from_slice(b"null");
            return;
        }
        _ => allows(types, Types::NUMBER) && is_number(bytes),
    };
    if verbatim {
        out.extend_from_slice(bytes);
    } else {
        write_string(text, out);
    }
}

/// Writes a text as a JSON string.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    Escape::Json.write(out, text.as_bytes());
    out.push(b'"');
}

/// Writes bytes as a JSON string of one character for each (ISO 8859-1), so that what is wanted of characters is asked of them.
pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for piece in bytes.chunk_by(|a, b| a.is_ascii() == b.is_ascii()) {
        if piece.is_ascii() {
            Escape::Json.write(out, piece);
            continue;
        }
        for byte in piece {
            let mut room = [0; 2];
            out.extend_from_slice(char::from(*byte).encode_utf8(&mut room).as_bytes());
        }
    }
    out.push(b'"');
}

/// Whether a text is a number of JSON (RFC 8259 §6).
fn is_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(text);
    if whole == 0 || whole > 1 && text.first() == Some(&b'0') {
        return false;
    }
    let mut rest = text.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = fraction.get(count..).unwrap_or_default();
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        };
        return !exponent.is_empty() && exponent.iter().all(u8::is_ascii_digit);
    }
    rest.is_empty()
}

/// A text, decoded once. A `%` without two hexadecimal digits stays one.
pub(super) fn decoded(raw: &[u8], coding: Coding) -> Result<Cow<'_, str>, Wrong> {
    let plain = match coding {
        Coding::Plain => true,
        Coding::Percent => memchr::memchr(b'%', raw).is_none(),
        Coding::Form => memchr::memchr2(b'%', b'+', raw).is_none(),
    };
    if plain {
        return std::str::from_utf8(raw)
            .map(Cow::Borrowed)
            .map_err(|_| Wrong::Utf8);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'+' if coding == Coding::Form => out.push(b' '),
            b'%' => match escaped(behind) {
                Some(decoded) => {
                    out.push(decoded);
                    rest = behind.get(2..).unwrap_or_default();
                }
                None => out.push(b'%'),
            },
            byte => out.push(byte),
        }
    }
    String::from_utf8(out)
        .map(Cow::Owned)
        .map_err(|_| Wrong::Utf8)
}

/// The byte that two hexadecimal digits stand for.
fn escaped(text: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    match text {
        [high, low, ..] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
        _ => None,
    }
}

/// What separates the elements of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Delimiter {
    /// The character.
    pub(super) byte: u8,
    /// Whether it separates when it is percent-encoded, too.
    pub(super) encoded: bool,
}

impl Delimiter {
    /// The first one in a text: where it begins and where it ends.
    fn find(self, text: &[u8]) -> Option<(usize, usize)> {
        let mut from = 0;
        loop {
            let rest = text.get(from..)?;
            let at = from
                + match (self.encoded, self.byte) {
                    (false, byte) => memchr::memchr(byte, rest)?,
                    // A space is written `+` as well.
                    (true, b' ') => memchr::memchr3(b' ', b'+', b'%', rest)?,
                    (true, byte) => memchr::memchr2(byte, b'%', rest)?,
                };
            if text.get(at) != Some(&b'%') {
                return Some((at, at + 1));
            }
            if text.get(at + 1..).and_then(escaped) == Some(self.byte) {
                return Some((at, at + 3));
            }
            from = at + 1;
        }
    }

    /// The elements of a text; of an empty one there are none.
    pub(super) fn split(self, text: &[u8]) -> impl Iterator<Item = &[u8]> {
        let mut rest = (!text.is_empty()).then_some(text);
        std::iter::from_fn(move || {
            let text = rest?;
            Some(match self.find(text) {
                Some((start, end)) => {
                    rest = text.get(end..);
                    text.get(..start).unwrap_or_default()
                }
                None => {
                    rest = None;
                    text
                }
            })
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn written(text: &str, types: Types) -> String {
        let mut out = Vec::new();
        write(text, types, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn types_decide_what_a_text_is() {
        let nullable = Types::STRING.or(Types::NULL);
        for (text, types, json) in [
            ("12", Types::INTEGER, "12"),
            ("12", Types::STRING, "\"12\""),
            ("12", Types::ALL, "12"),
            ("-1.5e+3", Types::NUMBER, "-1.5e+3"),
            ("true", Types::BOOLEAN, "true"),
            ("true", Types::STRING, "\"true\""),
            ("null", nullable, "null"),
            ("", nullable, "null"),
            ("", Types::STRING, "\"\""),
            ("a\"b\\\n", Types::STRING, r#""a\"b\\\n""#),
            ("NaN", Types::NUMBER, "\"NaN\""),
            ("0x10", Types::NUMBER, "\"0x10\""),
            ("1],[2", Types::NUMBER, "\"1],[2\""),
        ] {
            assert_eq!(written(text, types), json, "{text}");
        }
    }

    #[test]
    fn bytes_are_a_character_each() {
        let mut out = Vec::new();
        write_bytes(b"<a\"\xff\xe9\n>", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), r#""<a\"ÿé\n>""#);
    }

    #[test]
    fn numbers_are_those_of_json() {
        for number in [
            "0",
            "-0",
            "10",
            "1.0",
            "1e400",
            "1E-7",
            "18446744073709551617",
        ] {
            assert!(is_number(number.as_bytes()), "{number}");
        }
        for other in [
            "", "-", "01", "1.", ".5", "+1", "1e", "1e+", "1 ", " 1", "1_000", "0x1",
        ] {
            assert!(!is_number(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn texts_are_decoded_once() {
        for (raw, coding, text) in [
            ("a%2Fb+c", Coding::Percent, Ok("a/b+c")),
            ("a%2Fb+c", Coding::Form, Ok("a/b c")),
            ("a%2Fb", Coding::Plain, Ok("a%2Fb")),
            ("%252F", Coding::Form, Ok("%2F")),
            ("100%", Coding::Form, Ok("100%")),
            ("%zz%4", Coding::Form, Ok("%zz%4")),
            ("%C3%A9", Coding::Form, Ok("é")),
            ("%C3", Coding::Form, Err(Wrong::Utf8)),
            ("%FF", Coding::Percent, Err(Wrong::Utf8)),
        ] {
            assert_eq!(
                decoded(raw.as_bytes(), coding).as_deref(),
                text.as_ref().copied(),
                "{raw}"
            );
        }
    }

    #[test]
    fn elements_are_separated_before_they_are_decoded() {
        let comma = |encoded| Delimiter {
            byte: b',',
            encoded,
        };
        let space = Delimiter {
            byte: b' ',
            encoded: true,
        };
        for (text, by, elements) in [
            ("a,b", comma(false), vec!["a", "b"]),
            ("a%2Cb,c", comma(false), vec!["a%2Cb", "c"]),
            ("1%2c2%2C3,4", comma(true), vec!["1", "2", "3", "4"]),
            ("a%20b+c d%2B", space, vec!["a", "b", "c", "d%2B"]),
            ("", comma(false), vec![]),
            (",", comma(false), vec!["", ""]),
            ("%", comma(true), vec!["%"]),
        ] {
            let split: Vec<&[u8]> = by.split(text.as_bytes()).collect();
            let expected: Vec<&[u8]> = elements.iter().map(|e| e.as_bytes()).collect();
            assert_eq!(split, expected, "{text}");
        }
    }
}
