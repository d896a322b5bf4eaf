//! Where a stage is found: by host and by the path before every path of its own.

use std::cmp::Reverse;

use crate::def::StageDef;

/// Where a stage is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mount {
    /// `None`: any.
    host: Option<&'static str>,
    /// Empty, or `/name`.
    pub(crate) prefix: &'static str,
}

impl Mount {
    /// Where a stage is found. One that is served alone is found at `/`, for every host.
    pub(crate) fn new(stage: &StageDef, alone: bool) -> Mount {
        Mount {
            host: stage.mount.host.filter(|_| !alone),
            prefix: match stage.mount.path {
                _ if alone => "",
                path => path.trim_end_matches('/'),
            },
        }
    }

    /// Stages are looked for in this order: those with a host first, then the longer path.
    pub(crate) fn precedence(&self) -> (bool, Reverse<usize>) {
        (self.host.is_none(), Reverse(self.prefix.len()))
    }

    /// Whether a request goes there. Its host is only asked for where it matters.
    pub(crate) fn takes<'h>(&self, host: impl FnOnce() -> &'h str, path: &str) -> bool {
        self.host.is_none_or(|own| own == host())
            && path
                .strip_prefix(self.prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}
