//! The digest of a document: what it says, whatever it looks like.
//!
//! Comments, the order of keys, YAML or JSON and the folder it lies in make no difference, so nothing that makes no
//! difference to a gateway makes a committed crate stale.

use std::path::Path;

use serde_json::Value;

use crate::emit::lock;
use crate::load::{Document, SourceFile, relative};

/// SHA-256 over the canonical JSON of all files, each with its path as seen from the entry document's folder, or the
/// address it was fetched from.
pub fn of(document: &Document) -> String {
    let folder = document.files.first().and_then(|entry| entry.path.parent());
    let mut files: Vec<(String, String)> = document
        .files
        .iter()
        .enumerate()
        // What a template was made of has no value of its own any more.
        .filter(|(number, file)| !file.aside && (*number == 0 || !file.root.is_null()))
        .map(|(_, file)| {
            let mut text = String::new();
            canonical(&file.root, &mut text);
            (name_of(folder, file), text)
        })
        .collect();
    // The entry document is named by nobody, so its name says nothing.
    if let Some((name, _)) = files.first_mut() {
        name.clear();
    }
    files.sort();
    let mut whole = String::new();
    for (name, text) in files {
        string(&name, &mut whole);
        whole.push_str(&text);
    }
    lock::digest(whole)
}

fn name_of(folder: Option<&Path>, file: &SourceFile) -> String {
    match (&file.address, folder) {
        (Some(address), _) => address.clone(),
        (None, Some(folder)) => relative(folder, &file.path),
        (None, None) => String::new(),
    }
}

/// JSON without blanks, members sorted by name. Documents are at most 128 levels deep.
pub(crate) fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (index, (name, value)) in members.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                string(name, out);
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Value::String(text) => string(text, out),
        other => out.push_str(&other.to_string()),
    }
}

fn string(text: &str, out: &mut String) {
    out.push_str(&Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test without its input should stop")]

    use super::*;
    use crate::findings::Findings;
    use crate::load;

    fn digest(name: &str, text: &str) -> String {
        of(&load::text(name, text, &mut Findings::default()).unwrap())
    }

    #[test]
    fn only_what_is_said_counts() {
        let one = digest("a.yaml", "a: 1 # one\nb: [x, {d: 2, c: '3'}]\n");
        assert_eq!(
            one,
            digest("b.json", r#"{"b":["x",{"c":"3","d":2}],"a":1}"#)
        );
        for other in [
            "a: 1\nb: [x, {d: 2, c: 3}]",
            "a: 1\nb: [{d: 2, c: '3'}, x]",
            "a: 1",
            "",
        ] {
            assert_ne!(one, digest("a.yaml", other), "{other}");
        }
    }
}
