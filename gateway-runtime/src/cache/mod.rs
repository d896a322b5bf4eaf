//! The cache: answers that serve more than one request.
//!
//! Four parts that do not know each other: [`key`] makes keys, [`policy`] decides who may be answered from the cache and what
//! may be kept, [`store`] holds answers within a bound of bytes, [`flight`] lets one of many equal requests call the back end
//! while the others wait. This module joins them, in the three lines a pipeline needs: [`Caching::plan`], [`Cache::look_up`],
//! [`Fill::run`].
//!
//! Invariants:
//! * two requests share an answer only if every part of their keys is equal, the caller among them unless sharing is declared;
//! * many equal requests make one call, and nobody waits for a call whose answer turns out not to be kept longer than to learn
//!   just that: then all go on at once, side by side;
//! * nothing is kept that did not arrive whole.
//!
//! Absent on purpose: revalidation and freshness as RFC 9111 has them (`mode: http` is not yet served), and any store outside
//! this process.

pub(crate) mod flight;
pub(crate) mod key;
pub(crate) mod policy;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::clock::{Clock, Nanos};
use crate::exchange::{Gathered, Reply, Room};
use crate::refusal::Refusal;

use flight::{Flights, Landing, Lead, Seat};
use key::Key;
pub(crate) use policy::{Caching, Plan, Unkept, Why};
pub(crate) use store::Entry;
use store::{Store, Stored};

/// Largest answer that is kept, head and key included.
pub(crate) const LARGEST_ENTRY: usize = 1 << 20;

/// How long requests do not wait for each other after an answer turned out not to be kept: most likely the next will not be
/// either, and waiting would only make them slower.
const PARALLEL_FOR: Duration = Duration::from_secs(10);

/// The cache of one stage.
#[derive(Debug)]
pub(crate) struct Cache {
    store: Store,
    flights: Flights<Arc<Entry>>,
    clock: Clock,
}

/// What a request finds in the cache.
#[derive(Debug)]
pub(crate) enum Found {
    /// An answer.
    Hit(Arc<Entry>),
    /// None: call the back end, and keep what it says.
    Miss(Fill),
    /// None, but an equal request is already calling.
    Wait(Waiter),
}

impl Cache {
    /// An empty cache that holds at most `size` bytes.
    pub(crate) fn new(size: u64, clock: Clock) -> Arc<Cache> {
        Arc::new(Cache {
            store: Store::new(size),
            flights: Flights::new(),
            clock,
        })
    }

    /// Looks for an answer.
    pub(crate) fn look_up(self: &Arc<Self>, key: Key, now: Nanos) -> Found {
        if let Some(stored) = self.store.get(&key, now) {
            return self.found(stored, key);
        }
        // Between the look above and here the answer may have come, and its flight ended: so look again inside.
        match self.flights.board(&key, || self.store.get(&key, now)) {
            Landing::There(found) => self.found(found, key),
            Landing::Lead(lead) => Found::Miss(Fill {
                cache: Arc::clone(self),
                key,
                lead: Some(lead),
            }),
            Landing::Seat(seat) => Found::Wait(Waiter {
                cache: Arc::clone(self),
                key,
                seat,
            }),
            Landing::Full => Found::Miss(self.alone(key)),
        }
    }

    /// Looks for an answer, and is content if there is none.
    pub(crate) fn peek(&self, key: &Key, now: Nanos) -> Option<Arc<Entry>> {
        match self.store.get(key, now)? {
            Stored::Answer(entry) => Some(entry),
            Stored::Parallel => None,
        }
    }

