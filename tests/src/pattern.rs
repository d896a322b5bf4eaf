//! Texts with parts that differ from run to run.

use regex::Regex;

/// What a part may be, by its name.
const PARTS: &[(&str, &str)] = &[
    (
        "{uuid}",
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    ),
    (
        "{time}",
        r"[0-3][0-9]/[A-Z][a-z]{2}/20[0-9]{2}:[0-2][0-9]:[0-5][0-9]:[0-6][0-9] \+0000",
    ),
    ("{number}", "[0-9]+"),
    ("{port}", "[1-9][0-9]{0,4}"),
    ("{any}", ".*"),
];

/// Whether a text is what is expected, `{uuid}`, `{time}`, `{number}`, `{port}` and `{any}` standing for any of their kind.
pub fn fits(expected: &str, text: &str) -> bool {
    if !PARTS.iter().any(|(name, _)| expected.contains(name)) {
        return expected == text;
    }
    let mut pattern = regex::escape(expected);
    for (name, part) in PARTS {
        pattern = pattern.replace(&regex::escape(name), part);
    }
    Regex::new(&format!("^(?s:{pattern})$"))
        .unwrap_or_else(|error| panic!("{expected}: {error}"))
        .is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_for_their_kind_only() {
        let id = "0b0c7a3e-0000-4000-8000-00000000abcd";
        for (expected, text, is) in [
            ("a.b", "a.b", true),
            ("a.b", "axb", false),
            ("{\"id\":\"{uuid}\"}", &format!("{{\"id\":\"{id}\"}}"), true),
            ("{uuid}", "0b0c7a3e-0000-1000-8000-00000000abcd", false),
            ("{number} ms", "12 ms", true),
            ("{number} ms", "-12 ms", false),
            ("{number}", "1\n", false),
            ("{time}", "23/Nov/2026:02:34:41 +0000", true),
        ] {
            assert_eq!(fits(expected, text), is, "{expected} / {text}");
        }
    }
}
