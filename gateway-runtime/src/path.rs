//! Path patterns: `/books/{bookId}`, `/files/{name}.json`, `/{from}-{to}`, `/assets/{proxy+}`.
//!
//! One parser for the generator and the gateway, so a pattern means the same to the check that reports conflicts and to the
//! router that is built from it. Literals are kept in the normal form requests are compared in ([`normal`]).
//! Absent on purpose: the router itself, and regular expressions inside patterns.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt::Write as _;

/// A parsed path pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    segments: Vec<Segment>,
}

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Fixed text, in normal form. Empty where two slashes meet or at the end after a slash.
    Literal(String),
    /// Text and parameters in turn; no two parameters touch.
    Mixed(Vec<Piece>),
    /// One whole segment.
    Param(String),
    /// This and every further segment, at least one; always the last.
    Greedy(String),
}

/// A part of a mixed segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Fixed text, in normal form, never empty.
    Text(String),
    /// A parameter, never empty in a request.
    Param(String),
}

/// Why a text is no path pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte in the text.
    pub offset: usize,
    /// What is wrong, without a full stop.
    pub message: String,
}

fn fault<T>(offset: usize, message: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        offset,
        message: message.into(),
    })
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// At the byte where it does not begin with a slash, a brace is not closed, a name is empty, used twice or holds a
    /// brace or slash, a greedy parameter is not the last whole segment, two parameters touch, or a segment is `.` or `..`.
    pub fn parse(text: &str) -> Result<Pattern, Fault> {
        let Some(rest) = text.strip_prefix('/') else {
            return fault(0, "a path begins with `/`");
        };
        if let Some(at) = text.find(['?', '#']) {
            return fault(at, "a path holds no query and no fragment");
        }
        let mut segments = Vec::new();
        let mut names: Vec<&str> = Vec::new();
        let mut offset = 1;
        // A slash inside braces is a fault of that segment, so splitting first loses nothing.
        for part in rest.split('/') {
            if matches!(segments.last(), Some(Segment::Greedy(_))) {
                return fault(offset, "a greedy parameter is the last segment");
            }
            segments.push(segment(part, offset, &mut names)?);
            offset += part.len() + 1;
        }
        Ok(Pattern { segments })
    }

    /// Its segments, never empty.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Names of its parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flat_map(|segment| {
            let (pieces, whole): (&[Piece], Option<&str>) = match segment {
                Segment::Literal(_) => (&[], None),
                Segment::Mixed(pieces) => (pieces, None),
                Segment::Param(name) | Segment::Greedy(name) => (&[], Some(name)),
            };
            let inside = pieces.iter().filter_map(|piece| match piece {
                Piece::Param(name) => Some(name.as_str()),
                Piece::Text(_) => None,
            });
            inside.chain(whole)
        })
    }

    /// Whether it ends in a greedy parameter.
    pub fn is_greedy(&self) -> bool {
        matches!(self.segments.last(), Some(Segment::Greedy(_)))
    }

    /// The pattern without its parameters' names. Two patterns of one shape match the same requests.
    pub fn shape(&self) -> String {
        let mut shape = String::new();
        for segment in &self.segments {
            shape.push('/');
            match segment {
                Segment::Literal(text) => shape.push_str(text),
                Segment::Param(_) => shape.push_str("{}"),
                Segment::Greedy(_) => shape.push_str("{+}"),
                Segment::Mixed(pieces) => pieces.iter().for_each(|piece| match piece {
                    Piece::Text(text) => shape.push_str(text),
                    Piece::Param(_) => shape.push_str("{}"),
                }),
            }
        }
        shape
    }

    /// Orders patterns by precedence, the more specific first: segment by segment literal, mixed (more fixed text first),
    /// parameter, greedy. Patterns of one shape are equal here whatever their parameters are called.
    pub fn compare(&self, other: &Pattern) -> Ordering {
        let segments = self.segments.iter().zip(&other.segments);
        segments
            .map(|(a, b)| a.compare(b))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.segments.len().cmp(&other.segments.len()))
    }
}

impl Segment {
    /// Orders segments by precedence, the more specific first.
    pub fn compare(&self, other: &Segment) -> Ordering {
        match (self, other) {
            (Segment::Literal(a), Segment::Literal(b)) => a.cmp(b),
            (Segment::Mixed(a), Segment::Mixed(b)) => fixed(b)
                .cmp(&fixed(a))
                .then_with(|| outline(a).cmp(&outline(b))),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Segment::Literal(_) => 0,
            Segment::Mixed(_) => 1,
            Segment::Param(_) => 2,
            Segment::Greedy(_) => 3,
        }
    }
}

/// Bytes of fixed text in a mixed segment.
fn fixed(pieces: &[Piece]) -> usize {
    pieces
        .iter()
        .map(|piece| {
            if let Piece::Text(text) = piece {
                text.len()
            } else {
                0
            }
        })
        .sum()
}

