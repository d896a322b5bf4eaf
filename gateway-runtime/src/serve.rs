//! A gateway with all that belongs to it: workers, admin listener, access logs, signals.
//!
//! What [`crate::main`] runs, and what a program that embeds a gateway starts. Nothing here is `async`: the caller's runtime, if
//! it has one, is not used.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::def::GatewayDef;
use crate::gateway::Gateway;
use crate::observe::metrics::{self, Family, Sample, counter, gauge};
use crate::server::{self, App, Running, Shared};
use crate::settings::{Settings, StartFault};
use crate::tls::ServerTls;
use crate::{admin, listing};

/// How long the last lines of access logs may take to be written when a gateway ends.
const LAST_LINES: Duration = Duration::from_secs(2);

/// A gateway that serves. Dropping it does not stop it.
pub struct Serving {
    name: &'static str,
    running: Running,
    admin: Option<SocketAddr>,
    settings: Settings,
    clock: Clock,
}

/// Starts a gateway. When this returns it serves.
///
/// # Errors
/// Everything that keeps it from serving, all at once.
pub fn start(def: &'static GatewayDef, settings: Settings) -> Result<Serving, Vec<StartFault>> {
    let clock = Clock::system();
    let mut faults: Vec<StartFault> = admin::fault(&settings).into_iter().collect();
    let gateway = Gateway::start(def, &settings, &clock)
        .map_err(|found| faults.extend(found))
        .ok();
    let Some(gateway) = gateway.filter(|_| faults.is_empty()) else {
        return Err(faults);
    };
    let running = server::serve(gateway, &settings, &clock)?;
    let subject = Watched {
        shared: Arc::clone(running.shared()),
        only: settings.stage.clone(),
    };
    let admin = settings.admin.map(|address| {
        let token = settings.admin_token.as_ref();
        admin::start(address, token, &settings.admin_hosts, Arc::new(subject))
    });
    match admin.transpose() {
        Ok(admin) => Ok(Serving {
            name: def.name,
            running,
            admin,
            settings,
            clock,
        }),
        Err(fault) => {
            running.drain();
            running.wait();
            Err(vec![fault])
        }
    }
}

/// What would keep a gateway from starting, as far as it can be found without listening anywhere.
pub(crate) fn check(def: &'static GatewayDef, settings: &Settings) -> Vec<StartFault> {
    let mut faults = Vec::new();
    if let Err(found) = Gateway::start(def, settings, &Clock::system()) {
        faults.extend(found);
    }
    if let Some((certificate, key)) = &settings.tls
        && let Err(fault) = ServerTls::load(certificate, key)
    {
        faults.push(fault);
    }
    faults
}

impl Serving {
    /// The addresses that are listened on; a port of 0 has become a real one.
    pub fn addresses(&self) -> &[SocketAddr] {
        self.running.addresses()
    }

    /// The address of the admin listener.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Serves another document from the next request on; requests under way end as they began. Its counters begin anew, and
    /// its caches and throttles are empty.
    ///
    /// # Errors
    /// Everything that keeps it from serving; then the old one goes on.
    pub fn replace(&self, def: &'static GatewayDef) -> Result<(), Vec<StartFault>> {
        let gateway = Gateway::start(def, &self.settings, &self.clock)?;
        self.running.replace(gateway);
        Ok(())
    }

    /// Lets the process's signals act: SIGTERM and SIGINT drain, a second one ends the process at once, SIGHUP reads the
    /// certificate again.
    ///
    /// # Errors
    /// If the system does not let it listen for signals.
    pub fn obey_signals(&self) -> Result<(), StartFault> {
        self.running.obey_signals()
    }

    /// Stops taking connections and finishes what is in flight, for at most [`Settings::drain`]. Returns at once.
    pub fn drain(&self) {
        self.running.drain();
    }

    /// Waits until it has ended, and its access logs are written.
    pub fn wait(&self) {
        self.running.wait();
        if let Some(gateway) = gateway(self.running.shared()) {
            gateway.sinks.flush(LAST_LINES);
        }
    }
}

