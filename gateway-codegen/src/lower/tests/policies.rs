//! Throttles, caches, stages and what holds for a whole gateway.

use std::time::Duration;

use super::native::{AT, faults, policy, root_faults};
use super::*;
use crate::model::{
    Balance, Breaker, Cache, CacheKey, Caching, EncodedSlash, Health, Invalidation, LogDestination,
    OnRefusal, Outlier, ParameterPlace, Policy, ResponseType, Retries, RetryOn, ThrottleKey,
    Variable,
};

#[test]
fn throttles() {
    let policy = policy(
        "throttle: [ { rate: 100, burst: 20 }, { rate: 0.5, burst: 1, per: ip }, { rate: 5, burst: 5, per: 'header:X-User' }, { rate: 5, burst: 5, per: 'path:id' } ]",
    );
    let keys: Vec<_> = policy
        .throttles
        .iter()
        .map(|throttle| throttle.per.clone())
        .collect();
    assert_eq!(
        keys,
        [
            ThrottleKey::Whole,
            ThrottleKey::Ip,
            ThrottleKey::Header("x-user".to_owned()),
            ThrottleKey::Path("id".to_owned())
        ]
    );
    faults(
        "throttle: [ { rate: 1, burst: 1 }, { rate: -1, burst: 99999999 } ]",
        &[
            "/throttle/1/burst throttle-burst-range",
            "/throttle/1/rate throttle-rate-range",
        ],
    );
    faults(
        "throttle: { rate: 1, burst: 1, per: 'path:idd' }",
        &["/throttle/per throttle-key-undeclared"],
    );
    faults(
        "throttle: { rate: 1, burst: 1, per: everyone }",
        &["/throttle/per x-gateway-value"],
    );
}

#[test]
fn caches() {
    let Caching::For(cache) = policy("cache: {}").cache else {
        panic!("a cache that is written is on")
    };
    assert_eq!(
        cache,
        Cache {
            ttl: crate::model::Ttl::DEFAULT,
            key: vec![
                CacheKey::Path("id".to_owned()),
                CacheKey::Query("lang".to_owned())
            ],
            shared: false,
            statuses: vec![200, 201, 202, 203, 204, 205, 207, 208, 226],
            override_upstream: false,
            invalidation: Invalidation::Nobody(OnRefusal::Ignore),
            origin: Default::default(),
        }
    );
    let Caching::For(cache) = policy("cache: { ttl: 2h, max: false, key: [query.*, query.lang, path.id], statuses: [404, 200, 200], invalidation: { by: anyone, onRefusal: fail } }").cache else {
        panic!("a cache that is written is on")
    };
    assert_eq!(cache.ttl.seconds(), 7200);
    assert_eq!(
        cache.key,
        [CacheKey::Path("id".to_owned()), CacheKey::AnyQuery]
    );
    assert_eq!(cache.statuses, [200, 404]);
    assert_eq!(cache.invalidation, Invalidation::Anyone);
    assert_eq!(policy("cache: { ttl: 0 }").cache, Caching::Off);
    assert_eq!(policy("cache: false").cache, Caching::Off);
    faults("cache: { ttl: 2h }", &["/cache/ttl cache-ttl-range"]);
    faults("cache: { ttl: 1500ms }", &["/cache/ttl cache-ttl-range"]);
    faults(
        "cache: { key: [query.lnag, header.accept] }",
        &[
            "/cache/key/0 cache-key-undeclared",
            "/cache/key/1 cache-key-undeclared",
        ],
    );
    root_faults(
        "defaults: { cache: { key: [query.lang, query.typo] } }",
        &["/defaults/cache/key/1 cache-key-undeclared"],
    );
}

