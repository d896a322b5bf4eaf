#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use serde_json::{Value, json};

use crate::compose::tests::Folder;

const API: &str = "openapi: 3.0.3
info: {title: T, version: '1'}
tags: [{name: a}, {name: b}, {name: c}]
paths:
  /a: {get: {tags: [a, b], responses: {'200': {description: d}}}}
  /b: {get: {tags: [c], responses: {'200': {description: d}}}}
";

/// The document after some actions of an overlay, and what is said about them.
fn applied(version: &str, actions: &str) -> (Value, Vec<String>) {
    let overlay =
        format!("overlay: {version}\ninfo: {{title: o, version: '1'}}\nactions:\n{actions}");
    let folder = Folder::new(&[("api.yaml", API), ("o.yaml", &overlay)]);
    folder.tree(&folder.overlaid("api.yaml", &["o.yaml"]))
}

#[track_caller]
fn check(actions: &str, pointer: &str, expected: &Value) {
    let (root, found) = applied("1.1.0", actions);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(root.pointer(pointer).unwrap_or(&Value::Null), expected);
}

#[test]
fn actions_change_the_document() {
    check(
        "- {target: $.info, update: {title: U, x-a: {b: 1}}}",
        "/info",
        &json!({"title": "U", "version": "1", "x-a": {"b": 1}}),
    );
    check(
        "- {target: $.info.title, update: U}",
        "/info/title",
        &json!("U"),
    );
    check(
        "- {target: $, update: {paths: {/a: {get: {tags: [z]}}}}}",
        "/paths/~1a/get/tags",
        &json!(["a", "b", "z"]),
    );
    check(
        "- {target: '$.paths.*.get.tags', update: z}",
        "/paths/~1b/get/tags",
        &json!(["c", "z"]),
    );
    check(
        "- {target: $.tags, update: [{name: d}]}",
        "/tags/3",
        &json!({"name": "d"}),
    );
    check(
        "- {target: '$.tags[?@.name != ''b'']', remove: true}",
        "/tags",
        &json!([{"name": "b"}]),
    );
    check(
        "- {target: '$.paths[''/a'', ''/b'']', remove: true}",
        "/paths",
        &json!({}),
    );
    check(
        "- {target: '$..tags', remove: true}",
        "/paths/~1a/get/tags",
        &Value::Null,
    );
    check(
        "- {target: $.info, remove: true}\n- {target: $, update: {info: {title: N, version: '2'}}}",
        "/info/title",
        &json!("N"),
    );
    check(
        "- {target: '$.paths[''/b'']', copy: '$.paths[''/a'']'}",
        "/paths/~1b/get/tags",
        &json!(["c", "a", "b"]),
    );
    // 1.0 appends whatever is written.
    let (root, found) = applied("1.0.0", "- {target: $.tags, update: [{name: d}]}");
    assert!(found.is_empty());
    assert_eq!(root["tags"][3], json!([{"name": "d"}]));
}

#[test]
fn places_follow_what_moves() {
    let actions = "- {target: '$.tags[0]', remove: true}
- {target: '$.paths[''/a'']', copy: '$.paths[''/b'']'}
- target: $.paths
  update:
    /c: {gett: {}}
- {target: '$.paths[''/b'']', update: {x-gateway: {throttle: {rate: 1, burst: 0}}}}";
    let overlay =
        format!("overlay: 1.1.0\ninfo: {{title: o, version: '1'}}\nactions:\n{actions}\n");
    let api = format!("{API}  /d: {{get: {{responses: {{ok: {{description: d}}}}}}}}\n");
    let folder = Folder::new(&[("api.yaml", &api), ("o.yaml", &overlay)]);
    let (_, found) = folder.read(&folder.overlaid("api.yaml", &["o.yaml"]));
    assert_eq!(
        found,
        [
            "api.yaml:7:26 response-status",
            "o.yaml:8:10 path-item-unknown-member",
            "o.yaml:9:79 throttle-burst-zero",
        ]
    );
}

#[test]
fn references_of_overlays_are_those_of_the_document() {
    let overlay = "overlay: 1.0.0\ninfo: {title: o, version: '1'}\nactions:\n- {target: $.paths, update: {/c: {$ref: 'items.yaml#/c'}, /d: {$ref: '#/nowhere'}}}\n";
    let folder = Folder::new(&[
        ("api.yaml", API),
        (
            "items.yaml",
            "c: {get: {operationId: c, responses: {'200': {description: d}}}}\n",
        ),
        ("overlays/o.yaml", overlay),
    ]);
    let (_, found) = folder.read(&folder.overlaid("api.yaml", &["overlays/o.yaml"]));
    assert_eq!(found, ["o.yaml:4:70 ref-dangling"]);
    folder.write(
        "overlays/o.yaml",
        &overlay.replace(", /d: {$ref: '#/nowhere'}", ""),
    );
    let (gateway, found) = folder.read(&folder.overlaid("api.yaml", &["overlays/o.yaml"]));
    assert!(found.is_empty(), "{found:?}");
    assert!(gateway.unwrap().operations.contains_key("c"));
}