impl fmt::Display for Serving {
    /// Where it can be reached, and what it costs to watch it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.settings.tls {
            Some(_) => "https",
            None => "http",
        };
        write!(f, "{} serves", self.name)?;
        for address in self.addresses() {
            write!(f, " {scheme}://{address}")?;
        }
        if let (Some(admin), Some(gateway)) = (self.admin, gateway(self.running.shared())) {
            let series = gateway.counters.series();
            write!(f, "; admin http://{admin} (at most {series} time series)")?;
        }
        Ok(())
    }
}

/// What the admin listener is asked about.
struct Watched {
    shared: Arc<Shared>,
    /// The one stage that is served.
    only: Option<String>,
}

impl admin::Subject for Watched {
    fn is_ready(&self) -> bool {
        !self.shared.is_draining()
    }

    fn metrics(&self) -> (&'static str, String) {
        let mut more = connections(&self.shared);
        let Some(gateway) = gateway(&self.shared) else {
            return (metrics::MEDIA_TYPE, String::new());
        };
        more.extend(caches(&gateway));
        more.push(counter(
            "access_log_dropped",
            "Lines of access logs that could not be written",
            vec![(Vec::new(), gateway.sinks.dropped() as f64)],
        ));
        // Writing to a string cannot fail.
        let text = metrics::text(gateway.counters.read(), more).unwrap_or_default();
        (metrics::MEDIA_TYPE, text)
    }

    fn routes(&self) -> String {
        gateway(&self.shared).map_or_else(String::new, |gateway| {
            listing::json(&listing::routes(gateway.def, self.only.as_deref()))
        })
    }
}

/// The gateway that is served at the moment. `None`: a test serves something else.
fn gateway(shared: &Shared) -> Option<Arc<Gateway>> {
    match &shared.live().app {
        App::Gateway(gateway) => Some(Arc::clone(gateway)),
        #[cfg(test)]
        App::Test(_) => None,
    }
}

fn connections(shared: &Shared) -> Vec<Family> {
    let events = &shared.events;
    let number = |count: &AtomicU64| vec![(Vec::new(), count.load(Ordering::Relaxed) as f64)];
    let refused: Vec<Sample> = [
        ("over_limit", &events.over_limit),
        ("tls_handshake", &events.handshake_failed),
        ("head_garbled", &events.head_garbled),
        ("head_too_large", &events.head_too_large),
        ("head_timeout", &events.head_timeout),
        ("stalled", &events.stalled),
    ]
    .into_iter()
    .map(|(reason, count)| {
        let labels = vec![("reason", reason.to_owned())];
        (labels, count.load(Ordering::Relaxed) as f64)
    })
    .collect();
    vec![
        counter(
            "connections",
            "Connections that were accepted",
            number(&events.accepted),
        ),
        gauge(
            "open_connections",
            "Connections open now",
            vec![(Vec::new(), shared.open_connections() as f64)],
        ),
        counter(
            "connections_ended",
            "Connections that ended badly, by reason; what is answered before a request can be read is among them",
            refused,
        ),
        counter(
            "panics",
            "Requests whose handling panicked: bugs, every one",
            number(&events.panics),
        ),
    ]
}

fn caches(gateway: &Gateway) -> [Family; 2] {
    let per_stage = |of: fn(&crate::cache::Cache) -> f64| -> Vec<Sample> {
        gateway
            .stages
            .iter()
            .filter_map(|stage| {
                let labels = vec![("stage", stage.def.name.to_owned())];
                Some((labels, of(stage.cache.as_deref()?)))
            })
            .collect()
    };
    [
        gauge(
            "cache_bytes",
            "Bytes that kept answers take",
            per_stage(|cache| cache.bytes() as f64),
        ),
        gauge(
            "cache_entries",
            "Answers that are kept, those past their time among them",
            per_stage(|cache| cache.entries() as f64),
        ),
    ]
}
