//! The order of steps: one test for each neighbouring pair that matters.

use std::time::Duration;

use super::scene::{BackEnd, PROXY, Site, gateway, operation, settings, single};
use crate::def::{
    AccessDef, BodyDef, CacheDef, CorsDef, CredentialDef, EditsDef, FieldDef, GatewayDef,
    Invalidation, Mode, MountDef, OnRefusal, OperationDef, ParameterDef, ParameterPlace, PolicyDef,
    Rule, SetDef, StageCacheDef, StageDef, ThrottleDef, ThrottleKey, body, integer, plain, query,
    set, string, throttle, validate,
};
use crate::testing::GATEWAY;

static SHOP: CorsDef = CorsDef {
    allow_origins: &["https://shop.example"],
    allow_methods: &["GET"],
    allow_headers: &["*"],
    expose_headers: &[],
    allow_credentials: false,
    max_age: Some(60),
};
const ORIGIN: &str = "origin: https://shop.example";
const ASKS_GET: &str = "access-control-request-method: GET";

/// Refills once in a while that no test lasts.
const ONE_IP: &[ThrottleDef] = &[throttle(0.001, 1, ThrottleKey::Ip)];
const ONE: &[ThrottleDef] = &[throttle(0.001, 1, ThrottleKey::Whole)];
const TWO: &[ThrottleDef] = &[throttle(0.001, 2, ThrottleKey::Whole)];

const KEPT: CacheDef = CacheDef {
    ttl: Duration::from_secs(600),
    key: &[],
    shared: false,
    statuses: &[200],
    override_upstream: false,
    invalidation: Invalidation::Nobody(OnRefusal::Fail),
};
static CACHED_STAGE: StageDef = StageDef {
    cache: Some(StageCacheDef { size: 1 << 20 }),
    ..StageDef::DEFAULT
};
const CACHED: GatewayDef = GatewayDef {
    stages: &[&CACHED_STAGE],
    ..GATEWAY
};
const LOGIN: CredentialDef = CredentialDef {
    scheme: "login",
    place: ParameterPlace::Header,
    name: "x-token",
    required: true,
};

fn guarded(policy: PolicyDef) -> OperationDef {
    OperationDef {
        access: AccessDef::Delegated(&[&[LOGIN]]),
        ..operation("GET", "/count", policy)
    }
}

#[test]
fn a_loop_is_seen_before_anything_is_looked_for() {
    let site = Site::start(
        single("GET", "/count", PROXY),
        &settings(Some(BackEnd::start().address)),
    );
    let answer = site.send("GET", "/nothing", &["via: 1.1 other, 1.1 bookstore"], "");
    assert_eq!(answer.status, 508);
    assert_eq!(site.refused("loop"), 1);
}

#[test]
fn the_stage_comes_before_preflights_and_routes() {
    static STAGE: StageDef = StageDef {
        name: "prod",
        mount: MountDef {
            host: None,
            path: "/prod",
        },
        ..StageDef::DEFAULT
    };
    let policy = PolicyDef {
        cors: Some(&SHOP),
        ..PROXY
    };
    let def = gateway(
        vec![operation("GET", "/count", policy)],
        GatewayDef {
            stages: const { &[&STAGE] },
            ..GATEWAY
        },
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    for (target, status) in [("/count", 404), ("/prodx/count", 404), ("/prod/count", 204)] {
        let answer = site.send("OPTIONS", target, &[ORIGIN, ASKS_GET], "");
        assert_eq!(answer.status, status, "{target}");
    }
    assert_eq!(site.refused("stage_unknown"), 2);
    assert_eq!(site.get("/prod/count").body, "call 1");
}

#[test]
fn preflights_need_no_route_of_their_own_and_take_no_token() {
    let back = BackEnd::start();
    let policy = PolicyDef {
        cors: Some(&SHOP),
        throttles: ONE_IP,
        ..PROXY
    };
    let site = Site::start(
        single("GET", "/count", policy),
        &settings(Some(back.address)),
    );
    for _ in 0..3 {
        let answer = site.send("OPTIONS", "/count", &[ORIGIN, ASKS_GET], "");
        assert_eq!(answer.status, 204);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://shop.example")
        );
    }
    assert_eq!(back.calls(), 0);
    // An OPTIONS that is no preflight is a request like any.
    assert_eq!(site.send("OPTIONS", "/count", &[], "").status, 405);
    let answer = site.send("GET", "/count", &[ORIGIN], "");
    assert_eq!((answer.status, answer.body.as_str()), (200, "call 1"));
    assert_eq!(site.get("/count").status, 429);
}

