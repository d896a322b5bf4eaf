//! A gateway with all that belongs to it: workers, admin listener, access logs, signals.
//!
//! What [`crate::main`] runs, and what a program that embeds a gateway starts. Nothing here is `async`: the caller's runtime, if
//! it has one, is not used.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::client::Standing;
use crate::clock::{Clock, Nanos};
use crate::def::GatewayDef;
use crate::gateway::Gateway;
use crate::observe::metrics::{self, Family, Sample, counter, gauge};
use crate::server::{self, App, Inherited, Offer, Running, Shared};
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
    let gateway = match Gateway::start(def, &settings, &clock) {
        Ok(gateway) if faults.is_empty() => gateway,
        Ok(_) => return Err(faults),
        Err(found) => {
            faults.extend(found);
            faults.extend(tls_fault(&settings));
            return Err(faults);
        }
    };
    let mut inherited = match &settings.hand_over {
        Some(file) => Inherited::ask(file).map_err(|fault| vec![fault])?,
        None => None,
    };
    let running = server::serve(gateway, &settings, &clock, inherited.as_mut())?;
    let subject = Watched {
        shared: Arc::clone(running.shared()),
        clock: clock.clone(),
        only: settings.stage.clone(),
    };
    let admin = settings.admin.map(|address| {
        let claimed = inherited
            .as_mut()
            .and_then(|inherited| inherited.claim(address).pop());
        let (token, hosts) = (settings.admin_token.as_ref(), &settings.admin_hosts);
        let phase = running.shared().phase();
        admin::start(address, claimed, token, hosts, Arc::new(subject), phase)
    });
    let started = admin.transpose().and_then(|admin| {
        let address = admin.as_ref().and_then(|admin| admin.local_addr().ok());
        if let Some(inherited) = inherited {
            inherited.serving();
        }
        if let Some(file) = &settings.hand_over {
            let mut sockets = running.take_sockets();
            sockets.extend(admin);
            Offer::start(file, sockets, running.shared().clone())?;
        }
        Ok(address)
    });
    match started {
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
    faults.extend(tls_fault(settings));
    faults
}

fn tls_fault(settings: &Settings) -> Option<StartFault> {
    let (certificate, key) = settings.tls.as_ref()?;
    ServerTls::load(certificate, key).err()
}

impl Serving {
    /// A word for who starts it, if it cannot do all that its document allows.
    pub fn shortage(&self) -> Option<String> {
        self.running.shared().shortage(self.settings.workers)
    }

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
            let series = gateway.series();
            write!(f, "; admin http://{admin} (at most {series} time series)")?;
        }
        Ok(())
    }
}

