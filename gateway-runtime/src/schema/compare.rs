//! Equality of JSON values in place: numbers by value, strings by characters, objects whatever their order.
//!
//! The text has been found to be JSON before. An object that has a name twice equals only one that has it as often. No byte is
//! read more than three times, however values are nested: members are compared as they come, and where their order differs,
//! hashes of the whole values are.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use super::cursor::{Str, Text};
use super::number::Decimal;

/// A value among others that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hashed {
    /// What equal values share, where that is asked for.
    pub(super) hash: u64,
    pub(super) at: usize,
    pub(super) end: usize,
}

impl Hashed {
    /// Whether this value equals another of the same text.
    pub(super) fn equals(&self, other: &Hashed, text: Text<'_>, keys: &RandomState) -> bool {
        let (a, b) = (
            text.bytes(self.at, self.end),
            text.bytes(other.at, other.end),
        );
        // Strings without escapes have one way to be written.
        let plain =
            |value: &[u8]| value.starts_with(b"\"") && memchr::memchr(b'\\', value).is_none();
        a == b || !(plain(a) && plain(b)) && equal(text, self.at, other.at, keys)
    }
}

/// Whether two values of a text are equal. The keys are those of [`hash`].
pub(super) fn equal(text: Text<'_>, a: usize, b: usize, keys: &RandomState) -> bool {
    match ends(text, a, b) {
        Some(ends) => ends.is_some(),
        None => hash(text, a, keys) == hash(text, b, keys),
    }
}

/// The ends of two values if they are equal; `Some(None)`: they are not. `None`: the order of members does not let it be said.
fn ends(text: Text<'_>, a: usize, b: usize) -> Option<Option<(usize, usize)>> {
    let (Some(first), Some(second)) = (text.byte(a), text.byte(b)) else {
        return None;
    };
    let digit = |byte: u8| byte == b'-' || byte.is_ascii_digit();
    if first != second && !(digit(first) && digit(second)) {
        return Some(None);
    }
    match first {
        b'"' => {
            let (a, b) = (text.string(a).ok()?, text.string(b).ok()?);
            Some(same_text(text, a, b).then_some((a.end + 1, b.end + 1)))
        }
        b'[' => elements(text, a, b),
        b'{' => members(text, a, b),
        byte if digit(byte) => {
            let (a_end, b_end) = (text.number(a).ok()?.end, text.number(b).ok()?.end);
            let number = Decimal::read(text.bytes(a, a_end));
            let same = number == Decimal::read(text.bytes(b, b_end));
            Some(same.then_some((a_end, b_end)))
        }
        _ => Some(Some((text.literal(a).ok()?, text.literal(b).ok()?))),
    }
}

fn same_text(text: Text<'_>, first: Str, second: Str) -> bool {
    let (mut one, mut other) = (Vec::new(), Vec::new());
    text.decoded(first, &mut one) == text.decoded(second, &mut other)
}

fn elements(text: Text<'_>, a: usize, b: usize) -> Option<Option<(usize, usize)>> {
    let (mut first, mut second) = (text.first(a, b']'), text.first(b, b']'));
    loop {
        match (first, second) {
            (Err(a_end), Err(b_end)) => return Some(Some((a_end, b_end))),
            (Ok(one), Ok(other)) => match ends(text, one, other)? {
                Some((a_end, b_end)) => {
                    first = text.next(a_end, b']').ok()?;
                    second = text.next(b_end, b']').ok()?;
                }
                None => return Some(None),
            },
            _ => return Some(None),
        }
    }
}

fn members(text: Text<'_>, a: usize, b: usize) -> Option<Option<(usize, usize)>> {
    let (mut first, mut second) = (text.first(a, b'}'), text.first(b, b'}'));
    loop {
        match (first, second) {
            (Err(a_end), Err(b_end)) => return Some(Some((a_end, b_end))),
            (Ok(one), Ok(other)) => {
                let ((name, one), (other_name, other)) =
                    (text.name(one).ok()?, text.name(other).ok()?);
                if !same_text(text, name, other_name) {
                    return None;
                }
                match ends(text, one, other)? {
                    Some((a_end, b_end)) => {
                        first = text.next(a_end, b'}').ok()?;
                        second = text.next(b_end, b'}').ok()?;
                    }
                    None => return Some(None),
                }
            }
            _ => return Some(None),
        }
    }
}

