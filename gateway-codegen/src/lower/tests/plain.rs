//! Documents without any extension.

use std::time::Duration;

use super::*;
use crate::model::{Access, Caching, Credential, Integration, Limits, ParameterPlace, Target};

const PLAIN: &str = "
openapi: 3.0.3
info: { title: Book Store, version: '1.2' }
servers: [ { url: /v1 }, { url: 'https://{region}.example.com/v1/', variables: { region: { default: eu } } }, { url: 'http://other.example' } ]
paths:
  /books:
    get:
      operationId: listBooks
      tags: [books, public]
      summary: |
        List
        the books
      responses: { '200': { description: fine, content: { application/json: { schema: { type: array, items: { $ref: '#/components/schemas/Book' } } } } } }
    post:
      servers: [ { url: 'https://write.example.com:8443/w' } ]
      responses: { '201': { description: made } }
components:
  schemas:
    Book:
      type: object
      required: [id]
      properties: { id: { type: integer, minimum: 1 }, title: { type: string }, next: { $ref: '#/components/schemas/Book' } }
";

#[test]
fn every_operation_is_proxied_to_the_first_absolute_server() {
    let gateway = gateway(PLAIN);
    assert_eq!(gateway.name, "book-store");
    assert_eq!(gateway.version, "1.2");
    assert_eq!(
        gateway.upstreams["default"].targets[0].url,
        "https://eu.example.com/v1"
    );
    assert_eq!(
        gateway.upstreams["write.example.com"].targets[0].url,
        "https://write.example.com:8443/w"
    );
    assert_eq!(gateway.limits, Limits::default());
    assert_eq!(gateway.stages.keys().collect::<Vec<_>>(), ["default"]);
    let list = &gateway.operations["listBooks"];
    assert_eq!(list.tag, "books");
    assert_eq!(list.summary, "List the books");
    assert_eq!(list.access, Access::Public);
    assert_eq!(
        list.policy.integration,
        Integration::Proxy {
            target: Target::Upstream("default".to_owned()),
            method: None
        }
    );
    assert_eq!(list.policy.timeout, Duration::from_secs(29));
    assert_eq!(list.policy.cache, Caching::Off);
    let post = &gateway.operations["postBooks"];
    assert_eq!(
        post.policy.integration,
        Integration::Proxy {
            target: Target::Upstream("write.example.com".to_owned()),
            method: None
        }
    );
    assert_eq!(post.example.as_ref().unwrap().status, 201);
}

#[test]
fn examples_are_made_from_recursive_schemas() {
    let gateway = gateway(PLAIN);
    let example = gateway.operations["listBooks"].example.clone().unwrap();
    assert_eq!(
        (example.status, example.media_type.as_str()),
        (200, "application/json")
    );
    let body: serde_json::Value = serde_json::from_str(&example.body).unwrap();
    assert_eq!(body[0]["id"], 1);
    assert_eq!(body[0]["title"], "text");
    assert!(example.body.len() < 4096, "{}", example.body);
}

#[test]
fn without_a_server_the_binary_asks_for_one() {
    let (gateway, _, found) = lowered(
        "openapi: 3.0.3\ninfo: { title: A, version: '1' }\npaths: { /a: { get: { responses: {} } } }\n",
    );
    assert!(gateway.unwrap().upstreams["default"].targets.is_empty());
    assert!(
        found
            .sorted()
            .iter()
            .any(|finding| finding.code == "no-server")
    );
    assert!(!found.has_errors());
}

