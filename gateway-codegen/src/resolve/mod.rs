//! References: every `$ref` is checked, and the files that relative ones name are read.
//!
//! Invariants: no file outside the entry document's folder is opened, links resolved; nothing is fetched; a `$ref` that
//! cannot be followed is one error, at the first place it is written. Schemas may refer back to themselves; a chain of
//! references that only leads to itself may not. What is data ([`walk`] knows) is not looked into.

pub(crate) mod walk;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use crate::findings::{Findings, Place};
use crate::load::{self, Document, MAX_BYTES};
use crate::suggest;

/// Most files one document may consist of.
const MAX_FILES: usize = 10_000;

/// Most bytes kept of distinct references and their places, 256 for each on top of its texts.
const MAX_KEPT: usize = 128 * 1024 * 1024;

/// Most references that get a suggestion, which means a look at all names beside the missing one.
const MAX_SUGGESTIONS: usize = 20;

/// Most names, and longest name in bytes, that are looked at for a suggestion.
const MAX_NAMES: usize = 10_000;
const MAX_NAME: usize = 100;

/// Most references in a row; more is taken for a cycle.
const MAX_HOPS: usize = load::MAX_HOPS;

/// Reads the files that the document's references name, and reports every reference that cannot be followed.
pub fn references(document: Document, found: &mut Findings) -> Document {
    let mut resolver = Resolver {
        folder: folder_of(&document),
        by_path: HashMap::new(),
        seen: HashSet::new(),
        good: Vec::new(),
        refused: HashSet::new(),
        kept: 0,
        suggestions: 0,
        bytes: document.files.iter().map(|file| file.text.len()).sum(),
        document,
    };
    resolver.run(found);
    resolver.document
}

/// File part and pointer of a reference, percent-decoded; `None`: its fragment is not a JSON pointer.
pub(crate) fn split(reference: &str) -> Option<(String, String)> {
    let (file, pointer) = reference.split_once('#').unwrap_or((reference, ""));
    let pointer = decode(pointer)?;
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return None;
    }
    Some((decode(file)?, pointer))
}

