//! A rule cannot exist undocumented, and no row speaks of a rule that is gone.

#![expect(clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

use super::*;

/// The sources of this crate, tests and the table itself left out.
fn sources() -> String {
    fn walk(folder: &Path, into: &mut String) {
        for entry in std::fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() && name != "rules" && name != "tests" {
                walk(&path, into);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).expect("a source file");
                into.push_str(
                    text.split("\n#[cfg(test)]\nmod tests {")
                        .next()
                        .unwrap_or_default(),
                );
            }
        }
    }
    let mut text = String::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut text,
    );
    text
}

#[test]
fn every_code_that_is_reported_has_a_row() {
    let reported = Regex::new(
        r#"(?:\.(?:error|warning|note)\(|\bcode: |\bfault\(|\brefuse\(|\brefused\(|\bat_byte\()\s*"([a-z0-9]+(?:-[a-z0-9]+)*)""#,
    )
    .expect("a pattern");
    let sources = sources();
    let codes: BTreeSet<&str> = reported
        .captures_iter(&sources)
        .filter_map(|captures| captures.get(1))
        .map(|code| code.as_str())
        .collect();
    assert!(codes.len() > 60, "the search finds the reports: {codes:?}");
    let missing: Vec<_> = codes.iter().filter(|code| rule(code).is_none()).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
}

#[test]
fn every_row_has_a_code_that_is_reported() {
    let sources = sources();
    let idle: Vec<_> = RULES
        .iter()
        .filter(|rule| !sources.contains(&format!("\"{}\"", rule.code)))
        .map(|rule| rule.code)
        .collect();
    assert!(idle.is_empty(), "nothing reports {idle:?}");
}

#[test]
fn codes_are_unique_and_rows_are_sentences() {
    let codes: BTreeSet<&str> = RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(codes.len(), RULES.len());
    for rule in RULES {
        for text in [rule.purpose, rule.help] {
            assert!(text.ends_with('.'), "{}: {text}", rule.code);
        }
        assert!(rule.explain().contains(rule.purpose));
    }
    assert_eq!(rule("no-such-code"), None);
}

/// The reference page: every rule, sorted by code.
fn page() -> String {
    let mut text = String::from(
        "# Findings\n\nWhat `gateway-codegen lint` can report. `gateway-codegen explain CODE` prints one of these. This page is made from the rules\nthemselves (`gateway-codegen/src/check/rules/`).\n",
    );
    let mut rules: Vec<&Rule> = RULES.iter().collect();
    rules.sort_by_key(|rule| rule.code);
    for rule in rules {
        let Rule {
            code,
            severity,
            purpose,
            help,
            example,
        } = rule;
        text.push_str(&format!(
            "\n## `{code}`\n\n{} · {purpose}\n\n{help}\n",
            severity.name()
        ));
        if !example.is_empty() {
            text.push_str(&format!("\n```yaml\n{example}\n```\n"));
        }
    }
    text
}

#[test]
fn the_reference_page_has_every_rule_as_it_is() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&file, page()).expect("docs/rules.md can be written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page(),
        "docs/rules.md is stale: UPDATE_EXPECTED=1 cargo test -p gateway-codegen --lib reference_page"
    );
}
