//! Amazon's members: each means what its twin in `x-gateway` says, or is refused by name.

use super::*;
use crate::model::{Access, ApiKind, ErrorDialect, Integration, Mode, Target, ValidateDef, Value};

/// Two documents of one operation, `GET /books/{id}`: Amazon's members in one, `x-gateway` in the other.
#[track_caller]
fn twins(kind: &str, aws_root: &str, aws: &str, native_root: &str, native: &str) {
    let aws_text = document_with(aws_root, aws);
    let native_text = document_with(
        &format!(
            "x-gateway: {{ kind: {kind}, errors: aws, limits: {{ paths: {{ encodedSlash: keep }} }}, {native_root} }}"
        ),
        &format!("x-gateway: {{ {native} }}"),
    );
    assert_eq!(
        gateway(&aws_text),
        gateway(&native_text),
        "{aws} {aws_root}"
    );
}

fn document_with(root: &str, operation: &str) -> String {
    format!(
        "openapi: 3.0.3
info: {{ title: Books, version: '1' }}
{root}
paths:
  /books/{{id}}:
    get:
      operationId: getBook
      parameters:
        - {{ name: id, in: path, required: true, schema: {{ type: string }} }}
        - {{ name: lang, in: query, schema: {{ type: string }} }}
      responses: {{ '200': {{ description: fine }} }}
      {operation}
"
    )
}

fn integration(members: &str) -> String {
    format!("x-amazon-apigateway-integration: {{ {members} }}")
}

/// A REST integration and its twin.
#[track_caller]
fn rest(aws: &str, native: &str) {
    twins("rest", "", &integration(aws), "", native);
}

/// Findings of one REST integration, places inside it.
#[track_caller]
fn faults(members: &str, expected: &[&str]) {
    operation_faults("", &integration(members), expected);
}

#[track_caller]
fn operation_faults(root: &str, operation: &str, expected: &[&str]) {
    let found: Vec<String> = findings(&document_with(root, operation))
        .into_iter()
        .map(|line| {
            let line = line
                .strip_prefix("/paths/~1books~1{id}/get")
                .map(str::to_owned)
                .unwrap_or(line);
            line.strip_prefix("/x-amazon-apigateway-integration")
                .map(str::to_owned)
                .unwrap_or(line)
        })
        .collect();
    assert_eq!(found, expected, "{root} {operation}");
}

const PROXY: &str = "type: http_proxy, uri: 'http://a/x', httpMethod: ANY";

#[test]
fn addresses_and_methods() {
    rest(PROXY, "integration: { uri: 'http://a/x' }");
    rest(
        "type: HTTP_PROXY, uri: 'http://a/x', httpMethod: post",
        "integration: { uri: 'http://a/x', method: POST }",
    );
    rest(
        "type: http_proxy, uri: 'http://a/{key}', requestParameters: { integration.request.path.key: method.request.path.id }",
        "integration: { uri: 'http://a/{key}', request: { parameters: { path.key: '${path.id}' } } }",
    );
    // an HTTP API fills placeholders from the route
    twins(
        "http",
        "x-amazon-apigateway-importexport-version: '1.0'",
        &integration("type: http_proxy, uri: 'http://a/{id}', payloadFormatVersion: '1.0'"),
        "",
        "integration: { uri: 'http://a/{id}' }",
    );
}

#[test]
fn what_nothing_fills_is_sent_as_text() {
    let text = document_with("", &integration("type: http_proxy, uri: 'http://a/{id}'"));
    let (gateway, _, found) = lowered(&text);
    assert!(!found.has_errors());
    assert!(
        found
            .sorted()
            .iter()
            .any(|finding| finding.code == "aws-placeholder")
    );
    assert_eq!(
        gateway.unwrap().operations["getBook"].policy.integration,
        Integration::Proxy {
            target: Target::Uri("http://a/%7Bid%7D".to_owned()),
            method: None
        }
    );
}

