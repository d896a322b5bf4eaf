//! Documents with `x-gateway`.

use std::time::Duration;

use super::*;
use crate::model::{
    Field, HttpIntegration, Integration, Passthrough, Policy, ResponseMapping, Target,
};

pub(super) const AT: &str = "/paths/~1books~1{id}/get/x-gateway";

/// The policy of the one operation.
#[track_caller]
pub(super) fn policy(extension: &str) -> Policy {
    gateway(&operation(extension)).operations["getBook"]
        .policy
        .clone()
}

/// Findings of the one operation, places inside its `x-gateway`.
#[track_caller]
pub(super) fn faults(extension: &str, expected: &[&str]) {
    let found: Vec<String> = findings(&operation(extension))
        .into_iter()
        .map(|line| line.strip_prefix(AT).map(str::to_owned).unwrap_or(line))
        .collect();
    assert_eq!(found, expected, "{extension}");
}

/// Findings of the root's `x-gateway`, places inside it.
#[track_caller]
pub(super) fn root_faults(root: &str, expected: &[&str]) {
    let found: Vec<String> = findings(&document(root, ""))
        .into_iter()
        .map(|line| {
            line.strip_prefix("/x-gateway")
                .map(str::to_owned)
                .unwrap_or(line)
        })
        .collect();
    assert_eq!(found, expected, "{root}");
}

#[test]
fn the_strict_check_names_every_slip_at_its_place() {
    faults(
        "trottle: { rate: 5, burst: 5 }",
        &["/trottle# x-gateway-unknown-member"],
    );
    faults(
        "throttle: { rate: 5, brust: 5 }",
        &["/throttle/brust# x-gateway-unknown-member"],
    );
    faults("timeout: 5 minutes", &["/timeout x-gateway-value"]);
    faults("timeout: [5]", &["/timeout x-gateway-type"]);
    faults("timeout: 0s", &["/timeout x-gateway-range"]);
    faults("timeout: 9000h", &["/timeout x-gateway-value"]);
    faults("cache: true", &["/cache x-gateway-type"]);
    faults(
        "throttle: { rate: fast, burst: 5 }",
        &["/throttle/rate x-gateway-type"],
    );
    faults("cache: { mode: tll }", &["/cache/mode x-gateway-value"]);
    faults(
        "cache: { statuses: [200, 999, ok] }",
        &[
            "/cache/statuses/1 x-gateway-range",
            "/cache/statuses/2 x-gateway-type",
        ],
    );
    faults(
        "request: { set: { heder.x: a } }",
        &["/request/set/heder.x# x-gateway-unknown-member"],
    );
    faults(
        "response: { set: { query.x: a } }",
        &["/response/set/query.x# x-gateway-unknown-member"],
    );
    faults(
        "integration: { type: htp }",
        &["/integration/type x-gateway-value"],
    );
    faults("cache: { ttl: null }", &["/cache/ttl x-gateway-type"]);
    faults(
        "timeout: x, streamIdle: y, throttle: { rate: 0, burst: 0 }, nonsense: 1",
        &[
            "/nonsense# x-gateway-unknown-member",
            "/streamIdle x-gateway-value",
            "/throttle/burst throttle-burst-zero",
            "/throttle/rate throttle-rate-zero",
            "/timeout x-gateway-value",
        ],
    );
    root_faults(
        "stages: { 'a b': {} }",
        &["/stages/a b# x-gateway-unknown-member"],
    );
    root_faults(
        "responses: { THROTLED: {} }",
        &["/responses/THROTLED# x-gateway-unknown-member"],
    );
    root_faults("name: Bad Name", &["/name x-gateway-value"]);
    root_faults(
        "limits: { idleTimeout: 9000h, body: 18446744073709551615GiB }",
        &[
            "/limits/body x-gateway-value",
            "/limits/idleTimeout x-gateway-value",
        ],
    );
    root_faults("name: test", &["/name gateway-name"]);
    root_faults(
        "limits: { headers: 5, headerCount: 0, uri: 1TiB }",
        &[
            "/limits/headerCount x-gateway-range",
            "/limits/headers x-gateway-range",
            "/limits/uri x-gateway-value",
        ],
    );
    root_faults(
        "endpoint: { trustedProxies: [10.0.0.0/8, nowhere] }",
        &["/endpoint/trustedProxies/1 network"],
    );
}

#[test]
fn x_gateway_stands_where_something_reads_it() {
    let text = operation("")
        .replace("in: query, ", "in: query, x-gateway: {}, ")
        .replace("{ title: Books,", "{ title: Books, x-gateway: {},");
    assert_eq!(
        findings(&text),
        [
            "/info/x-gateway# x-gateway-misplaced",
            "/paths/~1books~1{id}/get/parameters/1/x-gateway# x-gateway-misplaced"
        ]
    );
}

