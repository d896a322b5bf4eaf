//! The root of the model.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Cors, GatewayResponse, Operation, Origin, Schemas, Stage, Upstream};

pub use gateway_runtime::def::{ApiKind, EncodedSlash, ErrorDialect, ResponseType};

/// One gateway: everything the documents said.
#[derive(Debug, Clone, PartialEq)]
pub struct Gateway {
    /// Name of the crate and the binary: `[a-z][a-z0-9_-]{0,63}`.
    pub name: String,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub version: String,
    /// Which family of error answers.
    pub errors: ErrorDialect,
    /// Which kind's routing rules.
    pub kind: ApiKind,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<String>,
    /// What a client may ask.
    pub limits: Limits,
    /// Deployment parameters that something is made of, by name.
    pub parameters: BTreeMap<String, DeploymentParameter>,
    /// Back ends by name.
    pub upstreams: BTreeMap<String, Upstream>,
    /// Stages by name; never empty.
    pub stages: BTreeMap<String, Stage>,
    /// Operations by id.
    pub operations: BTreeMap<String, Operation>,
    /// CORS of answers that belong to no operation.
    pub cors: Option<Cors>,
    /// Customised gateway responses by type.
    pub responses: BTreeMap<ResponseType, GatewayResponse>,
    /// Schemas that operations and other schemas refer to.
    pub schemas: Schemas,
    /// Where the root extension (or `info`, without one) was written.
    pub origin: Origin,
}

/// A text that is known where the gateway is deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentParameter {
    /// What it is for, on one line; may be empty.
    pub description: String,
    /// Its value where none is given.
    pub default: Option<String>,
}

/// What a client may ask of the gateway. The defaults are [`Limits::default`], nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body, bytes.
    pub body: u64,
    /// Largest header section, bytes.
    pub headers: u32,
    /// Most header fields.
    pub header_count: u32,
    /// Longest request target, bytes.
    pub uri: u32,
    /// Requests after which a connection is closed.
    pub requests_per_connection: u32,
    /// Time to the end of a header section.
    pub header_timeout: Duration,
    /// Longest pause inside a request body.
    pub body_timeout: Duration,
    /// Idle time of a kept-alive connection.
    pub idle_timeout: Duration,
    /// Connections open at once.
    pub connections: u32,
    /// HTTP/2: streams open at once.
    pub http2_streams: u32,
    /// HTTP/2: window of a stream, bytes.
    pub http2_stream_window: u32,
    /// HTTP/2: window of a connection, bytes.
    pub http2_connection_window: u32,
    /// HTTP/2: largest header list, bytes.
    pub http2_header_list: u32,
    /// HTTP/2: streams reset before their answer until the connection is closed.
    pub http2_resets: u32,
    /// What becomes of `%2F` in a path.
    pub encoded_slash: EncodedSlash,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            body: 10 * 1024 * 1024,
            headers: 16 * 1024,
            header_count: 100,
            uri: 8 * 1024,
            requests_per_connection: 10_000,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            connections: 20_000,
            http2_streams: 100,
            http2_stream_window: 64 * 1024,
            http2_connection_window: 1024 * 1024,
            http2_header_list: 16 * 1024,
            http2_resets: 20,
            encoded_slash: EncodedSlash::Refuse,
        }
    }
}
