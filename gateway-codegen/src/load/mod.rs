//! Bytes → [`Document`]: YAML and JSON through one reader, every value with its place.
//!
//! Invariants: nothing read from a document can panic, hang or take memory out of proportion (the limits are the constants
//! below); every refusal is a finding at a place; a place is a file and a JSON pointer, and line and column are looked up
//! ([`locate`]) only when a finding is printed. Absent on purpose: anything about OpenAPI, and following of references.

mod encoding;
mod json;
pub(crate) mod locate;
mod node;
mod origin;
mod scalar;
mod tree;
mod yaml;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;

use crate::findings::{Findings, Place};
use crate::resolve::Names;

pub use node::Node;
pub(crate) use node::{MAX_HOPS, escape, follow_pointer, unescape};
pub(crate) use origin::{Origins, Parts};

/// Largest file, and largest sum of the scalars of a file after its aliases are expanded, in bytes. The largest public
/// API descriptions are around 10 MiB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Most values of one file, members' names and expanded aliases counted too.
pub const MAX_NODES: usize = 5_000_000;

/// Deepest nesting of arrays and objects: with the value inside, 128 levels, which is as deep as `serde_json` reads.
pub const MAX_DEPTH: usize = 127;

/// Longest pointer to a value, in bytes: the names on the way to it together. Places carry pointers, so this bounds what a
/// finding can cost.
pub const MAX_POINTER: usize = 8 * 1024;

/// Most files in a row that one was made of: a joined one, an evaluated one, one that an overlay changed, and what was read.
const MAX_MADE: usize = 8;

/// Message and help of nesting beyond [`MAX_DEPTH`].
const TOO_DEEP: (&str, &str) = (
    "arrays and objects are nested more than 127 deep",
    "move inner schemas to components and refer to them",
);

/// Repeated names listed for one file; the rest is only counted.
const MAX_DUPLICATES: usize = 100;

/// What was written: the entry document and every file its references lead to.
#[derive(Debug, Default)]
pub struct Document {
    /// The entry document first, then the others in the order they were reached.
    pub files: Vec<SourceFile>,
    /// Names that the files give their parts.
    pub(crate) names: Box<Names>,
    /// What evaluation made of it.
    pub evaluated: Box<Evaluated>,
}

impl Document {
    fn of(entry: SourceFile) -> Document {
        Document {
            files: vec![entry],
            ..Document::default()
        }
    }
}

/// What the evaluation of templates ([`intrinsics`](crate::intrinsics)) knows of parameters.
#[derive(Debug, Default)]
pub struct Evaluated {
    /// Names that have no value, and what the document says of each. In its texts they stand as `${param.NAME}`.
    pub open: BTreeMap<String, String>,
    /// Names of `x-gateway.parameters` whose value was given.
    pub settled: BTreeSet<String>,
}

/// Where a value of an evaluated file was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// File it was written in.
    pub(crate) file: usize,
    /// Its pointer there.
    pub(crate) pointer: String,
    /// Whether the value itself was made, so that no part of its text stands there.
    pub(crate) made: bool,
}

/// One file.
#[derive(Debug)]
pub struct SourceFile {
    /// The name shown to people: relative to the working folder where that is possible, `/` between its parts.
    pub name: String,
    /// Where it was read from, links followed, so that the files of one document can be told apart and placed below its folder;
    /// empty: the text came from memory.
    pub path: PathBuf,
    /// The address that it was fetched from; `None`: it is a file of this machine, or from memory.
    pub address: Option<String>,
    /// The text in UTF-8, without a byte order mark. Of a file that is in no known encoding, the part that is UTF-8.
    pub text: String,
    /// What the text was read as.
    pub format: Format,
    /// The value; `null` where the file could not be read (there is an error finding then).
    pub root: Value,
    /// Files that relative references of this file name: file part of the reference → index in [`Document::files`].
    pub(crate) links: HashMap<String, usize>,
    /// Where the values of a made tree were written.
    pub(crate) origins: Origins,
    /// Whether it is here only because something was written in it; what the document says is in other files.
    pub(crate) aside: bool,
    /// Where each value stands; made when first asked for.
    index: OnceLock<node::Index>,
    /// Where values were written that stand elsewhere since the file was evaluated, or were made then: pointer of the value, which
    /// speaks for all that is inside it → where that was written.
    written: BTreeMap<String, Written>,
}

/// Notation of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2 (1.1 as far as everyone writes it: merge keys).
    Yaml,
    /// JSON (RFC 8259).
    Json,
}

/// Reads the entry document.
///
/// There is always a document, so that findings can show the text they speak of; where it could not be read, `found` has
/// an error and the root is `null`.
pub fn read(path: &Path, found: &mut Findings) -> Option<Document> {
    let file = read_as(path, 0, found);
    Some(Document::of(file))
}

/// Reads a file that stands for itself, to have this number in places.
pub(crate) fn read_as(path: &Path, index: usize, found: &mut Findings) -> SourceFile {
    let name = shown(path);
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match bytes(path) {
        Ok(bytes) => parse(name, real, bytes, index, found),
        Err(refusal) => {
            refusal.report(at(index, String::new(), None), &name, found);
            SourceFile::new(name, real, String::new(), Format::Yaml)
        }
    }
}

