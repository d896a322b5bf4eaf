//! How much may be under way to a back end at once, over all its targets and all workers. What is beyond is refused at once, so
//! that a back end that cannot keep up is not given more, and its clients do not wait for nothing.
//!
//! Invariants: a bound is never exceeded, not even for a moment; what a request takes it gives back when it ends, whatever ends it.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use tokio::sync::Semaphore;

use super::pool::Waiting;
use super::{Endpoint, UpstreamFault};
use crate::clock::Nanos;
use crate::def::BreakerDef;
use crate::server::Worker;

/// The bounds of one back end.
pub(super) struct Breaker {
    requests: Option<Bounded>,
    pending: Option<Bounded>,
    /// Bounds who waits where the document does not.
    waiting: Waiting,
    connections: Option<Arc<Connections>>,
}

/// A number that stays below another.
struct Bounded {
    most: u32,
    now: AtomicU32,
    /// How often there was no room.
    refused: AtomicU64,
}

/// The connections of one back end.
pub(crate) struct Connections {
    open: Bounded,
    /// A right to use a connection, however many idle ones there are.
    places: Semaphore,
    /// Who has them.
    endpoints: OnceLock<Box<[Weak<Endpoint>]>>,
}

/// Counts a connection while it is open.
pub(super) struct Counted(Arc<Connections>);

/// What a request has of the bounds. [`Breaker::leave`] takes it back.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    request: bool,
    place: bool,
}

impl Bounded {
    fn new(most: u32) -> Bounded {
        Bounded {
            most,
            now: AtomicU32::new(0),
            refused: AtomicU64::new(0),
        }
    }

    fn enter(&self) -> bool {
        // Guards no other memory.
        self.now
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
                (now < self.most).then_some(now + 1)
            })
            .is_ok()
    }

    fn enter_or_refuse(&self) -> Result<(), UpstreamFault> {
        if self.enter() {
            return Ok(());
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(UpstreamFault::Tripped)
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Breaker {
    pub(super) fn new(def: &BreakerDef) -> Breaker {
        Breaker {
            requests: def.requests.map(Bounded::new),
            pending: def.pending.map(Bounded::new),
            waiting: Waiting::default(),
            connections: def.connections.map(|most| {
                Arc::new(Connections {
                    open: Bounded::new(most),
                    places: Semaphore::new(most as usize),
                    endpoints: OnceLock::new(),
                })
            }),
        }
    }

    /// What the endpoints count their connections with.
    pub(super) fn connections(&self) -> Option<&Arc<Connections>> {
        self.connections.as_ref()
    }

    /// Lets a request in, as soon as there is a connection it may use. What it has got stands in `admitted`, also when it ends
    /// before it was let in.
    pub(super) async fn admit(
        &self,
        worker: &Worker,
        deadline: Nanos,
        admitted: &mut Admitted,
    ) -> Result<(), UpstreamFault> {
        if let Some(requests) = &self.requests {
            requests.enter_or_refuse()?;
            admitted.request = true;
        }
        let Some(connections) = &self.connections else {
            return Ok(());
        };
        let places = &connections.places;
        let place = match places.try_acquire() {
            Ok(place) => place,
            Err(_) => {
                let _pends = self.pending.as_ref().map(Pends::new).transpose()?;
                let _waits = match self.pending {
                    Some(_) => None,
                    None => Some(self.waiting.enter()?),
                };
                let until = worker.clock.instant(deadline).into();
                match tokio::time::timeout_at(until, places.acquire()).await {
                    Ok(Ok(place)) => place,
                    Ok(Err(_)) | Err(_) => return Err(UpstreamFault::Overloaded),
                }
            }
        };
        // Given back with the request.
        place.forget();
        admitted.place = true;
        Ok(())
    }

    /// Takes back what a request had.
    pub(super) fn leave(&self, admitted: &Admitted) {
        if let (true, Some(requests)) = (admitted.request, &self.requests) {
            requests.leave();
        }
        if let (true, Some(connections)) = (admitted.place, &self.connections) {
            connections.places.add_permits(1);
        }
    }

    /// How often each bound refused a request.
    pub(super) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [("requests", &self.requests), ("pending", &self.pending)]
            .into_iter()
            .filter_map(|(name, bound)| {
                let refused = &bound.as_ref()?.refused;
                Some((name, refused.load(Ordering::Relaxed)))
            })
    }
}

/// A request that waits for a connection.
struct Pends<'b>(&'b Bounded);

