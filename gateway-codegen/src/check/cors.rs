//! Cross-origin rules that no browser takes, or that let in whom nobody meant.

use crate::findings::brief;
use crate::model::Cors;

/// What is wrong with cross-origin rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Code of the rule.
    pub(crate) code: &'static str,
    /// The member that is wrong.
    pub(crate) member: &'static str,
    /// The value in its list that is; empty: the member as a whole.
    pub(crate) value: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) help: &'static str,
}

/// Every fault of some rules.
pub(crate) fn faults(cors: &Cors) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |code, member, value: &str, message: String, help| {
        faults.push(Fault {
            code,
            member,
            value: value.to_owned(),
            message,
            help,
        });
    };
    if cors.allow_credentials && cors.allow_origins.iter().any(|origin| origin == "*") {
        fault(
            "cors-credentials",
            "allowCredentials",
            "",
            "credentials cannot be allowed to every origin (`*`)".to_owned(),
            "list the origins, or drop allowCredentials",
        );
    }
    if cors.allow_origins.is_empty() {
        fault(
            "cors-origins",
            "allowOrigins",
            "",
            "no origin is allowed, so nothing is".to_owned(),
            "list origins, as in `https://shop.example`, or write `cors: false`",
        );
    }
    for origin in &cors.allow_origins {
        if let Some(why) = origin_fault(origin) {
            fault(
                "cors-origins",
                "allowOrigins",
                origin,
                format!("`{}` {why}", brief(origin)),
                "scheme, host and port alone, as in `https://shop.example`; or `*`, `https://*`, `http://*`",
            );
        }
    }
    if let Some(method) = cors.allow_methods.iter().find(|name| !is_token(name)) {
        fault(
            "cors-names",
            "allowMethods",
            method,
            format!("`{}` is no method", brief(method)),
            "",
        );
    }
    for (member, names) in [
        ("allowHeaders", &cors.allow_headers),
        ("exposeHeaders", &cors.expose_headers),
    ] {
        if let Some(name) = names.iter().find(|name| !is_token(name)) {
            fault(
                "cors-names",
                member,
                name,
                format!("`{}` is no name of a header field", brief(name)),
                "",
            );
        }
    }
    if cors
        .max_age
        .is_some_and(|age| !(-1..=86_400).contains(&age))
    {
        fault(
            "x-gateway-range",
            "maxAge",
            "",
            "maxAge is at most a day".to_owned(),
            "browsers use less than that anyway",
        );
    }
    faults
}

/// Why a text is no origin (RFC 6454 §6.2).
fn origin_fault(origin: &str) -> Option<&'static str> {
    if matches!(origin, "*" | "https://*" | "http://*") {
        return None;
    }
    let Some((scheme, authority)) = origin.split_once("://") else {
        return Some("is no origin");
    };
    let scheme_fine = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !scheme_fine || authority.is_empty() {
        return Some("is no origin");
    }
    if authority.contains('*') {
        return Some("is no origin: `*` stands for a whole host alone");
    }
    let fine = authority
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    (!fine).then_some("is no origin: it has no path and nothing else behind host and port")
}

fn is_token(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        for origin in [
            "*",
            "https://*",
            "https://a.example",
            "http://localhost:3000",
            "capacitor://localhost",
        ] {
            assert_eq!(origin_fault(origin), None, "{origin}");
        }
        for origin in [
            "",
            "a.example",
            "https://a.example/",
            "https://*.a.example",
            "https://",
            "null",
            "https://a b",
        ] {
            assert!(origin_fault(origin).is_some(), "{origin}");
        }
    }

    #[test]
    fn credentials_go_to_nobody_in_particular() {
        let cors = Cors {
            allow_origins: vec!["*".to_owned()],
            allow_methods: Vec::new(),
            allow_headers: Vec::new(),
            expose_headers: Vec::new(),
            allow_credentials: true,
            max_age: None,
        };
        let codes: Vec<_> = faults(&cors).iter().map(|fault| fault.code).collect();
        assert_eq!(codes, ["cors-credentials"]);
    }
}
