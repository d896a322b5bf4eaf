//! Path and query of a request, in one text.

use crate::spare::Spare;

/// Path and query in one text that begins with a slash and has no fragment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    text: Spare<String>,
    /// Bytes before `?`, or all.
    path: usize,
}

/// Text that is no path and query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadTarget;

impl Target {
    /// Reads `/path` or `/path?query`.
    pub(crate) fn parse(text: &str) -> Result<Target, BadTarget> {
        // Spaces and control characters would end the request line, or begin another.
        if !text.starts_with('/')
            || text
                .bytes()
                .any(|byte| !matches!(byte, 0x21..=0x7e) || byte == b'#')
        {
            return Err(BadTarget);
        }
        Ok(Target::as_sent(text))
    }

    /// What a client sent; not yet in normal form.
    pub(super) fn as_sent(text: &str) -> Target {
        let mut own = Spare::<String>::taken();
        own.push_str(text);
        Target {
            path: memchr::memchr(b'?', text.as_bytes()).unwrap_or(text.len()),
            text: own,
        }
    }

    /// The path.
    pub(crate) fn path(&self) -> &str {
        self.text.get(..self.path).unwrap_or_default()
    }

    /// The query, without `?`.
    pub(crate) fn query(&self) -> Option<&str> {
        self.text.get(self.path + 1..)
    }

    /// All of it.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl Clone for Target {
    fn clone(&self) -> Target {
        Target::as_sent(self.as_str())
    }
}
