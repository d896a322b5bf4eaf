//! Cross-origin rules.

/// Cross-origin rules. `allow_credentials` never stands beside the origin `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cors {
    /// Exact origins, `*`, `https://*`, `http://*`.
    pub allow_origins: Vec<String>,
    /// Methods or `*`.
    pub allow_methods: Vec<String>,
    /// Header names or `*`.
    pub allow_headers: Vec<String>,
    /// Header names a page may read, or `*`.
    pub expose_headers: Vec<String>,
    /// Whether credentials are allowed.
    pub allow_credentials: bool,
    /// Seconds a browser may keep a preflight's answer.
    pub max_age: Option<i32>,
}
