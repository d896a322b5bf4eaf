//! What each dialect makes of the same words, and what is said of slips.

use super::*;

/// Asks `/components/schemas/S` of a document about values; good ones first. Returns the findings.
fn ask(dialect: Dialect, schemas: &str, good: &[&str], bad: &[&str]) -> Vec<String> {
    ask_of(dialect, schemas, Messages::Requests, good, bad)
}

fn ask_of(
    dialect: Dialect,
    schemas: &str,
    message: Messages,
    good: &[&str],
    bad: &[&str],
) -> Vec<String> {
    let text = format!("components:\n  schemas:\n{schemas}");
    let mut document = Document::default();
    document.files.push(file("spec.yaml", &text, 0));
    let mut found = Findings::default();
    let document = crate::resolve::references(document, &mut found);
    let mut schemas = Schemas::new(&document);
    let node = document
        .root()
        .unwrap()
        .at("/components/schemas/S")
        .unwrap();
    let rules = schemas.rules(node, dialect, &mut found);
    let mut program = Program::of(&rules, &schemas.finish());
    for (json, wanted) in good
        .iter()
        .map(|v| (v, true))
        .chain(bad.iter().map(|v| (v, false)))
    {
        let root = program.root;
        let verdict = program
            .schemas
            .check(root, json.as_bytes(), message, &mut program.scratch);
        assert_eq!(verdict.is_ok(), wanted, "{json}: {verdict:?}\n{rules:?}");
    }
    let sorted = found.sorted();
    sorted
        .iter()
        .map(|finding| {
            let at = finding
                .place
                .pointer
                .trim_start_matches("/components/schemas/");
            format!("{at} {}", finding.code)
        })
        .collect()
}

#[test]
fn null_is_accepted_where_authors_mean_it() {
    for (schema, good, bad) in [
        (
            "    S: { type: string, nullable: true, enum: [a] }",
            &["null", "\"a\""][..],
            &["\"b\""][..],
        ),
        ("    S: { type: string, enum: [a] }", &["\"a\""], &["null"]),
        (
            "    S: { nullable: true, allOf: [ { $ref: '#/components/schemas/T' } ] }\n    T: { type: object }",
            &["null", "{}"],
            &["1"],
        ),
        (
            "    S: { type: object, nullable: true, allOf: [ { $ref: '#/components/schemas/T' } ] }\n    T: { type: object }",
            &["null", "{}"],
            &["1"],
        ),
        (
            "    S: { $ref: '#/components/schemas/T', nullable: true }\n    T: { type: object }",
            &["null", "{}"],
            &["1"],
        ),
        ("    S: { nullable: true }", &["null", "1"], &[]),
    ] {
        assert_eq!(
            ask(Dialect::OpenApi30, schema, good, bad),
            [""; 0],
            "{schema}"
        );
    }
    let schema = "    S: { type: string, x-nullable: true }";
    assert_eq!(ask(Dialect::Swagger2, schema, &["null"], &["1"]), [""; 0]);
    let schema = "    S: { type: [string, 'null'] }";
    assert_eq!(
        ask(Dialect::Json2020_12, schema, &["null"], &["1"]),
        [""; 0]
    );
    let schema = "    S: { type: string, nullable: true }";
    assert_eq!(
        ask(Dialect::Json2020_12, schema, &["\"a\""], &["null"]),
        ["S/nullable schema-keyword-unknown"]
    );
}

#[test]
fn bounds_exclude_in_either_way() {
    let schema =
        "    S: { minimum: 1, exclusiveMinimum: true, maximum: 5, exclusiveMaximum: false }";
    assert_eq!(
        ask(Dialect::OpenApi30, schema, &["1.1", "5"], &["1", "6"]),
        [""; 0]
    );
    let schema = "    S: { exclusiveMinimum: 1, exclusiveMaximum: 5 }";
    assert_eq!(
        ask(Dialect::Json2020_12, schema, &["2"], &["1", "5"]),
        [""; 0]
    );
    assert_eq!(
        ask(Dialect::OpenApi30, schema, &["2"], &["1", "5"]),
        [
            "S/exclusiveMaximum schema-keyword-invalid",
            "S/exclusiveMinimum schema-keyword-invalid"
        ]
    );
}

#[test]
fn numbers_keep_all_their_digits() {
    let schema = "    S: { maximum: 18446744073709551617, multipleOf: 0.01 }";
    let good = ["18446744073709551617", "0.99", "1e2"];
    let bad = ["18446744073709551617.01", "18446744073709551618", "0.999"];
    assert_eq!(ask(Dialect::OpenApi30, schema, &good, &bad), [""; 0]);
    let schema = "    S: { enum: [ 12345678901234567890.5 ] }";
    assert_eq!(
        ask(
            Dialect::OpenApi30,
            schema,
            &["12345678901234567890.5"],
            &["12345678901234567890"]
        ),
        [""; 0]
    );
}

