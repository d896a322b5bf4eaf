//! Cross-origin rules (Fetch §3.2): preflights, and the fields of every other answer.
//!
//! Invariants (security requirement G12): an origin is named only if it is listed; `*` never stands beside credentials;
//! `Vary: Origin` stands on every answer that could have been another for another origin, those without `Origin` included, so
//! that a shared cache cannot mix them. What a back end says about origins is replaced, never mixed with what is said here.
//!
//! Absent on purpose: refusing requests of unlisted origins. The browser does that, from the absence of the fields.

use crate::def::CorsDef;
use crate::exchange::{Exchange, FieldName, FieldValue, Headers, Reply, field};

const ALLOW_ORIGIN: FieldName = FieldName::from_static("access-control-allow-origin");
const ALLOW_CREDENTIALS: FieldName = FieldName::from_static("access-control-allow-credentials");
const ALLOW_METHODS: FieldName = FieldName::from_static("access-control-allow-methods");
const ALLOW_HEADERS: FieldName = FieldName::from_static("access-control-allow-headers");
const EXPOSE_HEADERS: FieldName = FieldName::from_static("access-control-expose-headers");
const MAX_AGE: FieldName = FieldName::from_static("access-control-max-age");

/// Cross-origin rules, ready to be applied.
#[derive(Debug)]
pub(crate) struct Cors {
    origins: Origins,
    methods: Listed,
    headers: Listed,
    exposed: Option<FieldValue>,
    credentials: bool,
    max_age: Option<FieldValue>,
}

#[derive(Debug)]
enum Origins {
    /// `*`: the answer is the same for everyone.
    Any,
    /// Those of the list, and every origin of a scheme.
    Some {
        exact: &'static [&'static str],
        http: bool,
        https: bool,
    },
}

/// A list that goes into a field.
#[derive(Debug)]
enum Listed {
    /// `*`.
    Any,
    /// These, joined; `None` if there is none.
    These(Option<FieldValue>),
}

impl Listed {
    fn new(items: &[&str]) -> Listed {
        if items.contains(&"*") {
            Listed::Any
        } else {
            Listed::These(joined(items))
        }
    }
}

fn joined(items: &[&str]) -> Option<FieldValue> {
    if items.is_empty() {
        return None;
    }
    FieldValue::from_str(&items.join(", ")).ok()
}

/// What a request says about its origin, kept from its head because the head is moved on to the back end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin(Option<FieldValue>);

impl Origin {
    /// The origin of a request.
    pub(crate) fn of(exchange: &Exchange) -> Origin {
        Origin(exchange.headers().value(field::ORIGIN))
    }
}

/// The method that a preflight asks for; `None` if the request is none.
pub(crate) fn preflight_method(exchange: &Exchange) -> Option<&str> {
    if exchange.method() != "OPTIONS" || !exchange.headers().contains(field::ORIGIN) {
        return None;
    }
    exchange
        .headers()
        .get_str(field::ACCESS_CONTROL_REQUEST_METHOD)
}

impl Cors {
    /// The rules of a table.
    pub(crate) fn new(def: &CorsDef) -> Cors {
        Cors {
            origins: if def.allow_origins.contains(&"*") {
                Origins::Any
            } else {
                Origins::Some {
                    exact: def.allow_origins,
                    http: def.allow_origins.contains(&"http://*"),
                    https: def.allow_origins.contains(&"https://*"),
                }
            },
            methods: Listed::new(def.allow_methods),
            headers: Listed::new(def.allow_headers),
            exposed: joined(def.expose_headers),
            // The generator refuses `*` with credentials; a table written by hand does not get them either.
            credentials: def.allow_credentials && !def.allow_origins.contains(&"*"),
            max_age: def.max_age.map(FieldValue::from),
        }
    }

