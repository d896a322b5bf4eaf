//! Back ends that misbehave, and clients that ask for too much: each fault has its answer in the chosen dialect, and is counted.

use std::net::SocketAddr;
use std::time::Duration;

use super::scene::{
    BackEnd, PROXY, Settings, Site, eventually, gateway, operation, settings, single,
};
use crate::def::{ApiKind, ErrorDialect, GatewayDef, PolicyDef};
use crate::testing::{GATEWAY, LIMITS};

/// Only for back ends that never answer: any other could be slower than this on a busy machine.
const QUICK: PolicyDef = PolicyDef {
    timeout: Duration::from_millis(150),
    ..PROXY
};

fn dialect(kind: ApiKind) -> GatewayDef {
    match kind {
        ApiKind::Plain => GATEWAY,
        kind => GatewayDef {
            errors: ErrorDialect::Aws,
            kind,
            ..GATEWAY
        },
    }
}

/// A port that nobody listens on: it was somebody's a moment ago.
fn nobody() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn every_fault_of_a_back_end_has_its_answer() {
    let back = BackEnd::start();
    for (path, kind, status, reason, message) in [
        ("/reset", ApiKind::Plain, 502, "upstream_reset", "broke off"),
        (
            "/garbage",
            ApiKind::Plain,
            502,
            "upstream_garbled",
            "no valid answer",
        ),
        ("/hang", ApiKind::Plain, 504, "upstream_timeout", "in time"),
        (
            "/reset",
            ApiKind::Rest,
            504,
            "upstream_reset",
            "Network error communicating with endpoint",
        ),
        (
            "/garbage",
            ApiKind::Rest,
            504,
            "upstream_garbled",
            "Network error communicating with endpoint",
        ),
        (
            "/hang",
            ApiKind::Rest,
            504,
            "upstream_timeout",
            "Endpoint request timed out",
        ),
        // Amazon's timeouts reach to the last byte, so that what breaks off later can still be refused.
        (
            "/half",
            ApiKind::Rest,
            504,
            "upstream_reset",
            "Network error communicating with endpoint",
        ),
        (
            "/stall",
            ApiKind::Rest,
            504,
            "upstream_timeout",
            "Endpoint request timed out",
        ),
        (
            "/reset",
            ApiKind::Http,
            502,
            "upstream_reset",
            "Bad Gateway",
        ),
        (
            "/hang",
            ApiKind::Http,
            503,
            "upstream_timeout",
            "Service Unavailable",
        ),
    ] {
        let policy = match reason {
            "upstream_timeout" => QUICK,
            _ => PROXY,
        };
        let def = gateway(vec![operation("GET", path, policy)], dialect(kind));
        let site = Site::start(def, &settings(Some(back.address)));
        let answer = site.get(path);
        assert_eq!(answer.status, status, "{path} {kind:?}: {answer:?}");
        assert!(answer.body.contains(message), "{path} {kind:?}: {answer:?}");
        assert_eq!(site.refused(reason), 1, "{path} {kind:?}");
        // Whatever a back end said or was called, the client does not learn it.
        let all = format!("{answer:?}");
        for secret in [
            "127.0.0.1",
            &back.address.port().to_string(),
            "mail.internal",
        ] {
            assert!(!all.contains(secret), "{path} {kind:?}: {all}");
        }
    }
}

#[test]
fn a_back_end_that_is_not_there() {
    let gone = format!("http://{}", nobody());
    for (url, kind, status, reason) in [
        (gone.as_str(), ApiKind::Plain, 503, "upstream_refused"),
        (&gone, ApiKind::Rest, 504, "upstream_refused"),
        (&gone, ApiKind::Http, 503, "upstream_refused"),
        (
            "http://nobody.invalid",
            ApiKind::Plain,
            503,
            "upstream_unresolved",
        ),
        (
            "http://nobody.invalid",
            ApiKind::Rest,
            500,
            "upstream_unresolved",
        ),
        (
            "http://nobody.invalid",
            ApiKind::Http,
            503,
            "upstream_unresolved",
        ),
        // Where clouds keep the credentials of a machine.
        (
            "http://169.254.169.254",
            ApiKind::Plain,
            503,
            "upstream_unresolved",
        ),
    ] {
        let def = gateway(vec![operation("GET", "/a", PROXY)], dialect(kind));
        let settings = Settings {
            upstreams: vec![("default".to_owned(), url.to_owned())],
            ..settings(None)
        };
        let site = Site::start(def, &settings);
        let answer = site.get("/a");
        assert_eq!(answer.status, status, "{url} {kind:?}: {answer:?}");
        assert_eq!(site.refused(reason), 1, "{url} {kind:?}");
        assert!(!answer.body.contains("invalid") && !answer.body.contains("169.254"));
    }
}