#[test]
fn help_says_what_was_meant() {
    let (_, _, found) = lowered(&operation("trottle: false"));
    let sorted = found.sorted();
    let slip = sorted
        .iter()
        .find(|finding| finding.code == "x-gateway-unknown-member")
        .unwrap();
    assert_eq!(slip.message, "`trottle` is no member here");
    assert_eq!(slip.help, "did you mean `throttle`");
}

#[test]
fn what_is_not_served_is_refused_by_name() {
    faults(
        "concurrency: 200, apiKeyRequired: true",
        &[
            "/apiKeyRequired# not-yet-served",
            "/concurrency# not-yet-served",
        ],
    );
    faults("apiKeyRequired: true", &["/apiKeyRequired# not-yet-served"]);
    faults("apiKeyRequired: false", &[]);
    faults(
        "throttle: { rate: 5, burst: 5, per: 'claim:sub' }",
        &["/throttle/per not-yet-served"],
    );
    faults(
        "cache: { mode: http, staleIfError: 10m }",
        &[
            "/cache/mode not-yet-served",
            "/cache/staleIfError# not-yet-served",
        ],
    );
    faults(
        "integration: { type: lambda, function: resize }",
        &["/integration/type not-yet-served"],
    );
    faults(
        "integration: { type: http, request: { content: text }, responses: { default: {} } }",
        &["/integration/request/content not-yet-served"],
    );
    faults(
        "integration: { type: http, request: { templates: { application/json: { file: a.vtl } } }, responses: { default: {} } }",
        &["/integration/request/templates/application~1json not-yet-served"],
    );
    root_faults(
        "usagePlans: {}, kind: websocket",
        &["/kind not-yet-served", "/usagePlans# not-yet-served"],
    );
    root_faults(
        "endpoint: { type: edge }",
        &["/endpoint/type not-yet-served"],
    );
    root_faults(
        "stages: { prod: { cache: { enabled: true, store: redis, encrypted: true } } }",
        &[
            "/stages/prod/cache/encrypted# not-yet-served",
            "/stages/prod/cache/store not-yet-served",
        ],
    );
}

#[test]
fn words_that_are_not_served_are_not_published() {
    fn words(schema: &serde_json::Value, into: &mut Vec<String>) {
        match schema {
            serde_json::Value::Object(members) => {
                for (name, member) in members {
                    if name == "const" {
                        into.extend(member.as_str().map(str::to_owned));
                    }
                    if name == "properties" {
                        into.extend(member.as_object().unwrap().keys().cloned());
                    }
                    words(member, into);
                }
            }
            serde_json::Value::Array(items) => items.iter().for_each(|item| words(item, into)),
            _ => {}
        }
    }
    let schema = lower::native::schema();
    for row in lower::native::unserved::UNSERVED {
        let definition = &schema["$defs"][row.within];
        assert!(definition.is_object(), "{} is a definition", row.within);
        let mut served = Vec::new();
        words(definition, &mut served);
        assert!(
            !served.iter().any(|word| word == row.word),
            "{}.{}",
            row.within,
            row.word
        );
    }
    let text = schema.to_string();
    assert!(!text.contains("null"), "nothing may be null");
    assert!(text.contains("Tokens per second."), "members are described");
}

#[test]
fn layers_merge_from_the_widest_to_the_narrowest() {
    let text = "
openapi: 3.0.3
info: { title: A, version: '1' }
servers: [ { url: 'http://a' } ]
x-gateway:
  defaults: { timeout: 1s, streamIdle: 2s, throttle: { rate: 1, burst: 2 }, request: { set: { header.X-A: root, header.x-b: root } }, cors: { allowOrigins: ['*'] } }
  cors: { allowOrigins: ['https://root.example'], maxAge: 1h }
  stages:
    prod: { operations: { a: { timeout: 9s, request: { set: { header.x-b: false } } }, 'GET /*': { timeout: 8s, streamIdle: 8s }, 'tag:t': { streamIdle: 7s, cors: false } } }
    test: { mount: { path: / } }
paths:
  /a:
    x-gateway: { streamIdle: 3s, throttle: { burst: 3 } }
    get: { operationId: a, tags: [t], responses: {}, x-gateway: { throttle: { rate: 4 }, request: { set: { header.x-a: own } } } }
";
    let gateway = gateway(text);
    let base = &gateway.operations["a"].policy;
    assert_eq!(base.timeout, Duration::from_secs(1));
    assert_eq!(base.stream_idle, Duration::from_secs(3));
    assert_eq!(base.throttles[0].rate.per_second(), 4.0);
    assert_eq!(base.throttles[0].burst.tokens(), 3);
    assert_eq!(
        base.request.set,
        [
            (Field::Header("x-a".to_owned()), "own".to_owned()),
            (Field::Header("x-b".to_owned()), "root".to_owned())
        ]
    );
    let cors = base.cors.as_ref().unwrap();
    assert_eq!(
        (cors.allow_origins[0].as_str(), cors.max_age),
        ("*", Some(3600))
    );
    assert_eq!(
        gateway.cors.as_ref().unwrap().allow_origins,
        ["https://root.example"]
    );

    let prod = &gateway.stages["prod"].overrides["a"];
    assert_eq!(
        prod.timeout,
        Duration::from_secs(9),
        "the operation's name wins"
    );
    assert_eq!(
        prod.stream_idle,
        Duration::from_secs(8),
        "a glob wins over a tag"
    );
    assert_eq!(prod.request.set.len(), 1, "`false` drops an entry");
    assert_eq!(prod.cors, None);
    assert_eq!(gateway.stages["prod"].mount.path, "/prod");
    assert!(gateway.stages["test"].overrides.is_empty());
}