    /// The answer to a preflight. An origin that is not listed gets one that allows nothing.
    pub(crate) fn preflight(&self, exchange: &Exchange) -> Reply {
        let mut reply = Reply::new(204);
        let headers = &mut reply.headers;
        let mut varies: Vec<&str> = Vec::new();
        if !matches!(self.origins, Origins::Any) {
            varies.push("Origin");
        }
        let asked = exchange.headers();
        let methods = self.answer(
            &self.methods,
            asked.value(field::ACCESS_CONTROL_REQUEST_METHOD),
            "Access-Control-Request-Method",
            &mut varies,
        );
        let fields = self.answer(
            &self.headers,
            asked.value(field::ACCESS_CONTROL_REQUEST_HEADERS),
            "Access-Control-Request-Headers",
            &mut varies,
        );
        if let Some(origin) = self.allowed(&Origin::of(exchange)) {
            headers.set(ALLOW_ORIGIN, origin);
            let fields = [
                (ALLOW_METHODS, methods),
                (ALLOW_HEADERS, fields),
                (MAX_AGE, self.max_age.clone()),
            ];
            for (name, value) in fields {
                if let Some(value) = value {
                    headers.set(name, value);
                }
            }
            if self.credentials {
                headers.set(ALLOW_CREDENTIALS, FieldValue::from_static("true"));
            }
        }
        if let Some(value) = joined(&varies) {
            headers.set(field::VARY, value);
        }
        reply
    }

    /// What a preflight is told of a list. With credentials `*` has no meaning of its own (Fetch §3.2.6), so that what was
    /// asked for is allowed by its name.
    fn answer(
        &self,
        list: &Listed,
        asked: Option<FieldValue>,
        varies_by: &'static str,
        varies: &mut Vec<&str>,
    ) -> Option<FieldValue> {
        match list {
            Listed::These(value) => value.clone(),
            Listed::Any if self.credentials => {
                varies.push(varies_by);
                asked.filter(is_list_of_tokens)
            }
            Listed::Any => Some(FieldValue::from_static("*")),
        }
    }

    /// Writes the fields of an answer that is no preflight.
    pub(crate) fn apply(&self, origin: &Origin, headers: &mut Headers) {
        for name in [
            ALLOW_ORIGIN,
            ALLOW_CREDENTIALS,
            ALLOW_METHODS,
            ALLOW_HEADERS,
            EXPOSE_HEADERS,
            MAX_AGE,
        ] {
            headers.remove(name);
        }
        if !matches!(self.origins, Origins::Any) {
            vary_by_origin(headers);
        }
        let Some(allowed) = self.allowed(origin) else {
            return;
        };
        headers.set(ALLOW_ORIGIN, allowed);
        if self.credentials {
            headers.set(ALLOW_CREDENTIALS, FieldValue::from_static("true"));
        }
        if let Some(exposed) = &self.exposed {
            headers.set(EXPOSE_HEADERS, exposed.clone());
        }
    }

    /// What `Access-Control-Allow-Origin` says to an origin; `None`: nothing.
    fn allowed(&self, origin: &Origin) -> Option<FieldValue> {
        let origin = origin.0.as_ref()?;
        match &self.origins {
            Origins::Any => Some(FieldValue::from_static("*")),
            Origins::Some { exact, http, https } => {
                let text = origin.to_str().ok()?;
                let listed = exact.contains(&text) && !text.ends_with("://*")
                    || *https && is_origin_of(text, "https://")
                    || *http && is_origin_of(text, "http://");
                listed.then(|| origin.clone())
            }
        }
    }
}

/// Whether `origin` is a serialised origin of this scheme (RFC 6454 §6.2): a host, perhaps a port, nothing behind.
fn is_origin_of(origin: &str, scheme: &str) -> bool {
    origin.strip_prefix(scheme).is_some_and(|authority| {
        !authority.is_empty()
            && authority
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    })
}

fn is_list_of_tokens(value: &FieldValue) -> bool {
    value
        .as_bytes()
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~, ".contains(byte))
}

/// Adds `Origin` to `Vary`, unless it is there.
fn vary_by_origin(headers: &mut Headers) {
    let there = headers.all(field::VARY).any(|line| {
        line.split(|byte| *byte == b',').any(|name| {
            let name = name.trim_ascii();
            name.eq_ignore_ascii_case(b"origin") || name == b"*"
        })
    });
    if !there {
        headers.append(field::VARY, FieldValue::from_static("Origin"));
    }
}

#[cfg(test)]
mod tests;