/// Reads a document from memory. `name` decides the format as a file's name does; relative references lead nowhere.
pub fn text(name: &str, text: impl Into<Vec<u8>>, found: &mut Findings) -> Option<Document> {
    let file = parse(name.to_owned(), PathBuf::new(), text.into(), 0, found);
    Some(Document::of(file))
}

/// Why a file cannot be taken at all.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: &'static str,
    message: String,
    help: &'static str,
}

impl Refusal {
    /// As a finding at the place that names the file.
    pub(crate) fn report(self, place: Place, name: &str, found: &mut Findings) {
        found.error(
            self.code,
            place,
            format!("`{name}` {}", self.message),
            self.help,
        );
    }
}

/// The bytes of a regular file of bearable size.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, Refusal> {
    let refuse = |code, message: &str, help| Refusal {
        code,
        message: message.to_owned(),
        help,
    };
    let unreadable = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => refuse("file-missing", "does not exist", "check the path"),
        _ => refuse(
            "file-unreadable",
            &format!("cannot be read: {error}"),
            "check its permissions",
        ),
    };
    // Asked before opening: opening a pipe would wait for its writer.
    let data = std::fs::metadata(path).map_err(unreadable)?;
    if data.is_dir() {
        return Err(refuse(
            "file-not-regular",
            "is a folder",
            "name the OpenAPI document inside it",
        ));
    }
    if !data.is_file() {
        return Err(refuse(
            "file-not-regular",
            "is not a regular file",
            "pipes and devices are not read: save the document to a file",
        ));
    }
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
            file.take(most.saturating_add(1)).read_to_end(&mut bytes)
        })
        .map_err(unreadable)?;
    if bytes.len() > MAX_BYTES {
        return Err(refuse(
            "document-too-large",
            "is larger than 64 MiB",
            "a document may have 64 MiB",
        ));
    }
    Ok(bytes)
}

/// Reads the bytes of file number `index`; its findings are placed in that file.
pub(crate) fn parse(
    name: String,
    path: PathBuf,
    bytes: Vec<u8>,
    index: usize,
    found: &mut Findings,
) -> SourceFile {
    if bytes.len() > MAX_BYTES {
        let refusal = Refusal {
            code: "document-too-large",
            message: "is larger than 64 MiB".to_owned(),
            help: "a document may have 64 MiB",
        };
        refusal.report(at(index, String::new(), None), &name, found);
        return SourceFile::new(name, path, String::new(), Format::Yaml);
    }
    let bytes = match encoding::to_utf8(bytes) {
        Ok(bytes) => bytes,
        Err(fault) => {
            let help = "save the document as UTF-8";
            let place = at(index, String::new(), Some(0));
            found.error("document-not-utf8", place, fault, help);
            return SourceFile::new(name, path, String::new(), Format::Yaml);
        }
    };
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(good);
            let text = String::from_utf8(bytes).unwrap_or_default();
            found.error(
                "document-not-utf8",
                at(index, String::new(), Some(good)),
                "this byte is not UTF-8",
                "save the document as UTF-8",
            );
            return SourceFile::new(name, path, text, Format::Yaml);
        }
    };
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };

    let extension = Path::new(&name).extension().and_then(|e| e.to_str());
    let named_json = extension.is_some_and(|e| e.eq_ignore_ascii_case("json"));
    // JSON in a file called .yaml is common, and a YAML reader gets some of it wrong (surrogate pairs).
    let looks_json = text.trim_start().starts_with('{');
    let (format, read) = if named_json {
        (Format::Json, json::read(&text))
    } else if looks_json {
        match json::read(&text) {
            Err(fault) if fault.code == "json-syntax" => (Format::Yaml, yaml::read(&text)),
            read => (Format::Json, read),
        }
    } else {
        (Format::Yaml, yaml::read(&text))
    };

    let mut file = SourceFile::new(name, path, text, format);
    match read {
        Ok(tree) => {
            file.root = tree.root;
            for fault in tree.faults {
                fault.report(index, found);
            }
        }
        Err(fault) => fault.report(index, found),
    }
    file
}

impl Document {
    /// Where what stands at a place was written. They differ where the file was made ([`compose`](crate::compose)) or evaluated
    /// ([`intrinsics`](crate::intrinsics)), of a file that may have been made or evaluated itself.
    pub(crate) fn written(&self, place: &Place) -> Place {
        let mut place = place.clone();
        for _ in 0..MAX_MADE {
            let before = match self.taken_from(&place) {
                Some(from) => from,
                None => self.evaluated_from(&place),
            };
            if before == place {
                break;
            }
            place = before;
        }
        place
    }

