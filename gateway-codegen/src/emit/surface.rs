//! `gateway.surface`: what a caller can reach, one line per stage, method and path.
//!
//! It is read as a diff: a line shows who may call, how often, what is kept and where it goes, so a change of the attack
//! surface is a changed line of a pull request. Columns have fixed widths; what is longer pushes its own line only.
//! The same rows are what `routes` prints.

use std::fmt::Write as _;
use std::time::Duration;

use gateway_runtime::def::{
    AccessDef, CacheDef, CacheKey, CredentialDef, GatewayDef, HttpDef, IntegrationDef,
    Invalidation, Mode, PolicyDef, ProxyDef, StageDef, TargetDef, ThrottleDef, ThrottleKey,
    UpstreamDef, ValidateDef,
};
use serde::Serialize;

use super::text::is_invisible;

const HEAD: &str = "\
# What a caller can reach, one line per stage, method and path. Generated; read its diff in review.
# throttle: requests per second / burst @ whose bucket; cache: time [what separates answers]; checks: what is held to the document
";

/// One route of one stage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Row {
    /// Stage.
    pub stage: String,
    /// Path template, below the stage's mount.
    pub path: String,
    /// Method, or `ANY`.
    pub method: String,
    /// Operation.
    pub operation: String,
    /// `public`, or who decides about which credentials.
    pub access: String,
    /// Buckets, the stage's last; empty: none.
    pub throttle: String,
    /// How answers are kept; empty: they are not.
    pub cache: String,
    /// What messages are held to; empty: nothing.
    pub checks: String,
    /// What answers.
    pub target: String,
}

/// Every route of every stage, sorted by stage, path and method.
pub fn rows(def: &'static GatewayDef) -> Vec<Row> {
    let mut rows: Vec<Row> = def
        .stages
        .iter()
        .flat_map(|stage| {
            def.routes.iter().map(|route| {
                let operation = route.operation;
                let policy = stage
                    .overrides
                    .iter()
                    .find(|row| std::ptr::eq(row.operation, operation))
                    .map_or(&operation.policy, |row| row.policy);
                Row {
                    stage: stage.name.to_owned(),
                    path: route.path.to_owned(),
                    method: route.method.to_owned(),
                    operation: operation.id.to_owned(),
                    access: access(&operation.access),
                    throttle: throttles(policy, stage),
                    cache: cache(policy, stage),
                    checks: checks(&policy.validate),
                    target: target(&policy.integration),
                }
            })
        })
        .collect();
    rows.sort();
    rows
}

/// Rows as text, one a line.
pub fn table(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let throttle = labelled("throttle", &row.throttle);
        let cache = labelled("cache", &row.cache);
        let route = format!("{} {} {}", word(&row.stage), row.method, word(&row.path));
        let mut line = String::new();
        let _ = write!(line, "{route:<40}  {:<8}", plain(&row.access));
        let checks = labelled("checks", &row.checks);
        for part in [throttle, cache, checks] {
            if !part.is_empty() {
                let _ = write!(line, "  {}", plain(&part));
            }
        }
        let _ = writeln!(text, "{line}  -> {}", plain(&row.target));
    }
    text
}

pub(super) fn file(def: &'static GatewayDef) -> String {
    format!("{HEAD}{}", table(&rows(def)))
}

fn labelled(label: &str, value: &str) -> String {
    match value {
        "" => String::new(),
        value => format!("{label}={value}"),
    }
}

fn access(def: &AccessDef) -> String {
    let AccessDef::Delegated(alternatives) = def else {
        return "public".to_owned();
    };
    let alternatives: Vec<String> = alternatives
        .iter()
        .map(|together| match together {
            [] => "none".to_owned(),
            together => {
                let schemes: Vec<String> = together.iter().map(credential).collect();
                schemes.join("+")
            }
        })
        .collect();
    format!("delegated({})", alternatives.join(","))
}

fn credential(def: &CredentialDef) -> String {
    let required = if def.required { "!" } else { "" };
    format!("{}{required}", word(def.scheme))
}

fn throttles(policy: &PolicyDef, stage: &StageDef) -> String {
    let own = policy.throttles.iter().map(|def| throttle(def, ""));
    let whole = stage.throttle.iter().map(|def| throttle(def, "stage"));
    let all: Vec<String> = own.chain(whole).collect();
    all.join("+")
}

