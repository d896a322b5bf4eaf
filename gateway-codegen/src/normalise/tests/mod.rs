#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails may panic"
)]

mod versions;

use openapiv3::{Parameter, SecurityScheme, StatusCode};

use super::{Api, Dialect, MediaSource, Scheme, canonical};
use crate::findings::Findings;
use crate::load::tests::report;
use crate::load::{self, Document};
use crate::resolve;

const HEAD: &str = "openapi: 3.0.3\ninfo: {title: t, version: '1'}\n";

fn document(yaml: &str) -> (Document, Findings) {
    let mut found = Findings::default();
    let document = load::text("api.yaml", yaml, &mut found).unwrap();
    let document = resolve::references(document, &mut found);
    (document, found)
}

/// Findings about a whole document.
#[track_caller]
fn whole(yaml: &str, expected: &[&str]) {
    let (document, mut found) = document(yaml);
    canonical(&document, &mut found);
    assert_eq!(report(&document, &found), expected);
}

/// Findings about what follows the head, which has two lines.
#[track_caller]
fn check(rest: &str, expected: &[&str]) {
    whole(&format!("{HEAD}{rest}"), expected);
}

#[track_caller]
fn with<T>(rest: &str, look: impl FnOnce(&Api<'_>) -> T) -> T {
    let (document, mut found) = document(&format!("{HEAD}{rest}"));
    let api = canonical(&document, &mut found).unwrap();
    assert!(!found.has_errors(), "{found:?}");
    look(&api)
}

#[test]
fn versions() {
    for good in ["3.0.3", "'3.0'", "3.0", "3.0.0-RC1"] {
        whole(
            &format!("openapi: {good}\ninfo: {{title: t, version: '1'}}\npaths: {{}}\n"),
            &[],
        );
    }
    for good in ["3.1.0", "3.1", "'3.2'", "3.2.0"] {
        whole(
            &format!("openapi: {good}\ninfo: {{title: t, version: '1'}}\npaths: {{}}\n"),
            &[],
        );
    }
    for good in ["2.0", "'2.0'"] {
        whole(
            &format!("swagger: {good}\ninfo: {{title: t, version: '1'}}\npaths: {{}}\n"),
            &[],
        );
    }
    for bad in ["3.3.0", "4.0.0", "'3.00'", "2.0.0", "[]", "30"] {
        whole(&format!("openapi: {bad}\n"), &["1:10 openapi-version"]);
    }
    whole("swagger: '1.2'\n", &["1:10 openapi-version"]);
    for nothing in ["", "a: 1\n", "[]\n", "text\n"] {
        whole(nothing, &["1:1 not-openapi"]);
    }
    // Of a broken file nothing more is said.
    whole("a: [\n", &["1:4 yaml-syntax"]);
}

#[test]
fn info_is_kept_as_written() {
    let (document, mut found) =
        document("openapi: 3.0.3\ninfo: {title: 1e3, version: 1.10}\npaths: {}\n");
    let api = canonical(&document, &mut found).unwrap();
    assert_eq!(api.openapi.info.title, "1e3");
    assert_eq!(api.openapi.info.version, "1.10");
    whole("openapi: 3.0.3\npaths: {}\n", &["1:1 info-missing"]);
    whole(
        "openapi: 3.0.3\ninfo: {title: {Ref: T}}\npaths: {}\n",
        &["2:7 info-missing", "2:15 info-missing"],
    );
}

#[test]
fn paths_that_cannot_be_read() {
    check("", &["1:1 paths-missing"]);
    check("paths: []\n", &["3:8 paths-malformed"]);
    check("paths:\n", &[]);
    check(
        "paths: {b: {}, /c: 1, x-d: 1}\n",
        &["3:9 path-no-slash", "3:20 path-item-malformed"],
    );
    check("paths: {/a: {get: 1}}\n", &["3:19 operation-malformed"]);
    check(
        "paths: {/a: {GET: {}, gett: {}, any: {}, query: {}, x-y: 1, summary: s}}\n",
        &[
            "3:14 path-item-unknown-member",
            "3:23 path-item-unknown-member",
            "3:33 path-item-unknown-member",
            "3:42 path-item-unknown-member",
        ],
    );
}

#[test]
fn operations_in_the_order_of_the_document() {
    let yaml = "paths:\n  /b: {post: {operationId: p}, get: {}}\n  /a: {x-amazon-apigateway-any-method: {}}\n  $default: {x-amazon-apigateway-any-method: {}}\n";
    let list = with(yaml, |api| {
        let operations = api.operations.iter();
        let list =
            operations.map(|o| format!("{} {} {}", o.method, o.path, o.node.place().pointer));
        list.collect::<Vec<_>>()
    });
    assert_eq!(
        list,
        [
            "POST /b /paths/~1b/post",
            "GET /b /paths/~1b/get",
            "ANY /a /paths/~1a/x-amazon-apigateway-any-method",
            "ANY /$default /paths/$default/x-amazon-apigateway-any-method",
        ]
    );
    with(yaml, |api| {
        let id = api.operations[0].operation.operation_id.as_deref();
        assert_eq!(id, Some("p"));
    });
    with("paths: {/a: {servers: [{url: /v2}]}}\n", |api| {
        let item = api.openapi.paths.paths["/a"].as_item().unwrap();
        assert_eq!(item.servers[0].url, "/v2");
    });
}

#[test]
fn a_path_item_may_be_a_reference() {
    let yaml =
        "paths: {/a: {$ref: '#/x-item', get: {}}, /b: {$ref: '#/x-item'}}\nx-item: {put: {}}\n";
    check(yaml, &[]);
    with(yaml, |api| {
        let places: Vec<_> = api
            .operations
            .iter()
            .map(|o| o.node.place().pointer)
            .collect();
        // What stands beside a reference is the path's as well.
        assert_eq!(places, ["/paths/~1a/get", "/x-item/put", "/x-item/put"]);
        assert_eq!(api.operations[2].path, "/b");
        assert_eq!(api.operations[2].path_item.place().pointer, "/x-item");
    });
}

#[test]
fn a_dangling_reference_is_reported_once() {
    check("paths: {/a: {$ref: '#/no'}}\n", &["3:20 ref-dangling"]);
    check(
        "paths: {/a: {get: {parameters: [{$ref: '#/no'}], requestBody: {$ref: '#/nope'}}}}\n",
        &["3:40 ref-dangling", "3:70 ref-dangling"],
    );
}

#[test]
fn parameters_of_the_operation_come_first_and_win() {
    let yaml = "paths:\n  /a/{id}:\n    parameters: [{$ref: '#/components/parameters/Id'}, {name: q, in: query, required: true}, {name: X-A, in: header}]\n    get:\n      parameters: [{name: q, in: query, style: pipeDelimited, explode: false}, {name: x-a, in: header, required: true}, {name: q, in: cookie}]\n    put: {}\ncomponents: {parameters: {Id: {name: id, in: path}}}\n";
    check(yaml, &[]);
    with(yaml, |api| {
        let list = |n: usize| {
            let parameters = api.operations[n].parameters.iter();
            let list = parameters.map(|source| {
                let data = source.parameter.parameter_data_ref();
                let place = source.node.place().pointer;
                format!("{} {} {place}", data.name, data.required)
            });
            list.collect::<Vec<_>>()
        };
        assert_eq!(
            list(0),
            [
                "q false /paths/~1a~1{id}/get/parameters/0",
                "x-a true /paths/~1a~1{id}/get/parameters/1",
                "q false /paths/~1a~1{id}/get/parameters/2",
                "id true /components/parameters/Id",
            ]
        );
        assert_eq!(list(1).len(), 3);
        let first = &api.operations[0].parameters[0].parameter;
        assert!(matches!(
            first,
            Parameter::Query {
                style: openapiv3::QueryStyle::PipeDelimited,
                ..
            }
        ));
        assert_eq!(first.parameter_data_ref().explode, Some(false));
    });
}

#[test]
fn parameters_that_cannot_be_understood_are_left_out_with_a_word() {
    check(
        "paths:\n  /a:\n    get:\n      parameters: [1, {in: query}, {name: a}, {name: a, in: body}, {name: a, in: elsewhere}]\n",
        &[
            "6:20 parameter-malformed",
            "6:23 parameter-malformed",
            "6:36 parameter-malformed",
            "6:61 parameter-malformed",
            "6:82 parameter-malformed",
        ],
    );
    check(
        "paths: {/a: {get: {parameters: {}}}}\n",
        &["3:32 parameter-malformed"],
    );
    check(
        "paths: {/a: {get: {parameters: [{name: a, in: query}, {name: a, in: query}]}}}\n",
        &["3:55 parameter-duplicate"],
    );
}

#[test]
fn path_parameters_are_declared_and_used() {
    check(
        "paths: {'/a/{id}': {get: {}}}\n",
        &["3:21 path-parameter-undeclared"],
    );
    check(
        "paths: {'/a/{id}': {get: {parameters: [{name: ix, in: path}]}}}\n",
        &[
            "3:21 path-parameter-undeclared",
            "3:40 path-parameter-unknown",
        ],
    );
    check(
        "paths: {'/a/{p+}': {get: {parameters: [{name: p, in: path}]}, put: {parameters: [{name: p+, in: path}]}}}\n",
        &[],
    );
    check(
        "paths: {'/{a}-{b}.json': {get: {parameters: [{name: a, in: path}, {name: b, in: path}]}}}\n",
        &[],
    );
    // A template that is none is the business of whoever makes routes.
    check("paths: {'/a/{id': {get: {}}}\n", &[]);
}

#[test]
fn bodies_and_responses_keep_their_media_types() {
    let yaml = "paths:\n  /a:\n    post:\n      requestBody: {$ref: '#/components/requestBodies/B'}\n      responses: {200: {content: {text/plain: {}}}, 4xx: {$ref: '#/components/responses/R'}, default: {}, x-y: 1}\ncomponents:\n  requestBodies: {B: {required: true, content: {a/b: {schema: {$ref: '#/components/schemas/S'}}, c/d: 1}}}\n  responses: {R: {content: {e/f: {}}}}\n  schemas: {S: {}}\n";
    check(yaml, &[]);
    with(yaml, |api| {
        let operation = &api.operations[0];
        let body = operation.body.as_ref().unwrap();
        assert!(body.required);
        let types = |content: &[MediaSource<'_>]| {
            let types = content.iter().map(|media| media.media_type.clone());
            types.collect::<Vec<_>>()
        };
        assert_eq!(types(&body.content), ["a/b", "c/d"]);
        let schema = body.content[0].schema.unwrap();
        assert_eq!(schema.node.reference(), Some("#/components/schemas/S"));
        assert_eq!(schema.dialect, Dialect::OpenApi30);
        let answers: Vec<_> = operation
            .responses
            .iter()
            .map(|answer| (answer.status.clone(), types(&answer.content)))
            .collect();
        assert_eq!(
            answers,
            [
                (Some(StatusCode::Code(200)), vec!["text/plain".to_owned()]),
                (Some(StatusCode::Range(4)), vec!["e/f".to_owned()]),
                (None, vec![]),
            ]
        );
    });
    check(
        "paths: {/a: {get: {responses: {20: {}, 6XX: {}, ok: {}, 99: {}}}}}\n",
        &[
            "3:32 response-status",
            "3:40 response-status",
            "3:49 response-status",
            "3:57 response-status",
        ],
    );
}

#[test]
fn requirements_are_never_overlooked() {
    let yaml = "security: [{login: [a, b], key: []}, {}]\npaths: {/a: {get: {security: []}, put: {security: [{key: }]}, post: {}}}\n";
    check(yaml, &[]);
    with(yaml, |api| {
        let root = api.openapi.security.as_ref().unwrap();
        assert_eq!(root[0]["login"], ["a", "b"]);
        assert!(root[1].is_empty());
        assert_eq!(api.operations[0].operation.security, Some(vec![]));
        assert!(api.operations[1].operation.security.as_ref().unwrap()[0].contains_key("key"));
        assert_eq!(api.operations[2].operation.security, None);
    });
    check(
        "security: {login: []}\npaths: {}\n",
        &["3:11 security-malformed"],
    );
    check(
        "security: [login, {login: a}, {login: {}}, {login: [1]}]\npaths: {}\n",
        &[
            "3:12 security-malformed",
            "3:19 security-malformed",
            "3:31 security-malformed",
            "3:44 security-malformed",
        ],
    );
    check(
        "security: [{key: {Fn::If: [A, [], []]}}]\npaths: {}\n",
        &["3:18 security-scopes-unknown"],
    );
}

#[test]
fn security_schemes_say_where_the_credential_is() {
    let schemes =
        |list: &str| format!("paths: {{}}\ncomponents:\n  securitySchemes:\n    {list}\n");
    with(
        &schemes(
            "{k: {type: apiKey, in: header, name: X}, h: {type: http, scheme: bearer}, o: {type: oauth2}, i: {$ref: '#/x-i'}}\nx-i: {type: openIdConnect, openIdConnectUrl: u}",
        ),
        |api| {
            assert_eq!(api.security_schemes.len(), 4);
            let Scheme::Credential(scheme) = &api.security_schemes[3].scheme else {
                panic!("a credential");
            };
            assert!(
                matches!(scheme, SecurityScheme::OpenIDConnect { open_id_connect_url, .. } if open_id_connect_url == "u")
            );
        },
    );
    check(
        &schemes(
            "{a: {type: basic}, b: {type: apiKey, in: body, name: x}, c: {type: apiKey, in: query}, d: {type: http}, e: 1}",
        ),
        &[
            "6:16 security-scheme-malformed",
            "6:46 security-scheme-malformed",
            "6:65 security-scheme-malformed",
            "6:95 security-scheme-malformed",
            "6:112 security-scheme-malformed",
        ],
    );
}

#[test]
fn servers_keep_what_is_a_text() {
    with(
        "servers: [{url: 'https://{h}', variables: {h: {default: a, enum: [a, 1]}}}, {url: {Fn::Sub: x}}, {url: /v1}]\npaths: {}\n",
        |api| {
            let urls: Vec<_> = api.openapi.servers.iter().map(|s| s.url.as_str()).collect();
            assert_eq!(urls, ["https://{h}", "/v1"]);
            let variables = api.openapi.servers[0].variables.as_ref().unwrap();
            assert_eq!(variables["h"].enumeration, ["a", "1"]);
        },
    );
}

#[test]
fn what_references_multiply_has_a_limit() {
    let parameters: String = (0..1000)
        .map(|n| format!("{{name: p{n}, in: query}},"))
        .collect();
    let paths: String = (0..600)
        .map(|n| format!("  /{n}: {{$ref: '#/x-i'}}\n"))
        .collect();
    let yaml = format!("{HEAD}paths:\n{paths}x-i: {{parameters: [{parameters}], get: {{}}}}\n");
    let (document, mut found) = document(&yaml);
    let api = canonical(&document, &mut found).unwrap();
    assert_eq!(report(&document, &found), ["103:3 document-too-large"]);
    assert_eq!(api.operations.len(), 100);
}

#[test]
fn nobody_has_a_thousand_parameters() {
    let list = |most: usize| {
        let parameters = (0..most).map(|n| format!("{{name: p{n}, in: query}},"));
        let parameters: String = parameters.collect();
        format!("paths: {{/a: {{get: {{parameters: [{parameters}]}}}}}}\n")
    };
    check(&list(1000), &[]);
    check(&list(1001), &["3:32 document-too-large"]);
}
