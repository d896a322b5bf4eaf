//! Path and query of a request, in one text.

use http::uri::PathAndQuery;

/// Path and query in one text that begins with a slash and has no fragment. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target(PathAndQuery);

/// Text that is no path and query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadTarget;

impl Target {
    /// `/`.
    pub(crate) fn root() -> Target {
        Target(PathAndQuery::from_static("/"))
    }

    /// Reads `/path` or `/path?query`.
    pub(crate) fn parse(text: String) -> Result<Target, BadTarget> {
        if !text.starts_with('/') || !text.is_ascii() || text.contains('#') {
            return Err(BadTarget);
        }
        PathAndQuery::from_maybe_shared(bytes::Bytes::from(text))
            .map(Target)
            .map_err(|_| BadTarget)
    }

    /// What the engine read; not yet in normal form.
    pub(crate) fn from_engine(target: PathAndQuery) -> Target {
        Target(target)
    }

    pub(crate) fn into_engine(self) -> PathAndQuery {
        self.0
    }

    /// The path.
    pub(crate) fn path(&self) -> &str {
        self.0.path()
    }

    /// The query, without `?`.
    pub(crate) fn query(&self) -> Option<&str> {
        self.0.query()
    }

    /// All of it.
    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}
