//! Small documents that would mean large gateways.

use super::*;

/// A document of `count` operations below one path item each; `root` is what `x-gateway` says, `item` what every path item is.
fn many(count: usize, root: &str, item: &str) -> String {
    let paths: String = (0..count)
        .map(|n| format!("  /{n}: {{ $ref: '#/components/x-item' }}\n"))
        .collect();
    format!(
        "openapi: 3.0.3\ninfo: {{ title: A, version: '1' }}\nservers: [ {{ url: 'http://a' }} ]\nx-gateway: {{ {root} }}\n\
         components:\n  x-item:\n    get: {{ responses: {{}} }}\n    {item}\npaths:\n{paths}"
    )
}

#[test]
fn what_is_said_to_every_operation_is_counted_for_each() {
    let fields: String = (0..1000).map(|n| format!("header.x-{n}: a, ")).collect();
    let request = format!("request: {{ set: {{ {fields} }} }}");
    let too_large = [" document-too-large"];
    for (count, root, item, expected) in [
        (
            3,
            format!("defaults: {{ {request} }}"),
            String::new(),
            &[][..],
        ),
        (
            7000,
            format!("defaults: {{ {request} }}"),
            String::new(),
            &too_large,
        ),
        (
            7000,
            format!("stages: {{ a: {{ operations: {{ '*': {{ {request} }} }} }} }}"),
            String::new(),
            &too_large,
        ),
        (
            1200,
            String::new(),
            format!("x-gateway: {{ {request} }}"),
            &too_large,
        ),
    ] {
        assert_eq!(findings(&many(count, &root, &item)), expected, "{count}");
    }
}

#[test]
fn stages_selectors_and_operations_are_combined_so_often_and_no_more() {
    let selectors: String = (0..600)
        .map(|n| format!("get{n}: {{ timeout: 1s }}, "))
        .collect();
    let root = format!("stages: {{ a: {{ operations: {{ {selectors} }} }} }}");
    let found = findings(&many(1000, &root, ""));
    assert!(
        found.contains(&"/x-gateway/stages document-too-large".to_owned()),
        "{found:?}"
    );
}

#[test]
fn large_examples_are_not_taken_over() {
    let long = "1, ".repeat(100_000);
    let answer = |media: &str| {
        let text = format!(
            "openapi: 3.0.3\ninfo: {{ title: A, version: '1' }}\nservers: [ {{ url: 'http://a' }} ]\npaths:\n  /a:\n    get:\n      \
             operationId: a\n      responses: {{ '200': {{ description: a, content: {{ application/json: {{ {media} }} }} }} }}\n"
        );
        let example = gateway(&text).operations["a"].example.clone();
        example.map(|example| example.body)
    };
    for (media, expected) in [
        ("example: [1, 2]".to_owned(), Some("[\n  1,\n  2\n]")),
        (format!("example: [{long}1]"), None),
        (
            format!("schema: {{ type: string }}, example: [{long}1]"),
            Some("\"text\""),
        ),
        (
            format!("schema: {{ type: array, example: [{long}1] }}"),
            Some("[]"),
        ),
    ] {
        assert_eq!(
            answer(&media).as_deref(),
            expected,
            "{}",
            &media[..20.min(media.len())]
        );
    }
}