#[test]
fn a_gateway_that_is_its_own_back_end_is_a_loop() {
    // The first gateway's back end is a second one of the same document, whose back end is the first one.
    let def = single("GET", "/a", PROXY);
    let port = nobody();
    let first = Site::start(
        def,
        &Settings {
            listen: vec![port],
            ..settings(Some(port))
        },
    );
    let answer = first.get("/a");
    assert_eq!(answer.status, 508);
    assert!(answer.body.contains("\"title\":\"Loop Detected\""));
}

#[test]
fn too_much_of_a_body_is_refused_whether_it_says_so_or_not() {
    let back = BackEnd::start();
    let policy = PolicyDef {
        body_limit: Some(8),
        ..PROXY
    };
    let site = Site::start(
        single("POST", "/echo", policy),
        &settings(Some(back.address)),
    );
    assert_eq!(site.send("POST", "/echo", &[], "12345678").status, 200);
    assert_eq!(site.send("POST", "/echo", &[], "123456789").status, 413);
    let chunked = "POST /echo HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n\
                   5\r\n12345\r\n4\r\n6789\r\n0\r\n\r\n";
    let answer = site.raw(chunked);
    assert_eq!(answer.status, 413, "{answer:?}");
    assert_eq!(site.refused("body_too_large"), 2);
}

#[test]
fn an_operation_may_take_more_than_the_gateway() {
    let def = gateway(
        vec![
            operation(
                "POST",
                "/echo/large",
                PolicyDef {
                    body_limit: Some(64),
                    ..PROXY
                },
            ),
            operation("POST", "/echo/usual", PROXY),
        ],
        GatewayDef {
            limits: crate::def::LimitsDef { body: 8, ..LIMITS },
            ..GATEWAY
        },
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    let body = "0123456789";
    assert_eq!(site.send("POST", "/echo/large", &[], body).status, 200);
    assert_eq!(site.send("POST", "/echo/usual", &[], body).status, 413);
}

#[test]
fn a_method_that_is_not_there_names_those_that_are_and_amazon_knows_neither_404_nor_405() {
    for (kind, target, status, allow) in [
        (ApiKind::Plain, "/a", 405, Some("GET, HEAD")),
        (ApiKind::Plain, "/b", 404, None),
        (ApiKind::Rest, "/a", 403, None),
        (ApiKind::Rest, "/b", 403, None),
        (ApiKind::Http, "/a", 404, None),
        (ApiKind::Http, "/b", 404, None),
    ] {
        let def = gateway(vec![operation("GET", "/a", PROXY)], dialect(kind));
        let site = Site::start(def, &settings(Some(BackEnd::start().address)));
        let answer = site.send("DELETE", target, &[], "");
        assert_eq!(answer.status, status, "{kind:?} {target}");
        assert_eq!(answer.header("allow"), allow, "{kind:?} {target}");
    }
}

#[test]
fn what_is_wrong_with_a_head_is_answered_in_the_dialect_too() {
    let site = Site::start(
        single("GET", "/a", PROXY),
        &settings(Some(BackEnd::start().address)),
    );
    for (head, status, reason) in [
        ("GET /a HTTP/1.1\r\n", 400, "bad_host"),
        ("GET /a HTTP/1.1\r\nhost: a\r\nhost: b\r\n", 400, "bad_host"),
        (
            "GET /a/%2e%2e/b HTTP/1.1\r\nhost: a\r\n",
            400,
            "bad_path_dots",
        ),
        (
            "GET /a%2fb HTTP/1.1\r\nhost: a\r\n",
            400,
            "bad_path_encoded_slash",
        ),
        (
            "GET /a HTTP/1.1\r\nhost: a\r\nexpect: a-miracle\r\n",
            417,
            "expectation_failed",
        ),
    ] {
        let answer = site.raw(&format!("{head}connection: close\r\n\r\n"));
        assert_eq!(answer.status, status, "{head:?}: {answer:?}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json")
        );
        assert!(answer.header("x-request-id").is_some());
        assert!(site.refused(reason) > 0, "{reason}");
    }
}

