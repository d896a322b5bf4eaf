//! Patterns that run: ECMA 262 on the `regex` crate, whose time is linear in the text.

use std::sync::Arc;

use regex::bytes::{Regex, RegexBuilder};

use super::ecma::{self, Question};

pub use super::ecma::PatternFault;

/// Compiled size that one expression may have, in bytes.
const SIZE_LIMIT: usize = 2 * 1024 * 1024;

/// Compiled size of expressions of which a document may have any number, in bytes.
const SMALL: usize = 64 * 1024;

/// What is said of patterns beyond a limit of size.
const TOO_LARGE: &str = "the pattern is too large";

/// What a matcher may remember while it runs, in bytes; beyond it, it runs slower.
const CACHE_LIMIT: usize = 256 * 1024;

/// Groups and repetitions inside each other.
const NEST_LIMIT: u32 = 150;

/// A pattern of ECMA 262 as JSON Schema means it: it matches somewhere in a text, without regard to lines.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Arc<str>,
    checks: Arc<[Check]>,
}

#[derive(Debug)]
enum Check {
    Matches(Regex, bool),
    Length(usize, Option<usize>),
}

impl Pattern {
    /// Parses a pattern.
    ///
    /// # Errors
    /// If it is none, needs look-around or back-references (which run in unbounded time) where they cannot be asked apart, or is
    /// too large.
    pub fn parse(text: &str) -> Result<Pattern, PatternFault> {
        Pattern::parse_within(text, SIZE_LIMIT)
    }

    /// Whether a pattern is one that takes much memory, and time to make, or too much. Does not take long itself.
    pub fn is_large(text: &str) -> bool {
        Pattern::parse_within(text, SMALL).is_err_and(|fault| fault.message == TOO_LARGE)
    }

    fn parse_within(text: &str, size_limit: usize) -> Result<Pattern, PatternFault> {
        let translated = ecma::translate(text)?;
        let mut checks = Vec::new();
        for question in translated.questions {
            checks.push(match question {
                Question::Length(least, most) => Check::Length(
                    usize::try_from(least).unwrap_or(usize::MAX),
                    most.and_then(|most| usize::try_from(most).ok()),
                ),
                Question::Matches(expression, wanted) => {
                    let regex = RegexBuilder::new(&expression)
                        .size_limit(size_limit)
                        .dfa_size_limit(CACHE_LIMIT)
                        .nest_limit(NEST_LIMIT)
                        .build()
                        .map_err(|error| fault(&error))?;
                    Check::Matches(regex, wanted)
                }
            });
        }
        Ok(Pattern {
            text: text.into(),
            checks: checks.into(),
        })
    }

    /// The pattern as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a text in UTF-8 matches.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.checks.iter().all(|check| match check {
            Check::Matches(regex, wanted) => regex.is_match(text) == *wanted,
            Check::Length(least, most) => {
                let length = text.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
                length >= *least && most.is_none_or(|most| length <= most)
            }
        })
    }
}

fn fault(error: &regex::Error) -> PatternFault {
    let message = match error {
        regex::Error::CompiledTooBig(_) => TOO_LARGE.to_owned(),
        regex::Error::Syntax(text) if text.contains("property") => {
            "it uses a property of characters that is not known".to_owned()
        }
        _ => "the pattern is nested too deep or too large".to_owned(),
    };
    PatternFault { offset: 0, message }
}

#[cfg(test)]
mod tests;