    /// Looks for nothing: the answer will be a fresh one, and replace what is kept.
    pub(crate) fn refresh(self: &Arc<Self>, key: Key) -> Fill {
        self.alone(key)
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> u64 {
        self.store.bytes()
    }

    /// Answers held, those that are too old among them.
    pub(crate) fn entries(&self) -> usize {
        self.store.entries()
    }

    fn found(self: &Arc<Self>, stored: Stored, key: Key) -> Found {
        match stored {
            Stored::Answer(entry) => Found::Hit(entry),
            Stored::Parallel => Found::Miss(self.alone(key)),
        }
    }

    /// A fill that nobody waits for.
    fn alone(self: &Arc<Self>, key: Key) -> Fill {
        Fill {
            cache: Arc::clone(self),
            key,
            lead: None,
        }
    }
}

/// A request that waits for another's call.
#[derive(Debug)]
pub(crate) struct Waiter {
    cache: Arc<Cache>,
    key: Key,
    seat: Seat<Arc<Entry>>,
}

impl Waiter {
    /// Waits. A hit: the answer came. A miss: it will not be kept, or the one who called went away, so this request calls.
    pub(crate) async fn wait(self) -> Result<Arc<Entry>, Fill> {
        match self.seat.wait().await {
            flight::Outcome::Filled(entry) => Ok(entry),
            flight::Outcome::Lead(lead) => Err(Fill {
                cache: self.cache,
                key: self.key,
                lead: Some(lead),
            }),
            flight::Outcome::Alone => Err(self.cache.alone(self.key)),
        }
    }
}

/// The right to keep an answer, and the duty to tell those who wait for it.
///
/// Dropping it unused means that the client went away: then one of those who wait takes over.
#[derive(Debug)]
pub(crate) struct Fill {
    cache: Arc<Cache>,
    key: Key,
    lead: Option<Lead<Arc<Entry>>>,
}

/// How filling went.
#[derive(Debug)]
pub(crate) enum Kept {
    /// The answer is kept.
    Yes,
    /// It is not.
    No(Unkept),
}

impl Fill {
    /// Calls the back end and keeps its answer if it may be kept; in that case the answer is read whole first, until `deadline`.
    /// The call also says what the back end itself forbids ([`Caching::may_use`]), which the answer may no longer show.
    ///
    /// A call that fails lets all who wait go on at once. So does an answer that is not kept, as soon as its head says so.
    ///
    /// # Errors
    /// Those of the call; and those of reading the answer.
    pub(crate) async fn run(
        self,
        caching: &Caching,
        deadline: Instant,
        room: &Arc<Room>,
        call: impl Future<Output = Result<(Reply, Option<Unkept>), Refusal>>,
    ) -> Result<(Reply, Kept), Refusal> {
        let (mut reply, forbidden) = match call.await {
            Ok(answered) => answered,
            Err(refusal) => {
                // A client that is gone says nothing about the back end: somebody else may try.
                if refusal != Refusal::ClientGone {
                    self.release();
                }
                return Err(refusal);
            }
        };
        let allowed = caching.may_keep(reply.status, &reply.headers, reply.body.len());
        if let Some(why) = forbidden.or(allowed.err()) {
            self.keep_apart();
            return Ok((reply, Kept::No(why)));
        }
        let most = LARGEST_ENTRY.saturating_sub(store::head_weight(&self.key, &reply.headers));
        let whole = match reply.body.gather_by(most, room, deadline).await {
            Ok(Gathered::Whole(whole)) if whole.trailers.is_none() => whole,
            Ok(Gathered::Whole(whole)) => {
                self.keep_apart();
                reply.body = whole.body();
                return Ok((reply, Kept::No(Unkept::Trailers)));
            }
            Ok(Gathered::Longer(body)) => {
                self.keep_apart();
                reply.body = body;
                return Ok((reply, Kept::No(Unkept::TooLarge)));
            }
            Ok(Gathered::Crowded(body)) => {
                self.keep_apart();
                reply.body = body;
                return Ok((reply, Kept::No(Unkept::Crowded)));
            }
            Err(fault) => {
                self.release();
                return Err(fault.into());
            }
        };
        let now = self.cache.clock.now();
        let entry = Arc::new(Entry::new(
            reply.status,
            reply.headers,
            whole.released(),
            now.plus(caching.ttl()),
        ));
        let reply = entry.reply();
        self.keep(entry);
        Ok((reply, Kept::Yes))
    }

    /// Keeps the answer, and hands it to all who wait.
    fn keep(mut self, entry: Arc<Entry>) {
        self.cache.store.put(self.key.clone(), Arc::clone(&entry));
        if let Some(lead) = self.lead.take() {
            lead.fill(&entry);
        }
    }

    /// The answer is not kept: all who wait go on at once, and those who come soon do not wait.
    fn keep_apart(self) {
        let now = self.cache.clock.now();
        self.cache
            .store
            .put_apart(self.key.clone(), now, now.plus(PARALLEL_FOR));
        self.release();
    }

    /// All who wait go on at once.
    fn release(mut self) {
        if let Some(lead) = self.lead.take() {
            lead.release();
        }
    }
}
