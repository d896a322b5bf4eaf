//! One worker: its thread, its accept loop, its sweep.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpStream;

#[cfg(test)]
use super::crowd::Crowd;
use super::crowd::Place;
use super::registry::{self, Registry};
use super::{Alarm, Alarms, App, Events, Phase, Shared, connection};
use crate::client::{self, Endpoint};
use crate::clock::{Clock, Nanos};
use crate::gateway::Gateway;
use crate::settings::StartFault;

/// Threads of one worker for what blocks: looking up names.
const BLOCKING_THREADS: usize = 4;
/// Pause after the process ran out of file descriptors.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(50);
/// Connections that give way then.
const MADE_ROOM: usize = 16;
/// How often it is looked whether another gateway is served.
const NEXT_GATEWAY: Duration = Duration::from_secs(1);
/// How often idle connections to back ends are looked at.
const SWEEP_ENDPOINTS: Duration = Duration::from_secs(5);

/// What steps may use of the thread they run on.
pub(crate) struct Worker {
    /// Its number, from 0.
    pub(crate) index: usize,
    /// The time.
    pub(crate) clock: Clock,
    /// What all workers share.
    pub(crate) shared: Arc<Shared>,
    /// Deadlines of what runs on it.
    pub(crate) alarms: Arc<Alarms>,
    /// The time of the last sweep, for who outlives the borrow of a worker.
    pub(crate) coarse: Arc<AtomicU64>,
    /// Addresses this worker has connections to.
    endpoints: Mutex<Vec<Weak<Endpoint>>>,
}

impl Worker {
    pub(super) fn new(index: usize, clock: Clock, shared: Arc<Shared>) -> Worker {
        Worker {
            index,
            coarse: Arc::new(AtomicU64::new(clock.now().get())),
            clock,
            shared,
            alarms: Arc::default(),
            endpoints: Mutex::default(),
        }
    }

    /// A worker without a server, for tests of what it is given to.
    #[cfg(test)]
    pub(crate) fn lonely(clock: Clock) -> Worker {
        let live = super::Live {
            app: super::App::Test(Arc::new(|_, _, _| {
                Box::pin(async { crate::exchange::Reply::new(500) })
            })),
            admission: crate::exchange::Admission::new(&crate::testing::GATEWAY),
        };
        let crowd = Crowd::new(1, u64::MAX);
        let shared = Shared::new(live, None, Duration::ZERO, crowd);
        Worker::new(0, clock, Arc::new(shared))
    }

    /// Its connections.
    pub(super) fn registry(&self) -> &Registry {
        self.shared.crowd.registry(self.index)
    }

    /// An alarm for `due`.
    pub(crate) fn alarm(&self, due: Nanos) -> Alarm<'_> {
        Alarm::new(&self.alarms, &self.clock, due)
    }

    /// The time of the last sweep: good enough for timeouts, and free.
    pub(crate) fn coarse_now(&self) -> Nanos {
        Nanos::new(self.coarse.load(Ordering::Relaxed))
    }

    /// Has idle connections to this address looked at from now on.
    pub(crate) fn sweeps(&self, endpoint: &Arc<Endpoint>) {
        let mut endpoints = self.endpoints.lock();
        let here = Arc::downgrade(endpoint);
        if !endpoints.iter().any(|other| other.ptr_eq(&here)) {
            endpoints.push(here);
        }
    }

    fn sweep_endpoints(&self) {
        let now = self.clock.now();
        self.endpoints.lock().retain(|endpoint| {
            endpoint
                .upgrade()
                .is_some_and(|endpoint| client::sweep(self.index, &endpoint, now))
        });
    }
}

