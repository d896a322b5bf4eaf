//! What earlier runs wrote: the lock, and the journal of a run that did not finish.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{fs, io};

use serde::Deserialize;

use super::{FileTree, TreeError, inspect, read, temporary};
use crate::emit::lock::{self, Lock, LockError};
use crate::emit::text::toml_string;

/// The journal: every digest that a file of ours may have while a run is under way. Written before the first file changes,
/// deleted when the last has.
pub(super) const JOURNAL: &str = ".gateway.lock.pending";

/// Digests by path of what earlier runs wrote.
#[derive(Debug, Default)]
pub(super) struct Known {
    files: BTreeMap<String, BTreeSet<String>>,
    /// Whether a run did not finish.
    pub(super) interrupted: bool,
}

#[derive(Deserialize)]
struct Journal {
    files: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    /// What is known of a folder. It must be absent, empty or ours.
    pub(super) fn of(out: &Path, force: bool) -> Result<Known, TreeError> {
        let mut known = Known::default();
        match fs::metadata(out) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                // A link to nowhere is no absent folder: creating it would write through the link.
                return match fs::symlink_metadata(out) {
                    Ok(_) => Err(TreeError::Link(out.to_owned())),
                    Err(_) => Ok(known),
                };
            }
            Err(e) => return Err(TreeError::io("look at", out, e)),
            Ok(metadata) if !metadata.is_dir() => {
                return Err(TreeError::NotAFolder(out.to_owned()));
            }
            Ok(_) => {}
        }
        let mut ours = false;
        for name in [lock::NAME, JOURNAL] {
            let Some(bytes) = read(out, name)? else {
                continue;
            };
            ours = true;
            let text = String::from_utf8_lossy(&bytes);
            let files = if name == JOURNAL {
                known.interrupted = true;
                journal(&text)
            } else {
                digests(&text)
            };
            match files {
                Ok(files) => known.add(files),
                // A merge conflict inside our lock: what it lists is lost, that it is ours is not.
                Err(LockError::Garbled(_)) if force && text.contains(lock::MARK) => {}
                Err(why) => {
                    let path = out.join(name);
                    return Err(TreeError::Lock { path, why });
                }
            }
        }
        // The first file of a run that was interrupted at once.
        let first = temporary(JOURNAL);
        known.interrupted |= inspect(out, &first)?.is_some();
        if ours {
            return Ok(known);
        }
        for entry in fs::read_dir(out).map_err(|e| TreeError::io("list", out, e))? {
            let entry = entry.map_err(|e| TreeError::io("list", out, e))?;
            if entry.file_name() != first.as_str() {
                return Err(TreeError::Foreign(out.to_owned()));
            }
        }
        Ok(known)
    }

    fn add(&mut self, files: BTreeMap<String, BTreeSet<String>>) {
        for (path, digests) in files {
            self.files.entry(path).or_default().extend(digests);
        }
    }

    /// Every path that was ours.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        self.files.keys()
    }

    /// Whether these bytes are an earlier run's. `Cargo.lock` always is: cargo itself rewrites it.
    pub(super) fn wrote(&self, path: &str, bytes: &[u8]) -> bool {
        matches!(path, lock::NAME | "Cargo.lock")
            || self
                .files
                .get(path)
                .is_some_and(|digests| digests.contains(&lock::digest(bytes)))
    }

    /// The journal of a run that is about to write this tree.
    pub(super) fn journal(mut self, tree: &FileTree) -> String {
        for (path, bytes) in tree.iter() {
            let digests = self.files.entry(path.to_owned()).or_default();
            digests.insert(lock::digest(bytes));
        }
        let mut text = format!(
            "# A run of gateway-codegen is under way, or was interrupted: run it again.\n{}\n\n[files]\n",
            lock::MARK
        );
        for (path, digests) in &self.files {
            let digests: Vec<String> = digests.iter().map(|d| toml_string(d)).collect();
            let _ = writeln!(text, "{} = [{}]", toml_string(path), digests.join(", "));
        }
        text
    }
}

fn digests(text: &str) -> Result<BTreeMap<String, BTreeSet<String>>, LockError> {
    let files = Lock::parse(text)?.files;
    let sets = files
        .into_iter()
        .map(|(path, d)| (path, BTreeSet::from([d])));
    Ok(sets.collect())
}

fn journal(text: &str) -> Result<BTreeMap<String, BTreeSet<String>>, LockError> {
    let journal: Journal =
        toml::from_str(text).map_err(|e| LockError::Garbled(e.message().to_owned()))?;
    match journal.files.keys().find(|path| !lock::is_inside(path)) {
        Some(path) => Err(LockError::Escapes(path.clone())),
        None => Ok(journal.files),
    }
}