    fn evaluated_from(&self, place: &Place) -> Place {
        let Some(table) = self.files.get(place.file).map(|file| &file.written) else {
            return place.clone();
        };
        let mut prefix = place.pointer.as_str();
        loop {
            let whole = prefix.len() == place.pointer.len();
            let rest = place.pointer.get(prefix.len()..).unwrap_or_default();
            let last = |pointer: &str| pointer.rfind('/').map(|at| pointer[at..].to_owned());
            match table.get(prefix) {
                // The name of a member whose value came from elsewhere stands where the member does.
                Some(entry) if whole && place.key && last(&entry.pointer) != last(prefix) => {}
                Some(entry) => {
                    return Place {
                        file: entry.file,
                        pointer: match entry.made {
                            true => entry.pointer.clone(),
                            false => format!("{}{rest}", entry.pointer),
                        },
                        key: place.key,
                        offset: place.offset.filter(|_| !entry.made),
                    };
                }
                None => {}
            }
            match prefix.rfind('/') {
                Some(end) => prefix = &prefix[..end],
                None => return place.clone(),
            }
        }
    }
}

impl SourceFile {
    /// The root that evaluation made, and where its values were written.
    pub(crate) fn evaluate(&mut self, root: Value, written: BTreeMap<String, Written>) {
        self.root = root;
        self.written = written;
        self.index = OnceLock::new();
    }

    /// A file that is there but cannot be taken.
    pub(crate) fn unread(name: String, path: PathBuf) -> Self {
        Self::new(name, path, String::new(), Format::Yaml)
    }

    /// Gives the files that its values were written in other numbers.
    pub(crate) fn renumber(&mut self, number: impl Fn(usize) -> usize) {
        for written in self.written.values_mut() {
            written.file = number(written.file);
        }
        self.origins.renumber(number);
    }

    /// A tree that was made of others, in the place of the file that it stands for.
    pub(crate) fn made(of: &SourceFile, root: Value, origins: Origins) -> Self {
        SourceFile {
            root,
            origins,
            ..Self::new(of.name.clone(), of.path.clone(), String::new(), of.format)
        }
    }

    fn new(name: String, path: PathBuf, text: String, format: Format) -> Self {
        SourceFile {
            name,
            path,
            address: None,
            text,
            format,
            root: Value::Null,
            links: HashMap::new(),
            origins: Origins::default(),
            aside: false,
            index: OnceLock::new(),
            written: BTreeMap::new(),
        }
    }
}

/// A value as read, and what is wrong with it without making it unreadable.
struct Tree {
    root: Value,
    faults: Vec<Fault>,
}

/// A fault in the notation, before it is known which file it is in.
#[derive(Debug)]
struct Fault {
    code: &'static str,
    warning: bool,
    pointer: String,
    key: bool,
    offset: Option<usize>,
    message: String,
    help: String,
}

impl Fault {
    /// An error at a byte of the file.
    fn at_byte(
        code: &'static str,
        offset: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Fault {
            code,
            warning: false,
            pointer: String::new(),
            key: false,
            offset: Some(offset),
            message: message.into(),
            help: help.into(),
        }
    }

    /// The same at a byte: what stopped a reader half way needs no search for its pointer.
    fn moved_to(self, offset: usize) -> Self {
        Fault {
            pointer: String::new(),
            offset: Some(offset),
            ..self
        }
    }

    fn report(self, file: usize, found: &mut Findings) {
        let place = Place {
            file,
            pointer: self.pointer,
            key: self.key,
            offset: self.offset,
        };
        if self.warning {
            found.warning(self.code, place, self.message, self.help);
        } else {
            found.error(self.code, place, self.message, self.help);
        }
    }
}

/// A place in file number `file`.
fn at(file: usize, pointer: String, offset: Option<usize>) -> Place {
    Place {
        file,
        pointer,
        key: false,
        offset,
    }
}

/// Byte offset of the start of a line, counted from 1.
fn line_start(text: &str, line: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1));
    before.map(str::len).sum()
}

/// Byte offset of a line (from 1) and a column in characters (from 0).
fn char_offset(text: &str, line: usize, column: usize) -> usize {
    let start = line_start(text, line);
    let rest = text.get(start..).unwrap_or_default();
    let column = rest.char_indices().nth(column);
    start + column.map_or(rest.len(), |(offset, _)| offset)
}

/// The way from a folder to a file, both absolute and without links, as a reference would write it.
pub(crate) fn relative(folder: &Path, file: &Path) -> String {
    let (from, to): (Vec<_>, Vec<_>) = (folder.components().collect(), file.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from.iter().skip(shared).map(|_| "..".into());
    let down = to
        .iter()
        .skip(shared)
        .map(|part| part.as_os_str().to_string_lossy());
    let parts: Vec<std::borrow::Cow<'_, str>> = up.chain(down).collect();
    parts.join("/")
}

/// A path as people want to read it.
fn shown(path: &Path) -> String {
    let relative = std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned))
        .filter(|relative| !relative.as_os_str().is_empty());
    let path = relative.as_deref().unwrap_or(path);
    let name = path.to_string_lossy();
    let name = if std::path::MAIN_SEPARATOR == '/' {
        name.into_owned()
    } else {
        name.replace(std::path::MAIN_SEPARATOR, "/")
    };
    match name.strip_prefix("./") {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => name,
    }
}
