//! What is left of a request when it is answered: what is counted, and what its line in the access log needs.
//!
//! Both happen when the last byte of the answer has been handed over, or the client has stopped reading. Nothing here waits.

use super::journey::variables;
use crate::clock::Clock;
use crate::def::RouteDef;
use crate::exchange::{Exchange, Headers};
use crate::gateway::Gateway;
use crate::observe::{CacheResult, Finished};
use crate::refusal::Faults;
use crate::values::{Outcome, Told, Values};

/// What is left of a request.
pub(super) struct Record {
    pub(super) finished: Finished,
    /// Place of its stage among those that are served.
    pub(super) stage: Option<usize>,
    pub(super) route: Option<&'static RouteDef>,
    pub(super) canary: bool,
    pub(super) told: Option<Told>,
    pub(super) faults: Option<Box<Faults>>,
    pub(super) outcome: Outcome,
}

impl Record {
    /// Counts and logs it, after so many bytes of body. `answered` are the answer's fields, if the log names any.
    pub(super) fn end(
        mut self,
        gateway: &Gateway,
        worker: usize,
        clock: &Clock,
        exchange: &Exchange,
        answered: Option<&Headers>,
        sent: u64,
    ) {
        let latency = clock.now().since(exchange.received());
        self.finished.latency = latency;
        gateway.counters.count(worker, &self.finished);
        let stage = match self.stage {
            Some(index) => gateway.stages.get(index),
            None => None,
        };
        // What reached no stage is logged with the first one, so that it is not lost.
        let log = stage
            .or(gateway.stages.first())
            .and_then(|stage| stage.log.as_ref());
        let Some(log) = log else {
            return;
        };
        let values = Values {
            gateway: gateway.def.name,
            exchange,
            clock,
            stage: stage.map(|stage| stage.def.name),
            variables: variables(gateway, stage, self.canary),
            canary: stage
                .and_then(|stage| stage.canary.as_ref())
                .map(|_| self.canary),
            route: self.route,
            answered,
            told: self.told,
            faults: self.faults.as_deref(),
            outcome: Outcome {
                cut: self.finished.cut,
                sent: Some(sent),
                latency: Some(latency),
                cache: Some(self.finished.cache.map_or("off", CacheResult::label)),
                ..self.outcome
            },
        };
        log.write(worker, |source| values.get(source));
    }
}
