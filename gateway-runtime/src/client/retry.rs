//! Whether a request that failed is sent again.
//!
//! The budget keeps tries from making an outage worse: every request puts a share of a token into it, every further try takes a
//! whole one. So beyond a store for bad moments, further tries are never more than that share of the requests.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use http::Method;

use super::{Incoming, UpstreamFault};
use crate::def::{RetriesDef, RetryOn};

/// Largest body of a request that is kept for another try.
pub(super) const REPLAYED: usize = 64 << 10;
/// Tokens that a budget holds, and begins with: the requests under way to a target when it dies.
const STORE: u32 = 100;
/// Pause before a target is asked again that has just failed, where there is no other. Doubled with each further try.
const PAUSE: Duration = Duration::from_millis(25);

/// When requests of an operation are sent again.
#[derive(Debug)]
pub(crate) struct Retries {
    def: &'static RetriesDef,
    budget: Budget,
}

/// What became of the tries of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tries {
    /// Tries beyond the first.
    pub(crate) again: u16,
    /// Whether there would have been another one if the budget had allowed it.
    pub(crate) unfunded: bool,
}

impl Retries {
    /// With a full budget.
    pub(crate) fn new(def: &'static RetriesDef) -> Retries {
        Retries {
            def,
            budget: Budget::new(def.budget),
        }
    }

    /// Whether requests with this method may be sent twice. Whatever a document says, others may not.
    pub(super) fn take(&self, method: &Method) -> bool {
        method.is_safe()
    }

    /// Tries in all.
    pub(super) fn attempts(&self) -> u16 {
        u16::try_from(self.def.attempts).unwrap_or(u16::MAX)
    }

    /// How long one try may take, where that is said.
    pub(super) fn per_try(&self) -> Option<Duration> {
        self.def.per_try
    }

    /// Puts a request's share into the budget.
    pub(super) fn earn(&self) {
        self.budget.earn();
    }

    /// Takes a try out of the budget, if there is one in it.
    pub(super) fn spend(&self) -> bool {
        self.budget.spend()
    }

    /// Whether another try may do better.
    pub(super) fn help(&self, answered: &Result<Incoming, UpstreamFault>) -> bool {
        let on = |failure| self.def.on.contains(&failure);
        match answered {
            Ok(incoming) => on(RetryOn::Status(incoming.status)),
            Err(UpstreamFault::Unresolved | UpstreamFault::Refused | UpstreamFault::Tls) => {
                on(RetryOn::Connect)
            }
            Err(UpstreamFault::Reset) => on(RetryOn::Reset),
            // That is what a time for one try is for.
            Err(UpstreamFault::Timeout) => self.def.per_try.is_some(),
            // Garbage comes from a back end that speaks something else, and will again; the others are about this gateway or
            // the client.
            Err(
                UpstreamFault::Garbled
                | UpstreamFault::Overloaded
                | UpstreamFault::Tripped
                | UpstreamFault::Unwell
                | UpstreamFault::Body(_),
            ) => false,
        }
    }
}

/// How long to wait before the same target is asked again: doubled each time, and spread by `chance` (0 to 1), so that requests that
/// failed together do not come again together.
pub(super) fn pause(again: u16, chance: f64) -> Duration {
    let longest = PAUSE * 2_u32.pow(u32::from(again.min(4)));
    longest.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// Tokens for further tries, in thousandths; shared by all workers.
#[derive(Debug)]
struct Budget {
    share: u32,
    left: AtomicU32,
}

impl Budget {
    fn new(share: u32) -> Budget {
        Budget {
            share,
            left: AtomicU32::new(STORE * 1000),
        }
    }

    fn earn(&self) {
        let full = STORE * 1000;
        // The usual case: it is full, and nobody writes.
        if self.left.load(Ordering::Relaxed) < full {
            let _ = self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    (left < full).then(|| left.saturating_add(self.share).min(full))
                });
        }
    }

    fn spend(&self) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1000)
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::{Body, BodyFault, Headers};

    static DEF: RetriesDef = RetriesDef {
        attempts: 3,
        on: &[RetryOn::Connect, RetryOn::Status(502)],
        per_try: None,
        budget: 200,
    };
    static TIMED: RetriesDef = RetriesDef {
        attempts: 2,
        on: &[RetryOn::Reset],
        per_try: Some(Duration::from_secs(1)),
        budget: 200,
    };

    fn status(status: u16) -> Result<Incoming, UpstreamFault> {
        Ok(Incoming {
            status,
            headers: Headers::new(),
            body: Body::empty(),
        })
    }

    #[test]
    fn after_which_failures() {
        for (answered, one, other) in [
            (status(200), false, false),
            (status(502), true, false),
            (status(503), false, false),
            (Err(UpstreamFault::Refused), true, false),
            (Err(UpstreamFault::Unresolved), true, false),
            (Err(UpstreamFault::Tls), true, false),
            (Err(UpstreamFault::Reset), false, true),
            (Err(UpstreamFault::Timeout), false, true),
            (Err(UpstreamFault::Garbled), false, false),
            (Err(UpstreamFault::Overloaded), false, false),
            (Err(UpstreamFault::Tripped), false, false),
            (Err(UpstreamFault::Unwell), false, false),
            (
                Err(UpstreamFault::Body(BodyFault::ClientGone)),
                false,
                false,
            ),
        ] {
            assert_eq!(Retries::new(&DEF).help(&answered), one, "{answered:?}");
            assert_eq!(Retries::new(&TIMED).help(&answered), other, "{answered:?}");
        }
    }

    #[test]
    fn only_what_changes_nothing_is_sent_twice() {
        let retries = Retries::new(&DEF);
        for (method, expected) in [
            ("GET", true),
            ("HEAD", true),
            ("OPTIONS", true),
            ("POST", false),
            ("PUT", false),
            ("DELETE", false),
            ("PATCH", false),
            ("BREW", false),
        ] {
            let taken = method.parse().is_ok_and(|method| retries.take(&method));
            assert_eq!(taken, expected, "{method}");
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        for (again, chance, millis) in [
            (0, 0.0, 12),
            (0, 1.0, 25),
            (1, 1.0, 50),
            (4, 1.0, 400),
            (100, 1.0, 400),
        ] {
            assert_eq!(pause(again, chance).as_millis(), millis, "{again}");
        }
    }

    proptest! {
        /// Of `n` requests and the tries they asked for, granted ones are never more than the store and the share of the requests,
        /// and never fewer than what the budget had.
        #[test]
        fn a_budget_is_a_share_of_the_requests(
            share in 1_u32..=1000,
            steps in prop::collection::vec(any::<bool>(), 0..2000),
        ) {
            let budget = Budget::new(share);
            let (mut model, mut earned, mut granted) = (STORE * 1000, 0_u64, 0_u64);
            for request in steps {
                if request {
                    budget.earn();
                    earned += u64::from(share);
                    model = (model + share).min(STORE * 1000);
                } else {
                    let expected = model >= 1000;
                    prop_assert_eq!(budget.spend(), expected);
                    if expected {
                        model -= 1000;
                        granted += 1000;
                    }
                }
                prop_assert!(granted <= u64::from(STORE) * 1000 + earned);
                prop_assert_eq!(budget.left.load(Ordering::Relaxed), model);
            }
        }
    }
}
