//! What `x-gateway` says about operations: under an operation, a path item, `defaults` and a stage's `operations` alike.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::integration::Integration;
use super::values::{
    KeyPart, MaxAge, OneOrMany, OrOff, Per, RequestField, ResponseField, Share, Size, Time,
};

/// What happens to the requests of an operation. The same members stand under an operation, a path item, `defaults` and
/// `stages.NAME.operations`; the narrower place wins member by member, and `false` removes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Operation {
    /// What answers. Default: the document's first server, as a proxy.
    pub integration: Option<OrOff<Integration>>,
    /// Time to the head of a streamed answer, or to the last byte of a buffered one; beyond it 504. Default: `29s`
    /// (`30s` where `kind` is `http`).
    pub timeout: Option<Time>,
    /// Longest pause between two pieces of a streamed answer. Default: `60s`.
    pub stream_idle: Option<Time>,
    /// Whether and when a request that failed is sent again: those with a safe method alone. Off unless written.
    pub retries: Option<OrOff<Retries>>,
    /// Limits that differ from the gateway's.
    pub limits: Option<OperationLimits>,
    /// Token buckets. All are looked at, then all are taken: a refused request consumes nothing.
    pub throttle: Option<OrOff<OneOrMany<Throttle>>>,
    /// Kept answers. Off unless written here or on the stage.
    pub cache: Option<OrOff<Cache>>,
    /// Cross-origin rules. Default: the document root's.
    pub cors: Option<OrOff<Cors>>,
    /// Whether messages are held to what the document says of them; `false`: none is.
    pub validate: Option<OrOff<Validate>>,
    /// Changes to the request before it is forwarded.
    pub request: Option<OrOff<RequestEdits>>,
    /// Changes to the answer before it is sent.
    pub response: Option<OrOff<ResponseEdits>>,
}

/// Whether and when a request that failed is sent again.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Retries {
    /// Tries in all, the first among them. Default: 2.
    #[schemars(range(min = 2, max = 10))]
    pub attempts: Option<u32>,
    /// Failures after which there is another try. Default: `connect`, `reset`, 502, 503.
    pub on: Option<Vec<RetryOn>>,
    /// Longest time for one try, after which there is another one. Default: all the time that is left.
    pub per_try: Option<Time>,
    /// Share of requests that may be sent again, as in `20%`. Default: `20%`.
    pub budget: Option<Share>,
}

/// A failure after which there is another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RetryOn {
    /// Without an answer.
    Failure(RetryFailure),
    /// A status of an answer.
    Status(FailureStatus),
}

/// A failure without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum RetryFailure {
    /// There was no connection: no such name, refused, or TLS failed.
    Connect,
    /// The connection ended before the head of an answer was complete.
    Reset,
}

/// A status that says that something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct FailureStatus(#[schemars(range(min = 400, max = 599))] pub u16);

/// Limits of one operation.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OperationLimits {
    /// Largest request body; beyond it 413. Default: the gateway's.
    pub body: Option<Size>,
}

/// A token bucket.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Throttle {
    /// Tokens per second.
    pub rate: Option<f64>,
    /// Tokens the bucket holds: the most requests that pass at one instant.
    pub burst: Option<u64>,
    /// Whose bucket it is. Default: the operation's as a whole.
    pub per: Option<Per>,
}

/// Kept answers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Cache {
    /// How long an answer is used: 0 (not at all) to `1h`, in whole seconds. Default: the stage's, else `300s`.
    pub ttl: Option<Time>,
    /// `false` lifts the ceiling of `ttl` from an hour to a year.
    pub max: Option<OrOff<Never>>,
    /// What separates answers, besides stage, host, method and caller. Default: every declared parameter.
    pub key: Option<Vec<KeyPart>>,
    /// Whether callers of an operation with credentials share answers. Default: `false`.
    pub shared: Option<bool>,
    /// Statuses that are kept. Default: 2xx but 206.
    pub statuses: Option<Vec<Status>>,
    /// Whether an upstream's `private` or `no-store` is overridden. Default: `false`.
    pub override_upstream: Option<bool>,
    /// How long an answer is fresh: `ttl` counts from when it was stored.
    pub mode: Option<CacheMode>,
    /// What becomes of a client's `Cache-Control: max-age=0`.
    pub invalidation: Option<CacheInvalidation>,
}

/// A status of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Status(#[schemars(range(min = 200, max = 599))] pub u16);

/// No value: stands where only `false` may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {}

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Never, D::Error> {
        Err(serde::de::Error::custom("only `false` can stand here"))
    }
}

impl JsonSchema for Never {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Never".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "const": false })
    }
}

/// How long a kept answer is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum CacheMode {
    /// For `ttl`, counted from when it was stored, as Amazon's stage cache does.
    Ttl,
}

/// What becomes of a client's `Cache-Control: max-age=0`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CacheInvalidation {
    /// Who may force a fresh answer. Default: `nobody`.
    pub by: Option<InvalidationBy>,
    /// What becomes of the wish when it is not granted. Default: `ignore`.
    pub on_refusal: Option<OnRefusal>,
}

/// Who may force a fresh answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum InvalidationBy {
    /// Nobody.
    Nobody,
    /// Every client.
    Anyone,
}

/// What becomes of a `max-age=0` that is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum OnRefusal {
    /// The request is answered 403.
    Fail,
    /// It is served, with a `Warning` field.
    Warn,
    /// It is served as if the wish had not been sent.
    Ignore,
}

/// Cross-origin rules. Nothing is sent unless this is written.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Cors {
    /// Exact origins, `*`, or `https://*` and `http://*` for every origin of that scheme.
    pub allow_origins: Option<Vec<String>>,
    /// Methods, or `*`.
    pub allow_methods: Option<Vec<String>>,
    /// Names of request headers, or `*`.
    pub allow_headers: Option<Vec<String>>,
    /// Names of headers of the answer that a page may read, or `*`.
    pub expose_headers: Option<Vec<String>>,
    /// Whether a page may send credentials; never together with the origin `*`. Default: `false`.
    pub allow_credentials: Option<bool>,
    /// How long a browser may keep the answer to a preflight. Default: the browser decides.
    pub max_age: Option<MaxAge>,
}

/// Whether messages are held to what the document says of them. In documents with Amazon's members everything is off that no
/// request validator asks for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Validate {
    /// Parameters of requests. Default: `enforce`.
    pub params: Option<Checking>,
    /// Bodies of requests. Default: `enforce`.
    pub body: Option<Checking>,
    /// Answers of back ends. Default: `off`.
    pub response: Option<Checking>,
}

/// What becomes of a message that is not what the document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Checking {
    /// It is not looked at.
    Off,
    /// It passes, is counted, and its line in the access log says so.
    Report,
    /// A request is answered 400 or 415; in place of an answer of the back end there is a 502.
    Enforce,
}

/// Changes to a request: removals first, then what is set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RequestEdits {
    /// Field → expression; it replaces what was there. `false` drops an entry of a wider layer.
    pub set: Option<BTreeMap<RequestField, OrOff<String>>>,
    /// Fields.
    pub remove: Option<Vec<RequestField>>,
}

/// Changes to an answer: removals first, then what is set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ResponseEdits {
    /// Field → expression; it replaces what was there. `false` drops an entry of a wider layer.
    pub set: Option<BTreeMap<ResponseField, OrOff<String>>>,
    /// Fields.
    pub remove: Option<Vec<ResponseField>>,
}
