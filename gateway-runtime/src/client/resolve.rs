//! Names of back ends: the system's resolver, asked at most once per [`FRESH`] and by one request at a time.
//!
//! Addresses that were good a moment ago are kept while the resolver fails ([`STALE`]), so that its outage is not ours.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::{Endpoint, UpstreamFault};
use crate::clock::Nanos;
use crate::server::Worker;

/// How long an answer is used: short enough that a moved back end is found again soon.
const FRESH: Duration = Duration::from_secs(30);
/// How long an answer is used while the resolver fails.
const STALE: Duration = Duration::from_secs(300);
/// How long a failure is believed, so that a flood of requests is not a flood of look-ups.
const FAILED: Duration = Duration::from_secs(1);
/// Most addresses of one name.
const MOST: usize = 16;

/// What is known of a back end's name.
#[derive(Default)]
pub(super) struct Names {
    known: Mutex<Known>,
    /// Held by the request that asks the resolver; shared by all workers.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    addresses: Option<Arc<[SocketAddr]>>,
    asked: Nanos,
    ask_again: Nanos,
}

impl Names {
    pub(super) fn new() -> Names {
        Names::default()
    }

    fn fresh(&self, now: Nanos) -> Option<Result<Arc<[SocketAddr]>, UpstreamFault>> {
        let known = self.known.lock();
        if now >= known.ask_again {
            return None;
        }
        Some(match &known.addresses {
            Some(addresses) => Ok(addresses.clone()),
            None => Err(UpstreamFault::Unresolved),
        })
    }

    fn learn(&self, now: Nanos, answer: Option<Arc<[SocketAddr]>>) {
        let mut known = self.known.lock();
        match answer {
            Some(addresses) => {
                known.addresses = Some(addresses);
                known.asked = now;
                known.ask_again = now.plus(FRESH);
            }
            None => {
                if now.since(known.asked) >= STALE {
                    known.addresses = None;
                }
                known.ask_again = now.plus(FAILED);
            }
        }
    }

    /// Puts an address that took a connection first, so that a dead one among several costs one attempt and not one a request.
    pub(super) fn prefer(&self, address: SocketAddr) {
        let mut known = self.known.lock();
        if let Some(addresses) = &known.addresses
            && addresses.first() != Some(&address)
        {
            let rest = addresses.iter().copied().filter(|other| *other != address);
            known.addresses = Some(std::iter::once(address).chain(rest).collect());
        }
    }
}

/// The addresses of a back end that may be called. Never empty.
pub(super) async fn addresses(
    worker: &Worker,
    endpoint: &Endpoint,
) -> Result<Arc<[SocketAddr]>, UpstreamFault> {
    if let Ok(address) = endpoint.host().parse::<IpAddr>() {
        return if endpoint.admits(address) {
            Ok(Arc::new([SocketAddr::new(address, endpoint.port())]))
        } else {
            Err(UpstreamFault::Unresolved)
        };
    }
    let names = endpoint.names();
    if let Some(known) = names.fresh(worker.clock.now()) {
        return known;
    }
    let asking = names.asking.lock().await;
    let now = worker.clock.now();
    if let Some(known) = names.fresh(now) {
        return known;
    }
    let answer = tokio::net::lookup_host((endpoint.host(), endpoint.port())).await;
    let addresses: Arc<[SocketAddr]> = answer
        .into_iter()
        .flatten()
        .filter(|address| endpoint.admits(address.ip()))
        .take(MOST)
        .collect();
    names.learn(now, (!addresses.is_empty()).then_some(addresses));
    drop(asking);
    names.fresh(now).unwrap_or(Err(UpstreamFault::Unresolved))
}
