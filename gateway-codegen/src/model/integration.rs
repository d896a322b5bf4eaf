//! What answers an operation.

use super::Field;

pub use gateway_runtime::def::Passthrough;

/// What answers an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Integration {
    /// The request as it came.
    Proxy {
        /// Where it goes.
        target: Target,
        /// Method towards the back end; `None`: the client's.
        method: Option<String>,
    },
    /// Through parameter mappings and templates.
    Http(HttpIntegration),
    /// A fixed answer.
    Mock {
        /// Status.
        status: u16,
        /// Header name → expression.
        headers: Vec<(String, String)>,
        /// Media type → body.
        bodies: Vec<(String, String)>,
    },
    /// A location elsewhere.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// An expression.
        location: String,
    },
}

impl Integration {
    /// The named back end that it calls.
    pub fn upstream(&self) -> Option<&str> {
        let target = match self {
            Integration::Proxy { target, .. } => target,
            Integration::Http(http) => &http.target,
            Integration::Mock { .. } | Integration::Redirect { .. } => return None,
        };
        match target {
            Target::Upstream(name) | Target::UpstreamPath(name, _) => Some(name),
            Target::Uri(_) => None,
        }
    }
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A named back end, the request's own path behind the back end's.
    Upstream(String),
    /// A named back end and an expression for path and query behind the back end's path.
    UpstreamPath(String, String),
    /// An expression for the whole address.
    Uri(String),
}

/// An HTTP back end through mappings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpIntegration {
    /// Where it goes.
    pub target: Target,
    /// Method towards the back end; `None`: the client's.
    pub method: Option<String>,
    /// What is sent, sorted by field.
    pub parameters: Vec<(Field, String)>,
    /// Media type → body.
    pub templates: Vec<(String, String)>,
    /// What becomes of a body that no template matches.
    pub passthrough: Passthrough,
    /// How answers are mapped, tried in this order; the default (no pattern) last.
    pub responses: Vec<ResponseMapping>,
}

/// How some answers of a back end are mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseMapping {
    /// Over the whole status; `None`: every other.
    pub pattern: Option<String>,
    /// Status towards the client.
    pub status: u16,
    /// Header name → expression.
    pub headers: Vec<(String, String)>,
    /// Media type → body; empty: the back end's.
    pub bodies: Vec<(String, String)>,
}
