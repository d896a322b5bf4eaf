#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot build its own table should stop"
)]

use proptest::prelude::*;

use super::*;
use crate::def::{AccessDef, OperationDef, PolicyDef};

static OPERATION: OperationDef = OperationDef {
    id: "any",
    method: "GET",
    path: "/",
    tag: "default",
    summary: "",
    parameters: &[],
    body: None,
    responses: &[],
    access: AccessDef::Public,
    policy: PolicyDef::DEFAULT,
    example: None,
};

fn row(method: &'static str, path: &'static str) -> RouteDef {
    RouteDef {
        method,
        path,
        operation: &OPERATION,
    }
}

/// What a request finds, as text: `GET /a/{x} x=1`, `405 GET, PUT` or `404`.
fn found(
    table: &[(&'static str, &'static str)],
    kind: ApiKind,
    method: &str,
    path: &str,
) -> String {
    let routes: Vec<_> = table
        .iter()
        .map(|(method, path)| row(method, path))
        .collect();
    let router = Router::new(&routes, kind).unwrap();
    match router.find(method, path) {
        Found::Nothing => "404".to_owned(),
        Found::OtherMethods(methods) => format!("405 {}", methods.join(", ")),
        Found::Route(found) => {
            let mut text = format!("{} {}", table[found.route].0, table[found.route].1);
            for (name, (from, to)) in router.names(found.route).iter().zip(found.spans.iter()) {
                text.push_str(&format!(" {name}={}", &path[from..to]));
            }
            assert_eq!(router.names(found.route).len(), found.spans.len());
            text
        }
    }
}

#[track_caller]
fn check(kind: ApiKind, table: &[(&'static str, &'static str)], requests: &[(&str, &str, &str)]) {
    for (method, path, expected) in requests {
        assert_eq!(
            &found(table, kind, method, path),
            expected,
            "{method} {path}"
        );
    }
}

#[test]
fn the_more_specific_segment_wins_and_branches_are_left_again() {
    check(
        ApiKind::Plain,
        &[
            ("GET", "/"),
            ("GET", "/books"),
            ("GET", "/books/latest"),
            ("GET", "/books/{id}.json"),
            ("GET", "/books/{from}-{to}"),
            ("GET", "/books/{id}"),
            ("GET", "/books/latest/cover"),
            ("GET", "/books/{id}/pages"),
            ("GET", "/{rest+}"),
        ],
        &[
            ("GET", "/", "GET /"),
            ("GET", "/books", "GET /books"),
            ("GET", "/books/latest", "GET /books/latest"),
            ("GET", "/books/7.json", "GET /books/{id}.json id=7"),
            ("GET", "/books/1-9", "GET /books/{from}-{to} from=1 to=9"),
            ("GET", "/books/7", "GET /books/{id} id=7"),
            ("GET", "/books/.json", "GET /books/{id} id=.json"),
            ("GET", "/books/7%2F8", "GET /books/{id} id=7%2F8"),
            (
                "GET",
                "/books/latest/pages",
                "GET /books/{id}/pages id=latest",
            ),
            ("GET", "/books/latest/x", "GET /{rest+} rest=books/latest/x"),
            ("GET", "/Books", "GET /{rest+} rest=Books"),
        ],
    );
}

#[test]
fn a_method_that_a_path_lacks_falls_through_to_one_that_has_it() {
    check(
        ApiKind::Rest,
        &[
            ("GET", "/jobs/{op}"),
            ("OPTIONS", "/cors_only"),
            ("POST", "/test"),
            ("ANY", "/{proxy+}"),
        ],
        &[
            ("GET", "/jobs", "ANY /{proxy+} proxy=jobs"),
            ("POST", "/jobs/x", "ANY /{proxy+} proxy=jobs/x"),
            ("GET", "/jobs/x", "GET /jobs/{op} op=x"),
            ("GET", "/cors_only", "ANY /{proxy+} proxy=cors_only"),
            ("OPTIONS", "/test", "ANY /{proxy+} proxy=test"),
            ("GET", "/", "404"),
        ],
    );
}

