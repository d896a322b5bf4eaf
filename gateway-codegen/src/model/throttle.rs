//! Token buckets.

use super::Origin;

/// A token bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Throttle {
    /// Tokens per second.
    pub rate: Rate,
    /// Tokens it holds.
    pub burst: Burst,
    /// Whose bucket it is.
    pub per: ThrottleKey,
    /// Where it was written.
    pub origin: Origin,
}

/// Tokens per second: more than 0, at most [`Rate::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Rate(f64);

impl Rate {
    /// One request a day; a slower bucket is a quota.
    pub const MIN: f64 = 1.0 / 86_400.0;
    /// Beyond a million a second a bucket is no limit on one machine.
    pub const MAX: f64 = 1_000_000.0;

    /// A rate, if it is in range.
    pub fn new(per_second: f64) -> Option<Rate> {
        (Rate::MIN..=Rate::MAX)
            .contains(&per_second)
            .then_some(Rate(per_second))
    }

    /// Tokens per second.
    pub fn per_second(self) -> f64 {
        self.0
    }
}

/// Tokens a bucket holds: 1 to [`Burst::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Burst(u32);

impl Burst {
    /// As many as the fastest rate refills in a second.
    pub const MAX: u32 = 1_000_000;

    /// A burst, if it is in range.
    pub fn new(tokens: u64) -> Option<Burst> {
        u32::try_from(tokens)
            .ok()
            .filter(|n| (1..=Burst::MAX).contains(n))
            .map(Burst)
    }

    /// Tokens.
    pub fn tokens(self) -> u32 {
        self.0
    }
}

/// Whose bucket a throttle takes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThrottleKey {
    /// The operation's (or stage's) as a whole.
    Whole,
    /// The client address'.
    Ip,
    /// A header's value; lower-case name.
    Header(String),
    /// A query parameter's value.
    Query(String),
    /// A path parameter's value.
    Path(String),
}
