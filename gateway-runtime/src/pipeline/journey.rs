//! One request on its way, and what is known of it so far.

use std::sync::Arc;
use std::time::Duration;

use super::record::Record;
use crate::cache::Unkept;
use crate::client::Tries;
use crate::clock::Nanos;
use crate::cors::Origin;
use crate::def::{ErrorDialect, RouteDef};
use crate::exchange::{Body, BodyFault, Exchange, FieldValue, Headers, Reply, field};
use crate::gateway::{Gateway, Operation, Stage};
use crate::observe::{AccessLog, CacheResult, Finished};
use crate::refusal::{Faults, Refusal};
use crate::server::Worker;
use crate::values::{Outcome, Told, Values, Variables};

/// One request on its way.
pub(crate) struct Journey<'g> {
    /// The thread it runs on.
    pub(crate) worker: &'g Worker,
    /// The gateway it came to.
    pub(crate) gateway: &'g Arc<Gateway>,
    /// The request.
    pub(crate) exchange: &'g mut Exchange,
    /// Its stage.
    pub(crate) stage: Option<&'g Stage>,
    /// Its row in the routing table.
    pub(crate) route: Option<&'static RouteDef>,
    /// Its operation.
    pub(crate) operation: Option<&'g Operation>,
    /// Whether it is the canary's.
    pub(crate) canary: bool,
    /// Its origin, where its operation has cross-origin rules.
    pub(crate) origin: Origin,
    /// Whether it was a preflight and is answered as one.
    pub(crate) preflight: bool,
    /// Whether its wish for a fresh answer was ignored and it is told so.
    pub(crate) warns: bool,
    /// What the cache did; `None`: it was not asked.
    pub(crate) cache: Option<CacheResult>,
    /// Why the back end's answer may not be kept, by its own head.
    pub(crate) forbidden: Option<Unkept>,
    /// What it was refused for, if it was.
    pub(crate) told: Option<Told>,
    /// What of it, or of its answer, is not what the document says.
    pub(crate) faults: Option<Box<Faults>>,
    /// How it went.
    pub(crate) outcome: Outcome,
    /// How often its back end was asked again.
    pub(crate) tries: Tries,
    /// What it was refused for, by its place among the reasons.
    refusal: Option<usize>,
    set_off: Nanos,
    deadline: Nanos,
}