#[test]
fn other_methods_are_collected_over_every_path_that_matches() {
    check(
        ApiKind::Plain,
        &[
            ("PUT", "/a/b"),
            ("DELETE", "/a/{x}"),
            ("GET", "/a/{x}"),
            ("POST", "/c"),
        ],
        &[
            ("PATCH", "/a/b", "405 DELETE, GET, HEAD, PUT"),
            ("PATCH", "/a/c", "405 DELETE, GET, HEAD"),
            ("GET", "/c", "405 POST"),
            ("GET", "/c/", "404"),
            ("GET", "/d", "404"),
        ],
    );
}

#[test]
fn head_is_answered_by_get_only_in_plain_documents() {
    let table = [
        ("GET", "/a"),
        ("ANY", "/a"),
        ("GET", "/b"),
        ("HEAD", "/b"),
        ("GET", "/c"),
    ];
    check(
        ApiKind::Plain,
        &table,
        &[
            ("HEAD", "/a", "GET /a"),
            ("PUT", "/a", "ANY /a"),
            ("HEAD", "/b", "HEAD /b"),
            ("HEAD", "/c", "GET /c"),
        ],
    );
    for kind in [ApiKind::Rest, ApiKind::Http] {
        check(
            kind,
            &table,
            &[("HEAD", "/a", "ANY /a"), ("HEAD", "/c", "405 GET")],
        );
    }
}

#[test]
fn slashes() {
    let table = [
        ("GET", "/a"),
        ("GET", "/b/{x}"),
        ("GET", "/c/{rest+}"),
        ("GET", "/d/"),
    ];
    check(
        ApiKind::Plain,
        &table,
        &[
            ("GET", "/a/", "404"),
            ("GET", "//a", "404"),
            ("GET", "/b/", "404"),
            ("GET", "/b//", "404"),
            ("GET", "/c", "404"),
            ("GET", "/c/", "404"),
            ("GET", "/c/x/", "GET /c/{rest+} rest=x/"),
            ("GET", "/c//x", "GET /c/{rest+} rest=/x"),
            ("GET", "/d", "404"),
            ("GET", "/d/", "GET /d/"),
        ],
    );
    check(
        ApiKind::Rest,
        &table,
        &[
            ("GET", "/a/", "GET /a"),
            ("GET", "//a", "GET /a"),
            ("GET", "///a/", "GET /a"),
            ("GET", "/b/x/", "GET /b/{x} x=x"),
            ("GET", "/c/", "404"),
            ("GET", "/c/x/", "GET /c/{rest+} rest=x"),
            ("GET", "/c/x//y", "GET /c/{rest+} rest=x//y"),
            ("GET", "/d", "GET /d/"),
        ],
    );
}

#[test]
fn the_default_route_takes_the_rest() {
    check(
        ApiKind::Http,
        &[("GET", "/a"), ("POST", "/{proxy+}"), ("ANY", "$default")],
        &[
            ("GET", "/a", "GET /a"),
            ("PUT", "/a", "ANY $default"),
            ("GET", "/", "ANY $default"),
            ("POST", "/x/y", "POST /{proxy+} proxy=x/y"),
            ("GET", "/a/", "ANY $default"),
        ],
    );
}

#[test]
fn tables_that_no_generator_made_are_refused() {
    for (table, part) in [
        (&[("GET", "/a"), ("GET", "/a")][..], "two routes for GET /a"),
        (
            &[("GET", "/{x}"), ("GET", "/{y}")],
            "two routes for GET /{y}",
        ),
        (
            &[("ANY", "/{x+}"), ("ANY", "/{y+}")],
            "two routes for ANY /{y+}",
        ),
        (
            &[("ANY", "$default"), ("ANY", "$default")],
            "two routes for ANY $default",
        ),
        (&[("GET", "a")], "begins with"),
    ] {
        let routes: Vec<_> = table
            .iter()
            .map(|(method, path)| row(method, path))
            .collect();
        let faults = Router::new(&routes, ApiKind::Plain).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert!(faults[0].message.contains(part), "{faults:?}");
    }
}

