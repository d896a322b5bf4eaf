//! Serving inside a program that is no emitted crate: `gateway-codegen dev`, tests.
//!
//! Synchronous and not generic like everything exported here; the threads and their runtimes are the server's own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::clock::Clock;
use crate::gateway::Gateway;
use crate::server::{self, App, Live};
use crate::settings::{Settings, StartFault};

/// A gateway that is being served. Dropping it does not stop it.
pub struct Serving(server::Running);

/// Serves a gateway that was started with the same settings and clock, and lets the signals of the process end it.
///
/// # Errors
/// An address that cannot be listened on, a certificate that cannot be used.
pub fn serve(
    gateway: Arc<Gateway>,
    settings: &Settings,
    clock: Clock,
) -> Result<Serving, Vec<StartFault>> {
    let running = server::start(live(gateway), settings, clock)?;
    if let Err(fault) = running.obey_signals() {
        running.drain();
        return Err(vec![fault]);
    }
    Ok(Serving(running))
}

fn live(gateway: Arc<Gateway>) -> Live {
    Live {
        admission: gateway.admission(),
        app: App::Gateway(gateway),
    }
}

impl Serving {
    /// The first address that is listened on; a port of 0 has become a real one.
    pub fn address(&self) -> SocketAddr {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        self.0.addresses().first().copied().unwrap_or(nowhere)
    }

    /// Serves another gateway from the next request on. Those under way keep the one they began with.
    pub fn replace(&self, gateway: Arc<Gateway>) {
        self.0.replace(live(gateway));
    }

    /// Takes no new connection and finishes what is in flight, for at most [`Settings::drain`]. Returns at once.
    pub fn drain(&self) {
        self.0.drain();
    }

    /// Waits until everything has ended, after [`Serving::drain`] or a signal.
    pub fn wait(&self) {
        self.0.wait();
    }
}
