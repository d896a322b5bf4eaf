//! Serving: threads, listeners, connections, and their end.
//!
//! One thread per worker, each with its own Tokio runtime, its own listening sockets (the kernel spreads connections over them) and
//! its own connections to back ends. Workers share what [`Live`] holds and a few counters, nothing else.
//!
//! Invariants: the number of open connections is bounded; no connection is held open by a peer that does nothing; a panic in a
//! request is answered 500 and ends there; told to drain, the server takes no new connection, finishes what is in flight and ends.
//! Absent on purpose: what requests mean ([`crate::exchange`]) and what is answered ([`crate::pipeline`]).

mod alarm;
mod connection;
mod crowd;
mod handover;
mod http1;
mod listen;
mod registry;
mod service;
mod signals;
#[cfg(test)]
mod tests;
mod wire;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::watch;

pub(crate) use alarm::{Alarm, Alarms};
pub(crate) use handover::{Inherited, Offer};
pub(crate) use http1::{Interim, WireBody};
pub(crate) use service::App;
pub(crate) use worker::Worker;

use crate::clock::Clock;
use crate::exchange::Admission;
use crate::gateway::Gateway;
use crate::settings::{Settings, StartFault};
use crate::tls::ServerTls;
use crowd::Crowd;

/// What is served at the moment. Replaced as a whole; requests under way keep the one they began with.
pub(crate) struct Live {
    pub(crate) app: App,
    pub(crate) admission: Admission,
}

impl Live {
    /// A document's gateway and its rules.
    pub(crate) fn of(gateway: Arc<Gateway>) -> Live {
        Live {
            admission: gateway.admission(),
            app: App::Gateway(gateway),
        }
    }
}

/// What the workers share.
pub(crate) struct Shared {
    live: ArcSwap<Live>,
    tls: Option<ServerTls>,
    drain: Duration,
    draining: AtomicBool,
    phase: watch::Sender<Phase>,
    /// What the next gateway may have.
    offer: Mutex<Option<Arc<Offer>>>,
    crowd: Crowd,
    /// What happened to connections outside any request.
    pub(crate) events: Events,
}

/// Where the server is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Serving.
    Serving,
    /// No new connections; what is in flight is finished.
    Draining,
    /// The same, and another gateway serves where this one did.
    HandedOver,
}

/// What happened to connections outside any request, over all workers.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// Connections accepted.
    pub(crate) accepted: AtomicU64,
    /// Connections that were not served, because too many were open.
    pub(crate) over_limit: AtomicU64,
    /// Connections that asked for nothing and made room for others.
    pub(crate) gave_way: AtomicU64,
    /// How often a connection could not be accepted, for want of descriptors or memory.
    pub(crate) not_accepted: AtomicU64,
    /// TLS handshakes that failed or took too long.
    pub(crate) handshake_failed: AtomicU64,
    /// Connections closed because a head did not come to its end in time.
    pub(crate) head_timeout: AtomicU64,
    /// Connections closed because the client did not read its answer.
    pub(crate) stalled: AtomicU64,
    /// Requests whose handling panicked.
    pub(crate) panics: AtomicU64,
}

