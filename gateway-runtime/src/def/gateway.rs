//! The root table.

use std::time::Duration;

use super::{CorsDef, GatewayResponseDef, RouteDef, SchemaDef, StageDef, UpstreamDef};

/// One gateway: everything the document said.
#[derive(Debug, PartialEq)]
pub struct GatewayDef {
    /// Name of the crate and the binary; also the gateway's name in `Via`, by which it knows its own requests.
    pub name: &'static str,
    /// `info.title` of the document.
    pub title: &'static str,
    /// `info.version` of the document.
    pub version: &'static str,
    /// Which family of statuses, headers and bodies refusals have.
    pub errors: ErrorDialect,
    /// The kind of API whose routing rules hold.
    pub kind: ApiKind,
    /// Networks (CIDR) whose `X-Forwarded-For` is believed. Empty: the socket's peer is the client.
    pub trusted_proxies: &'static [&'static str],
    /// What a client may ask of this gateway.
    pub limits: LimitsDef,
    /// Deployment parameters that something of the document is made of, sorted by name.
    pub parameters: &'static [DeploymentParameterDef],
    /// The back ends that integrations name, sorted by name.
    pub upstreams: &'static [&'static UpstreamDef],
    /// Stages, sorted by name. Never empty.
    pub stages: &'static [&'static StageDef],
    /// Every route, sorted by path and method. The runtime orders them by precedence itself.
    pub routes: &'static [RouteDef],
    /// CORS of answers that belong to no operation (404, 405, refused before routing).
    pub cors: Option<&'static CorsDef>,
    /// Customised gateway responses, sorted by type.
    pub responses: &'static [GatewayResponseDef],
    /// Schemas that operations and other schemas refer to, by their numbers.
    pub schemas: &'static [SchemaDef],
}

/// A text that is known where the gateway is deployed, the same on every stage: `${param.NAME}`. The gateway does not start
/// without it. No secret: it may stand in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeploymentParameterDef {
    /// Its name, as `--param NAME=VALUE` has it.
    pub name: &'static str,
    /// What it is for; may be empty.
    pub description: &'static str,
    /// Its value where none is given; `None`: one must be given.
    pub default: Option<&'static str>,
}

/// Which family of error answers a gateway gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorDialect {
    /// RFC 9457 problem details; own 404 and 405.
    Problem,
    /// Amazon API Gateway's statuses, texts and headers.
    Aws,
}

/// The kind of API, which decides routing and error rules where the dialects of Amazon differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiKind {
    /// A plain OpenAPI document: strict slashes, HEAD answered by GET.
    Plain,
    /// An Amazon REST API: trailing slash ignored, HEAD never derived from GET.
    Rest,
    /// An Amazon HTTP API: strict slashes, `$default` route, HEAD never derived from GET.
    Http,
}

/// What a client may ask. Every number is decided by the generator; the reasons stand in `docs/limits.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsDef {
    /// Largest request body in bytes; beyond it 413.
    pub body: u64,
    /// Largest header section in bytes (names, values and separators); beyond it 431.
    pub headers: u32,
    /// Most header fields; beyond it 431.
    pub header_count: u32,
    /// Longest request target in bytes; beyond it 414.
    pub uri: u32,
    /// Requests after which a connection is closed.
    pub requests_per_connection: u32,
    /// Time from the first byte of a request, or from accepting a connection, to the end of its header section.
    pub header_timeout: Duration,
    /// Longest pause between two pieces of a request body; beyond it 408.
    pub body_timeout: Duration,
    /// How long a kept-alive connection may be idle.
    pub idle_timeout: Duration,
    /// Most connections open at once; further ones are closed when accepted.
    pub connections: u32,
    /// Limits of HTTP/2 connections.
    pub http2: Http2LimitsDef,
    /// What becomes of `%2F` in a path.
    pub encoded_slash: EncodedSlash,
}

/// Limits of one HTTP/2 connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http2LimitsDef {
    /// Streams open at once.
    pub streams: u32,
    /// Flow-control window of one stream, in bytes.
    pub stream_window: u32,
    /// Flow-control window of the connection, in bytes.
    pub connection_window: u32,
    /// Largest header list in bytes.
    pub header_list: u32,
    /// Streams a client may reset before they were answered, until the connection is closed.
    pub resets: u32,
}

/// What becomes of an encoded slash (`%2F`) in a request path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncodedSlash {
    /// 400: what one side takes for one segment the other may take for two.
    Refuse,
    /// Kept as it came, never split.
    Keep,
}
