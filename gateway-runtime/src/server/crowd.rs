//! More clients than there are places: who gives way, and who is told to come again.
//!
//! A connection on which nothing is asked is worth less than a client that has just come. So when all places are taken the one that
//! has waited longest ends, whoever's it is: a client that holds many of them cannot lock others out. Where every connection is of
//! use, who comes is told so (503 with `Retry-After`) on one of a few places that are kept for it, and has a moment only; beyond
//! those, and where a handshake would have to come first, connections are closed at once.
//!
//! Invariants: connections, answered and refused together, stay below a bound; so do the requests that HTTP/2 has under way on
//! them. Below the bound nothing here is asked but one number. Absent on purpose: rates, which are the document's throttles.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::registry::{self, Registry, Waiting};
use super::{Events, Shared};
use crate::clock::Nanos;
use crate::def::LimitsDef;

/// Connections that are told to come again at the same time.
const TOLD: usize = 256;
/// How long such a connection lasts.
pub(super) const HEARING: Duration = Duration::from_secs(2);
/// Connections beyond the bound while those that give way are on their way out.
const LEAVING: usize = 256;
/// Connections that are looked for at once, so that each costs little of the look at all of them.
const FOUND: usize = 256;
/// A look at all connections that found too few is not repeated for so long.
const FRUITLESS: Duration = Duration::from_millis(50);
/// Descriptors for what is not a connection: listeners, logs, the runtimes' own.
const OWN_DESCRIPTORS: u64 = 64;

/// The places of a server and who has them.
pub(super) struct Crowd {
    /// Connections of each worker.
    registries: Box<[Registry]>,
    /// Connections that are served.
    open: AtomicUsize,
    /// Connections that are told to come again.
    told: AtomicUsize,
    /// Requests under way by HTTP/2.
    streams: AtomicUsize,
    /// Connections that the descriptors of the process are enough for, and those beyond them that may be told to come again.
    described: usize,
    most_told: usize,
    waiting: Mutex<Found>,
}

#[derive(Default)]
struct Found {
    /// Who waited when it was last looked; the one that waited longest is the last.
    waiting: Vec<Waiting>,
    /// When it may be looked again.
    look_at: Nanos,
}

/// What becomes of a connection.
pub(super) enum Place {
    /// It is served.
    Served(Counted),
    /// It is told to come again.
    Told(Counted),
    /// It is closed.
    None,
}

/// Something that is counted while it is there.
pub(super) struct Counted {
    shared: Arc<Shared>,
    number: usize,
    of: fn(&Crowd) -> &AtomicUsize,
}

impl Counted {
    fn new(shared: &Arc<Shared>, of: fn(&Crowd) -> &AtomicUsize) -> Counted {
        let number = of(&shared.crowd).fetch_add(1, Ordering::Relaxed) + 1;
        Counted {
            shared: Arc::clone(shared),
            number,
            of,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.of)(&self.shared.crowd).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Crowd {
    /// Nobody yet, in so many workers of a process with so many descriptors.
    pub(super) fn new(workers: usize, descriptors: u64) -> Crowd {
        let others = others(workers).min(descriptors / 2);
        let most_told = usize::try_from(others / 8).unwrap_or(usize::MAX);
        Crowd {
            registries: (0..workers.max(1)).map(|_| Registry::default()).collect(),
            open: AtomicUsize::new(0),
            told: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            described: usize::try_from(descriptors - others).unwrap_or(usize::MAX),
            most_told: most_told.min(TOLD),
            waiting: Mutex::default(),
        }
    }

    /// The connections of a worker.
    pub(super) fn registry(&self, worker: usize) -> &Registry {
        // Workers are numbered from 0, and there is at least one.
        &self.registries[worker % self.registries.len()]
    }

    /// Connections that are served at the moment.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections that are told to come again at the moment.
    pub(super) fn told(&self) -> usize {
        self.told.load(Ordering::Relaxed)
    }

    /// Ends the connection that has asked for nothing for longest, if there is one that was seen to by two sweeps.
    pub(super) fn make_room(&self, now: Nanos, limits: &LimitsDef) -> bool {
        let mut found = self.waiting.lock();
        loop {
            while let Some(waiting) = found.waiting.pop() {
                if waiting.give_way() {
                    return true;
                }
            }
            if now < found.look_at {
                return false;
            }
            let patience = registry::period(limits) * 2;
            let before = Nanos::new(now.get().saturating_sub(crate::clock::nanos(patience)));
            for registry in &self.registries {
                registry.longest_waiting(before, FOUND, &mut found.waiting);
            }
            if found.waiting.len() < FOUND {
                found.look_at = now.plus(FRUITLESS);
            }
            if found.waiting.is_empty() {
                return false;
            }
        }
    }
}

impl Shared {
    /// A place for a connection that was accepted.
    pub(super) fn place(self: &Arc<Shared>, now: impl Fn() -> Nanos, secure: bool) -> Place {
        let live = self.live();
        let limits = &live.admission.limits;
        let most = self.most_connections(limits);
        let open = Counted::new(self, |crowd| &crowd.open);
        if open.number <= most
            || open.number <= most + LEAVING && self.crowd.make_room(now(), limits)
        {
            return Place::Served(open);
        }
        drop(open);
        Events::count(&self.events.over_limit);
        // A handshake costs more than the answer is worth.
        let told = (!secure).then(|| Counted::new(self, |crowd| &crowd.told));
        match told.filter(|told| told.number <= self.crowd.most_told) {
            Some(told) => Place::Told(told),
            None => Place::None,
        }
    }

    /// Connections that are served at the same time.
    fn most_connections(&self, limits: &LimitsDef) -> usize {
        (limits.connections as usize).min(self.crowd.described)
    }

    /// Counts a request by HTTP/2 while it is under way; `None`: there are as many as there may be connections.
    pub(super) fn stream(self: &Arc<Shared>, limits: &LimitsDef) -> Option<Counted> {
        let stream = Counted::new(self, |crowd| &crowd.streams);
        (stream.number <= self.most_connections(limits)).then_some(stream)
    }

    /// A word for who starts the gateway, if it cannot have all the connections that its document allows.
    pub(crate) fn shortage(&self, workers: usize) -> Option<String> {
        let wanted = u64::from(self.live().admission.limits.connections);
        let most = self.crowd.described;
        (most < usize::try_from(wanted).unwrap_or(usize::MAX)).then(|| {
            format!(
                "open files are enough for {most} connections, not for the {wanted} of `limits.connections`; raise the hard limit \
                 (`ulimit -Hn`, `LimitNOFILE=`) to {}",
                wanted + others(workers).min(OWN_DESCRIPTORS + wanted)
            )
        })
    }
}

/// Descriptors for all but clients: what is the process's own, and the connections to one back end.
fn others(workers: usize) -> u64 {
    OWN_DESCRIPTORS + (workers.max(1) as u64).saturating_mul(crate::client::MOST_CONNECTIONS as u64)
}

/// Has the process open as many files as it may, and tells how many that is.
pub(super) fn descriptors() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // `None` is no limit at all.
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.unwrap_or(u64::MAX)
}