/// Starts the worker's thread.
pub(super) fn spawn(
    worker: Arc<Worker>,
    listeners: Vec<TcpListener>,
) -> Result<JoinHandle<()>, StartFault> {
    let fault = |fault: io::Error| {
        StartFault::new(
            format!("a worker cannot be started: {fault}"),
            "lower `--workers`, or raise the limits on threads and open files",
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .build()
        .map_err(fault)?;
    let listeners = {
        let _inside = runtime.enter();
        listeners
            .into_iter()
            .map(tokio::net::TcpListener::from_std)
            .collect::<io::Result<Vec<_>>>()
            .map_err(fault)?
    };
    std::thread::Builder::new()
        .name(format!("worker-{}", worker.index))
        .spawn(move || {
            runtime.block_on(run(worker, listeners));
            // A name that is still looked up does not hold up the end.
            runtime.shutdown_background();
        })
        .map_err(fault)
}

async fn run(worker: Arc<Worker>, listeners: Vec<tokio::net::TcpListener>) {
    let mut phase = worker.shared.phase.subscribe();
    for listener in listeners {
        let worker = worker.clone();
        tokio::spawn(async move {
            let mut phase = worker.shared.phase.subscribe();
            tokio::select! {
                biased;
                _ = phase.wait_for(|phase| *phase != Phase::Serving) => {}
                () = accept(&worker, &listener) => {}
            }
            // Those who were connected before the end are still served.
            std::future::poll_fn(|cx| {
                while let Poll::Ready(Ok((tcp, peer))) = listener.poll_accept(cx) {
                    admit(&worker, tcp, peer);
                }
                Poll::Ready(())
            })
            .await;
        });
    }
    tokio::spawn(sweep(worker.clone()));
    if worker.index == 0 {
        tokio::spawn(check_back_ends(worker.clone()));
    }
    // The sender lives in `shared`, so this ends by a change alone.
    let _ = phase.wait_for(|phase| *phase != Phase::Serving).await;
    worker.registry().wake_all();
    let _ = tokio::time::timeout(worker.shared.drain, drained(&worker)).await;
}

async fn drained(worker: &Worker) {
    // A grace for what is on its way: see `connection`.
    tokio::time::sleep(connection::GRACE).await;
    worker.registry().wake_all();
    while worker.registry().len() > 0 || worker.shared.crowd.told() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn sweep(worker: Arc<Worker>) {
    let mut endpoints_at = worker.clock.now();
    loop {
        let live = worker.shared.live();
        let limits = &live.admission.limits;
        tokio::time::sleep(registry::period(limits)).await;
        let now = worker.clock.now();
        worker.coarse.store(now.get(), Ordering::Relaxed);
        worker.registry().sweep(now, limits);
        if now.since(endpoints_at) >= SWEEP_ENDPOINTS {
            endpoints_at = now;
            worker.sweep_endpoints();
        }
    }
}

/// Has the back ends of the gateway that is served checked, and those of the next one when it takes its place. One worker does it for
/// all: what it finds is shared.
async fn check_back_ends(worker: Arc<Worker>) {
    let mut checked: Weak<Gateway> = Weak::new();
    loop {
        if let App::Gateway(gateway) = &worker.shared.live().app
            && !std::ptr::eq(checked.as_ptr(), Arc::as_ptr(gateway))
        {
            checked = Arc::downgrade(gateway);
            for upstream in &gateway.upstreams {
                client::check(&worker, upstream);
            }
        }
        tokio::time::sleep(NEXT_GATEWAY).await;
    }
}

async fn accept(worker: &Arc<Worker>, listener: &tokio::net::TcpListener) {
    loop {
        match listener.accept().await {
            Ok((tcp, peer)) => admit(worker, tcp, peer),
            // The one connection is gone; the listener is fine.
            Err(fault)
                if matches!(
                    fault.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::Interrupted
                ) => {}
            // Out of file descriptors or memory: what is open has to end first, and what is of no use can.
            Err(_) => {
                let shared = &worker.shared;
                Events::count(&shared.events.not_accepted);
                let limits = &shared.live().admission.limits;
                for _ in 0..MADE_ROOM {
                    shared.crowd.make_room(worker.clock.now(), limits);
                }
                tokio::time::sleep(OUT_OF_SOCKETS).await;
            }
        }
    }
}

fn admit(worker: &Arc<Worker>, tcp: TcpStream, peer: SocketAddr) {
    let shared = &worker.shared;
    Events::count(&shared.events.accepted);
    let place = shared.place(|| worker.clock.now(), shared.tls.is_some());
    // Answers leave at once. A socket that cannot do it works all the same.
    let nodelay = || tcp.set_nodelay(true);
    match place {
        Place::Served(place) => {
            let _ = nodelay();
            tokio::spawn(connection::serve(worker.clone(), tcp, peer, place));
        }
        Place::Told(place) => {
            let _ = nodelay();
            tokio::spawn(connection::tell(worker.clone(), tcp, peer, place));
        }
        Place::None => {}
    }
}
