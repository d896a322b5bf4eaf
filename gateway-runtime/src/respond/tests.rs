#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot make its own gateway should stop"
)]

use std::path::Path;

use super::*;
use crate::clock::Clock;
use crate::def::{SetDef, TemplateDef, inline, set};
use crate::testing::{GATEWAY, request};
use crate::values::Variables;

fn responses(
    errors: ErrorDialect,
    kind: ApiKind,
    custom: &'static [GatewayResponseDef],
) -> Responses {
    Responses::new(&GatewayDef {
        errors,
        kind,
        responses: custom,
        ..GATEWAY
    })
    .unwrap()
}

/// An answer as it goes out: status, fields by name, body. Ids are replaced, being different each time.
fn answer(responses: &Responses, refusal: &Refusal, exchange: &Exchange) -> String {
    let variables = Variables::default().with_stage([("who".to_owned(), "us".to_owned())]);
    let values = Values {
        gateway: "bookstore",
        exchange,
        clock: &Clock::manual(),
        stage: Some("prod"),
        variables: &variables,
        canary: None,
        route: None,
        answered: None,
        told: None,
        faults: None,
        outcome: Outcome::default(),
    };
    let mut reply = responses.refuse(refusal, values);
    responses.identify(exchange, &mut reply.headers);
    let mut fields: Vec<String> = reply
        .headers
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy;
            format!("{}: {}\n", text(name), text(value))
        })
        .collect();
    fields.sort();
    let body = match body_of(reply.body) {
        text if text.is_empty() => text,
        text => format!("\n{text}\n"),
    };
    let id = exchange.id();
    format!("{}\n{}{body}", reply.status, fields.concat())
        .replace(id.as_str(), "{id}")
        .replace(&extended_id(id.as_str()), "{extended}")
}

fn body_of(body: crate::exchange::Body) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    match runtime.block_on(body.buffer(1 << 20)) {
        Ok(crate::exchange::Buffered::Whole(bytes, _)) => {
            String::from_utf8(bytes.to_vec()).unwrap()
        }
        _ => String::new(),
    }
}

