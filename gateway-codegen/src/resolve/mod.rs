//! References: every `$ref` is checked, and the files that they name are read.
//!
//! Invariants: no file outside of one folder is opened, links resolved: the entry document's, unless [`Sources`] names a
//! wider one; nothing is fetched but through [`Sources`], and what was fetched refers to no file of this machine; a `$ref`
//! that cannot be followed is one error, at the first place it is written. Schemas may refer back to themselves; a chain
//! of references that only leads to itself may not. What is data ([`walk`] knows) is not looked into.

mod names;
mod referrers;
mod uri;
pub(crate) mod walk;

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use crate::findings::{Findings, Place};
use crate::load::{self, Document, MAX_BYTES};
use crate::suggest;

pub(crate) use names::Names;
pub(crate) use referrers::referrers;
pub(crate) use uri::{decode, is_pointer, split};
use uri::{has_scheme, join};

/// Most files one document may consist of.
const MAX_FILES: usize = 10_000;

/// Most bytes kept of distinct references and their places, 256 for each on top of its texts.
const MAX_KEPT: usize = 128 * 1024 * 1024;

/// Most references that get a suggestion, which means a look at all names beside the missing one.
const MAX_SUGGESTIONS: usize = 20;

/// Most names, and longest name in bytes, that are looked at for a suggestion.
const MAX_NAMES: usize = 10_000;
const MAX_NAME: usize = 100;

/// What to do about a reference that leaves the folder.
const ESCAPE_HELP: &str = "keep what the document refers to below its own folder, or name a folder that holds all of it with `--root DIR`";

/// Most references in a row; more is taken for a cycle.
const MAX_HOPS: usize = load::MAX_HOPS;

/// Most of them that are fetched.
const MAX_REMOTE: usize = 100;

/// Where files besides the entry document may come from.
#[derive(Clone, Copy, Default)]
pub struct Sources<'s> {
    /// The folder that references may not leave; `None`: the entry document's.
    pub root: Option<&'s Path>,
    /// Who fetches files of other hosts; `None`: nothing is fetched.
    pub remote: Option<&'s dyn Remote>,
}

/// Fetches files of other hosts.
pub trait Remote {
    /// The bytes that an absolute address, without a fragment, leads to.
    ///
    /// # Errors
    /// If it is of a host that is not asked, or does not answer as it should.
    fn fetch(&self, address: &str) -> Result<Vec<u8>, NotFetched>;
}

/// Why a file was not fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotFetched {
    /// Its host is none that may be asked. What would allow it.
    NotAllowed(String),
    /// It was asked for in vain: why.
    Failed(String),
}

/// Reads the files that the document's references name from its own folder, and reports every reference that cannot be
/// followed.
pub fn references(document: Document, found: &mut Findings) -> Document {
    references_from(document, Sources::default(), found)
}

