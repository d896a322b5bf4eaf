//! Checks of targets: one task for each, on one worker, for as long as its back end is served.
//!
//! A check has a connection of its own: whether the target takes one is part of the question, and no bound on connections keeps it
//! from being asked. A target is well until its checks say otherwise, so that a gateway that starts serves at once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use http::Method;

use super::{Endpoint, Outgoing, Upstream, http2, link};
use crate::def::HealthDef;
use crate::exchange::{Body, FieldName, FieldValue, Headers, Target, field};
use crate::server::Worker;

const USER_AGENT: FieldName = FieldName::from_static("user-agent");
const CONNECTION: FieldName = FieldName::from_static("connection");

/// Longest time that one check may take, however long it is to the next.
const LONGEST: Duration = Duration::from_secs(5);

/// Checks the targets of a back end until it is served no more.
pub(crate) fn start(worker: &Arc<Worker>, upstream: &Arc<Upstream>) {
    let Some(def) = upstream.health() else {
        return;
    };
    for at in 0..upstream.targets().len() {
        let (worker, upstream) = (Arc::clone(worker), Arc::downgrade(upstream));
        tokio::spawn(watch(worker, upstream, at, def));
    }
}

async fn watch(worker: Arc<Worker>, upstream: Weak<Upstream>, at: usize, def: &'static HealthDef) {
    let mut row = Row::default();
    loop {
        let next = worker.clock.instant(worker.clock.now().plus(def.interval));
        {
            let Some(upstream) = upstream.upgrade() else {
                return;
            };
            let Some(target) = upstream.targets().get(at) else {
                return;
            };
            let good = check(&worker, &target.endpoint, def).await;
            if let Some(well) = row.add(good, target.standing.is_well(), def) {
                target.standing.set_well(well);
            }
        }
        tokio::time::sleep_until(next.into()).await;
    }
}

/// Checks in a row with one result.
#[derive(Debug, Default)]
struct Row {
    good: bool,
    length: u32,
}

impl Row {
    /// Adds a check; tells what the target is from now on, if that is something else.
    fn add(&mut self, good: bool, well: bool, def: &HealthDef) -> Option<bool> {
        if self.good != good {
            self.length = 0;
        }
        self.good = good;
        self.length = self.length.saturating_add(1);
        let enough = if good {
            def.healthy_after
        } else {
            def.unhealthy_after
        };
        (good != well && self.length >= enough).then_some(good)
    }
}

/// Whether a target answers well.
async fn check(worker: &Worker, endpoint: &Arc<Endpoint>, def: &HealthDef) -> bool {
    let asked = tokio::time::timeout(def.interval.min(LONGEST), ask(worker, endpoint, def)).await;
    asked.is_ok_and(|status| status.is_some_and(|status| (200..400).contains(&status)))
}

async fn ask(worker: &Worker, endpoint: &Arc<Endpoint>, def: &HealthDef) -> Option<u16> {
    let target = endpoint.join(Target::parse(def.path).ok()?).ok()?;
    let mut headers = Headers::new();
    headers.set(field::HOST, endpoint.authority());
    headers.set(USER_AGENT, FieldValue::from_static("gateway-health-check"));
    headers.set(CONNECTION, FieldValue::from_static("close"));
    let mut outgoing = Outgoing {
        method: Method::GET,
        target,
        headers,
        body: Body::empty(),
        tunnel: Body::empty(),
        interim: None,
    };
    if endpoint.http2(worker.index).is_some() {
        return http2::ask_apart(worker, endpoint, &mut outgoing).await.ok();
    }
    let mut link = link::connect_apart(worker, endpoint).await.ok()?;
    let head = link.send(&mut outgoing).await.ok()?;
    Some(head.status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_row_of_checks_changes_the_opinion() {
        let def = HealthDef {
            path: "/",
            interval: Duration::from_secs(5),
            unhealthy_after: 3,
            healthy_after: 2,
        };
        // `g` good, `b` bad; the target's state after each.
        for (checks, expected) in [
            ("ggg", "www"),
            ("bbb", "wwx"),
            ("bbgbbgbb", "wwwwwwww"),
            ("bbbbgbgg", "wwxxxxxw"),
            ("bbbggbbb", "wwxxwwwx"),
        ] {
            let (mut row, mut well) = (Row::default(), true);
            let told: String = checks
                .chars()
                .map(|check| {
                    well = row.add(check == 'g', well, &def).unwrap_or(well);
                    if well { 'w' } else { 'x' }
                })
                .collect();
            assert_eq!(told, expected, "{checks}");
        }
    }
}
