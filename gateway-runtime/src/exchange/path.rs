//! Paths of requests: one normal form for routing, cache key and back end, and what is refused because two readers could
//! take it for two paths.
//!
//! Normal form is RFC 3986 §6.2.2: escapes of unreserved characters are decoded, the hex of all others is upper case, and
//! what may not stand in a path (`"`, `<`, `^`, `{`, bytes beyond ASCII, …) is escaped. Invariants: normalising is
//! idempotent; the result holds no `.` or `..` segment, no backslash, no control character, and no escape of an escape that
//! would make one of these when somebody decodes once more.
//!
//! Absent on purpose: resolving dot segments and merging slashes. A request that needs them is refused or kept as it is, since
//! the back end may not agree on how.

use std::borrow::Cow;

use crate::def::EncodedSlash;
use crate::refusal::PathFault;

/// Characters that stand in a normal path as they are: unreserved, sub-delims, `:`, `@` and `/` (RFC 3986 §3.3).
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = matches!(
            byte as u8,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'('
                | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' | b'/'
        );
        byte += 1;
    }
    table
};

/// The normal form of `path`, which begins with a slash; borrowed if it is in normal form already, which is the rule.
pub fn normalise(path: &str, slash: EncodedSlash) -> Result<Cow<'_, str>, PathFault> {
    let bytes = path.as_bytes();
    let mut before = 0;
    for &byte in bytes {
        if !PLAIN[byte as usize] || (byte == b'.' && before == b'/') {
            return rewrite(bytes, slash);
        }
        before = byte;
    }
    Ok(Cow::Borrowed(path))
}

#[cold]
fn rewrite(bytes: &[u8], slash: EncodedSlash) -> Result<Cow<'_, str>, PathFault> {
    let mut out = String::with_capacity(bytes.len() + 16);
    let mut rest = bytes;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            match byte {
                b'\\' => return Err(PathFault::Backslash),
                0..=0x1f | 0x7f => return Err(PathFault::Control),
                _ if PLAIN[byte as usize] => out.push(char::from(byte)),
                _ => escape(byte, &mut out),
            }
            continue;
        }
        let Some((decoded, behind)) = escaped(rest) else {
            return Err(PathFault::Escape);
        };
        rest = behind;
        match decoded {
            b'/' if slash == EncodedSlash::Refuse => return Err(PathFault::EncodedSlash),
            b'\\' => return Err(PathFault::Backslash),
            0..=0x1f | 0x7f => return Err(PathFault::Control),
            0xc0 | 0xc1 if continues_utf8(rest) => return Err(PathFault::Escape),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(decoded));
            }
            _ => escape(decoded, &mut out),
        }
    }
    if has_dot_segment(&out) {
        return Err(PathFault::DotSegment);
    }
    if has_double_encoding(&out) {
        return Err(PathFault::DoubleEncoding);
    }
    Ok(Cow::Owned(out))
}

/// Whether a segment of a path with decoded dots is `.` or `..`. An escaped slash counts as a boundary, and what stands behind
/// a `;` does not count, since some back ends read them so.
pub(crate) fn has_dot_segment(path: &str) -> bool {
    path.split('/')
        .flat_map(|segment| segment.split("%2F"))
        .any(|segment| {
            let name = segment.split(';').next().unwrap_or(segment);
            let name = name.split("%3B").next().unwrap_or(name);
            name == "." || name == ".."
        })
}

/// Whether a normal path holds a `%25` that becomes a dot, a slash, a backslash or a control character when it is decoded
/// again, however often. In normal form hex digits are never escaped themselves, so that looking at the text is enough.
fn has_double_encoding(path: &str) -> bool {
    let mut rest = path;
    while let Some(at) = rest.find("%25") {
        rest = rest.get(at + 3..).unwrap_or_default();
        let mut digits = rest.as_bytes();
        while let Some(behind) = digits.strip_prefix(b"25") {
            digits = behind;
        }
        if let Some((b'.' | b'/' | b'\\' | 0..=0x1f | 0x7f, _)) = escaped(digits) {
            return true;
        }
    }
    false
}

/// Whether an escaped continuation byte of UTF-8 comes next.
fn continues_utf8(rest: &[u8]) -> bool {
    rest.strip_prefix(b"%")
        .and_then(escaped)
        .is_some_and(|(byte, _)| (0x80..=0xbf).contains(&byte))
}

/// The byte that two hex digits stand for, and what is behind them.
fn escaped(rest: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], behind) = rest.split_first_chunk::<2>()?;
    Some((hex_value(high)? << 4 | hex_value(low)?, behind))
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn escape(byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// A query in a form that may be sent on: bytes beyond ASCII escaped, all else as it came.
pub(crate) fn tidy_query(query: &str) -> Cow<'_, str> {
    if query.is_ascii() {
        return Cow::Borrowed(query);
    }
    let mut out = String::with_capacity(query.len() + 16);
    for &byte in query.as_bytes() {
        if byte.is_ascii() {
            out.push(char::from(byte));
        } else {
            escape(byte, &mut out);
        }
    }
    Cow::Owned(out)
}

/// A name or value of a query, decoded: `+` is a space, escapes are bytes, what is not UTF-8 becomes U+FFFD, and a `%`
/// without two hex digits stays one.
pub(crate) fn decode_query(text: &str) -> Cow<'_, str> {
    match decode_query_bytes(text) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(bytes) => Cow::Owned(match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(fault) => String::from_utf8_lossy(fault.as_bytes()).into_owned(),
        }),
    }
}

/// The same, byte by byte: two texts that differ in what they mean to anybody differ here.
pub(crate) fn decode_query_bytes(text: &str) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        match byte {
            b'+' => out.push(b' '),
            b'%' => match escaped(rest) {
                Some((decoded, behind)) => {
                    out.push(decoded);
                    rest = behind;
                }
                None => out.push(b'%'),
            },
            _ => out.push(byte),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
