//! One request on its way, and what is known of it so far.

use std::time::Duration;

use crate::cache::Why;
use crate::clock::Nanos;
use crate::cors::Origin;
use crate::def::{ErrorDialect, RouteDef};
use crate::exchange::{Body, Exchange, FieldValue, Headers, Reply, field};
use crate::gateway::{Gateway, Operation, Stage};
use crate::refusal::Refusal;
use crate::server::Worker;
use crate::values::{Outcome, Told, Values};

/// One request on its way.
pub(crate) struct Journey<'g> {
    /// The thread it runs on.
    pub(crate) worker: &'g Worker,
    /// The gateway it came to.
    pub(crate) gateway: &'g Gateway,
    /// The request.
    pub(crate) exchange: Exchange,
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
    /// Why it went past the cache, if it did.
    pub(crate) bypassed: Option<Why>,
    /// What it was refused for, if it was.
    pub(crate) told: Option<Told>,
    /// How it went.
    pub(crate) outcome: Outcome,
    deadline: Nanos,
}

impl<'g> Journey<'g> {
    /// A request that has just been admitted.
    pub(crate) fn new(worker: &'g Worker, gateway: &'g Gateway, exchange: Exchange) -> Journey<'g> {
        Journey {
            worker,
            gateway,
            deadline: exchange.received(),
            exchange,
            stage: None,
            route: None,
            operation: None,
            canary: false,
            origin: Origin::default(),
            preflight: false,
            warns: false,
            bypassed: None,
            told: None,
            outcome: Outcome::default(),
        }
    }

    /// The call begins: it may take this long.
    pub(crate) fn set_off(&mut self, timeout: Duration) {
        self.deadline = self.worker.clock.now().plus(timeout);
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
            exchange: &self.exchange,
            clock: &self.worker.clock,
            stage: stage.map(|stage| stage.def.name),
            variables: match canary {
                Some(canary) if self.canary => Some(&canary.variables),
                _ => stage.map(|stage| &stage.variables),
            },
            canary: canary.map(|_| self.canary),
            route: self.route,
            answered,
            told: self.told,
            outcome: self.outcome,
        }
    }

    /// The answer to a refusal.
    pub(crate) fn refuse(&mut self, refusal: &Refusal) -> Reply {
        self.told = Some(self.gateway.responses.told(refusal));
        self.gateway.responses.refuse(refusal, self.values(None))
    }

    /// What every answer has, whatever became of its request.
    pub(crate) fn finish(mut self, mut reply: Reply) -> Reply {
        self.cross_origins(&mut reply.headers);
        let headers = &mut reply.headers;
        headers.remove(field::SERVER);
        self.gateway.responses.identify(&self.exchange, headers);
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
        reply
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
                    cors.apply(&Origin::of(&self.exchange), headers);
                }
            }
        }
    }
}

/// Answers to HEAD and some statuses have no body (RFC 9110 §6.4.1); that to HEAD still says how long it would be.
fn without_body(method: &str, reply: &mut Reply) {
    let none = matches!(reply.status, 100..=199 | 204 | 304);
    if none {
        reply.headers.remove(field::CONTENT_LENGTH);
    }
    if (none || method == "HEAD") && !reply.body.is_empty() {
        let length = reply.body.len().filter(|_| !none);
        reply.body = Body::empty();
        if let Some(length) = length {
            reply
                .headers
                .set(field::CONTENT_LENGTH, FieldValue::from(length));
        }
    }
}