#[test]
fn a_search_looks_at_every_node_at_most_once() {
    // Every literal of this table is also taken by the parameter beside it, so that each level could double the work.
    let mut routes = Vec::new();
    for bits in 0..256_u32 {
        let path: String = (0..8)
            .map(|bit| match bits >> bit & 1 {
                0 => "/a".to_owned(),
                _ => format!("/{{p{bit}}}"),
            })
            .collect();
        routes.push(row("GET", Box::leak(path.into_boxed_str())));
    }
    let router = Router::new(&routes, ApiKind::Plain).unwrap();
    let mut looked = 0;
    let path = "/a/a/a/a/a/a/a/a";
    router.walk(
        0,
        Path::new(path, ApiKind::Plain),
        &mut Spans::default(),
        &mut |_| {
            looked += 1;
            None
        },
    );
    assert!(
        looked <= 2 * router.nodes.len(),
        "{looked} of {}",
        router.nodes.len()
    );
}

// ---- properties -----------------------------------------------------------------------------------------------------

/// A table of routes, distinct by method and shape. Leaked: tests may.
fn tables(
    segments: &'static [&'static str],
) -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    let segment = prop::sample::select(segments);
    let method = prop::sample::select(&["GET", "PUT", "ANY"][..]);
    let route = (
        method,
        prop::collection::vec(segment, 1..4),
        prop::bool::weighted(0.2),
    );
    prop::collection::vec(route, 1..16).prop_map(|routes| {
        let mut shapes = std::collections::BTreeSet::new();
        let mut table = Vec::new();
        for (method, segments, greedy) in routes {
            let mut path = String::new();
            for (at, segment) in segments.iter().enumerate() {
                path.push('/');
                path.push_str(&segment.replace('#', &at.to_string()));
            }
            if greedy {
                path.push_str("/{rest+}");
            }
            if shapes.insert((method, Pattern::parse(&path).unwrap().shape())) {
                table.push((method, &*Box::leak(path.into_boxed_str())));
            }
        }
        table
    })
}

fn paths() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(&["a", "b", "ab", "a-b", "a.json", "c-d.json", "z"][..]);
    prop::collection::vec(segment, 1..5).prop_map(|segments| format!("/{}", segments.join("/")))
}

/// The rule itself, without a trie: of all patterns that match and have the method, the first by precedence.
fn naive(table: &[(&'static str, &'static str)], method: &str, path: &str) -> Option<usize> {
    let mut patterns: Vec<_> = table
        .iter()
        .map(|(_, path)| Pattern::parse(path).unwrap())
        .enumerate()
        .collect();
    patterns.sort_by(|(_, a), (_, b)| a.compare(b));
    let has = |index: &usize, wanted: &str| table[*index].0 == wanted;
    let matching: Vec<(usize, String)> = patterns
        .iter()
        .filter(|(_, pattern)| {
            matches_naively(pattern.segments(), path.split('/').skip(1).collect())
        })
        .map(|(index, pattern)| (*index, pattern.shape()))
        .collect();
    matching.iter().find_map(|(_, shape)| {
        let same = || {
            matching
                .iter()
                .filter(|(_, other)| other == shape)
                .map(|(index, _)| *index)
        };
        same()
            .find(|index| has(index, method))
            .or_else(|| same().find(|index| has(index, ANY)))
    })
}

fn matches_naively(pattern: &[Segment], segments: Vec<&str>) -> bool {
    match (pattern, segments.as_slice()) {
        ([], []) => true,
        ([Segment::Greedy(_)], [_, ..]) => true,
        ([Segment::Literal(text), rest @ ..], [first, behind @ ..]) => {
            text == first && matches_naively(rest, behind.to_vec())
        }
        ([Segment::Param(_), rest @ ..], [first, behind @ ..]) => {
            !first.is_empty() && matches_naively(rest, behind.to_vec())
        }
        ([Segment::Mixed(pieces), rest @ ..], [first, behind @ ..]) => {
            match_mixed(pieces, first, &mut Vec::new()) && matches_naively(rest, behind.to_vec())
        }
        _ => false,
    }
}

