#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot parse its own expression should stop"
)]

use super::*;
use crate::expr::Scope;
use crate::values::Variables;

fn variables() -> Variables {
    let deployed = [("domain".to_owned(), "books.example".to_owned())];
    Variables::of_deployment(deployed).with_stage([
        ("url".to_owned(), "http://10.0.0.7:8080/v2".to_owned()),
        ("host".to_owned(), "books.internal".to_owned()),
        ("empty".to_owned(), String::new()),
    ])
}

fn parts(text: &str) -> Parts {
    super::super::parts(&Expr::parse(text, Scope::Request).unwrap(), &variables())
}

/// Parts as text: values in `<>`, those of a query in `[]`.
fn shown(parts: &Parts) -> String {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::InPath(source) => format!("<{source}>"),
        Part::InQuery(source) => format!("[{source}]"),
    };
    parts.0.iter().map(part).collect()
}

#[test]
fn an_address_is_split_where_its_path_begins() {
    for (text, origin, rest) in [
        ("http://a.example", "http://a.example", "/"),
        (
            "https://a.example:8443/b?c=d",
            "https://a.example:8443",
            "/b?c=d",
        ),
        ("http://a.example?c=d", "http://a.example", "/?c=d"),
        (
            "http://a/${path.id}?q=${query.q}",
            "http://a",
            "/<path.id>?q=[query.q]",
        ),
        ("${stageVariables.url}/x", "http://10.0.0.7:8080", "/v2/x"),
        (
            "${stageVariables.url}${path.id}",
            "http://10.0.0.7:8080",
            "/v2<path.id>",
        ),
        (
            "http://${stageVariables.host}/x",
            "http://books.internal",
            "/x",
        ),
        (
            "https://${param.domain}/x/${path.id}",
            "https://books.example",
            "/x/<path.id>",
        ),
        (
            "http://${stageVariables.host}:81/ä b",
            "http://books.internal:81",
            "/%C3%A4%20b",
        ),
    ] {
        let (split, path) = parts(text).split_origin().unwrap();
        assert_eq!(
            (split.as_str(), shown(&path.normal()).as_str()),
            (origin, rest),
            "{text}"
        );
    }
}

#[test]
fn no_value_of_a_request_reaches_scheme_host_or_port() {
    for text in [
        "${header.x}",
        "${header.x}://a/b",
        "http://${header.x}/b",
        "http://a${path.id}",
        "http://a:${query.port}/b",
        "http://${stageVariables.empty}${header.x}/b",
        "/only/a/path",
        "",
    ] {
        assert!(parts(text).split_origin().is_none(), "{text}");
    }
}

#[test]
fn paths_begin_with_a_slash_behind_the_base() {
    for (text, base, expected) in [
        ("/a/${path.id}", "", "/a/<path.id>"),
        ("/a/${path.id}", "/base", "/base/a/<path.id>"),
        ("a", "", "/a"),
        ("${path.rest}", "", "/<path.rest>"),
        (
            "/a?b=${query.b}&c={d}",
            "/base",
            "/base/a?b=[query.b]&c={d}",
        ),
        ("/{a} b?c d", "", "/%7Ba%7D%20b?c d"),
    ] {
        assert_eq!(
            shown(&parts(text).behind(base).normal()),
            expected,
            "{text}"
        );
    }
}
