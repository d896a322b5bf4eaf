//! Rules of the `x-amazon-apigateway-*` family.

use super::{Rule, error, note, warning};

pub(super) const RULES: &[Rule] = &[
    error(
        "aws-integration",
        "An integration of Amazon's cannot be read, or its kind of API does not have it.",
        "The finding says what is wrong with which member.",
        "x-amazon-apigateway-integration: { type: htp }",
    ),
    error(
        "aws-no-integration",
        "An operation of a document with Amazon's members has no integration.",
        "Amazon would answer it with an error. Add `x-amazon-apigateway-integration`, or an `integration` in `x-gateway`; one under `defaults` holds for all operations.",
        "",
    ),
    error(
        "aws-type",
        "A value of Amazon's members has the wrong type.",
        "The finding says what is expected.",
        "timeoutInMillis: soon",
    ),
    error(
        "aws-range",
        "A number of Amazon's members is out of range.",
        "The finding says the range.",
        "timeoutInMillis: 5",
    ),
    error(
        "aws-mapping",
        "A mapping of Amazon's names no target or no value.",
        "The finding lists the forms. Literals stand in single quotes.",
        "integration.request.header.x: literal",
    ),
    error(
        "aws-gateway-response",
        "There is no gateway response of this type.",
        "The finding names the nearest; there are 21.",
        "x-amazon-apigateway-gateway-responses: { THROTLED: {} }",
    ),
    error(
        "aws-validator-undefined",
        "A request validator is named that is not there.",
        "Define it under `x-amazon-apigateway-request-validators`.",
        "x-amazon-apigateway-request-validator: al",
    ),
    warning(
        "aws-misplaced",
        "A member of Amazon's stands where Amazon does not read it.",
        "Move it.",
        "",
    ),
    warning(
        "aws-unknown-member",
        "A member begins like Amazon's and is not known.",
        "It has no effect; often it is a typing slip.",
        "x-amazon-apigateway-integratoin: {}",
    ),
    warning(
        "aws-mock-status",
        "A mock has no request template that names its status.",
        "Amazon answers 500; here the default response is taken.",
        "",
    ),
    warning(
        "aws-placeholder",
        "Nothing fills a `{name}` of an address, so it is sent as text.",
        "In a REST API a mapping fills it: `integration.request.path.NAME`; in an HTTP API the path parameter of that name.",
        "uri: 'https://a.example/{id}'",
    ),
    note(
        "aws-kind",
        "The kind of API was inferred.",
        "`x-gateway: { kind: rest }` or `kind: http` says it. It decides routing, errors and timeouts.",
        "",
    ),
    note(
        "aws-no-effect",
        "A member of Amazon's has no effect on a request here.",
        "The finding says why. It can stay.",
        "x-amazon-apigateway-documentation: {}",
    ),
];
