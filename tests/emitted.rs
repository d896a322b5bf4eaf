//! What every emitted crate is, whatever its document says: it compiles without a warning, it holds data and no behaviour, and
//! its manifest lets nothing else in. Every case of `cases/` that generates, and every document of `specs/`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use gateway_tests::cases;
use gateway_tests::emitted::Workspace;
use serde_json::Value;

/// The crates that cases expect; `golden` holds that they are what is generated.
fn expected() -> Vec<PathBuf> {
    cases::folders("cases", "expected/Cargo.toml")
        .into_iter()
        .map(|case| case.join("expected"))
        .collect()
}

#[test]
fn every_emitted_crate_compiles_without_a_warning() {
    let mut documents: Vec<(String, PathBuf)> = cases::folders("cases", "expected/Cargo.toml")
        .into_iter()
        .map(|case| (cases::name(&case).to_owned(), case.join("spec.yaml")))
        .collect();
    for name in ["bookstore", "bookstore-aws", "petstore-minimal"] {
        let spec = cases::root().join("specs").join(format!("{name}.yaml"));
        documents.push((name.to_owned(), spec));
    }
    let mut workspace = Workspace::new("emitted");
    for (name, spec) in &documents {
        workspace
            .add(&format!("emitted-{name}"), spec)
            .unwrap_or_else(|said| panic!("{name}: {said}"));
    }
    workspace.clippy().unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn emitted_crates_hold_data_and_no_behaviour() {
    let mut faults = Vec::new();
    for folder in expected() {
        for file in sources(&folder.join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            let shown = file
                .strip_prefix(cases::root())
                .unwrap()
                .display()
                .to_string();
            for word in code_words(&text) {
                if [
                    "async",
                    "unsafe",
                    "impl",
                    "trait",
                    "macro_rules",
                    "extern",
                    "loop",
                    "match",
                    "await",
                ]
                .contains(&word.as_str())
                {
                    faults.push(format!("{shown}: `{word}`"));
                }
            }
            for line in text.lines().filter(|line| line.starts_with("use ")) {
                let door = line == "use gateway_runtime::codegen::*;";
                let own = line.starts_with("use crate::") || line.ends_with("::gateway;");
                if !door && !own {
                    faults.push(format!("{shown}: {line}"));
                }
            }
        }
        let main = fs::read_to_string(folder.join("src/main.rs")).unwrap();
        if main.lines().count() >= 20 {
            faults.push(format!("{}: a long main", folder.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn manifests_let_nothing_else_in() {
    for folder in expected() {
        let text = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let manifest: Value = toml::from_str(&text).unwrap();
        let at = folder.display();
        let members: Vec<&String> = manifest.as_object().unwrap().keys().collect();
        for member in members {
            assert!(
                ["package", "lib", "dependencies", "workspace", "profile"]
                    .contains(&member.as_str()),
                "{at}: [{member}]"
            );
        }
        let package = &manifest["package"];
        let name = package["name"].as_str().unwrap();
        assert!(
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.len() <= 64
                && name.bytes().all(|b| b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || b == b'-'
                    || b == b'_'),
            "{at}: {name}"
        );
        assert_eq!(package["build"], false, "{at}");
        assert!(!folder.join("build.rs").exists(), "{at}");
        let dependencies: Vec<&String> = manifest["dependencies"]
            .as_object()
            .unwrap()
            .keys()
            .collect();
        assert_eq!(dependencies, ["gateway-runtime"], "{at}");
        assert_eq!(manifest["profile"]["release"]["panic"], "unwind", "{at}");
    }
}

#[test]
fn no_crate_of_this_workspace_has_unsafe_code() {
    let root: Value =
        toml::from_str(&fs::read_to_string(cases::root().join("Cargo.toml")).unwrap()).unwrap();
    assert_eq!(root["workspace"]["lints"]["rust"]["unsafe_code"], "forbid");
    let members = root["workspace"]["members"].as_array().unwrap();
    assert!(members.len() >= 3);
    for member in members {
        let file = cases::root()
            .join(member.as_str().unwrap())
            .join("Cargo.toml");
        let manifest: Value = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(manifest["lints"]["workspace"], true, "{}", file.display());
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The words of a source that are neither in a comment nor in a text, by what a Rust parser takes for them.
fn code_words(text: &str) -> Vec<String> {
    let tokens: proc_macro2::TokenStream = text.parse().expect("emitted files are Rust");
    let mut words = Vec::new();
    gather(tokens, &mut words);
    words
}

fn gather(tokens: proc_macro2::TokenStream, words: &mut Vec<String>) {
    for token in tokens {
        match token {
            proc_macro2::TokenTree::Ident(word) => words.push(word.to_string()),
            proc_macro2::TokenTree::Group(group) => gather(group.stream(), words),
            _ => {}
        }
    }
}
