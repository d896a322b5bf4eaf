//! What `x-gateway` says at the root of a document, and about security schemes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use gateway_runtime::def::ResponseType;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::operation::{Cors, Operation, Throttle};
use super::upstream::Upstream;
use super::values::{
    CrateName, HeaderName, OrOff, ParameterName, Size, StageName, Time, UpstreamName, VariableName,
};

/// The gateway as a whole: `x-gateway` at the root of the document.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Gateway {
    /// Name of the crate and the binary. Default: made from `info.title`.
    pub name: Option<CrateName>,
    /// Which family of error answers. Default: `problem`; `aws` where the document uses `x-amazon-apigateway-*`.
    pub errors: Option<Errors>,
    /// Whose routing and error rules hold where Amazon's kinds of API differ. Inferred where the document uses
    /// `x-amazon-apigateway-*`.
    pub kind: Option<Kind>,
    /// How the gateway is reached.
    pub endpoint: Option<Endpoint>,
    /// What holds for every operation that does not say otherwise.
    pub defaults: Option<Operation>,
    /// Texts that are known where the gateway is deployed: `${param.NAME}`. The binary asks for those without a default when it
    /// starts.
    pub parameters: Option<BTreeMap<ParameterName, Parameter>>,
    /// Named back ends.
    pub upstreams: Option<BTreeMap<UpstreamName, Upstream>>,
    /// Stages. Default: one, named `default`, at `/`.
    pub stages: Option<BTreeMap<StageName, Stage>>,
    /// Cross-origin rules of the whole gateway; operations may differ.
    pub cors: Option<OrOff<Cors>>,
    /// Customised gateway responses, by type.
    pub responses: Option<BTreeMap<ResponseName, OrOff<Response>>>,
    /// What a client may ask.
    pub limits: Option<Limits>,
}

/// A text that is known where the gateway is deployed. No secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Parameter {
    /// What it is for; `--help` of the binary shows it.
    pub description: Option<String>,
    /// Its value where none is given. Default: one must be given.
    pub default: Option<String>,
}

/// Which family of error answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Errors {
    /// RFC 9457 problem details, with own 404 and 405.
    Problem,
    /// Amazon API Gateway's statuses, texts and headers.
    Aws,
}

/// Whose routing and error rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// An Amazon REST API's.
    Rest,
    /// An Amazon HTTP API's.
    Http,
}

/// How the gateway is reached.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Endpoint {
    /// Where it listens. Default: `regional`.
    #[serde(rename = "type")]
    pub kind: Option<EndpointKind>,
    /// Networks (CIDR) or addresses whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_proxies: Option<Vec<String>>,
}

/// Where a gateway listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EndpointKind {
    /// Where it is told.
    Regional,
}

/// A stage: a copy of the API with its own mount, variables and limits.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Stage {
    /// What it is for.
    pub description: Option<String>,
    /// Where it is mounted. Default: `/NAME`. `--stage NAME` serves the stage alone, at `/`.
    pub mount: Option<Mount>,
    /// Stage variables: `${stageVariables.NAME}`.
    pub variables: Option<BTreeMap<VariableName, Variable>>,
    /// One bucket for the whole stage.
    pub throttle: Option<OrOff<Throttle>>,
    /// Kept answers.
    pub cache: Option<OrOff<StageCache>>,
    /// A share of requests that sees other variables.
    pub canary: Option<OrOff<Canary>>,
    /// What differs for operations on this stage. Selectors, most specific first: an operationId, `GET /books/{id}`,
    /// `GET /books/*` (`*` one segment, `**` any number), `tag:books`, `*`.
    pub operations: Option<BTreeMap<String, Operation>>,
    /// Access log. Default: JSON lines on standard output.
    pub access_log: Option<OrOff<AccessLog>>,
}

/// Where a stage is mounted.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Mount {
    /// Host it answers to. Default: any.
    pub host: Option<String>,
    /// Path before the API's own.
    pub path: Option<String>,
}

/// The value of a stage variable. One from the environment or a file is secret: never logged, never dumped.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Variable {
    /// Written here.
    Literal(String),
    /// Read at start.
    Secret(Secret),
}

/// A value that is read when the gateway starts: one of `env` and `file`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Secret {
    /// Name of an environment variable.
    pub env: Option<String>,
    /// Path of a file; one line break at its end is dropped.
    pub file: Option<String>,
}