#[test]
fn what_has_no_route_takes_no_token() {
    static ONE_FOR_ALL: StageDef = StageDef {
        throttle: Some(throttle(0.001, 1, ThrottleKey::Whole)),
        ..StageDef::DEFAULT
    };
    let def = gateway(
        vec![operation("GET", "/count", PROXY)],
        GatewayDef {
            stages: const { &[&ONE_FOR_ALL] },
            ..GATEWAY
        },
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    assert_eq!(site.get("/nothing").status, 404);
    assert_eq!(site.send("PUT", "/count", &[], "").status, 405);
    assert_eq!(site.get("/count").status, 200);
    assert_eq!(site.get("/count").status, 429);
}

#[test]
fn a_flood_of_guesses_meets_the_bucket_of_its_address_before_the_question_for_a_credential() {
    let def = gateway(
        vec![guarded(PolicyDef {
            throttles: ONE_IP,
            ..PROXY
        })],
        GATEWAY,
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    let first = site.get("/count");
    assert_eq!(
        (first.status, first.header("www-authenticate")),
        (401, Some("ApiKey in=\"header\", name=\"x-token\""))
    );
    assert_eq!(site.get("/count").status, 429);
}

#[test]
fn what_has_no_credential_takes_no_token_of_the_operation() {
    let def = gateway(
        vec![guarded(PolicyDef {
            throttles: ONE,
            ..PROXY
        })],
        GATEWAY,
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    for _ in 0..3 {
        assert_eq!(site.get("/count").status, 401);
    }
    assert_eq!(
        site.send("GET", "/count", &["x-token: any"], "").status,
        200
    );
    assert_eq!(
        site.send("GET", "/count", &["x-token: any"], "").status,
        429
    );
}

#[test]
fn no_such_route_then_no_token_then_too_large() {
    let policy = PolicyDef {
        throttles: ONE,
        body_limit: Some(4),
        ..PROXY
    };
    let back = BackEnd::start();
    let site = Site::start(
        single("POST", "/echo", policy),
        &settings(Some(back.address)),
    );
    assert_eq!(site.send("POST", "/nothing", &[], "too long").status, 404);
    assert_eq!(site.send("POST", "/echo", &[], "too long").status, 413);
    assert_eq!(site.send("POST", "/echo", &[], "too long").status, 429);
    assert_eq!(back.calls(), 0);
}

#[test]
fn a_hit_takes_a_token_and_makes_no_call() {
    let policy = PolicyDef {
        throttles: TWO,
        cache: Some(KEPT),
        ..PROXY
    };
    let back = BackEnd::start();
    let def = gateway(vec![operation("GET", "/count", policy)], CACHED);
    let site = Site::start(def, &settings(Some(back.address)));
    assert_eq!(site.get("/count").body, "call 1");
    assert_eq!(site.get("/count").body, "call 1");
    assert_eq!(site.get("/count").status, 429);
    assert_eq!(back.calls(), 1);
}

#[test]
fn a_body_is_limited_before_the_cache_is_asked() {
    let policy = PolicyDef {
        cache: Some(KEPT),
        body_limit: Some(4),
        ..PROXY
    };
    let def = gateway(vec![operation("GET", "/count", policy)], CACHED);
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    assert_eq!(site.get("/count").status, 200);
    assert_eq!(site.send("GET", "/count", &[], "too long").status, 413);
}

#[test]
fn a_kept_answer_is_changed_for_each_request_and_named_by_its_own_id() {
    const SET: &[SetDef] = &[
        set(FieldDef::Header("x-cache"), "${context.cache.status}"),
        set(FieldDef::Header("x-id"), "${context.requestId}"),
        set(FieldDef::Header("x-asked"), "${header.x-asked}"),
    ];
    let policy = PolicyDef {
        cache: Some(KEPT),
        response: EditsDef {
            set: SET,
            remove: &[],
        },
        ..PROXY
    };
    let def = gateway(vec![operation("GET", "/count", policy)], CACHED);
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    let mut ids = Vec::new();
    for cache in ["miss", "hit"] {
        let answer = site.send("GET", "/count", &[&format!("x-asked: {cache}")], "");
        assert_eq!(answer.header("x-cache"), Some(cache));
        assert_eq!(answer.header("x-asked"), Some(cache));
        assert_eq!(answer.header("x-id"), answer.header("x-request-id"));
        ids.push(answer.header("x-id").map(str::to_owned));
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn a_wish_for_a_fresh_answer_is_refused_after_the_token() {
    let policy = PolicyDef {
        throttles: ONE,
        cache: Some(KEPT),
        ..PROXY
    };
    let def = gateway(vec![operation("GET", "/count", policy)], CACHED);
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    let fresh = &["cache-control: max-age=0"];
    assert_eq!(site.send("GET", "/count", fresh, "").status, 403);
    assert_eq!(site.send("GET", "/count", fresh, "").status, 429);
}

#[test]
fn cross_origin_fields_are_the_gateways_own_and_stand_on_refusals_too() {
    let policy = PolicyDef {
        cors: Some(&SHOP),
        throttles: ONE,
        ..PROXY
    };
    let def = gateway(
        vec![operation("GET", "/open", policy)],
        GatewayDef {
            cors: Some(&SHOP),
            ..GATEWAY
        },
    );
    let site = Site::start(def, &settings(Some(BackEnd::start().address)));
    for (method, target, status) in [
        ("GET", "/open", 200),
        ("GET", "/open", 429),
        ("GET", "/nothing", 404),
        ("PUT", "/open", 405),
        ("GET", "/%2e%2e/etc", 400),
    ] {
        let answer = site.send(method, target, &[ORIGIN], "");
        assert_eq!(answer.status, status);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://shop.example"),
            "{method} {target}"
        );
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

/// Wants `?page=` with a number.
const PAGE: &[ParameterDef] = &[query("page").required().of(&[integer()])];
const CHECKED: PolicyDef = PolicyDef {
    validate: validate(Mode::Enforce, Mode::Enforce, Mode::Off),
    ..PROXY
};

#[test]
fn what_a_throttle_refuses_is_not_looked_at() {
    let policy = PolicyDef {
        throttles: ONE,
        ..CHECKED
    };
    let checked = OperationDef {
        parameters: PAGE,
        ..operation("GET", "/count", policy)
    };
    let site = Site::start(
        gateway(vec![checked], GATEWAY),
        &settings(Some(BackEnd::start().address)),
    );
    assert_eq!(site.get("/count?page=one").status, 400);
    assert_eq!(site.get("/count?page=1").status, 429);
    assert_eq!(site.refused("bad_parameters"), 1);
}

#[test]
fn a_request_is_looked_at_before_a_kept_answer_is_given() {
    let policy = PolicyDef {
        cache: Some(KEPT),
        ..CHECKED
    };
    let checked = OperationDef {
        parameters: PAGE,
        ..operation("GET", "/count", policy)
    };
    let back_end = BackEnd::start();
    let site = Site::start(
        gateway(vec![checked], CACHED),
        &settings(Some(back_end.address)),
    );
    assert_eq!(site.get("/count?page=1").status, 200);
    assert_eq!(site.get("/count?page=one").status, 400);
    assert_eq!(
        site.get("/count?page=2").body,
        site.get("/count?page=1").body
    );
}

#[test]
fn a_body_beyond_the_limit_is_not_gathered_to_be_looked_at() {
    const TEXT: BodyDef = body(&[plain("text/plain", &[string(), Rule::MaxLength(5)])]);
    let policy = PolicyDef {
        body_limit: Some(10),
        ..CHECKED
    };
    let checked = OperationDef {
        body: Some(TEXT),
        ..operation("POST", "/count", policy)
    };
    let site = Site::start(
        gateway(vec![checked], GATEWAY),
        &settings(Some(BackEnd::start().address)),
    );
    let send = |text: &str| site.send("POST", "/count", &["content-type: text/plain"], text);
    assert_eq!(send("abc").status, 200);
    assert_eq!(send("abcdef").status, 400);
    assert_eq!(send("abcdefghijk").status, 413);
    let chunked = "POST /count HTTP/1.1\r\nhost: shop.example\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = site.raw(&format!("{chunked}6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n"));
    assert_eq!(answer.status, 413);
    let answer = site.raw(&format!(
        "{}2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        chunked.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n")
    ));
    assert_eq!(answer.status, 200);
}

#[test]
fn what_has_no_room_to_be_checked_is_told_to_come_again() {
    const TEXT: BodyDef = body(&[plain("text/plain", &[string(), Rule::MaxLength(1 << 20)])]);
    let checked = OperationDef {
        body: Some(TEXT),
        ..operation("POST", "/count", CHECKED)
    };
    let site = Site::start(
        gateway(vec![checked], GATEWAY),
        &settings(Some(BackEnd::start().address)),
    );
    let send = |text: &str| site.send("POST", "/count", &["content-type: text/plain"], text);
    let large = "a".repeat(200_000);
    assert_eq!(send(&large).status, 200);
    let occupied = site.gateway.room.occupied();
    let answer = send(&large);
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some());
    // Small bodies need none.
    assert_eq!(send("abc").status, 200);
    drop(occupied);
    assert_eq!(send(&large).status, 200);
    assert_eq!(site.gateway.room.free(), 256 << 20);
}
