#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::def::BodyDef;
use crate::def::{
    EncodingDef, Format, ParameterDef, Rule, Style, Types, array, body as body_def, boolean, bytes,
    cookie, encoding, fields, header, integer, json, number, object, parts, path, plain, property,
    query, required, string,
};
use crate::exchange::{Body, Params};
use crate::testing::request;

const INTEGERS: Rules = &[array(), Rule::Items(&[integer()])];
const STRINGS: Rules = &[array(), Rule::Items(&[string()]), Rule::MaxItems(3)];
const POINT: Rules = &[
    object(),
    property("x", &[integer()]),
    property("name", &[string()]),
    property("tags", STRINGS),
    required(&["x"]),
];

/// A parameter as it stands in a table: only there may functions be called for what lives as long as the process.
macro_rules! constant {
    ($def:expr) => {{
        const DEF: ParameterDef = $def;
        DEF
    }};
}

/// What is wrong with the parameters of a request to `/items/{id}`; empty: nothing.
#[track_caller]
fn params(def: ParameterDef, target: &str, headers: &[(&str, &str)]) -> String {
    let defs: &'static [ParameterDef] = Box::leak(Box::new([def]));
    let mut schemas = Schemas::new(&[]).unwrap();
    let list = Parameter::all(defs, &mut schemas).unwrap();
    let mut exchange = request("GET", target, headers);
    let end = exchange.path().len();
    if end > "/items/".len() {
        let spans = [("/items/".len(), end)].into_iter().collect();
        exchange.set_params(Params::new("/items/{id}", spans));
    }
    let mut faults = Faults::default();
    look_at(
        &list,
        Texts::Of(&exchange),
        &schemas,
        Messages::Requests,
        &mut faults,
    );
    match faults.is_empty() {
        true => String::new(),
        false => faults.line(),
    }
}

#[track_caller]
fn all(def: ParameterDef, cases: &[(&str, &str)]) {
    for (target, expected) in cases {
        assert_eq!(params(def, target, &[]), *expected, "{target}");
    }
}

#[test]
fn a_text_is_what_its_schema_lets_it_be() {
    const LIMIT: ParameterDef = query("limit")
        .required()
        .of(&[integer(), Rule::Maximum("100")]);
    all(
        LIMIT,
        &[
            ("/items?limit=100", ""),
            ("/items?other=1&limit=1.0", ""),
            ("/items?l%69mit=7", ""),
            ("/items?limit=%31%30", ""),
            ("/items?limit=101", "[query limit must be at most 100]"),
            ("/items?limit=", "[query limit must be an integer]"),
            ("/items?limit", "[query limit must be an integer]"),
            ("/items?limit=1,2", "[query limit must be an integer]"),
            ("/items?limit=1&limit=2", "[query limit must be given once]"),
            ("/items?limit=1e400", "[query limit must be at most 100]"),
            ("/items?limit=NaN", "[query limit must be an integer]"),
            ("/items?Limit=1", "[query limit must be given]"),
            ("/items", "[query limit must be given]"),
        ],
    );
    all(
        constant!(query("q").of(&[string(), Rule::MinLength(1)])),
        &[
            ("/items", ""),
            ("/items?q=12", ""),
            ("/items?q=a+b%20c", ""),
            ("/items?q=", "[query q must have at least 1 character]"),
            ("/items?q=%FF", "[query q must be UTF-8]"),
        ],
    );
    all(
        constant!(query("q").of(&[string()])),
        &[
            ("/items?q=%FF", "[query q must be UTF-8]"),
            ("/items?q=", ""),
        ],
    );
    all(
        constant!(query("q").or_empty().of(&[integer()])),
        &[("/items?q=", ""), ("/items?q", "")],
    );
    all(
        constant!(query("on").of(&[boolean()])),
        &[
            ("/items?on=true", ""),
            ("/items?on=1", "[query on must be true or false]"),
        ],
    );
    all(
        constant!(query("when").of(&[
            Rule::Types(Types::STRING.or(Types::NULL)),
            Rule::Format(Format::Date)
        ])),
        &[
            ("/items?when=2026-11-23", ""),
            ("/items?when=", ""),
            ("/items?when=null", ""),
        ],
    );
    // Without a type, what else is said decides.
    all(
        constant!(query("n").of(&[Rule::Minimum("5")])),
        &[("/items?n=3", "[query n must be at least 5]")],
    );
    all(
        constant!(query("n").of(&[Rule::MaxLength(2)])),
        &[("/items?n=300", "[query n must have at most 2 characters]")],
    );
    all(
        constant!(query("n").of(&[Rule::Enum(&["\"1\"", "\"2\""])])),
        &[("/items?n=1", "")],
    );
}

