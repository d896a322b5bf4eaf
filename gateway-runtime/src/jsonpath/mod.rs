//! JSONPath (RFC 9535): a query over a JSON value, and the nodes it selects with their places.
//!
//! A query is parsed once into segments and selectors; a fault knows its byte. Evaluation is bounded: it takes steps from a
//! [`Budget`], and a query that wants more ends with [`Exhausted`], whatever the value and the query look like. Results stand
//! in the order that the RFC gives (section 2.5.2), a node as often as it is selected. Regular expressions of `match` and
//! `search` are I-Regexps (RFC 9485). Absent on purpose: other dialects' forms (`$.length`, scripts, `..` at the end).

mod evaluate;
mod function;
mod iregexp;
mod parse;

#[cfg(test)]
mod tests;

use std::fmt;

use function::Function;

/// Longest query, in bytes.
pub const MAX_QUERY: usize = 64 * 1024;

/// Deepest nesting of parentheses, filters and function calls in a query.
pub const MAX_NESTING: usize = 64;

/// Deepest nesting of values that a query descends into.
pub const MAX_DEPTH: usize = 512;

/// Most nodes that one segment of a query may select.
pub const MAX_RESULTS: usize = 1_000_000;

/// Most nodes on the way to those of a query whose names are kept.
const MAX_TRAIL: usize = 4 * MAX_RESULTS;

/// A parsed query, `$…`.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    segments: Vec<Segment>,
}

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte of the text, from 0.
    pub offset: usize,
    /// What is wrong, without a full stop.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.offset, self.message)
    }
}

impl std::error::Error for Fault {}

/// What queries may still cost: nodes looked at, comparisons and characters matched count one each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget(u64);

impl Budget {
    /// So many steps.
    pub const fn new(steps: u64) -> Budget {
        Budget(steps)
    }

    /// Takes steps; fails if there are not as many.
    fn take(&mut self, steps: usize) -> Result<(), Exhausted> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        match self.0.checked_sub(steps) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => {
                self.0 = 0;
                Err(Exhausted)
            }
        }
    }
}

/// A query wanted more than it may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the query takes too many steps")
    }
}

impl std::error::Error for Exhausted {}

/// One step of the way to a node.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// An element, from 0.
    Index(usize),
    /// A member.
    Name(String),
}

/// The normalized path of a node (section 2.7): its members and elements, from the root.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Path(pub Vec<Step>);

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for step in &self.0 {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Name(name) => {
                    f.write_str("['")?;
                    for c in name.chars() {
                        match c {
                            '\'' => f.write_str("\\'")?,
                            '\\' => f.write_str("\\\\")?,
                            '\u{8}' => f.write_str("\\b")?,
                            '\u{c}' => f.write_str("\\f")?,
                            '\n' => f.write_str("\\n")?,
                            '\r' => f.write_str("\\r")?,
                            '\t' => f.write_str("\\t")?,
                            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
                            c => write!(f, "{c}")?,
                        }
                    }
                    f.write_str("']")?;
                }
            }
        }
        Ok(())
    }
}

/// A child segment, or one that looks at all descendants (section 2.5).
#[derive(Debug, Clone, PartialEq)]
struct Segment {
    descendants: bool,
    selectors: Vec<Selector>,
}

/// What a segment selects of a node's children (section 2.3).
#[derive(Debug, Clone, PartialEq)]
enum Selector {
    Name(String),
    Wildcard,
    Index(i64),
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    },
    Filter(Logical),
}

/// A test of a filter (section 2.3.5).
#[derive(Debug, Clone, PartialEq)]
enum Logical {
    Or(Vec<Logical>),
    And(Vec<Logical>),
    Not(Box<Logical>),
    Compare(Comparable, Comparison, Comparable),
    Exists(Inner),
    Call(Call),
}

/// A query inside a filter.
#[derive(Debug, Clone, PartialEq)]
struct Inner {
    /// Begins at the root (`$`) rather than at the current node (`@`).
    absolute: bool,
    segments: Vec<Segment>,
}

impl Inner {
    /// Whether it selects one node at most.
    fn is_singular(&self) -> bool {
        self.segments.iter().all(|segment| {
            !segment.descendants
                && matches!(
                    segment.selectors.as_slice(),
                    [Selector::Name(_) | Selector::Index(_)]
                )
        })
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
enum Comparable {
    Literal(serde_json::Value),
    /// Singular.
    Query(Inner),
    /// Its result is a value.
    Call(Call),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A function with its arguments, of the types it wants.
#[derive(Debug, Clone, PartialEq)]
struct Call {
    function: Function,
    arguments: Vec<Argument>,
}

#[derive(Debug, Clone, PartialEq)]
enum Argument {
    Value(Comparable),
    Nodes(Inner),
}
