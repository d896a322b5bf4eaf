//! The connections of one worker: what each is doing, and how to wake it.
//!
//! Every timeout of a connection is found by one sweep over all of them: a timer per connection and request would cost more than
//! the time it guards is worth. Times here are those of the last sweep, hence as coarse as its period.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use parking_lot::Mutex;

use crate::clock::Nanos;
use crate::def::LimitsDef;

/// What one connection is doing. Written by its own worker alone, so every write is a plain store; only the verdict may come from
/// another one, when connections are asked to give way.
#[derive(Debug)]
pub(super) struct Doing {
    /// Requests that are not answered to the last byte.
    in_flight: AtomicU32,
    /// Requests so far.
    requests: AtomicU32,
    /// Since when nothing has been in flight.
    idle_since: AtomicU64,
    /// When the first bytes of a head came that is not complete yet; 0: none did.
    head_since: AtomicU64,
    /// Since when the client has not taken bytes that wait for it; 0: none wait.
    blocked_since: AtomicU64,
    /// Answers by HTTP/2 whose client has not taken what it was offered, each with the moment of the offer.
    offered: Mutex<Vec<Nanos>>,
    verdict: AtomicU8,
    /// Whether this is HTTP/2.
    multiplexed: AtomicBool,
    /// Whether this connection takes no further request after those in flight.
    last: AtomicBool,
}

/// Why a connection is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Verdict {
    /// It is not.
    Stay = 0,
    /// A head did not come to its end in time.
    SlowHead,
    /// Nothing was asked for too long.
    Idle,
    /// The client does not read.
    Stalled,
    /// Nothing is asked, and others wait for its place.
    GiveWay,
}

impl Doing {
    pub(super) fn new(now: Nanos) -> Doing {
        Doing {
            in_flight: AtomicU32::new(0),
            requests: AtomicU32::new(0),
            idle_since: AtomicU64::new(now.get()),
            head_since: AtomicU64::new(0),
            blocked_since: AtomicU64::new(0),
            offered: Mutex::default(),
            verdict: AtomicU8::new(Verdict::Stay as u8),
            multiplexed: AtomicBool::new(false),
            last: AtomicBool::new(false),
        }
    }

    /// A request's head is complete; tells how many there have been.
    pub(super) fn begin(&self) -> u32 {
        self.head_since.store(0, Ordering::Relaxed);
        let in_flight = self.in_flight.load(Ordering::Relaxed);
        self.in_flight.store(in_flight + 1, Ordering::Relaxed);
        let requests = self.requests.load(Ordering::Relaxed).saturating_add(1);
        self.requests.store(requests, Ordering::Relaxed);
        requests
    }

    /// A request is answered to the last byte, or given up.
    pub(super) fn end(&self, now: Nanos) {
        let in_flight = self.in_flight.load(Ordering::Relaxed).saturating_sub(1);
        self.in_flight.store(in_flight, Ordering::Relaxed);
        self.idle_since.store(now.get(), Ordering::Relaxed);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
    }