/// The same table in wayfind: one router per method, where `ANY` fills in the paths that do not have it.
fn wayfind_router(table: &[(&'static str, &'static str)], method: &str) -> wayfind::Router<usize> {
    let mut builder = wayfind::RouterBuilder::new();
    for (index, (own, path)) in table.iter().enumerate() {
        let shape = Pattern::parse(path).unwrap().shape();
        let declared = table.iter().any(|(other, path)| {
            *other == method && Pattern::parse(path).unwrap().shape() == shape
        });
        if *own == method || (*own == ANY && !declared) {
            let template = path
                .replace("{rest+}", "<*rest>")
                .replace('{', "<")
                .replace('}', ">");
            builder.insert(&template, index).unwrap();
        }
    }
    builder.build()
}

const WITH_MIXED: &[&str] = &[
    "a",
    "b",
    "ab",
    "{p#}",
    "{p#}",
    "{p#}.json",
    "{p#}-{q#}",
    "a-{p#}",
];
const WHOLE: &[&str] = &["a", "b", "ab", "{p#}", "{p#}"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_rule_written_down_plainly(table in tables(WITH_MIXED), path in paths()) {
        let routes: Vec<_> = table.iter().map(|(method, path)| row(method, path)).collect();
        let router = Router::new(&routes, ApiKind::Http).unwrap();
        for method in ["GET", "PUT", "PATCH"] {
            let own = match router.find(method, &path) {
                Found::Route(found) => Some(found.route),
                _ => None,
            };
            prop_assert_eq!(own, naive(&table, method, &path), "{} {}", method, &path);
        }
    }

    #[test]
    fn agrees_with_wayfind(table in tables(WHOLE), path in paths()) {
        let routes: Vec<_> = table.iter().map(|(method, path)| row(method, path)).collect();
        let router = Router::new(&routes, ApiKind::Http).unwrap();
        for method in ["GET", "PUT", "PATCH"] {
            let oracle = wayfind_router(&table, method);
            let theirs = oracle.search(&path).map(|found| {
                let values: Vec<String> = found.parameters().iter().map(|(_, value)| (*value).to_owned()).collect();
                (*found.data(), values)
            });
            let ours = match router.find(method, &path) {
                Found::Route(found) => {
                    let values = found.spans.iter().map(|(from, to)| path[from..to].to_owned()).collect();
                    Some((found.route, values))
                }
                _ => None,
            };
            prop_assert_eq!(ours, theirs, "{} {}", method, &path);
        }
    }

    // Within one segment wayfind lets a parameter take as much as it can before it looks at the text behind it, so of
    // `/{x}` and `/{x}.json` it may choose the other one. What is found at all is the same.
    #[test]
    fn agrees_with_wayfind_on_what_is_found_at_all(table in tables(WITH_MIXED), path in paths()) {
        let routes: Vec<_> = table.iter().map(|(method, path)| row(method, path)).collect();
        let router = Router::new(&routes, ApiKind::Http).unwrap();
        for method in ["GET", "PUT", "PATCH"] {
            let ours = matches!(router.find(method, &path), Found::Route(_));
            let theirs = wayfind_router(&table, method).search(&path).is_some();
            prop_assert_eq!(ours, theirs, "{} {}", method, &path);
        }
    }

    #[test]
    fn any_path_is_found_or_not_without_a_panic(table in tables(WITH_MIXED), path in "/[a-z/%.-]{0,20}") {
        let routes: Vec<_> = table.iter().map(|(method, path)| row(method, path)).collect();
        for kind in [ApiKind::Plain, ApiKind::Rest, ApiKind::Http] {
            if let Found::Route(found) = Router::new(&routes, kind).unwrap().find("GET", &path) {
                prop_assert!(found.spans.iter().all(|(from, to)| from < to && path.get(from..to).is_some()));
            }
        }
    }
}
