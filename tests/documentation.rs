//! What the documentation says about this repository is so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;

use gateway_tests::cases;
use regex::Regex;

fn page(name: &str) -> String {
    fs::read_to_string(cases::root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What this version promises.
const PROMISES: &str =
    "S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 G1 G2 G3 G4 G5 G6 G7 G8 G14 G15 G22 G24 G25 G26 A1 A2 A3 A4 A5";

#[test]
fn every_promise_of_security_names_tests_that_exist() {
    let text = page("docs/security.md");
    let link = Regex::new(r"\[`([^`]+)`\]\(\.\./([^)]+)\)").unwrap();
    let mut promised = Vec::new();
    let mut faults = Vec::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let ["", id, _, shown, ""] = cells[..]
            && id.starts_with(|c: char| c.is_ascii_uppercase())
        {
            promised.push(id.to_owned());
            if link.replace_all(shown, "").trim() != "" || !link.is_match(shown) {
                faults.push(format!(
                    "{id}: tests are named by links alone, one at least"
                ));
            }
        }
        for found in link.captures_iter(line) {
            faults.extend(fault(&found[1], &found[2]));
        }
    }
    assert_eq!(promised.join(" "), PROMISES);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(page("SECURITY.md").contains("(docs/security.md)"));
}

/// What is wrong with a link to a test function, or to the folder of a case.
fn fault(name: &str, path: &str) -> Option<String> {
    let target = cases::root().join(path);
    if !path.ends_with(".rs") {
        let case = ["spec.yaml", "native.yaml"]
            .iter()
            .any(|file| target.join(file).is_file());
        let named = target.file_name().is_some_and(|folder| folder == name);
        return (!case || !named).then(|| format!("there is no case {name} at {path}"));
    }
    let Ok(source) = fs::read_to_string(&target) else {
        return Some(format!("there is no file {path}"));
    };
    let lines: Vec<&str> = source.lines().collect();
    let start = format!("fn {name}(");
    let at = lines
        .iter()
        .position(|line| line.trim_start().starts_with(&start));
    match at {
        Some(at)
            if lines[at.saturating_sub(3)..at]
                .iter()
                .any(|line| line.trim() == "#[test]") =>
        {
            None
        }
        Some(_) => Some(format!("{name} of {path} is no test")),
        None => Some(format!("there is no test {name} in {path}")),
    }
}
