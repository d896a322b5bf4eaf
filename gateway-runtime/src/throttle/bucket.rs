//! One token bucket in one atomic number, and what a client is told about it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::{Clock, Nanos};

/// Full since the process began.
pub(super) const FULL: u64 = 0;

/// What a bucket holds and how fast it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Nanoseconds per token, rounded up so that the rate is never exceeded; 0: no token ever.
    interval: u64,
    /// Tokens it holds.
    burst: u32,
    /// Nanoseconds in which an empty bucket fills: `interval × burst`.
    span: u64,
}

impl Limit {
    /// `rate` tokens per second, at most `burst` at once. A rate or burst of 0 (Amazon's documents may have them) refuses
    /// everything, as does a rate that is no number.
    pub(crate) fn new(rate: f64, burst: u32) -> Limit {
        // `as` saturates: what needs more than 584 years for a token has none.
        let interval = if rate > 0.0 && burst > 0 {
            ((1e9 / rate).ceil() as u64).max(1)
        } else {
            0
        };
        Limit {
            interval,
            burst,
            span: interval.saturating_mul(u64::from(burst)),
        }
    }

    /// Takes a token at `now` from a bucket that is full at `full_at`: when it is full after that, or how many nanoseconds
    /// there is no token.
    fn step(&self, full_at: u64, now: u64) -> Result<u64, u64> {
        if self.interval == 0 {
            return Err(u64::MAX);
        }
        let next = full_at
            .max(now)
            .checked_add(self.interval)
            .ok_or(u64::MAX)?;
        match (next - now).checked_sub(self.span) {
            None | Some(0) => Ok(next),
            Some(wait) => Err(wait),
        }
    }

    /// [`Limit::step`], with all that a client may be told.
    pub(super) fn outcome(self, full_at: u64, now: Nanos) -> Result<Standing, Standing> {
        let standing = |full_at, wait| Standing {
            limit: self,
            full_at,
            now: now.get(),
            wait,
        };
        match self.step(full_at, now.get()) {
            Ok(next) => Ok(standing(next, 0)),
            Err(wait) => Err(standing(full_at, wait)),
        }
    }

    /// What giving back at `now` a token that was taken at `taken` makes of `full_at`.
    ///
    /// A token decays while it is out, at the rate at which the bucket fills: had it stayed, a bucket that became full in the
    /// meantime would have spilled that much. So what comes back is never more than what was lost, in whatever order
    /// requests take and give back. Between a look and a lost race lie nanoseconds, and so little is what is not returned.
    pub(super) fn undo(&self, full_at: u64, taken: u64, now: u64) -> u64 {
        full_at.saturating_sub(self.interval.saturating_sub(now.saturating_sub(taken)))
    }
}

/// A bucket that every worker takes from.
#[derive(Debug)]
pub(crate) struct Bucket {
    limit: Limit,
    /// The moment at which it is full again, in nanoseconds of the clock. It guards no other memory, so relaxed order will do.
    full_at: AtomicU64,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(rate: f64, burst: u32) -> Bucket {
        Bucket {
            limit: Limit::new(rate, burst),
            full_at: AtomicU64::new(FULL),
        }
    }

    /// Whether there is a token at `now`.
    pub(crate) fn look(&self, now: Nanos) -> Result<Standing, Standing> {
        self.limit
            .outcome(self.full_at.load(Ordering::Relaxed), now)
    }

    /// Takes a token, if there is one at `now`.
    pub(crate) fn take(&self, now: Nanos) -> Result<Standing, Standing> {
        let mut full_at = self.full_at.load(Ordering::Relaxed);
        loop {
            let standing = self.limit.outcome(full_at, now)?;
            match self.exchange(full_at, standing.full_at) {
                Ok(_) => return Ok(standing),
                Err(changed) => full_at = changed,
            }
        }
    }

    /// Gives a token back.
    pub(crate) fn give_back(&self, taken: Standing, clock: &Clock) {
        let mut full_at = self.full_at.load(Ordering::Relaxed);
        loop {
            // The clock is read after the level, so no taker seen in it is later than `now`.
            let before = self.limit.undo(full_at, taken.now, clock.now().get());
            match self.exchange(full_at, before) {
                Ok(_) => return,
                Err(changed) => full_at = changed,
            }
        }
    }

    fn exchange(&self, from: u64, to: u64) -> Result<u64, u64> {
        self.full_at
            .compare_exchange_weak(from, to, Ordering::Relaxed, Ordering::Relaxed)
    }
}

/// How a bucket stands after a request took a token, or was refused one: what `RateLimit`, `RateLimit-Policy`
/// (draft-ietf-httpapi-ratelimit-headers) and `Retry-After` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    limit: Limit,
    full_at: u64,
    now: u64,
    wait: u64,
}

impl Standing {
    /// The bucket's state, for whoever keeps it.
    pub(super) fn full_at(&self) -> u64 {
        self.full_at
    }

    /// When the request came, in nanoseconds of the clock.
    pub(super) fn now(&self) -> u64 {
        self.now
    }

    /// Nanoseconds until there is a token; 0: the request took one.
    pub(super) fn wait(&self) -> u64 {
        self.wait
    }

    /// Tokens the bucket holds.
    pub(crate) fn limit(&self) -> u32 {
        self.limit.burst
    }

    /// Seconds in which an empty bucket fills, rounded up, at least 1.
    pub(crate) fn window(&self) -> u32 {
        seconds(self.limit.span)
    }

    /// Whole tokens left.
    pub(crate) fn remaining(&self) -> u32 {
        let missing = self.full_at.saturating_sub(self.now);
        let left = self.limit.span.saturating_sub(missing);
        left.checked_div(self.limit.interval)
            .map_or(0, |n| u32::try_from(n).unwrap_or(u32::MAX))
    }

    /// Seconds until there is a token, rounded up, at least 1.
    pub(crate) fn retry_after(&self) -> u32 {
        seconds(self.wait)
    }
}

/// Nanoseconds as whole seconds, rounded up, at least 1. A year at most: a wait that is longer is not worth its digits.
fn seconds(nanos: u64) -> u32 {
    const YEAR: u64 = 365 * 86_400;
    nanos.div_ceil(1_000_000_000).clamp(1, YEAR) as u32
}
