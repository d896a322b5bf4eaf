//! Same input, same bytes: two runs, another folder, another order of keys, JSON for YAML.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use gateway_tests::{cases, tool};
use serde_json::{Map, Value};

#[test]
fn the_same_document_gives_the_same_bytes() {
    let folder = cases::scratch("determinism");
    for spec in ["bookstore", "bookstore-aws", "petstore-minimal"] {
        let original = cases::root().join("specs").join(format!("{spec}.yaml"));
        let first = emitted(&folder, &original, "first");
        assert!(first.len() > 5, "{spec} emits {} files", first.len());
        same(
            spec,
            "a second run",
            &first,
            &emitted(&folder, &original, "second"),
        );

        let elsewhere = folder.join("else where").join(format!("{spec}.yaml"));
        fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
        fs::copy(&original, &elsewhere).unwrap();
        same(
            spec,
            "another folder",
            &first,
            &emitted(&folder, &elsewhere, "third"),
        );

        let value: Value = serde_yaml::from_str(&fs::read_to_string(&original).unwrap()).unwrap();
        let reversed = folder.join(format!("{spec}.json"));
        fs::write(
            &reversed,
            serde_json::to_string_pretty(&upside_down(value)).unwrap(),
        )
        .unwrap();
        same(
            spec,
            "keys upside down, as JSON",
            &first,
            &emitted(&folder, &reversed, "fourth"),
        );
    }
}

#[test]
fn a_stale_crate_is_told_from_an_edited_one() {
    let folder = cases::scratch("stale");
    let spec = folder.join("api.yaml");
    fs::copy(cases::root().join("specs/petstore-minimal.yaml"), &spec).unwrap();
    let generate = |more: &[&str]| {
        tool::run(
            &folder,
            &[
                &[
                    "generate",
                    "api.yaml",
                    "--out",
                    "gateway",
                    "--workspace",
                    "own",
                ],
                more,
            ]
            .concat(),
        )
    };
    assert_eq!(generate(&[]).status.code(), Some(0));
    assert_eq!(generate(&["--check"]).status.code(), Some(0));

    // A comment changes nothing.
    let text = fs::read_to_string(&spec).unwrap();
    fs::write(&spec, format!("# a comment\n{text}")).unwrap();
    assert_eq!(generate(&["--check"]).status.code(), Some(0));

    // A path does, and the difference is shown.
    fs::write(&spec, text.replace("/pets", "/animals")).unwrap();
    let stale = generate(&["--check"]);
    assert_eq!(stale.status.code(), Some(4), "{}", tool::stderr(&stale));
    let diff = tool::stdout(&stale);
    assert!(
        diff.lines()
            .any(|line| line.starts_with('+') && line.contains("/animals")),
        "{diff}"
    );
    assert_eq!(generate(&[]).status.code(), Some(0));

    // A hand does too, and nothing is lost without `--force`.
    let routes = folder.join("gateway/src/routes.rs");
    let edited = fs::read_to_string(&routes).unwrap() + "// mine\n";
    fs::write(&routes, &edited).unwrap();
    assert_eq!(generate(&["--check"]).status.code(), Some(5));
    assert_eq!(generate(&[]).status.code(), Some(5));
    assert_eq!(fs::read_to_string(&routes).unwrap(), edited);
    assert_eq!(generate(&["--force"]).status.code(), Some(0));
    assert!(!fs::read_to_string(&routes).unwrap().contains("// mine"));
}

/// Everything a document emits, by path.
fn emitted(folder: &Path, spec: &Path, out: &str) -> BTreeMap<String, Vec<u8>> {
    let out = folder.join(out);
    let _ = fs::remove_dir_all(&out);
    let args = [
        "generate",
        spec.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
        "--workspace",
        "own",
    ];
    let done = tool::run(folder, &args);
    assert!(done.status.success(), "{}", tool::stderr(&done));
    let mut files = BTreeMap::new();
    collect(&out, &out, &mut files);
    files
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            files.insert(name, fs::read(&path).unwrap());
        }
    }
}

fn same(spec: &str, how: &str, one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) {
    assert!(one.keys().eq(other.keys()), "{spec}, {how}: other files");
    for (name, bytes) in one {
        let (a, b) = (
            String::from_utf8_lossy(bytes),
            String::from_utf8_lossy(&other[name]),
        );
        assert!(
            a == b,
            "{spec}, {how}: {name} differs\n{}",
            similar::TextDiff::from_lines(&a, &b).unified_diff()
        );
    }
}

fn upside_down(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .rev()
                .map(|(key, value)| (key, upside_down(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(upside_down).collect()),
        other => other,
    }
}
