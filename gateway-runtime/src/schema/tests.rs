//! What programs say of texts.

#![expect(clippy::unwrap_used, reason = "a test that cannot begin should stop")]

use super::*;
use crate::def::{
    Format, Messages, Rule, SchemaDef, Types, array, integer, null, number, object, property,
    required, string,
};

/// A table without anchors.
const fn row(place: &'static str, rules: Rules) -> SchemaDef {
    SchemaDef {
        place,
        rules,
        anchors: &[],
    }
}

fn check_in(defs: &'static [SchemaDef], rules: Rules, json: &str) -> Result<(), Violations> {
    let mut schemas = Schemas::new(defs).unwrap();
    let root = schemas.add("#/root", rules).unwrap();
    let mut scratch = Scratch::default();
    schemas.check(root, json.as_bytes(), Messages::Requests, &mut scratch)
}

fn check(rules: Rules, json: &str) -> Result<(), Violations> {
    check_in(&[], rules, json)
}

/// What is wrong, a line each: pointer, place of the demand, sentence.
fn told(result: Result<(), Violations>) -> Vec<String> {
    match result {
        Ok(()) => Vec::new(),
        Err(Violations::Invalid { list, .. }) => list
            .iter()
            .map(|v| format!("{} {} {}", v.pointer, v.schema, v.message))
            .collect(),
        Err(Violations::Malformed(malformed)) => vec![malformed.to_string()],
        Err(Violations::TooComplex) => vec!["too complex".to_owned()],
    }
}

const BOOK: Rules = &[
    object(),
    required(&["title", "pages"]),
    property(
        "title",
        &[string(), Rule::MinLength(1), Rule::MaxLength(20)],
    ),
    property("pages", &[integer(), Rule::Minimum("1")]),
    property(
        "tags",
        &[array(), Rule::UniqueItems, Rule::Items(&[string()])],
    ),
    Rule::AdditionalProperties(&[Rule::Never]),
];

#[test]
fn a_good_text_passes() {
    for json in [
        r#"{"title":"a","pages":1}"#,
        r#" { "pages" : 3.0e0 , "title" : "\u00e9\ud83d\ude00", "tags": [] } "#,
        r#"{"title":"a","pages":18446744073709551617,"tags":["a","b"]}"#,
    ] {
        assert_eq!(check(BOOK, json), Ok(()), "{json}");
    }
}

#[test]
fn everything_that_is_wrong_is_told() {
    let json = r#"{"title":"","pages":0.5,"tags":["a",1,"a"],"a/b":1}"#;
    assert_eq!(
        told(check(BOOK, json)),
        [
            "/title #/root/properties/title/minLength must have at least 1 character",
            "/pages #/root/properties/pages/type must be an integer",
            "/tags/1 #/root/properties/tags/items/type must be a string",
            "/tags #/root/properties/tags/uniqueItems must not have two equal elements",
            "/a~1b #/root/additionalProperties must not be there: the schema names no such property",
        ]
    );
    assert_eq!(
        told(check(BOOK, "{}")),
        [
            " #/root/required must have the property `title`",
            " #/root/required must have the property `pages`",
        ]
    );
}

#[test]
fn every_occurrence_of_a_member_is_checked() {
    for json in [
        r#"{"title":"a","pages":1,"pages":"x"}"#,
        r#"{"title":"a","pages":"x","pages":1}"#,
        r#"{"title":"a","pages":1,"p\u0061ges":"x"}"#,
    ] {
        assert!(check(BOOK, json).is_err(), "{json}");
    }
}

