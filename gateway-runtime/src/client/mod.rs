//! Calling back ends.

mod target;
pub(crate) use target::{BadTarget, Target};

use crate::exchange::{Body, Headers};

/// A request to a back end.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// Method.
    pub(crate) method: http::Method,
    /// Path and query, the back end's base path included.
    pub(crate) target: Target,
    /// Header fields. `Host` is set by the call.
    pub(crate) headers: Headers,
    /// Body.
    pub(crate) body: Body,
}