/// A hash that equal values share. The keys are secret, so nobody can make values that share it otherwise.
pub(super) fn hash(text: Text<'_>, at: usize, keys: &RandomState) -> u64 {
    walk(text, at, keys).0
}

/// Hash and end. What is no JSON has none, and is met nowhere.
fn walk(text: Text<'_>, at: usize, keys: &RandomState) -> (u64, usize) {
    let mut state = keys.build_hasher();
    let byte = text.byte(at).unwrap_or_default();
    let end = match byte {
        b'"' => {
            let Ok(string) = text.string(at) else {
                return (0, at);
            };
            name(text, string, &mut state);
            string.end + 1
        }
        b'-' | b'0'..=b'9' => {
            let end = text.number(at).map_or(at, |number| number.end);
            b'0'.hash(&mut state);
            Decimal::read(text.bytes(at, end)).hash(&mut state);
            end
        }
        b'[' => {
            byte.hash(&mut state);
            let mut next = text.first(at, b']');
            loop {
                match next {
                    Ok(value) => {
                        let (hash, end) = walk(text, value, keys);
                        hash.hash(&mut state);
                        next = text.next(end, b']').unwrap_or(Err(end));
                    }
                    Err(end) => break end,
                }
            }
        }
        b'{' => {
            byte.hash(&mut state);
            // The order of members does not matter, so their hashes are summed.
            let mut sum: u64 = 0;
            let mut next = text.first(at, b'}');
            let end = loop {
                match next {
                    Ok(start) => {
                        let Ok((member, value)) = text.name(start) else {
                            return (0, at);
                        };
                        let (hash, end) = walk(text, value, keys);
                        let mut both = keys.build_hasher();
                        name(text, member, &mut both);
                        hash.hash(&mut both);
                        sum = sum.wrapping_add(both.finish());
                        next = text.next(end, b'}').unwrap_or(Err(end));
                    }
                    Err(end) => break end,
                }
            };
            sum.hash(&mut state);
            end
        }
        _ => {
            byte.hash(&mut state);
            text.literal(at).unwrap_or(at)
        }
    };
    (state.finish(), end)
}

fn name(text: Text<'_>, string: Str, state: &mut impl Hasher) {
    b'"'.hash(state);
    if string.escaped {
        let mut room = Vec::new();
        text.decode(string, &mut room);
        state.write(&room);
    } else {
        state.write(text.bytes(string.start, string.end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        let keys = RandomState::new();
        let text = format!("{a} {b}");
        let same = equal(Text::of(&text), 0, a.len() + 1, &keys);
        let hashes = hash(Text::of(a), 0, &keys) == hash(Text::of(b), 0, &keys);
        assert_eq!(same, hashes, "{a} {b}");
        same
    }

    #[test]
    fn values_are_equal_however_they_are_written() {
        for (a, b) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("-0", "0"),
            (r#""a""#, r#""\u0061""#),
            ("[1,2]", "[ 1.0 , 2 ]"),
            (r#"{"a":1,"b":[{}]}"#, r#"{ "b": [ { } ], "a": 1 }"#),
            (
                r#"[{"a":1,"b":{"c":2,"d":3}},4]"#,
                r#"[{"a":1,"b":{"d":3,"c":2}},4]"#,
            ),
            ("true", "true"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn other_values_are_not() {
        let all = [
            "null",
            "true",
            "false",
            "0",
            "1",
            "\"\"",
            "\"0\"",
            "[]",
            "[0]",
            "[[]]",
            "{}",
            r#"{"a":0}"#,
            r#"{"b":0}"#,
            r#"{"a":1}"#,
            r#"{"a":0,"b":0}"#,
            r#"{"a":0,"a":0}"#,
            "[0,1]",
            "[1,0]",
            "\"a\"",
            "\"b\"",
        ];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(same(a, b), i == j, "{a} {b}");
            }
        }
    }
}
