//! What integrations send and answer.

use super::scene::{
    AccessLogTo, Answer, BackEnd, DEFAULT, PROXY, Settings, Site, gateway, operation, settings,
    single,
};
use crate::def::{
    CanaryDef, EditsDef, ExampleDef, FieldDef, GatewayDef, HttpDef, IntegrationDef, MockDef,
    MountDef, OperationDef, Passthrough, PolicyDef, ProxyDef, RedirectDef, ResponseMappingDef,
    StageDef, TargetDef, TemplateDef, VariableDef, VariableValue, inline, set,
};
use crate::testing::GATEWAY;

fn with(integration: IntegrationDef) -> PolicyDef {
    PolicyDef {
        integration,
        ..PROXY
    }
}

/// The request that an echoing back end got: its first line, and its fields sorted, without what differs each time.
fn echoed(answer: &Answer) -> Vec<String> {
    let echo = answer.body.split_once("\r\n\r\n");
    let (head, body) = echo.unwrap_or_else(|| panic!("no echo: {answer:?}"));
    let mut lines = head.lines().map(str::to_owned);
    let mut shown = vec![lines.next().unwrap()];
    let mut fields: Vec<String> = lines
        .map(|line| match line.split_once(": ") {
            Some(("host", _)) => "host: {back end}".to_owned(),
            Some(("x-request-id", id)) if Some(id) == answer.header("x-request-id") => {
                "x-request-id: {id}".to_owned()
            }
            _ => line,
        })
        .collect();
    fields.sort();
    shown.append(&mut fields);
    if !body.is_empty() {
        shown.push(body.to_owned());
    }
    shown
}

#[test]
fn a_proxied_request_goes_on_as_it_came_but_for_what_belongs_to_the_hop() {
    let site = Site::start(
        single("POST", "/echo/{id}", PROXY),
        &settings(Some(BackEnd::start().address)),
    );
    let answer = site.send(
        "POST",
        "/echo/a%20b?q=1&q=%C3%BC",
        &[
            "x-forwarded-for: 203.0.113.9",
            "x-forwarded-proto: https",
            "x-request-id: forged",
            "te: trailers",
            "x-hop: 1",
            "connection: x-hop",
            "cookie: a=b",
        ],
        "body",
    );
    assert_eq!(
        echoed(&answer),
        [
            "POST /echo/a%20b?q=1&q=%C3%BC HTTP/1.1",
            "content-length: 4",
            "cookie: a=b",
            "host: {back end}",
            "via: 1.1 bookstore",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: shop.example",
            "x-forwarded-proto: http",
            "x-request-id: {id}",
            "body",
        ]
    );
}

