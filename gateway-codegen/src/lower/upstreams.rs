//! Back ends that a document names: their targets, and what is watched about them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gateway_runtime::expr::{Expr, Piece, Scope};

use super::native;
use super::reader::{Reader, VariableUse};
use super::tree::At;
use crate::check::addresses;
use crate::findings::brief;
use crate::model::{
    Balance, Breaker, Health, Outlier, Parameter, ParameterPlace, Upstream, UpstreamTarget,
    UpstreamTls, Variable,
};

/// Most targets of one back end.
const MOST_TARGETS: usize = 64;
/// Largest weight.
const LARGEST_WEIGHT: u32 = 1000;
/// Time between two checks: long enough to cost nothing, short enough that three of them are soon over.
const INTERVAL: Duration = Duration::from_secs(5);
/// Failed checks until a target is out: one may be lost, two may be chance.
const UNHEALTHY_AFTER: u32 = 3;
/// Good checks until it is in again.
const HEALTHY_AFTER: u32 = 2;
/// Failures in a row until a target is left alone.
const CONSECUTIVE: u32 = 5;
/// How long it is left alone: about what a restart takes.
const EJECT: Duration = Duration::from_secs(30);
/// What spans of this module are within.
const SPANS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(3600);

/// Back ends by name, and the stage variables in their addresses.
pub(crate) fn read(
    written: &native::Gateway,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, (Upstream, Vec<VariableUse>)> {
    let at = at.member("upstreams");
    let mut upstreams = BTreeMap::new();
    for (name, upstream) in written.upstreams.iter().flatten() {
        let at = at.member(&name.0);
        reader.take_uses();
        let upstream = Upstream {
            targets: targets(upstream, at, reader),
            balance: balance(upstream.balance.as_ref(), at.member("balance"), reader),
            health: upstream
                .health
                .as_ref()
                .and_then(|health| self::health(health, at.member("health"), reader)),
            outlier: upstream
                .outlier
                .as_ref()
                .map(|outlier| self::outlier(outlier, at.member("outlier"), reader)),
            breaker: upstream
                .breaker
                .as_ref()
                .and_then(|breaker| self::breaker(breaker, at.member("breaker"), reader)),
            http2: upstream.http2.unwrap_or(false),
            tls: upstream
                .tls
                .as_ref()
                .map(|tls| self::tls(tls, at.member("tls"), reader)),
            origin: at.place().into(),
        };
        warn_of_what_does_nothing(&upstream, at, reader);
        if let (Some(_), [only]) = (&upstream.outlier, upstream.targets.as_slice()) {
            reader.found.warning(
                "outlier-alone",
                at.member("outlier").key_place(),
                format!(
                    "`{}` is the only target, so it is never left alone",
                    brief(&only.url)
                ),
                "add targets, or take `outlier` out",
            );
        }
        upstreams.insert(name.0.clone(), (upstream, reader.take_uses()));
    }
    upstreams
}

fn warn_of_what_does_nothing(upstream: &Upstream, at: At<'_>, reader: &mut Reader<'_>) {
    let clear = |target: &UpstreamTarget| target.url.starts_with("http://");
    if upstream.tls.is_some() && !upstream.targets.is_empty() && upstream.targets.iter().all(clear)
    {
        reader.found.warning(
            "upstream-tls-clear",
            at.member("tls").key_place(),
            "every target is called in the clear, so nothing of `tls` is used",
            "write `https://`, or take it out",
        );
    }
    let bounds = upstream.breaker.as_ref();
    if upstream.http2 && bounds.is_some_and(|it| it.connections.is_some() || it.pending.is_some()) {
        reader.found.error(
            "breaker-http2",
            at.member("breaker").key_place(),
            "requests by HTTP/2 share one connection for each worker and target, and wait for none",
            "bound `maxRequests` instead",
        );
    }
}

/// The addresses of a back end. None is a fault: `--upstream` is for documents that name no server.
fn targets(written: &native::Upstream, at: At<'_>, reader: &mut Reader<'_>) -> Vec<UpstreamTarget> {
    let list = match (&written.url, written.targets.as_deref()) {
        (Some(url), None) => {
            let url = address(url, at.member("url"), reader);
            return url
                .map(|url| UpstreamTarget { url, weight: 1 })
                .into_iter()
                .collect();
        }
        (None, Some(list @ [_, ..])) => list,
        (both, list) => {
            let message = match (both, list) {
                (Some(_), _) => "an upstream has `url` or `targets`, not both",
                (None, Some(_)) => "an upstream wants a target",
                (None, None) => "an upstream wants a `url`, or `targets`",
            };
            reader.found.error(
                "upstream-address",
                at.place(),
                message,
                "as in `{ url: \"http://10.0.0.7:8080\" }`",
            );
            return Vec::new();
        }
    };
    let at = at.member("targets");
    if list.len() > MOST_TARGETS {
        reader.found.error(
            "x-gateway-range",
            at.place(),
            format!(
                "an upstream has at most {MOST_TARGETS} targets, not {}",
                list.len()
            ),
            "give them one name in the DNS",
        );
    }
    let mut targets: Vec<UpstreamTarget> = Vec::new();
    let mut paths: BTreeSet<String> = BTreeSet::new();
    for (index, target) in list.iter().enumerate() {
        let at = at.item(index);
        let (url, url_at, weight) = match target {
            native::UpstreamTarget::Url(url) => (url, at, 1),
            native::UpstreamTarget::Target(target) => {
                let weight = weight(target.weight, at.member("weight"), reader);
                (&target.url, at.member("url"), weight)
            }
        };
        let Some(url) = address(url, url_at, reader) else {
            continue;
        };
        if targets.iter().any(|other| other.url == url) {
            reader.found.warning(
                "upstream-target-twice",
                url_at.place(),
                format!("`{}` is a target already", brief(&url)),
                "for a larger share give it a `weight`",
            );
        }
        if let Some(path) = path_of(&url)
            && paths.insert(path.to_owned())
            && paths.len() == 2
        {
            reader.found.error(
                "upstream-paths",
                url_at.place(),
                "the targets of an upstream have different paths",
                "a request goes to any of them: give them one path, or make them two upstreams",
            );
        }
        targets.push(UpstreamTarget { url, weight });
    }
    targets
}

fn weight(written: Option<u32>, at: At<'_>, reader: &mut Reader<'_>) -> u32 {
    match written {
        None => 1,
        Some(0) => {
            reader.found.error(
                "upstream-weight",
                at.place(),
                "a target with a weight of 0 gets no request",
                "use 1 or more, or take the target out",
            );
            1
        }
        Some(weight) if weight > LARGEST_WEIGHT => {
            reader.found.error(
                "upstream-weight",
                at.place(),
                format!("a weight is from 1 to {LARGEST_WEIGHT}, not {weight}"),
                "",
            );
            1
        }
        Some(weight) => weight,
    }
}

/// The path of an address, where its text shows where that begins.
fn path_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    Some(
        rest.find('/')
            .map_or("", |at| rest.get(at..).unwrap_or_default()),
    )
}

