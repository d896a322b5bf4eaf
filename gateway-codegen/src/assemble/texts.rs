//! Which texts get a file of their own.
//!
//! Examples do, and mapping bodies that are long or have lines: there a change is a text diff. A text whose bytes a file in
//! a repository might not keep (carriage returns, control and direction characters) stays in the tables, as does a short one.

use std::collections::BTreeMap;

use gateway_runtime::def::{Text, inline, text};

use super::leak::Strings;
use crate::names::Names;

/// Longest body that stands in its table's row, in bytes.
const LONGEST_INLINE: usize = 80;

#[derive(Default)]
pub(super) struct Texts {
    strings: Strings,
    mappings: Folder,
    examples: Folder,
}

#[derive(Default)]
struct Folder {
    names: Names,
    /// By extension and content: the same text on two stages is one file.
    files: BTreeMap<(&'static str, String), Text>,
}

impl Texts {
    /// The body of a mapping.
    pub(super) fn mapping(&mut self, name: &str, media_type: &str, body: &str) -> Text {
        if body.len() <= LONGEST_INLINE && !body.contains('\n') {
            return inline(self.strings.keep(body));
        }
        file(
            &mut self.strings,
            &mut self.mappings,
            "mapping",
            name,
            media_type,
            body,
        )
    }

    /// The body of an example.
    pub(super) fn example(&mut self, name: &str, media_type: &str, body: &str) -> Text {
        file(
            &mut self.strings,
            &mut self.examples,
            "examples",
            name,
            media_type,
            body,
        )
    }
}

fn file(
    strings: &mut Strings,
    folder: &mut Folder,
    path: &str,
    name: &str,
    media_type: &str,
    body: &str,
) -> Text {
    if !plain(body) {
        return inline(strings.keep(body));
    }
    let extension = extension(media_type);
    let key = (extension, body.to_owned());
    if let Some(known) = folder.files.get(&key) {
        return *known;
    }
    let name = folder.names.claim(name);
    let file = strings.keep(&format!("{path}/{name}.{extension}"));
    let def = text(file, strings.keep(body));
    folder.files.insert(key, def);
    def
}

/// Whether a file keeps the text as it is, whoever checks it out and opens it.
fn plain(body: &str) -> bool {
    !body.is_empty()
        && !body.starts_with('\u{feff}')
        && body
            .chars()
            .all(|c| matches!(c, '\n' | '\t') || !crate::emit::text::is_invisible(c))
}

fn extension(media_type: &str) -> &'static str {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let subtype = essence.rsplit(['/', '+']).next().unwrap_or_default();
    if subtype.eq_ignore_ascii_case("json") {
        "json"
    } else if subtype.eq_ignore_ascii_case("xml") {
        "xml"
    } else if subtype.eq_ignore_ascii_case("html") {
        "html"
    } else {
        "txt"
    }
}