#[test]
fn what_a_trusted_proxy_said_is_continued() {
    let def = gateway(
        vec![operation("GET", "/echo", PROXY)],
        GatewayDef {
            trusted_proxies: &["127.0.0.0/8"],
            ..GATEWAY
        },
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    let answer = site.send(
        "GET",
        "/echo",
        &[
            "x-forwarded-for: 203.0.113.9",
            "x-forwarded-proto: https",
            "x-forwarded-host: public.example",
            "via: 1.0 front",
        ],
        "",
    );
    assert_eq!(
        echoed(&answer),
        [
            "GET /echo HTTP/1.1",
            "host: {back end}",
            "via: 1.0 front",
            "via: 1.1 bookstore",
            "x-forwarded-for: 203.0.113.9, 127.0.0.1",
            "x-forwarded-host: public.example",
            "x-forwarded-proto: https",
            "x-request-id: {id}",
        ]
    );
}

#[test]
fn edits_change_fields_and_query_of_a_proxied_request() {
    let policy = PolicyDef {
        request: EditsDef {
            set: const {
                &[
                    set(FieldDef::Header("x-id"), "<${path.id}> ${query.q}"),
                    set(FieldDef::Header("x-none"), "${header.x-absent}"),
                    set(FieldDef::Query("id"), "${path.id}"),
                    set(FieldDef::Query("who"), "${header.x-who}&more=1"),
                ]
            },
            remove: &[FieldDef::Header("cookie"), FieldDef::Query("token")],
        },
        response: EditsDef {
            set: const {
                &[set(
                    FieldDef::Header("x-type"),
                    "${response.header.content-type}",
                )]
            },
            remove: &[FieldDef::Header("content-type")],
        },
        ..PROXY
    };
    let site = Site::start(
        single("GET", "/echo/{id}", policy),
        &settings(Some(BackEnd::start().address)),
    );
    let answer = site.send(
        "GET",
        "/echo/a%20b+c?q=1&token=secret&id=old&tok%65n=2",
        &["cookie: a=b", "x-who: a&b=c", "x-none: forged"],
        "",
    );
    let echoed = echoed(&answer);
    assert_eq!(
        echoed[0],
        "GET /echo/a%20b+c?q=1&id=a%20b%2Bc&who=a%26b%3Dc%26more%3D1 HTTP/1.1"
    );
    assert!(
        echoed.contains(&"x-id: <a%20b+c> 1".to_owned()),
        "{echoed:?}"
    );
    assert!(
        !echoed
            .iter()
            .any(|line| line.starts_with("cookie") || line.starts_with("x-none"))
    );
    assert_eq!(answer.header("x-type"), Some("text/plain"));
    assert_eq!(answer.header("content-type"), None);
}

#[test]
fn an_address_of_its_own_takes_values_for_their_place() {
    let proxy = |uri| {
        with(IntegrationDef::Proxy(ProxyDef {
            target: TargetDef::UpstreamPath(&DEFAULT, uri),
            method: Some("PUT"),
        }))
    };
    let def = gateway(
        vec![
            operation(
                "GET",
                "/a/{id}",
                proxy("/echo/${path.id}/x?id=${path.id}&q=${query.q}"),
            ),
            operation("GET", "/b", proxy("/echo/${query.q}/x")),
            operation("GET", "/c/{a}-{b}", proxy("/echo/${path.a}/${path.b}")),
            operation("GET", "/d/{rest+}", proxy("/echo/${path.rest}")),
        ],
        GATEWAY,
    );
    let settings = Settings {
        upstreams: vec![(
            "default".to_owned(),
            format!("http://{}/base/", BackEnd::start().address),
        )],
        ..settings(None)
    };
    let site = Site::start(def, &settings);
    for (target, expected) in [
        (
            "/a/1%202?q=a%26b&z=1",
            "PUT /base/echo/1%202/x?id=1%202&q=a%26b&q=a%26b&z=1 HTTP/1.1",
        ),
        ("/b?q=a/b", "PUT /base/echo/a%2Fb/x?q=a/b HTTP/1.1"),
        (
            "/b?q=%3Fa%23b%0d%0ax:",
            "PUT /base/echo/%3Fa%23b%0D%0Ax%3A/x?q=%3Fa%23b%0d%0ax: HTTP/1.1",
        ),
        ("/c/1-2", "PUT /base/echo/1/2 HTTP/1.1"),
        ("/d/1/2/", "PUT /base/echo/1/2/ HTTP/1.1"),
    ] {
        assert_eq!(echoed(&site.get(target))[0], expected, "{target}");
    }
    for (target, reason) in [
        ("/b?q=..", "bad_path_dots"),
        ("/b?q=../../etc", "bad_path_dots"),
        ("/b?q=.", "bad_path_dots"),
        ("/c/..-x", "bad_path_dots"),
    ] {
        let before = site.refused(reason);
        assert_eq!(site.get(target).status, 400, "{target}");
        assert_eq!(site.refused(reason), before + 1, "{target}");
    }
}

const MAPPINGS: &[ResponseMappingDef] = &[
    ResponseMappingDef {
        pattern: Some("4\\d{2}"),
        status: 404,
        headers: &[
            set(FieldDef::Header("x-reason"), "${response.header.x-error}"),
            set(FieldDef::Header("x-asked"), "${header.x-asked}"),
        ],
        bodies: &[PLAIN_BODY],
    },
    ResponseMappingDef {
        pattern: None,
        status: 202,
        headers: &[],
        bodies: &[],
    },
];
const PLAIN_BODY: TemplateDef = TemplateDef {
    media_type: "text/plain",
    body: inline("mapped"),
};
const HTTP: HttpDef = HttpDef {
    target: TargetDef::Upstream(&DEFAULT),
    method: Some("POST"),
    parameters: &[
        set(FieldDef::Header("x-caller"), "${context.identity.sourceIp}"),
        set(FieldDef::Query("v"), "2"),
        set(FieldDef::Query("none"), "${query.absent}"),
    ],
    templates: &[TemplateDef {
        media_type: "application/json",
        body: inline("{\"order\":1}"),
    }],
    passthrough: Passthrough::WhenNoMatch,
    responses: MAPPINGS,
};

#[test]
fn a_mapped_request_sends_nothing_but_what_is_mapped() {
    let site = Site::start(
        single("PUT", "/echo", with(IntegrationDef::Http(HTTP))),
        &settings(Some(BackEnd::start().address)),
    );
    let answer = site.send(
        "PUT",
        "/echo?q=1",
        &["cookie: a=b", "content-type: application/json"],
        "{}",
    );
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (202, Some("text/plain"))
    );
    let mapped = [
        "POST /echo?v=2 HTTP/1.1",
        "accept: application/json",
        "content-length: 11",
        "content-type: application/json",
        "host: {back end}",
        "user-agent: bookstore",
        "via: 1.1 bookstore",
        "x-caller: 127.0.0.1",
        "x-request-id: {id}",
        "{\"order\":1}",
    ];
    assert_eq!(echoed(&answer), mapped);
    // A body that no template takes passes.
    let answer = site.send("PUT", "/echo", &["content-type: text/csv"], "a,b");
    assert_eq!(echoed(&answer).last().map(String::as_str), Some("a,b"));
}

