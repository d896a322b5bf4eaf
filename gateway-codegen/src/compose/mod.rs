//! SPECs, overlays and selectors → one [`Document`].
//!
//! One SPEC as it lies there is read as it is. An overlay changes the tree of its file. Several SPECs, a prefix or a
//! selection make a new tree: each document is brought into one file ([`link`]), what is not wanted is left out, and the
//! trees are joined ([`merge`]). `bundle` writes that same tree, so what it writes means the same by construction. Every
//! value keeps the place it was written at ([decision 10](../../../docs/decisions/0010-made-documents.md)). Absent on purpose:
//! any meaning of what is said; that is for [`normalise`](crate::normalise) and [`lower`](crate::lower).

mod kind;
mod link;
mod merge;
mod names;
mod select;
mod servers;
mod strip;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::findings::{Findings, Place};
use crate::intrinsics::{self, Inputs};
use crate::load::{self, Document, Evaluated, Origins, SourceFile};
use crate::overlay::{self, Overlay, Spent, Tree};
use crate::resolve::{self, Names, Sources};

pub use select::{Selection, Selector};
pub use strip::{Strip, strip};

/// Number from which files are counted, before the document is put together, that are no part of it: overlays, and
/// documents as they were before an overlay.
const ASIDE: usize = usize::MAX / 2;

/// What a gateway is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// The documents.
    pub specs: Vec<Spec>,
    /// Overlays, in the order they are applied.
    pub overlays: Vec<PathBuf>,
    /// What of the documents is meant.
    pub selection: Selection,
}

/// One document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec {
    /// Its entry file.
    pub path: PathBuf,
    /// The path that its own paths are put below: begins with `/` and does not end in one; empty: none.
    pub prefix: String,
}

impl Input {
    /// One document as it is.
    pub fn of(spec: impl Into<PathBuf>) -> Input {
        Input {
            specs: vec![Spec {
                path: spec.into(),
                prefix: String::new(),
            }],
            ..Input::default()
        }
    }

    /// The entry files.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.specs.iter().map(|spec| spec.path.clone()).collect()
    }

    /// Whether a new tree has to be made.
    fn is_made(&self) -> bool {
        self.specs.len() > 1
            || self.specs.iter().any(|spec| !spec.prefix.is_empty())
            || !self.selection.is_all()
    }
}

/// What was asked of several documents, in words that are the same in every folder; nothing of one document as it is.
pub fn recorded(input: &Input) -> Vec<String> {
    let name = |path: &std::path::Path| {
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.unwrap_or_default().into_owned()
    };
    let several = input.specs.len() > 1;
    let specs = input.specs.iter().filter(|_| several);
    let mut words: Vec<String> = specs.map(|spec| name(&spec.path)).collect();
    for spec in input.specs.iter().filter(|spec| !spec.prefix.is_empty()) {
        words.push(format!("--prefix {}={}", name(&spec.path), spec.prefix));
    }
    words.extend(
        input
            .overlays
            .iter()
            .map(|overlay| format!("--overlay {}", name(overlay))),
    );
    for (flag, list) in [
        ("--include", &input.selection.include),
        ("--exclude", &input.selection.exclude),
    ] {
        words.extend(list.iter().map(|selector| format!("{flag} {selector}")));
    }
    words
}

/// Whether a text can be a prefix; else what is wrong with it.
///
/// # Errors
/// A sentence without a full stop.
pub fn prefix(text: &str) -> Result<String, &'static str> {
    if !text.starts_with('/') {
        return Err("a prefix begins with `/`");
    }
    let trimmed = text.trim_end_matches('/');
    if trimmed.contains(['{', '}', '?', '#', '*', '%', '\\']) || trimmed.contains("//") {
        return Err("a prefix is literal text, such as `/billing`");
    }
    if trimmed.split('/').any(|part| part == "." || part == "..") {
        return Err("a prefix has no dot segments");
    }
    if trimmed.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a prefix has no blanks");
    }
    Ok(trimmed.to_owned())
}

/// What is read for a gateway, with all its files; `None` in place of a tree that could not be made, which `found` explains.
pub fn document(
    input: &Input,
    sources: Sources<'_>,
    inputs: &Inputs,
    found: &mut Findings,
) -> (Document, bool) {
    read(input, sources, inputs, input.is_made(), found)
}

/// The same as one tree without references to other files.
pub fn bundle(
    input: &Input,
    sources: Sources<'_>,
    inputs: &Inputs,
    found: &mut Findings,
) -> (Document, bool) {
    let (document, fine) = read(input, sources, inputs, true, found);
    if let Some(name) = document.evaluated.open.keys().next().filter(|_| fine) {
        found.error(
            "bundle-parameter-open",
            Place::default(),
            format!(
                "`{}` has no value, and only a gateway can be given one later",
                crate::findings::brief(name)
            ),
            "give it its value: `--param NAME=VALUE`",
        );
        return (document, false);
    }
    (document, fine)
}

