//! The rules as tables: one line per case, `what | expected`.

use super::*;
use crate::cache::policy::Asked;

const DECLARED: &[ParameterDef] = &[path("id"), query("lang"), header("x-tenant")];

/// The caches that the tables speak of.
fn named(name: &str) -> Caching {
    const BY_HEADER: &[CredentialDef] = &[credential(ParameterPlace::Header, "authorization")];
    const BY_COOKIE: &[CredentialDef] = &[credential(ParameterPlace::Cookie, "session")];
    const BY_QUERY: &[CredentialDef] = &[credential(ParameterPlace::Query, "token")];
    const BY_ALL: &[CredentialDef] = &[
        credential(ParameterPlace::Header, "authorization"),
        credential(ParameterPlace::Header, "x-key"),
        credential(ParameterPlace::Cookie, "session"),
        credential(ParameterPlace::Query, "token"),
    ];
    let keyed = |key| CacheDef { key, ..PLAIN };
    let parts = keyed(&[
        CacheKey::Query("q"),
        CacheKey::Query("r"),
        CacheKey::Header("x-tenant"),
        CacheKey::Header("accept-language"),
    ]);
    let (def, credentials): (CacheDef, &'static [CredentialDef]) = match name {
        "open" => (PLAIN, &[]),
        "login" => (PLAIN, BY_HEADER),
        "session" => (PLAIN, BY_COOKIE),
        "token" => (PLAIN, BY_QUERY),
        "any" => (keyed(&[CacheKey::AnyQuery]), &[]),
        "parts" => (parts, &[]),
        "parts-login" => (parts, BY_ALL),
        "parts-shared" => (
            CacheDef {
                shared: true,
                ..parts
            },
            BY_ALL,
        ),
        "listed" => {
            let key = &[
                CacheKey::Header("authorization"),
                CacheKey::Header("cookie"),
                CacheKey::Header("x-host"),
            ];
            (keyed(key), &[])
        }
        "insisting" => {
            let def = CacheDef {
                override_upstream: true,
                statuses: &[200, 206, 304, 404],
                ..PLAIN
            };
            (def, &[])
        }
        "amazon" => {
            let operation = operation(DECLARED, &[]);
            return Caching::new(PLAIN, "prod", operation, ApiKind::Rest).unwrap();
        }
        other => panic!("there is no cache named {other}"),
    };
    caching(def, operation(DECLARED, credentials))
}

/// `name: value; name: value`, where a value may have `,` but no `;`.
fn fields(text: &str) -> Vec<(&str, &str)> {
    text.split(';')
        .filter_map(|field| field.split_once(':'))
        .map(|(name, value)| (name.trim(), value.trim()))
        .collect()
}

/// The rows of a table, with their expected last cells.
fn rows(table: &str) -> impl Iterator<Item = (&str, &str)> {
    table
        .lines()
        .filter(|row| !row.trim().is_empty())
        .map(|row| row.rsplit_once('|').unwrap())
        .map(|(row, expected)| (row.trim(), expected.trim()))
}

#[test]
fn what_is_kept() {
    let table = r#"
        open 200                                             | kept
        open 204                                             | kept
        open 200 cache-control: public, max-age=5            | kept
        open 200 cache-control: no-cache                     | kept
        open 200 cache-control: x-private                    | kept
        open 200 expires: 0                                  | kept
        open 404                                             | status
        open 429                                             | status
        open 500                                             | status
        open 304                                             | status
        open 206                                             | partial
        open 200 content-range: bytes 0-1/2                  | partial
        open 200 set-cookie: a=b                             | set_cookie
        open 200 cache-control: private                      | private
        open 200 cache-control: max-age=9,PRIVATE            | private
        open 200 cache-control: private="x-a, x-b"           | private
        open 200 cache-control: public; cache-control: no-store | no_store
        open 200 cache-control: No-Store ,                   | no_store
        open 200 vary: *                                     | vary
        open 200 vary: accept-encoding, *                    | vary
        open 200 vary: Accept-Encoding                       | kept
        open 200 vary: Accept-Language                       | vary
        open 200 vary: Accept-Encoding; vary: Origin         | vary
        open 200 vary: authorization                         | vary
        open 200 content-type: Text/Event-Stream             | stream
        open 200 content-type: text/eve                      | kept
        parts 200 vary: accept-language, Accept-Encoding     | kept
        parts-login 200 vary: Authorization, cookie          | kept
        parts-login 200 vary: user-agent                     | vary
        parts-shared 200 vary: Authorization                 | vary
        insisting 404                                        | kept
        insisting 200 cache-control: private, no-store       | kept
        insisting 200 vary: *                                | kept
        insisting 200 vary: origin                           | vary
        insisting 200 set-cookie: a=b                        | set_cookie
        insisting 206                                        | partial
        insisting 304                                        | status
    "#;
    for (row, expected) in rows(table) {
        let (name, rest) = row.split_once(' ').unwrap();
        let (status, lines) = rest.split_once(' ').unwrap_or((rest, ""));
        let mut headers = Headers::new();
        for (name, value) in fields(lines) {
            headers.append(
                FieldName::from_bytes(name.as_bytes()).unwrap(),
                FieldValue::from_str(value).unwrap(),
            );
        }
        let decision = named(name).may_keep(status.parse().unwrap(), &headers, None);
        assert_eq!(
            decision.map_or_else(Unkept::label, |()| "kept"),
            expected,
            "{row}"
        );
    }
    let of_length = |length| named("open").may_keep(200, &Headers::new(), Some(length));
    assert_eq!(of_length(1 << 20), Ok(()));
    assert_eq!(of_length((1 << 20) + 1), Err(Unkept::TooLarge));
}

