//! Golden cases: `cases/<name>/spec.yaml` generates `expected/`, or is refused with `stderr.txt`.
//! `UPDATE_EXPECTED=1 cargo test -p gateway-tests --test golden` rewrites both.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::fs;
use std::path::Path;

use gateway_tests::{cases, tool};

const RUNTIME: &str = "path=../../../gateway-runtime";

#[test]
fn every_case_generates_what_it_expects() {
    let mut faults = Vec::new();
    for folder in cases::folders("cases", "spec.yaml") {
        if let Err(fault) = check(&folder) {
            faults.push(format!("── {} ──\n{fault}", cases::name(&folder)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn check(folder: &Path) -> Result<(), String> {
    let expected = folder.join("expected");
    let said = folder.join("stderr.txt");
    let args = [
        "generate",
        "spec.yaml",
        "--out",
        "expected",
        "--runtime",
        RUNTIME,
        "--workspace",
        "own",
    ];
    if cases::updating() {
        let done = tool::run(folder, &[&args[..], &["--force"]].concat());
        match done.status.code() {
            Some(0) => drop(fs::remove_file(&said)),
            _ => drop(fs::remove_dir_all(&expected)),
        }
        if done.status.success() && !findings(&tool::stderr(&done)) {
            return Ok(());
        }
        return cases::compare(&said, &message(&done)).map_or(Ok(()), Err);
    }
    let done = tool::run(folder, &[&args[..], &["--check"]].concat());
    let text = message(&done);
    if done.status.code() == Some(0) && !findings(&text) && !said.exists() {
        return Ok(());
    }
    if expected.exists() && done.status.code() != Some(0) {
        return Err(format!("{}{text}", tool::stdout(&done)));
    }
    cases::compare(&said, &text).map_or(Ok(()), Err)
}

/// What was said, with the exit code.
fn message(done: &std::process::Output) -> String {
    format!(
        "{}exit {}\n",
        tool::stderr(done),
        done.status.code().unwrap_or(-1)
    )
}

/// Whether a message holds findings.
fn findings(text: &str) -> bool {
    ["error[", "warning["]
        .iter()
        .any(|mark| text.contains(mark))
}
