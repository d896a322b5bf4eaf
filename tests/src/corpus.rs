//! Documents that others wrote, where they stand beside the checkout.

use std::fs;
use std::path::PathBuf;

use crate::cases;

/// One document of the corpus.
pub struct Entry {
    /// Name in the manifest.
    pub file: String,
    /// Where it is.
    pub path: PathBuf,
    /// Folder of everything that was taken from the same repository.
    pub source: PathBuf,
    /// OpenAPI version as the manifest has it; `fragment`: a file that others refer to.
    pub version: String,
}

impl Entry {
    /// A name for the crate made of it.
    pub fn crate_name(&self) -> String {
        let letters = self
            .file
            .rsplit_once('.')
            .map_or(self.file.as_str(), |(name, _)| name)
            .to_ascii_lowercase();
        let name: String = letters
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let tail: String = name
            .chars()
            .rev()
            .take(40)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        // Long names are told apart by what was cut off.
        let sum = self.file.bytes().fold(0u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        format!("corpus-{sum:08x}-{}", tail.trim_matches('-'))
    }
}

/// The documents below one folder of the corpus. Where the corpus is absent this says so, loudly, and returns `None`.
pub fn entries(folder: &str) -> Option<Vec<Entry>> {
    let corpus = cases::root().parent()?.join("shared").join("corpus");
    let Ok(manifest) = fs::read_to_string(corpus.join("MANIFEST.tsv")) else {
        eprintln!(
            "SKIPPED: no corpus at {}: nothing was tested on documents of others",
            corpus.display()
        );
        return None;
    };
    let entries: Vec<Entry> = manifest
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .filter(|columns| columns[0].split('/').next() == Some(folder))
        .map(|columns| Entry {
            file: columns[0].to_owned(),
            path: corpus.join(columns[0]),
            source: corpus.join(columns[0].split('/').take(2).collect::<PathBuf>()),
            version: columns[5].to_owned(),
        })
        .collect();
    assert!(!entries.is_empty(), "the corpus has no folder {folder}");
    Some(entries)
}