#[test]
fn timeouts() {
    rest(
        &format!("{PROXY}, timeoutInMillis: 5000"),
        "integration: { uri: 'http://a/x' }, timeout: 5s",
    );
    rest(
        &format!("{PROXY}, timeoutInMillis: '250'"),
        "integration: { uri: 'http://a/x' }, timeout: 250ms",
    );
    faults(
        &format!("{PROXY}, timeoutInMillis: 5"),
        &["/timeoutInMillis aws-range"],
    );
    faults(
        &format!("{PROXY}, timeoutInMillis: soon"),
        &["/timeoutInMillis aws-type"],
    );
}

#[test]
fn request_mappings() {
    // a proxy keeps the request, so mappings change it
    rest(
        &format!(
            "{PROXY}, requestParameters: {{ integration.request.header.X-A: context.requestId, integration.request.querystring.v: \"'2'\", integration.request.header.x-b: method.request.querystring.lang }}"
        ),
        "integration: { uri: 'http://a/x' }, request: { set: { header.x-a: '${context.requestId}', query.v: '2', header.x-b: '${query.lang}' } }",
    );
    rest(
        "type: http, uri: 'http://a/x', httpMethod: POST, requestParameters: { integration.request.header.x-id: method.request.path.id, integration.request.querystring.h: method.request.header.X-H }, requestTemplates: { application/json: '{}' }, passthroughBehavior: NEVER, responses: { default: { statusCode: '200' } }",
        "integration: { type: http, uri: 'http://a/x', method: POST, request: { parameters: { header.x-id: '${path.id}', query.h: '${header.x-h}' }, templates: { application/json: '{}' }, passthrough: never }, responses: { default: {} } }",
    );
    faults(
        &format!(
            "{PROXY}, requestParameters: {{ integration.request.header.a: method.request.body, integration.request.header.b: literal, wrong: \"'a'\", integration.request.header.c: method.request.path.nope }}"
        ),
        &[
            "/requestParameters/integration.request.header.a not-yet-served",
            "/requestParameters/integration.request.header.b aws-mapping",
            "/requestParameters/integration.request.header.c expression-path-parameter",
            "/requestParameters/wrong# aws-mapping",
        ],
    );
}

#[test]
fn mappings_of_http_apis() {
    const HTTP: &str = "x-amazon-apigateway-importexport-version: '1.0'";
    twins(
        "http",
        HTTP,
        &integration(&format!(
            "{PROXY}, requestParameters: {{ 'overwrite:header.X-A': 'a-$request.path.id-${{context.requestId}}', 'remove:querystring.lang': \"''\" }}"
        )),
        "",
        "integration: { uri: 'http://a/x' }, request: { set: { header.x-a: 'a-${path.id}-${context.requestId}' }, remove: [query.lang] }",
    );
    operation_faults(
        HTTP,
        &integration(&format!(
            "{PROXY}, requestParameters: {{ 'append:header.a': b, 'overwrite:path': /x, 'overwrite:header.c': $request.body }}, responseParameters: {{ '200': {{ 'remove:header.a': \"''\" }} }}"
        )),
        &[
            "/requestParameters/append:header.a# not-yet-served",
            "/requestParameters/overwrite:header.c not-yet-served",
            "/requestParameters/overwrite:path# not-yet-served",
            "/responseParameters# not-yet-served",
        ],
    );
    operation_faults(HTTP, &integration("type: mock"), &["/type aws-integration"]);
}

#[test]
fn response_mappings() {
    rest(
        "type: http, uri: 'http://a/x', responses: { '4\\d{2}': { statusCode: 404, responseParameters: { method.response.header.X-Why: integration.response.header.X-Error, method.response.header.x-lit: \"'a ${b c}'\" }, responseTemplates: { application/json: '{}', text/plain: null } }, default: { statusCode: '200' } }",
        "integration: { type: http, uri: 'http://a/x', responses: { default: { status: 200 }, '4\\d{2}': { status: 404, parameters: { header.x-why: '${response.header.x-error}', header.x-lit: 'a $${b c}' }, templates: { application/json: '{}' } } } }",
    );
    faults(
        "type: http, uri: 'http://a/x', responses: { default: { responseParameters: { method.response.header.a: integration.response.body.x }, contentHandling: CONVERT_TO_TEXT }, '5..': { statusCode: 200, responseTemplates: { application/json: '$input.body' } } }",
        &[
            "/responses/5../responseTemplates/application~1json+0 mapping-template",
            "/responses/default aws-integration",
            "/responses/default/contentHandling# not-yet-served",
            "/responses/default/responseParameters/method.response.header.a not-yet-served",
        ],
    );
}

