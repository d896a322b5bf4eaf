//! What is wrong with a document, each fault at its place, all of them in one run.

mod allow;
mod level;
mod render;
mod sarif;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use indexmap::IndexSet;

pub(crate) use allow::apply as accepted;
pub use level::Level;
pub use render::{Renderer, Report, Style, schema, summary};

/// Where something stands: a file of the document and a JSON pointer inside it. Line and column are looked up only when a
/// finding is printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index of the file among [`Document::files`](crate::load::Document).
    pub file: usize,
    /// RFC 6901 pointer; empty: the whole file.
    pub pointer: String,
    /// Whether the member's name is meant rather than its value.
    pub key: bool,
    /// Byte offset inside the text that stands there, for faults in an embedded language.
    pub offset: Option<usize>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing can be generated.
    Error,
    /// Generated, but probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// Most findings kept: nobody reads more, and a hostile document could have millions.
const MOST: usize = 10_000;

/// Most bytes kept of a message, whatever texts of the document are in it.
const LONGEST: usize = 2000;

impl Severity {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// One fault, one warning or one note.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// Rule that found it; a row of [`RULES`](crate::check::RULES).
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What is wrong: one sentence that begins small and has no full stop.
    pub message: String,
    /// What to do about it; empty: the message says it.
    pub help: String,
}

/// A help that takes work, such as a look at all names of a document: it is made for findings that are kept alone.
pub(crate) struct Lazily<F>(pub(crate) F);

impl<F: FnOnce() -> String> From<Lazily<F>> for String {
    fn from(help: Lazily<F>) -> String {
        (help.0)()
    }
}

/// Findings in the order they were made; sorted by place when read.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    list: IndexSet<Finding>,
}

impl Findings {
    /// Adds an error.
    pub fn error(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Error, code, place, message, help);
    }

    /// Adds a warning.
    pub fn warning(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Warning, code, place, message, help);
    }

    /// Adds a note.
    pub fn note(
        &mut self,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.push(Severity::Note, code, place, message, help);
    }

    /// Adds a finding of a rule whose severity depends on the document.
    pub(crate) fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let room = match self.list.len().cmp(&MOST) {
            Ordering::Less => true,
            // One more, if it is what makes the document faulty.
            Ordering::Equal => severity == Severity::Error && !self.has_errors(),
            Ordering::Greater => false,
        };
        if room {
            self.list.insert(Finding {
                code,
                severity,
                place,
                message: cut(message.into(), LONGEST),
                help: cut(help.into(), LONGEST),
            });
        }
    }

    /// What was found in one file was found in another: its text has moved there.
    pub(crate) fn refile(&mut self, from: usize, to: usize) {
        let moved = std::mem::take(&mut self.list)
            .into_iter()
            .map(|mut finding| {
                if finding.place.file == from {
                    finding.place.file = to;
                }
                finding
            });
        self.list = moved.collect();
    }

    /// Whether one of them is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|f| f.severity == Severity::Error)
    }

    /// Whether one of them has this code.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.list.iter().any(|finding| finding.code == code)
    }

    /// The same findings at other places.
    #[must_use]
    pub(crate) fn moved(self, to: impl Fn(Place) -> Place) -> Findings {
        let list = self.list.into_iter().map(|finding| Finding {
            place: to(finding.place),
            ..finding
        });
        Findings {
            list: list.collect(),
        }
    }

    /// Leaves out those that are not wanted.
    pub(crate) fn retain(&mut self, wanted: impl Fn(&Finding) -> bool) {
        self.list.retain(wanted);
    }

    /// All of them as they were made.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.list.iter()
    }

    /// Adds those of another list.
    pub(crate) fn append(&mut self, others: Findings) {
        for finding in others.list {
            let Finding {
                code,
                severity,
                place,
                message,
                help,
            } = finding;
            self.push(severity, code, place, message, help);
        }
    }

    /// Whether there is none at all.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them: by file, then in the order of the pointers, errors first at one place.
    pub fn sorted(&self) -> Vec<&Finding> {
        let mut list: Vec<&Finding> = self.list.iter().collect();
        list.sort_by(|a, b| by_place(a, b));
        list
    }
}

/// A text of the document as messages show it: at most 60 characters. The renderer makes control characters visible.
pub(crate) fn brief(text: &str) -> String {
    const BRIEF: usize = 60;
    match text.char_indices().nth(BRIEF) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A text of at most so many bytes.
fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

fn by_place(a: &Finding, b: &Finding) -> Ordering {
    (
        a.place.file,
        &a.place.pointer,
        a.place.offset,
        a.severity,
        a.code,
        &a.message,
    )
        .cmp(&(
            b.place.file,
            &b.place.pointer,
            b.place.offset,
            b.severity,
            b.code,
            &b.message,
        ))
}
