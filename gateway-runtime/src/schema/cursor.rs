//! Reading JSON (RFC 8259) in place: where a value ends, and what is wrong if it has no end.
//!
//! Positions go in and come out, nothing is kept, so that a reader may go back and read a value again. Invariants: the text
//! is UTF-8; every function either ends behind a value that is JSON or says at which byte it is not; nesting is counted by
//! the caller and bounded by [`MAX_DEPTH`]; nothing recurses and nothing allocates.

use std::fmt;

use super::number::{SHORT_DIGITS, Short};

/// Deepest nesting of arrays and objects in a text.
pub const MAX_DEPTH: usize = 128;

/// Longest text that is looked at, in bytes: positions are kept in 32 bits. Limits of bodies are far below.
pub(super) const MAX_LENGTH: usize = 1 << 31;

/// Where a text stops being JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Offset in bytes.
    pub offset: usize,
    /// What should stand there.
    pub expected: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not JSON: expected {} at byte {}",
            self.expected, self.offset
        )
    }
}

impl std::error::Error for Malformed {}

/// A string: where its content begins and ends. The quotes are not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Str {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether a backslash stands in it.
    pub(super) escaped: bool,
}

/// A number: where it ends, and its value if that is a short one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) end: usize,
    pub(super) short: Option<Short>,
}

/// A text that is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'j> {
    json: &'j [u8],
}

fn malformed<T>(offset: usize, expected: &'static str) -> Result<T, Malformed> {
    Err(Malformed { offset, expected })
}

/// What a number that begins with this is told when another nesting level is too much.
pub(super) const SHALLOWER: &str = "at most 128 arrays and objects inside each other";