#[test]
fn mocks() {
    rest(
        "type: mock, requestTemplates: { application/json: '{statusCode: 204}' }, responses: { '204': { statusCode: 204, responseParameters: { method.response.header.Access-Control-Allow-Origin: \"'*'\" } }, default: { statusCode: 500 } }",
        "integration: { type: mock, responses: { default: { status: 204, parameters: { header.access-control-allow-origin: '*' } } } }",
    );
    faults(
        "type: mock, responses: { default: { statusCode: 200 } }",
        &[" aws-mock-status"],
    );
    faults(
        "type: mock, requestTemplates: { application/json: '#set($a = 1)' }",
        &["/requestTemplates/application~1json+0 mapping-template"],
    );
}

#[test]
fn cache_keys_hold_where_a_stage_cache_is_on() {
    let aws = integration(&format!(
        "{PROXY}, cacheKeyParameters: [method.request.path.id, integration.request.header.x], requestParameters: {{ integration.request.header.x: method.request.querystring.lang }}"
    ));
    let native =
        "integration: { uri: 'http://a/x' }, request: { set: { header.x: '${query.lang}' } }";
    twins("rest", "", &aws, "", native);
    let stages = "stages: { prod: { cache: { enabled: true, ttl: 60s } } }";
    let written = document_with(&format!("x-gateway: {{ {stages} }}"), &aws);
    let native = document_with(
        "x-gateway: { kind: rest, errors: aws, limits: { paths: { encodedSlash: keep } }, stages: { prod: { cache: { enabled: true, ttl: 60s }, operations: { getBook: { cache: { key: [path.id, query.lang] } } } } } }",
        &format!("x-gateway: {{ {native} }}"),
    );
    assert_eq!(gateway(&written), gateway(&native));
    faults(
        &format!(
            "{PROXY}, cacheKeyParameters: [method.request.header.x.y, method.request.multivalueheader.a, integration.request.path.p]"
        ),
        &[
            "/cacheKeyParameters/1 aws-mapping",
            "/cacheKeyParameters/2 not-yet-served",
        ],
    );
}

#[test]
fn gateway_responses_and_cors() {
    twins(
        "rest",
        "x-amazon-apigateway-gateway-responses: { DEFAULT_4XX: { statusCode: '404', responseParameters: { gatewayresponse.header.Access-Control-Allow-Origin: \"'*'\", gatewayresponse.header.x-p: method.request.path.id }, responseTemplates: { application/json: '{\"message\":$context.error.messageString}' } } }",
        &integration(PROXY),
        "responses: { DEFAULT_4XX: { status: 404, headers: { access-control-allow-origin: '*', x-p: '${path.id}' }, templates: { application/json: '{\"message\":${context.error.messageString}}' } } }",
        "integration: { uri: 'http://a/x' }",
    );
    twins(
        "http",
        "x-amazon-apigateway-cors: { allowOrigins: ['https://a.example'], allowMethods: [GET], allowHeaders: ['*'], exposeHeaders: [x-a], maxAge: 600, allowCredentials: true }",
        &integration(PROXY),
        "cors: { allowOrigins: ['https://a.example'], allowMethods: [GET], allowHeaders: ['*'], exposeHeaders: [x-a], maxAge: 10m, allowCredentials: true }",
        "integration: { uri: 'http://a/x' }",
    );
    operation_faults(
        "x-amazon-apigateway-cors: { allowOrigins: ['*'], allowCredentials: true, maxAge: 900000, allowOrigin: x }",
        &integration(PROXY),
        &[
            "/x-amazon-apigateway-cors/allowCredentials cors-credentials",
            "/x-amazon-apigateway-cors/allowOrigin# aws-unknown-member",
            "/x-amazon-apigateway-cors/maxAge aws-range",
        ],
    );
    operation_faults(
        "x-amazon-apigateway-gateway-responses: { THROTLED: {}, THROTTLED: { statusCode: 99, responseParameters: { header.x: \"'a'\" } } }",
        &integration(PROXY),
        &[
            "/x-amazon-apigateway-gateway-responses/THROTLED# aws-gateway-response",
            "/x-amazon-apigateway-gateway-responses/THROTTLED/responseParameters/header.x# aws-mapping",
            "/x-amazon-apigateway-gateway-responses/THROTTLED/statusCode aws-range",
        ],
    );
}