impl<'g> Journey<'g> {
    /// A request that has just been admitted.
    pub(crate) fn new(
        worker: &'g Worker,
        gateway: &'g Arc<Gateway>,
        exchange: &'g mut Exchange,
    ) -> Journey<'g> {
        Journey {
            worker,
            gateway,
            set_off: exchange.received(),
            deadline: exchange.received(),
            exchange,
            stage: None,
            route: None,
            operation: None,
            canary: false,
            origin: Origin::default(),
            preflight: false,
            warns: false,
            cache: None,
            forbidden: None,
            refusal: None,
            told: None,
            faults: None,
            outcome: Outcome::default(),
            tries: Tries::default(),
        }
    }

    /// The call begins: it may take this long. `waited`: something may have been waited for since the request came.
    pub(crate) fn set_off(&mut self, timeout: Duration, waited: bool) {
        if waited {
            self.set_off = self.worker.clock.now();
        }
        self.deadline = self.set_off.plus(timeout);
    }

    /// When the call began.
    pub(crate) fn set_off_at(&self) -> Nanos {
        self.set_off
    }

    /// When the back end must have answered.
    pub(crate) fn deadline(&self) -> Nanos {
        self.deadline
    }

    /// What expressions find, with the fields of an answer where there is one.
    pub(crate) fn values<'v>(&'v self, answered: Option<&'v Headers>) -> Values<'v> {
        let stage = self.stage;
        let canary = stage.and_then(|stage| stage.canary.as_ref());
        Values {
            gateway: self.gateway.def.name,
            exchange: self.exchange,
            clock: &self.worker.clock,
            stage: stage.map(|stage| stage.def.name),
            variables: variables(self.gateway, stage, self.canary),
            canary: canary.map(|_| self.canary),
            route: self.route,
            answered,
            told: self.told,
            faults: self.faults.as_deref(),
            outcome: Outcome {
                cache: Some(self.cache.map_or("off", CacheResult::label)),
                ..self.outcome
            },
        }
    }

    /// Where its line goes. What reached no stage is logged with the first one, so that it is not lost.
    fn log(&self) -> Option<&'g AccessLog> {
        let stage = self.stage.or(self.gateway.stages.first())?;
        stage.log.as_ref()
    }

    /// The answer to a refusal.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) -> Reply {
        self.told = Some(self.gateway.responses.told(refusal));
        self.refusal = Some(refusal.index());
        if let Some(faults) = refusal.faults() {
            self.faults = Some(Box::new(faults.clone()));
        }
        self.gateway.responses.refuse(refusal, self.values(None))
    }

    /// What every answer has, whatever became of its request.
    pub(super) fn finish(mut self, mut reply: Reply) -> Reply {
        self.cross_origins(&mut reply.headers);
        let headers = &mut reply.headers;
        headers.remove(field::SERVER);
        self.gateway.responses.identify(self.exchange, headers);
        if self.gateway.def.errors == ErrorDialect::Aws
            && !reply.body.is_empty()
            && !headers.contains(field::CONTENT_TYPE)
        {
            // Amazon's gateways say so of every body that says nothing of itself.
            headers.set(
                field::CONTENT_TYPE,
                FieldValue::from_static("application/json"),
            );
        }
        without_body(self.exchange.method(), &mut reply);
        self.outcome.status = Some(reply.status);
        match reply.body.whole_len() {
            // All of it is here: its end is as good as reached.
            Some(length) => self.end(&reply.headers, length),
            None => self.follow(&mut reply),
        }
        reply
    }

    /// The client has gone away before there was an answer.
    pub(super) fn abandon(&mut self) {
        let refusal = Refusal::ClientGone;
        let told = self.gateway.responses.told(&refusal);
        self.told = Some(told);
        self.refusal = Some(refusal.index());
        self.outcome.status = Some(told.answer.status);
        self.end(&Headers::new(), 0);
    }

    fn end(&mut self, answered: &Headers, sent: u64) {
        self.record().end(
            self.gateway,
            self.worker.index,
            &self.worker.clock,
            self.exchange,
            Some(answered),
            sent,
        );
    }

    /// Has the request counted and logged when its answer's body ends.
    fn follow(&mut self, reply: &mut Reply) {
        let mut record = self.record();
        let (gateway, clock) = (Arc::clone(self.gateway), self.worker.clock.clone());
        let worker = self.worker.index;
        let answered = self
            .log()
            .filter(|log| log.needs_answer_fields())
            .map(|_| reply.headers.clone());
        let exchange = Box::new(self.exchange.take());
        let body = std::mem::take(&mut reply.body);
        reply.body = body.watched(move |end| {
            record.finished.cut = end.fault.and_then(BodyFault::cut);
            record.end(
                &gateway,
                worker,
                &clock,
                &exchange,
                answered.as_ref(),
                end.bytes,
            );
        });
    }

    /// What is counted and logged of it.
    fn record(&mut self) -> Record {
        Record {
            finished: Finished {
                stage: self.stage.map(|stage| stage.index),
                operation: self.operation.map(|operation| operation.index),
                status: self.outcome.status.unwrap_or_default(),
                latency: Duration::ZERO,
                upstream: self.outcome.upstream_latency,
                cache: self.cache,
                refusal: self.refusal,
                cut: None,
                tries: self.tries,
                invalid: self.outcome.invalid,
            },
            stage: self.stage.and_then(|stage| {
                self.gateway
                    .stages
                    .iter()
                    .position(|other| std::ptr::eq(other, stage))
            }),
            route: self.route,
            canary: self.canary,
            told: self.told,
            faults: self.faults.take(),
            outcome: self.outcome,
        }
    }

    /// Cross-origin fields: of the operation, or, where none was reached, the gateway's own.
    fn cross_origins(&self, headers: &mut Headers) {
        if self.preflight {
            return;
        }
        match self.operation {
            Some(operation) => {
                if let Some(cors) = &operation.cors {
                    cors.apply(&self.origin, headers);
                }
            }
            None => {
                if let Some(cors) = &self.gateway.cors {
                    cors.apply(&Origin::of(self.exchange), headers);
                }
            }
        }
    }
}

/// The variables that a request sees, once its stage is known those of that too.
pub(super) fn variables<'g>(
    gateway: &'g Gateway,
    stage: Option<&'g Stage>,
    canary: bool,
) -> &'g Variables {
    let Some(stage) = stage else {
        return &gateway.parameters;
    };
    match &stage.canary {
        Some(variant) if canary => &variant.variables,
        _ => &stage.variables,
    }
}

/// Answers to HEAD and some statuses have no body (RFC 9110 §6.4.1); that to HEAD still says how long it would be.
fn without_body(method: &str, reply: &mut Reply) {
    // 101 has no body either, but what both sides say from then on.
    let none = matches!(reply.status, 100 | 102..=199 | 204 | 304);
    if none {
        reply.headers.remove(field::CONTENT_LENGTH);
    }
    if (none || method == "HEAD") && !reply.body.is_empty() {
        let length = reply.body.len().filter(|_| !none);
        reply.body = Body::empty();
        if let Some(length) = length {
            reply.headers.set_number(field::CONTENT_LENGTH, length);
        }
    }
}