/// Where a stage keeps answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StageCache {
    /// `true` keeps the answers of every GET operation that does not say otherwise; `false` keeps nothing on this stage,
    /// whatever operations say. Default: the operations that say `cache`.
    pub enabled: Option<bool>,
    /// Memory for keys, headers and bodies. Default: `64MiB`.
    pub size: Option<Size>,
    /// How long an answer is used where the operation does not say. Default: `300s`.
    pub ttl: Option<Time>,
    /// Where answers are kept. Default: `memory`.
    pub store: Option<StoreKind>,
}

/// Where answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum StoreKind {
    /// In the gateway's own memory.
    Memory,
}

/// A share of requests that sees other variables.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Canary {
    /// Share of requests, 0 to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub percent: Option<f64>,
    /// Variables that differ.
    pub variables: Option<BTreeMap<VariableName, Variable>>,
    /// Whether these requests use the stage's cache. Default: `false`.
    pub shared_cache: Option<bool>,
}

/// Access log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct AccessLog {
    /// `stdout`, `stderr`, or the path of a file that lines are appended to. Default: `stdout`.
    pub to: Option<String>,
    /// One line: an expression over `${context.NAME}`. Default: JSON.
    pub format: Option<String>,
}

/// The name of a gateway response.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct ResponseName(pub String);

impl JsonSchema for ResponseName {
    fn schema_name() -> Cow<'static, str> {
        "ResponseName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = ResponseType::ALL.iter().map(|kind| kind.name()).collect();
        json_schema!({ "description": "A type of gateway response.", "type": "string", "enum": names })
    }
}

/// A customised gateway response.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Response {
    /// Status. Default: the refusal's own.
    #[schemars(range(min = 200, max = 599))]
    pub status: Option<u16>,
    /// Header → expression over `context`, `stageVariables`, `header`, `path` and `query`.
    pub headers: Option<BTreeMap<HeaderName, OrOff<String>>>,
    /// Media type → body, an expression over the same. Default: the dialect's own body.
    pub templates: Option<BTreeMap<String, OrOff<String>>>,
}

/// What a client may ask.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Limits {
    /// Largest request body; beyond it 413. Default: `10MiB`.
    pub body: Option<Size>,
    /// Largest header section; beyond it 431. Default: `16KiB`.
    pub headers: Option<Size>,
    /// Most header fields; beyond it 431. Default: 100.
    #[schemars(range(min = 1, max = 10_000))]
    pub header_count: Option<u32>,
    /// Longest request target; beyond it 414. Default: `8KiB`.
    pub uri: Option<Size>,
    /// Requests after which a connection is closed. Default: 10000.
    #[schemars(range(min = 1))]
    pub requests_per_connection: Option<u32>,
    /// Time to the end of a header section. Default: `10s`.
    pub header_timeout: Option<Time>,
    /// Longest pause inside a request body; beyond it 408. Default: `10s`.
    pub body_timeout: Option<Time>,
    /// Idle time of a kept-alive connection. Default: `60s`.
    pub idle_timeout: Option<Time>,
    /// Connections open at once. Default: 20000.
    #[schemars(range(min = 1))]
    pub connections: Option<u32>,
    /// Limits of HTTP/2 connections.
    pub http2: Option<Http2Limits>,
    /// What becomes of odd paths.
    pub paths: Option<PathLimits>,
}

/// Limits of one HTTP/2 connection.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Http2Limits {
    /// Streams open at once. Default: 100.
    #[schemars(range(min = 1))]
    pub streams: Option<u32>,
    /// Flow-control window of a stream. Default: `64KiB`.
    pub stream_window: Option<Size>,
    /// Flow-control window of the connection. Default: `1MiB`.
    pub connection_window: Option<Size>,
    /// Largest header list. Default: `16KiB`.
    pub header_list: Option<Size>,
    /// Streams a client may reset before they were answered, until the connection is closed. Default: 20.
    #[schemars(range(min = 1))]
    pub resets: Option<u32>,
}

/// What becomes of odd paths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PathLimits {
    /// An encoded slash (`%2F`). Default: `refuse`; `keep` where the document uses `x-amazon-apigateway-*`.
    pub encoded_slash: Option<EncodedSlash>,
}

/// What becomes of an encoded slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum EncodedSlash {
    /// 400: what one side takes for one segment the other may take for two.
    Refuse,
    /// Kept as it came, never split.
    Keep,
}

/// How a credential is looked at: `x-gateway` of a security scheme.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SecurityScheme {
    /// Whether the gateway answers 401 when the credential is absent. The credential itself is judged by the back end.
    /// Default: `false`.
    pub require: Option<bool>,
}
