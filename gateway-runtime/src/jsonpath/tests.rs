#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Budget, Exhausted, Path, Query, Step};

/// The compliance suite of the JSONPath standard (BSD-2-Clause; its licence lies beside it).
const SUITE: &str = include_str!("../../tests/jsonpath/cts.json");

const PLENTY: Budget = Budget::new(1_000_000);

fn found(query: &str, value: &Value) -> (Vec<Value>, Vec<String>) {
    let query = Query::parse(query).unwrap_or_else(|fault| panic!("{query}: {fault}"));
    let values = query.values(value, &mut PLENTY.clone()).unwrap();
    let paths = query.paths(value, &mut PLENTY.clone()).unwrap();
    (
        values.into_iter().cloned().collect(),
        paths.iter().map(Path::to_string).collect(),
    )
}

#[test]
fn the_compliance_suite_is_passed() {
    let suite: Value = serde_json::from_str(SUITE).unwrap();
    let tests = suite["tests"].as_array().unwrap();
    assert!(tests.len() > 700, "{}", tests.len());
    let mut failed = Vec::new();
    for test in tests {
        let selector = test["selector"].as_str().unwrap();
        let parsed = Query::parse(selector);
        if test["invalid_selector"] == true {
            if parsed.is_ok() {
                failed.push(format!("accepted: {}", test["name"]));
            }
            continue;
        }
        let query = match parsed {
            Ok(query) => query,
            Err(fault) => {
                failed.push(format!("refused: {} {selector} {fault}", test["name"]));
                continue;
            }
        };
        let document = &test["document"];
        let values = query.values(document, &mut PLENTY.clone()).unwrap();
        let values: Value = values.into_iter().cloned().collect();
        let paths = query.paths(document, &mut PLENTY.clone()).unwrap();
        let paths: Value = paths.iter().map(|p| Value::from(p.to_string())).collect();
        // Where the order of members is open, the suite lists every answer.
        let good = match test.get("results") {
            Some(several) => {
                let all = several.as_array().unwrap().iter();
                let other = test["results_paths"].as_array().unwrap().iter();
                all.zip(other).any(|(v, p)| *v == values && *p == paths)
            }
            None => test["result"] == values && test["result_paths"] == paths,
        };
        if !good {
            failed.push(format!(
                "{}: {selector} gave {values} {paths}",
                test["name"]
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn faults_stand_at_their_byte() {
    for (query, offset) in [
        ("", 0),
        ("a", 0),
        ("$.", 2),
        ("$ ", 1),
        ("$.a-b", 3),
        ("$['a", 2),
        ("$['a\\x']", 4),
        ("$[01]", 2),
        ("$[9007199254740992]", 2),
        ("$[?@.a = 1]", 7),
        ("$[?'x']", 3),
        ("$[?@.* == 1]", 3),
        ("$[?length(@.*) < 3]", 10),
        ("$[?size(@) < 3]", 3),
        ("$[?count(1) < 3]", 9),
        ("$[?match(@.a)]", 12),
        ("$[?match(@.a, 'x') == true]", 3),
        ("$[?length(@)]", 3),
        ("$[?(@.a]", 7),
    ] {
        let fault = Query::parse(query).unwrap_err();
        assert_eq!(fault.offset, offset, "{query}: {fault}");
    }
    let deep = format!("$[?{}@{}]", "(".repeat(100), ")".repeat(100));
    assert!(Query::parse(&deep).is_err());
    let nots = format!("$[?{}@]", "!(".repeat(100));
    assert!(Query::parse(&nots).is_err());
    let filters = format!("$[?@{}", "[?@".repeat(100));
    assert!(Query::parse(&filters).is_err());
}

#[test]
fn a_query_ends_when_its_steps_are_used_up() {
    let mut value = json!(1);
    for _ in 0..14 {
        value = json!([value.clone(), value]);
    }
    for query in ["$..*", "$..[?@..*]", "$..[?@ == $]", "$..*..*..*..*..*"] {
        let query = Query::parse(query).unwrap();
        let mut budget = Budget::new(20_000);
        assert_eq!(query.paths(&value, &mut budget), Err(Exhausted));
        assert_eq!(budget, Budget::new(0));
    }
}

#[test]
fn what_overlays_ask() {
    let document = json!({"paths": {"/pets": {"get": {"tags": ["a", "b"], "x": 1}, "post": {}},
        "/a.b": {"get": {"operationId": "x"}}}});
    let (_, paths) = found("$.paths[?@.get].get", &document);
    assert_eq!(
        paths,
        ["$['paths']['/pets']['get']", "$['paths']['/a.b']['get']"]
    );
    let (_, paths) = found("$.paths.*[?@.operationId == 'x']", &document);
    assert_eq!(paths, ["$['paths']['/a.b']['get']"]);
    let (values, _) = found("$.paths.*.get.tags[?@ == 'b']", &document);
    assert_eq!(values, [json!("b")]);
}

/// Values with few names, so that queries meet something.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..4).prop_map(Value::from),
        (-3.0_f64..4.0).prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[abc]", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn segments(filters: u32) -> BoxedStrategy<String> {
    let index = -3_i64..4;
    let slice = (
        proptest::option::of(index.clone()),
        proptest::option::of(index.clone()),
        proptest::option::of(index.clone()),
    )
        .prop_map(|(start, end, step)| {
            let text = |part: Option<i64>| part.map(|n| n.to_string()).unwrap_or_default();
            let step = step.map(|n| format!(":{n}")).unwrap_or_default();
            format!("{}:{}{step}", text(start), text(end))
        });
    let mut selector = prop_oneof![
        "[abc]".prop_map(|name| format!("'{name}'")),
        Just("*".to_owned()),
        index.prop_map(|index| index.to_string()),
        slice,
    ]
    .boxed();
    if filters > 0 {
        let test = test(filters - 1).prop_map(|test| format!("?{test}"));
        selector = prop_oneof![3 => selector, 1 => test].boxed();
    }
    let brackets =
        proptest::collection::vec(selector, 1..3).prop_map(|list| format!("[{}]", list.join(", ")));
    let segment = prop_oneof![
        "[abc]".prop_map(|name| format!(".{name}")),
        "[abc]".prop_map(|name| format!("..{name}")),
        Just(".*".to_owned()),
        Just("..*".to_owned()),
        brackets.clone(),
        brackets.prop_map(|brackets| format!("..{brackets}")),
    ];
    proptest::collection::vec(segment, 0..4)
        .prop_map(|list| list.concat())
        .boxed()
}

fn test(filters: u32) -> BoxedStrategy<String> {
    let root = prop_oneof![Just("@"), Just("$")];
    let singular = (
        root.clone(),
        proptest::collection::vec(
            prop_oneof![
                "[abc]".prop_map(|name| format!(".{name}")),
                (-2_i64..3).prop_map(|index| format!("[{index}]")),
            ],
            0..3,
        ),
    )
        .prop_map(|(root, steps)| format!("{root}{}", steps.concat()));
    let query = (root, segments(filters)).prop_map(|(root, segments)| format!("{root}{segments}"));
    let side = prop_oneof![
        (-3_i64..4).prop_map(|n| n.to_string()),
        Just("1.5".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        "[ab]{0,2}".prop_map(|text| format!("'{text}'")),
        singular.clone(),
        singular
            .clone()
            .prop_map(|query| format!("length({query})")),
        query.clone().prop_map(|query| format!("count({query})")),
        query.clone().prop_map(|query| format!("value({query})")),
    ];
    let operator = prop_oneof![
        Just("=="),
        Just("!="),
        Just("<"),
        Just("<="),
        Just(">"),
        Just(">=")
    ];
    let leaf = prop_oneof![
        (side.clone(), operator, side).prop_map(|(left, op, right)| format!("{left} {op} {right}")),
        query.clone(),
        query.prop_map(|query| format!("!{query}")),
        (singular.clone(), "[ab.]{0,3}").prop_map(|(text, re)| format!("match({text}, '{re}')")),
        (singular, "[ab.]{0,3}").prop_map(|(text, re)| format!("search({text}, '{re}')")),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} && {b}")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.prop_map(|test| format!("!({test})")),
        ]
    })
    .boxed()
}

proptest! {
    #[test]
    fn another_implementation_agrees(value in value(), query in segments(2)) {
        let text = format!("${query}");
        let theirs = serde_json_path::JsonPath::parse(&text).unwrap();
        let ours = Query::parse(&text).unwrap();
        let values = ours.values(&value, &mut PLENTY.clone());
        let paths = ours.paths(&value, &mut PLENTY.clone());
        let (Ok(values), Ok(paths)) = (values, paths) else { return Ok(()) };
        let located = theirs.query_located(&value);
        let expected: Vec<&Value> = located.iter().map(|node| node.node()).collect();
        prop_assert_eq!(&values, &expected, "{}", text);
        let expected: Vec<String> = located.iter().map(|node| node.location().to_string()).collect();
        let written: Vec<String> = paths.iter().map(Path::to_string).collect();
        prop_assert_eq!(written, expected, "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\$[.*\\[\\]?@$'\"a0:,()!=<>&| \\\\u\\PC]{0,30}") {
        if let Ok(query) = Query::parse(&text) {
            let _ = query.values(&json!({"a": [1, {"a": "x"}]}), &mut PLENTY.clone());
        } else {
            prop_assert!(Query::parse(&text).unwrap_err().offset <= text.len());
        }
    }

    #[test]
    fn a_path_leads_to_its_node(value in value()) {
        let paths = Query::parse("$..*").unwrap().paths(&value, &mut PLENTY.clone()).unwrap();
        for path in paths {
            let again = Query::parse(&path.to_string()).unwrap();
            let [only] = again.values(&value, &mut PLENTY.clone()).unwrap()[..] else { panic!("{path}") };
            let mut walked = &value;
            for step in &path.0 {
                walked = match step {
                    Step::Index(index) => &walked[*index],
                    Step::Name(name) => &walked[name.as_str()],
                };
            }
            prop_assert!(std::ptr::eq(only, walked));
        }
    }
}