impl Events {
    pub(crate) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A running server. Dropping it does not stop it.
pub(crate) struct Running {
    shared: Arc<Shared>,
    /// The listening sockets once more, for the next gateway.
    sockets: Mutex<Vec<std::net::TcpListener>>,
    addresses: Vec<SocketAddr>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Serves a gateway. Everything that can fail has been tried when this returns.
///
/// # Errors
/// An address that cannot be listened on, a certificate that is of no use, a limit of the system: all that were found.
pub(crate) fn serve(
    gateway: Arc<Gateway>,
    settings: &Settings,
    clock: &Clock,
    inherited: Option<&mut Inherited>,
) -> Result<Running, Vec<StartFault>> {
    start(Live::of(gateway), settings, clock, inherited)
}

/// Serves anything; see [`serve`].
pub(crate) fn start(
    live: Live,
    settings: &Settings,
    clock: &Clock,
    mut inherited: Option<&mut Inherited>,
) -> Result<Running, Vec<StartFault>> {
    let mut faults = Vec::new();
    let tls = settings.tls.as_ref().and_then(|(certificate, key)| {
        ServerTls::load(certificate, key)
            .map_err(|fault| faults.push(fault))
            .ok()
    });
    let workers = settings.workers.max(1);
    let mut addresses = Vec::new();
    // One row per worker.
    let mut sockets: Vec<Vec<std::net::TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
    for address in &settings.listen {
        let claimed = inherited
            .as_mut()
            .map_or_else(Vec::new, |inherited| inherited.claim(*address));
        match listen::on(*address, workers, claimed) {
            Ok((bound, listeners)) => {
                addresses.push(bound);
                // There may be more than workers: those of a gateway that had more of them.
                for (at, listener) in listeners.into_iter().enumerate() {
                    sockets[at % workers].push(listener);
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let kept = match settings.hand_over {
        Some(_) => sockets
            .iter()
            .flatten()
            .filter_map(|socket| socket.try_clone().ok())
            .collect(),
        None => Vec::new(),
    };
    let shared = Arc::new(Shared::new(
        live,
        tls,
        settings.drain,
        Crowd::new(workers, crowd::descriptors()),
    ));
    let mut threads = Vec::new();
    for (index, listeners) in sockets.into_iter().enumerate() {
        let worker = Arc::new(Worker::new(index, clock.clone(), shared.clone()));
        match worker::spawn(worker, listeners) {
            Ok(thread) => threads.push(thread),
            Err(fault) => faults.push(fault),
        }
    }
    let running = Running {
        shared,
        sockets: Mutex::new(kept),
        addresses,
        threads: Mutex::new(threads),
    };
    if faults.is_empty() {
        Ok(running)
    } else {
        running.drain();
        Err(faults)
    }
}

impl Running {
    /// The addresses that are listened on; a port of 0 has become a real one.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves another gateway from the next request on.
    pub(crate) fn replace(&self, gateway: Arc<Gateway>) {
        self.serve(Live::of(gateway));
    }

    fn serve(&self, live: Live) {
        self.shared.live.store(Arc::new(live));
    }

    /// Stops taking connections and finishes what is in flight, for at most [`Settings::drain`]. Returns at once.
    pub(crate) fn drain(&self) {
        self.shared.start_draining();
    }

    /// What the workers share; for the admin listener.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The listening sockets, to be given to the next gateway; empty if there is none to come.
    pub(crate) fn take_sockets(&self) -> Vec<std::net::TcpListener> {
        std::mem::take(&mut *self.sockets.lock())
    }

    /// Lets the process's signals act: SIGTERM and SIGINT drain, the second one ends the process at once, SIGHUP reads the
    /// certificates again.
    ///
    /// # Errors
    /// A limit of the system.
    pub(crate) fn obey_signals(&self) -> Result<(), StartFault> {
        signals::obey(self.shared.clone())
    }

    /// Waits until every worker has ended.
    pub(crate) fn wait(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // A worker that panicked is as finished as any.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn new(live: Live, tls: Option<ServerTls>, drain: Duration, crowd: Crowd) -> Shared {
        Shared {
            live: ArcSwap::from_pointee(live),
            tls,
            drain,
            draining: AtomicBool::new(false),
            phase: watch::Sender::new(Phase::Serving),
            offer: Mutex::default(),
            crowd,
            events: Events::default(),
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn start_draining(&self) {
        self.end(Phase::Draining);
    }

    /// Another gateway serves where this one did.
    fn hand_over(&self) {
        self.end(Phase::HandedOver);
    }

    fn end(&self, phase: Phase) {
        if self.draining.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(offer) = self.offer.lock().take() {
            offer.withdraw(phase == Phase::HandedOver);
        }
        self.phase.send_replace(phase);
    }

    /// What is given away until this gateway drains.
    fn offer(&self, offer: Arc<Offer>) {
        *self.offer.lock() = Some(offer);
    }

    /// Where the server is in its life, as it changes.
    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Reads all certificates again; what cannot be used stays as it was, and is told of.
    pub(crate) fn reload_tls(&self) -> Vec<StartFault> {
        let mut faults = Vec::new();
        if let Some(Err(fault)) = self.tls.as_ref().map(ServerTls::reload) {
            faults.push(fault);
        }
        match &self.live().app {
            App::Gateway(gateway) => faults.extend(gateway.reload_certificates()),
            #[cfg(test)]
            App::Test(_) => {}
        }
        faults
    }

    /// Connections open at the moment.
    pub(crate) fn open_connections(&self) -> usize {
        self.crowd.open()
    }

    /// What is served at the moment.
    pub(crate) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }
}