/// As [`references`], from these sources.
pub fn references_from(document: Document, sources: Sources<'_>, found: &mut Findings) -> Document {
    let own = folder_of(&document);
    let folder = match (sources.root, &own) {
        (Some(root), Some(own)) => {
            let wide = root
                .canonicalize()
                .ok()
                .filter(|root| own.starts_with(root));
            if wide.is_none() {
                found.error(
                    "ref-escapes",
                    Place::default(),
                    format!(
                        "the document is not below `{}`, the root of its files",
                        root.display()
                    ),
                    "name a folder that holds the document and all that it refers to",
                );
            }
            wide
        }
        _ => None,
    };
    let mut resolver = Resolver {
        remote: sources.remote,
        fetched: 0,
        nameless: false,
        by_address: HashMap::new(),
        named: document.root().is_some_and(|root| has_names(root.value())),
        folder: folder.or(own),
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

/// The names in the one file of a document that refers to no other.
pub(crate) fn names_of(root: &serde_json::Value, address: &str) -> Names {
    let mut names = Names::default();
    if has_names(root) {
        names.read(0, root, address.to_owned());
    }
    names
}

/// Whether the parts of a document may have names of their own: from 3.1 on.
fn has_names(root: &serde_json::Value) -> bool {
    let version = root.get("openapi").and_then(serde_json::Value::as_str);
    version.is_some_and(|version| version.starts_with("3.") && !version.starts_with("3.0"))
}

/// The entry document's folder with all links resolved; `None`: the document came from memory.
fn folder_of(document: &Document) -> Option<PathBuf> {
    let path = &document.files.first()?.path;
    if path.as_os_str().is_empty() {
        return None;
    }
    path.canonicalize().ok()?.parent().map(Path::to_owned)
}

struct Resolver<'s> {
    document: Document,
    remote: Option<&'s dyn Remote>,
    /// Files that were fetched.
    fetched: usize,
    /// Files by the address they were fetched from.
    by_address: HashMap<String, usize>,
    /// Whether parts of the document may have names.
    named: bool,
    /// Whether there were more names than are kept.
    nameless: bool,
    /// What no file may lie outside of.
    folder: Option<PathBuf>,
    /// Files by their path with all links resolved.
    by_path: HashMap<PathBuf, usize>,
    /// References dealt with: the file they stand in, the part of it that has a name, and their text.
    seen: HashSet<(usize, String, String)>,
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

impl Resolver<'_> {
    fn run(&mut self, found: &mut Findings) {
        if let Some(entry) = self.document.files.first()
            && let Ok(path) = entry.path.canonicalize()
        {
            self.by_path.insert(path, 0);
        }
        self.note_names(0);
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
                let part = self.document.names.part(file, written.pointer);
                let pointer = written.pointer;
                let length = 256 + pointer.len() + part.len() + written.target.map_or(0, str::len);
                if let Some(reference) = written.target
                    && !self.seen.insert((file, part, reference.to_owned()))
                {
                    return;
                }
                self.kept += length;
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
        if self.kept > MAX_KEPT || self.nameless {
            found.error(
                "document-too-large",
                Place::default(),
                "the document has more references and names than can be checked",
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
        if !self.document.names.is_empty()
            && let Some((to, pointer)) = self.document.names.target(from, &place.pointer, reference)
            && let Some(file) = self.document.files.get(to)
            && load::follow_pointer(&file.root, &pointer).is_some()
        {
            return Ok(Some((to, pointer)));
        }
        let Some((file, fragment)) = split(reference) else {
            return refused(
                "ref-dangling",
                format!("the fragment of `{reference}` is not UTF-8"),
                "after `#` comes a pointer such as /components/schemas/Book",
            );
        };
        let to = match file {
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
        let pointer = match self.document.names.anchor(to, &fragment) {
            _ if is_pointer(&fragment) => fragment,
            Some(pointer) => pointer.to_owned(),
            None => {
                let (message, help) = if self.named {
                    (
                        format!(
                            "there is no `$anchor: {fragment}` that `{reference}` could lead to"
                        ),
                        "name the schema with `$anchor`, or refer to it by a pointer such as #/components/schemas/Book",
                    )
                } else {
                    (
                        format!("`{reference}` does not end in a JSON pointer"),
                        "after `#` comes a pointer such as /components/schemas/Book",
                    )
                };
                return refused("ref-dangling", message, help);
            }
        };
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
        let remote = source.and_then(|source| source.address.as_deref());
        if remote.is_some() || has_scheme(name) {
            let address = join(remote.unwrap_or_default(), name);
            let number = self.far(&address, found)?;
            if let Some(source) = self.document.files.get_mut(from) {
                source.links.insert(name.to_owned(), number);
            }
            return Ok(number);
        }
        let Some(decoded) = decode(name) else {
            return refused(
                "ref-file-missing",
                format!("`{name}` is not UTF-8"),
                "a reference is relative to the file it stands in",
            );
        };
        let (Some(folder), Some(source)) = (self.folder.clone(), source) else {
            return refused(
                "ref-file-missing",
                format!("`{name}` cannot be read: this document is not in a folder"),
                "only references inside the document can be followed here",
            );
        };
        let below = below(&folder, &source.path, &decoded)?;
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
                ESCAPE_HELP,
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
        let number = self.next()?;
        let shown = self.shown(below);
        let file = match load::bytes(&real) {
            Ok(bytes) => {
                self.weigh(bytes.len())?;
                load::parse(shown, real.clone(), bytes, number, found)
            }
            Err(refusal) => {
                // Its place is the reference; so is that of every other reference to the file, which is known by now.
                refusal.report(place.clone(), name, found);
                load::SourceFile::unread(shown, real.clone())
            }
        };
        self.by_path.insert(real, number);
        self.document.files.push(file);
        self.note_names(number);
        Ok(number)
    }

    /// The number of a file of another host, fetched if it was not yet.
    fn far(&mut self, address: &str, found: &mut Findings) -> Result<usize, Refused> {
        if let Some(&known) = self.by_address.get(address) {
            return Ok(known);
        }
        let remote = match self.remote {
            Some(remote) if address.starts_with("https://") => remote,
            _ => {
                return refused(
                    "ref-remote",
                    format!("`{address}` is not in the document's folder, and nothing is fetched"),
                    match address.starts_with("https://") {
                        true => {
                            "save the file beside the document and refer to it by its relative path, or allow its host with `--allow-ref-host HOST`"
                        }
                        false => {
                            "save the file beside the document and refer to it by its relative path"
                        }
                    },
                );
            }
        };
        let number = self.next()?;
        if self.fetched >= MAX_REMOTE {
            return refused(
                "ref-remote",
                "the document refers to more than 100 files of other hosts",
                "save them beside the document",
            );
        }
        self.fetched += 1;
        let fetched = remote.fetch(address);
        if fetched.is_err() {
            // It is asked for once; other references to it are not reported again.
            let mut file = load::SourceFile::unread(address.to_owned(), PathBuf::new());
            file.address = Some(address.to_owned());
            self.by_address.insert(address.to_owned(), number);
            self.document.files.push(file);
        }
        let bytes = match fetched {
            Ok(bytes) => bytes,
            Err(NotFetched::NotAllowed(help)) => {
                return refused(
                    "ref-remote",
                    format!("`{address}` is of a host that is not asked"),
                    help,
                );
            }
            Err(NotFetched::Failed(why)) => {
                return refused(
                    "ref-fetch",
                    format!("`{address}` cannot be fetched: {why}"),
                    "save the file beside the document and refer to it by its relative path",
                );
            }
        };
        self.weigh(bytes.len())?;
        let mut file = load::parse(address.to_owned(), PathBuf::new(), bytes, number, found);
        file.address = Some(address.to_owned());
        self.by_address.insert(address.to_owned(), number);
        self.document.files.push(file);
        self.note_names(number);
        Ok(number)
    }

    /// The number of the next file, if there may be one more.
    fn next(&self) -> Result<usize, Refused> {
        match self.document.files.len() {
            number if number < MAX_FILES => Ok(number),
            _ => refused(
                "document-too-large",
                "the document has more than 10,000 files",
                "bundle them",
            ),
        }
    }

    /// Counts the bytes of another file.
    fn weigh(&mut self, bytes: usize) -> Result<(), Refused> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes <= MAX_BYTES {
            return Ok(());
        }
        refused(
            "document-too-large",
            "the document's files together are larger than 64 MiB",
            "a document may have 64 MiB",
        )
    }

    /// Takes note of the names in a file.
    fn note_names(&mut self, number: usize) {
        let Some(file) = self.document.files.get(number).filter(|_| self.named) else {
            return;
        };
        let address = match &file.address {
            Some(address) => address.clone(),
            None => format!("file://{}", file.path.to_string_lossy()),
        };
        self.nameless |= !self.document.names.read(number, &file.root, address);
    }

    /// Name of a file of the folder, for people: as seen from the entry document, beside its name.
    fn shown(&self, below: &Path) -> String {
        let entry = self.document.files.first();
        let folder =
            entry.and_then(|file| file.name.rfind('/').and_then(|end| file.name.get(..=end)));
        let path = self.folder.as_ref().map(|folder| folder.join(below));
        let own = entry.and_then(|entry| entry.path.parent());
        let seen = match (own, path) {
            (Some(own), Some(path)) => load::relative(own, &path),
            _ => below.to_string_lossy().into_owned(),
        };
        let mut parts: Vec<&str> = folder.unwrap_or_default().split('/').collect();
        parts.pop();
        for part in seen.split('/') {
            let inside = parts
                .last()
                .is_some_and(|last| !matches!(*last, "" | ".." | "."));
            if part == ".." && inside {
                parts.pop();
            } else {
                parts.push(part);
            }
        }
        parts.join("/")
    }

    /// Reports chains that lead back to themselves, each once, and the first that is too long.
    fn cycles(&self, found: &mut Findings) {
        // Values seen, and how many references each is away from an object; `None`: no end is known (yet).
        let mut ends: HashMap<usize, Option<usize>> = HashMap::new();
        let mut too_long = false;
        for (place, reference) in &self.good {
            let node = self.document.at(place);
            let mut next = node.and_then(|node| node.target(reference));
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

/// Path below the folder of a file that is named in the file at `from`. Decided on the text alone, so that nothing
/// outside is even asked about.
fn below(folder: &Path, from: &Path, name: &str) -> Result<PathBuf, Refused> {
    let escapes = || {
        refused(
            "ref-escapes",
            format!("`{name}` is outside of the document's folder"),
            ESCAPE_HELP,
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
