//! The official cases of JSON Schema, from document to verdict.

use std::collections::BTreeMap;

use super::*;

/// A group's schema as a program.
fn program(
    schema: &Value,
    remotes: &[(String, String)],
    dialect: Dialect,
    formats: bool,
) -> Program {
    let mut document = Document::default();
    document
        .files
        .push(file("schema.json", &schema.to_string(), 0));
    for (number, (name, text)) in remotes.iter().enumerate() {
        // A name that ends in .json is read as JSON.
        let mut file = file("remote.json", text, number + 1);
        file.name.clone_from(name);
        document.files.push(file);
    }
    let mut found = Findings::default();
    let mut schemas = Schemas::new(&document);
    schemas.formats = formats;
    let rules = schemas.rules(document.root().unwrap(), dialect, &mut found);
    assert!(!found.has_errors(), "{schema}: {found:?}");
    Program::of(&rules, &schemas.finish())
}

/// Runs all cases of a file; the names of those that are answered otherwise.
fn run(name: &str, dialect: Dialect, formats: impl Fn(&str) -> bool) -> Vec<String> {
    let remotes: Vec<(String, String)> = lines("json-schema/remotes.jsonl")
        .iter()
        .map(|row| {
            (
                row["uri"].as_str().unwrap().to_owned(),
                row["schema"].to_string(),
            )
        })
        .collect();
    let mut differs = Vec::new();
    for group in lines(name) {
        let file = group["file"].as_str().unwrap();
        // Reading all of them for every group is what takes time.
        let text = group["schema"].to_string();
        let meta = if text.contains("http") {
            &remotes[..]
        } else {
            &[]
        };
        let mut program = program(&group["schema"], meta, dialect, formats(file));
        for test in group["tests"].as_array().unwrap() {
            let verdict = program.check(&test["data"].to_string());
            if verdict.is_ok() != test["valid"].as_bool().unwrap() {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let group = text(&group["description"]);
                differs.push(format!("{file}: {group}: {}", text(&test["description"])));
            }
        }
    }
    differs
}

#[test]
fn json_schema_suite_draft4() {
    let differs = run("json-schema/draft4.jsonl", Dialect::Draft4, |_| false);
    assert!(differs.is_empty(), "{}", differs.join("\n"));
}

#[test]
fn json_schema_suite_2020_12() {
    let differs = run(
        "json-schema/draft2020-12.jsonl",
        Dialect::Json2020_12,
        |_| false,
    );
    assert!(differs.is_empty(), "{}", differs.join("\n"));
}

/// Optional cases that are answered otherwise are listed, each with its reason.
#[test]
fn json_schema_suite_optional() {
    let mut differs = Vec::new();
    for (draft, dialect) in [
        ("draft4", Dialect::Draft4),
        ("draft2020-12", Dialect::Json2020_12),
    ] {
        let formats = |file: &str| file.starts_with("optional/format/") || file.ends_with("regex");
        let name = format!("json-schema/{draft}-optional.jsonl");
        let these = run(&name, dialect, formats);
        differs.extend(these.into_iter().map(|case| format!("{draft} {case}")));
    }
    let list = folder("json-schema/differs.txt");
    let known = std::fs::read_to_string(&list).unwrap_or_default();
    let reasons: BTreeMap<&str, &str> = known
        .lines()
        .filter_map(|line| line.split_once(" -- "))
        .collect();
    let lines = differs.iter().map(|case| {
        let reason = reasons.get(case.as_str()).unwrap_or(&"no reason is known");
        format!("{case} -- {reason}\n")
    });
    let text: String = lines.collect();
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&list, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&list).unwrap(), text);
    assert!(!text.contains("no reason is known"), "{text}");
}
