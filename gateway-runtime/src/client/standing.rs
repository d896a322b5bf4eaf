//! What is known of one target of a watched back end; shared by all workers.
//!
//! Every number stands for itself and guards no other memory, so relaxed order will do throughout. A target that failed too often
//! is left alone for a while and is on probation afterwards: one more failure, before anything went well, sends it away again.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::clock::Nanos;
use crate::def::OutlierDef;

/// What is known of a target.
#[derive(Debug)]
pub(crate) struct Standing {
    /// What its checks say; well until they say otherwise.
    well: AtomicBool,
    /// Failures in a row.
    failures: AtomicU32,
    /// Left alone until then, in nanoseconds of the clock.
    ejected_until: AtomicU64,
    /// Requests under way.
    pub(super) load: AtomicU32,
    /// Requests it got.
    pub(crate) requests: AtomicU64,
    /// Those of them that failed.
    pub(crate) failed: AtomicU64,
    /// Those of them that had been tried before.
    pub(crate) retries: AtomicU64,
    /// How often it was left alone.
    pub(crate) ejections: AtomicU64,
}

impl Default for Standing {
    fn default() -> Standing {
        Standing {
            well: AtomicBool::new(true),
            failures: AtomicU32::default(),
            ejected_until: AtomicU64::default(),
            load: AtomicU32::default(),
            requests: AtomicU64::default(),
            failed: AtomicU64::default(),
            retries: AtomicU64::default(),
            ejections: AtomicU64::default(),
        }
    }
}

impl Standing {
    /// Whether its checks say that it is well.
    pub(crate) fn is_well(&self) -> bool {
        self.well.load(Ordering::Relaxed)
    }

    /// What its checks say.
    pub(super) fn set_well(&self, well: bool) {
        self.well.store(well, Ordering::Relaxed);
    }

    /// Whether it is left alone.
    pub(crate) fn is_ejected(&self, now: Nanos) -> bool {
        self.ejected_until.load(Ordering::Relaxed) > now.get()
    }

    /// A request went well.
    pub(super) fn succeeded(&self) {
        // Written only where it changes something: it nearly never does.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// A request failed.
    pub(super) fn failed(&self, outlier: Option<&OutlierDef>, now: Nanos) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let Some(outlier) = outlier else { return };
        let row = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if row < outlier.consecutive {
            return;
        }
        self.failures
            .store(outlier.consecutive.saturating_sub(1), Ordering::Relaxed);
        let until = self.ejected_until.load(Ordering::Relaxed);
        // Of failures that come together, one sends it away.
        let sent_away = until <= now.get()
            && self
                .ejected_until
                .compare_exchange(
                    until,
                    now.plus(outlier.eject).get(),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if sent_away {
            self.ejections.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const OUTLIER: OutlierDef = OutlierDef {
        consecutive: 3,
        eject: Duration::from_secs(30),
    };

    /// Follows a script: `f` a failure, `s` a success, a digit moves the clock by so many tens of seconds. Tells after each
    /// step whether the target is in (`.`) or left alone (`x`).
    fn follow(script: &str) -> (String, u64) {
        let standing = Standing::default();
        let mut now = Nanos::new(7_000_000_000);
        let told = script
            .chars()
            .map(|step| {
                match step {
                    'f' => standing.failed(Some(&OUTLIER), now),
                    's' => standing.succeeded(),
                    digit => {
                        let tens = u64::from(digit.to_digit(10).unwrap_or_default());
                        now = now.plus(Duration::from_secs(10 * tens));
                    }
                }
                if standing.is_ejected(now) { 'x' } else { '.' }
            })
            .collect();
        (told, standing.ejections.load(Ordering::Relaxed))
    }

    #[test]
    fn failures_in_a_row_send_a_target_away_for_a_while() {
        for (script, expected, ejections) in [
            ("ff", "..", 0),
            ("fff", "..x", 1),
            ("ffsffsff", "........", 0),
            ("fff12", "..xx.", 1),
            // On probation: one failure is enough, one success ends it.
            ("fff3f3f", "..x.x.x", 3),
            ("fff3sff", "..x....", 1),
            ("fff3sfff", "..x....x", 2),
            // What was under way when it went neither ends nor lengthens its absence.
            ("fffsf2f1", "..xxxxx.", 1),
        ] {
            assert_eq!(follow(script), (expected.to_owned(), ejections), "{script}");
        }
    }

    #[test]
    fn without_a_rule_failures_are_only_counted() {
        let standing = Standing::default();
        for _ in 0..100 {
            standing.failed(None, Nanos::ZERO);
        }
        assert!(!standing.is_ejected(Nanos::ZERO) && standing.is_well());
        assert_eq!(standing.failed.load(Ordering::Relaxed), 100);
    }
}