#[test]
fn arrays_in_every_style() {
    let ids = query("ids").of(INTEGERS);
    all(
        ids,
        &[
            ("/items?ids=1&ids=2", ""),
            ("/items?ids=", ""),
            ("/items?ids=1&ids=b", "[query ids /1 must be an integer]"),
            ("/items?ids=1,2", "[query ids /0 must be an integer]"),
        ],
    );
    all(
        ids.styled(Style::Form, false),
        &[
            ("/items?ids=1,2", ""),
            ("/items?ids=1%2C2", ""),
            ("/items?ids=1,b", "[query ids /1 must be an integer]"),
        ],
    );
    // A delimiter inside a string is one of its characters.
    let names = query("names").of(STRINGS).styled(Style::Form, false);
    all(
        names,
        &[
            ("/items?names=a%2Cb,c,d", ""),
            (
                "/items?names=a,b,c,d",
                "[query names must have at most 3 elements]",
            ),
        ],
    );
    all(
        ids.styled(Style::Space, false),
        &[
            ("/items?ids=1%202+3", ""),
            ("/items?ids=1%20x", "[query ids /1 must be an integer]"),
        ],
    );
    all(
        ids.styled(Style::Pipe, false),
        &[
            ("/items?ids=1%7C2%7c3", ""),
            ("/items?ids=1%7Cx", "[query ids /1 must be an integer]"),
        ],
    );
    all(ids.styled(Style::Tab, false), &[("/items?ids=1%092", "")]);
    let id = path("id").of(INTEGERS);
    all(
        id,
        &[
            ("/items/1,2", ""),
            ("/items/1,x", "[path id /1 must be an integer]"),
        ],
    );
    all(
        id.styled(Style::Label, true),
        &[
            ("/items/.1.2", ""),
            (
                "/items/1.2",
                "[path id must be written in the style that is declared]",
            ),
        ],
    );
    all(
        id.styled(Style::Label, false),
        &[("/items/.1,2", ""), ("/items/.1.2", "")],
    );
    all(
        id.styled(Style::Matrix, true),
        &[
            ("/items/;id=1;id=2", ""),
            (
                "/items/;id=1;ip=2",
                "[path id must be written in the style that is declared]",
            ),
        ],
    );
    all(
        id.styled(Style::Matrix, false),
        &[("/items/;id=1,2", ""), ("/items/;id", "")],
    );
    let tags = header("x-tags").of(STRINGS);
    for (sent, expected) in [
        ("a, b ,c", ""),
        ("a,b,c,d", "[header x-tags must have at most 3 elements]"),
    ] {
        assert_eq!(params(tags, "/items", &[("x-tags", sent)]), expected);
    }
    assert_eq!(
        params(tags, "/items", &[("x-tags", "a,b"), ("x-tags", "c,d")]),
        "[header x-tags must have at most 3 elements]"
    );
    let cookies = cookie("ids").of(INTEGERS).styled(Style::Form, false);
    assert_eq!(
        params(cookies, "/items", &[("cookie", "a=b; ids=1,x")]),
        "[cookie ids /1 must be an integer]"
    );
    assert_eq!(params(cookies, "/items", &[("cookie", "a=b; ids=1,2")]), "");
}

#[test]
fn an_array_or_one_of_it() {
    const ONE_OR_MORE: Rules = &[Rule::AnyOf(&[&[integer()], INTEGERS])];
    let def = query("ids").of(ONE_OR_MORE);
    all(def, &[("/items?ids=1", ""), ("/items?ids=1&ids=2", "")]);
}

#[test]
fn objects_in_every_style() {
    let point = query("p").of(POINT);
    all(
        point.styled(Style::DeepObject, true),
        &[
            ("/items?p[x]=1&p[name]=2", ""),
            ("/items?p%5Bx%5D=1&p[tags]=a&p[tags]=b", ""),
            ("/items?p[x]=1&p[tags][]=a&p[tags][]=b", ""),
            ("/items?p[x]=one", "[query p /x must be an integer]"),
            ("/items?p[name]=1", "[query p must have the property `x`]"),
            (
                "/items?p[x=1",
                "[query p must be written in the style that is declared]",
            ),
            ("/items?q[x]=1", ""),
        ],
    );
    all(
        point,
        &[
            ("/items?x=1&name=2&z=3", ""),
            ("/items?x=one", "[query p /x must be an integer]"),
            ("/items", ""),
        ],
    );
    all(
        point.styled(Style::Form, false),
        &[
            ("/items?p=x,1,name,a", ""),
            (
                "/items?p=x,1,name",
                "[query p must be written in the style that is declared]",
            ),
        ],
    );
    let id = path("id").of(POINT);
    all(
        id,
        &[
            ("/items/x,1", ""),
            ("/items/x,a", "[path id /x must be an integer]"),
        ],
    );
    all(
        id.styled(Style::Simple, true),
        &[
            ("/items/x=1,name=a", ""),
            (
                "/items/x,1",
                "[path id must be written in the style that is declared]",
            ),
        ],
    );
    all(
        id.styled(Style::Matrix, true),
        &[("/items/;x=1;name=a", "")],
    );
    all(id.styled(Style::Label, true), &[("/items/.x=1.name=a", "")]);
    assert_eq!(
        params(header("x-p").of(POINT), "/items", &[("x-p", "x, 1")]),
        ""
    );
}