#[test]
fn kinds_and_dialects_are_inferred() {
    let rest = gateway(&document_with("", &integration(PROXY)));
    assert_eq!((rest.kind, rest.errors), (ApiKind::Rest, ErrorDialect::Aws));
    assert!(rest.upstreams.is_empty(), "nothing uses a server");
    for root in [
        "x-amazon-apigateway-importexport-version: '1.0'",
        "x-amazon-apigateway-cors: { allowOrigins: ['*'] }",
    ] {
        assert_eq!(
            gateway(&document_with(root, &integration(PROXY))).kind,
            ApiKind::Http,
            "{root}"
        );
    }
    // tools write it into REST APIs too
    let versioned = integration(&format!("{PROXY}, payloadFormatVersion: '1.0'"));
    assert_eq!(gateway(&document_with("", &versioned)).kind, ApiKind::Http);
    let documented = document_with(
        "x-amazon-apigateway-documentation: { version: '1' }",
        &versioned,
    );
    assert_eq!(gateway(&documented).kind, ApiKind::Rest);
    let written = gateway(&document_with(
        "x-gateway: { kind: http, errors: problem }",
        &integration(PROXY),
    ));
    assert_eq!(
        (written.kind, written.errors),
        (ApiKind::Http, ErrorDialect::Problem)
    );
}

#[test]
fn x_gateway_adjusts_what_amazon_wrote() {
    let both = |own: &str| {
        document_with(
            "",
            &format!(
                "{}\n      x-gateway: {{ {own} }}",
                integration(&format!("{PROXY}, timeoutInMillis: 5000"))
            ),
        )
    };
    let policy = |text: &str| gateway(text).operations["getBook"].policy.clone();
    assert_eq!(
        policy(&both("timeout: 1s")).timeout,
        std::time::Duration::from_secs(1)
    );
    assert_eq!(
        policy(&both("integration: { type: mock }")).timeout,
        std::time::Duration::from_secs(5)
    );
    assert!(matches!(
        policy(&both("integration: { type: mock }")).integration,
        Integration::Mock { .. }
    ));
    assert_eq!(
        policy(&both("integration: { method: PUT }")).integration,
        Integration::Proxy {
            target: Target::Uri("http://a/x".to_owned()),
            method: Some("PUT".to_owned())
        }
    );
}

#[test]
fn the_default_route_appends_the_path() {
    let text = "
openapi: 3.0.3
info: { title: A, version: '1' }
paths:
  /$default:
    x-amazon-apigateway-any-method: { isDefaultRoute: true, responses: {}, x-amazon-apigateway-integration: { type: http_proxy, uri: 'http://a/base', payloadFormatVersion: '1.0' } }
";
    let gateway = gateway(text);
    let operation = gateway.operations.values().next().unwrap();
    assert_eq!(
        (operation.method.as_str(), operation.path.as_str()),
        ("ANY", "$default")
    );
    assert_eq!(
        operation.policy.integration,
        Integration::Proxy {
            target: Target::Upstream("default-route".to_owned()),
            method: None
        }
    );
    assert_eq!(
        gateway.upstreams["default-route"].targets[0].url,
        "http://a/base"
    );
}