impl<'j> Text<'j> {
    /// A text whose bytes are UTF-8 and not too many.
    pub(super) fn new(json: &'j [u8]) -> Result<Text<'j>, Malformed> {
        if json.len() >= MAX_LENGTH {
            return malformed(MAX_LENGTH, "the end of the text");
        }
        match std::str::from_utf8(json) {
            Ok(_) => Ok(Text { json }),
            Err(error) => malformed(error.valid_up_to(), "UTF-8"),
        }
    }

    /// A text that is known to be UTF-8.
    pub(super) fn of(text: &'j str) -> Text<'j> {
        Text {
            json: text.as_bytes(),
        }
    }

    pub(super) fn len(self) -> usize {
        self.json.len()
    }

    #[inline]
    pub(super) fn byte(self, at: usize) -> Option<u8> {
        self.json.get(at).copied()
    }

    /// What stands between two positions.
    #[inline]
    pub(super) fn bytes(self, start: usize, end: usize) -> &'j [u8] {
        self.json.get(start..end).unwrap_or_default()
    }

    /// The first byte at or behind `at` that is no whitespace.
    #[inline]
    pub(super) fn space(self, mut at: usize) -> usize {
        // Most texts have none.
        if let Some(b'!'..) = self.byte(at) {
            return at;
        }
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte(at) {
            at += 1;
        }
        at
    }

    /// Where the outermost value begins.
    pub(super) fn begin(self) -> Result<usize, Malformed> {
        if self.json.starts_with(b"\xef\xbb\xbf") {
            return malformed(0, "a value, not a byte order mark");
        }
        Ok(self.space(0))
    }

    /// Nothing but whitespace stands from here on.
    pub(super) fn finish(self, at: usize) -> Result<(), Malformed> {
        let at = self.space(at);
        if at == self.json.len() {
            Ok(())
        } else {
            malformed(at, "the end of the text")
        }
    }

    /// `true`, `false` or `null` begins here.
    #[inline]
    pub(super) fn literal(self, at: usize) -> Result<usize, Malformed> {
        let word: &[u8] = match self.byte(at) {
            Some(b't') => b"true",
            Some(b'f') => b"false",
            Some(b'n') => b"null",
            _ => return malformed(at, "a value"),
        };
        if self.bytes(at, at + word.len()) == word {
            Ok(at + word.len())
        } else {
            malformed(at, "a value")
        }
    }

    /// A number begins here.
    #[inline]
    pub(super) fn number(self, start: usize) -> Result<Number, Malformed> {
        let mut at = start;
        let negative = self.byte(at) == Some(b'-');
        if negative {
            at += 1;
        }
        let first = at;
        // Of the digits on both sides of the point; what has wrapped is not taken.
        let mut size: i64 = 0;
        let mut digits = 0;
        let mut read = |mut at: usize| {
            let first = at;
            while let Some(digit @ b'0'..=b'9') = self.byte(at) {
                size = size.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
                at += 1;
            }
            digits += at - first;
            at
        };
        at = read(at);
        match (at - first, self.byte(first)) {
            (0, _) => return malformed(at, if negative { "a digit" } else { "a value" }),
            (1, _) => {}
            (_, Some(b'0')) => return malformed(first + 1, "no digit behind a leading 0"),
            _ => {}
        }
        let mut scale = 0;
        if self.byte(at) == Some(b'.') {
            let point = at + 1;
            at = read(point);
            scale = at - point;
            if scale == 0 {
                return malformed(at, "a digit");
            }
        }
        let plain = !matches!(self.byte(at), Some(b'e' | b'E'));
        if !plain {
            at += 1;
            if let Some(b'+' | b'-') = self.byte(at) {
                at += 1;
            }
            at = self.digits(at)?;
        }
        let short = match u8::try_from(scale) {
            Ok(scale) if plain && digits <= SHORT_DIGITS => Some(Short {
                size: if negative { -size } else { size },
                scale,
            }),
            _ => None,
        };
        Ok(Number { end: at, short })
    }

    fn digits(self, mut at: usize) -> Result<usize, Malformed> {
        let first = at;
        while let Some(b'0'..=b'9') = self.byte(at) {
            at += 1;
        }
        if at == first {
            return malformed(at, "a digit");
        }
        Ok(at)
    }

    /// A string begins at this quote. It ends at `end + 1`.
    #[inline]
    pub(super) fn string(self, at: usize) -> Result<Str, Malformed> {
        if self.byte(at) != Some(b'"') {
            return malformed(at, "a string");
        }
        self.content(at + 1)
    }

    /// The content of a string begins here.
    #[inline]
    fn content(self, start: usize) -> Result<Str, Malformed> {
        let mut at = start;
        let mut escaped = false;
        loop {
            // Eight bytes at a time as long as none of them means something, then to the one that does.
            while let Some(chunk) = self.json.get(at..at + 8)
                && let Ok(chunk) = <[u8; 8]>::try_from(chunk)
            {
                let plain = plain(u64::from_le_bytes(chunk));
                at += plain;
                if plain < 8 {
                    break;
                }
            }
            match self.byte(at) {
                Some(b'"') => {
                    return Ok(Str {
                        start,
                        end: at,
                        escaped,
                    });
                }
                Some(b'\\') => {
                    escaped = true;
                    at = self.escape(at)?;
                }
                Some(0..=0x1f) => return malformed(at, "no control character in a string"),
                Some(_) => at += 1,
                None => return malformed(at, "the end of the string"),
            }
        }
    }

    /// Behind the escape that begins at this backslash.
    fn escape(self, at: usize) -> Result<usize, Malformed> {
        match self.byte(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => match self.unit(at)? {
                0xd800..=0xdbff => match self.unit(at + 6) {
                    Ok(0xdc00..=0xdfff) => Ok(at + 12),
                    _ => malformed(at + 6, "the second half of a surrogate pair"),
                },
                0xdc00..=0xdfff => malformed(at, "no second half of a surrogate pair alone"),
                _ => Ok(at + 6),
            },
            _ => malformed(at + 1, "an escape that JSON has"),
        }
    }

    /// The UTF-16 code unit of an escape such as `\u00e9`.
    fn unit(self, at: usize) -> Result<u32, Malformed> {
        if self.bytes(at, at + 2) != br"\u" {
            return malformed(at, r"\u");
        }
        let mut unit = 0;
        for at in at + 2..at + 6 {
            let digit = self
                .byte(at)
                .and_then(|digit| char::from(digit).to_digit(16));
            match digit {
                Some(digit) => unit = unit * 16 + digit,
                None => return malformed(at, "a hexadecimal digit"),
            }
        }
        Ok(unit)
    }

    /// The characters of a string that [`Text::string`] found; in `room` if it has escapes.
    #[inline]
    pub(super) fn decoded<'r>(self, string: Str, room: &'r mut Vec<u8>) -> &'r [u8]
    where
        'j: 'r,
    {
        let raw = self.bytes(string.start, string.end);
        if !string.escaped {
            return raw;
        }
        room.clear();
        self.decode(string, room);
        room
    }