#[test]
fn parameters_that_are_json() {
    let filter = query("filter").json(POINT);
    all(
        filter,
        &[
            ("/items?filter=%7B%22x%22:1%7D", ""),
            (
                "/items?filter=%7B%22x%22:true%7D",
                "[query filter /x must be an integer]",
            ),
            (
                "/items?filter=%7B",
                "[query filter must be JSON: at byte 1 there should be the name of a member in quotes]",
            ),
        ],
    );
}

#[test]
fn of_what_is_only_required_nothing_else_is_asked() {
    let id = header("x-id").required();
    assert_eq!(params(id, "/items", &[]), "[header x-id must be given]");
    assert_eq!(
        params(id, "/items", &[("x-id", " ")]),
        "[header x-id must not be blank]"
    );
    assert_eq!(params(id, "/items", &[("x-id", "\u{e9}")]), "");
}

/// What is wrong with a body; or the refusal before it was looked at.
fn carried(def: BodyDef, headers: &[(&str, &str)], sent: &str) -> String {
    let mut schemas = Schemas::new(&[]).unwrap();
    let body = RequestBody {
        required: def.required,
        contents: Contents::start(def.content, &mut schemas).unwrap(),
    };
    let mut exchange = request("POST", "/items", headers);
    exchange.set_body(Body::full(sent.to_owned()));
    let looked = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(body.look_at(&mut exchange, &schemas, &Room::new(0), false));
    assert_eq!(exchange.content_length(), Some(sent.len() as u64));
    match looked.unwrap() {
        Err(refused) => refused.reason().to_owned(),
        Ok(faults) if faults.is_empty() => String::new(),
        Ok(faults) => faults.line(),
    }
}

