//! Case folders.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests stand inside the checkout")
        .to_owned()
}

/// Every folder directly below `tests/<group>` that holds `marker`, sorted by name; those named by `CASES=a,b` alone, if it is set.
pub fn folders(group: &str, marker: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(root().join("tests").join(group))
        .unwrap_or_else(|error| panic!("tests/{group}: {error}"))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join(marker).is_file())
        .collect();
    if let Some(only) = for_people("CASES") {
        found.retain(|folder| only.split(',').any(|wanted| wanted == name(folder)));
    }
    found.sort();
    assert!(
        !found.is_empty(),
        "no case below tests/{group}: a test without cases cannot fail"
    );
    found
}

/// The name of a case: its folder's.
pub fn name(folder: &Path) -> &str {
    folder
        .file_name()
        .and_then(|name| name.to_str())
        .expect("case folders have plain names")
}

/// Whether expectations are rewritten instead of compared (`UPDATE_EXPECTED=1`). Never in CI.
pub fn updating() -> bool {
    for_people("UPDATE_EXPECTED").is_some_and(|value| value == "1")
}

/// A variable that would let a test pass that should not.
fn for_people(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    assert!(
        value.is_none() || std::env::var_os("CI").is_none(),
        "{name} is for people, not for CI"
    );
    value
}

/// Compares a text with the file that expects it, or rewrites that file. Returns the difference, if there is one.
pub fn compare(file: &Path, actual: &str) -> Option<String> {
    let expected = fs::read_to_string(file).unwrap_or_default();
    if expected == actual {
        return None;
    }
    if updating() {
        fs::write(file, actual).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        return None;
    }
    let diff = similar::TextDiff::from_lines(expected.as_str(), actual);
    Some(
        diff.unified_diff()
            .header(&file.display().to_string(), "what came")
            .to_string(),
    )
}

/// An empty folder for this test run, below the target folder.
pub fn scratch(name: &str) -> PathBuf {
    let path = crate::tool::target().join("tests").join(name);
    if path.exists() {
        fs::remove_dir_all(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    fs::create_dir_all(&path).unwrap();
    path
}