#[test]
fn a_stage_cache_is_for_get_and_has_a_store_only_if_something_is_kept() {
    let document = |stage: &str, own: &str| {
        format!("
openapi: 3.0.3
info: {{ title: A, version: '1' }}
servers: [ {{ url: 'http://a' }} ]
x-gateway: {{ stages: {{ prod: {{ {stage} }} }} }}
paths: {{ /a: {{ get: {{ operationId: read, responses: {{}}, x-gateway: {{ {own} }} }}, post: {{ operationId: write, responses: {{}} }} }} }}
")
    };
    let ttl = |policy: &Policy| match &policy.cache {
        Caching::For(cache) => Some(cache.ttl.seconds()),
        Caching::Off => None,
    };
    let on = gateway(&document("cache: { enabled: true, ttl: 60s }", ""));
    assert_eq!(on.stages["prod"].cache_size, Some(64 * 1024 * 1024));
    assert_eq!(ttl(&on.stages["prod"].overrides["read"]), Some(60));
    assert_eq!(ttl(&on.operations["read"].policy), None);
    assert!(!on.stages["prod"].overrides.contains_key("write"));

    let refused = gateway(&document("cache: { enabled: true }", "cache: false"));
    assert_eq!(refused.stages["prod"].cache_size, None);

    let own = gateway(&document("cache: { size: 1MiB }", "cache: { ttl: 5 }"));
    assert_eq!(own.stages["prod"].cache_size, Some(1024 * 1024));
    assert_eq!(ttl(&own.operations["read"].policy), Some(5));
    assert!(own.stages["prod"].overrides.is_empty());

    let off = gateway(&document("cache: { enabled: false }", "cache: { ttl: 5 }"));
    assert_eq!(off.stages["prod"].cache_size, None);
    assert!(off.stages["prod"].overrides.is_empty());

    // the stage's ttl is for operations that do not say
    let mixed = gateway(&document("cache: { ttl: 60s }", "cache: { shared: true }"));
    assert_eq!(ttl(&mixed.operations["read"].policy), Some(300));
    assert_eq!(ttl(&mixed.stages["prod"].overrides["read"]), Some(60));

    // wide layers speak of GET alone, an operation of itself
    let wide = gateway(&document("operations: { '*': { cache: { ttl: 9 } } }", ""));
    assert_eq!(
        wide.stages["prod"].overrides.keys().collect::<Vec<_>>(),
        ["read"]
    );
    let (narrow, _, found) = lowered(&document(
        "operations: { write: { cache: { ttl: 9 } } }",
        "",
    ));
    assert_eq!(
        ttl(&narrow.unwrap().stages["prod"].overrides["write"]),
        Some(9)
    );
    assert!(
        found
            .sorted()
            .iter()
            .any(|finding| finding.code == "cache-method")
    );
}

#[test]
fn the_root_says_what_holds_for_all() {
    let gateway = gateway(&document(
        "name: shop, kind: http, errors: aws, endpoint: { trustedProxies: [10.1.2.3/8, '::1', 10.0.0.0/8] },
         upstreams: { default: { targets: [ { url: 'http://own:8080/base/' } ] } },
         limits: { body: 1MiB, headerTimeout: 5s, http2: { streams: 7 }, paths: { encodedSlash: keep } },
         responses: { THROTTLED: { status: 420, headers: { X-Reason: '${context.error.responseType}' }, templates: { application/json: '{\"m\":${context.error.messageString}}' } } }",
        "",
    ));
    assert_eq!(gateway.name, "shop");
    assert_eq!(gateway.trusted_proxies, ["10.0.0.0/8", "::1/128"]);
    assert_eq!(
        gateway.upstreams["default"].targets[0].url,
        "http://own:8080/base"
    );
    assert_eq!(
        (gateway.limits.body, gateway.limits.http2_streams),
        (1024 * 1024, 7)
    );
    assert_eq!(gateway.limits.encoded_slash, EncodedSlash::Keep);
    assert_eq!(
        gateway.operations["getBook"].policy.timeout,
        Duration::from_secs(30)
    );
    let throttled = &gateway.responses[&ResponseType::Throttled];
    assert_eq!(throttled.status, Some(420));
    assert_eq!(
        throttled.headers,
        [(
            "x-reason".to_owned(),
            "${context.error.responseType}".to_owned()
        )]
    );
}

#[test]
fn stages_have_mounts_variables_canaries_and_logs() {
    let gateway = gateway(&document(
        "stages: { prod: { mount: { host: API.example.com }, variables: { url: 'http://a', key: { env: KEY }, pin: { file: /run/pin } }, throttle: { rate: 5, burst: 5 }, canary: { percent: 2.5, variables: { url: 'http://b' } }, accessLog: false },
                   test: { accessLog: { to: /var/log/a.log, format: '${context.status} ${context.path}' } } }",
        "integration: { uri: '${stageVariables.url}/x' }, request: { set: { header.x: 'a' } }",
    ).replace("test: {", "test: { variables: { url: 'http://t' },"));
    let prod = &gateway.stages["prod"];
    assert_eq!(
        (prod.mount.host.as_deref(), prod.mount.path.as_str()),
        (Some("api.example.com"), "/")
    );
    assert_eq!(prod.variables["key"], Variable::Env("KEY".to_owned()));
    assert_eq!(prod.variables["pin"], Variable::File("/run/pin".to_owned()));
    assert_eq!(prod.canary.as_ref().unwrap().percent, 2.5);
    assert_eq!(prod.access_log, None);
    assert_eq!(
        gateway.stages["test"].access_log.as_ref().unwrap().to,
        LogDestination::File("/var/log/a.log".to_owned())
    );

    root_faults(
        "stages: { a: { mount: { path: /x } }, b: { mount: { path: /x/ } } }",
        &["/stages/a mount-clash", "/stages/b mount-clash"],
    );
    root_faults(
        "stages: { a: { mount: { path: '/{x}' } } }",
        &["/stages/a/mount/path mount"],
    );
    root_faults(
        "stages: { a: { mount: { host: 'a:80' } } }",
        &["/stages/a/mount/host mount"],
    );
    root_faults(
        "stages: { a: { variables: { x: {} } } }",
        &["/stages/a/variables/x stage-variable-value"],
    );
    root_faults(
        "stages: { a: { throttle: { rate: 5, burst: 5, per: 'path:id' } } }",
        &["/stages/a/throttle/per throttle-key-undeclared"],
    );
    root_faults(
        "stages: { a: { accessLog: { format: '${header.authorization}' } } }",
        &["/stages/a/accessLog/format+2 expression"],
    );
    root_faults(
        "stages: { a: { canary: {} } }",
        &["/stages/a/canary x-gateway-missing"],
    );
    root_faults(
        "stages: { a: { cache: { enabled: true, size: 1KiB } } }",
        &["/stages/a/cache/size x-gateway-range"],
    );
}