    /// Frames of several requests come here, so that bytes do not mean that a head is on its way.
    pub(super) fn multiplexed(&self) {
        self.multiplexed.store(true, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
    }

    /// Bytes came.
    pub(super) fn read(&self, now: Nanos) {
        if self.is_idle()
            && !self.multiplexed.load(Ordering::Relaxed)
            && self.head_since.load(Ordering::Relaxed) == 0
        {
            self.head_since.store(now.get().max(1), Ordering::Relaxed);
        }
    }

    /// The socket took bytes. Where they had waited for the client, an answer came to its end later than for us. Others say
    /// nothing: an engine also writes what no request asked for, such as an answer to PING.
    pub(super) fn wrote(&self, now: Nanos) {
        if self.blocked_since.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.blocked_since.store(0, Ordering::Relaxed);
        if self.is_idle() {
            self.idle_since.store(now.get(), Ordering::Relaxed);
        }
    }

    /// The socket takes no bytes.
    pub(super) fn blocked(&self, now: Nanos) {
        if self.blocked_since.load(Ordering::Relaxed) == 0 {
            self.blocked_since
                .store(now.get().max(1), Ordering::Relaxed);
        }
    }

    /// An answer by HTTP/2, or the next piece of one, is there for its client to take.
    pub(super) fn offer(&self, now: Nanos) {
        self.offered.lock().push(now);
    }

    /// The client took what was offered then, or will not.
    pub(super) fn taken(&self, then: Nanos) {
        let mut offered = self.offered.lock();
        if let Some(at) = offered.iter().position(|offer| *offer == then) {
            offered.swap_remove(at);
        }
    }

    /// Takes no further request after those in flight.
    pub(super) fn finish(&self) {
        self.last.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_last(&self) -> bool {
        self.last.load(Ordering::Relaxed)
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.verdict.load(Ordering::Relaxed) {
            1 => Verdict::SlowHead,
            2 => Verdict::Idle,
            3 => Verdict::Stalled,
            4 => Verdict::GiveWay,
            _ => Verdict::Stay,
        }
    }

    /// Since when it has asked for nothing, a head that does not come to its end being nothing; `None`: it is of use, or about to
    /// end as it is.
    fn waits_since(&self) -> Option<Nanos> {
        let blocked = self.blocked_since.load(Ordering::Relaxed) != 0;
        if !self.is_idle() || blocked || self.verdict() != Verdict::Stay {
            return None;
        }
        let idle = self.idle_since.load(Ordering::Relaxed);
        Some(Nanos::new(
            idle.max(self.head_since.load(Ordering::Relaxed)),
        ))
    }

    fn judge(&self, now: Nanos, limits: &LimitsDef) -> Verdict {
        let longer = |since: &AtomicU64, most: Duration| {
            let since = since.load(Ordering::Relaxed);
            since != 0 && now.since(Nanos::new(since)) >= most
        };
        if longer(&self.blocked_since, limits.idle_timeout) {
            return Verdict::Stalled;
        }
        // Windows of HTTP/2 hold an answer back without the socket's knowledge.
        let forgotten = |offer: &Nanos| now.since(*offer) >= limits.idle_timeout;
        if self.multiplexed.load(Ordering::Relaxed) && self.offered.lock().iter().any(forgotten) {
            return Verdict::Stalled;
        }
        if !self.is_idle() || self.blocked_since.load(Ordering::Relaxed) != 0 {
            return Verdict::Stay;
        }
        // A connection that was opened and asks for nothing is as slow as one that asks in drops.
        let fresh = self.requests.load(Ordering::Relaxed) == 0;
        if longer(&self.head_since, limits.header_timeout)
            || fresh && longer(&self.idle_since, limits.header_timeout)
        {
            Verdict::SlowHead
        } else if longer(&self.idle_since, limits.idle_timeout) {
            Verdict::Idle
        } else {
            Verdict::Stay
        }
    }
}

/// A connection that asks for nothing.
pub(super) struct Waiting {
    since: Nanos,
    doing: Arc<Doing>,
    waker: Waker,
}

impl Waiting {
    /// Has it end, if it has asked for nothing since it was found; tells whether it will.
    pub(super) fn give_way(&self) -> bool {
        let verdict = &self.doing.verdict;
        let gives_way = self.doing.waits_since() == Some(self.since)
            && verdict
                .compare_exchange(
                    Verdict::Stay as u8,
                    Verdict::GiveWay as u8,
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok();
        if gives_way {
            self.waker.wake_by_ref();
        }
        gives_way
    }
}

/// Leaves those `most` that have waited longest, in no order.
fn keep_longest(found: &mut Vec<Waiting>, most: usize) {
    if found.len() > most {
        found.select_nth_unstable_by_key(most, |waiting| waiting.since);
        found.truncate(most);
    }
}

/// All connections of one worker.
#[derive(Default)]
pub(super) struct Registry {
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    rows: Vec<Option<(Arc<Doing>, Waker)>>,
    free: Vec<usize>,
}

/// A connection's row; leaving with it.
pub(super) struct Row<'r> {
    registry: &'r Registry,
    at: usize,
}

impl Registry {
    pub(super) fn enter(&self, doing: Arc<Doing>, waker: Waker) -> Row<'_> {
        let mut rows = self.rows.lock();
        let at = match rows.free.pop() {
            Some(at) => at,
            None => {
                rows.rows.push(None);
                rows.rows.len() - 1
            }
        };
        if let Some(row) = rows.rows.get_mut(at) {
            *row = Some((doing, waker));
        }
        Row { registry: self, at }
    }

    /// Finds connections that are over and wakes them.
    pub(super) fn sweep(&self, now: Nanos, limits: &LimitsDef) {
        for (doing, waker) in self.rows.lock().rows.iter().flatten() {
            let verdict = doing.judge(now, limits);
            // Of one that was to end while a request came in, a later word counts.
            if verdict != Verdict::Stay && verdict != doing.verdict() {
                doing.verdict.store(verdict as u8, Ordering::Relaxed);
                waker.wake_by_ref();
            }
        }
    }

    /// Adds the connections that have asked for nothing since before a time: of them and of those that are there, the `most` that
    /// have waited longest.
    pub(super) fn longest_waiting(&self, before: Nanos, most: usize, found: &mut Vec<Waiting>) {
        for (doing, waker) in self.rows.lock().rows.iter().flatten() {
            let Some(since) = doing.waits_since().filter(|since| *since <= before) else {
                continue;
            };
            found.push(Waiting {
                since,
                doing: Arc::clone(doing),
                waker: waker.clone(),
            });
            if found.len() >= 2 * most {
                keep_longest(found, most);
            }
        }
        keep_longest(found, most);
        found.sort_unstable_by_key(|waiting| std::cmp::Reverse(waiting.since));
    }

    /// Wakes all, so that they see that the server is draining.
    pub(super) fn wake_all(&self) {
        for (_, waker) in self.rows.lock().rows.iter().flatten() {
            waker.wake_by_ref();
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let rows = self.rows.lock();
        rows.rows.len() - rows.free.len()
    }
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        let mut rows = self.registry.rows.lock();
        if let Some(row) = rows.rows.get_mut(self.at) {
            *row = None;
        }
        rows.free.push(self.at);
        // A storm of connections leaves no memory behind.
        if rows.free.len() == rows.rows.len() {
            *rows = Rows::default();
        }
    }
}

/// How often connections are looked at: a quarter of the shortest time that is kept, but not more often than it can matter.
pub(super) fn period(limits: &LimitsDef) -> Duration {
    let shortest = limits.header_timeout.min(limits.idle_timeout);
    (shortest / 4).clamp(Duration::from_millis(10), Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LIMITS;

    fn at(seconds: u64) -> Nanos {
        Nanos::new(seconds * 1_000_000_000)
    }

    /// A connection whose only request was answered at the second 1.
    fn answered() -> Doing {
        let doing = Doing::new(at(1));
        doing.begin();
        doing.end(at(1));
        doing
    }

    #[test]
    fn frames_that_no_request_asked_for_do_not_make_a_connection_busy() {
        let limits = LimitsDef {
            idle_timeout: Duration::from_secs(60),
            ..LIMITS
        };
        let doing = answered();
        doing.multiplexed();
        for second in 2..=60 {
            // A PING, and the answer to it.
            doing.read(at(second));
            doing.wrote(at(second));
            assert_eq!(doing.waits_since(), Some(at(1)));
            assert_eq!(doing.judge(at(second), &limits), Verdict::Stay);
        }
        assert_eq!(doing.judge(at(61), &limits), Verdict::Idle);
    }

    #[test]
    fn an_answer_that_waited_for_its_client_ends_when_the_client_took_it() {
        let doing = answered();
        doing.blocked(at(2));
        assert_eq!(doing.waits_since(), None);
        doing.wrote(at(9));
        assert_eq!(doing.waits_since(), Some(at(9)));
    }
}
