//! Gateway responses.

use super::Origin;

/// A customised gateway response.
#[derive(Debug, Clone, PartialEq)]
pub struct GatewayResponse {
    /// Status; `None`: the refusal's own.
    pub status: Option<u16>,
    /// Header name (lower case) → expression.
    pub headers: Vec<(String, String)>,
    /// Media type → expression; empty: the dialect's own body.
    pub bodies: Vec<(String, String)>,
    /// Where it was written.
    pub origin: Origin,
}
