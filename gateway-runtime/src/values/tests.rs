use super::*;
use crate::def::{AccessDef, OperationDef, PolicyDef, ValidateDef};
use crate::exchange::{FieldName, Params};
use crate::expr::Scope;
use crate::testing::request;

static OPERATION: OperationDef = OperationDef {
    id: "getBook",
    method: "GET",
    path: "/books/{id}",
    tag: "default",
    summary: "",
    parameters: &[],
    body: None,
    responses: &[],
    access: AccessDef::Public,
    policy: PolicyDef::DEFAULT,
    example: None,
};
static ROUTE: RouteDef = RouteDef {
    method: "GET",
    path: "/books/{id}",
    operation: &OPERATION,
};

/// An expression in the middle of `GET /books/a%20b?q=1&q=%2B+2`, the third second of 2030.
fn shown(text: &str) -> String {
    let clock = Clock::manual();
    let mut exchange = request(
        "GET",
        "/books/a%20b?q=1&q=%2B+2",
        &[
            ("host", "API.shop.example:8080"),
            ("x-a", "1"),
            ("x-a", "2"),
            ("user-agent", "curl"),
        ],
    );
    exchange.set_params(Params::new("/books/{id}", [(7, 12)].into_iter().collect()));
    clock.advance(Duration::from_secs(3));
    let deployed = [("region".to_owned(), "eu".to_owned())];
    let variables = Variables::of_deployment(deployed).with_stage([
        ("url".to_owned(), "first".to_owned()),
        ("url".to_owned(), "http://b".to_owned()),
    ]);
    let mut answered = Headers::new();
    answered.set(
        FieldName::from_static("etag"),
        FieldValue::from_static("\"e\""),
    );
    let values = Values {
        gateway: "bookstore",
        exchange: &exchange,
        clock: &clock,
        stage: Some("prod"),
        variables: &variables,
        canary: Some(true),
        route: Some(&ROUTE),
        answered: Some(&answered),
        told: None,
        faults: None,
        outcome: Outcome {
            cut: None,
            invalid: ValidateDef::OFF,
            status: Some(200),
            sent: Some(12),
            latency: Some(Duration::from_micros(7900)),
            upstream_status: Some(201),
            upstream_latency: None,
            cache: Some("miss"),
        },
    };
    let expr = Expr::parse(text, Scope::Response)
        .or_else(|_| Expr::parse(text, Scope::GatewayResponse))
        .map_err(|fault| fault.message);
    let mut out = Vec::new();
    match expr {
        Ok(expr) => expr.render(&mut out, Escape::None, |source| values.get(source)),
        Err(message) => return message,
    }
    String::from_utf8_lossy(&out).replace(exchange.id().as_str(), "{id}")
}

#[test]
fn every_source_has_its_value() {
    for (text, expected) in [
        ("${path.id}", "a%20b"),
        ("${path.other}", ""),
        ("${query.q}", "1,+ 2"),
        ("${query.none}", ""),
        ("${header.X-A}", "1,2"),
        ("${response.header.etag}", "\"e\""),
        ("${stageVariables.url}", "http://b"),
        ("${stageVariables.none}", ""),
        ("${param.region}/${param.url}", "eu/"),
        ("${context.requestId}", "{id}"),
        ("${context.extendedRequestId}", "{id}"),
        ("${context.requestTime}", "01/Jan/2030:00:00:00 +0000"),
        ("${context.requestTimeEpoch}", "1893456000000"),
        ("${context.httpMethod}", "GET"),
        ("${context.path}", "/books/a%20b"),
        ("${context.resourcePath}", "/books/{id}"),
        ("${context.routeKey}", "GET /books/{id}"),
        ("${context.operationId}", "getBook"),
        ("${context.protocol}", "HTTP/1.1"),
        ("${context.stage}", "prod"),
        ("${context.apiId}", "bookstore"),
        ("${context.domainName}", "api.shop.example"),
        ("${context.domainPrefix}", "api"),
        ("${context.identity.sourceIp}", "192.0.2.7"),
        ("${context.identity.userAgent}", "curl"),
        ("${context.isCanaryRequest}", "true"),
        ("${context.error.message}", ""),
        ("${context.error.messageString}", "null"),
        ("${context.error.responseType}", ""),
        ("${context.error.reason}", ""),
        ("${context.status}", "200"),
        ("${context.responseLength}", "12"),
        ("${context.responseLatency}", "7"),
        ("${context.integration.status}", "201"),
        ("${context.integration.latency}", ""),
        ("${context.cache.status}", "miss"),
    ] {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn values_of_variables_are_not_printed() {
    let deployed = [("region".to_owned(), "eu".to_owned())];
    let variables =
        Variables::of_deployment(deployed).with_stage([("token".to_owned(), "hunter2".to_owned())]);
    assert_eq!(format!("{variables:?}"), "[\"token\", \"region\"]");
    assert_eq!(variables.get("token"), Some("hunter2"));
}