#[test]
fn faults_stand_at_their_place() {
    for (actions, expected) in [
        (
            "- {target: '$.a[', update: 1}",
            "o.yaml:4:17 overlay-target",
        ),
        ("- {update: 1}", "o.yaml:4:3 overlay-malformed"),
        ("- 1", "o.yaml:4:3 overlay-malformed"),
        (
            "- {target: $.info, remove: yes please}",
            "o.yaml:4:28 overlay-malformed",
        ),
        (
            "- {target: $.info, update: {}, copy: $.info}",
            "o.yaml:4:3 overlay-malformed",
        ),
        (
            "- {target: $.info, updat: {}}",
            "o.yaml:4:20 overlay-unknown-member",
        ),
        ("- {target: $.info}", "o.yaml:4:3 overlay-no-effect"),
        (
            "- {target: $.inof, update: {}}",
            "o.yaml:4:12 overlay-target-unmatched",
        ),
        (
            "- {target: $, remove: true}",
            "o.yaml:4:12 overlay-mismatch",
        ),
        (
            "- {target: $.info, update: 1}",
            "o.yaml:4:28 overlay-mismatch",
        ),
        (
            "- {target: $, update: {info: {title: []}}}",
            "o.yaml:4:38 overlay-mismatch",
        ),
        (
            "- {target: '$.info.*', update: []}",
            "o.yaml:4:32 overlay-mismatch",
        ),
        (
            "- {target: '$[''info'', ''tags'']', update: {}}",
            "o.yaml:4:12 overlay-mismatch",
        ),
        (
            "- {target: $.info, copy: '$.paths.*'}",
            "o.yaml:4:26 overlay-mismatch",
        ),
        (
            "- {target: '$[*,*,*,*,*,*,*,*,*,*,*,*][*,*,*,*,*,*,*,*,*,*,*,*][*,*,*,*,*,*,*,*,*,*,*,*][*,*,*,*,*,*,*,*,*,*,*,*][*,*,*,*,*,*,*,*,*,*,*,*][*,*,*,*,*,*,*,*,*,*,*,*]', remove: true}",
            "o.yaml:4:12 overlay-too-large",
        ),
    ] {
        let (_, found) = applied("1.1.0", actions);
        assert_eq!(
            found.first().map(String::as_str),
            Some(expected),
            "{actions}: {found:?}"
        );
    }
    for (overlay, expected) in [
        ("a: 1", "o.yaml:1:1 overlay-malformed"),
        ("overlay: 2.0.0\n", "o.yaml:1:10 overlay-version"),
        (
            "overlay: 1.0.0\nactions: []\n",
            "o.yaml:1:1 overlay-info-missing",
        ),
        (
            "overlay: 1.0.0\ninfo: {title: o, version: '1'}\nactions: {}\n",
            "o.yaml:3:10 overlay-malformed",
        ),
        (
            "overlay: 1.0.0\ninfo: {title: o, version: '1'}\nextends: other.yaml\nactions: [{target: $, update: {}}]\n",
            "o.yaml:3:10 overlay-extends",
        ),
        ("overlay: [", "o.yaml:1:10 yaml-syntax"),
        (
            "overlay: 1.0.0\ninfo: {title: o, version: '1'}\nactions: [{target: $.info, copy: $.tags}]\n",
            "o.yaml:3:28 overlay-unknown-member",
        ),
    ] {
        let folder = Folder::new(&[("api.yaml", API), ("o.yaml", overlay)]);
        let (_, found) = folder.tree(&folder.overlaid("api.yaml", &["o.yaml"]));
        assert_eq!(
            found.first().map(String::as_str),
            Some(expected),
            "{overlay}: {found:?}"
        );
    }
}

#[test]
fn overlays_that_grow_without_end_are_refused() {
    let doubling = "- {target: $.tags, copy: $.tags}\n".repeat(60);
    let inside_itself = "- {target: $.info, update: {xa: {}}}\n".to_owned()
        + &"- {target: $.info.xa, copy: $}\n".repeat(60);
    let mut deep = "- {target: $.info, update: {a: {}}}\n".to_owned();
    let mut path = "$.info.a".to_owned();
    for _ in 0..20 {
        deep += &format!(
            "- {{target: {path}, update: {}1{}}}\n",
            "{a: ".repeat(8),
            "}".repeat(8)
        );
        deep += &format!("- {{target: {path}{}, remove: true}}\n", ".a".repeat(8));
        path += &".a".repeat(7);
    }
    for actions in [doubling, inside_itself, deep] {
        let (_, found) = applied("1.1.0", &actions);
        assert!(
            found
                .last()
                .is_some_and(|line| line.ends_with("overlay-too-large")),
            "{found:?}"
        );
    }
}

#[test]
fn an_overlay_says_which_document_it_is_for() {
    let overlay = |extends: &str| {
        format!(
            "overlay: 1.0.0\ninfo: {{title: o, version: '1'}}\nextends: {extends}\nactions: [{{target: $.info, update: {{x-a: 1}}}}]\n"
        )
    };
    for (extends, good) in [
        ("../api.yaml", true),
        ("https://example.com/specs/api.yaml?v=1", true),
        ("https://example.com/specs/other.yaml", true),
        ("../%61pi.yaml", true),
        ("api.yaml", false),
    ] {
        let folder = Folder::new(&[("api.yaml", API), ("overlays/o.yaml", &overlay(extends))]);
        let (root, found) = folder.tree(&folder.overlaid("api.yaml", &["overlays/o.yaml"]));
        assert_eq!(root["info"]["x-a"] == 1, good, "{extends}: {found:?}");
    }
}
