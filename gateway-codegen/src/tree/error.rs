//! Why a tree was not written. Each message says what to do.

use std::path::{Path, PathBuf};
use std::{error, fmt, io};

use crate::emit::lock::LockError;

/// Why a tree was not written, or not compared.
#[derive(Debug)]
pub enum TreeError {
    /// The system refused.
    Io {
        /// What was tried: `read`, `write`, …
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder holds files and carries no mark of ours.
    Foreign(PathBuf),
    /// The output is a file.
    NotAFolder(PathBuf),
    /// A link stands where a file or a folder of ours belongs.
    Link(PathBuf),
    /// A folder stands where a file of ours belongs, or the other way round.
    InTheWay(PathBuf),
    /// `gateway.lock` is not one.
    Lock {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: LockError,
    },
    /// These files were edited by hand.
    Edited(Vec<String>),
    /// A path of the tree leads out of the folder. A mistake of the generator.
    Outside(String),
    /// A manifest of the tree is not TOML. A mistake of the generator.
    Manifest {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

impl TreeError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> TreeError {
        TreeError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TreeError::Io {
                action,
                path,
                source,
            } => write!(f, "cannot {action} `{}`: {source}", path.display()),
            TreeError::Foreign(path) => write!(
                f,
                "`{}` holds files and no `gateway.lock`, so it is not the generator's to write to: choose a folder that is absent or empty",
                path.display()
            ),
            TreeError::NotAFolder(path) => {
                write!(f, "`{}` is not a folder: choose another", path.display())
            }
            TreeError::Link(path) => write!(
                f,
                "`{}` is a symbolic link, and none is followed: remove it, or choose another folder",
                path.display()
            ),
            TreeError::InTheWay(path) => write!(
                f,
                "`{}` stands in the way of a generated file or folder: move it elsewhere",
                path.display()
            ),
            TreeError::Lock { path, why } => write!(
                f,
                "`{}` is no lock of the generator: {why}; restore it, or use --force after a merge conflict, or choose another folder",
                path.display()
            ),
            TreeError::Edited(files) => write!(
                f,
                "edited by hand: {}; move the change into the document, or use --force to overwrite",
                files.join(", ")
            ),
            TreeError::Outside(path) => write!(
                f,
                "the generated path `{path}` leads out of the folder: please report this, with the document"
            ),
            TreeError::Manifest { path, why } => write!(
                f,
                "the generated `{path}` is not TOML ({why}): please report this, with the document"
            ),
        }
    }
}

impl error::Error for TreeError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            TreeError::Io { source, .. } => Some(source),
            TreeError::Lock { why, .. } => Some(why),
            _ => None,
        }
    }
}