#[test]
fn who_goes_past_the_cache() {
    let table = r#"
        open GET /                                           | -
        open HEAD /                                          | -
        open POST /                                          | method
        open DELETE /                                        | method
        open GET /?lang=de                                   | -
        open GET /?lang=de&lang=en                           | -
        open GET /?l%61ng=de                                 | -
        open GET /?                                          | -
        open GET /?utm=1                                     | undeclared_query
        open GET /?lang=de&utm                               | undeclared_query
        open GET /?Lang=de                                   | undeclared_query
        open GET / range: bytes=0-1                          | range
        open GET / if-range: "a"                             | range
        open GET / if-match: "a"                             | condition
        open GET / if-unmodified-since: x                    | condition
        open GET / if-none-match: "a"                        | -
        open GET / x-original-url: /admin                    | override
        open GET / x-http-method-override: DELETE            | override
        open GET / x-host: evil.example                      | override
        open GET / forwarded: host=evil.example              | override
        open GET / X_Original_URL: /admin                    | override
        open GET / x-original_url: /admin                    | override
        open GET / X_HTTP_Method_Override: DELETE            | override
        open GET / if_range: "a"                             | range
        open GET / If_Match: "a"                             | condition
        open GET / if_none_match: "a"                        | override
        open GET / Accept_Encoding: gzip                     | override
        open GET / x_tenant: a                               | -
        parts GET / x-tenant: a                              | -
        parts GET / X_Tenant: a                              | override
        parts GET / x-tenant: a; accept_language: b          | override
        parts-login GET / x_key: a                           | override
        listed GET / X_Host: c                               | override
        open GET / authorization: Bearer a                   | undeclared_credential
        open GET / cookie: a=b                               | undeclared_credential
        login GET / authorization: Bearer a                  | -
        login GET / cookie: a=b                              | undeclared_credential
        session GET / cookie: session=1                      | -
        session GET / authorization: Bearer a                | undeclared_credential
        token GET /?token=abc                                | -
        listed GET / authorization: a; cookie: b; x-host: c  | -
        any GET /?anything=1                                 | -
        parts GET /?q=2                                      | -
        parts GET /?p=2                                      | undeclared_query
        amazon GET /?anything=1                              | -
        amazon GET / authorization: Bearer a                 | undeclared_credential
    "#;
    for (row, expected) in rows(table) {
        let mut words = row.splitn(4, ' ');
        let (name, method, target) = (
            words.next().unwrap(),
            words.next().unwrap(),
            words.next().unwrap(),
        );
        let request = request(method, target, &fields(words.next().unwrap_or_default()));
        let label = match named(name).plan(&request, false) {
            Plan::Bypass(why) => why.label(),
            Plan::Use { .. } => "-",
            Plan::Refresh(_) => "refresh",
            Plan::Refuse => "refuse",
        };
        assert_eq!(label, expected, "{row}");
    }
    let with_body = named("open").bypass(Asked {
        method: "GET",
        body: true,
        headers: &Headers::new(),
        query_names: std::iter::empty(),
        apart: false,
    });
    assert_eq!(with_body, Some(Why::Body));
    assert!(matches!(
        named("open").plan(&request("GET", "/", &[]), true),
        Plan::Bypass(Why::Canary)
    ));
}