#[test]
fn shared_integrations_are_followed() {
    let text = "
openapi: 3.0.3
info: { title: A, version: '1' }
paths: { /a: { get: { operationId: a, responses: {}, x-amazon-apigateway-integration: { $ref: '#/components/x-amazon-apigateway-integrations/one' } } } }
components: { x-amazon-apigateway-integrations: { one: { type: http_proxy, uri: 'http://a/x', payloadFormatVersion: '1.0' } } }
";
    let gateway = gateway(text);
    assert_eq!(gateway.kind, ApiKind::Http);
    assert_eq!(
        gateway.operations["a"].policy.integration,
        Integration::Proxy {
            target: Target::Uri("http://a/x".to_owned()),
            method: None
        }
    );
}

#[test]
fn what_is_not_served_is_named() {
    faults(
        "type: aws_proxy, uri: 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:1:function:resize/invocations'",
        &["/type not-yet-served"],
    );
    let (_, _, found) = lowered(&document_with(
        "",
        &integration("type: aws, uri: 'arn:aws:apigateway:eu-west-1:sqs:path/1/q'"),
    ));
    assert!(
        found
            .sorted()
            .iter()
            .any(|finding| finding.message.contains("service `sqs`")),
        "{found:#?}"
    );
    faults(
        &format!("{PROXY}, connectionType: VPC_LINK, connectionId: abc"),
        &["/connectionType# not-yet-served"],
    );
    faults(
        &format!(
            "{PROXY}, connectionType: INTERNET, credentials: 'arn:x', responses: {{}}, cacheNamespace: abc"
        ),
        &[],
    );
    faults(
        &format!("{PROXY}, contentHandling: CONVERT_TO_TEXT"),
        &["/contentHandling# not-yet-served"],
    );
    faults(
        &format!("{PROXY}, tlsConfig: {{ insecureSkipVerification: true }}"),
        &["/tlsConfig/insecureSkipVerification# not-yet-served"],
    );
    faults(
        &format!(
            "{PROXY}, tlsConfig: {{ insecureSkipVerification: false }}, responseTransferMode: STREAM"
        ),
        &[],
    );
    faults(
        &format!("{PROXY}, nonsense: 1"),
        &["/nonsense# aws-unknown-member"],
    );
    for (root, place) in [
        (
            "x-amazon-apigateway-policy: { Version: '2012-10-17' }",
            "/x-amazon-apigateway-policy# not-yet-served",
        ),
        (
            "x-amazon-apigateway-minimum-compression-size: 0",
            "/x-amazon-apigateway-minimum-compression-size# not-yet-served",
        ),
        (
            "x-amazon-apigateway-api-key-source: HEADER",
            "/x-amazon-apigateway-api-key-source# not-yet-served",
        ),
    ] {
        operation_faults(root, &integration(PROXY), &[place]);
    }
    for root in [
        "x-amazon-apigateway-binary-media-types: ['*/*']",
        "x-amazon-apigateway-documentation: { version: '1' }",
        "x-amazon-apigateway-security-policy: TLS_1_2",
        "x-amazon-apigateway-endpoint-configuration: { disableExecuteApiEndpoint: true }",
        "tags: [ { name: a, x-amazon-apigateway-tag-value: b } ]",
    ] {
        let text = document_with(root, &integration(PROXY));
        let (_, _, found) = lowered(&text);
        assert_eq!(findings(&text), Vec::<String>::new(), "{root}");
        assert!(
            found
                .sorted()
                .iter()
                .any(|finding| finding.code == "aws-no-effect"),
            "{root}"
        );
    }
}