/// What the admin listener is asked about.
struct Watched {
    shared: Arc<Shared>,
    clock: Clock,
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
        more.extend(upstreams(&gateway, self.clock.now()));
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
        ("gave_way", &events.gave_way),
        ("tls_handshake", &events.handshake_failed),
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
            "Connections that ended badly, by reason",
            refused,
        ),
        counter(
            "accept_failures",
            "How often a connection could not be accepted, for want of descriptors or memory",
            number(&events.not_accepted),
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

/// What is known of the targets of back ends, and what breakers refused. Back ends that stages make of different variables have one
/// name: their numbers are summed, and a target is up where all of them have it so.
fn upstreams(gateway: &Gateway, now: Nanos) -> Vec<Family> {
    type Of = fn(&Standing) -> &AtomicU64;
    type ByTarget<'g> = BTreeMap<(&'g str, &'g str), f64>;
    let targets = || {
        gateway.upstreams.iter().flat_map(|upstream| {
            let targets = upstream.targets().iter();
            targets.map(|t| ((upstream.name(), t.label.as_str()), &t.standing))
        })
    };
    let samples = |values: ByTarget<'_>, second: &'static str| -> Vec<Sample> {
        let label = |((name, other), value): ((&str, &str), f64)| {
            let labels = vec![("upstream", name.to_owned()), (second, other.to_owned())];
            (labels, value)
        };
        values.into_iter().map(label).collect()
    };
    let counted: [(&'static str, &'static str, Of); 4] = [
        (
            "upstream_requests",
            "Requests to a target of a back end",
            |standing| &standing.requests,
        ),
        (
            "upstream_failures",
            "Requests that a target failed: no answer, or one with 500 and above",
            |standing| &standing.failed,
        ),
        (
            "upstream_retries",
            "Requests to a target that had been tried before",
            |standing| &standing.retries,
        ),
        (
            "upstream_ejections",
            "How often a target was left alone for a while",
            |standing| &standing.ejections,
        ),
    ];
    let mut families: Vec<Family> = counted
        .into_iter()
        .map(|(name, help, of)| {
            let mut sums = ByTarget::new();
            for (key, standing) in targets() {
                *sums.entry(key).or_default() += of(standing).load(Ordering::Relaxed) as f64;
            }
            counter(name, help, samples(sums, "target"))
        })
        .collect();
    let mut up = ByTarget::new();
    for (key, standing) in targets() {
        let is_up = standing.is_well() && !standing.is_ejected(now);
        let all = up.entry(key).or_insert(1.0);
        *all = f64::min(*all, f64::from(u8::from(is_up)));
    }
    families.push(gauge(
        "upstream_up",
        "Whether a target passes its checks and is not left alone",
        samples(up, "target"),
    ));
    let mut refused = ByTarget::new();
    for upstream in &gateway.upstreams {
        for (limit, count) in upstream.refused() {
            *refused.entry((upstream.name(), limit)).or_default() += count as f64;
        }
    }
    families.push(counter(
        "upstream_refusals",
        "Requests that a breaker refused, by the bound they would have passed",
        samples(refused, "limit"),
    ));
    families
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;
    use crate::listing::tests::LISTED;
    use crate::settings::AccessLogTo;

    fn local() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 0))
    }

    /// Status and body of a request of its own connection.
    fn get(address: SocketAddr, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].to_owned(), body.to_owned())
    }

    #[test]
    fn from_start_to_end() {
        let folder = std::env::temp_dir().join(format!("gateway-serve-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let log = folder.join("access.log");
        let settings = Settings {
            listen: vec![local()],
            admin: Some(local()),
            workers: 2,
            drain: Duration::from_secs(5),
            access_log: AccessLogTo::File(log.clone()),
            ..Settings::default()
        };
        let serving = start(&LISTED, settings)
            .map_err(|faults| faults.len())
            .unwrap();
        let (address, admin) = (serving.addresses()[0], serving.admin_address().unwrap());
        let shown = serving.to_string();
        assert!(
            shown.contains(&address.to_string()) && shown.contains(&admin.to_string()),
            "{shown}"
        );

        // The operation answers with the table's filler, which is enough to be seen.
        assert_eq!(get(address, "/dev/books/7").0, "500");
        assert_eq!(get(address, "/dev/nowhere").0, "404");
        // No path leads from one listener to the other.
        assert_eq!(get(address, "/metrics").0, "404");
        assert_eq!(get(admin, "/dev/books/7").0, "404");

        assert_eq!(get(admin, "/readyz").0, "200");
        let (status, routes) = get(admin, "/routes");
        assert_eq!(
            (status.as_str(), routes),
            ("200", listing::json(&listing::routes(&LISTED, None)))
        );
        let (status, metrics) = get(admin, "/metrics");
        assert_eq!(status, "200");
        for line in [
            "gateway_requests_total{stage=\"dev\",operation=\"getBook\",status=\"5xx\"} 1",
            "gateway_requests_total{stage=\"dev\",operation=\"\",status=\"4xx\"} 1",
            "gateway_refusals_total{reason=\"not_found\"} 1",
            "gateway_access_log_dropped_total 0",
            "gateway_panics_total 0",
        ] {
            assert!(
                metrics.lines().any(|l| l == line),
                "{line} is not in\n{metrics}"
            );
        }
        for text in [&metrics, &get(admin, "/routes").1] {
            assert!(!text.contains("hunter2"), "{text}");
        }

        serving
            .replace(&LISTED)
            .map_err(|faults| faults.len())
            .unwrap();
        assert_eq!(get(address, "/dev/books/7").0, "500");
        let unready = Arc::new(Watched {
            shared: Arc::clone(serving.running.shared()),
            clock: serving.clock.clone(),
            only: None,
        });
        assert!(admin::Subject::is_ready(&*unready));
        serving.drain();
        assert!(!admin::Subject::is_ready(&*unready));
        serving.wait();
        assert!(TcpStream::connect(address).is_err());
        let lines = std::fs::read_to_string(&log).unwrap();
        // Lines of two workers come in either order.
        let logged = lines.lines().any(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["path"] == "/dev/books/7" && line["status"] == 500
        });
        assert!(logged, "{lines}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_admin_address_in_use_ends_the_start() {
        let taken = std::net::TcpListener::bind(local()).unwrap();
        let settings = Settings {
            listen: vec![local()],
            admin: Some(taken.local_addr().unwrap()),
            workers: 1,
            drain: Duration::ZERO,
            ..Settings::default()
        };
        let Err(faults) = start(&LISTED, settings) else {
            panic!("it started");
        };
        assert_eq!(faults.len(), 1);
        assert!(faults[0].help.contains("--admin"), "{}", faults[0]);
    }
}
