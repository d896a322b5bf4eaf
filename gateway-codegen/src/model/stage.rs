//! Stages.

use std::collections::BTreeMap;

use super::{Origin, Policy, Throttle};

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    /// Where it is mounted when every stage is served.
    pub mount: Mount,
    /// Stage variables by name.
    pub variables: BTreeMap<String, Variable>,
    /// One bucket for the whole stage.
    pub throttle: Option<Throttle>,
    /// Bytes of memory for kept answers; `None`: nothing is cached on this stage, whatever operations say.
    pub cache_size: Option<u64>,
    /// A share of requests that sees other variables.
    pub canary: Option<Canary>,
    /// Access log; `None`: switched off.
    pub access_log: Option<AccessLog>,
    /// Operations, by id, whose policy differs from [`Operation::policy`](super::Operation::policy) on this stage.
    pub overrides: BTreeMap<String, Policy>,
    /// Where it was written.
    pub origin: Origin,
}

/// Where a stage is mounted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mount {
    /// Host it answers to, lower case; `None`: any.
    pub host: Option<String>,
    /// `/` or `/name`, never with a slash at its end.
    pub path: String,
}

/// Where the value of a stage variable comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// Written in the document.
    Literal(String),
    /// From the environment at start; secret.
    Env(String),
    /// From a file at start; secret.
    File(String),
}

/// A share of requests that sees other variables.
#[derive(Debug, Clone, PartialEq)]
pub struct Canary {
    /// 0 to 100.
    pub percent: f64,
    /// Variables that differ.
    pub variables: BTreeMap<String, Variable>,
    /// Whether these requests use the stage's cache.
    pub shared_cache: bool,
}

/// Access log.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessLog {
    /// Destination.
    pub to: LogDestination,
    /// One line, an expression.
    pub format: String,
}

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogDestination {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Appended to a file.
    File(String),
}