/// The address of a target: no query, and no slash at its end, since a path follows it.
fn address(url: &str, at: At<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let url = url.trim_end_matches('/');
    let expr = reader.expr(at, url, Scope::Start, None)?;
    let fault = addresses::fault_of(&expr).or_else(|| query_fault(&expr));
    match fault {
        None => Some(url.to_owned()),
        Some(fault) => {
            reader
                .found
                .error(fault.code, at.place(), fault.message, fault.help);
            None
        }
    }
}

fn query_fault(expr: &Expr) -> Option<addresses::Fault> {
    let text = |piece: &Piece| match piece {
        Piece::Text(text) => text.contains('?'),
        Piece::Value(_) => false,
    };
    expr.pieces().iter().any(text).then(|| addresses::Fault {
        code: "address",
        message: "the address of an upstream has no query (`?`): a path follows it".to_owned(),
        help: "write the query in the integration's `path`",
    })
}

fn balance(written: Option<&native::Balance>, at: At<'_>, reader: &mut Reader<'_>) -> Balance {
    let by = match written {
        None | Some(native::Balance::Way(native::BalanceWay::RoundRobin)) => {
            return Balance::RoundRobin;
        }
        Some(native::Balance::Way(native::BalanceWay::LeastRequest)) => {
            return Balance::LeastRequest;
        }
        Some(native::Balance::Way(native::BalanceWay::Random)) => return Balance::Random,
        Some(native::Balance::By(by)) => by,
    };
    let hash = by.hash.clone().unwrap_or_default();
    let parts = [
        (
            ParameterPlace::Header,
            hash.header.map(|name| name.0.to_ascii_lowercase()),
        ),
        (ParameterPlace::Query, hash.query),
        (ParameterPlace::Path, hash.path),
        (ParameterPlace::Cookie, hash.cookie),
    ];
    let mut parts = parts
        .into_iter()
        .filter_map(|(place, name)| name.map(|name| Parameter::bare(place, name)));
    match (parts.next(), parts.next()) {
        (Some(part), None) if !part.name.is_empty() => Balance::Hash {
            part,
            origin: at.member("hash").place().into(),
        },
        _ => {
            reader.found.error(
                "balance-hash",
                at.place(),
                "`hash` wants one part of the request",
                "one of `{ header: NAME }`, `{ query: NAME }`, `{ path: NAME }`, `{ cookie: NAME }`",
            );
            Balance::RoundRobin
        }
    }
}