#[test]
fn who_may_ask_for_a_fresh_answer() {
    let table = "
        anyone GET max-age=0                | refresh
        anyone GET no-transform,Max-Age=00  | refresh
        anyone HEAD max-age=0               | refresh
        anyone GET max-age=10               | use
        anyone GET max-age                  | use
        anyone GET max-age=                 | use
        anyone GET no-cache                 | use
        ignore GET max-age=0                | use
        warn GET max-age=0                  | warn
        warn GET max-age=1                  | use
        fail GET max-age=0                  | refuse
        fail GET max-age=1                  | use
    ";
    for (row, expected) in rows(table) {
        let words: Vec<&str> = row.split(' ').collect();
        let invalidation = match words[0] {
            "anyone" => Invalidation::Anyone,
            "ignore" => Invalidation::Nobody(OnRefusal::Ignore),
            "warn" => Invalidation::Nobody(OnRefusal::Warn),
            _ => Invalidation::Nobody(OnRefusal::Fail),
        };
        let def = CacheDef {
            invalidation,
            ..PLAIN
        };
        let request = request(words[1], "/", &[("cache-control", words[2])]);
        let plan = match caching(def, operation(&[], &[])).plan(&request, false) {
            Plan::Use { warn: true, .. } => "warn",
            Plan::Use { .. } => "use",
            Plan::Refresh(_) => "refresh",
            Plan::Bypass(why) => why.label(),
            Plan::Refuse => "refuse",
        };
        assert_eq!(plan, expected, "{row}");
    }
}

#[test]
fn who_shares_an_answer() {
    let table = r#"
        parts /a                                  & /a                                      | one
        parts /a?q=1                              & /a?q=2                                  | two
        parts /a?q=1&r=2                          & /a?r=2&q=1                              | one
        parts /a?q=1&q=2                          & /a?q=2&q=1                              | two
        parts /a?q=1                              & /a?r=1                                  | two
        parts /a                                  & /a?q=                                   | two
        parts /a?q=%31                            & /a?q=1                                  | one
        parts /a?q=M%FCller                       & /a?q=M%E4ller                           | two
        parts /a?q=%EF%BF%BD                      & /a?q=%FF                                | two
        parts-login /a?token=%FC                  & /a?token=%E4                            | two
        parts /a                                  & /b                                      | one
        parts /a                                  & /a/                                     | two
        parts /a                                  & //a                                     | two
        parts //a                                 & ///a                                    | two
        parts /a host: a.example                  & /a host: A.Example                      | one
        parts /a host: a.example                  & /a host: b.example                      | two
        parts /a host: a.example                  & /a host: a.example:81                   | two
        parts /a x-tenant: a                      & /a x-tenant: b                          | two
        parts /a x-tenant: a                      & /a x-tenant: a; x-tenant:               | two
        parts /a x-forwarded-host: evil.example   & /a                                      | one
        parts /a accept-encoding: gzip, br        & /a accept-encoding: br,GZIP             | one
        parts /a accept-encoding: gzip            & /a                                      | two
        parts /a accept-encoding: identity        & /a                                      | one
        parts /a accept-encoding: *               & /a accept-encoding: pack200-gzip        | two
        parts-login /a authorization: a           & /a authorization: b                     | two
        parts-login /a authorization: a           & /a                                      | two
        parts-login /a authorization: a           & /a authorization: a                     | one
        parts-login /a authorization: a           & /a x-key: a                             | two
        parts-login /a cookie: session=1          & /a cookie: session=2                    | two
        parts-login /a cookie: session=1, role=a  & /a cookie: session=1, role=b            | two
        parts-login /a?token=1                    & /a?token=2                              | two
        parts-shared /a authorization: a          & /a authorization: b                     | one
        any /a?x=1                                & /a?x=2                                  | two
        any /a?x=1&y=2                            & /a?x=1&y=2                              | one
    "#;
    for (row, expected) in rows(table) {
        let (name, sides) = row.split_once(' ').unwrap();
        let key = |side: &str| {
            let (target, lines) = side.trim().split_once(' ').unwrap_or((side.trim(), ""));
            match named(name).plan(&request("GET", target, &fields(lines)), false) {
                Plan::Use { key, .. } => key,
                other => panic!("{side}: {other:?}"),
            }
        };
        let (a, b) = sides.split_once(" & ").unwrap();
        let keys = if key(a) == key(b) { "one" } else { "two" };
        assert_eq!(keys, expected, "{row}");
    }
}

#[test]
fn a_weight_of_nothing_refuses_a_coding() {
    let key = |accepts: &str| match named("open")
        .plan(&request("GET", "/", &[("accept-encoding", accepts)]), false)
    {
        Plan::Use { key, .. } => key,
        other => panic!("{accepts}: {other:?}"),
    };
    assert_eq!(key("gzip;q=0.5, br"), key("br, gzip"));
    assert_eq!(key("gzip;q=0, br"), key("br"));
    assert_eq!(key("gzip;q=0.000"), key("identity"));
    assert_ne!(key("gzip;q=0"), key("gzip"));
    // What is not understood counts as it stands.
    assert_ne!(key("identity;q=0"), key("identity"));
    assert_ne!(key("gzip;level=9"), key("gzip"));
}
