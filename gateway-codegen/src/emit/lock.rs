//! `gateway.lock`: what a crate was made from and by, a digest of every file, and the mark that the folder is ours.
//!
//! Versions stand here and nowhere else in the crate, so a new generator that emits the same code changes one file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use gateway_runtime::def::LAYOUT;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::text::toml_string;
use super::{EmitOptions, Workspace, vendor};
use crate::tree::FileTree;

/// Name of the file.
pub const NAME: &str = "gateway.lock";

/// The ownership mark.
const OWNER: &str = "gateway-codegen";

/// The line that carries it, by which a lock that a merge garbled is still known as ours.
pub const MARK: &str = "owner = \"gateway-codegen\"";

/// What a `gateway.lock` says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Lock {
    owner: String,
    /// Version of the generator.
    pub generator: String,
    /// Version of the runtime.
    pub runtime: String,
    /// Shape of the tables.
    pub layout: u32,
    /// Digest of the resolved document.
    pub document: String,
    /// What the caller decided.
    pub options: Options,
    /// Digest of every file but this one, by path.
    pub files: BTreeMap<String, String>,
}

/// What the caller decided, as `generate` takes it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Options {
    /// `--runtime`.
    pub runtime: String,
    /// `--workspace`.
    pub workspace: String,
    /// `--with`.
    pub with: Vec<String>,
    /// `--only-stage`.
    pub only_stages: Vec<String>,
    /// What of which documents, where that was said: as `--overlay`, `--prefix`, `--include` and `--exclude` take it.
    #[serde(default)]
    pub documents: Vec<String>,
}

/// Why a text is no lock of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockError {
    /// Not TOML, or not of this shape.
    Garbled(String),
    /// Without our mark.
    Foreign,
    /// It lists a path that leads out of the folder.
    Escapes(String),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Garbled(why) => write!(f, "it cannot be read: {why}"),
            LockError::Foreign => write!(f, "it does not carry the mark `owner = \"{OWNER}\"`"),
            LockError::Escapes(path) => {
                write!(f, "it lists `{path}`, which leads out of the folder")
            }
        }
    }
}

impl std::error::Error for LockError {}

impl Lock {
    /// Reads a lock. Its paths can be joined to the folder: none is absolute or climbs.
    pub fn parse(text: &str) -> Result<Lock, LockError> {
        let lock: Lock =
            toml::from_str(text).map_err(|e| LockError::Garbled(e.message().to_owned()))?;
        if lock.owner != OWNER {
            return Err(LockError::Foreign);
        }
        match lock.files.keys().find(|path| !is_inside(path)) {
            Some(path) => Err(LockError::Escapes(path.clone())),
            None => Ok(lock),
        }
    }
}

/// Whether a path is plain, relative and stays below the folder it is joined to, on every system.
pub fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && path
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':', '\0']))
}

/// Digest of a text or a file: `sha256:` and 64 hexadecimal digits.
pub fn digest(bytes: impl AsRef<[u8]>) -> String {
    let mut text = String::from("sha256:");
    for byte in Sha256::digest(bytes.as_ref()) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

pub(super) fn file(options: &EmitOptions, document: &str, tree: &FileTree) -> String {
    let workspace = match options.workspace {
        Workspace::Own => "own",
        Workspace::Member => "member",
    };
    let with: &[&str] = if options.with_mock { &["mock"] } else { &[] };
    let stages: BTreeSet<&str> = options.only_stages.iter().map(String::as_str).collect();
    let stages: Vec<&str> = stages.into_iter().collect();

    let mut text = String::from(
        "# Written by gateway-codegen. It marks this folder as the generator's to rewrite; commit it with the rest.\n\n",
    );
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name} = {value}");
    };
    line("owner", &toml_string(OWNER));
    line("generator", &toml_string(env!("CARGO_PKG_VERSION")));
    line("runtime", &toml_string(&vendor::facts().version));
    line("layout", &LAYOUT.to_string());
    line("document", &toml_string(document));
    text.push_str("\n[options]\n");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "{name} = {value}");
    };
    line("runtime", &toml_string(&options.runtime.to_string()));
    line("workspace", &toml_string(workspace));
    line("with", &list(with));
    line("only-stages", &list(&stages));
    if !options.composition.is_empty() {
        let said: Vec<&str> = options.composition.iter().map(String::as_str).collect();
        line("documents", &list(&said));
    }
    text.push_str("\n[files]\n");
    for (path, bytes) in tree.iter() {
        let _ = writeln!(
            text,
            "{} = {}",
            toml_string(path),
            toml_string(&digest(bytes))
        );
    }
    text
}

fn list(texts: &[&str]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| toml_string(text)).collect();
    format!("[{}]", quoted.join(", "))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::emit::Runtime;

    fn options() -> EmitOptions {
        EmitOptions {
            runtime: Runtime::Path("../\"x\"".to_owned()),
            workspace: Workspace::Member,
            with_mock: true,
            only_stages: vec!["prod".to_owned(), "beta".to_owned(), "prod".to_owned()],
            composition: vec!["--prefix b.yaml=/b".to_owned()],
        }
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let mut tree = FileTree::default();
        tree.insert("src/lib.rs", "x");
        let lock = Lock::parse(&file(&options(), "sha256:d", &tree)).unwrap();
        assert_eq!(lock.document, "sha256:d");
        assert_eq!(lock.layout, LAYOUT);
        assert_eq!(lock.options.runtime, "path=../\"x\"");
        assert_eq!(lock.options.workspace, "member");
        assert_eq!(lock.options.with, ["mock"]);
        assert_eq!(lock.options.only_stages, ["beta", "prod"]);
        assert_eq!(lock.options.documents, ["--prefix b.yaml=/b"]);
        assert_eq!(
            lock.files["src/lib.rs"],
            "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
        );
    }

    #[test]
    fn a_lock_that_is_not_ours_is_none() {
        let text = file(&options(), "d", &FileTree::default());
        let check = |text: &str, expected: LockError| assert_eq!(Lock::parse(text), Err(expected));
        check(
            &text.replace("\"gateway-codegen\"", "\"other\""),
            LockError::Foreign,
        );
        for path in ["/etc/passwd", "../x", "a/../../x", "a//b", "c:/x", "a\\\\b"] {
            let listed = format!("{text}\"{path}\" = \"d\"\n");
            check(&listed, LockError::Escapes(path.replace("\\\\", "\\")));
        }
        for garbled in ["", "owner = 1", "<<<<<<< ours\n"] {
            assert!(matches!(Lock::parse(garbled), Err(LockError::Garbled(_))));
        }
    }
}