fn health(written: &native::Health, at: At<'_>, reader: &mut Reader<'_>) -> Option<Health> {
    let Some(path) = &written.path else {
        reader.found.error(
            "x-gateway-missing",
            at.place(),
            "a check wants a `path`",
            "as in `{ path: /healthz }`",
        );
        return None;
    };
    let fault = addresses::path_fault(path).map(|fault| fault.message);
    let fault = match path.starts_with('/') {
        true => fault,
        false => Some("the path of a check begins with `/`".to_owned()),
    };
    if let Some(message) = fault {
        reader.found.error(
            "health-path",
            at.member("path").place(),
            message,
            "it follows the path of each target, as in `/healthz`",
        );
    }
    Some(Health {
        path: path.clone(),
        interval: span(written.interval, at.member("interval"), INTERVAL, reader),
        unhealthy_after: written.unhealthy_after.unwrap_or(UNHEALTHY_AFTER),
        healthy_after: written.healthy_after.unwrap_or(HEALTHY_AFTER),
    })
}

fn outlier(written: &native::Outlier, at: At<'_>, reader: &mut Reader<'_>) -> Outlier {
    Outlier {
        consecutive: written.consecutive_5xx.unwrap_or(CONSECUTIVE),
        eject: span(written.eject, at.member("eject"), EJECT, reader),
    }
}

fn breaker(written: &native::Breaker, at: At<'_>, reader: &mut Reader<'_>) -> Option<Breaker> {
    let native::Breaker {
        max_connections: connections,
        max_pending: pending,
        max_requests: requests,
    } = *written;
    if (connections, pending, requests) == (None, None, None) {
        reader.found.error(
            "x-gateway-missing",
            at.place(),
            "a breaker wants a bound",
            "`maxConnections`, `maxPending` or `maxRequests`",
        );
        return None;
    }
    if let (None, Some(_)) = (connections, pending) {
        reader.found.warning(
            "breaker-pending",
            at.member("maxPending").key_place(),
            "without `maxConnections` no request waits for a connection",
            "add it, or bound `maxRequests`",
        );
    }
    Some(Breaker {
        connections,
        pending,
        requests,
    })
}

fn tls(written: &native::UpstreamTls, at: At<'_>, reader: &mut Reader<'_>) -> UpstreamTls {
    let mut source = |written: &Option<native::Secret>, name: &str| {
        let secret = written.as_ref()?;
        let from = match (&secret.env, &secret.file) {
            (Some(env), None) if !env.is_empty() => Some(Variable::Env(env.clone())),
            (None, Some(file)) if !file.is_empty() => Some(Variable::File(file.clone())),
            _ => None,
        };
        if from.is_none() {
            reader.found.error(
                "upstream-tls",
                at.member(name).place(),
                "certificates and keys are `{ file: PATH }` or `{ env: NAME }`",
                "",
            );
        }
        from
    };
    let ca = source(&written.ca, "ca");
    let certificate = source(&written.client_cert, "clientCert");
    let key = source(&written.client_key, "clientKey");
    if written.client_cert.is_some() != written.client_key.is_some() {
        reader.found.error(
            "upstream-tls",
            at.place(),
            "`clientCert` and `clientKey` belong together",
            "write both, or neither",
        );
    }
    let host = |name: &str| addresses::authority_fault(name).is_none() && !name.contains(':');
    if let Some(name) = written.server_name.as_ref().filter(|name| !host(name)) {
        reader.found.error(
            "upstream-tls",
            at.member("serverName").place(),
            format!("`{}` is no host", brief(name)),
            "a name without a port, as it stands in the certificate",
        );
    }
    UpstreamTls {
        ca,
        identity: certificate.zip(key),
        server_name: written.server_name.clone(),
    }
}

fn span(
    written: Option<native::Time>,
    at: At<'_>,
    default: Duration,
    reader: &mut Reader<'_>,
) -> Duration {
    let Some(native::Time(time)) = written else {
        return default;
    };
    if !SPANS.contains(&time) {
        reader.found.error(
            "x-gateway-range",
            at.place(),
            "this time is from 100ms to 1h",
            "",
        );
    }
    time
}
