//! Sessions: what is typed, and what is answered. A case is a folder below `sessions/`: a `session` file and what else the
//! commands need; documents that many share lie in `sessions/shared`.
//!
//! ```text
//! # Why this is asked.
//! $ gateway-codegen lint missing.yaml
//! ! error: cannot read `missing.yaml`: …
//! = 6
//! ```
//!
//! `$` is a command, run by `sh` in a copy of the folder that all commands of the session share; `|` is standard output,
//! `!` standard error, `=` the exit code if it is not 0. In what is expected `…` stands for any text, alone in a line for any
//! lines. `UPDATE_EXPECTED=1` rewrites what does not match.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::support::Folder;

#[test]
fn every_session_goes_as_it_is_written() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/sessions");
    let updating = std::env::var_os("UPDATE_EXPECTED").is_some_and(|value| value == "1");
    assert!(!updating || std::env::var_os("CI").is_none());
    let mut faults = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&home).unwrap() {
        let path = entry.unwrap().path();
        let file = path.join("session");
        let Ok(written) = fs::read_to_string(&file) else {
            continue;
        };
        count += 1;
        let folder = Folder::new();
        copy(&home.join("shared"), folder.path());
        copy(&path, folder.path());
        let went = replay(&written, &folder);
        if went == written {
            continue;
        }
        if updating {
            fs::write(&file, went).unwrap();
            continue;
        }
        let diff = similar::TextDiff::from_lines(written.as_str(), went.as_str());
        let name = file.display().to_string();
        faults.push(diff.unified_diff().header(&name, "as it went").to_string());
    }
    assert!(count > 0, "no session: a test without cases cannot fail");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The session as it goes: what matches is kept as it is written.
fn replay(session: &str, folder: &Folder) -> String {
    let mut went = String::new();
    let mut lines = session.lines().peekable();
    while let Some(line) = lines.next() {
        went += &format!("{line}\n");
        let Some(command) = line.strip_prefix("$ ") else {
            continue;
        };
        let mut expected = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with(['|', '!', '='])) {
            expected.push(line);
        }
        let actual = said(&folder.shell(command), folder);
        if matches(&expected, &actual) {
            expected
                .iter()
                .for_each(|line| went += &format!("{line}\n"));
        } else {
            actual.iter().for_each(|line| went += &format!("{line}\n"));
        }
    }
    went
}

fn said(output: &Output, folder: &Folder) -> Vec<String> {
    let here = folder.path().display().to_string();
    let mut said = Vec::new();
    for (mark, bytes) in [('|', &output.stdout), ('!', &output.stderr)] {
        let text = String::from_utf8(bytes.clone())
            .unwrap()
            .replace(&here, "HERE");
        said.extend(
            text.lines()
                .map(|line| format!("{mark} {line}").trim_end().to_owned()),
        );
    }
    match output.status.code() {
        Some(0) => {}
        code => said.push(format!("= {}", code.unwrap_or(-1))),
    }
    said
}

/// Whether lines are as expected.
fn matches(expected: &[&str], actual: &[String]) -> bool {
    match expected {
        [] => actual.is_empty(),
        ["| …" | "! …", rest @ ..] => {
            let mark = expected.first().and_then(|line| line.chars().next());
            let skipped = actual.iter().take_while(|line| line.chars().next() == mark);
            (0..=skipped.count()).any(|skip| matches(rest, &actual[skip..]))
        }
        [line, rest @ ..] => actual
            .split_first()
            .is_some_and(|(first, others)| alike(line, first) && matches(rest, others)),
    }
}

/// Whether a line is as expected.
fn alike(expected: &str, actual: &str) -> bool {
    let Some((begin, rest)) = expected.split_once('…') else {
        return expected == actual;
    };
    let Some(mut behind) = actual.strip_prefix(begin) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('…').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match behind.split_once(part) {
            Some((_, after)) => behind = after,
            None => return false,
        }
    }
    behind.ends_with(end)
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&path, &target);
        } else if path.file_name().unwrap() != "session" {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn what_is_expected_may_leave_out_what_changes() {
    for (expected, actual, fine) in [
        (&["| a"][..], &["| a"][..], true),
        (&["| a"], &["| b"], false),
        (&["| a"], &["! a"], false),
        (&["| a…c…e"], &["| abcde"], true),
        (&["| a…c…e"], &["| abde"], false),
        (&["| …", "| c"], &["| a", "| b", "| c"], true),
        (&["| …", "| c"], &["| a", "! b", "| c"], false),
        (&["| …"], &[], true),
        (&["| …", "= 1"], &["| a"], false),
        (&[], &["= 1"], false),
    ] {
        let actual: Vec<String> = actual.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(matches(expected, &actual), fine, "{expected:?} {actual:?}");
    }
}
