use super::*;
use crate::def::{
    EditsDef, HttpDef, MountDef, Passthrough, ProxyDef, RedirectDef, VariableDef, proxy, target,
};

static SHOP: UpstreamDef = UpstreamDef {
    name: "shop",
    targets: &[target("http://${stageVariables.host}:81/base/", 1)],
    ..UpstreamDef::DEFAULT
};
static BOTH: UpstreamDef = UpstreamDef {
    name: "both",
    targets: &[target("http://a/v1", 1), target("http://b/v1", 2)],
    ..UpstreamDef::DEFAULT
};
static NOWHERE: UpstreamDef = UpstreamDef {
    name: "default",
    ..UpstreamDef::DEFAULT
};
static STAGE: StageDef = StageDef {
    name: "prod",
    variables: &[
        VariableDef {
            name: "host",
            value: VariableValue::Literal("shop.internal"),
        },
        VariableDef {
            name: "token",
            value: VariableValue::Env("TOKEN"),
        },
    ],
    ..StageDef::DEFAULT
};

const fn to(target: TargetDef) -> IntegrationDef {
    IntegrationDef::Proxy(ProxyDef {
        target,
        method: None,
    })
}

fn shown(policy: &PolicyDef) -> String {
    let request = Request {
        method: "GET",
        host: Some("api.example"),
        path: "/prod/books/a%20b",
        local_path: "/books/a%20b",
        query: Some("q=x%26y&q=z"),
        headers: &[("x-user".to_owned(), "a b".to_owned())],
        parameters: &[("id".to_owned(), "a%20b".to_owned())],
        stage: &STAGE,
        stage_vars: &[],
        deployed: &[("domain".to_owned(), "books.example".to_owned())],
    };
    match sent(policy, &request) {
        Ok(Sent::Nowhere) => String::new(),
        Ok(Sent::Location(location)) => location,
        Ok(Sent::Call {
            method,
            origin,
            target,
        }) => match origin {
            Ok(origin) => format!("{method} {origin}{target}"),
            Err(upstream) => format!("{method} <{upstream}>{target}"),
        },
        Err(refusal) => refusal.reason().to_owned(),
    }
}

#[test]
fn addresses_are_those_that_calls_have() {
    for (integration, expected) in [
        (
            proxy(&SHOP),
            "GET http://shop.internal:81/base/books/a%20b?q=x%26y&q=z",
        ),
        (
            proxy(&BOTH),
            "GET {http://a/v1,http://b/v1}/books/a%20b?q=x%26y&q=z",
        ),
        (proxy(&NOWHERE), "GET <default>/books/a%20b?q=x%26y&q=z"),
        (
            to(TargetDef::UpstreamPath(&SHOP, "v2/${path.id}?n=${path.id}")),
            "GET http://shop.internal:81/base/v2/a%20b?n=a%20b&q=x%26y&q=z",
        ),
        (
            to(TargetDef::Uri("http://a/${query.q}/${header.x-user}")),
            "GET http://a/x%26y%2Cz/a%20b?q=x%26y&q=z",
        ),
        (
            to(TargetDef::Uri(
                "http://a${context.path}/${context.requestId}?s=${stageVariables.token}",
            )),
            "GET http://a/prod/books/a%20b/${context.requestId}?s=${stageVariables.token}&q=x%26y&q=z",
        ),
        (
            to(TargetDef::Uri(
                "http://${stageVariables.token}/x?a=${header.none}",
            )),
            "GET http://${stageVariables.token}/x?a=&q=x%26y&q=z",
        ),
        (
            to(TargetDef::Uri("https://${param.domain}/${param.later}")),
            "GET https://books.example/${param.later}?q=x%26y&q=z",
        ),
        (
            to(TargetDef::Uri("http://a/%2e%2e/x/${path.id}")),
            "bad_path_dots",
        ),
        (IntegrationDef::NONE, ""),
        (
            IntegrationDef::Redirect(RedirectDef {
                status: 302,
                location: "https://${context.domainName}/${header.x-user}",
            }),
            "https://api.example/a%20b",
        ),
    ] {
        let policy = PolicyDef {
            integration,
            ..PolicyDef::DEFAULT
        };
        assert_eq!(shown(&policy), expected);
    }
}

#[test]
fn changes_to_the_query_show() {
    let set = |name, value| SetDef {
        field: FieldDef::Query(name),
        value,
    };
    let mapped = [set("id", "${path.id}"), set("v", "1")];
    let edited = [set("v", "2"), set("none", "${header.none}")];
    let parameters: &'static [SetDef] = Box::leak(Box::new(mapped));
    let policy = PolicyDef {
        integration: IntegrationDef::Http(HttpDef {
            target: TargetDef::Upstream(&SHOP),
            method: Some("POST"),
            parameters,
            templates: &[],
            passthrough: Passthrough::WhenNoMatch,
            responses: &[],
        }),
        request: EditsDef {
            set: Box::leak(Box::new(edited)),
            remove: &[FieldDef::Query("q")],
        },
        ..PolicyDef::DEFAULT
    };
    assert_eq!(
        shown(&policy),
        "POST http://shop.internal:81/base/books/a%20b?id=a%20b&v=2"
    );
}

#[test]
fn the_stage_of_a_host_and_the_longer_path_go_first() {
    const fn at(name: &'static str, host: Option<&'static str>, path: &'static str) -> StageDef {
        StageDef {
            name,
            mount: MountDef { host, path },
            ..StageDef::DEFAULT
        }
    }
    static STAGES: [StageDef; 4] = [
        at("any", None, "/"),
        at("long", None, "/v1/beta"),
        at("host", Some("a.example"), "/v1"),
        at("root", Some("b.example"), "/"),
    ];
    static DEF: GatewayDef = GatewayDef {
        stages: &[&STAGES[0], &STAGES[1], &STAGES[2], &STAGES[3]],
        ..crate::testing::GATEWAY
    };
    for (only, host, path, expected) in [
        (None, "", "/v1/beta/x", Some(("long", "/v1/beta"))),
        (None, "", "/v1/betax", Some(("any", ""))),
        (None, "a.example", "/v1/beta", Some(("host", "/v1"))),
        (None, "a.example", "/v2", Some(("any", ""))),
        (None, "b.example", "/v1/beta", Some(("root", ""))),
        (Some("host"), "", "/x", Some(("host", ""))),
        (Some("none"), "", "/x", None),
    ] {
        let found = stage(&DEF, only, host, path).map(|(stage, prefix)| (stage.name, prefix));
        assert_eq!(found, expected, "{only:?} {host} {path}");
    }
}
