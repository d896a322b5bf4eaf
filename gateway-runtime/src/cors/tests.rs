use super::*;
use crate::testing::request;

const SHOP: CorsDef = CorsDef {
    allow_origins: &["https://shop.example", "null", "http://*"],
    allow_methods: &["GET", "PUT"],
    allow_headers: &["content-type", "x-a"],
    expose_headers: &["etag", "x-b"],
    allow_credentials: true,
    max_age: Some(3600),
};
const OPEN: CorsDef = CorsDef {
    allow_origins: &["*"],
    allow_methods: &["*"],
    allow_headers: &["*"],
    expose_headers: &[],
    allow_credentials: false,
    max_age: None,
};
/// Every list a wildcard but the origins, with credentials.
const TRUSTING: CorsDef = CorsDef {
    allow_origins: &["https://*"],
    allow_methods: &["*"],
    allow_headers: &["*"],
    expose_headers: &["*"],
    allow_credentials: true,
    max_age: None,
};
/// What the generator refuses.
const FORBIDDEN: CorsDef = CorsDef {
    allow_origins: &["*"],
    allow_methods: &["*"],
    allow_headers: &["*"],
    expose_headers: &[],
    allow_credentials: true,
    max_age: None,
};

fn shown(headers: &Headers) -> Vec<String> {
    let mut shown: Vec<String> = headers
        .iter()
        .map(|(name, value)| {
            format!(
                "{}: {}",
                String::from_utf8_lossy(name).replace("access-control-", ""),
                String::from_utf8_lossy(value)
            )
        })
        .collect();
    shown.sort();
    shown
}

#[test]
fn preflights() {
    let asks = |origin| {
        [
            ("origin", origin),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "x-a, authorization"),
        ]
    };
    for (def, origin, expected) in [
        (
            &SHOP,
            "https://shop.example",
            &[
                "allow-credentials: true",
                "allow-headers: content-type, x-a",
                "allow-methods: GET, PUT",
                "allow-origin: https://shop.example",
                "max-age: 3600",
                "vary: Origin",
            ][..],
        ),
        (&SHOP, "https://evil.example", &["vary: Origin"]),
        (
            &OPEN,
            "https://anyone.example",
            &["allow-headers: *", "allow-methods: *", "allow-origin: *"],
        ),
        (
            &TRUSTING,
            "https://anyone.example",
            &[
                "allow-credentials: true",
                "allow-headers: x-a, authorization",
                "allow-methods: PUT",
                "allow-origin: https://anyone.example",
                "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
            ],
        ),
        (
            &FORBIDDEN,
            "https://anyone.example",
            &["allow-headers: *", "allow-methods: *", "allow-origin: *"],
        ),
    ] {
        let exchange = request("OPTIONS", "/", &asks(origin));
        assert_eq!(preflight_method(&exchange), Some("PUT"));
        let reply = Cors::new(def).preflight(&exchange);
        assert_eq!((reply.status, reply.body.is_empty()), (204, true));
        assert_eq!(shown(&reply.headers), expected, "{def:?} {origin}");
    }
}

#[test]
fn only_options_with_origin_and_method_is_a_preflight() {
    let origin = ("origin", "https://shop.example");
    let method = ("access-control-request-method", "PUT");
    for (verb, headers) in [
        ("GET", &[origin, method][..]),
        ("OPTIONS", &[origin]),
        ("OPTIONS", &[method]),
    ] {
        assert_eq!(preflight_method(&request(verb, "/", headers)), None);
    }
}

#[test]
fn answers() {
    for (def, origin, expected) in [
        (
            &SHOP,
            Some("https://shop.example"),
            &[
                "allow-credentials: true",
                "allow-origin: https://shop.example",
                "expose-headers: etag, x-b",
                "vary: Accept",
                "vary: Origin",
            ][..],
        ),
        (
            &SHOP,
            Some("https://evil.example"),
            &["vary: Accept", "vary: Origin"],
        ),
        (&SHOP, None, &["vary: Accept", "vary: Origin"]),
        (
            &OPEN,
            Some("https://x.example"),
            &["allow-origin: *", "vary: Accept"],
        ),
        (&OPEN, None, &["vary: Accept"]),
    ] {
        let headers: Vec<_> = origin
            .map(|origin| ("origin", origin))
            .into_iter()
            .collect();
        let origin = Origin::of(&request("GET", "/", &headers));
        let mut reply = Headers::new();
        // What the back end says is replaced.
        reply.set(
            ALLOW_ORIGIN,
            FieldValue::from_static("https://evil.example"),
        );
        reply.set(ALLOW_CREDENTIALS, FieldValue::from_static("true"));
        reply.set(field::VARY, FieldValue::from_static("Accept"));
        Cors::new(def).apply(&origin, &mut reply);
        assert_eq!(shown(&reply), expected, "{def:?} {origin:?}");
    }
}

#[test]
fn origins() {
    let listed = |def: &CorsDef, origin: &str| {
        Cors::new(def)
            .allowed(&Origin::of(&request("GET", "/", &[("origin", origin)])))
            .is_some()
    };
    for (origin, allowed) in [
        ("https://shop.example", true),
        ("https://shop.example.evil.example", false),
        ("https://SHOP.example", false),
        ("https://shop.example:8443", false),
        ("null", true),
        ("http://anything.example:8080", true),
        ("http://[::1]:3000", true),
        ("http://*", false),
        ("http://", false),
        ("http://a/b", false),
        ("http://a@b", false),
    ] {
        assert_eq!(listed(&SHOP, origin), allowed, "{origin}");
    }
    assert!(listed(&TRUSTING, "https://x.example") && !listed(&TRUSTING, "http://x.example"));
}

#[test]
fn vary_is_named_once() {
    let mut headers = Headers::new();
    headers.set(field::VARY, FieldValue::from_static("Accept, origin"));
    Cors::new(&SHOP).apply(&Origin::default(), &mut headers);
    assert_eq!(shown(&headers), ["vary: Accept, origin"]);
}
