//! Back ends, and what is watched about them.

use std::time::Duration;

use super::{Origin, Parameter, Variable};

/// A named back end.
#[derive(Debug, Clone, PartialEq)]
pub struct Upstream {
    /// Where it is. Empty: given at start by `--upstream`.
    pub targets: Vec<UpstreamTarget>,
    /// Which of several targets gets a request.
    pub balance: Balance,
    /// Checks of the targets.
    pub health: Option<Health>,
    /// When a target that fails requests is left alone for a while.
    pub outlier: Option<Outlier>,
    /// How much may be under way at once.
    pub breaker: Option<Breaker>,
    /// Whether it is spoken to by HTTP/2.
    pub http2: bool,
    /// How TLS is set up, where it differs from the usual.
    pub tls: Option<UpstreamTls>,
    /// Where it was written.
    pub origin: Origin,
}

impl Upstream {
    /// A back end at one address (none, if it is empty), with nothing watched.
    pub fn plain(url: impl Into<String>, origin: Origin) -> Upstream {
        let url = url.into();
        let targets = match url.as_str() {
            "" => Vec::new(),
            _ => vec![UpstreamTarget { url, weight: 1 }],
        };
        Upstream {
            targets,
            balance: Balance::RoundRobin,
            health: None,
            outlier: None,
            breaker: None,
            http2: false,
            tls: None,
            origin,
        }
    }
}

/// One address of a back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamTarget {
    /// `http` or `https` address with an optional path; may name stage variables.
    pub url: String,
    /// Its share of the requests, 1 to 1000.
    pub weight: u32,
}

/// Which of several targets gets a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Balance {
    /// Each in turn.
    RoundRobin,
    /// The one with the fewest requests under way.
    LeastRequest,
    /// Any, by chance.
    Random,
    /// The same for one value of this part of a request.
    Hash {
        /// The part.
        part: Parameter,
        /// Where it was written.
        origin: Origin,
    },
}

/// Checks of a back end's targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Path and query that are asked for.
    pub path: String,
    /// Time between two checks of a target.
    pub interval: Duration,
    /// Failed checks in a row until a target is out.
    pub unhealthy_after: u32,
    /// Good checks in a row until it is in again.
    pub healthy_after: u32,
}

/// When a target that fails requests is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlier {
    /// Failures in a row.
    pub consecutive: u32,
    /// For how long.
    pub eject: Duration,
}

/// How much may be under way to a back end at once; `None`: no bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    /// Connections.
    pub connections: Option<u32>,
    /// Requests that wait for a connection.
    pub pending: Option<u32>,
    /// Requests.
    pub requests: Option<u32>,
}

/// How TLS with a back end is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamTls {
    /// Where the certificates of trusted authorities are.
    pub ca: Option<Variable>,
    /// Where the gateway's own certificate and key are.
    pub identity: Option<(Variable, Variable)>,
    /// The name that certificates are checked for.
    pub server_name: Option<String>,
}