/// A mixed segment with its names erased.
fn outline(pieces: &[Piece]) -> Vec<Option<&str>> {
    pieces
        .iter()
        .map(|piece| {
            if let Piece::Text(text) = piece {
                Some(text.as_str())
            } else {
                None
            }
        })
        .collect()
}

/// Matches one segment of a request against a mixed segment. `found` receives the byte range of every parameter, in order.
/// Each parameter takes as much as it can, and at least one byte; earlier ones are served first.
///
/// Works from the right and places every text as far right as it goes: that leaves the most to the parameters before it,
/// so there is nothing to try twice and the time is linear in the segment.
pub fn match_mixed(pieces: &[Piece], segment: &str, found: &mut Vec<(usize, usize)>) -> bool {
    let mark = found.len();
    let matched = match_from_right(pieces, segment.as_bytes(), found);
    if matched {
        found[mark..].reverse()
    } else {
        found.truncate(mark)
    }
    matched
}

fn match_from_right(mut pieces: &[Piece], segment: &[u8], found: &mut Vec<(usize, usize)>) -> bool {
    let mut end = segment.len();
    if let [head @ .., Piece::Text(last)] = pieces {
        if !segment.ends_with(last.as_bytes()) {
            return false;
        }
        end -= last.len();
        pieces = head;
    }
    // What is left ends in a parameter and has texts and parameters in turn.
    loop {
        let start = match pieces {
            [Piece::Param(_)] => 0,
            [Piece::Text(first), Piece::Param(_)]
                if segment[..end].starts_with(first.as_bytes()) =>
            {
                first.len()
            }
            [_, .., Piece::Text(before), Piece::Param(_)] => {
                // The parameter wants a byte of its own behind the text.
                let room = &segment[..end.saturating_sub(1)];
                match memchr::memmem::rfind(room, before.as_bytes()) {
                    Some(hit) => hit + before.len(),
                    None => return false,
                }
            }
            _ => return false,
        };
        if start >= end {
            return false;
        }
        found.push((start, end));
        match pieces {
            [head @ .., Piece::Text(before), Piece::Param(_)] if !head.is_empty() => {
                end = start - before.len();
                pieces = head;
            }
            _ => return true,
        }
    }
}

fn segment<'t>(text: &'t str, offset: usize, names: &mut Vec<&'t str>) -> Result<Segment, Fault> {
    if matches!(text, "." | "..") {
        return fault(offset, "a path has no `.` or `..` segments");
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some(inside) = rest.strip_prefix('{') else {
            let end = rest.find(['{', '}']).unwrap_or(rest.len());
            if rest[end..].starts_with('}') {
                return fault(offset + at + end, "`}` without `{`");
            }
            pieces.push(Piece::Text(normal(&rest[..end]).into_owned()));
            at += end;
            continue;
        };
        let Some(end) = inside.find('}') else {
            return fault(offset + at, "`{` without `}` in the same segment");
        };
        let written = &inside[..end];
        let name = written.strip_suffix('+').unwrap_or(written);
        if name.is_empty() {
            return fault(offset + at, "a parameter wants a name");
        }
        if name.contains('{') {
            return fault(offset + at, "`{` inside a parameter's name");
        }
        if names.contains(&name) {
            return fault(
                offset + at,
                format!("parameter `{name}` stands in this path twice"),
            );
        }
        names.push(name);
        if written.len() != name.len() {
            if written.len() + 2 != text.len() {
                return fault(offset + at, "a greedy parameter takes a whole segment");
            }
            return Ok(Segment::Greedy(name.to_owned()));
        }
        if matches!(pieces.last(), Some(Piece::Param(_))) {
            return fault(
                offset + at,
                "two parameters touch: nothing tells where the first one ends",
            );
        }
        pieces.push(Piece::Param(name.to_owned()));
        at += written.len() + 2;
    }
    Ok(match (pieces.pop(), pieces.is_empty()) {
        (None, _) => Segment::Literal(String::new()),
        (Some(Piece::Text(only)), true) => Segment::Literal(only),
        (Some(Piece::Param(only)), true) => Segment::Param(only),
        (Some(last), false) => {
            pieces.push(last);
            Segment::Mixed(pieces)
        }
    })
}

/// The normal form of path text (RFC 3986 §6.2.2): percent-encoded unreserved characters decoded, hex digits in upper case,
/// and everything that may not stand in a path encoded. Idempotent; slashes are left alone.
pub fn normal(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    if bytes.iter().all(|b| plain(*b)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%'
            && let Some(decoded) = hex_pair(bytes.get(at + 1..at + 3))
        {
            if unreserved(decoded) {
                out.push(char::from(decoded))
            } else {
                push_encoded(&mut out, decoded)
            }
            at += 3;
        } else {
            if plain(byte) {
                out.push(char::from(byte))
            } else {
                push_encoded(&mut out, byte)
            }
            at += 1;
        }
    }
    Cow::Owned(out)
}

