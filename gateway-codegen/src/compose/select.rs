//! `--include` and `--exclude`: which operations of a document are meant.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::findings::{Findings, Lazily, Place, brief};
use crate::suggest;

/// Longest glob, in bytes: looking is work in proportion to it and to the path.
const MAX_GLOB: usize = 1000;

/// Operations by what they say of themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// Those with this tag.
    Tag(String),
    /// The one with this operationId.
    Op(String),
    /// Those whose path is like this: `*` stands for any text inside a segment, `**` for any text.
    Path(String),
}

impl FromStr for Selector {
    type Err = String;

    fn from_str(text: &str) -> Result<Selector, String> {
        match text.split_once(':') {
            Some((_, "")) => Err("the selector names nothing".to_owned()),
            Some(("tag", tag)) => Ok(Selector::Tag(tag.to_owned())),
            Some(("op", id)) => Ok(Selector::Op(id.to_owned())),
            Some(("path", glob)) if glob.len() > MAX_GLOB => {
                Err("a path has at most 1,000 bytes".to_owned())
            }
            Some(("path", glob)) if glob.starts_with(['/', '*']) => {
                Ok(Selector::Path(glob.to_owned()))
            }
            Some(("path", _)) => Err("a path begins with `/` or `*`".to_owned()),
            _ => Err("`tag:NAME`, `op:OPERATION_ID` or `path:GLOB`".to_owned()),
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selector::Tag(tag) => write!(f, "tag:{tag}"),
            Selector::Op(id) => write!(f, "op:{id}"),
            Selector::Path(glob) => write!(f, "path:{glob}"),
        }
    }
}

/// What is meant of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// What is taken in; nothing here: all.
    pub include: Vec<Selector>,
    /// What of that is left out.
    pub exclude: Vec<Selector>,
}

impl Selection {
    /// Whether everything is meant.
    pub fn is_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }
}

/// A selection at work: which of its selectors found something, and what there was to find.
#[derive(Debug)]
pub(super) struct Selecting<'s> {
    selection: &'s Selection,
    hits: BTreeSet<&'s Selector>,
    tags: BTreeSet<String>,
    ids: BTreeSet<String>,
    paths: BTreeSet<String>,
}

impl<'s> Selecting<'s> {
    pub(super) fn new(selection: &'s Selection) -> Self {
        Selecting {
            selection,
            hits: BTreeSet::new(),
            tags: BTreeSet::new(),
            ids: BTreeSet::new(),
            paths: BTreeSet::new(),
        }
    }

    /// Whether an operation is meant. `path` is the one it is served at.
    pub(super) fn takes(&mut self, path: &str, operation: &Value) -> bool {
        if self.selection.is_all() {
            return true;
        }
        let id = operation.get("operationId").and_then(Value::as_str);
        let tags = operation.get("tags").and_then(Value::as_array);
        let tags: Vec<&str> = tags
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.paths.insert(path.to_owned());
        self.ids.extend(id.map(str::to_owned));
        self.tags.extend(tags.iter().map(|tag| (*tag).to_owned()));
        let mut any = |list: &'s [Selector]| {
            let mut any = false;
            for selector in list {
                let hit = match selector {
                    Selector::Tag(tag) => tags.contains(&tag.as_str()),
                    Selector::Op(wanted) => id == Some(wanted),
                    Selector::Path(glob) => like(glob.as_bytes(), path.as_bytes()),
                };
                if hit {
                    any = true;
                    self.hits.insert(selector);
                }
            }
            any
        };
        let included = any(&self.selection.include) || self.selection.include.is_empty();
        let excluded = any(&self.selection.exclude);
        included && !excluded
    }

    /// Warns of the selectors that found nothing.
    pub(super) fn warn_of_idle(&self, place: &Place, found: &mut Findings) {
        let lists = [
            ("--include", &self.selection.include),
            ("--exclude", &self.selection.exclude),
        ];
        for (flag, list) in lists {
            for selector in list.iter().filter(|selector| !self.hits.contains(selector)) {
                let (word, names) = match selector {
                    Selector::Tag(word) => (word, &self.tags),
                    Selector::Op(word) => (word, &self.ids),
                    Selector::Path(word) => (word, &self.paths),
                };
                let text = selector.to_string();
                found.warning(
                    "selection-unmatched",
                    place.clone(),
                    format!("`{flag} {}` selects no operation", brief(&text)),
                    Lazily(|| suggest::help(word, names.iter().map(String::as_str))),
                );
            }
        }
    }
}

/// Whether a path is like a glob. `*` stays inside a segment, `**` does not.
fn like(glob: &[u8], path: &[u8]) -> bool {
    // For every length of path: whether what was read of the glob so far takes it.
    let mut taken = vec![false; path.len() + 1];
    if let Some(nothing) = taken.first_mut() {
        *nothing = true;
    }
    let mut rest = glob;
    while let Some((first, behind)) = rest.split_first() {
        let mut next = vec![false; path.len() + 1];
        let (star, wide) = match (first, behind.first()) {
            (b'*', Some(b'*')) => (true, true),
            (b'*', _) => (true, false),
            _ => (false, false),
        };
        for length in 0..=path.len() {
            let before = length.checked_sub(1);
            let last = before.and_then(|before| path.get(before));
            let at = |list: &[bool], at: Option<usize>| {
                at.and_then(|at| list.get(at)).copied().unwrap_or_default()
            };
            let hit = if star {
                let inside = wide || last.is_some_and(|byte| *byte != b'/');
                at(&taken, Some(length)) || inside && at(&next, before)
            } else {
                last == Some(first) && at(&taken, before)
            };
            if let Some(entry) = next.get_mut(length) {
                *entry = hit;
            }
        }
        taken = next;
        rest = match wide {
            true => behind.get(1..).unwrap_or_default(),
            false => behind,
        };
    }
    taken.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_know_segments() {
        for (glob, path, like_it) in [
            ("/books", "/books", true),
            ("/books", "/books/{id}", false),
            ("/books*", "/books/{id}", false),
            ("/books**", "/books/{id}/pages", true),
            ("/books/*", "/books/{id}", true),
            ("/books/*", "/books/{id}/pages", false),
            ("/*/pages", "/books/pages", true),
            ("**/pages", "/books/{id}/pages", true),
            ("/books/**", "/books", false),
            ("/b*k*", "/books", true),
            ("**", "", true),
        ] {
            assert_eq!(
                like(glob.as_bytes(), path.as_bytes()),
                like_it,
                "{glob} {path}"
            );
        }
    }

    #[test]
    fn selectors_are_written_as_they_are_read() {
        for text in ["tag:a b", "op:get:x", "path:/a/**"] {
            assert_eq!(
                text.parse::<Selector>().map(|s| s.to_string()).as_deref(),
                Ok(text)
            );
        }
        for text in ["", "tag:", "tags:x", "path:books", "op"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }
}
