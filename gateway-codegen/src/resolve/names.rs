//! Names that a document of 3.1 or later gives its own parts: `$self`, `$id`, `$anchor`, `$dynamicAnchor`.
//!
//! A reference may lead to such a name, and what stands below an `$id` is relative to it (JSON Schema 2020-12, section 8.2).
//! Where a name leads nowhere the reference means what it would mean without names: many documents have an `$id` and
//! refer to their files all the same.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::MAX_KEPT;
use super::uri::{is_pointer, join, split};
use super::walk::{self, Kind};

/// Longest address, in bytes, and longest anchor: a longer one names nothing.
const LONGEST: usize = 8 * 1024;

/// The names of all files of a document.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// By number.
    files: HashMap<usize, FileNames>,
    /// What an address leads to: file and pointer.
    addresses: HashMap<String, (usize, String)>,
    /// Whether anything has a name at all.
    any: bool,
    /// Bytes that are kept, 256 for each name on top of its texts.
    kept: usize,
}

#[derive(Debug, Default)]
struct FileNames {
    base: String,
    /// Pointers of what has an address, with the addresses.
    parts: HashMap<String, String>,
    /// Lengths of these pointers.
    lengths: HashSet<usize>,
    /// Pointer of the part and name of the anchor → pointer.
    anchors: HashMap<(String, String), String>,
}

impl Names {
    /// Whether nothing has a name.
    pub(crate) fn is_empty(&self) -> bool {
        !self.any
    }

    /// Takes note of the names in a file, which was read from `address`. Says whether there was room for them all.
    pub(super) fn read(&mut self, number: usize, root: &Value, address: String) -> bool {
        let mut written = Vec::new();
        walk::names(root, |name| {
            let holder = name.pointer.rfind('/');
            let holder = holder.and_then(|end| name.pointer.get(..end));
            let text = name.target.filter(|text| text.len() <= LONGEST);
            if let (Some(holder), Some(text)) = (holder, text) {
                // The holder is kept three times, the text once or twice.
                self.kept += 256 + 3 * holder.len() + 2 * text.len();
                if self.kept <= MAX_KEPT {
                    written.push((holder.to_owned(), name.kind, text.to_owned()));
                }
            }
        });
        let mut file = FileNames {
            base: address,
            ..FileNames::default()
        };
        // Outer names first: inner ones are relative to them.
        written.sort_by_key(|(holder, kind, _)| (holder.len(), *kind != Kind::Address));
        for (holder, kind, text) in written {
            match kind {
                Kind::Address => {
                    let (_, base) = file.part(&holder);
                    let text = text.split('#').next().unwrap_or_default();
                    // `$id: '#name'` was draft 4's way to write an anchor.
                    if text.is_empty() {
                        continue;
                    }
                    let address = join(&base, text);
                    if address.len() > LONGEST {
                        continue;
                    }
                    file.lengths.insert(holder.len());
                    self.addresses
                        .entry(address.clone())
                        .or_insert_with(|| (number, holder.clone()));
                    file.parts.insert(holder, address);
                    self.any = true;
                }
                Kind::Anchor => {
                    let (part, _) = file.part(&holder);
                    file.anchors.entry((part, text)).or_insert(holder);
                    self.any = true;
                }
                Kind::Reference => {}
            }
        }
        self.files.insert(number, file);
        self.kept <= MAX_KEPT
    }

    /// Pointer of the part of a file that has a name and in which `at` lies.
    pub(super) fn part(&self, file: usize, at: &str) -> String {
        let file = self.files.get(&file);
        file.map(|file| file.part(at).0).unwrap_or_default()
    }

    /// Where a reference that stands at `at` leads by a name, which may be nowhere; `None`: it names no part.
    pub(crate) fn target(&self, file: usize, at: &str, reference: &str) -> Option<(usize, String)> {
        let names = self.files.get(&file)?;
        let (own, base) = names.part(at);
        let (address, fragment) = split(reference)?;
        let (number, part) = if address.is_empty() {
            (file, own)
        } else {
            self.addresses.get(&join(&base, address))?.clone()
        };
        if is_pointer(&fragment) {
            return Some((number, format!("{part}{fragment}")));
        }
        let anchors = &self.files.get(&number)?.anchors;
        let found = anchors.get(&(part, fragment))?;
        Some((number, found.clone()))
    }

    /// What an anchor of a whole file leads to.
    pub(crate) fn anchor(&self, file: usize, name: &str) -> Option<&str> {
        let key = (String::new(), name.to_owned());
        let anchors = &self.files.get(&file)?.anchors;
        anchors.get(&key).map(String::as_str)
    }
}

impl FileNames {
    /// Pointer and address of the innermost part with an address in which `at` lies.
    fn part(&self, at: &str) -> (String, String) {
        let mut pointer = at;
        loop {
            if self.lengths.contains(&pointer.len())
                && let Some(address) = self.parts.get(pointer)
            {
                return (pointer.to_owned(), address.clone());
            }
            match pointer.rfind('/').and_then(|end| pointer.get(..end)) {
                Some(above) => pointer = above,
                None => return (String::new(), self.base.clone()),
            }
        }
    }
}