/// Two hex digits as a byte.
pub fn hex_pair(digits: Option<&[u8]>) -> Option<u8> {
    let [high, low] = digits? else { return None };
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|v| u8::try_from(v).ok())
    };
    Some(value(*high)? << 4 | value(*low)?)
}

/// RFC 3986 §2.3.
pub fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Bytes that stand in a path as they are: `pchar` of RFC 3986 §3.3 and the slash, but not the percent sign.
fn plain(byte: u8) -> bool {
    unreserved(byte)
        || matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'@'
                | b'/'
        )
}

fn push_encoded(out: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(out, "%{byte:02X}");
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        reason = "a test that cannot parse its own pattern should stop"
    )]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_and_their_shapes() {
        for (text, shape, params) in [
            ("/", "/", &[][..]),
            ("/books", "/books", &[]),
            ("/books/", "/books/", &[]),
            ("/books/{id}", "/books/{}", &["id"]),
            ("/books/{id}.json", "/books/{}.json", &["id"]),
            ("/{a}-{b}/x", "/{}-{}/x", &["a", "b"]),
            ("/a/{rest+}", "/a/{+}", &["rest"]),
            ("/b%6Foks/%e4 x", "/books/%E4%20x", &[]),
            (
                "/repos/{owner}/{repo}:archive",
                "/repos/{}/{}:archive",
                &["owner", "repo"],
            ),
        ] {
            let pattern = Pattern::parse(text).unwrap();
            assert_eq!(pattern.shape(), shape);
            assert_eq!(pattern.params().collect::<Vec<_>>(), params);
        }
    }

    #[test]
    fn faults_name_their_byte() {
        for (text, offset, part) in [
            ("books", 0, "begins with"),
            ("/a/{b", 3, "without `}`"),
            ("/a/b}", 4, "without `{`"),
            ("/a/{}", 3, "wants a name"),
            ("/{a}/{a}", 5, "twice"),
            ("/{a}{b}", 4, "touch"),
            ("/{a+}/b", 6, "last segment"),
            ("/x{a+}", 2, "whole segment"),
            ("/a/../b", 3, "no `.`"),
            ("/a?b=c", 2, "no query"),
            ("/{a/b}", 1, "same segment"),
        ] {
            let fault = Pattern::parse(text).unwrap_err();
            assert_eq!(
                (fault.offset, fault.message.contains(part)),
                (offset, true),
                "{text}: {fault:?}"
            );
        }
    }

    #[test]
    fn the_more_specific_pattern_comes_first() {
        let written = [
            "/{p+}",
            "/a/{x}",
            "/a/{x}.json",
            "/a/{x}-{y}",
            "/a/b",
            "/{x}/b",
            "/a",
        ];
        let mut sorted: Vec<_> = written
            .iter()
            .map(|text| (Pattern::parse(text).unwrap(), *text))
            .collect();
        sorted.sort_by(|(a, _), (b, _)| a.compare(b));
        let order: Vec<_> = sorted.iter().map(|(_, text)| *text).collect();
        assert_eq!(
            order,
            [
                "/a",
                "/a/b",
                "/a/{x}.json",
                "/a/{x}-{y}",
                "/a/{x}",
                "/{x}/b",
                "/{p+}"
            ]
        );
    }

    #[test]
    fn mixed_segments_match_as_a_greedy_expression_would() {
        for (pattern, segment, expected) in [
            ("/{id}.json", "7.json", Some(&["7"][..])),
            ("/{id}.json", ".json", None),
            ("/{id}.json", "7.jsonx", None),
            ("/{name}.{ext}", "a.b.c", Some(&["a.b", "c"])),
            ("/{a}-{b}", "x-y-z", Some(&["x-y", "z"])),
            ("/{a}-{b}", "-z", None),
            ("/{a}-{b}", "z-", None),
            ("/v{a}-{b}x", "v1-2-3x", Some(&["1-2", "3"])),
            ("/{a}aa{b}", "aaaaa", Some(&["aa", "a"])),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            let Segment::Mixed(pieces) = &parsed.segments()[0] else {
                panic!("{pattern} is not mixed")
            };
            let mut found = Vec::new();
            let matched = match_mixed(pieces, segment, &mut found);
            let values: Vec<_> = found
                .iter()
                .map(|(from, to)| &segment[*from..*to])
                .collect();
            assert_eq!(
                matched.then_some(&values[..]),
                expected,
                "{pattern} on {segment}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_names_a_byte_inside(text in "\\PC{0,40}") {
            if let Err(fault) = Pattern::parse(&text) {
                prop_assert!(fault.offset <= text.len());
            }
        }

        #[test]
        fn the_normal_form_is_its_own(text in "[a-zA-Z0-9%/ {}äß.~-]{0,40}") {
            let once = normal(&text).into_owned();
            prop_assert_eq!(normal(&once).into_owned(), once);
        }
    }
}