#[test]
fn a_variable_must_be_there_on_every_stage_that_uses_it() {
    let text = |stages: &str| {
        document(
            &format!("stages: {{ {stages} }}"),
            "integration: { uri: '${stageVariables.url}/x' }",
        )
    };
    let place = format!("{AT}/integration/uri stage-variable-undefined");
    assert_eq!(
        findings(&text("a: { variables: { url: 'http://a' } }, b: {}")),
        [place.as_str()]
    );
    // a stage that asks another back end does not use it
    assert_eq!(
        findings(&text(
            "a: { variables: { url: 'http://a' } }, b: { operations: { getBook: { integration: { uri: 'http://b' } } } }"
        )),
        Vec::<String>::new()
    );
}

#[test]
fn cors_that_no_browser_takes() {
    faults(
        "cors: { allowOrigins: ['*'], allowCredentials: true }",
        &["/cors/allowCredentials cors-credentials"],
    );
    faults(
        "cors: { allowOrigins: ['https://a/'] }",
        &["/cors/allowOrigins/0 cors-origins"],
    );
    faults("cors: {}", &["/cors cors-origins"]);
    faults(
        "cors: { allowOrigins: ['*'], maxAge: 2h, allowHeaders: ['a b'] }",
        &["/cors/allowHeaders/0 cors-names"],
    );
    faults(
        "cors: { allowOrigins: ['*'], maxAge: 48h }",
        &["/cors/maxAge x-gateway-range"],
    );
}

#[test]
fn the_order_in_the_file_does_not_matter() {
    let one = gateway(&document(
        "stages: { a: { operations: { '*': { timeout: 1s }, getBook: { timeout: 2s } } } }, defaults: { timeout: 3s, streamIdle: 4s }",
        "integration: { type: http, uri: 'http://a/{id}', responses: { default: { status: 200 }, '4..': { status: 404 } } }, cache: { ttl: 5, key: [query.lang, path.id] }",
    ));
    let other = gateway(&document(
        "defaults: { streamIdle: 4s, timeout: 3s }, stages: { a: { operations: { getBook: { timeout: 2s }, '*': { timeout: 1s } } } }",
        "cache: { key: [path.id, query.lang], ttl: 5 }, integration: { responses: { '4..': { status: 404 }, default: { status: 200 } }, uri: 'http://a/{id}', type: http }",
    ));
    assert_eq!(one, other);
}

#[test]
fn retries_have_defaults_and_are_merged() {
    let retries = |text: &str| gateway(text).operations["getBook"].policy.retries.clone();
    let at_root = "defaults: { retries: { attempts: 3, on: [reset, 503, reset], budget: 0.5% } }";
    assert_eq!(retries(&document(at_root, "retries: false")), None);
    assert_eq!(
        retries(&document(at_root, "retries: { perTry: 1s }")),
        Some(Retries {
            attempts: 3,
            on: vec![RetryOn::Reset, RetryOn::Status(503)],
            per_try: Some(Duration::from_secs(1)),
            budget: 5,
        })
    );
    assert_eq!(
        retries(&document("", "retries: {}")),
        Some(Retries {
            attempts: 2,
            on: vec![
                RetryOn::Connect,
                RetryOn::Reset,
                RetryOn::Status(502),
                RetryOn::Status(503)
            ],
            per_try: None,
            budget: 200,
        })
    );
}

#[test]
fn upstreams_have_targets_and_what_is_watched() {
    let gateway = gateway(&document(
        "upstreams: { default: { targets: [ 'http://a/', { url: 'http://b', weight: 7 } ], balance: { hash: { header: X-User } },
           health: { path: /up }, outlier: {}, breaker: { maxRequests: 9 } } }",
        "",
    ));
    let upstream = &gateway.upstreams["default"];
    let targets: Vec<_> = upstream
        .targets
        .iter()
        .map(|target| (target.url.as_str(), target.weight))
        .collect();
    assert_eq!(targets, [("http://a", 1), ("http://b", 7)]);
    let Balance::Hash { part, .. } = &upstream.balance else {
        panic!("{:?}", upstream.balance);
    };
    assert_eq!(
        (part.place, part.name.as_str()),
        (ParameterPlace::Header, "x-user")
    );
    assert_eq!(
        upstream.health,
        Some(Health {
            path: "/up".to_owned(),
            interval: Duration::from_secs(5),
            unhealthy_after: 3,
            healthy_after: 2,
        })
    );
    assert_eq!(
        upstream.outlier,
        Some(Outlier {
            consecutive: 5,
            eject: Duration::from_secs(30),
        })
    );
    assert_eq!(
        upstream.breaker,
        Some(Breaker {
            connections: None,
            pending: None,
            requests: Some(9),
        })
    );
}