#[test]
fn validators_say_what_is_checked() {
    let validators = "x-amazon-apigateway-request-validators: { all: { validateRequestBody: true, validateRequestParameters: true }, params: { validateRequestParameters: true }, none: {} }";
    let body = "requestBody: { required: true, content: { application/json: { schema: { type: object } }, application/xml: { schema: { type: object } } } }";
    let members = |name: &str| match name {
        "" => format!("{body}\n      {}", integration(PROXY)),
        name => format!(
            "{body}\n      x-amazon-apigateway-request-validator: {name}\n      {}",
            integration(PROXY)
        ),
    };
    let named = |root: &str, name: &str| {
        let text = document_with(&format!("{validators}\n{root}"), &members(name));
        let text = text.replace(
            "{ name: lang, in: query,",
            "{ name: lang, in: query, required: true,",
        );
        gateway(&text).operations["getBook"].clone()
    };
    let checked = |root: &str, name: &str| {
        let ValidateDef { params, body, .. } = named(root, name).policy.validate;
        (params, body)
    };
    let root = "x-amazon-apigateway-request-validator: params";
    assert_eq!(checked("", ""), (Mode::Off, Mode::Off));
    assert_eq!(checked("", "none"), (Mode::Off, Mode::Off));
    assert_eq!(checked("", "params"), (Mode::Enforce, Mode::Off));
    assert_eq!(checked("", "all"), (Mode::Enforce, Mode::Enforce));
    assert_eq!(checked(root, ""), (Mode::Enforce, Mode::Off));
    assert_eq!(checked(root, "none"), (Mode::Off, Mode::Off));
    assert_eq!(
        checked(
            "x-gateway: { defaults: { validate: { body: report } } }",
            ""
        ),
        (Mode::Off, Mode::Report)
    );
    // Of parameters only that they are there; of bodies what is JSON, and they may be missing.
    let all = named("", "all");
    assert!(all.parameters[1].required);
    assert_eq!(all.parameters[1].value, Value::Any);
    let body = all.body.unwrap();
    assert!(!body.required);
    let types: Vec<_> = body.content.iter().map(|c| c.media_type.as_str()).collect();
    assert_eq!(types, ["application/json"]);

    operation_faults(
        validators,
        &format!(
            "x-amazon-apigateway-request-validator: al\n      {}",
            integration(PROXY)
        ),
        &["/x-amazon-apigateway-request-validator aws-validator-undefined"],
    );
    operation_faults(
        &format!("{validators}\nx-amazon-apigateway-request-validator: al"),
        &integration(PROXY),
        &["/x-amazon-apigateway-request-validator aws-validator-undefined"],
    );
}

#[test]
fn judges_are_refused_where_they_are_used() {
    let root = |scheme: &str| {
        format!(
            "components: {{ securitySchemes: {{ key: {{ type: apiKey, in: header, {scheme} }} }} }}"
        )
    };
    let used = |extra: &str| {
        format!(
            "security: [ {{ key: [] }} ]\n      {extra}{}",
            integration(PROXY)
        )
    };
    let at = "/components/securitySchemes/key";
    for (scheme, place) in [
        ("name: x-api-key", "# not-yet-served"),
        (
            "name: Authorization, x-amazon-apigateway-authtype: awsSigv4",
            "/x-amazon-apigateway-authtype not-yet-served",
        ),
        (
            "name: Authorization, x-amazon-apigateway-authtype: cognito_user_pools, x-amazon-apigateway-authorizer: { type: cognito_user_pools }",
            "/x-amazon-apigateway-authorizer# not-yet-served",
        ),
    ] {
        operation_faults(&root(scheme), &used(""), &[&format!("{at}{place}")]);
        operation_faults(&root(scheme), &integration(PROXY), &[]);
    }
    operation_faults(
        &root("name: x-token, x-amazon-apigateway-authtype: custom"),
        &used(""),
        &[],
    );
    operation_faults(
        "",
        &format!(
            "x-amazon-apigateway-auth: {{ type: AWS_IAM }}\n      {}",
            integration(PROXY)
        ),
        &["/x-amazon-apigateway-auth# not-yet-served"],
    );
    let open = gateway(&document_with(
        &format!("security: [ {{ key: [] }} ]\n{}", root("name: x-token")),
        &format!(
            "x-amazon-apigateway-auth: {{ type: none }}\n      {}",
            integration(PROXY)
        ),
    ));
    assert_eq!(open.operations["getBook"].access, Access::Public);
}