/// Every refusal in one dialect, against the file that says how it is answered. `UPDATE_EXPECTED=1` rewrites it.
#[track_caller]
fn check_dialect(errors: ErrorDialect, kind: ApiKind, file: &str) {
    let responses = responses(errors, kind, &[]);
    let exchange = request(
        "GET",
        "/books/7?q=secret",
        &[("authorization", "Bearer secret")],
    );
    let mut samples = Refusal::samples();
    samples.sort_by_key(Refusal::reason);
    let shown: Vec<String> = samples
        .iter()
        .map(|refusal| {
            format!(
                "# {}\n{}",
                refusal.reason(),
                answer(&responses, refusal, &exchange)
            )
        })
        .collect();
    let shown = shown.join("\n");
    assert!(!shown.contains("secret"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src/respond/golden")
        .join(file);
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&path, &shown).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(shown == expected, "{file} differs:\n{shown}");
}

#[test]
fn every_refusal_as_a_problem() {
    check_dialect(ErrorDialect::Problem, ApiKind::Plain, "problem.txt");
}

#[test]
fn every_refusal_as_a_rest_api_answers_it() {
    check_dialect(ErrorDialect::Aws, ApiKind::Rest, "aws-rest.txt");
}

#[test]
fn every_refusal_as_an_http_api_answers_it() {
    check_dialect(ErrorDialect::Aws, ApiKind::Http, "aws-http.txt");
}

#[test]
fn the_kind_of_api_does_not_change_problems() {
    let exchange = request("GET", "/", &[]);
    for refusal in Refusal::samples() {
        let of = |kind| {
            answer(
                &responses(ErrorDialect::Problem, kind, &[]),
                &refusal,
                &exchange,
            )
        };
        assert_eq!(of(ApiKind::Rest), of(ApiKind::Plain));
        assert_eq!(of(ApiKind::Http), of(ApiKind::Plain));
    }
}

// ---- customised ----------------------------------------------------------------------------------------------------

const ALLOW_ALL: &[SetDef] = &[set(FieldDef::Header("access-control-allow-origin"), "*")];
const EXACT: GatewayResponseDef = GatewayResponseDef {
    kind: ResponseType::MissingAuthenticationToken,
    status: Some(404),
    headers: &[],
    bodies: &[TemplateDef {
        media_type: "application/json",
        body: inline(r#"{"message":${context.error.messageString},"path":"${context.path}"}"#),
    }],
};
const DEFAULT_4XX: GatewayResponseDef = GatewayResponseDef {
    kind: ResponseType::Default4xx,
    status: None,
    headers: ALLOW_ALL,
    bodies: &[],
};
const DEFAULT_5XX: GatewayResponseDef = GatewayResponseDef {
    kind: ResponseType::Default5xx,
    status: Some(503),
    headers: &[
        set(
            FieldDef::Header("x-why"),
            "${context.error.responseType}/${context.error.reason}",
        ),
        set(
            FieldDef::Header("x-stage"),
            "${context.stage} ${stageVariables.who}",
        ),
        set(FieldDef::Header("x-asked"), "${header.x-asked}"),
        set(FieldDef::Header("x-absent"), "${query.absent}"),
    ],
    bodies: &[
        TemplateDef {
            media_type: "text/html",
            body: inline("<p>${context.error.message} ${query.q}"),
        },
        TemplateDef {
            media_type: "application/json",
            body: inline(r#"{"q":"${query.q}","status":${context.status}}"#),
        },
        TemplateDef {
            media_type: "text/plain",
            body: inline("$${x} ${query.q}"),
        },
    ],
};
const CUSTOM: &[GatewayResponseDef] = &[DEFAULT_4XX, DEFAULT_5XX, EXACT];

#[test]
fn an_exact_type_replaces_and_defaults_fill_in_by_class() {
    let rest = responses(ErrorDialect::Aws, ApiKind::Rest, CUSTOM);
    let exchange = request("GET", "/no/\"such", &[]);
    for (refusal, expected) in [
        (
            Refusal::NotFound,
            "404\ncontent-type: application/json\nx-amz-apigw-id: {extended}\n\
             x-amzn-errortype: MissingAuthenticationTokenException\nx-amzn-requestid: {id}\n\n\
             {\"message\":\"Missing Authentication Token\",\"path\":\"/no/%22such\"}\n",
        ),
        (
            Refusal::BadHost,
            "400\naccess-control-allow-origin: *\ncontent-type: application/json\nx-amz-apigw-id: {extended}\n\
             x-amzn-errortype: BadRequestException\nx-amzn-requestid: {id}\n\n{\"message\":\"Bad Request\"}\n",
        ),
        // Amazon does not let 413 be customised.
        (
            Refusal::BodyTooLarge,
            "413\ncontent-type: application/json\nx-amz-apigw-id: {extended}\n\
             x-amzn-errortype: RequestTooLargeException\nx-amzn-requestid: {id}\n\n{\"message\":\"Request Too Long\"}\n",
        ),
        (
            Refusal::UpstreamTimeout,
            "503\ncontent-type: application/json\nx-amz-apigw-id: {extended}\n\
             x-amzn-errortype: InternalServerErrorException\nx-amzn-requestid: {id}\nx-stage: prod us\n\
             x-why: INTEGRATION_TIMEOUT/upstream_timeout\n\n{\"q\":\"\",\"status\":503}\n",
        ),
    ] {
        assert_eq!(answer(&rest, &refusal, &exchange), expected, "{refusal:?}");
    }
}

#[test]
fn a_problem_names_the_status_that_is_sent() {
    let custom: &[GatewayResponseDef] = const {
        &[GatewayResponseDef {
            kind: ResponseType::Throttled,
            status: Some(503),
            headers: &[],
            bodies: &[],
        }]
    };
    let problem = responses(ErrorDialect::Problem, ApiKind::Plain, custom);
    let refusal = Refusal::Throttled(Spent {
        limit: 20,
        window: 4,
        remaining: 0,
        retry_after: 2,
    });
    let shown = answer(&problem, &refusal, &request("GET", "/", &[]));
    assert!(shown.starts_with("503\n"), "{shown}");
    assert!(
        shown.contains("\"title\":\"Service Unavailable\",\"status\":503"),
        "{shown}"
    );
    assert!(shown.contains("retry-after: 2\n"), "{shown}");
}

#[test]
fn accept_chooses_the_body_and_values_are_escaped_for_it() {
    let problem = responses(ErrorDialect::Problem, ApiKind::Plain, CUSTOM);
    let nasty = "/?q=%3Cb%3E%22%0d%0a%27%26";
    for (accept, media_type, body) in [
        (
            None,
            "application/json",
            "{\"q\":\"<b>\\\"\\r\\n'&\",\"status\":503}",
        ),
        (
            Some("*/*"),
            "application/json",
            "{\"q\":\"<b>\\\"\\r\\n'&\",\"status\":503}",
        ),
        (
            Some("image/png"),
            "application/json",
            "{\"q\":\"<b>\\\"\\r\\n'&\",\"status\":503}",
        ),
        (
            Some("text/html, */*;q=0.1"),
            "text/html",
            "<p>The service behind this operation did not answer in time. &lt;b&gt;&quot;\r\n&#39;&amp;",
        ),
        (Some("text/plain"), "text/plain", "${x} <b>\"\r\n'&"),
    ] {
        let headers: Vec<_> = accept
            .map(|accept| ("accept", accept))
            .into_iter()
            .collect();
        let shown = answer(
            &problem,
            &Refusal::UpstreamTimeout,
            &request("GET", nasty, &headers),
        );
        assert!(
            shown.contains(&format!("content-type: {media_type}\n"))
                && shown.ends_with(&format!("\n\n{body}\n")),
            "{accept:?}: {shown}"
        );
    }
}

#[test]
fn no_request_can_add_a_field() {
    let problem = responses(ErrorDialect::Problem, ApiKind::Plain, CUSTOM);
    let custom: &[GatewayResponseDef] = const {
        &[GatewayResponseDef {
            kind: ResponseType::Default5xx,
            status: None,
            headers: &[set(FieldDef::Header("x-q"), "<${query.q}>")],
            bodies: &[],
        }]
    };
    let own = responses(ErrorDialect::Problem, ApiKind::Plain, custom);
    let exchange = request("GET", "/?q=a%0d%0aset-cookie:%20b", &[("x-asked", "yes")]);
    let shown = answer(&own, &Refusal::Internal, &exchange);
    assert!(shown.contains("x-q: <aset-cookie: b>\n"), "{shown}");
    assert!(answer(&problem, &Refusal::Internal, &exchange).contains("x-asked: yes\n"));
}

#[test]
fn challenges_name_the_place_of_the_credential() {
    let credential = |place, name| CredentialDef {
        scheme: "s",
        place,
        name,
        required: true,
    };
    for (place, name, expected) in [
        (ParameterPlace::Header, "authorization", "Bearer"),
        (
            ParameterPlace::Header,
            "x-token",
            "ApiKey in=\"header\", name=\"x-token\"",
        ),
        (
            ParameterPlace::Query,
            "key",
            "ApiKey in=\"query\", name=\"key\"",
        ),
        (
            ParameterPlace::Cookie,
            "sid",
            "ApiKey in=\"cookie\", name=\"sid\"",
        ),
    ] {
        assert_eq!(challenge(&credential(place, name)), expected);
    }
}

#[test]
fn the_second_id_has_the_form_amazons_has() {
    // echo 00112233445566778899aa | xxd -r -p | base64
    assert_eq!(
        extended_id("00112233-4455-6677-8899-aabbccddeeff"),
        "ABEiM0RVZneImao="
    );
}

#[test]
fn broken_expressions_are_all_reported() {
    let custom: &[GatewayResponseDef] = const {
        &[GatewayResponseDef {
            kind: ResponseType::Throttled,
            status: None,
            headers: &[set(FieldDef::Header("x-a"), "${nothing}")],
            bodies: &[TemplateDef {
                media_type: "text/plain",
                body: inline("${response.header.etag}"),
            }],
        }]
    };
    let faults = Responses::new(&GatewayDef {
        responses: custom,
        ..GATEWAY
    })
    .unwrap_err();
    assert_eq!(faults.len(), 2);
    assert!(
        faults
            .iter()
            .all(|fault| fault.message.contains("THROTTLED"))
    );
}