#[test]
fn a_gateway_that_lacks_something_says_all_of_it() {
    use crate::def::{StageDef, VariableDef, VariableValue};
    static STAGE: StageDef = StageDef {
        name: "prod",
        variables: &[
            VariableDef {
                name: "token",
                value: VariableValue::Env("GATEWAY_TEST_NO_SUCH_VARIABLE"),
            },
            VariableDef {
                name: "url",
                value: VariableValue::File("/no/such/file"),
            },
        ],
        ..StageDef::DEFAULT
    };
    let def = gateway(
        vec![operation("GET", "/a", PROXY)],
        GatewayDef {
            stages: const { &[&STAGE] },
            ..GATEWAY
        },
    );
    let given = Settings {
        stage_vars: vec![("nobody".to_owned(), "1".to_owned())],
        upstreams: vec![("other".to_owned(), "http://a".to_owned())],
        ..settings(None)
    };
    let faults = Site::try_start(def, &given).err().unwrap();
    let said: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    for part in [
        "no stage that is served has a variable `nobody`",
        "there is no upstream `other`",
        "the environment variable GATEWAY_TEST_NO_SUCH_VARIABLE is not set",
        "the file /no/such/file cannot be read",
        "upstream `default` has no address",
    ] {
        assert!(
            said.iter().any(|message| message.contains(part)),
            "{part}: {said:?}"
        );
    }
    assert_eq!(faults.len(), 5);
    let unknown = Settings {
        stage: Some("dev".to_owned()),
        ..settings(Some(nobody()))
    };
    let faults = Site::try_start(def, &unknown).err().unwrap();
    assert_eq!(
        (faults[0].message.as_str(), faults[0].help.as_str()),
        ("there is no stage `dev`", "the document has prod")
    );
}

#[test]
fn what_a_secret_makes_of_an_address_is_not_printed() {
    use crate::def::{IntegrationDef, ProxyDef, StageDef, TargetDef, VariableDef, VariableValue};
    static STAGE: StageDef = StageDef {
        variables: &[VariableDef {
            name: "url",
            value: VariableValue::Literal("hunter2"),
        }],
        ..StageDef::DEFAULT
    };
    let policy = PolicyDef {
        integration: IntegrationDef::Proxy(ProxyDef {
            target: TargetDef::Uri("${stageVariables.url}/a"),
            method: None,
        }),
        ..PROXY
    };
    let def = gateway(
        vec![operation("GET", "/a", policy)],
        GatewayDef {
            stages: const { &[&STAGE] },
            ..GATEWAY
        },
    );
    for value in [
        "hunter2",
        "ftp://hunter2",
        "http://hunter2:hunter2@a",
        "http://hunter2:99999",
    ] {
        let given = Settings {
            stage_vars: vec![("url".to_owned(), value.to_owned())],
            ..settings(None)
        };
        let faults = Site::try_start(def, &given).err().unwrap();
        assert!(
            !faults.is_empty() && !format!("{faults:?}").contains("hunter2"),
            "{faults:?}"
        );
    }
}

#[test]
fn a_client_that_goes_away_is_counted() {
    use std::io::Write as _;
    let back = BackEnd::start();
    let site = Site::start(single("GET", "/hang", PROXY), &settings(Some(back.address)));
    let mut client = std::net::TcpStream::connect(site.address()).unwrap();
    client
        .write_all(b"GET /hang HTTP/1.1\r\nhost: a\r\n\r\n")
        .unwrap();
    eventually("the back end is called", || back.calls() == 1);
    drop(client);
    eventually("the request is counted", || {
        site.refused("client_gone") == 1
    });
}