#[test]
fn security_without_a_judge_is_delegated() {
    let text = "
openapi: 3.0.3
info: { title: A, version: '1' }
servers: [ { url: 'http://a' } ]
security: [ { key: [], login: [read] }, { session: [] } ]
paths:
  /a:
    get: { operationId: a, responses: {} }
    put: { operationId: b, security: [], responses: {} }
    post: { operationId: c, security: [ {}, { session: [] } ], responses: {} }
    patch: { operationId: d, security: [ {} ], responses: {} }
components:
  securitySchemes:
    key: { type: apiKey, in: header, name: X-Key, x-gateway: { require: true } }
    login: { type: http, scheme: bearer }
    session: { type: apiKey, in: cookie, name: Sid }
    unused: { type: oauth2, flows: {}, x-gateway: {} }
";
    let gateway = gateway(text);
    let credential = |scheme: &str, place, name: &str, required| Credential {
        scheme: scheme.to_owned(),
        place,
        name: name.to_owned(),
        required,
    };
    let key = credential("key", ParameterPlace::Header, "x-key", true);
    let login = credential("login", ParameterPlace::Header, "authorization", false);
    let session = credential("session", ParameterPlace::Cookie, "Sid", false);
    let access = |id: &str| gateway.operations[id].access.clone();
    assert_eq!(
        access("a"),
        Access::Delegated(vec![vec![key, login], vec![session.clone()]])
    );
    assert_eq!(access("b"), Access::Public);
    assert_eq!(access("c"), Access::Delegated(vec![vec![], vec![session]]));
    assert_eq!(access("d"), Access::Public);
    let (_, _, found) = lowered(text);
    let notes: Vec<_> = found
        .sorted()
        .into_iter()
        .filter(|finding| finding.code == "delegated-security")
        .map(|finding| finding.place.pointer.clone())
        .collect();
    assert_eq!(
        notes,
        [
            "/components/securitySchemes/key",
            "/components/securitySchemes/login",
            "/components/securitySchemes/session"
        ]
    );
}

#[test]
fn a_judge_is_never_open() {
    let text = |extension: &str, security: &str| {
        format!("
openapi: 3.0.3
info: {{ title: A, version: '1' }}
servers: [ {{ url: 'http://a' }} ]
paths: {{ /a: {{ get: {{ operationId: a, security: [ {{ {security}: [] }} ], responses: {{}} }} }} }}
components: {{ securitySchemes: {{ login: {{ type: http, scheme: bearer, x-gateway: {{ {extension} }} }} }} }}
")
    };
    assert_eq!(
        findings(&text("jwt: { issuer: x }", "login")),
        ["/components/securitySchemes/login/x-gateway/jwt# not-yet-served"]
    );
    assert_eq!(
        findings(&text("requre: true", "login")),
        ["/components/securitySchemes/login/x-gateway/requre# x-gateway-unknown-member"]
    );
    assert_eq!(
        findings(&text("", "logn")),
        ["/paths/~1a/get/security security-scheme-undefined"]
    );
}

#[test]
fn routes_and_ids_are_unique() {
    let text = "
openapi: 3.0.3
info: { title: A, version: '1' }
servers: [ { url: 'http://a' } ]
paths:
  /a/{x}: { get: { operationId: same, responses: {}, parameters: [ { name: x, in: path, required: true } ] } }
  /a/{y}: { get: { operationId: same, responses: {}, parameters: [ { name: y, in: path, required: true } ] } }
  /a/{z}/{z}: { get: { responses: {} } }
";
    let found = findings(text);
    for expected in [
        "/paths/~1a~1{x}/get/operationId operation-id-duplicate",
        "/paths/~1a~1{y}/get/operationId operation-id-duplicate",
        "/paths/~1a~1{x}/get route-duplicate",
        "/paths/~1a~1{y}/get route-duplicate",
        "/paths/~1a~1{z}~1{z}/get# path-pattern",
    ] {
        assert!(
            found.iter().any(|f| f == expected),
            "{expected} in {found:#?}"
        );
    }
}

#[test]
fn a_fragment_tells_no_routes_apart() {
    let text = "
openapi: 3.0.3
info: { title: A, version: '1' }
servers: [ { url: 'http://a' } ]
paths:
  /a#one: { get: { operationId: one, responses: {} }, put: { operationId: putOne, responses: {} } }
  /a: { get: { operationId: plain, responses: {} } }
  /a#two: { put: { operationId: putTwo, responses: {} } }
";
    let gateway = gateway(text);
    let served: Vec<_> = gateway
        .operations
        .values()
        .map(|operation| (operation.id.as_str(), operation.path.as_str()))
        .collect();
    assert_eq!(served, [("plain", "/a"), ("putOne", "/a")]);
    assert_eq!(
        findings(text),
        [
            "/paths/~1a#one/get# path-fragment",
            "/paths/~1a#one/put# path-fragment",
            "/paths/~1a#two/put# path-fragment"
        ]
    );
}
