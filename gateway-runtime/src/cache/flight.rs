//! One call for many equal requests.
//!
//! The first request for a key gets the [`Lead`]; those that come while it flies get a [`Seat`] and wait. The lead ends in one
//! of three ways, and each seat learns of it once:
//! * *filled*: everyone has the answer;
//! * *released*: there is nothing to share, everyone goes alone, all at once;
//! * *abandoned* (dropped): whoever led has gone away, so the next in line who is still there leads, and the others stay.
//!
//! Memory is bounded: a flight exists while its lead does, and has at most [`SEATS`] seats.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::key::Key;

/// Requests that may wait in one flight; further ones go alone.
const SEATS: usize = 4096;
/// Locks that flights are spread over.
const SHARDS: usize = 64;

/// All flights of one cache.
#[derive(Debug)]
pub(crate) struct Flights<V> {
    shards: Arc<[Mutex<Shard<V>>]>,
}

impl<V> Clone for Flights<V> {
    fn clone(&self) -> Flights<V> {
        Flights {
            shards: Arc::clone(&self.shards),
        }
    }
}

type Shard<V> = HashMap<Key, Vec<oneshot::Sender<Outcome<V>>>, BuildHasherDefault<AlreadyHashed>>;

/// Keys are hashed already.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Where a request is after it asked to fly.
#[derive(Debug)]
pub(crate) enum Landing<S, V> {
    /// There was no need.
    There(S),
    /// It leads.
    Lead(Lead<V>),
    /// It waits.
    Seat(Seat<V>),
    /// All seats are taken: it goes alone.
    Full,
}

/// What a waiting request learns.
#[derive(Debug)]
pub(crate) enum Outcome<V> {
    /// The answer.
    Filled(V),
    /// It leads now.
    Lead(Lead<V>),
    /// It goes alone.
    Alone,
}

impl<V: Clone> Flights<V> {
    /// No flight.
    pub(crate) fn new() -> Flights<V> {
        Flights {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Joins the flight of `key` or begins it, unless `there` says that there is no need. It is asked while no flight of this
    /// key can end, so an answer that was kept before its flight ended is never missed.
    pub(crate) fn board<S>(&self, key: &Key, there: impl FnOnce() -> Option<S>) -> Landing<S, V> {
        let mut shard = self.shard(key).lock();
        if let Some(seats) = shard.get_mut(key) {
            if seats.len() >= SEATS {
                seats.retain(|seat| !seat.is_closed());
                if seats.len() >= SEATS {
                    return Landing::Full;
                }
            }
            let (sender, seat) = oneshot::channel();
            seats.push(sender);
            return Landing::Seat(Seat(seat));
        }
        if let Some(found) = there() {
            return Landing::There(found);
        }
        shard.insert(key.clone(), Vec::new());
        Landing::Lead(Lead {
            flights: self.clone(),
            key: key.clone(),
            ended: false,
        })
    }

    /// Flights at the moment.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Requests that wait for `key`.
    #[cfg(test)]
    pub(crate) fn waiting(&self, key: &Key) -> usize {
        self.shard(key).lock().get(key).map_or(0, Vec::len)
    }
}

impl<V> Flights<V> {
    fn shard(&self, key: &Key) -> &Mutex<Shard<V>> {
        // The upper bits, since the maps use the lower ones. Always one of the SHARDS shards.
        &self.shards[(key.hash_value() >> 40) as usize % SHARDS]
    }

    fn end(&self, key: &Key) -> Vec<oneshot::Sender<Outcome<V>>> {
        self.shard(key).lock().remove(key).unwrap_or_default()
    }

    /// The next in line, or the end of the flight.
    fn next(&self, key: &Key) -> Option<oneshot::Sender<Outcome<V>>> {
        let mut shard = self.shard(key).lock();
        let seats = shard.get_mut(key)?;
        if seats.is_empty() {
            shard.remove(key);
            return None;
        }
        Some(seats.remove(0))
    }
}

/// The duty to call, and to tell those who wait.
#[derive(Debug)]
pub(crate) struct Lead<V> {
    flights: Flights<V>,
    key: Key,
    ended: bool,
}

impl<V: Clone> Lead<V> {
    /// Everyone has the answer. What is kept must be kept before.
    pub(crate) fn fill(mut self, answer: &V) {
        self.ended = true;
        for seat in self.flights.end(&self.key) {
            // A seat whose request has gone away is not interested.
            let _ = seat.send(Outcome::Filled(answer.clone()));
        }
    }

    /// Everyone goes alone.
    pub(crate) fn release(mut self) {
        self.ended = true;
        for seat in self.flights.end(&self.key) {
            let _ = seat.send(Outcome::Alone);
        }
    }
}

impl<V> Drop for Lead<V> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        // No lock is held while a lead is handed over: if its receiver goes away at this very moment, it is dropped there and
        // comes here again for the next in line.
        while let Some(seat) = self.flights.next(&self.key) {
            let lead = Lead {
                flights: self.flights.clone(),
                key: self.key.clone(),
                ended: false,
            };
            match seat.send(Outcome::Lead(lead)) {
                Ok(()) => return,
                Err(Outcome::Lead(mut refused)) => refused.ended = true,
                Err(_) => {}
            }
        }
    }
}

/// A request that waits.
#[derive(Debug)]
pub(crate) struct Seat<V>(oneshot::Receiver<Outcome<V>>);

impl<V> Seat<V> {
    /// Waits for the flight to end. Takes as long as the lead's call, which has a deadline.
    pub(crate) async fn wait(self) -> Outcome<V> {
        self.0.await.unwrap_or(Outcome::Alone)
    }
}
