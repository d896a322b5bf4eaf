//! A tree of files, and the only code that writes.
//!
//! Invariants. Nothing outside the output folder is touched and no link below it is followed. The folder must be absent,
//! empty or ours (`gateway.lock`). A file is rewritten only if its bytes change, so cargo rebuilds nothing for nothing;
//! deleted only if the old lock lists it; and neither if someone edited it, unless told. Files are replaced one by one
//! (temporary beside it, then rename), the lock last.
//!
//! A run that was interrupted is finished by the next one and never called an edit: before the first file changes, the
//! digests of what is about to be written go into a journal beside the lock. The last step deletes it.
//!
//! `Cargo.lock` is never called edited: cargo itself rewrites it.
//!
//! Absent on purpose: merging. What people write lives outside the folder.

mod diff;
mod error;
mod known;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::emit::lock;
use known::{JOURNAL, Known};

pub use diff::{Change, ChangeKind};
pub use error::TreeError;

/// Files by their path: relative, `/`-separated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileTree {
    files: BTreeMap<String, Vec<u8>>,
}

/// How a folder compares to a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Every file is as it should be.
    Fresh,
    /// These files are to be written or deleted.
    Stale(Vec<Change>),
    /// Some files were edited by hand.
    Edited {
        /// Which.
        edited: Vec<String>,
        /// All that would be written or deleted, these among it.
        changes: Vec<Change>,
    },
}

/// What [`FileTree::write`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that were written, the lock included.
    pub written: Vec<String>,
    /// Files that were deleted.
    pub deleted: Vec<String>,
    /// Files that were as they should be.
    pub unchanged: usize,
}

impl FileTree {
    /// Puts a file into the tree; one of the same path is replaced.
    pub fn insert(&mut self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(path.to_owned(), bytes.into());
    }

    /// A file's bytes.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// Every file by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice()))
    }

    /// How the folder compares to this tree. Writes nothing.
    pub fn diff(&self, out: &Path) -> Result<State, TreeError> {
        let survey = self.survey(out, false)?;
        Ok(if !survey.edited.is_empty() {
            State::Edited {
                edited: survey.edited,
                changes: survey.changes,
            }
        } else if survey.changes.is_empty() {
            State::Fresh
        } else {
            State::Stale(survey.changes)
        })
    }

    /// Makes the folder equal to this tree. With `force`, files that were edited by hand are overwritten and a lock that
    /// a merge garbled is replaced; a folder that is not ours is refused all the same.
    pub fn write(&self, out: &Path, force: bool) -> Result<Written, TreeError> {
        self.check()?;
        let survey = self.survey(out, force)?;
        if !survey.edited.is_empty() && !force {
            return Err(TreeError::Edited(survey.edited));
        }
        let mut done = Written {
            unchanged: self.files.len(),
            ..Written::default()
        };
        self.remove_leftovers(out, &survey.known)?;
        if survey.changes.is_empty() {
            remove(out, JOURNAL)?;
            return Ok(done);
        }
        create_folder(out)?;
        replace(out, JOURNAL, survey.known.journal(self).as_bytes())?;
        let (lock, others): (Vec<Change>, Vec<Change>) = survey
            .changes
            .into_iter()
            .partition(|change| change.path == lock::NAME);
        for change in others.into_iter().chain(lock) {
            match change.new {
                Some(bytes) => {
                    replace(out, &change.path, &bytes)?;
                    done.unchanged -= 1;
                    done.written.push(change.path);
                }
                None => {
                    remove(out, &change.path)?;
                    remove_empty_folders(out, &change.path);
                    done.deleted.push(change.path);
                }
            }
        }
        remove(out, JOURNAL)?;
        Ok(done)
    }

    /// Temporaries of a run that did not finish.
    fn remove_leftovers(&self, out: &Path, known: &Known) -> Result<(), TreeError> {
        if !known.interrupted {
            return Ok(());
        }
        let paths = self.files.keys().chain(known.paths());
        for path in paths.map(String::as_str).chain([JOURNAL]) {
            remove(out, &temporary(path))?;
        }
        Ok(())
    }

    /// What must hold of a tree whatever made it, looked at once more before anything is written.
    fn check(&self) -> Result<(), TreeError> {
        if let Some(path) = self.files.keys().find(|path| !lock::is_inside(path)) {
            return Err(TreeError::Outside(path.clone()));
        }
        for (path, bytes) in self.iter().filter(|(path, _)| path.ends_with("Cargo.toml")) {
            let text = String::from_utf8_lossy(bytes);
            toml::from_str::<toml::Table>(&text).map_err(|e| TreeError::Manifest {
                path: path.to_owned(),
                why: e.message().to_owned(),
            })?;
        }
        Ok(())
    }

    /// Compares, and writes nothing.
    fn survey(&self, out: &Path, force: bool) -> Result<Survey, TreeError> {
        let known = Known::of(out, force)?;
        let paths: BTreeSet<String> = self.files.keys().chain(known.paths()).cloned().collect();
        let mut survey = Survey {
            known,
            changes: Vec::new(),
            edited: Vec::new(),
        };
        for path in &paths {
            let want = self.files.get(path);
            let have = read(out, path)?;
            let kind = match (&have, want) {
                (None, None) => continue,
                (None, Some(_)) => ChangeKind::Added,
                (Some(have), Some(want)) if have == want => continue,
                (Some(_), Some(_)) => ChangeKind::Changed,
                (Some(_), None) => ChangeKind::Removed,
            };
            if let Some(have) = &have
                && !survey.known.wrote(path, have)
            {
                survey.edited.push(path.clone());
            }
            survey.changes.push(Change {
                path: path.clone(),
                kind,
                old: have,
                new: want.cloned(),
            });
        }
        Ok(survey)
    }
}

