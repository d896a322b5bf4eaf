//! Documents that others wrote: each generates and its crate builds, or is refused as `corpus.tsv` says.
//! `UPDATE_EXPECTED=1 cargo test -p gateway-tests --test corpus` rewrites that table; its diff is worth reading.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;

use gateway_tests::emitted::Workspace;
use gateway_tests::{cases, corpus, tool};

#[test]
fn every_document_builds_or_is_refused_for_a_known_reason() {
    let (Some(plain), Some(aws)) = (corpus::entries("plain"), corpus::entries("aws")) else {
        return;
    };
    let mut table = String::new();
    let mut workspace = Workspace::new("corpus");
    for entry in plain.iter().chain(&aws) {
        // Some refer to files beside their own folder, inside what they were taken from.
        let root = ["--root", entry.source.to_str().unwrap()];
        let outcome = match workspace.add_with(&entry.crate_name(), &entry.path, &root) {
            Ok(()) => "builds".to_owned(),
            Err(said) => format!("refused: {}", codes(&said)),
        };
        table.push_str(&format!("{}\t{}\t{outcome}\n", entry.file, entry.version));
    }
    workspace
        .build_libraries()
        .unwrap_or_else(|error| panic!("crates of the corpus do not build:\n{error}"));
    let difference = cases::compare(&cases::root().join("tests/corpus.tsv"), &table);
    assert!(difference.is_none(), "{}", difference.unwrap_or_default());
}

#[test]
fn faulty_and_hostile_documents_are_refused_or_survived() {
    let Some(invalid) = corpus::entries("invalid") else {
        return;
    };
    let mut table = String::new();
    for entry in invalid {
        let done = tool::run(&cases::root(), &["lint", entry.path.to_str().unwrap()]);
        let said = tool::stderr(&done) + &tool::stdout(&done);
        assert!(
            matches!(done.status.code(), Some(0 | 1)),
            "{}: {said}",
            entry.file
        );
        table.push_str(&format!(
            "{}\texit {}: {}\n",
            entry.file,
            done.status.code().unwrap(),
            codes(&said)
        ));
    }
    let difference = cases::compare(&cases::root().join("tests/corpus-invalid.tsv"), &table);
    assert!(difference.is_none(), "{}", difference.unwrap_or_default());
}

/// The codes of the findings in a report, each once.
fn codes(said: &str) -> String {
    let codes: BTreeSet<&str> = said
        .split(['\n', ' '])
        .filter_map(|word| {
            ["error[", "warning[", "note["]
                .iter()
                .find_map(|severity| word.strip_prefix(severity))
        })
        .filter_map(|word| word.split(']').next())
        .collect();
    assert!(
        !codes.is_empty() || said.is_empty() || !said.contains("error"),
        "an error without a code: {said}"
    );
    codes.into_iter().collect::<Vec<_>>().join(" ")
}
