#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails may panic"
)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::locate::Locator;
use super::{Document, MAX_DEPTH, Node, text};
use crate::findings::{Findings, Place, Renderer, Style};

/// `line:column code` of every finding, in the order they are printed.
pub(crate) fn report(document: &Document, found: &Findings) -> Vec<String> {
    let out = Renderer::new(document, Style::Short).render(found);
    let heads = out.lines().filter(|line| line.contains("]: "));
    heads
        .map(|line| {
            let (place, rest) = line.split_once(": ").unwrap();
            let (_, code) = rest.split_once('[').unwrap();
            let (code, _) = code.split_once(']').unwrap();
            let place: Vec<&str> = place.rsplitn(3, ':').collect();
            format!("{}:{} {code}", place[1], place[0])
        })
        .collect()
}

fn load(name: &str, source: impl Into<Vec<u8>>) -> (Value, Vec<String>) {
    let mut found = Findings::default();
    let document = text(name, source, &mut found).unwrap();
    let report = report(&document, &found);
    (document.files[0].root.clone(), report)
}

#[track_caller]
fn reads(source: &str, expected: Value) {
    let (value, findings) = load("api.yaml", source);
    assert_eq!(findings, Vec::<String>::new());
    assert_eq!(value, expected);
}

#[track_caller]
fn faults(name: &str, source: impl Into<Vec<u8>>, expected: &[&str]) {
    assert_eq!(load(name, source).1, expected);
}

#[test]
fn names_are_text_as_written() {
    reads(
        "200: a\n1.10: b\ntrue: c\n~: d\n0x1F: e\n",
        json!({"200": "a", "1.10": "b", "true": "c", "~": "d", "0x1F": "e"}),
    );
}

#[test]
fn scalars_mean_what_yaml_1_2_says() {
    reads(
        "[yes, no, on, 2001-01-01, 007, 0x10, 1_000, 'true', true, ~, '', 1e3, 12:30]",
        json!([
            "yes",
            "no",
            "on",
            "2001-01-01",
            "007",
            16,
            "1_000",
            "true",
            true,
            null,
            "",
            1000.0,
            "12:30"
        ]),
    );
}

#[test]
fn integers_of_any_width_are_numbers() {
    let wide = json!([
        18446744073709551615_u64,
        18446744073709551617.0,
        -9223372036854775809.0
    ]);
    let source = "[18446744073709551615, 18446744073709551617, -9223372036854775809]";
    reads(source, wide.clone());
    assert_eq!(load("api.json", source), (wide, vec![]));
}

#[test]
fn what_json_has_no_number_for_stays_text() {
    reads("[.inf, -.inf, .nan]", json!([".inf", "-.inf", ".nan"]));
}

#[test]
fn merge_keys_merge_and_what_is_written_wins() {
    reads(
        "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: *a, y: 9}\nd:\n  <<: [*b, *a]\n",
        json!({
            "a": {"x": 1, "y": 1}, "b": {"y": 2, "z": 2},
            "c": {"y": 9, "x": 1}, "d": {"y": 2, "z": 2, "x": 1},
        }),
    );
    faults("api.yaml", "a:\n  <<: 1\n", &["2:7 yaml-merge"]);
}

