//! Kept answers that are probably not meant.

use gateway_runtime::def::ApiKind;
use gateway_runtime::expr::{Expr, Scope, Source, Variable};
use gateway_runtime::path::Pattern;

use crate::findings::{Findings, Severity, brief};
use crate::model::{
    Access, Cache, CacheKey, Caching, Gateway, Integration, Operation, ParameterPlace,
};

/// Warns of caches on methods that change something, and of answers that callers share although they have credentials; refuses
/// answers that would be kept with something of their first caller in them.
pub(super) fn run(gateway: &Gateway, found: &mut Findings) {
    for operation in gateway.operations.values() {
        let overrides = gateway
            .stages
            .values()
            .filter_map(|stage| stage.overrides.get(&operation.id));
        for policy in std::iter::once(&operation.policy).chain(overrides) {
            if let Caching::For(cache) = &policy.cache {
                look_at(operation, cache, found);
                look_into(operation, &policy.integration, cache, gateway.kind, found);
            }
        }
    }
}

fn look_at(operation: &Operation, cache: &Cache, found: &mut Findings) {
    if !matches!(operation.method.as_str(), "GET" | "HEAD" | "ANY") {
        found.warning(
            "cache-method",
            cache.origin.0.clone(),
            format!(
                "answers to {} of `{}` are kept, and the body of a request is no part of the key",
                operation.method,
                brief(&operation.id)
            ),
            "keep answers of GET operations",
        );
    }
    if cache.shared && operation.access != Access::Public {
        found.warning(
            "cache-shared",
            cache.origin.0.clone(),
            format!(
                "callers of `{}` have credentials and share answers: what one may see, all see",
                brief(&operation.id)
            ),
            "drop `shared: true` unless the answer is the same for everybody",
        );
    }
}

/// Looks for values in kept answers that the key does not tell apart: whoever comes second would get those of the first.
fn look_into(
    operation: &Operation,
    integration: &Integration,
    cache: &Cache,
    kind: ApiKind,
    found: &mut Findings,
) {
    // Amazon keeps such answers, and its documents mean what they mean there.
    let severity = match kind {
        ApiKind::Plain => Severity::Error,
        ApiKind::Rest | ApiKind::Http => Severity::Warning,
    };
    for (name, value) in written(integration, cache) {
        let Ok(value) = Expr::parse(value, Scope::Response) else {
            continue;
        };
        let Some(source) = value
            .sources()
            .find(|source| !told_apart(source, operation, cache))
        else {
            continue;
        };
        let help = match source {
            Source::Path(_) | Source::Query(_) | Source::Header(_) => format!(
                "add `{source}` to the key, or set the field under `response`, which kept answers get anew"
            ),
            _ => "set the field under `response`, which kept answers get anew".to_owned(),
        };
        found.push(
            severity,
            "cache-key-incomplete",
            cache.origin.0.clone(),
            format!(
                "kept answers of `{}` would hold the first caller's `${{{source}}}` in `{}`",
                brief(&operation.id),
                brief(name)
            ),
            help,
        );
    }
}

/// The fields of answers that are kept, with their expressions.
fn written<'i>(integration: &'i Integration, cache: &Cache) -> Vec<(&'i str, &'i str)> {
    let kept = |status: &u16| cache.statuses.contains(status);
    let fields = |headers: &'i [(String, String)]| {
        headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    };
    match integration {
        Integration::Proxy { .. } => Vec::new(),
        Integration::Http(http) => http
            .responses
            .iter()
            .filter(|mapping| kept(&mapping.status))
            .flat_map(|mapping| fields(&mapping.headers))
            .collect(),
        Integration::Mock {
            status, headers, ..
        } if kept(status) => fields(headers).collect(),
        Integration::Redirect { status, location } if kept(status) => {
            vec![("location", location.as_str())]
        }
        Integration::Mock { .. } | Integration::Redirect { .. } => Vec::new(),
    }
}

/// Whether two requests that differ in a value have different keys, or the value is the answer's own rather than the caller's:
/// when it was made, and for which request, stays true of a kept answer.
fn told_apart(source: &Source, operation: &Operation, cache: &Cache) -> bool {
    let in_key = |part: CacheKey| cache.key.contains(&part);
    let declared = |place, name: &str| {
        let mut parameters = operation.parameters.iter();
        parameters.any(|parameter| parameter.place == place && parameter.name == name)
    };
    match source {
        Source::Path(name) => in_key(CacheKey::Path(name.clone())),
        // A request with a query parameter that is not declared goes past the cache.
        Source::Query(name) => {
            in_key(CacheKey::Query(name.clone()))
                || in_key(CacheKey::AnyQuery)
                || !declared(ParameterPlace::Query, name)
        }
        Source::Header(name) => {
            in_key(CacheKey::Header(name.clone()))
                || !cache.shared && operation.access.reads(ParameterPlace::Header, name)
        }
        Source::Context(variable) => match variable {
            Variable::Path => Pattern::parse(&operation.path).is_ok_and(|pattern| {
                pattern
                    .params()
                    .all(|name| in_key(CacheKey::Path(name.to_owned())))
            }),
            Variable::UserAgent => in_key(CacheKey::Header("user-agent".to_owned())),
            Variable::SourceIp | Variable::Protocol => false,
            _ => true,
        },
        Source::ResponseHeader(_) | Source::StageVariable(_) | Source::Parameter(_) => true,
    }
}