fn read(
    input: &Input,
    sources: Sources<'_>,
    inputs: &Inputs,
    make: bool,
    found: &mut Findings,
) -> (Document, bool) {
    let mut aside = Aside {
        originals: Vec::new(),
        overlays: Vec::new(),
    };
    aside.originals.resize_with(input.specs.len(), || None);
    let mut asides = Findings::default();
    let mut documents: Vec<Document> = Vec::new();
    let mut own: Vec<Findings> = Vec::new();
    for spec in &input.specs {
        let mut found = Findings::default();
        documents.push(load::read(&spec.path, &mut found).unwrap_or_default());
        own.push(found);
    }
    overlay(input, &mut documents, &mut aside, &mut asides);
    let mut read = Vec::new();
    for (document, found) in documents.into_iter().zip(&mut own) {
        let mut document = document;
        let mut evaluation = intrinsics::entry(&mut document, inputs, found);
        let mut document = resolve::references_from(document, sources, found);
        evaluation.others(&mut document, inputs, found);
        read.push(document);
    }
    used_somewhere(&mut own);

    let mut bases = Vec::new();
    let mut next = usize::from(make);
    for document in &read {
        bases.push(next);
        next += document.files.len();
    }
    let positions = aside.positions();
    let number = |document: usize, file: usize| match file.checked_sub(ASIDE) {
        Some(file) => next + positions.get(file).copied().unwrap_or_default(),
        None => bases.get(document).copied().unwrap_or_default() + file,
    };
    let faulty = asides.has_errors() || make && own.iter().any(Findings::has_errors);
    let linked = (make && !faulty).then(|| link::link(input, &read, &number, found));
    let mut files = Vec::new();
    if make {
        let entry = read.first().and_then(|document| document.files.first());
        let nothing = SourceFile::unread(String::new(), PathBuf::new());
        let (root, origins) = match linked {
            Some(linked) => (linked.root, linked.origins),
            None => (Value::Null, Origins::default()),
        };
        files.push(SourceFile::made(entry.unwrap_or(&nothing), root, origins));
    }
    let mut names = Box::<Names>::default();
    let mut evaluated = Evaluated::default();
    for (index, mut document) in read.into_iter().enumerate() {
        evaluated.open.append(&mut document.evaluated.open);
        evaluated.settled.append(&mut document.evaluated.settled);
        names = document.names;
        for file in &mut document.files {
            file.aside |= make;
            file.renumber(|file| number(index, file));
            for link in file.links.values_mut() {
                *link = number(index, *link);
            }
        }
        files.append(&mut document.files);
    }
    files.extend(aside.originals.into_iter().flatten());
    files.append(&mut aside.overlays);
    if make && let Some(file) = files.first() {
        let address = format!("file://{}", file.path.to_string_lossy());
        names = Box::new(resolve::names_of(&file.root, &address));
    }
    let document = Document {
        files,
        names,
        evaluated: Box::new(evaluated),
    };
    for (index, own) in own.into_iter().chain([asides]).enumerate() {
        found.append(own.moved(|place| Place {
            file: number(index, place.file),
            ..place
        }));
    }
    let fine = !(faulty || make && found.has_errors());
    (document, fine)
}

/// A value that one document has a use for was not given in vain, and what is of use to none is said once.
fn used_somewhere(own: &mut [Findings]) {
    const CODE: &str = "parameter-unused";
    let all = own.len();
    let of = |found: &Findings| -> BTreeSet<String> {
        let unused = found.iter().filter(|finding| finding.code == CODE);
        unused.map(|finding| finding.message.clone()).collect()
    };
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for message in own.iter().flat_map(of) {
        *count.entry(message).or_default() += 1;
    }
    for (index, found) in own.iter_mut().enumerate() {
        let everywhere = |message: &str| count.get(message) == Some(&all);
        found.retain(|finding| finding.code != CODE || index == 0 && everywhere(&finding.message));
    }
}

/// Files that are no part of the document that is read, but places lead to them.
struct Aside {
    /// Documents as they were before an overlay.
    originals: Vec<Option<SourceFile>>,
    overlays: Vec<SourceFile>,
}

impl Aside {
    /// Where each file is among those that are there.
    fn positions(&self) -> Vec<usize> {
        let originals = self.originals.iter().map(Option::is_some);
        let there = originals.chain(self.overlays.iter().map(|_| true));
        let mut next = 0;
        there
            .map(|there| {
                let position = next;
                next += usize::from(there);
                position
            })
            .collect()
    }
}

/// Applies the overlays to the documents.
fn overlay(input: &Input, documents: &mut [Document], aside: &mut Aside, found: &mut Findings) {
    if input.overlays.is_empty() {
        return;
    }
    let specs: Vec<PathBuf> = input.specs.iter().map(|spec| spec.path.clone()).collect();
    let mut overlays: Vec<(Overlay, Vec<bool>, Vec<bool>)> = Vec::new();
    for path in &input.overlays {
        let mut own = Findings::default();
        let number = aside.originals.len() + aside.overlays.len();
        let (mut file, overlay) = overlay::read(path, ASIDE + number, &mut own);
        file.aside = true;
        aside.overlays.push(file);
        if let Some(overlay) = overlay {
            let chosen = overlay.documents(&specs, &mut own);
            let hits = vec![false; overlay.count()];
            overlays.push((overlay, chosen, hits));
        }
        found.append(own);
    }
    let mut spent = Spent::default();
    for (index, document) in documents.iter_mut().enumerate() {
        if !overlays
            .iter()
            .any(|(_, chosen, _)| chosen.get(index) == Some(&true))
        {
            continue;
        }
        let Some(entry) = document.files.first_mut() else {
            continue;
        };
        if entry.root.is_null() || found.has_errors() {
            continue;
        }
        let mut tree = Tree {
            root: entry.root.clone(),
            origins: Origins::whole((ASIDE + index, String::new())),
        };
        for (overlay, chosen, hits) in &mut overlays {
            if chosen.get(index) == Some(&true) {
                overlay.apply(&mut tree, &mut spent, hits, found);
            }
        }
        let changed = SourceFile::made(entry, tree.root, tree.origins);
        let mut original = std::mem::replace(entry, changed);
        original.aside = true;
        if let Some(place) = aside.originals.get_mut(index) {
            *place = Some(original);
        }
    }
    if !found.has_errors() {
        for (overlay, _, hits) in &overlays {
            overlay.warn_of_idle(hits, found);
        }
    }
}
