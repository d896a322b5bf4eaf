//! Notices that files were saved, by looking at them now and then: works on every file system, with every editor, and
//! needs no library. A save is reported once the files have looked the same twice, so that half-written ones are not read.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What some files look like; a missing one looks like nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Look(BTreeMap<PathBuf, Option<(SystemTime, u64)>>);

impl Look {
    /// What these files look like now.
    pub(super) fn at<'p>(files: impl IntoIterator<Item = &'p Path>) -> Look {
        let look = |file: &Path| {
            let seen = std::fs::metadata(file).ok();
            (file.to_owned(), seen.as_ref().and_then(appearance))
        };
        Look(files.into_iter().map(look).collect())
    }

    fn again(&self) -> Look {
        Look::at(self.0.keys().map(PathBuf::as_path))
    }

    /// This look with everything that `earlier` knows as it looked then: what was saved since is a change.
    fn with(mut self, earlier: &Look) -> Look {
        for (file, look) in &mut self.0 {
            if let Some(before) = earlier.0.get(file) {
                *look = *before;
            }
        }
        self
    }
}

fn appearance(file: &Metadata) -> Option<(SystemTime, u64)> {
    // A folder changes when files in it come and go; its size says nothing.
    let size = if file.is_dir() { 0 } else { file.len() };
    Some((file.modified().ok()?, size))
}

/// Watches some files.
#[derive(Debug)]
pub(super) struct Watch {
    /// What they looked like when they were read.
    read: Look,
    /// What they looked like last time.
    last: Look,
}

impl Watch {
    /// Watches files that looked like this when they were read.
    pub(super) fn new(read: Look) -> Watch {
        Watch {
            last: read.clone(),
            read,
        }
    }

    /// Whether they were saved since they were read, and are no longer being written. To be asked now and then.
    pub(super) fn saved(&mut self) -> bool {
        let now = self.read.again();
        let settled = now == self.last;
        self.last = now;
        settled && self.last != self.read
    }

    /// What they looked like when last asked.
    pub(super) fn last(&self) -> &Look {
        &self.last
    }

    /// Watches these files from now on. They have just been read, so what was seen before that counts as read.
    pub(super) fn turn_to<'p>(&mut self, files: impl IntoIterator<Item = &'p Path>) {
        *self = Watch::new(Look::at(files).with(self.last()));
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test without its files should stop")]

    use super::*;

    #[test]
    fn a_save_is_reported_once_it_is_whole() {
        let folder =
            std::env::temp_dir().join(format!("gateway-codegen-watch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (a, b) = (folder.join("a"), folder.join("b"));
        std::fs::write(&a, "1").unwrap();
        let mut watch = Watch::new(Look::at([a.as_path(), b.as_path()]));
        assert!(!watch.saved() && !watch.saved(), "nothing happened");

        std::fs::write(&a, "12").unwrap();
        assert!(!watch.saved(), "may still be written to");
        std::fs::write(&a, "123").unwrap();
        assert!(!watch.saved(), "was still written to");
        assert!(watch.saved(), "has settled");

        std::fs::write(&a, "1234").unwrap(); // while it is being read
        watch.turn_to([a.as_path(), b.as_path()]);
        assert!(!watch.saved());
        assert!(watch.saved(), "what was saved during reading is not lost");
        watch.turn_to([a.as_path(), b.as_path()]);
        assert!(!watch.saved() && !watch.saved());

        std::fs::write(&b, "").unwrap();
        assert!(!watch.saved());
        assert!(watch.saved(), "a missing file came");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