#[test]
fn bodies_that_no_template_takes() {
    for (passthrough, templates, status) in [
        (Passthrough::WhenNoMatch, HTTP.templates, 202),
        (Passthrough::WhenNoTemplates, HTTP.templates, 415),
        (Passthrough::WhenNoTemplates, &[], 202),
        (Passthrough::Never, &[], 415),
    ] {
        let http = HttpDef {
            passthrough,
            templates,
            ..HTTP
        };
        let site = Site::start(
            single("PUT", "/echo", with(IntegrationDef::Http(http))),
            &settings(Some(BackEnd::start().address)),
        );
        let answer = site.send("PUT", "/echo", &["content-type: text/csv"], "a,b");
        assert_eq!(answer.status, status, "{passthrough:?}");
    }
}

#[test]
fn answers_are_mapped_by_their_status() {
    let back = BackEnd::start();
    let http = |responses| IntegrationDef::Http(HttpDef { responses, ..HTTP });
    let site = Site::start(
        single("GET", "/teapot", with(http(MAPPINGS))),
        &settings(Some(back.address)),
    );
    let answer = site.send("GET", "/teapot", &["x-asked: yes"], "");
    assert_eq!((answer.status, answer.body.as_str()), (404, "mapped"));
    assert_eq!(answer.header("x-reason"), Some("short and stout"));
    assert_eq!(answer.header("x-asked"), Some("yes"));
    assert_eq!(answer.header("x-error"), None);
    let site = Site::start(
        single("GET", "/count", with(http(&[]))),
        &settings(Some(back.address)),
    );
    assert_eq!(site.get("/count").status, 500);
    assert_eq!(site.refused("no_mapping"), 1);
}

const MOCK: MockDef = MockDef {
    status: 201,
    headers: &[set(FieldDef::Header("x-op"), "${context.operationId}")],
    bodies: &[
        TemplateDef {
            media_type: "application/json",
            body: inline("{}"),
        },
        TemplateDef {
            media_type: "text/html",
            body: inline("<p>"),
        },
    ],
};