#[test]
fn selectors_that_tie_or_idle_are_reported() {
    root_faults(
        "stages: { prod: { operations: { 'GET /books/*': { timeout: 1s }, 'GET /book*/*s': { timeout: 2s }, 'GET /*/*': {}, 'tag:books': {}, '*': {} } } }",
        &["/stages/prod/operations/GET ~1book*~1*s# selector-idle"],
    );
    root_faults(
        "stages: { prod: { operations: { 'GET /books/*': { timeout: 1s }, 'GET /*ooks/{*': { timeout: 2s } } } }",
        &[
            "/stages/prod/operations/GET ~1*ooks~1{*# selector-tie",
            "/stages/prod/operations/GET ~1books~1*# selector-tie",
        ],
    );
    root_faults(
        "stages: { prod: { operations: { getBok: {} } } }",
        &["/stages/prod/operations/getBok# selector-idle"],
    );
    // parameters may be called otherwise
    root_faults(
        "stages: { prod: { operations: { 'GET /books/{bookId}': {} } } }",
        &[],
    );
}

#[test]
fn integrations() {
    let proxy = |target| Integration::Proxy {
        target,
        method: None,
    };
    assert_eq!(
        policy("integration: { uri: 'http://b/x/{id}?v=1' }").integration,
        proxy(Target::Uri("http://b/x/${path.id}?v=1".to_owned()))
    );
    assert_eq!(
        policy("integration: { path: '/v2/{id}' }").integration,
        proxy(Target::UpstreamPath(
            "default".to_owned(),
            "/v2/${path.id}".to_owned()
        ))
    );
    assert_eq!(
        policy("integration: { uri: 'http://b/{key}', request: { parameters: { path.key: 'x-${query.lang}' } } }").integration,
        proxy(Target::Uri("http://b/x-${query.lang}".to_owned()))
    );
    assert_eq!(
        policy("integration: { type: http, method: POST, uri: 'http://b/', request: { parameters: { header.X-A: '${context.requestId}', query.v: '2' }, templates: { application/json: '{}' }, passthrough: never }, responses: { default: {}, '4\\d{2}': { status: 404, parameters: { header.x-r: '${response.header.x}' } }, '404': { status: 410, templates: { text/plain: gone } } } }").integration,
        Integration::Http(HttpIntegration {
            target: Target::Uri("http://b/".to_owned()),
            method: Some("POST".to_owned()),
            parameters: vec![
                (Field::Header("x-a".to_owned()), "${context.requestId}".to_owned()),
                (Field::Query("v".to_owned()), "2".to_owned()),
            ],
            templates: vec![("application/json".to_owned(), "{}".to_owned())],
            passthrough: Passthrough::Never,
            responses: vec![
                ResponseMapping { pattern: Some("404".to_owned()), status: 410, headers: vec![], bodies: vec![("text/plain".to_owned(), "gone".to_owned())] },
                ResponseMapping { pattern: Some("4\\d{2}".to_owned()), status: 404, headers: vec![("x-r".to_owned(), "${response.header.x}".to_owned())], bodies: vec![] },
                ResponseMapping { pattern: None, status: 200, headers: vec![], bodies: vec![] },
            ],
        })
    );
    assert_eq!(
        policy("integration: { type: redirect, location: '/v2/books/{id}' }").integration,
        Integration::Redirect {
            status: 302,
            location: "/v2/books/${path.id}".to_owned()
        }
    );
    assert_eq!(
        policy("integration: { type: mock, request: { templates: { application/json: '{\"statusCode\": 404}' } }, responses: { default: {}, '4..': { status: 410, templates: { application/json: '{}' } } } }").integration,
        Integration::Mock { status: 410, headers: vec![], bodies: vec![("application/json".to_owned(), "{}".to_owned())] }
    );
    // a mock that says nothing answers the document's example
    assert_eq!(
        policy("integration: { type: mock }").integration,
        Integration::Mock {
            status: 200,
            headers: vec![],
            bodies: vec![]
        }
    );
}

