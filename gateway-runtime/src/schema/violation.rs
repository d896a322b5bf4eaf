//! What is wrong with a value, for whoever sent it.

use std::fmt;

use super::cursor::{Malformed, Str, Text};

/// Longest instance pointer that is told, in bytes: names in it are the client's.
const LONGEST: usize = 512;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violations {
    /// It is not JSON.
    Malformed(Malformed),
    /// It is JSON, and not what the schema demands.
    Invalid {
        /// What is wrong, in the order it was met; at least one, at most [`MAX_VIOLATIONS`](super::MAX_VIOLATIONS).
        list: Vec<Violation>,
        /// Whether there is more that is not listed.
        more: bool,
    },
    /// Judging it would take out of all proportion to its length.
    TooComplex,
}

impl From<Malformed> for Violations {
    fn from(malformed: Malformed) -> Violations {
        Violations::Malformed(malformed)
    }
}

/// One thing that is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where the value stands in its text: a JSON pointer (RFC 6901), cut after 512 bytes.
    pub pointer: String,
    /// Where the demand stands in the document: `#/components/schemas/Book/properties/title/maxLength`.
    pub schema: String,
    /// The keyword that makes it: the last word of [`Violation::schema`].
    pub keyword: &'static str,
    /// What is demanded, without the value: "must have at most 200 characters".
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.pointer.is_empty() {
            "/"
        } else {
            &self.pointer
        };
        write!(f, "{at}: {}", self.message)
    }
}

/// A step to a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Name(Str),
    Index(usize),
}

/// The pointer that steps make.
pub(super) fn pointer(text: Text<'_>, steps: &[Step]) -> String {
    let mut pointer = String::new();
    let mut room = Vec::new();
    for step in steps {
        pointer.push('/');
        match step {
            Step::Name(name) => {
                let name = text.decoded(*name, &mut room);
                let name = name.get(..LONGEST).unwrap_or(name);
                for character in String::from_utf8_lossy(name).chars() {
                    match character {
                        '~' => pointer.push_str("~0"),
                        '/' => pointer.push_str("~1"),
                        other => pointer.push(other),
                    }
                }
            }
            Step::Index(index) => pointer.push_str(&index.to_string()),
        }
        if pointer.len() > LONGEST {
            pointer.truncate(pointer.floor_char_boundary(LONGEST));
            pointer.push('…');
            break;
        }
    }
    pointer
}