/// Undoes percent-encoding; `None`: what comes out is not UTF-8. A lone `%` stays what it is.
fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        match code {
            Some((high, low)) => {
                bytes.push(high * 16 + low);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// The entry document's folder with all links resolved; `None`: the document came from memory.
fn folder_of(document: &Document) -> Option<PathBuf> {
    let path = &document.files.first()?.path;
    if path.as_os_str().is_empty() {
        return None;
    }
    path.canonicalize().ok()?.parent().map(Path::to_owned)
}

struct Resolver {
    document: Document,
    folder: Option<PathBuf>,
    /// Files by their path with all links resolved.
    by_path: HashMap<PathBuf, usize>,
    /// References dealt with: the file they stand in and their text.
    seen: HashSet<(usize, String)>,
    /// Those that lead somewhere, with where they stand.
    good: Vec<(Place, String)>,
    /// Files that were refused: the file that names them and the name.
    refused: HashSet<(usize, String)>,
    /// Bytes of all files.
    bytes: usize,
    /// Bytes of `seen` and `good`.
    kept: usize,
    suggestions: usize,
}

/// Why a reference cannot be followed.
struct Refused {
    code: &'static str,
    message: String,
    help: String,
}

fn refused<T>(
    code: &'static str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Result<T, Refused> {
    Err(Refused {
        code,
        message: message.into(),
        help: help.into(),
    })
}

impl Resolver {
    fn run(&mut self, found: &mut Findings) {
        if let Some(entry) = self.document.files.first()
            && let Ok(path) = entry.path.canonicalize()
        {
            self.by_path.insert(path, 0);
        }
        let mut open = VecDeque::from([(0, String::new(), false)]);
        let mut begun = HashSet::from([(0, String::new(), false)]);
        while let Some((file, pointer, data)) = open.pop_front() {
            let Some(root) = self.document.files.get(file).map(|file| &file.root) else {
                continue;
            };
            let Some(value) = load::follow_pointer(root, &pointer) else {
                continue;
            };
            let mut news = Vec::new();
            walk::references(value, &pointer, data, |written| {
                if let Some(reference) = written.target
                    && !self.seen.insert((file, reference.to_owned()))
                {
                    return;
                }
                let pointer = written.pointer;
                self.kept += 256 + pointer.len() + written.target.map_or(0, str::len);
                if self.kept <= MAX_KEPT {
                    let place = Place {
                        file,
                        pointer: pointer.to_owned(),
                        key: false,
                        offset: None,
                    };
                    let target = written.target.map(str::to_owned);
                    news.push((place, target, written.to_data));
                }
            });
            for (place, target, to_data) in news {
                let to = self.check(place, target, found);
                // What the walk of the entry document sees anyway needs no walk of its own.
                if let Some((to, pointer)) = to
                    && (to != 0 || walk::lies_in_data(&pointer))
                {
                    let subtree = (to, pointer, to_data);
                    if begun.insert(subtree.clone()) {
                        open.push_back(subtree);
                    }
                }
            }
        }
        if self.kept > MAX_KEPT {
            found.error(
                "document-too-large",
                Place::default(),
                "the document has more references than can be checked",
                "split the API, or leave out what is generated",
            );
        }
        self.cycles(found);
    }

    /// Checks one reference and reports it, or says where it leads.
    fn check(
        &mut self,
        place: Place,
        target: Option<String>,
        found: &mut Findings,
    ) -> Option<(usize, String)> {
        let Some(reference) = target else {
            found.error(
                "ref-not-text",
                place,
                "a `$ref` is a text",
                "write the reference as a string, such as \"#/components/schemas/Book\"",
            );
            return None;
        };
        match self.target(&reference, &place, found) {
            Ok(Some(to)) => {
                self.good.push((place, reference));
                Some(to)
            }
            Ok(None) => None,
            Err(refused) => {
                found.error(refused.code, place, refused.message, refused.help);
                None
            }
        }
    }

    /// Where a reference leads; `None`: into a file that is broken or refused, which has its own finding.
    fn target(
        &mut self,
        reference: &str,
        place: &Place,
        found: &mut Findings,
    ) -> Result<Option<(usize, String)>, Refused> {
        let from = place.file;
        if has_scheme(reference) {
            return refused(
                "ref-remote",
                format!("`{reference}` is not in the document's folder, and nothing is fetched"),
                "save the file beside the document and refer to it by its relative path",
            );
        }
        let Some((file, pointer)) = split(reference) else {
            return refused(
                "ref-dangling",
                format!("`{reference}` does not end in a JSON pointer"),
                "after `#` comes a pointer such as /components/schemas/Book",
            );
        };
        let to = match file.as_str() {
            "" => from,
            name => {
                let named = (from, name.to_owned());
                if self.refused.contains(&named) {
                    return Ok(None);
                }
                match self.file(from, name, place, found) {
                    Ok(number) => number,
                    Err(refused) => {
                        self.refused.insert(named);
                        return Err(refused);
                    }
                }
            }
        };
        let Some(source) = self.document.files.get(to) else {
            return Ok(None);
        };
        if source.root.is_null() && (to != 0 || found.has_errors()) {
            return Ok(None);
        }
        if load::follow_pointer(&source.root, &pointer).is_some() {
            return Ok(Some((to, pointer)));
        }
        let mut help = String::from("declare it, or correct the reference");
        self.suggestions += 1;
        if self.suggestions > MAX_SUGGESTIONS {
            // Each is work in proportion to the document.
        } else if let Some(near) = nearest(&source.root, &pointer) {
            help = format!("did you mean `{file}#{near}`");
        } else if let Some(known) = schema_named(&source.root, reference) {
            help = format!("did you mean `{known}`");
        }
        refused("ref-dangling", format!("`{reference}` leads nowhere"), help)
    }

    /// The number of the file that a reference in file `from` names, read if it was not yet.
    fn file(
        &mut self,
        from: usize,
        name: &str,
        place: &Place,
        found: &mut Findings,
    ) -> Result<usize, Refused> {
        let source = self.document.files.get(from);
        if let Some(&known) = source.and_then(|source| source.links.get(name)) {
            return Ok(known);
        }
        let (Some(folder), Some(source)) = (self.folder.clone(), source) else {
            return refused(
                "ref-file-missing",
                format!("`{name}` cannot be read: this document is not in a folder"),
                "only references inside the document can be followed here",
            );
        };
        let below = below(&folder, &source.path, name)?;
        let path = folder.join(&below);
        let missing = || {
            refused(
                "ref-file-missing",
                format!("there is no file `{name}`"),
                "a reference is relative to the file it stands in",
            )
        };
        let Ok(real) = path.canonicalize() else {
            return missing();
        };
        if !real.starts_with(&folder) {
            return refused(
                "ref-escapes",
                format!("`{name}` is a link out of the document's folder"),
                "keep what the document refers to below its own folder",
            );
        }
        let number = match self.by_path.get(&real) {
            Some(&known) => known,
            None => self.read(real, &below, name, place, found)?,
        };
        if let Some(source) = self.document.files.get_mut(from) {
            source.links.insert(name.to_owned(), number);
        }
        Ok(number)
    }

    fn read(
        &mut self,
        real: PathBuf,
        below: &Path,
        name: &str,
        place: &Place,
        found: &mut Findings,
    ) -> Result<usize, Refused> {
        let number = self.document.files.len();
        if number >= MAX_FILES {
            return refused(
                "document-too-large",
                "the document has more than 10,000 files",
                "bundle them",
            );
        }
        let bytes = match load::bytes(&real) {
            Ok(bytes) => bytes,
            Err(refusal) => {
                // Its place is the reference; so is that of every other reference to the file, which is known by now.
                refusal.report(place.clone(), name, found);
                self.by_path.insert(real.clone(), number);
                let file = load::SourceFile::unread(self.shown(below), real);
                self.document.files.push(file);
                return Ok(number);
            }
        };
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > MAX_BYTES {
            return refused(
                "document-too-large",
                "the document's files together are larger than 64 MiB",
                "a document may have 64 MiB",
            );
        }
        let file = load::parse(self.shown(below), real.clone(), bytes, number, found);
        self.by_path.insert(real, number);
        self.document.files.push(file);
        Ok(number)
    }

    /// Name of a file of the folder, for people: beside the name of the entry document.
    fn shown(&self, below: &Path) -> String {
        let entry = self.document.files.first().map(|file| file.name.as_str());
        let folder = entry.and_then(|name| name.rfind('/').and_then(|end| name.get(..=end)));
        let parts = below
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        format!(
            "{}{}",
            folder.unwrap_or_default(),
            parts.collect::<Vec<_>>().join("/")
        )
    }

    /// Reports chains that lead back to themselves, each once, and the first that is too long.
    fn cycles(&self, found: &mut Findings) {
        // Values seen, and how many references each is away from an object; `None`: no end is known (yet).
        let mut ends: HashMap<usize, Option<usize>> = HashMap::new();
        let mut too_long = false;
        for (place, reference) in &self.good {
            let root = self.document.file_root(place.file);
            let mut next = root.and_then(|root| root.target(reference));
            let mut chain = Vec::new();
            let away = loop {
                // What leads nowhere is reported already.
                let Some(node) = next else { break Some(0) };
                match ends.get(&node.id()) {
                    Some(Some(away)) => break Some(*away),
                    Some(None) => {
                        if chain.contains(&node.id()) {
                            found.error(
                                "ref-cycle",
                                place.clone(),
                                format!(
                                    "`{reference}` leads back to itself and never to an object"
                                ),
                                "let one of the references be the object that is meant",
                            );
                        }
                        break None;
                    }
                    None => {}
                }
                let Some(reference) = node.reference() else {
                    break Some(0);
                };
                ends.insert(node.id(), None);
                chain.push(node.id());
                next = node.target(reference);
            };
            let length = chain.len();
            if let Some(away) = away {
                for (number, id) in chain.into_iter().enumerate() {
                    ends.insert(id, Some(away + length - number));
                }
                if away + length >= MAX_HOPS && !std::mem::replace(&mut too_long, true) {
                    found.error(
                        "ref-cycle",
                        place.clone(),
                        format!("`{reference}` leads through more than {MAX_HOPS} references"),
                        "refer to the object itself",
                    );
                }
            }
        }
    }
}

/// Whether a reference begins with a scheme (`https:`, `file:`) or names another host (`//host`).
fn has_scheme(reference: &str) -> bool {
    if reference.starts_with("//") {
        return true;
    }
    let end = reference.find([':', '/', '#', '?']);
    let Some((scheme, rest)) = end.and_then(|end| reference.split_at_checked(end)) else {
        return false;
    };
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    rest.starts_with(':')
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(letters)
}

/// Path below the folder of a file that is named in the file at `from`. Decided on the text alone, so that nothing
/// outside is even asked about.
fn below(folder: &Path, from: &Path, name: &str) -> Result<PathBuf, Refused> {
    let escapes = || {
        refused(
            "ref-escapes",
            format!("`{name}` is outside of the document's folder"),
            "keep what the document refers to below its own folder",
        )
    };
    if name.contains('\0') {
        return escapes();
    }
    // The entry document's path is as given, all others have their links resolved already.
    let parent = from.parent().filter(|parent| parent.starts_with(folder));
    let mut path = parent.unwrap_or(folder).to_owned();
    for part in Path::new(name).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => path.push(part),
            Component::ParentDir => {
                if !path.pop() {
                    return escapes();
                }
            }
            Component::RootDir | Component::Prefix(_) => return escapes(),
        }
    }
    match path.strip_prefix(folder) {
        Ok(below) => Ok(below.to_owned()),
        Err(_) => escapes(),
    }
}