#[test]
fn an_operation_wants_an_integration() {
    let root = "x-amazon-apigateway-importexport-version: '1.0'";
    let two = |other: &str| {
        let parameter = "{ name: id, in: path, required: true, schema: {} }";
        let put = format!("    put: {{ parameters: [ {parameter} ], {other} }}\n");
        document_with(root, "") + &put
    };
    assert_eq!(
        findings(&two(&integration(PROXY))),
        ["/paths/~1books~1{id}/get# aws-no-integration"]
    );
    // Where none has one, the document was not made for Amazon alone, and its server answers.
    assert_eq!(findings(&two("")), Vec::<String>::new());
    operation_faults(
        "x-amazon-apigateway-importexport-version: '1.0'\nx-gateway: { defaults: { integration: { type: mock } } }",
        "",
        &[],
    );
}

/// The parameters that a gateway of one integration asks for.
#[track_caller]
fn asked_for(members: &str) -> Vec<String> {
    let gateway = gateway(&document_with("", &integration(members)));
    gateway.parameters.into_keys().collect()
}

#[test]
fn what_a_template_leaves_open_is_asked_for() {
    for (members, expected) in [
        (
            "type: http_proxy, uri: { 'Fn::Sub': 'https://${Host}/' }",
            "Host",
        ),
        ("type: http_proxy, uri: 'https://${Host}/x'", "Host"),
        (
            "type: http, uri: 'http://a/', responses: { default: { statusCode: 200, responseParameters: { method.response.header.a: { 'Fn::Sub': \"'${Zone}'\" } } } }",
            "Zone",
        ),
        (
            "type: http_proxy, uri: 'https://a/', credentials: { Ref: Role }",
            "",
        ),
    ] {
        assert_eq!(asked_for(members).join(" "), expected, "{members}");
    }
}

#[test]
fn what_must_be_known_is_not_asked_for_later() {
    faults(
        "type: http_proxy, uri: 'https://a.${AWS::Region}.example/x'",
        &["/uri parameter-guessed"],
    );
    faults(
        "type: http_proxy, uri: 'https://a/', timeoutInMillis: { Ref: Timeout }, httpMethod: '${method}'",
        &[
            "/httpMethod parameter-open",
            "/timeoutInMillis parameter-open",
        ],
    );
    faults(
        "type: http, uri: 'http://a/', responses: { default: { statusCode: { Ref: Status }, responseParameters: { method.response.header.a: { 'Fn::If': [a, b, c] } } } }",
        &[
            "/responses/default/statusCode parameter-open",
            "/responses/default/responseParameters/method.response.header.a parameter-open",
        ],
    );
    faults("type: http_proxy, uri: { a: b }", &["/uri aws-type"]);
}

#[test]
fn what_is_unknown_is_warned_of() {
    operation_faults(
        "x-amazon-apigateway-polcy: {}",
        &integration(PROXY),
        &["/x-amazon-apigateway-polcy# aws-unknown-member"],
    );
    operation_faults(
        "",
        &format!(
            "x-amazon-apigateway-cors: {{}}\n      {}",
            integration(PROXY)
        ),
        &["/x-amazon-apigateway-cors# aws-misplaced"],
    );
}

#[test]
fn variables_come_from_the_command_line_where_no_stage_is_declared() {
    let text = document_with(
        "",
        &integration("type: http_proxy, uri: 'http://${stageVariables.host}/x'"),
    );
    let (_, _, found) = lowered(&text);
    assert!(!found.has_errors());
    assert_eq!(
        findings(&text),
        ["/paths/~1books~1{id}/get/x-amazon-apigateway-integration/uri stage-variable-undefined"]
    );
}

/// A document of `specs/`.
fn spec(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../specs");
    std::fs::read_to_string(format!("{folder}/{name}")).expect("a document of specs/")
}

#[test]
fn the_bookstores_mean_the_same() {
    let native = gateway(&spec("bookstore.yaml"));
    let aws = gateway(&spec("bookstore-aws.yaml"));
    assert_eq!(native.operations, aws.operations);
    assert_eq!(native.stages, aws.stages);
    assert_eq!(native, aws);
}
