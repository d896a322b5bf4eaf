//! What the documentation says about this repository is so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use gateway_tests::{cases, tool};
use regex::Regex;

fn page(name: &str) -> String {
    fs::read_to_string(cases::root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What this version promises.
const PROMISES: &str = "S1 S2 S3 S4 S5 S5a S6 S7 S8 S9 S10 G1 G2 G3 G4 G5 G6 G6a G7 G8 G14 G15 G17 G17a G18 G18a G22 G24 G25 G26 A1 A2 A3 A4 A5";

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
        let case = ["spec.yaml", "native.yaml", "session"]
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

/// The help of every verb, and of the program itself under the empty name.
fn help() -> BTreeMap<String, String> {
    let said = |args: &[&str]| {
        let done = tool::run(&cases::root(), args);
        assert_eq!(done.status.code(), Some(0), "{args:?}");
        tool::stdout(&done)
    };
    let whole = said(&["--help"]);
    let (_, commands) = whole.split_once("Commands:\n").unwrap();
    let (commands, _) = commands.split_once("\n\n").unwrap();
    let mut help: BTreeMap<String, String> = commands
        .lines()
        // A line that goes on is indented further.
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|verb| !verb.is_empty() && *verb != "help")
        .map(|verb| (verb.to_owned(), said(&[verb, "--help"])))
        .collect();
    help.insert(String::new(), whole);
    help
}

/// The flags that a text names.
fn flags(text: &str) -> BTreeSet<String> {
    Regex::new("(?:^|[^-a-z])(--[a-z][a-z-]*)")
        .unwrap()
        .captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

#[test]
fn the_table_of_commands_is_the_help() {
    let help = help();
    let text = page("README.md");
    let (_, table) = text.split_once("| Command |").unwrap();
    let (rows, ends) = table.split_once("\n\n").unwrap();
    let (ends, _) = ends.split_once("\n\n").unwrap();
    let codes: BTreeSet<&str> = ends
        .lines()
        .filter_map(|line| line.split('|').nth(1))
        .map(str::trim)
        .filter(|cell| cell.parse::<u8>().is_ok())
        .collect();
    for code in &codes {
        let known = help[""]
            .lines()
            .any(|line| line.trim_start().starts_with(&format!("{code}  ")));
        assert!(known, "exit code {code} is not in the help");
    }
    let code = Regex::new("`([^`]+)`").unwrap();
    let mut rowed = BTreeSet::from([String::new()]);
    let mut faults = Vec::new();
    for row in rows.lines().skip(2) {
        let row = row.replace("\\|", "/");
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let ["", commands, what, ends, ""] = cells[..] else {
            panic!("a row of three cells: {row}");
        };
        for command in code.captures_iter(commands) {
            let verb = command[1].split(' ').next().unwrap().to_owned();
            let Some(said) = help.get(&verb) else {
                faults.push(format!("there is no `{verb}`"));
                continue;
            };
            for flag in flags(&format!("{} {what}", &command[1])) {
                if !has(said, &flag) {
                    faults.push(format!("`{verb}` has no {flag}"));
                }
            }
            // `--workspace own/member`: the help has the values too.
            for item in code.captures_iter(what) {
                if let Some((_, values)) = item[1].split_once(' ') {
                    for value in values
                        .split('/')
                        .filter_map(|value| value.split('=').next())
                    {
                        if value.chars().all(|c| c.is_ascii_lowercase()) && !said.contains(value) {
                            faults.push(format!(
                                "`{verb}`: `{}`, and no {value} in its help",
                                &item[1]
                            ));
                        }
                    }
                }
            }
            rowed.insert(verb);
        }
        for end in ends.split(", ").filter(|end| !end.is_empty()) {
            if !codes.contains(end) {
                faults.push(format!("{row}: exit code {end} is not explained"));
            }
        }
    }
    faults.extend(
        help.keys()
            .filter(|verb| !rowed.contains(*verb))
            .map(|verb| format!("`{verb}` has no row")),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether a help has a flag, with a value that can be left out or not.
fn has(help: &str, flag: &str) -> bool {
    help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}["))
}

#[test]
fn every_command_line_that_is_shown_can_be_typed() {
    let help = help();
    let mut seen = 0;
    for name in pages() {
        for line in page(&name).lines() {
            let Some((_, line)) = line
                .split_once("gateway-codegen ")
                .filter(|(before, _)| {
                    before.trim_matches(['$', ' ', '`']).is_empty() || before.ends_with("run: ")
                })
                .or_else(|| line.split_once("-p gateway-codegen -- "))
            else {
                continue;
            };
            let line = line.split(['#', '`', '&', ';']).next().unwrap();
            let verb = line.split_whitespace().next().unwrap();
            let said = help
                .get(verb)
                .unwrap_or_else(|| panic!("{name}: there is no `{verb}`"));
            for flag in flags(line.split(" -- ").next().unwrap()) {
                assert!(has(said, &flag), "{name}: `{verb}` has no {flag}");
            }
            seen += 1;
        }
    }
    assert!(seen > 8, "{seen} command lines");
}

#[test]
fn every_flag_that_is_named_exists() {
    let mut known = flags(&help().values().cloned().collect::<String>());
    // The help of a gateway, as its session shows it.
    known.extend(flags(
        &page("tests/start/flags/session.txt")
            .split("$ gateway --version")
            .next()
            .unwrap()
            .replace("$ ", ""),
    ));
    // Those of cargo.
    known.extend(
        [
            "--release",
            "--locked",
            "--manifest-path",
            "--path",
            "--profile",
            "--test",
            "--all-targets",
            "--workspace",
        ]
        .map(str::to_owned),
    );
    for name in pages() {
        for flag in flags(&page(&name)) {
            assert!(known.contains(&flag), "{name}: there is no {flag}");
        }
    }
}

/// What users and contributors read.
fn pages() -> Vec<String> {
    let mut pages: Vec<String> = [
        "README.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/ci/gateway.yml",
    ]
    .map(str::to_owned)
    .to_vec();
    for entry in fs::read_dir(cases::root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".md") {
            pages.push(format!("docs/{name}"));
        }
    }
    pages.sort();
    pages
}