#[test]
fn json_has_no_merge_key() {
    assert_eq!(
        load("a.json", r#"{"<<": {"a": 1}}"#).0,
        json!({"<<": {"a": 1}})
    );
}

#[test]
fn cloudformation_tags_stand_for_their_long_forms() {
    reads(
        "- !Ref Api\n- !Sub 'a${b}'\n- !GetAtt F.Arn\n- !GetAtt F.Outputs.Url\n- !GetAtt [F, Arn]\n\
         - !Join ['', [a, !Ref B]]\n- !Condition C\n- !If [C, 1, 2]\n- !Sub\n  - x\n  - {y: !Ref Z}\n",
        json!([
            {"Ref": "Api"}, {"Fn::Sub": "a${b}"}, {"Fn::GetAtt": ["F", "Arn"]},
            {"Fn::GetAtt": ["F", "Outputs.Url"]}, {"Fn::GetAtt": ["F", "Arn"]},
            {"Fn::Join": ["", ["a", {"Ref": "B"}]]}, {"Condition": "C"}, {"Fn::If": ["C", 1, 2]},
            {"Fn::Sub": ["x", {"y": {"Ref": "Z"}}]},
        ]),
    );
}

#[test]
fn other_tags_are_not_dropped_in_silence() {
    let (value, findings) = load("api.yaml", "a: !include b.yaml\nc: !!str 12\nd: ! e\n");
    assert_eq!(value, json!({"a": "b.yaml", "c": "12", "d": "e"}));
    assert_eq!(findings, ["1:13 yaml-tag-unknown"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_text() {
    reads("\u{feff}a: 1\n", json!({"a": 1}));
    assert_eq!(load("api.json", "\u{feff}{\"a\":1}").0, json!({"a": 1}));
    faults(
        "api.yaml",
        "\u{feff}a: 1\na: 2\n",
        &["2:1 duplicate-member"],
    );
}

#[test]
fn json_in_a_yaml_file_is_read_as_json() {
    let source = "{\n\t\"a\":\t\"\\ud83d\\ude00\", \"b\": 1}";
    reads(source, json!({"a": "😀", "b": 1}));
    reads("{a: 1, b: [c]}", json!({"a": 1, "b": ["c"]}));
    // A fault that only the JSON reader can tell is not hidden by a second try.
    faults(
        "api.yaml",
        "{\"a\": 1, \"a\": 2}",
        &["1:10 duplicate-member"],
    );
}

#[test]
fn names_that_stand_twice() {
    faults("api.yaml", "a: 1\nb: 2\na: 3\n", &["3:1 duplicate-member"]);
    faults("api.yaml", "200: 1\n'200': 2\n", &["2:1 duplicate-member"]);
    faults(
        "api.json",
        "{\"a\": {\"b\": 1,\n\"b\": 2}}",
        &["2:1 duplicate-member"],
    );
    faults(
        "api.yaml",
        "x:\n  - {a: 1, a: 2}\n  - {<<: {}, <<: {}}\n",
        &["2:12 duplicate-member", "3:14 duplicate-member"],
    );
    // Of two the last one counts, for the value and for places.
    assert_eq!(load("api.yaml", "a: 1\na: 2\n").0, json!({"a": 2}));
}

#[test]
fn of_very_many_repeated_names_most_are_only_counted() {
    let source = "a: 1\n".repeat(1000);
    let mut found = Findings::default();
    text("api.yaml", source, &mut found);
    let list = found.sorted();
    assert_eq!(
        list.iter().filter(|f| f.message.starts_with("`a`")).count(),
        1,
        "one place"
    );
    assert!(list.iter().any(|f| f.message.starts_with("899 more")));
}

#[test]
fn nesting_has_one_limit_in_both_notations() {
    for (name, open, close) in [
        ("a.yaml", "[", "]"),
        ("a.json", "[", "]"),
        ("a.json", "{\"a\":", "}"),
    ] {
        let nested = |depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
        assert_eq!(
            load(name, nested(MAX_DEPTH)).1,
            Vec::<String>::new(),
            "{name} {open}"
        );
        let (_, findings) = load(name, nested(MAX_DEPTH + 1));
        assert!(
            findings[0].ends_with("document-too-deep"),
            "{name} {open} {findings:?}"
        );
    }
    let blocks: String = (0..200).map(|n| " ".repeat(n) + "a:\n").collect();
    assert!(load("a.yaml", blocks).1[0].ends_with("document-too-deep"));
    assert!(load("a.json", "[".repeat(1_000_000)).1[0].ends_with("document-too-deep"));
    assert!(load("a.yaml", "[".repeat(1_000_000)).1[0].ends_with("document-too-deep"));
    let tagged = "!Sub [".repeat(100) + &"]".repeat(100);
    assert!(load("a.yaml", tagged).1[0].ends_with("document-too-deep"));
}

#[test]
fn aliases_may_repeat_but_not_multiply() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..9 {
        let aliases = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb += &format!("a{n}: &a{n} [{aliases}]\n");
    }
    assert!(load("a.yaml", bomb).1[0].ends_with("document-too-large"));
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(1 << 20),
        "*a, ".repeat(100)
    );
    assert!(load("a.yaml", long).1[0].ends_with("document-too-large"));
    let merges = "a: &a {x: 1}\nb: &b {<<: [*a, *a]}\nc: {<<: [*b, *b]}\n";
    reads(merges, json!({"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1}}));
}

#[test]
fn files_that_are_no_document() {
    faults("a.yaml", "a: &a [*a]", &["1:8 yaml-alias"]);
    faults("a.yaml", "a: 1\n---\nb: 1\n", &["2:1 yaml-documents"]);
    faults("a.yaml", "a: [1, 2\nb: 3", &["2:2 yaml-syntax"]);
    faults("a.yaml", "a: *nothing", &["1:4 yaml-syntax"]);
    faults("a.yaml", "a: b\n\tc: d\n", &["2:1 yaml-syntax"]);
    faults("a.yaml", "? [a, b]\n: c\n", &["1:3 yaml-syntax"]);
    faults("a.json", "{\"a\": 1,\n \"é\": }", &["2:7 json-syntax"]);
    faults("a.json", "openapi: 3.0.3\n", &["1:1 json-syntax"]);
    faults("a.json", "{} {}", &["1:4 json-syntax"]);
    faults("a.json", "{\"a\": 1e400}", &["1:11 json-syntax"]);
    faults("a.json", "", &["1:1 json-syntax"]);
    faults(
        "a.yaml",
        b"a: 1\nb: \xff\n".to_vec(),
        &["2:4 document-not-utf8"],
    );
    faults("a.yaml", b"\xff\xfea".to_vec(), &["1:1 document-not-utf8"]);
}

#[test]
fn a_byte_order_mark_tells_the_encoding() {
    let source = "é: 😀\n";
    let expected = (json!({"é": "😀"}), Vec::<String>::new());
    let two = |unit: fn(u16) -> [u8; 2]| {
        let units = std::iter::once(0xfeff).chain(source.encode_utf16());
        units.flat_map(unit).collect::<Vec<u8>>()
    };
    let four = |unit: fn(u32) -> [u8; 4]| {
        let units = std::iter::once(0xfeff).chain(source.chars().map(u32::from));
        units.flat_map(unit).collect::<Vec<u8>>()
    };
    assert_eq!(load("a.yaml", two(u16::to_le_bytes)), expected);
    assert_eq!(load("a.yaml", two(u16::to_be_bytes)), expected);
    assert_eq!(load("a.yaml", four(u32::to_le_bytes)), expected);
    assert_eq!(load("a.yaml", four(u32::to_be_bytes)), expected);
    let json = "\u{feff}{\"a\": 1}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes);
    assert_eq!(load("a.json", json.collect::<Vec<u8>>()).0, json!({"a": 1}));
    for broken in [
        &b"\xff\xfe\0\xd8a\0"[..],
        b"\xfe\xffa",
        b"\xff\xfe\0\0\0\0\0\xff",
        b"\0\0\xfe\xff\0",
    ] {
        faults("a.yaml", broken.to_vec(), &["1:1 document-not-utf8"]);
    }
}

#[test]
fn anchors_stand_where_yaml_lets_them() {
    reads(
        "a: &x {k: 1}\nb: *x\nc: [&y 2, *y]\n&z d: *x\ne: &w |\n  text\nf: *w\n",
        json!({"a": {"k": 1}, "b": {"k": 1}, "c": [2, 2], "d": {"k": 1}, "e": "text\n", "f": "text\n"}),
    );
    // An anchor that is set again counts from there.
    reads("a: &x 1\nb: &x 2\nc: *x\n", json!({"a": 1, "b": 2, "c": 2}));
}

#[test]
fn help_says_what_the_parser_does_not() {
    let help = |name: &str, source: &str| {
        let mut found = Findings::default();
        text(name, source, &mut found);
        found.sorted()[0].help.clone()
    };
    assert!(help("a.yaml", "a: b\n\tc: d\n").contains("tabs"));
    assert!(help("a.json", "openapi: 3.0.3\n").contains(".yaml"));
}

/// Line, column and text of a place.
fn located(source: &str, pointer: &str, key: bool, offset: Option<usize>) -> String {
    let document = text("a.yaml", source, &mut Findings::default()).unwrap();
    let mut locator = Locator::new(&document.files[0]);
    let pointer = pointer.to_owned();
    let place = Place {
        file: 0,
        pointer,
        key,
        offset,
    };
    let at = locator.find(&place);
    format!("{}:{} {}", at.line, at.column, &source[at.span])
}

#[track_caller]
fn stands(source: &str, pointer: &str, expected: &str) {
    assert_eq!(located(source, pointer, false, None), expected);
}

#[test]
fn values_and_names_have_places() {
    let yaml =
        "openapi: 3.0.3\npaths:\n  /a~b:\n    get: {tags: [x, 'y z']}\n  ünï: { ключ: знач }\n";
    stands(yaml, "/openapi", "1:10 3.0.3");
    stands(yaml, "/paths", "2:1 paths");
    stands(yaml, "/paths/~1a~0b", "3:3 /a~b");
    stands(yaml, "/paths/~1a~0b/get", "4:10 {");
    stands(yaml, "/paths/~1a~0b/get/tags/1", "4:21 'y z'");
    stands(yaml, "/paths/ünï/ключ", "5:16 знач");
    stands(yaml, "", "1:1 ");
    assert_eq!(located(yaml, "/paths/~1a~0b/get", true, None), "4:5 get");
    assert_eq!(
        located(yaml, "/paths/~1a~0b/get/tags/1", true, None),
        "4:21 'y z'"
    );
}

#[test]
fn a_place_that_is_not_there_is_the_nearest_above() {
    stands("a:\n  b: 1\n", "/a/c/d", "1:1 a");
    stands("a: {b: 1}\n", "/x", "1:1 ");
    stands("a: [\n", "/a/0", "1:1 a");
}

#[test]
fn json_has_places_too() {
    let json = "{\n\t\"a\" :\t{\"b\\u00e9\": [1, \"\\ud83d\\ude00\", -2.5e3]},\n\"c\": null}";
    stands(json, "/a", "2:8 {");
    stands(json, "/a/bé/1", "2:24 \"\\ud83d\\ude00\"");
    stands(json, "/a/bé/2", "2:40 -2.5e3");
    stands(json, "/c", "3:6 null");
    let long = format!("{{\"{}\": 1}}", "k".repeat(5000));
    stands(&long, &format!("/{}", "k".repeat(5000)), "1:5006 1");
}

#[test]
fn places_lead_through_aliases_merges_and_tags() {
    let yaml = "base: &base\n  x: 1\n  y: {z: 2}\nuse: *base\nmerged:\n  <<: *base\n  x: 3\nmany:\n  <<: [{q: 4}, *base]\ntag: !Sub [a, {b: c}]\n";
    stands(yaml, "/use", "4:6 *base");
    stands(yaml, "/use/x", "2:6 1");
    stands(yaml, "/use/y/z", "3:10 2");
    stands(yaml, "/merged/x", "7:6 3");
    stands(yaml, "/merged/y/z", "3:10 2");
    stands(yaml, "/many/q", "9:12 4");
    stands(yaml, "/many/x", "2:6 1");
    stands(yaml, "/tag/Fn::Sub/1/b", "10:19 c");
    stands(yaml, "/tag/Fn::Sub", "10:11 [");
}

#[test]
fn members_of_wide_objects_have_places() {
    let mut yaml = String::from("<<: {m: 1}\n");
    for n in 0..100 {
        yaml += &format!("k{n}: {n}\n");
    }
    yaml += "k7: again\n";
    stands(&yaml, "/k42", "44:6 42");
    stands(&yaml, "/k7", "102:5 again");
    stands(&yaml, "/m", "1:9 1");
}

#[test]
fn offsets_point_into_every_kind_of_scalar() {
    // In each, the offset is that of the X in the value.
    for (source, value, expected) in [
        ("a: bcX d", "bcX d", "1:6"),
        ("a: 'bcX d'", "bcX d", "1:7"),
        ("a: 'it''s X'", "it's X", "1:11"),
        ("a: \"b\\n\\t\\u0041X\"", "b\n\tAX", "1:16"),
        ("a: \"\\U0001F600 X\"", "😀 X", "1:16"),
        ("a: |\n  one\n   two X\n", "one\n two X\n", "3:8"),
        ("a: >-\n  one\n  two\n\n  X", "one two\nX", "5:3"),
        ("a: plain\n  text\n  X", "plain text X", "3:3"),
        ("a: \"folded \\\n  é X\"", "folded é X", "2:5"),
    ] {
        let (read, findings) = load("a.yaml", source);
        assert_eq!((&read["a"], findings), (&json!(value), vec![]), "{source}");
        let offset = value.find('X');
        let at = located(source, "/a", false, offset);
        assert_eq!(at, format!("{expected} X"), "{source}");
    }
    let json = "{\"a\": \"\\ud83d\\ude00 X\"}";
    assert_eq!(located(json, "/a", false, "😀 X".find('X')), "1:21 X");
    // The end of a text is a place too, and nothing is beyond it.
    assert!(located("a: 'bc'", "/a", false, Some(2)).starts_with("1:7"));
    assert!(located("a: 'bc'", "/a", false, Some(99)).starts_with("1:7"));
    assert!(located("a: ''\nb: 1", "/a", false, Some(0)).starts_with("1:5"));
}

fn every<'d>(node: Node<'d>, all: &mut Vec<Node<'d>>) {
    all.push(node);
    node.entries().for_each(|(_, child)| every(child, all));
    node.items().for_each(|child| every(child, all));
}

#[test]
fn a_node_knows_where_it_stands() {
    let mut found = Findings::default();
    let source = "a/b: {c~d: [1, {e: [[2]]}]}\n'': {'': 3}\n";
    let document = text("a.yaml", source, &mut found).unwrap();
    let mut all = Vec::new();
    every(document.root().unwrap(), &mut all);
    let pointers: Vec<String> = all.iter().map(|node| node.place().pointer).collect();
    assert_eq!(
        pointers,
        [
            "",
            "/a~1b",
            "/a~1b/c~0d",
            "/a~1b/c~0d/0",
            "/a~1b/c~0d/1",
            "/a~1b/c~0d/1/e",
            "/a~1b/c~0d/1/e/0",
            "/a~1b/c~0d/1/e/0/0",
            "/",
            "//",
        ]
    );
    for node in all {
        assert!(document.at(&node.place()).unwrap().same(&node));
        assert!(node.key_place().key);
    }
}

#[test]
fn paths_that_are_no_files_are_refused() {
    for (path, code) in [
        (std::env::temp_dir(), "file-not-regular"),
        ("/dev/null".into(), "file-not-regular"),
        ("no/such/file.yaml".into(), "file-missing"),
    ] {
        if path.starts_with("/dev") && !cfg!(unix) {
            continue;
        }
        let mut found = Findings::default();
        let document = super::read(&path, &mut found).unwrap();
        assert_eq!(report(&document, &found), [format!("1:1 {code}")]);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|n| Value::from(f64::from(n) / 4.0)),
        "\\PC{0,12}".prop_map(Value::from),
        "[ -~\n\t\"\\\\':#]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[ -~é😀]{0,8}", inner, 0..6)
                .prop_map(|map| map.into_iter().filter(|(k, _)| k != "<<").collect()),
        ]
    })
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), json: bool) {
        all_styles(if json { "a.json" } else { "a.yaml" }, bytes);
    }

    #[test]
    fn text_that_looks_like_yaml_never_panics(source in "([ab:&*!<>|{}\\[\\],?'\"#\\-%@~0-9\u{85}é\t ]{0,6}\n?){0,12}") {
        all_styles("a.yaml", source.into_bytes());
    }

    #[test]
    fn json_comes_out_as_it_went_in(value in any_json(), pretty: bool) {
        let source = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        prop_assert_eq!(load("a.json", source.unwrap()), (value, vec![]));
    }

    #[test]
    fn yaml_comes_out_as_it_went_in(value in any_json()) {
        let source = serde_yaml::to_string(&value).unwrap();
        // These end lines in YAML 1.1, which the writer follows, and do not in 1.2.
        prop_assume!(!source.contains(['\u{85}', '\u{2028}', '\u{2029}']));
        prop_assert_eq!(load("a.yaml", source.clone()), (value, vec![]), "{}", source);
    }

    #[test]
    fn plain_scalars_mean_what_another_reader_says(
        text in "[-+]?(0[xob]|0)?[0-9a-f_]{0,20}(\\.[0-9]{0,3})?([eE][-+]?[0-9]{1,3})?|[-+.]{0,2}(inf|Inf|INF|nan|NaN|null|Null|true|TRUE|False|falsE|~)"
    ) {
        let Ok(other) = serde_yaml::from_str::<serde_yaml::Value>(&text) else {
            return Ok(());
        };
        let expected = match &other {
            // A hyphen alone begins a list: it is no scalar.
            serde_yaml::Value::Sequence(_) => return Ok(()),
            serde_yaml::Value::Number(number) if number.is_f64() => {
                let number = number.as_f64().unwrap();
                match serde_json::Number::from_f64(number) {
                    Some(number) => Value::Number(number),
                    None if number.is_nan() => Value::from(".nan"),
                    None => Value::from(if number > 0.0 { ".inf" } else { "-.inf" }),
                }
            }
            other => serde_json::to_value(other).unwrap(),
        };
        prop_assert_eq!(super::scalar::plain(&text), expected, "{}", text);
    }

    #[test]
    fn every_value_is_where_it_is_said_to_be(value in any_json(), pretty: bool) {
        let source = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let source = source.unwrap();
        let mut found = Findings::default();
        let document = text("a.json", source.clone(), &mut found).unwrap();
        let mut locator = Locator::new(&document.files[0]);
        let mut all = Vec::new();
        every(document.root().unwrap(), &mut all);
        for node in all {
            let there = &source[locator.find(&node.place()).span];
            match node.value() {
                Value::Object(_) => prop_assert_eq!(there, "{"),
                Value::Array(_) => prop_assert_eq!(there, "["),
                scalar => prop_assert_eq!(&serde_json::from_str::<Value>(there).unwrap(), scalar),
            }
        }
    }
}

/// Reads, follows, types and prints whatever this is.
fn all_styles(name: &str, bytes: Vec<u8>) {
    let mut found = Findings::default();
    let document = text(name, bytes, &mut found).unwrap();
    let document = crate::resolve::references(document, &mut found);
    crate::normalise::canonical(&document, &mut found);
    assert!(found.has_errors(), "nothing this short is OpenAPI");
    for style in [Style::Human, Style::Short, Style::Json] {
        assert!(!Renderer::new(&document, style).render(&found).is_empty());
    }
}

#[test]
fn names_on_the_way_to_a_value_have_a_limit_together() {
    let nested = |length: usize| {
        let name = "n".repeat(length);
        format!("{{\"{name}\": {{\"{name}\": 1}}}}")
    };
    assert_eq!(load("a.json", nested(4000)).1, Vec::<String>::new());
    let (value, findings) = load("a.json", nested(4100));
    assert_eq!(value, Value::Null);
    assert!(findings[0].ends_with("document-too-deep"), "{findings:?}");
}