impl<'b> Pends<'b> {
    fn new(pending: &'b Bounded) -> Result<Pends<'b>, UpstreamFault> {
        pending.enter_or_refuse()?;
        Ok(Pends(pending))
    }
}

impl Drop for Pends<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl Connections {
    /// Tells who has the connections.
    pub(super) fn belong_to<'e>(&self, endpoints: impl Iterator<Item = &'e Arc<Endpoint>>) {
        let _ = self.endpoints.set(endpoints.map(Arc::downgrade).collect());
    }

    /// Makes room for a new connection.
    ///
    /// Who asks has a place and no connection. So if the bound is reached, at least one connection is idle, with another worker or
    /// to another target, or is being closed: it makes way.
    pub(super) async fn count(self: &Arc<Connections>) -> Counted {
        while !self.open.enter() {
            if !self.close_an_idle_one() {
                tokio::task::yield_now().await;
            }
        }
        Counted(Arc::clone(self))
    }

    fn close_an_idle_one(&self) -> bool {
        let endpoints = self.endpoints.get().into_iter().flatten();
        endpoints
            .filter_map(Weak::upgrade)
            .any(|endpoint| endpoint.close_an_idle_one())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.leave();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    const NOTHING: BreakerDef = BreakerDef {
        connections: None,
        pending: None,
        requests: None,
    };

    /// What becomes of requests that come while all before them are under way.
    fn fates(def: BreakerDef, requests: usize) -> Vec<Result<(), UpstreamFault>> {
        let worker = Worker::lonely(Clock::system());
        let breaker = Breaker::new(&def);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mut fates = Vec::new();
            for _ in 0..requests {
                let deadline = worker.clock.now().plus(Duration::from_millis(20));
                let mut admitted = Admitted::default();
                fates.push(breaker.admit(&worker, deadline, &mut admitted).await);
                if fates.last() != Some(&Ok(())) {
                    breaker.leave(&admitted);
                }
            }
            fates
        })
    }

    #[test]
    fn what_is_beyond_a_bound_is_refused() {
        let fine = Ok(());
        let tripped = Err(UpstreamFault::Tripped);
        let late = Err(UpstreamFault::Overloaded);
        for (def, expected) in [
            (NOTHING, vec![fine, fine, fine]),
            (
                BreakerDef {
                    requests: Some(2),
                    ..NOTHING
                },
                vec![fine, fine, tripped, tripped],
            ),
            // Nobody is kept from waiting.
            (
                BreakerDef {
                    connections: Some(1),
                    ..NOTHING
                },
                vec![fine, late, late],
            ),
            (
                BreakerDef {
                    connections: Some(1),
                    pending: Some(0),
                    ..NOTHING
                },
                vec![fine, tripped],
            ),
            (
                BreakerDef {
                    connections: Some(1),
                    pending: Some(1),
                    requests: Some(1),
                },
                vec![fine, tripped],
            ),
        ] {
            assert_eq!(fates(def, expected.len()), expected, "{def:?}");
        }
    }

    #[test]
    fn what_is_given_back_can_be_had_again() {
        let worker = Worker::lonely(Clock::system());
        let breaker = Breaker::new(&BreakerDef {
            connections: Some(1),
            pending: Some(0),
            requests: Some(1),
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            for _ in 0..3 {
                let deadline = worker.clock.now().plus(Duration::from_secs(20));
                let mut admitted = Admitted::default();
                let fine = breaker.admit(&worker, deadline, &mut admitted).await;
                assert_eq!(fine, Ok(()));
                let mut beyond = Admitted::default();
                let refused = breaker.admit(&worker, deadline, &mut beyond).await;
                assert_eq!(refused, Err(UpstreamFault::Tripped));
                breaker.leave(&beyond);
                breaker.leave(&admitted);
            }
        });
        assert_eq!(
            breaker.refused().collect::<Vec<_>>(),
            [("requests", 3), ("pending", 0)]
        );
    }
}