#[test]
fn faults_of_integrations() {
    faults(
        "integration: { uri: 'http://${path.id}.internal/' }",
        &["/integration/uri address-host"],
    );
    faults(
        "integration: { uri: 'http://169.254.169.254/' }",
        &["/integration/uri address-link-local"],
    );
    faults(
        "integration: { uri: books.internal }",
        &["/integration/uri address"],
    );
    faults(
        "integration: { uri: 'http://b/{nothing}' }",
        &["/integration/uri+9 address-placeholder"],
    );
    faults(
        "integration: { uri: 'http://b/', upstream: b }",
        &[
            "/integration/upstream unknown-upstream",
            "/integration/uri# integration-address",
        ],
    );
    faults(
        "integration: { upstream: defualt }",
        &["/integration/upstream unknown-upstream"],
    );
    faults(
        "integration: { type: mock, uri: 'http://b/' }",
        &["/integration/uri# integration-member"],
    );
    faults(
        "integration: { request: { parameters: { header.x: a } } }",
        &["/integration/request/parameters# integration-member"],
    );
    faults(
        "integration: { type: redirect }",
        &["/integration x-gateway-missing"],
    );
    faults(
        "integration: { type: redirect, status: 200, location: / }",
        &["/integration/status redirect-status"],
    );
    faults(
        "integration: { type: redirect, location: 'https://${query.lang}/' }",
        &["/integration/location address-host"],
    );
    faults(
        "integration: { type: http, request: { templates: { json: '{}', application/json: 'a $input b' } }, responses: { default: {} } }",
        &[
            "/integration/request/templates/application~1json+2 mapping-template",
            "/integration/request/templates/json# media-type",
        ],
    );
    faults(
        "integration: { type: http, responses: { '4[': {}, '4': {}, default: {} } }",
        &[
            "/integration/responses/4# response-pattern-empty",
            "/integration/responses/4[# response-pattern",
        ],
    );
    faults(
        "integration: { type: http, responses: { '40[0-4]': {}, '40[3-7]': {}, default: {} } }",
        &["/integration/responses/40[3-7]# response-pattern-tie"],
    );
    faults(
        "integration: { type: mock, responses: { '404': {} } }",
        &["/integration/responses# mock-status"],
    );
}

#[test]
fn a_status_without_a_response_is_warned_of() {
    faults(
        "integration: { type: http, responses: { '404': {} } }",
        &["/integration/responses# response-default"],
    );
    faults(
        "integration: { type: http }",
        &["/integration response-default"],
    );
}

#[test]
fn expressions_in_the_wrong_form_are_faults() {
    for (value, fault) in [
        ("$context.requestId", "+0 expression"),
        ("id $context.requestId", "+3 expression"),
        ("context.requestId", "+0 expression"),
        ("''literal''", "+0 expression"),
        ("${nothing.x}", "+2 expression"),
        ("${context.nothing}", "+2 expression"),
        ("a${path.id", "+1 expression"),
        ("${response.header.x}", "+2 expression"),
        ("${path.idd}", " expression-path-parameter"),
        ("${stageVariables.x}", " stage-variable-undefined"),
    ] {
        let place = format!("/request/set/header.x{fault}");
        faults(
            &format!("request: {{ set: {{ header.x: '{value}' }} }}"),
            &[&place],
        );
    }
    faults(
        "request: { set: { header.x: \"a\\r\\nb\" } }",
        &["/request/set/header.x+1 header-value"],
    );
    faults(
        "request: { set: { header.Connection: close }, remove: [header.te] }",
        &[
            "/request/remove/0# header-name",
            "/request/set/header.Connection# header-name",
        ],
    );
    faults(
        "request: { set: { header.X-A: a, header.x-a: b } }",
        &["/request/set/header.x-a# field-duplicate"],
    );
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../specs/x-gateway.schema.json"
    );
    let schema = format!("{:#}\n", lower::native::schema());
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(file, &schema).expect("specs/ can be written");
    }
    let published = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        published == schema,
        "specs/x-gateway.schema.json is stale: UPDATE_EXPECTED=1 cargo test -p gateway-codegen --lib published_schema"
    );
}