#[test]
fn bodies_by_media_type() {
    const BODY: BodyDef = body_def(&[
        json("application/json", POINT),
        json("application/*+json", &[object()]),
        plain("text/*", &[string(), Rule::MaxLength(3)]),
        bytes("image/*"),
    ]);
    let long = format!("[{}]", "[".repeat(100_000));
    for (media_type, sent, expected) in [
        ("application/json", r#"{"x":1}"#, ""),
        ("Application/JSON; charset=UTF-8", r#"{"x":1}"#, ""),
        (
            "application/json; charset=utf-16",
            r#"{"x":1}"#,
            "unsupported_media_type",
        ),
        ("application/vnd.a+json", "{}", ""),
        ("application/vnd.a+json", "[]", "[body must be an object]"),
        (
            "text/plain",
            "abcd",
            "[body must have at most 3 characters]",
        ),
        ("text/plain", "a\"\n", ""),
        ("image/png", "\u{1}", ""),
        ("application/xml", "<x/>", "unsupported_media_type"),
        (
            "application/json, text/plain",
            "{}",
            "unsupported_media_type",
        ),
        (
            "application/json",
            r#"{"x":1,"x":"a"}"#,
            "[body /x must be an integer]",
        ),
        (
            "application/json",
            r#"{"x":NaN}"#,
            "[body must be JSON: at byte 5 there should be a value]",
        ),
        (
            "application/json",
            r#"{"x":1"#,
            "[body must be JSON: at byte 6 there should be `,` or `}`]",
        ),
        (
            "application/json",
            &long,
            "[body must be JSON: at byte 128 there should be at most 128 arrays and objects inside each other]",
        ),
        (
            "application/json",
            "{\"name\":\"\\ud800\"}",
            "[body must be JSON: at byte 15 there should be the second half of a surrogate pair]",
        ),
        ("application/json", r#"{"x":1e400}"#, ""),
    ] {
        assert_eq!(
            carried(BODY, &[("content-type", media_type)], sent),
            expected,
            "{media_type} {sent:.40}"
        );
    }
    assert_eq!(carried(BODY, &[], "{}"), "unsupported_media_type");
    assert_eq!(carried(BODY, &[], ""), "");
    assert_eq!(carried(BODY.required(), &[], ""), "[body must be there]");
    let twice = [
        ("content-type", "application/json"),
        ("content-type", "image/png"),
    ];
    assert_eq!(carried(BODY, &twice, "{}"), "unsupported_media_type");
    let compressed = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    assert_eq!(carried(BODY, &compressed, "{}"), "unsupported_encoding");
    let image = [("content-type", "image/png"), ("content-encoding", "gzip")];
    assert_eq!(carried(BODY, &image, "{}"), "");
}

#[test]
fn a_range_that_may_be_json_is_when_nothing_else_is_said() {
    const ANY: BodyDef = body_def(&[json("*/*", POINT)]);
    assert_eq!(carried(ANY, &[], "[]"), "[body must be an object]");
    assert_eq!(
        carried(ANY, &[("content-type", "application/json")], "[]"),
        "[body must be an object]"
    );
    assert_eq!(
        carried(ANY, &[("content-type", "application/xml")], "<x/>"),
        ""
    );
}

#[test]
fn forms_are_objects() {
    const FILTER: &[EncodingDef] = &[
        encoding("filter", "", Style::DeepObject, true),
        encoding("tags", "", Style::Form, false),
    ];
    const FORM: BodyDef = body_def(&[fields(
        "application/x-www-form-urlencoded",
        &[
            object(),
            property("x", &[integer()]),
            property("ids", INTEGERS),
            property("tags", STRINGS),
            property("point", POINT),
            property(
                "filter",
                &[
                    object(),
                    property("min", &[number()]),
                    property("by", &[object(), property("name", &[boolean()])]),
                ],
            ),
            required(&["x"]),
        ],
    )
    .encoded(FILTER)]);
    for (sent, expected) in [
        ("x=1&ids=1&ids=2&name=a+b", ""),
        ("x=1&ids=2", ""),
        ("x=1&x=2", "[body /x must be an integer]"),
        ("x=1&ids=a", "[body /ids/0 must be an integer]"),
        ("x=1&tags=a,b,c", ""),
        (
            "x=1&tags=a,b,c,d",
            "[body /tags must have at most 3 elements]",
        ),
        ("x=1&filter[min]=2.5&filter[by][name]=true", ""),
        (
            "x=1&filter[by][name]=1",
            "[body /filter/by/name must be true or false]",
        ),
        (
            "x=1&filter%5Bmin%5D=b",
            "[body /filter/min must be a number]",
        ),
        ("x=1&point=%7B%22x%22%3A2%7D", ""),
        (
            "x=1&point=%7B%22x%22%3A%22a%22%7D",
            "[body /point/x must be an integer]",
        ),
        // What would add a member to the object around it is a text.
        (
            "point=%7B%22x%22%3A2%7D%2C%22x%22%3A1",
            "[body /point must be an object, body must have the property `x`]",
        ),
        ("x=%FF", "[body must be UTF-8]"),
        ("y=1", "[body must have the property `x`]"),
    ] {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        assert_eq!(carried(FORM, &headers, sent), expected, "{sent}");
    }
    let many = "x=1&".repeat(5000);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(
        carried(FORM, &headers, &many),
        "[body The form has more than 4,096 fields.]"
    );
}

#[test]
fn parts_are_members() {
    const FORM: BodyDef = body_def(&[parts(
        "multipart/form-data",
        &[
            object(),
            property("x", &[integer()]),
            property("point", POINT),
            property("photo", &[string(), Rule::MinLength(3)]),
            required(&["photo"]),
        ],
    )
    .encoded(&[encoding(
        "photo",
        "image/png, image/jpeg",
        Style::Form,
        true,
    )])]);
    let part = |name: &str, more: &str, content: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{content}\r\n")
    };
    let photo = |media: &str| {
        part(
            "photo",
            &format!("; filename=a\r\nContent-Type: {media}"),
            "\u{1}\u{2}\u{3}",
        )
    };
    let point = |text: &str| part("point", "\r\nContent-Type: application/json", text);
    for (parts, expected) in [
        (vec![photo("image/png"), part("x", "", "12")], ""),
        (
            vec![photo("image/png"), part("x", "", "a")],
            "[body /x must be an integer]",
        ),
        (
            vec![photo("image/gif")],
            "[body /photo must have the media type image/png, image/jpeg]",
        ),
        (vec![photo("image/jpeg"), point(r#"{"x":1}"#)], ""),
        (
            vec![photo("image/jpeg"), point(r#"{"x":[]}"#)],
            "[body /point/x must be an integer]",
        ),
        (
            vec![part("x", "", "12")],
            "[body must have the property `photo`]",
        ),
    ] {
        let body = format!("{}--b--\r\n", parts.concat());
        let headers = [("content-type", "multipart/form-data; boundary=b")];
        assert_eq!(carried(FORM, &headers, &body), expected, "{body}");
    }
    let headers = [("content-type", "multipart/form-data")];
    assert_eq!(
        carried(FORM, &headers, "--b--"),
        "[body Content-Type names no boundary between the parts.]"
    );
}
