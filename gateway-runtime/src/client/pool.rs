//! Connections of one worker to one back end: some in use, some idle, never more than [`MOST`] in total.
//!
//! The last one given back is the first taken out, so that connections nobody needs grow old and go.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::link::Link;
use super::upstream::Ticket;
use super::{Endpoint, UpstreamFault};
use crate::clock::Nanos;
use crate::server::Worker;

/// Most connections of one worker to one back end.
pub(crate) const MOST: usize = 1024;
/// Most requests of one worker that wait for one of them. Those who wait have their heads and what was read of their bodies in
/// memory, and their clients' patience runs out: more of them are no use to anyone.
pub(super) const MOST_WAITING: usize = 1024;
/// How long a connection may be idle. Below the minute after which most servers and load balancers close theirs.
const IDLE: Duration = Duration::from_secs(50);

/// What one worker has of one back end.
///
/// A place is taken before an idle connection is looked for, and a new connection is made only if there is none: so places
/// bound the connections in use and the idle ones together.
pub(super) struct Slot {
    places: Semaphore,
    waiting: Waiting,
    #[expect(
        clippy::vec_box,
        reason = "a link is large, and moves between here and the body that reads from it"
    )]
    idle: Mutex<Vec<Box<Link>>>,
}

impl Default for Slot {
    fn default() -> Slot {
        Slot {
            places: Semaphore::new(MOST),
            waiting: Waiting::default(),
            idle: Mutex::default(),
        }
    }
}

impl Slot {
    fn pop(&self) -> Option<Box<Link>> {
        self.idle.lock().pop()
    }

    /// Closes the connection that has been idle for longest, if there is one.
    pub(super) fn close_an_idle_one(&self) -> bool {
        let mut idle = self.idle.lock();
        let oldest = (!idle.is_empty()).then(|| idle.remove(0));
        drop(idle);
        oldest.is_some()
    }

    /// Leaves so many places.
    #[cfg(test)]
    pub(super) fn shrink(&self, places: usize) {
        self.places.forget_permits(MOST - places);
    }
}

/// How many wait for something, of at most [`MOST_WAITING`].
#[derive(Default)]
pub(super) struct Waiting(AtomicUsize);

impl Waiting {
    /// Counts one more while it waits.
    pub(super) fn enter(&self) -> Result<Waits<'_>, UpstreamFault> {
        // The guard takes it back, whether it may wait or not.
        let waits = Waits(&self.0);
        match self.0.fetch_add(1, Ordering::Relaxed) < MOST_WAITING {
            true => Ok(waits),
            false => Err(UpstreamFault::Overloaded),
        }
    }
}

/// Somebody who waits.
pub(super) struct Waits<'w>(&'w AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The right to one connection.
pub(crate) struct Lease {
    endpoint: Arc<Endpoint>,
    worker: usize,
    /// The worker's coarse time.
    coarse: Arc<AtomicU64>,
    /// Goes back into the pool with the lease.
    kept: Option<Box<Link>>,
    /// The request it is for, where it counts while it is under way. It ends after the connection has gone back.
    ticket: Option<Ticket>,
}

/// The right to one connection, as soon as there is one, and an idle connection that is still open, if there is any.
///
/// # Errors
/// [`UpstreamFault::Overloaded`] if too many wait for one.
pub(super) async fn lease(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
) -> Result<(Lease, Option<Box<Link>>), UpstreamFault> {
    let slot = endpoint.slot(worker.index);
    let place = match slot.places.try_acquire() {
        Ok(place) => Ok(place),
        Err(_) => {
            let _waits = slot.waiting.enter()?;
            slot.places.acquire().await
        }
    };
    if let Ok(place) = place {
        // Given back by the lease.
        place.forget();
    }
    let lease = Lease {
        endpoint: endpoint.clone(),
        worker: worker.index,
        coarse: worker.coarse.clone(),
        kept: None,
        ticket: None,
    };
    while let Some(mut link) = slot.pop() {
        if link.is_open() {
            return Ok((lease, Some(link)));
        }
    }
    Ok((lease, None))
}

impl Lease {
    /// Has a request end with the lease.
    pub(super) fn hold(&mut self, ticket: Ticket) {
        self.ticket = Some(ticket);
    }

    /// Tells its request how the answer ended.
    pub(super) fn ended(&mut self, well: bool) {
        let now = Nanos::new(self.coarse.load(Ordering::Relaxed));
        if let Some(ticket) = &mut self.ticket {
            ticket.ended(well, now);
        }
    }

    /// Keeps the connection for the next request, if it can take one.
    pub(super) fn give_back(mut self, mut link: Box<Link>) {
        if link.is_reusable() {
            link.rest(Nanos::new(self.coarse.load(Ordering::Relaxed)));
            self.kept = Some(link);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let slot = self.endpoint.slot(self.worker);
        if let Some(link) = self.kept.take() {
            slot.idle.lock().push(link);
        }
        slot.places.add_permits(1);
    }
}

/// Closes connections of this worker that are idle too long or were closed by the other side. Tells whether any is left, idle or
/// in use.
pub(crate) fn sweep(worker: usize, endpoint: &Endpoint, now: Nanos) -> bool {
    let slot = endpoint.slot(worker);
    let mut idle = slot.idle.lock();
    // Oldest first, as they were pushed.
    let old = idle
        .iter()
        .take_while(|link| now.since(link.idle_since()) >= IDLE)
        .count();
    idle.drain(..old);
    idle.retain_mut(|link| link.is_open());
    let http2 = endpoint
        .http2(worker)
        .is_some_and(|slot| slot.sweep(now, IDLE));
    http2 || !idle.is_empty() || slot.places.available_permits() < MOST
}
