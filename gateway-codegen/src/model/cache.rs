//! Kept answers.

use super::Origin;

pub use gateway_runtime::def::{Invalidation, OnRefusal};

/// Whether and how answers are kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Caching {
    /// Never.
    Off,
    /// For a while.
    For(Cache),
}

/// How answers are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Cache {
    /// How long an answer is used.
    pub ttl: Ttl,
    /// What separates answers, besides stage, host, method, operation and the caller.
    pub key: Vec<CacheKey>,
    /// Whether callers share answers.
    pub shared: bool,
    /// Statuses that are kept, sorted.
    pub statuses: Vec<u16>,
    /// Whether an upstream's `private` or `no-store` is overridden.
    pub override_upstream: bool,
    /// Who may force a fresh answer.
    pub invalidation: Invalidation,
    /// Where it was written.
    pub origin: Origin,
}

/// Time an answer is used, in seconds: 1 to 3600, or to a year where the document lifts the ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ttl(u32);

impl Ttl {
    /// The field's usual ceiling (`reference`: Amazon's stage cache), seconds.
    pub const CEILING: u32 = 3600;
    /// The most that `max: false` allows: a year, seconds.
    pub const LIFTED: u32 = 31_536_000;
    /// Where a stage cache is on and nobody says otherwise, seconds (Amazon's default).
    pub const DEFAULT: Ttl = Ttl(300);

    /// A TTL of whole seconds below a ceiling; 0 means "not cached" and is no TTL.
    pub fn new(seconds: u64, ceiling: u32) -> Option<Ttl> {
        u32::try_from(seconds)
            .ok()
            .filter(|s| (1..=ceiling).contains(s))
            .map(Ttl)
    }

    /// Whole seconds.
    pub fn seconds(self) -> u32 {
        self.0
    }
}

/// One part of a cache key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheKey {
    /// A path parameter.
    Path(String),
    /// A query parameter.
    Query(String),
    /// The whole query string.
    AnyQuery,
    /// A header field, lower case.
    Header(String),
}
