//! Operations, and what happens to their requests.

use std::time::Duration;

use super::{Caching, Cors, Integration, Origin, Throttle};

pub use gateway_runtime::def::{ParameterPlace, RetryOn};

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// `operationId`, or a name made from method and path. Unique; also the key under which it stands.
    pub id: String,
    /// `GET`, …, or `ANY`.
    pub method: String,
    /// Path template as written; a pattern of `gateway_runtime::path`, or `$default` for the default route of an HTTP API.
    pub path: String,
    /// First tag, or `default`.
    pub tag: String,
    /// All tags, for selectors.
    pub tags: Vec<String>,
    /// `summary`, one line, trimmed.
    pub summary: String,
    /// Declared parameters.
    pub parameters: Vec<Parameter>,
    /// Who may call it.
    pub access: Access,
    /// What happens to its requests.
    pub policy: Policy,
    /// What `--mock` answers.
    pub example: Option<Example>,
    /// Where it was written.
    pub origin: Origin,
}

/// A declared parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Where it stands.
    pub place: ParameterPlace,
    /// Name; headers in lower case.
    pub name: String,
}

/// Who may call an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// The back end decides: alternatives, each a list of credentials. An empty alternative: none is fine too.
    Delegated(Vec<Vec<Credential>>),
}

impl Access {
    /// Whether a credential stands at this place; header names in lower case.
    pub fn reads(&self, place: ParameterPlace, name: &str) -> bool {
        match self {
            Access::Public => false,
            Access::Delegated(alternatives) => alternatives
                .iter()
                .flatten()
                .any(|credential| credential.place == place && credential.name == name),
        }
    }
}

/// A credential that a security scheme declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Security scheme.
    pub scheme: String,
    /// Where it stands.
    pub place: ParameterPlace,
    /// Field, query parameter or cookie; headers in lower case.
    pub name: String,
    /// Whether its absence is answered 401.
    pub required: bool,
}

/// What happens to the requests of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What answers.
    pub integration: Integration,
    /// Time to the answer.
    pub timeout: Duration,
    /// Longest pause in a streamed answer.
    pub stream_idle: Duration,
    /// Whether and when a request that failed is sent again.
    pub retries: Option<Retries>,
    /// Largest request body, where it differs from the gateway's.
    pub body_limit: Option<u64>,
    /// Buckets.
    pub throttles: Vec<Throttle>,
    /// Caching.
    pub cache: Caching,
    /// Cross-origin rules.
    pub cors: Option<Cors>,
    /// Changes to the request.
    pub request: Edits,
    /// Changes to the answer.
    pub response: Edits,
}

/// Whether and when a request that failed is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// Tries in all, the first among them.
    pub attempts: u32,
    /// Failures after which there is another try, sorted.
    pub on: Vec<RetryOn>,
    /// Longest time for one try.
    pub per_try: Option<Duration>,
    /// Share of requests that may be sent again, in thousandths, 1 to 1000.
    pub budget: u32,
}

/// Changes to the fields of a message; removals first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Field → expression, sorted by field.
    pub set: Vec<(Field, String)>,
    /// Fields, sorted.
    pub remove: Vec<Field>,
}

/// A field that a mapping writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// A header field, lower case.
    Header(String),
    /// A query parameter.
    Query(String),
}

/// An example answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Status.
    pub status: u16,
    /// Media type; empty: no body.
    pub media_type: String,
    /// Body.
    pub body: String,
}
