//! What `x-gateway` says about named back ends.

use schemars::JsonSchema;
use serde::Deserialize;

use super::gateway::Secret;
use super::values::{HeaderName, Time};

/// A named back end: `url`, or `targets`. What is off unless written: `health`, `outlier`, `breaker`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Upstream {
    /// `http` or `https` address with an optional path; may name stage variables.
    pub url: Option<String>,
    /// Addresses that mean the same, at most 64, with one path.
    pub targets: Option<Vec<UpstreamTarget>>,
    /// Which of several targets gets a request. Default: `roundRobin`.
    pub balance: Option<Balance>,
    /// Checks of the targets: one request at a time to each, from the process as a whole.
    pub health: Option<Health>,
    /// When a target that fails requests is left alone for a while.
    pub outlier: Option<Outlier>,
    /// How much may be under way at once, over all targets; beyond it 503.
    pub breaker: Option<Breaker>,
    /// Whether it is spoken to by HTTP/2, and by nothing else: as agreed inside TLS, by prior knowledge in the clear. Default:
    /// `false`.
    pub http2: Option<bool>,
    /// How TLS is set up. Default: certificates are checked against the authorities that are trusted everywhere.
    pub tls: Option<UpstreamTls>,
}

/// A back end's address.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum UpstreamTarget {
    /// An address.
    Url(String),
    /// An address with its options.
    Target(Target),
}

/// An address with its options.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// `http` or `https` address with an optional path; may name stage variables.
    pub url: String,
    /// Its share of the requests beside the other targets, 1 to 1000. Default: 1.
    #[serde(default)]
    pub weight: Option<u32>,
}

/// Which of several targets gets a request.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Balance {
    /// A way that looks at no request.
    Way(BalanceWay),
    /// By a part of the request.
    By(BalanceBy),
}

/// A way to choose a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BalanceWay {
    /// Each in turn, by weight.
    RoundRobin,
    /// The one with the fewest requests under way for its weight.
    LeastRequest,
    /// Any by chance, by weight.
    Random,
}

/// Chooses a target by a part of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct BalanceBy {
    /// The same target for one value; by chance where there is none.
    pub hash: Option<Hash>,
}

/// A part of the request: one of these.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Hash {
    /// A header.
    pub header: Option<HeaderName>,
    /// A query parameter.
    pub query: Option<String>,
    /// A path parameter.
    pub path: Option<String>,
    /// A cookie.
    pub cookie: Option<String>,
}

/// Checks of a back end's targets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Health {
    /// Path and query that are asked for, behind the target's path. A status from 200 to 399 is well.
    pub path: Option<String>,
    /// Time between two checks of a target, from `100ms` to `1h`. A check may take as long, `5s` at most. Default: `5s`.
    pub interval: Option<Time>,
    /// Failed checks in a row until a target gets no more requests. Default: 3.
    #[schemars(range(min = 1, max = 100))]
    pub unhealthy_after: Option<u32>,
    /// Good checks in a row until it gets them again. Default: 2.
    #[schemars(range(min = 1, max = 100))]
    pub healthy_after: Option<u32>,
}

/// When a target that fails requests is left alone for a while.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Outlier {
    /// Failures in a row: no answer, or one with 500 and above. Default: 5.
    #[serde(rename = "consecutive5xx")]
    #[schemars(range(min = 1, max = 1000))]
    pub consecutive_5xx: Option<u32>,
    /// For how long, from `100ms` to `1h`. Default: `30s`.
    pub eject: Option<Time>,
}

/// How much may be under way to a back end at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Breaker {
    /// Connections, idle ones among them. Default: no bound.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: Option<u32>,
    /// Requests that wait for one of those that `maxConnections` allows. Default: 1024.
    #[schemars(range(max = 1_000_000))]
    pub max_pending: Option<u32>,
    /// Requests, to the end of their answers. Default: no bound.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_requests: Option<u32>,
}

/// How TLS with a back end is set up. Files and variables are read when the gateway starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UpstreamTls {
    /// Certificates (PEM) of the authorities that are trusted, and no others.
    pub ca: Option<Secret>,
    /// The gateway's own certificate (PEM), its issuers behind it; with `clientKey`.
    pub client_cert: Option<Secret>,
    /// Its key (PEM).
    pub client_key: Option<Secret>,
    /// The name that certificates are checked for. Default: the target's host.
    pub server_name: Option<String>,
}
