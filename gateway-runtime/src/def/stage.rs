//! Stages: where the API is mounted, and what differs there.

use std::time::Duration;

use super::{OperationDef, PolicyDef, ThrottleDef};

/// One stage.
#[derive(Debug, PartialEq)]
pub struct StageDef {
    /// Its name.
    pub name: &'static str,
    /// Where it is mounted when every stage is served.
    pub mount: MountDef,
    /// Stage variables, sorted by name.
    pub variables: &'static [VariableDef],
    /// One bucket for all requests of the stage.
    pub throttle: Option<ThrottleDef>,
    /// Where answers are kept. `None`: nothing is cached on this stage.
    pub cache: Option<StageCacheDef>,
    /// A share of requests that sees other variables.
    pub canary: Option<CanaryDef>,
    /// Where the access log goes and how a line looks. `None`: no access log.
    pub access_log: Option<AccessLogDef>,
    /// Operations whose policy differs on this stage, sorted by the operation's id; all others have their own policy.
    pub overrides: &'static [OverrideDef],
}

impl StageDef {
    /// Every optional feature off; mounted at `/`.
    pub const DEFAULT: StageDef = StageDef {
        name: "default",
        mount: MountDef {
            host: None,
            path: "/",
        },
        variables: &[],
        throttle: None,
        cache: None,
        canary: None,
        access_log: None,
        overrides: &[],
    };
}

/// Where a stage is mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountDef {
    /// Host it answers to, lower case, without port; `None`: any.
    pub host: Option<&'static str>,
    /// Path before the API's own, `/` or `/name` without a slash at its end.
    pub path: &'static str,
}

/// A stage variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VariableDef {
    /// Its name.
    pub name: &'static str,
    /// Where its value comes from.
    pub value: VariableValue,
}

/// `variable("color", VariableValue::Literal("blue"))` in emitted tables.
pub const fn variable(name: &'static str, value: VariableValue) -> VariableDef {
    VariableDef { name, value }
}

/// Where the value of a stage variable comes from. All but literals are secret: never logged, never dumped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableValue {
    /// Written in the document.
    Literal(&'static str),
    /// Read from this environment variable when the gateway starts.
    Env(&'static str),
    /// Read from this file when the gateway starts; one line break at its end is dropped.
    File(&'static str),
}

/// Where answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StageCacheDef {
    /// Bytes of memory, keys and headers included.
    pub size: u64,
}

/// A share of requests that sees other variables.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CanaryDef {
    /// Share of requests, 0 to 100.
    pub percent: f64,
    /// Variables that differ for these requests, sorted by name.
    pub variables: &'static [VariableDef],
    /// Whether these requests use the stage's cache; if not they go past it.
    pub shared_cache: bool,
}

/// Where the access log goes and how a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessLogDef {
    /// Its destination.
    pub to: LogTarget,
    /// One line, an expression over `${context.…}`.
    pub format: &'static str,
}

impl AccessLogDef {
    /// One line where nobody says otherwise: what one asks first when a request went wrong.
    pub const FORMAT: &'static str = concat!(
        r#"{"time":"${context.requestTime}","requestId":"${context.requestId}","#,
        r#""sourceIp":"${context.identity.sourceIp}","method":"${context.httpMethod}","path":"${context.path}","#,
        r#""status":${context.status},"responseLength":${context.responseLength},"#,
        r#""latency":${context.responseLatency},"error":"${context.error.reason}"}"#,
    );
}

/// Where log lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Appended to this file.
    File(&'static str),
}

/// An operation whose policy differs on a stage.
#[derive(Debug, PartialEq)]
pub struct OverrideDef {
    /// The operation.
    pub operation: &'static OperationDef,
    /// Its whole policy there.
    pub policy: &'static PolicyDef,
}

/// `millis(29_000)` in emitted tables.
pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// `seconds(60)` in emitted tables.
pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}