/// A pointer like this one that leads somewhere: the same but for one name that is nearly the same.
fn nearest(root: &serde_json::Value, pointer: &str) -> Option<String> {
    let tokens: Vec<&str> = pointer.split('/').skip(1).collect();
    let mut good = String::new();
    let mut value = root;
    for (number, token) in tokens.iter().enumerate() {
        let next = format!("{good}/{token}");
        if let Some(child) = load::follow_pointer(value, &format!("/{token}")) {
            value = child;
            good = next;
            continue;
        }
        let wrong = load::unescape(token);
        let names = value.as_object()?;
        if names.len() > MAX_NAMES || wrong.len() > MAX_NAME {
            return None;
        }
        let names = names
            .keys()
            .map(String::as_str)
            .filter(|name| name.len() <= MAX_NAME);
        load::escape(suggest::nearest(&wrong, names)?, &mut good);
        for token in tokens.get(number + 1..)? {
            good.push('/');
            good.push_str(token);
        }
        return load::follow_pointer(root, &good).map(|_| good);
    }
    None
}

/// For `$ref: Book`, as older documents write it.
fn schema_named(root: &serde_json::Value, name: &str) -> Option<String> {
    ["/components/schemas", "/definitions"]
        .into_iter()
        .find(|at| {
            let named = root.pointer(at).and_then(|names| names.get(name));
            named.is_some()
        })
        .map(|at| format!("#{at}/{name}"))
}
