#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use super::{Findings, Place, Renderer, Style, summary};
use crate::load;

fn place(pointer: &str) -> Place {
    Place {
        pointer: pointer.to_owned(),
        ..Place::default()
    }
}

fn render(style: Style, source: &str, tell: impl FnOnce(&mut Findings)) -> String {
    let mut found = Findings::default();
    let document = load::text("specs/pets.yaml", source, &mut found).unwrap();
    assert!(found.is_empty());
    tell(&mut found);
    Renderer::new(&document, style).render(&found)
}

const PETS: &str = "openapi: 3.0.3\nx-gateway:\n  throttle:\n    burst: 0\n";

fn burst_zero(found: &mut Findings) {
    found.error(
        "throttle-burst-zero",
        place("/x-gateway/throttle/burst"),
        "a burst of 0 refuses every request",
        "use 1 or more, or drop the throttle",
    );
    found.note("openapi-old", place("/openapi"), "3.0.3 is old", "");
}

#[test]
fn for_people() {
    let expected = "\
note[openapi-old]: 3.0.3 is old
 --> specs/pets.yaml:1:10
  |
1 | openapi: 3.0.3
  |          ^^^^^
  |
  = note: at /openapi

error[throttle-burst-zero]: a burst of 0 refuses every request
 --> specs/pets.yaml:4:12
  |
4 |     burst: 0
  |            ^
  |
  = note: at /x-gateway/throttle/burst
  = help: use 1 or more, or drop the throttle

1 error, 1 note
";
    assert_eq!(render(Style::Human, PETS, burst_zero), expected);
}

#[test]
fn for_editors() {
    let expected = "\
specs/pets.yaml:1:10: note[openapi-old]: 3.0.3 is old
  at /openapi
specs/pets.yaml:4:12: error[throttle-burst-zero]: a burst of 0 refuses every request
  at /x-gateway/throttle/burst; help: use 1 or more, or drop the throttle
1 error, 1 note
";
    assert_eq!(render(Style::Short, PETS, burst_zero), expected);
}

#[test]
fn for_programs() {
    let out = render(Style::Json, PETS, burst_zero);
    let list: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        list[1],
        serde_json::json!({
            "code": "throttle-burst-zero", "severity": "error", "file": "specs/pets.yaml", "line": 4, "column": 12,
            "pointer": "/x-gateway/throttle/burst", "message": "a burst of 0 refuses every request",
            "help": "use 1 or more, or drop the throttle",
        })
    );
    assert_eq!(render(Style::Json, PETS, |_| {}), "[]\n");
    assert_eq!(render(Style::Short, PETS, |_| {}), "");
}

#[test]
fn what_a_document_hides_is_shown() {
    let source = "a: \"\u{202e}evil\u{2066}\" # \u{200b}\n";
    for style in [Style::Human, Style::Short, Style::Json] {
        let out = render(style, source, |found| {
            let message = "has \u{202e}this\u{1b}[31m and\nthat\u{7f}";
            found.error("x", place("/a"), message, "\u{2067}");
        });
        let bad = |c: char| (c.is_control() && c != '\n') || ('\u{200b}'..='\u{206f}').contains(&c);
        assert_eq!(out.find(bad), None, "{out:?}");
        if style == Style::Json {
            let list: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert_eq!(
                list[0]["message"],
                "has \u{202e}this\u{1b}[31m and\nthat\u{7f}"
            );
        } else {
            let head = out.lines().find(|line| line.contains("[x]")).unwrap();
            assert!(
                head.ends_with(r"has \u{202e}this\u{1b}[31m and\u{a}that\u{7f}"),
                "{head}"
            );
        }
    }
}

#[test]
fn a_document_on_one_line_is_cut_around_the_place() {
    let source = format!(
        "{{\"a\": [{}\"b\", {}1]}}",
        "0, ".repeat(9000),
        "2, ".repeat(9000)
    );
    let out = render(Style::Human, &source, |found| {
        found.error("x", place("/a/9000"), "here", "");
    });
    assert!(out.len() < 1000, "{}", out.len());
    assert!(out.contains("specs/pets.yaml:1:27008"), "{out}");
    let shown = out.lines().find(|line| line.contains("\"b\"")).unwrap();
    let marked = out.lines().find(|line| line.contains("^^^")).unwrap();
    let column = |line: &str, what: &str| line[..line.find(what).unwrap()].chars().count();
    assert_eq!(column(shown, "\"b\""), column(marked, "^^^"), "{out}");
}

#[test]
fn the_same_finding_twice_is_one() {
    let out = render(Style::Short, PETS, |found| {
        burst_zero(found);
        burst_zero(found);
    });
    assert!(out.ends_with("1 error, 1 note\n"));
}

#[test]
fn findings_beyond_counting_are_dropped_but_not_the_first_error() {
    let mut found = Findings::default();
    for n in 0..20_000 {
        found.warning("w", place(""), n.to_string(), "");
    }
    assert!(!found.has_errors());
    for n in 0..10 {
        found.error("e", place(""), n.to_string(), "");
    }
    assert!(found.has_errors());
    assert_eq!(found.sorted().len(), 10_001);
    let shown = "1 error, 10000 warnings and more: the first 10000 are shown";
    assert_eq!(summary(&found), shown);
}