    /// Appends the characters of a string.
    pub(super) fn decode(self, string: Str, out: &mut Vec<u8>) {
        let mut at = string.start;
        while at < string.end {
            let rest = self.bytes(at, string.end);
            let plain = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
            out.extend_from_slice(rest.get(..plain).unwrap_or_default());
            at += plain;
            if at >= string.end {
                return;
            }
            let character = match self.byte(at + 1) {
                Some(b'b') => '\u{8}',
                Some(b'f') => '\u{c}',
                Some(b'n') => '\n',
                Some(b'r') => '\r',
                Some(b't') => '\t',
                Some(b'u') => {
                    let first = self.unit(at).unwrap_or_default();
                    at += 4;
                    let code = if (0xd800..0xdc00).contains(&first) {
                        let second = self.unit(at + 2).unwrap_or_default();
                        at += 6;
                        0x10000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff)
                    } else {
                        first
                    };
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                }
                Some(byte) => char::from(byte),
                None => return,
            };
            at += 2;
            let mut room = [0; 4];
            out.extend_from_slice(character.encode_utf8(&mut room).as_bytes());
        }
    }

    /// Behind the comma at or behind `at`, where the next member or element begins; `Err(end)` where the container ends.
    #[inline]
    pub(super) fn next(self, at: usize, close: u8) -> Result<Result<usize, usize>, Malformed> {
        let at = self.space(at);
        match self.byte(at) {
            Some(b',') => Ok(Ok(self.space(at + 1))),
            Some(byte) if byte == close => Ok(Err(at + 1)),
            _ if close == b'}' => malformed(at, "`,` or `}`"),
            _ => malformed(at, "`,` or `]`"),
        }
    }

    /// The first member or element behind the bracket at `at`; `Err(end)` of an empty container.
    #[inline]
    pub(super) fn first(self, at: usize, close: u8) -> Result<usize, usize> {
        let at = self.space(at + 1);
        if self.byte(at) == Some(close) {
            Err(at + 1)
        } else {
            Ok(at)
        }
    }

    /// The name of the member that begins here, and where its value begins.
    #[inline]
    pub(super) fn name(self, at: usize) -> Result<(Str, usize), Malformed> {
        if self.byte(at) != Some(b'"') {
            return malformed(at, "the name of a member in quotes");
        }
        let name = self.content(at + 1)?;
        let at = self.space(name.end + 1);
        if self.byte(at) != Some(b':') {
            return malformed(at, "`:`");
        }
        Ok((name, self.space(at + 1)))
    }

    /// Behind the value that begins here, which stands inside `depth` others.
    pub(super) fn skip(self, start: usize, depth: usize) -> Result<usize, Malformed> {
        let mut at = start;
        // One bit for each open container: whether it is an object.
        let mut objects: u128 = 0;
        let mut open: usize = 0;
        loop {
            // A value begins at `at`.
            at = match self.byte(at) {
                Some(b'"') => self.string(at)?.end + 1,
                Some(b'-' | b'0'..=b'9') => self.number(at)?.end,
                Some(bracket @ (b'{' | b'[')) => {
                    if depth + open >= MAX_DEPTH {
                        return malformed(at, SHALLOWER);
                    }
                    let object = bracket == b'{';
                    match self.first(at, if object { b'}' } else { b']' }) {
                        Err(end) => end,
                        Ok(first) => {
                            open += 1;
                            objects = objects << 1 | u128::from(object);
                            at = if object { self.name(first)?.1 } else { first };
                            continue;
                        }
                    }
                }
                _ => self.literal(at)?,
            };
            // A value ended at `at`.
            loop {
                if open == 0 {
                    return Ok(at);
                }
                let object = objects & 1 == 1;
                match self.next(at, if object { b'}' } else { b']' })? {
                    Ok(next) => {
                        at = if object { self.name(next)?.1 } else { next };
                        break;
                    }
                    Err(end) => {
                        open -= 1;
                        objects >>= 1;
                        at = end;
                    }
                }
            }
        }
    }
}

/// How many of eight bytes stand before the first quote, backslash or control character.
#[inline]
fn plain(word: u64) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // A byte that is met borrows from those above it, so only the lowest bit is to be trusted.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let quote = zero(word ^ (ONES * 0x22));
    let backslash = zero(word ^ (ONES * 0x5c));
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    ((quote | backslash | control) & HIGH).trailing_zeros() as usize / 8
}
