//! Schemas and values made by chance, judged by our programs and by the `jsonschema` crate.
//!
//! What they once judged differently, and what is worth trying every time, is kept in `tests/json-schema/differential.jsonl`.
//! `PROPTEST_CASES=100000` makes it a longer run.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::*;

fn ours(schema: &Value) -> Program {
    let mut document = Document::default();
    document
        .files
        .push(file("schema.json", &schema.to_string(), 0));
    let mut found = Findings::default();
    let mut schemas = Schemas::new(&document).without_formats();
    let rules = schemas.rules(document.root().unwrap(), Dialect::Json2020_12, &mut found);
    Program::of(&rules, &schemas.finish())
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c", "ab"]).prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3_i64..6).prop_map(Value::from),
        prop::sample::select(vec![0.5, 1.5, 2.0, -1.0, 1e30]).prop_map(Value::from),
        prop::sample::select(vec!["", "a", "b", "ab", "é😀"]).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A keyword with a value that needs no other schema.
fn plain() -> impl Strategy<Value = (String, Value)> {
    let types = [
        "null", "boolean", "integer", "number", "string", "array", "object",
    ];
    let keyword = |name: &'static str| move |value: Value| (name.to_owned(), value);
    let count =
        |name: &'static str| (0_u64..4).prop_map(move |n| (name.to_owned(), Value::from(n)));
    let bound =
        |name: &'static str| (-2_i64..4).prop_map(move |n| (name.to_owned(), Value::from(n)));
    let names = || prop::collection::btree_set(name(), 0..3).prop_map(|names| json!(names));
    prop_oneof![
        prop::sample::subsequence(types.to_vec(), 1..5)
            .prop_map(|t| json!(t))
            .prop_map(keyword("type")),
        prop::collection::vec(value(), 1..4)
            .prop_map(Value::from)
            .prop_map(keyword("enum")),
        value().prop_map(keyword("const")),
        bound("minimum"),
        bound("maximum"),
        bound("exclusiveMinimum"),
        bound("exclusiveMaximum"),
        prop::sample::select(vec![json!(0.5), json!(2), json!(0.3)])
            .prop_map(keyword("multipleOf")),
        count("minLength"),
        count("maxLength"),
        prop::sample::select(vec!["a", "^.$", "^$", "^[^a]"])
            .prop_map(Value::from)
            .prop_map(keyword("pattern")),
        count("minItems"),
        count("maxItems"),
        any::<bool>()
            .prop_map(Value::from)
            .prop_map(keyword("uniqueItems")),
        count("minProperties"),
        count("maxProperties"),
        names().prop_map(keyword("required")),
        (name(), names)
            .prop_map(|(name, names)| ("dependentRequired".to_owned(), json!({ name: names }))),
    ]
}

/// A schema; `free` says whether a reference may stand in it for the same value, which in `$defs` could go round for ever.
fn schema(depth: u32, free: bool) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        8 => prop::collection::vec(plain(), 0..3).prop_map(|keywords| Value::Object(keywords.into_iter().collect())),
        1 => any::<bool>().prop_map(Value::from),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let inner = || schema(depth - 1, true);
    let same = || schema(depth - 1, free);
    let keyword = |name: &'static str| move |value: Value| (name.to_owned(), value);
    let table = || {
        prop::collection::btree_map(name(), inner(), 1..3)
            .prop_map(|all| Value::Object(all.into_iter().collect::<Map<String, Value>>()))
    };
    let same_list = || prop::collection::vec(same(), 1..4).prop_map(Value::from);
    let reference = prop::sample::select(vec!["#/$defs/p", "#/$defs/q"]).prop_map(Value::from);
    let applied = prop_oneof![
        4 => table().prop_map(keyword("properties")),
        1 => inner().prop_map(|one| ("patternProperties".to_owned(), json!({ "^a": one }))),
        1 => inner().prop_map(keyword("additionalProperties")),
        1 => inner().prop_map(keyword("propertyNames")),
        1 => (name(), same()).prop_map(|(name, one)| ("dependentSchemas".to_owned(), json!({ name: one }))),
        1 => inner().prop_map(keyword("unevaluatedProperties")),
        2 => inner().prop_map(keyword("items")),
        1 => prop::collection::vec(inner(), 1..3).prop_map(Value::from).prop_map(keyword("prefixItems")),
        1 => inner().prop_map(keyword("contains")),
        1 => (0_u64..3).prop_map(Value::from).prop_map(keyword("minContains")),
        1 => (0_u64..3).prop_map(Value::from).prop_map(keyword("maxContains")),
        1 => inner().prop_map(keyword("unevaluatedItems")),
        2 => same_list().prop_map(keyword("allOf")),
        2 => same_list().prop_map(keyword("anyOf")),
        2 => same_list().prop_map(keyword("oneOf")),
        1 => same().prop_map(keyword("not")),
        1 => same().prop_map(keyword("if")),
        1 => same().prop_map(keyword("then")),
        1 => same().prop_map(keyword("else")),
        2 => plain(),
        2 => reference.prop_map(move |to| if free { ("$ref".to_owned(), to) } else { ("title".to_owned(), to) }),
    ];
    prop_oneof![
        1 => leaf,
        4 => prop::collection::vec(applied, 1..4).prop_map(|all| Value::Object(all.into_iter().collect())),
    ]
    .boxed()
}

fn whole() -> impl Strategy<Value = Value> {
    (schema(3, true), schema(2, false), schema(2, false)).prop_map(|(root, p, q)| {
        let mut root = match root {
            Value::Object(members) => members,
            other => Map::from_iter([("allOf".to_owned(), json!([other]))]),
        };
        root.insert("$defs".to_owned(), json!({ "p": p, "q": q }));
        Value::Object(root)
    })
}

/// How both judge the same; `None`: the other does not take the schema.
fn disagreement(schema: &Value, values: &[Value]) -> Option<String> {
    let theirs = jsonschema::draft202012::new(schema).ok()?;
    let mut program = ours(schema);
    values.iter().find_map(|value| {
        let ours = program.check(&value.to_string());
        (ours.is_ok() != theirs.is_valid(value)).then(|| {
            format!(
                "{}\nours: {ours:?}",
                json!({ "schema": schema, "data": value })
            )
        })
    })
}

#[test]
fn what_is_kept_is_judged_alike() {
    let rows = lines("json-schema/differential.jsonl");
    assert!(!rows.is_empty());
    for row in rows {
        let values = std::slice::from_ref(&row["data"]);
        assert_eq!(disagreement(&row["schema"], values), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn another_validator_agrees(schema in whole(), values in prop::collection::vec(value(), 1..8)) {
        let disagreement = disagreement(&schema, &values);
        prop_assert_eq!(disagreement, None);
    }
}