/// A folder beside a tree.
struct Survey {
    known: Known,
    changes: Vec<Change>,
    edited: Vec<String>,
}

/// The bytes of a file below the folder; `None`: there is none. Links are refused on the whole way.
fn read(out: &Path, path: &str) -> Result<Option<Vec<u8>>, TreeError> {
    let Some(file) = inspect(out, path)? else {
        return Ok(None);
    };
    let bytes = fs::read(&file).map_err(|e| TreeError::io("read", &file, e))?;
    Ok(Some(bytes))
}

/// Where a regular file of this path is; `None`: nowhere.
fn inspect(out: &Path, path: &str) -> Result<Option<PathBuf>, TreeError> {
    let mut place = out.to_owned();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        place.push(part);
        let metadata = match fs::symlink_metadata(&place) {
            Ok(metadata) => metadata,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(TreeError::io("look at", &place, e)),
        };
        let fits = if parts.peek().is_some() {
            metadata.is_dir()
        } else {
            metadata.is_file()
        };
        if metadata.is_symlink() {
            return Err(TreeError::Link(place));
        }
        if !fits {
            return Err(TreeError::InTheWay(place));
        }
    }
    Ok(Some(place))
}

/// Writes a temporary sibling and renames it over the file.
fn replace(out: &Path, path: &str, bytes: &[u8]) -> Result<(), TreeError> {
    inspect(out, path)?;
    let file = out.join(path);
    if let Some(parent) = file.parent() {
        create_folder(parent)?;
    }
    let temporary = out.join(temporary(path));
    // A new file: an existing one, a link above all, is an error.
    let written = fs::File::create_new(&temporary)
        .and_then(|mut created| created.write_all(bytes))
        .and_then(|()| fs::rename(&temporary, &file));
    written.map_err(|e| {
        // Best effort; the next run removes it as well.
        if e.kind() != io::ErrorKind::AlreadyExists {
            let _ = fs::remove_file(&temporary);
        }
        TreeError::io("write", &file, e)
    })
}

/// `src/.lib.rs.gateway-tmp` for `src/lib.rs`.
fn temporary(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/.{name}.gateway-tmp"),
        None => format!(".{path}.gateway-tmp"),
    }
}

fn create_folder(folder: &Path) -> Result<(), TreeError> {
    fs::create_dir_all(folder).map_err(|e| TreeError::io("create", folder, e))
}

/// Deletes a file if it is there.
fn remove(out: &Path, path: &str) -> Result<(), TreeError> {
    match inspect(out, path)? {
        Some(file) => fs::remove_file(&file).map_err(|e| TreeError::io("delete", &file, e)),
        None => Ok(()),
    }
}

/// Folders that a deleted file left empty. One that is not empty stays, which is what the error says.
fn remove_empty_folders(out: &Path, path: &str) {
    let mut folder = Path::new(path).parent();
    while let Some(name) = folder.filter(|name| !name.as_os_str().is_empty()) {
        if fs::remove_dir(out.join(name)).is_err() {
            return;
        }
        folder = name.parent();
    }
}
