//! Back ends, and what is watched about them.

use std::time::Duration;

use super::{ParameterDef, VariableValue};

/// A named back end.
#[derive(Debug, PartialEq, Eq)]
pub struct UpstreamDef {
    /// Its name; `default` is the document's own server.
    pub name: &'static str,
    /// Where it is: addresses that mean the same. Empty: the document names no server, and the gateway wants `--upstream URL`.
    pub targets: &'static [UpstreamTargetDef],
    /// Which of several targets gets a request.
    pub balance: BalanceDef,
    /// Checks of the targets.
    pub health: Option<HealthDef>,
    /// When a target that fails requests is left alone for a while.
    pub outlier: Option<OutlierDef>,
    /// How much may be under way at once, over all targets and workers.
    pub breaker: Option<BreakerDef>,
    /// Whether it is spoken to by HTTP/2: as agreed inside TLS, by prior knowledge in the clear.
    pub http2: bool,
    /// How TLS is set up, where it differs from the usual.
    pub tls: Option<UpstreamTlsDef>,
}

impl UpstreamDef {
    /// Every optional feature off, and no target.
    pub const DEFAULT: UpstreamDef = UpstreamDef {
        name: "",
        targets: &[],
        balance: BalanceDef::RoundRobin,
        health: None,
        outlier: None,
        breaker: None,
        http2: false,
        tls: None,
    };
}

/// One address of a back end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpstreamTargetDef {
    /// `http` or `https`, host, port, and a path that is put before every request's and is the same for all targets of one
    /// back end. May name stage variables.
    pub url: &'static str,
    /// Its share of the requests, beside those of the other targets. At least 1.
    pub weight: u32,
}

/// `target("http://10.0.0.7:8080", 1)` in emitted tables.
pub const fn target(url: &'static str, weight: u32) -> UpstreamTargetDef {
    UpstreamTargetDef { url, weight }
}

/// Which of several targets gets a request. Shares are by weight, whatever the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BalanceDef {
    /// Each in turn.
    RoundRobin,
    /// The one with the fewest requests under way.
    LeastRequest,
    /// Any, by chance.
    Random,
    /// Always the same for one value of this part of a request; without a value, any, by chance.
    Hash(ParameterDef),
}

/// Checks of a back end's targets: one request at a time to each, whatever its clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthDef {
    /// Path and query that are asked for, behind the target's path. Statuses from 200 to 399 are well.
    pub path: &'static str,
    /// Time between two checks of a target; also the longest that one may take.
    pub interval: Duration,
    /// Failed checks in a row after which a target gets no more requests.
    pub unhealthy_after: u32,
    /// Good checks in a row after which it gets them again.
    pub healthy_after: u32,
}

/// When a target that fails requests is left alone for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutlierDef {
    /// Failures in a row, answers with 500 and above among them.
    pub consecutive: u32,
    /// For how long.
    pub eject: Duration,
}

/// How much may be under way to a back end at once. What is beyond is refused with 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerDef {
    /// Connections, idle ones among them.
    pub connections: Option<u32>,
    /// Requests that wait for one of the connections.
    pub pending: Option<u32>,
    /// Requests, from their beginning to the end of their answers.
    pub requests: Option<u32>,
}

/// How TLS with a back end is set up. Everything is read when the gateway starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpstreamTlsDef {
    /// Certificates (PEM) of the authorities that are trusted. `None`: those that are trusted everywhere.
    pub ca: Option<VariableValue>,
    /// The gateway's own certificate with its issuers behind it, and its key, both PEM.
    pub identity: Option<(VariableValue, VariableValue)>,
    /// The name that certificates are checked for, where it is not the target's host.
    pub server_name: Option<&'static str>,
}