#[test]
fn what_is_no_json_is_refused_at_its_byte() {
    let deep = "[".repeat(100_000);
    for (json, offset) in [
        ("", 0),
        (" ", 1),
        ("{", 1),
        ("[1,]", 3),
        (r#"{"a":1,}"#, 7),
        ("NaN", 0),
        ("-Infinity", 1),
        ("01", 1),
        ("1.", 2),
        ("1e", 2),
        ("+1", 0),
        ("tru", 0),
        ("\"a", 2),
        ("\"a\nb\"", 2),
        (r#""\x""#, 2),
        (r#""\ud800""#, 7),
        (r#""\ud800\u0041""#, 7),
        (r#""\udc00""#, 1),
        ("1 2", 2),
        ("\u{feff}1", 0),
        ("{\"a\" 1}", 5),
        ("{a:1}", 1),
        (deep.as_str(), 128),
    ] {
        for rules in [
            &[][..],
            &[Rule::Not(&[Rule::Never])],
            &[Rule::AnyOf(&[&[], &[Rule::Never]])],
        ] {
            match check(rules, json) {
                Err(Violations::Malformed(at)) => assert_eq!(at.offset, offset, "{json}: {at}"),
                other => panic!("{json}: {other:?}"),
            }
        }
    }
    let mut schemas = Schemas::new(&[]).unwrap();
    let root = schemas.add("#", &[]).unwrap();
    let bytes = schemas.check(
        root,
        b"\"a\xff\"",
        Messages::Requests,
        &mut Scratch::default(),
    );
    assert!(matches!(bytes, Err(Violations::Malformed(at)) if at.offset == 2));
}

#[test]
fn members_may_be_demanded_one_way_alone() {
    const RULES: Rules = &[Rule::Required {
        within: Messages::Responses,
        names: &["id"],
    }];
    let mut schemas = Schemas::new(&[]).unwrap();
    let root = schemas.add("#", RULES).unwrap();
    let mut scratch = Scratch::default();
    assert!(
        schemas
            .check(root, b"{}", Messages::Requests, &mut scratch)
            .is_ok()
    );
    assert!(
        schemas
            .check(root, b"{}", Messages::Responses, &mut scratch)
            .is_err()
    );
}

const PETS: &[SchemaDef] = &[
    row(
        "#/components/schemas/Cat",
        &[Rule::AllOf(&[
            &[Rule::Ref(2)],
            &[required(&["lives"]), property("lives", &[integer()])],
        ])],
    ),
    row(
        "#/components/schemas/Dog",
        &[Rule::AllOf(&[&[Rule::Ref(2)]])],
    ),
    row(
        "#/components/schemas/Pet",
        &[
            object(),
            required(&["kind"]),
            property("kind", &[string()]),
            Rule::Discriminator {
                property: "kind",
                mapping: &[("Cat", 0), ("Dog", 1)],
            },
        ],
    ),
    row(
        "#/components/schemas/Tree",
        &[
            property("children", &[array(), Rule::Items(&[Rule::Ref(3)])]),
            object(),
        ],
    ),
    row("#/a", &[Rule::Ref(5)]),
    row("#/b", &[Rule::Ref(4)]),
    row("#/c", &[Rule::AnyOf(&[&[Rule::Ref(6)], &[string()]])]),
];

#[test]
fn a_discriminator_names_the_schema() {
    let pet = |json| told(check_in(PETS, &[Rule::Ref(2)], json));
    assert_eq!(pet(r#"{"kind":"Dog"}"#), [""; 0]);
    assert_eq!(pet(r#"{"lives":9,"kind":"Cat"}"#), [""; 0]);
    assert_eq!(
        pet(r#"{"kind":"Cat"}"#),
        [" #/components/schemas/Cat/allOf/1/required must have the property `lives`"]
    );
    assert_eq!(
        pet(r#"{"kind":"Cow"}"#),
        ["/kind #/components/schemas/Pet/discriminator must be one of \"Cat\", \"Dog\""]
    );
    let cat = |json| told(check_in(PETS, &[Rule::Ref(0)], json));
    assert_eq!(cat(r#"{"lives":9,"kind":"Cat"}"#), [""; 0]);
    assert_eq!(
        pet("7"),
        [" #/components/schemas/Pet/type must be an object"]
    );
}

#[test]
fn schemas_may_contain_themselves() {
    let tree = r#"{"children":[{"children":[{}]},{"children":[7]}]}"#;
    assert_eq!(
        told(check_in(PETS, &[Rule::Ref(3)], tree)),
        ["/children/1/children/0 #/components/schemas/Tree/type must be an object"]
    );
    assert_eq!(check_in(PETS, &[Rule::Ref(4)], "7"), Ok(()));
    assert_eq!(check_in(PETS, &[Rule::Ref(6)], "7"), Ok(()));
}

#[test]
fn unions_tell_of_the_branch_that_got_furthest() {
    const SHAPES: Rules = &[Rule::OneOf(&[
        &[
            object(),
            property("kind", &[Rule::Enum(&["\"circle\""])]),
            property("r", &[number()]),
        ],
        &[
            object(),
            property("kind", &[Rule::Enum(&["\"square\""])]),
            property("a", &[number()]),
        ],
        &[null()],
    ])];
    assert_eq!(
        told(check(SHAPES, r#"{"kind":"square","a":"x"}"#)),
        ["/a #/root/oneOf/1/properties/a/type must be a number"]
    );
    assert_eq!(
        told(check(SHAPES, "7")),
        [" #/root/oneOf must be an object or null"]
    );
    assert_eq!(
        told(check(SHAPES, "{}")),
        [" #/root/oneOf must match exactly one of the schemas of `oneOf`, and matches more"]
    );
}

#[test]
fn what_nobody_looked_at_is_found() {
    const RULES: Rules = &[
        property("a", &[]),
        Rule::AllOf(&[&[property("b", &[])]]),
        Rule::AnyOf(&[&[required(&["c"]), property("c", &[])], &[]]),
        Rule::UnevaluatedProperties(&[Rule::Never]),
    ];
    for (json, good) in [
        (r#"{"a":1,"b":1}"#, true),
        (r#"{"a":1,"b":1,"c":1}"#, true),
        (r#"{"d":1}"#, false),
    ] {
        assert_eq!(check(RULES, json).is_ok(), good, "{json}");
    }
}

#[test]
fn the_types_of_parts_are_known() {
    const RULES: Rules = &[
        object(),
        property("n", &[integer()]),
        property("list", &[array(), Rule::Items(&[number()])]),
        Rule::AnyOf(&[
            &[property("either", &[string()])],
            &[property("either", &[null()])],
        ]),
        Rule::AdditionalProperties(&[Rule::Types(Types::BOOLEAN)]),
    ];
    let mut schemas = Schemas::new(PETS).unwrap();
    let root = schemas.add("#", RULES).unwrap();
    let types = |steps: &[Step<'_>]| schemas.types(root, steps);
    assert_eq!(types(&[]), Types::OBJECT);
    assert_eq!(types(&[Step::Property("n")]), Types::INTEGER);
    assert_eq!(types(&[Step::Property("list")]), Types::ARRAY);
    assert_eq!(
        types(&[Step::Property("list"), Step::Item(4)]),
        Types::NUMBER
    );
    assert_eq!(types(&[Step::Property("other")]), Types::BOOLEAN);
    assert_eq!(schemas.properties(root), ["either", "list", "n"]);
    let cat = schemas.add("#", &[Rule::Ref(0)]).unwrap();
    assert_eq!(
        schemas.types(cat, &[Step::Property("lives")]),
        Types::INTEGER
    );
    assert_eq!(schemas.properties(cat), ["kind", "lives"]);
    let tree = schemas.add("#", &[Rule::Ref(6)]).unwrap();
    assert_eq!(schemas.types(tree, &[]), Types::ALL);
}

#[test]
fn work_is_bounded() {
    // Each level asks the next one twice, in two schemas that no look-up can take for one.
    const DOUBLE: &[SchemaDef] = &[row(
        "#/double",
        &[Rule::AnyOf(&[
            &[
                Rule::Items(&[Rule::Ref(0), Rule::MinItems(9)]),
                Rule::MinItems(1),
            ],
            &[
                Rule::Items(&[Rule::Ref(0), Rule::MinItems(8)]),
                Rule::MinItems(1),
            ],
            &[string()],
        ])],
    )];
    let json = format!("{}7{}", "[".repeat(120), "]".repeat(120));
    assert!(check_in(DOUBLE, &[Rule::Ref(0)], &json).is_err());
    let number = "[1e1000000000,-1e-1000000000]";
    let rules: Rules = &[
        Rule::Items(&[Rule::MultipleOf("0.37"), Rule::Minimum("-1")]),
        Rule::UniqueItems,
    ];
    assert!(check(rules, number).is_err());
    let many = format!("[{}]", vec!["1"; 50].join(","));
    let rules: Rules = &[Rule::Items(&[Rule::Types(Types::STRING)])];
    assert!(matches!(
        check(rules, &many),
        Err(Violations::Invalid { list, more: true }) if list.len() == MAX_VIOLATIONS
    ));
}

#[test]
fn rules_that_no_generator_writes_are_faults() {
    for rules in [
        &[Rule::Pattern("(")][..],
        &[Rule::Minimum("x")],
        &[Rule::MultipleOf("0")],
        &[Rule::Enum(&["{"])],
        &[Rule::AllOf(&[&[Rule::Ref(9), Rule::Never]])],
    ] {
        let rules: Rules = Box::leak(rules.to_vec().into_boxed_slice());
        let fault = Schemas::new(&[]).unwrap().add("#/root", rules).unwrap_err();
        assert!(!fault.message.is_empty(), "{fault}");
    }
    assert!(check(&[Rule::Format(Format::Int32)], "2147483648").is_err());
}

/// Rules that go through every part of a runner.
const EVERYTHING: &[SchemaDef] = &[row(
    "#/everything",
    &[
        property("a", &[Rule::Ref(0)]),
        property(
            "b",
            &[Rule::AnyOf(&[
                &[string(), Rule::Format(Format::Date)],
                &[Rule::Ref(0)],
            ])],
        ),
        Rule::PatternProperty(
            "^c",
            &[array(), Rule::UniqueItems, Rule::Items(&[Rule::Ref(0)])],
        ),
        Rule::PropertyNames(&[Rule::MaxLength(9)]),
        Rule::OneOf(&[
            &[object()],
            &[
                array(),
                Rule::Contains {
                    rules: &[number()],
                    min: 0,
                    max: Some(2),
                },
            ],
            &[string()],
            &[number(), Rule::MultipleOf("0.5")],
            &[Rule::Types(Types::BOOLEAN.or(Types::NULL))],
        ]),
        Rule::If {
            when: &[object()],
            then: &[Rule::MinProperties(2)],
            otherwise: &[],
        },
        Rule::Enum(&["1", "\"a\"", "{\"a\":1,\"b\":[]}", "null", "[1]"]),
        Rule::UnevaluatedProperties(&[Rule::Not(&[null()])]),
    ],
)];

static READY: std::sync::LazyLock<(Schemas, Root)> = std::sync::LazyLock::new(|| {
    let mut schemas = Schemas::new(EVERYTHING).unwrap();
    let root = schemas.add("#", &[Rule::Ref(0)]).unwrap();
    (schemas, root)
});

fn everything(bytes: &[u8]) -> Result<(), Violations> {
    let (schemas, root) = &*READY;
    schemas.check(*root, bytes, Messages::Responses, &mut Scratch::default())
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 3000, failure_persistence: None, ..Default::default() })]

    /// Whatever is sent, there is a verdict, and it is no JSON exactly where another reader says so.
    #[test]
    fn no_text_breaks_a_program(text in "[\\[\\]{}:,\" 0-9a-ceE+.\\\\untrflsd\u{e9}-]{0,24}|(\\{\"[a-c]\":|\\[|1|\"a\"|,|\\}|\\]|null|-0.5e1|\"\\\\u00e9\"|true| ){0,24}") {
        let ours = everything(text.as_bytes());
        let theirs: Result<serde_json::Value, _> = serde_json::from_str(&text);
        let told = matches!(ours, Err(Violations::Malformed(_)));
        // What is refused early is not read to its end, unless it is JSON to its end.
        match theirs {
            Ok(_) => proptest::prop_assert!(!told, "{:?}", ours),
            Err(error) => proptest::prop_assert!(told || error.to_string().contains("out of range"), "{} {:?}", error, ours),
        }
    }

    #[test]
    fn no_bytes_break_a_program(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
        let _ = everything(&bytes);
    }
}

#[test]
fn nested_values_are_equal_whatever_the_order_of_their_members() {
    // Every level differs in the order of its members, before or behind the one that is nested.
    let value = |last: usize| {
        let level = match last % 3 {
            0 => [r#"{"a":"#, r#","b":0,"c":1}"#],
            1 => [r#"{"a":"#, r#","c":1,"b":0}"#],
            _ => [r#"{"c":1,"b":0,"a":"#, "}"],
        };
        let [open, close] = level.map(|half| half.repeat(100));
        format!("{open}[{last}]{close}")
    };
    let unique: Rules = &[Rule::UniqueItems];
    // Few are compared in another way than many.
    for count in [7, 100] {
        let all: Vec<String> = (0..count).map(value).collect();
        assert_eq!(check(unique, &format!("[{}]", all.join(","))), Ok(()));
        let same = value(1).replace(r#""c":1,"b":0"#, r#""b" : 0.0,"c":1"#);
        assert!(check(unique, &format!("[{},{same}]", all.join(","))).is_err());
    }
}

#[test]
fn a_text_that_is_too_long_is_asked_for_no_pattern() {
    const RULES: Rules = &[string(), Rule::Pattern("a[^b]{200}c"), Rule::MaxLength(3)];
    assert_eq!(
        told(check(RULES, r#""aaaa""#)),
        [" #/root/maxLength must have at most 3 characters"]
    );
    assert_eq!(
        told(check(RULES, r#""aa""#)),
        [" #/root/pattern must match the pattern a[^b]{200}c"]
    );
}
