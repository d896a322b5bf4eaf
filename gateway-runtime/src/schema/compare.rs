//! Equality of JSON values in place: numbers by value, strings by characters, objects whatever their order.
//!
//! Both texts have been found to be JSON before. An object that has a name twice equals only one that has it as often.

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
    pub(super) fn equals(&self, other: &Hashed, text: Text<'_>) -> bool {
        let (a, b) = (
            text.bytes(self.at, self.end),
            text.bytes(other.at, other.end),
        );
        // Strings without escapes have one way to be written.
        let plain =
            |value: &[u8]| value.starts_with(b"\"") && memchr::memchr(b'\\', value).is_none();
        a == b || !(plain(a) && plain(b)) && equal(text, self.at, text, other.at)
    }
}

/// Whether two values are equal.
pub(super) fn equal(a: Text<'_>, a_at: usize, b: Text<'_>, b_at: usize) -> bool {
    matches!(ends(a, a_at, b, b_at), Some(Some(_)))
}

/// The ends of two values if they are equal; `Some(None)`: they are not. `None`: one of them is no JSON.
fn ends(a: Text<'_>, a_at: usize, b: Text<'_>, b_at: usize) -> Option<Option<(usize, usize)>> {
    let (Some(first), Some(second)) = (a.byte(a_at), b.byte(b_at)) else {
        return None;
    };
    let digit = |byte: u8| byte == b'-' || byte.is_ascii_digit();
    if first != second && !(digit(first) && digit(second)) {
        return Some(None);
    }
    match first {
        b'"' => {
            let (a_end, b_end) = (a.string(a_at).ok()?, b.string(b_at).ok()?);
            let same = same_text(a, a_end, b, b_end);
            Some(same.then_some((a_end.end + 1, b_end.end + 1)))
        }
        b'[' => elements(a, a_at, b, b_at),
        b'{' => members(a, a_at, b, b_at),
        byte if digit(byte) => {
            let (a_end, b_end) = (a.number(a_at).ok()?.end, b.number(b_at).ok()?.end);
            let number = Decimal::read(a.bytes(a_at, a_end));
            let same = number == Decimal::read(b.bytes(b_at, b_end));
            Some(same.then_some((a_end, b_end)))
        }
        _ => Some(Some((a.literal(a_at).ok()?, b.literal(b_at).ok()?))),
    }
}

fn same_text(a: Text<'_>, first: Str, b: Text<'_>, second: Str) -> bool {
    let (mut one, mut other) = (Vec::new(), Vec::new());
    a.decoded(first, &mut one) == b.decoded(second, &mut other)
}

fn elements(a: Text<'_>, a_at: usize, b: Text<'_>, b_at: usize) -> Option<Option<(usize, usize)>> {
    let (mut first, mut second) = (a.first(a_at, b']'), b.first(b_at, b']'));
    loop {
        match (first, second) {
            (Err(a_end), Err(b_end)) => return Some(Some((a_end, b_end))),
            (Ok(a_at), Ok(b_at)) => match ends(a, a_at, b, b_at)? {
                Some((a_end, b_end)) => {
                    first = a.next(a_end, b']').ok()?;
                    second = b.next(b_end, b']').ok()?;
                }
                None => return Some(None),
            },
            _ => return Some(None),
        }
    }
}

/// A member: its name, and where its value begins.
type Member = (Vec<u8>, usize);

fn members(a: Text<'_>, a_at: usize, b: Text<'_>, b_at: usize) -> Option<Option<(usize, usize)>> {
    let (ours, a_end) = listed(a, a_at)?;
    let (theirs, b_end) = listed(b, b_at)?;
    if ours.len() != theirs.len() {
        return Some(None);
    }
    for ((name, a_at), (other, b_at)) in ours.iter().zip(&theirs) {
        if name != other || ends(a, *a_at, b, *b_at)?.is_none() {
            return Some(None);
        }
    }
    Some(Some((a_end, b_end)))
}

/// The members of an object by their names, and its end.
fn listed(text: Text<'_>, at: usize) -> Option<(Vec<Member>, usize)> {
    let mut members = Vec::new();
    let mut next = text.first(at, b'}');
    loop {
        let start = match next {
            Ok(start) => start,
            Err(end) => {
                members.sort_by(|(a, _), (b, _): &(Vec<u8>, usize)| a.cmp(b));
                return Some((members, end));
            }
        };
        let (name, value) = text.name(start).ok()?;
        let mut decoded = Vec::new();
        text.decode(name, &mut decoded);
        members.push((decoded, value));
        next = text.next(text.skip(value, 0).ok()?, b'}').ok()?;
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
        let same = equal(Text::of(a), 0, Text::of(b), 0);
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
