//! Whatever a document says: no panic, and every finding stands at a place that is there.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Names that mean something somewhere, so that nonsense gets past the first check.
const NAMES: &[&str] = &[
    "integration",
    "type",
    "uri",
    "upstream",
    "path",
    "method",
    "request",
    "response",
    "responses",
    "parameters",
    "templates",
    "set",
    "remove",
    "throttle",
    "rate",
    "burst",
    "per",
    "cache",
    "ttl",
    "key",
    "max",
    "cors",
    "allowOrigins",
    "stages",
    "prod",
    "variables",
    "operations",
    "*",
    "getBook",
    "GET /books/*",
    "defaults",
    "upstreams",
    "default",
    "targets",
    "url",
    "limits",
    "body",
    "header.x",
    "query.lang",
    "path.id",
    "status",
    "location",
    "application/json",
    "requestParameters",
    "integration.request.header.x",
    "responseParameters",
    "method.response.header.x",
    "requestTemplates",
    "responseTemplates",
    "statusCode",
    "cacheKeyParameters",
    "timeoutInMillis",
    "httpMethod",
    "4\\d{2}",
    "THROTTLED",
    "mount",
    "canary",
    "percent",
    "accessLog",
    "format",
    "$ref",
    "Fn::Sub",
    "tlsConfig",
    "name",
    "kind",
    "enabled",
];

/// Values that mean something somewhere, or nearly.
const TEXTS: &[&str] = &[
    "",
    "http",
    "http_proxy",
    "mock",
    "proxy",
    "redirect",
    "lambda",
    "http://a/{id}",
    "http://${path.id}/",
    "${stageVariables.x}",
    "${",
    "$${",
    "$",
    "{",
    "}",
    "{}",
    "'a'",
    "context.requestId",
    "$context.x",
    "method.request.path.id",
    "5s",
    "10MiB",
    "ip",
    "path:id",
    "header.x",
    "query.*",
    "*",
    "https://a",
    "GET",
    "ANY",
    "http://é/",
    "a\u{0}b",
    "http://[",
    "/{proxy+}",
    "{statusCode: 200}",
];

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![
            Just(0),
            Just(1),
            Just(-1),
            Just(200),
            Just(404),
            Just(i64::MAX)
        ]
        .prop_map(Value::from),
        Just(json!(0.5)),
        Just(json!(1e300)),
        proptest::sample::select(TEXTS).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    scalar.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            1 => proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            4 => proptest::collection::vec((proptest::sample::select(NAMES), inner), 0..5).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_document_breaks_the_lowering(
        root in value(), item in value(), own in value(), aws in value(), scheme in value(), responses in value(), amazon in any::<bool>(),
    ) {
        let mut document = json!({
            "openapi": "3.0.3",
            "info": { "title": "A", "version": "1" },
            "servers": [{ "url": "http://a/{v}", "variables": { "v": { "default": "1" } } }],
            "x-gateway": root,
            "paths": { "/books/{id}": {
                "x-gateway": item,
                "get": {
                    "operationId": "getBook",
                    "security": [{ "login": [] }],
                    "responses": responses,
                    "x-gateway": own,
                },
            } },
            "components": { "securitySchemes": { "login": { "type": "http", "scheme": "bearer", "x-gateway": scheme } } },
        });
        if amazon {
            document["paths"]["/books/{id}"]["get"]["x-amazon-apigateway-integration"] = aws.clone();
            document["x-amazon-apigateway-gateway-responses"] = aws.clone();
            document["x-amazon-apigateway-cors"] = aws;
        }
        let as_written = document;
        let (_, document, found) = lowered(&as_written.to_string());
        for finding in found.sorted() {
            let place = document.written(&finding.place);
            prop_assert!(as_written.pointer(&place.pointer).is_some(), "{finding:?}");
            prop_assert!(check::rule(finding.code).is_some(), "{finding:?}");
            prop_assert!(!finding.message.is_empty() && !finding.message.ends_with('.'), "{finding:?}");
        }
    }
}