/// `5/10@ip`; `whole` says whose bucket it is when it is everybody's.
fn throttle(def: &ThrottleDef, whole: &str) -> String {
    let key = match def.per {
        ThrottleKey::Whole => whole.to_owned(),
        ThrottleKey::Ip => "ip".to_owned(),
        ThrottleKey::Header(name) => format!("header.{}", word(name)),
        ThrottleKey::Query(name) => format!("query.{}", word(name)),
        ThrottleKey::Path(name) => format!("path.{}", word(name)),
    };
    let at = if key.is_empty() { "" } else { "@" };
    format!("{}/{}{at}{key}", def.rate, def.burst)
}

fn cache(policy: &PolicyDef, stage: &StageDef) -> String {
    let (Some(def), Some(_)) = (&policy.cache, &stage.cache) else {
        return String::new();
    };
    let CacheDef {
        ttl,
        key,
        shared,
        statuses: _,
        override_upstream: _,
        invalidation,
    } = def;
    let key: Vec<String> = key
        .iter()
        .map(|part| match part {
            CacheKey::Path(name) => format!("path.{}", word(name)),
            CacheKey::Query(name) => format!("query.{}", word(name)),
            CacheKey::AnyQuery => "query.*".to_owned(),
            CacheKey::Header(name) => format!("header.{}", word(name)),
        })
        .collect();
    let shared = if *shared { ",shared" } else { "" };
    let anyone = match invalidation {
        Invalidation::Anyone => ",invalidated by anyone",
        Invalidation::Nobody(_) => "",
    };
    format!("{}[{}]{shared}{anyone}", time(*ttl), key.join(","))
}

/// `params,body`: what is not as the document says is refused; `body(report)`: it is reported.
fn checks(def: &ValidateDef) -> String {
    let ValidateDef {
        params,
        body,
        response,
    } = *def;
    let parts = [("params", params), ("body", body), ("response", response)];
    let parts = parts.into_iter().filter_map(|(part, mode)| match mode {
        Mode::Off => None,
        Mode::Report => Some(format!("{part}(report)")),
        Mode::Enforce => Some(part.to_owned()),
    });
    parts.collect::<Vec<_>>().join(",")
}

fn time(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    }
}

fn target(def: &IntegrationDef) -> String {
    match def {
        IntegrationDef::Proxy(ProxyDef { target, method }) => called("proxy", target, *method),
        IntegrationDef::Http(HttpDef { target, method, .. }) => called("http", target, *method),
        IntegrationDef::Mock(mock) => format!("mock {}", mock.status),
        IntegrationDef::Redirect(redirect) => {
            format!("redirect {} {}", redirect.status, redirect.location)
        }
    }
}

fn called(kind: &str, target: &TargetDef, method: Option<&str>) -> String {
    let place = match target {
        TargetDef::Upstream(upstream) => format!("{} {}", word(upstream.name), urls(upstream)),
        TargetDef::UpstreamPath(upstream, path) => {
            format!("{} {} {path}", word(upstream.name), urls(upstream))
        }
        TargetDef::Uri(uri) => (*uri).to_owned(),
    };
    match method {
        Some(method) => format!("{kind} {method} {place}"),
        None => format!("{kind} {place}"),
    }
}

/// `http://a,http://b*2`: the targets of a back end, weights behind those that have one.
fn urls(upstream: &UpstreamDef) -> String {
    if upstream.targets.is_empty() {
        return "--upstream".to_owned();
    }
    let targets = upstream.targets.iter().map(|target| match target.weight {
        1 => target.url.to_owned(),
        weight => format!("{}*{weight}", target.url),
    });
    targets.collect::<Vec<_>>().join(",")
}

/// A name of the document as one word: white space and what cannot be seen are written as escapes.
fn word(text: &str) -> String {
    escaped(text, |c| c.is_whitespace() || is_invisible(c))
}

/// The same, but spaces stay.
fn plain(text: &str) -> String {
    escaped(text, |c| c != ' ' && (c.is_whitespace() || is_invisible(c)))
}

fn escaped(text: &str, hidden: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}
