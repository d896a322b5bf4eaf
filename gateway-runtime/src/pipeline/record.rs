//! What is left of a request when it is answered: what is counted, and what its line in the access log needs.
//!
//! Both happen when the last byte of the answer has been handed over, or the client has stopped reading. Nothing here waits.

use std::sync::Arc;

use super::journey::variables;
use crate::clock::{Clock, Nanos};
use crate::def::RouteDef;
use crate::exchange::{Exchange, Headers, Reply};
use crate::gateway::Gateway;
use crate::observe::{CacheResult, Finished};
use crate::values::{Outcome, Told, Values};

/// What is left of a request.
pub(super) struct Record {
    pub(super) gateway: Arc<Gateway>,
    pub(super) worker: usize,
    pub(super) clock: Clock,
    pub(super) received: Nanos,
    pub(super) finished: Finished,
    /// Place of its stage among those that are served.
    pub(super) stage: Option<usize>,
    pub(super) route: Option<&'static RouteDef>,
    pub(super) canary: bool,
    pub(super) told: Option<Told>,
    pub(super) outcome: Outcome,
    /// Fields of the answer, if the log names any.
    pub(super) answered: Option<Headers>,
    /// The request, if it is logged.
    pub(super) exchange: Option<Box<Exchange>>,
}

impl Record {
    /// The same answer; when it has ended, so has the request.
    pub(super) fn follow(self, mut reply: Reply) -> Reply {
        match reply.body.whole_len() {
            Some(length) => self.end(length),
            None => {
                reply.body = reply.body.watched(move |end| self.end(end.bytes));
            }
        }
        reply
    }

    /// Counts and logs it, after so many bytes of body.
    pub(super) fn end(mut self, sent: u64) {
        let latency = self.clock.now().since(self.received);
        self.finished.latency = latency;
        self.gateway.counters.count(self.worker, &self.finished);
        let Some(exchange) = &self.exchange else {
            return;
        };
        let stage = match self.stage {
            Some(index) => self.gateway.stages.get(index),
            None => None,
        };
        let log = stage
            .or(self.gateway.stages.first())
            .and_then(|stage| stage.log.as_ref());
        let values = Values {
            gateway: self.gateway.def.name,
            exchange,
            clock: &self.clock,
            stage: stage.map(|stage| stage.def.name),
            variables: stage.map(|stage| variables(stage, self.canary)),
            canary: stage
                .and_then(|stage| stage.canary.as_ref())
                .map(|_| self.canary),
            route: self.route,
            answered: self.answered.as_ref(),
            told: self.told,
            outcome: Outcome {
                sent: Some(sent),
                latency: Some(latency),
                cache: Some(self.finished.cache.map_or("off", CacheResult::label)),
                ..self.outcome
            },
        };
        if let Some(log) = log {
            log.write(|source| values.get(source));
        }
    }
}