#[test]
fn a_mock_answers_in_the_type_that_is_preferred() {
    let def = gateway(
        vec![
            operation("GET", "/mock", with(IntegrationDef::Mock(MOCK))),
            operation(
                "GET",
                "/empty",
                with(IntegrationDef::Mock(MockDef {
                    status: 204,
                    bodies: &[],
                    ..MOCK
                })),
            ),
        ],
        GATEWAY,
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    for (accept, media_type, body) in [
        ("*/*", "application/json", "{}"),
        ("text/html", "text/html", "<p>"),
        ("image/png", "application/json", "{}"),
    ] {
        let answer = site.send("GET", "/mock", &[&format!("accept: {accept}")], "");
        assert_eq!(answer.status, 201);
        assert_eq!(answer.header("content-type"), Some(media_type));
        assert_eq!(answer.header("x-op"), Some("GET /mock"));
        assert_eq!(answer.body, body);
    }
    let head = site.send("HEAD", "/mock", &[], "");
    assert_eq!(
        (
            head.status,
            head.header("content-length"),
            head.body.as_str()
        ),
        (201, Some("2"), "")
    );
    let empty = site.get("/empty");
    assert_eq!((empty.status, empty.header("content-length")), (204, None));
}

#[test]
fn a_redirect_goes_where_the_document_says() {
    let redirect = |location| {
        with(IntegrationDef::Redirect(RedirectDef {
            status: 308,
            location,
        }))
    };
    let def = gateway(
        vec![
            operation(
                "GET",
                "/old/{id}",
                redirect("https://new.example/${path.id}?q=${query.q}"),
            ),
            operation(
                "GET",
                "/up",
                redirect("https://${context.domainName}${context.path}"),
            ),
            operation("GET", "/away", redirect("/${query.to}")),
        ],
        GATEWAY,
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    for (target, location) in [
        ("/old/a%20b?q=x%26y", "https://new.example/a%20b?q=x%26y"),
        ("/up", "https://shop.example/up"),
        (
            "/away?to=/evil.example%0d%0ax:",
            "/%2Fevil.example%0D%0Ax%3A",
        ),
    ] {
        let answer = site.get(target);
        assert_eq!(
            (answer.status, answer.header("location")),
            (308, Some(location))
        );
    }
}

#[test]
fn stages_are_mounted_side_by_side_and_one_alone_at_the_root() {
    static V1: StageDef = StageDef {
        name: "v1",
        mount: MountDef {
            host: None,
            path: "/v1",
        },
        ..StageDef::DEFAULT
    };
    static V1_BETA: StageDef = StageDef {
        name: "beta",
        mount: MountDef {
            host: None,
            path: "/v1/beta",
        },
        ..StageDef::DEFAULT
    };
    static API: StageDef = StageDef {
        name: "api",
        mount: MountDef {
            host: Some("api.example"),
            path: "/",
        },
        ..StageDef::DEFAULT
    };
    let mock = MockDef {
        headers: const {
            &[set(
                FieldDef::Header("x-stage"),
                "${context.stage} ${context.path}",
            )]
        },
        ..MOCK
    };
    let def = gateway(
        vec![operation("GET", "/a", with(IntegrationDef::Mock(mock)))],
        GatewayDef {
            stages: const { &[&V1, &V1_BETA, &API] },
            ..GATEWAY
        },
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    for (host, target, status, stage) in [
        ("any", "/v1/a", 201, Some("v1 /v1/a")),
        ("any", "/v1/beta/a", 201, Some("beta /v1/beta/a")),
        ("API.example:80", "/a", 201, Some("api /a")),
        ("api.example", "/v1/a", 404, None),
        ("any", "/a", 404, None),
        ("any", "/v1", 404, None),
    ] {
        let answer = site.send("GET", target, &[&format!("host: {host}")], "");
        assert_eq!(
            (answer.status, answer.header("x-stage")),
            (status, stage),
            "{host} {target}"
        );
    }
    let alone = Settings {
        stage: Some("api".to_owned()),
        ..settings(Some(BackEnd::start().address))
    };
    let site = Site::start(def, &alone);
    assert_eq!(site.get("/a").header("x-stage"), Some("api /a"));
}

#[test]
fn a_mounted_stage_forwards_the_path_inside_it() {
    static PROD: StageDef = StageDef {
        name: "prod",
        mount: MountDef {
            host: None,
            path: "/prod",
        },
        ..StageDef::DEFAULT
    };
    let def = gateway(
        vec![operation("GET", "/echo/{id}", PROXY)],
        GatewayDef {
            stages: const { &[&PROD] },
            ..GATEWAY
        },
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    let answer = site.get("/prod/echo/7?a=b");
    assert_eq!(echoed(&answer)[0], "GET /echo/7?a=b HTTP/1.1");
}

#[test]
fn a_canary_sees_its_own_variables_and_can_have_its_own_back_end() {
    const fn variable(name: &'static str, value: &'static str) -> VariableDef {
        VariableDef {
            name,
            value: VariableValue::Literal(value),
        }
    }
    static ALL: StageDef = StageDef {
        variables: &[variable("both", "same"), variable("which", "usual")],
        canary: Some(CanaryDef {
            percent: 100.0,
            variables: &[variable("which", "canary")],
            shared_cache: false,
        }),
        ..StageDef::DEFAULT
    };
    static NONE: StageDef = StageDef {
        variables: ALL.variables,
        canary: Some(CanaryDef {
            percent: 0.0,
            variables: &[variable("which", "canary")],
            shared_cache: false,
        }),
        ..StageDef::DEFAULT
    };
    let policy = with(IntegrationDef::Proxy(ProxyDef {
        target: TargetDef::UpstreamPath(
            &DEFAULT,
            "/echo/${stageVariables.both}/${stageVariables.which}",
        ),
        method: None,
    }));
    for (stages, expected) in [
        (const { &[&ALL] }, "GET /echo/same/canary HTTP/1.1"),
        (const { &[&NONE] }, "GET /echo/same/usual HTTP/1.1"),
    ] {
        let def = gateway(
            vec![operation("GET", "/a", policy)],
            GatewayDef { stages, ..GATEWAY },
        );
        let site = Site::start(def, &settings(Some(BackEnd::start().address)));
        assert_eq!(echoed(&site.get("/a"))[0], expected);
    }
}

#[test]
fn mocked_back_ends_answer_with_their_examples() {
    let example = OperationDef {
        example: Some(ExampleDef {
            status: 200,
            media_type: "application/json",
            body: inline("{\"id\":7}"),
        }),
        ..operation("GET", "/a", PROXY)
    };
    let def = gateway(vec![example, operation("GET", "/b", PROXY)], GATEWAY);
    // No address is needed for back ends that are not called.
    let mocked = Settings {
        mock: true,
        ..settings(None)
    };
    let site = Site::start(def, &mocked);
    let answer = site.get("/a");
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"id\":7}"));
    assert_eq!(site.get("/b").status, 501);
}

#[test]
fn no_answer_names_the_back_ends_software() {
    let site = Site::start(
        single("GET", "/count", PROXY),
        &settings(Some(BackEnd::start().address)),
    );
    let answer = site.get("/count");
    assert_eq!((answer.status, answer.header("server")), (200, None));
    assert_eq!(answer.header("x-request-id").map(str::len), Some(36));
}

#[test]
fn every_request_has_its_line_in_the_log() {
    let path = std::env::temp_dir().join(format!("gateway-log-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    static LOGGED: StageDef = StageDef {
        access_log: Some(crate::def::AccessLogDef {
            to: crate::def::LogTarget::Stdout,
            format: "${context.httpMethod} ${context.path} ${context.status} ${context.error.reason} ${context.responseLength} ${header.x-asked} ${context.integration.status} ${context.cache.status}",
        }),
        ..StageDef::DEFAULT
    };
    let def = gateway(
        vec![operation("GET", "/count", PROXY)],
        GatewayDef {
            stages: const { &[&LOGGED] },
            ..GATEWAY
        },
    );
    let given = Settings {
        access_log: AccessLogTo::File(path.clone()),
        ..settings(Some(BackEnd::start().address))
    };
    let site = Site::start(def, &given);
    site.send("GET", "/count", &["x-asked: a\"b"], "");
    site.get("/nothing");
    site.gateway.sinks.flush(std::time::Duration::from_secs(20));
    let log = std::fs::read_to_string(&path).unwrap();
    let _ = std::fs::remove_file(&path);
    let nothing = site.get("/nothing").body.len();
    assert_eq!(
        log,
        format!(
            "GET /count 200 - 6 a\\\"b 200 off\nGET /nothing 404 not_found {nothing} - - off\n"
        )
    );
}