#[test]
fn what_is_read_or_written_alone_is_demanded_one_way() {
    let schema = "
    S:
      required: [id, secret, name]
      properties:
        id: { readOnly: true }
        secret: { $ref: '#/components/schemas/Secret' }
        name: {}
    Secret: { writeOnly: true }";
    let (request, response) = (r#"{"secret":1,"name":1}"#, r#"{"id":1,"name":1}"#);
    for dialect in [Dialect::OpenApi30, Dialect::Json2020_12] {
        let said = ask_of(dialect, schema, Messages::Requests, &[request], &[response]);
        assert_eq!(said, [""; 0]);
        let said = ask_of(
            dialect,
            schema,
            Messages::Responses,
            &[response],
            &[request],
        );
        assert_eq!(said, [""; 0]);
    }
    // The list may stand beside what declares its members.
    let schema =
        "    S: { allOf: [ { properties: { id: { readOnly: true } } }, { required: [id] } ] }";
    assert_eq!(ask(Dialect::OpenApi30, schema, &["{}"], &[]), [""; 0]);
}

const PETS: &str = "
    Cat: { allOf: [ { $ref: '#/components/schemas/Pet' }, { required: [lives] } ], properties: { lives: { type: integer } } }
    Dog: { allOf: [ { $ref: '#/components/schemas/Pet' } ] }
    Puppy: { allOf: [ { $ref: '#/components/schemas/Dog' }, { type: object, required: [age], properties: { age: {} } } ] }
    Pet:
      type: object
      required: [kind]
      properties: { kind: { type: string } }
";

#[test]
fn discriminators_choose() {
    // Children of a parent, and theirs.
    let schema = format!(
        "    S: {{ $ref: '#/components/schemas/Pet' }}{PETS}      discriminator: {{ propertyName: kind, mapping: {{ tom: Cat }} }}"
    );
    let good = [
        r#"{"kind":"Dog"}"#,
        r#"{"kind":"Cat","lives":9}"#,
        r#"{"kind":"tom","lives":9}"#,
        r#"{"kind":"Puppy","age":1}"#,
        r#"{"kind":"Pet"}"#,
    ];
    let bad = [
        r#"{"kind":"Cat"}"#,
        r#"{"kind":"tom"}"#,
        r#"{"kind":"Puppy"}"#,
        r#"{"kind":"Cow"}"#,
        r#"{"kind":1}"#,
        "{}",
        "[]",
    ];
    let said = ask(Dialect::OpenApi30, &schema, &good, &bad);
    assert_eq!(said, [""; 0]);
    // Branches that do not exclude each other.
    let union = "    S:
      oneOf: [ { $ref: '#/components/schemas/Cat' }, { $ref: '#/components/schemas/Dog' } ]
      discriminator: { propertyName: kind, mapping: { rex: '#/components/schemas/Dog' } }";
    let good = [
        r#"{"kind":"Cat","lives":9}"#,
        r#"{"kind":"rex"}"#,
        r#"{"kind":"Dog","lives":9}"#,
    ];
    let bad = [
        r#"{"kind":"Cat"}"#,
        r#"{"kind":"Cow"}"#,
        r#"{"lives":9}"#,
        "1",
    ];
    for dialect in [Dialect::OpenApi30, Dialect::Json2020_12] {
        let said = ask(dialect, &format!("{union}{PETS}"), &good, &bad);
        assert_eq!(said, [""; 0]);
    }
    // 2.0 names the member alone.
    let schema = "    S: { discriminator: kind, type: object, required: [kind], properties: { kind: { enum: [a, T] } } }
    T: { allOf: [ { $ref: '#/components/schemas/S' } ], required: [t] }";
    let (good, bad) = (
        [r#"{"kind":"a"}"#, r#"{"kind":"T","t":1}"#],
        [r#"{"kind":"T"}"#, r#"{"kind":"b"}"#],
    );
    let said = ask(Dialect::Swagger2, schema, &good, &bad);
    assert_eq!(said, ["T/required/0 schema-required-undeclared"]);
    // One that cannot choose.
    let schema = "    S: { oneOf: [ { type: string } ], discriminator: { propertyName: kind } }";
    assert_eq!(
        ask(Dialect::OpenApi30, schema, &["\"a\""], &["1"]),
        ["S/discriminator schema-discriminator"]
    );
}

#[test]
fn beside_a_reference_it_depends_on_the_dialect() {
    let schema = "    S: { $ref: '#/components/schemas/T', maxLength: 1 }\n    T: { type: string }";
    assert_eq!(
        ask(Dialect::OpenApi30, schema, &["\"abc\""], &["1"]),
        ["S/maxLength schema-ref-siblings"]
    );
    assert_eq!(
        ask(Dialect::Json2020_12, schema, &["\"a\""], &["\"abc\"", "1"]),
        [""; 0]
    );
}

#[test]
fn slips_are_told_where_they_stand() {
    for (schema, said) in [
        (
            "    S: { type: string, maxLenght: 5 }",
            "S/maxLenght schema-keyword-unknown",
        ),
        ("    S: { type: text }", "S/type schema-keyword-invalid"),
        ("    S: { type: [string] }", "S/type schema-keyword-invalid"),
        (
            "    S: { minLength: long }",
            "S/minLength schema-keyword-invalid",
        ),
        (
            "    S: { maxItems: -1 }",
            "S/maxItems schema-keyword-invalid",
        ),
        (
            "    S: { multipleOf: 0 }",
            "S/multipleOf schema-keyword-invalid",
        ),
        (
            "    S: { minimum: '1' }",
            "S/minimum schema-keyword-invalid",
        ),
        (
            "    S: { required: true }",
            "S/required schema-keyword-invalid",
        ),
        (
            "    S: { properties: [a] }",
            "S/properties schema-keyword-invalid",
        ),
        ("    S: { allOf: {} }", "S/allOf schema-keyword-invalid"),
        ("    S: { enum: [] }", "S/enum schema-contradiction"),
        (
            "    S: { minLength: 5, maxLength: 3 }",
            "S/minLength schema-contradiction",
        ),
        (
            "    S: { minimum: 5, maximum: 3 }",
            "S/minimum schema-contradiction",
        ),
        (
            "    S: { type: integer, enum: [a] }",
            "S/enum schema-contradiction",
        ),
        (
            "    S: { required: [a], properties: { b: {} } }",
            "S/required/0 schema-required-undeclared",
        ),
        ("    S: { format: isbn }", "S/format schema-format-unknown"),
        (
            "    S: { pattern: '^(a)\\1$' }",
            "S/pattern pattern-not-portable",
        ),
        ("    S: { items: 5 }", "S/items schema-malformed"),
        ("    S: { const: 1 }", "S/const schema-keyword-unknown"),
        (
            "    S: { discriminator: kind }",
            "S/discriminator schema-keyword-invalid",
        ),
    ] {
        assert_eq!(
            ask(Dialect::OpenApi30, schema, &[], &[]),
            [said],
            "{schema}"
        );
    }
}

#[test]
fn a_pattern_that_cannot_be_checked_refuses_nothing() {
    let schema = "    S: { pattern: '(?i)abc', patternProperties: { '(a)\\1': {} }, additionalProperties: false }";
    assert_eq!(
        ask(Dialect::OpenApi30, schema, &["\"x\"", r#"{"b":1}"#], &[]),
        [
            "S/pattern pattern-not-portable",
            "S/patternProperties/(a)\\1 pattern-not-portable"
        ]
    );
}

#[test]
fn large_patterns_are_counted() {
    let members = |count: usize| -> String {
        let member = |n| format!("p{n:02}: {{ pattern: 'a[^b]{{900}}{n}' }}");
        let members: Vec<String> = (0..count).map(member).collect();
        format!(
            "    S: {{ properties: {{ small: {{ pattern: '^a+$' }}, {} }} }}",
            members.join(", ")
        )
    };
    assert_eq!(
        ask(
            Dialect::OpenApi30,
            &members(65),
            &[r#"{"p64":"b"}"#],
            &[r#"{"p00":"b"}"#]
        ),
        ["S/properties/p64/pattern pattern-not-portable"]
    );
}

#[test]
fn schemas_that_refer_to_each_other_cost_their_sum() {
    // Each refers twice to the next: inlined, that would be 2^40.
    let mut schemas = String::from("    S: { $ref: '#/components/schemas/A0' }\n");
    for n in 0..40 {
        let next = format!("{{ $ref: '#/components/schemas/A{}' }}", n + 1);
        schemas.push_str(&format!(
            "    A{n}: {{ allOf: [ {next}, {next} ], properties: {{ a: {next}, b: {next} }} }}\n"
        ));
    }
    schemas.push_str("    A40: { properties: { a: { $ref: '#/components/schemas/A0' } } }\n");
    let value = r#"{"a":{"b":{"a":{}}},"b":[]}"#;
    assert_eq!(ask(Dialect::OpenApi30, &schemas, &[value], &[]), [""; 0]);
}

#[test]
fn the_order_of_members_makes_no_difference() {
    let lowered = |text: &str| {
        let mut document = Document::default();
        document.files.push(file("spec.yaml", text, 0));
        let mut found = Findings::default();
        let mut schemas = Schemas::new(&document);
        let rules = schemas.rules(document.root().unwrap(), Dialect::OpenApi30, &mut found);
        (rules, schemas.finish())
    };
    assert_eq!(
        lowered(
            "{ required: [b, a], properties: { b: { $ref: '#/x' }, a: { type: string, minLength: 1 } }, x: {} }"
        ),
        lowered(
            "{ x: {}, properties: { a: { minLength: 1, type: string }, b: { $ref: '#/x' } }, required: [a, b] }"
        )
    );
}
