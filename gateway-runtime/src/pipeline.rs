//! The life of a request: [`steps`] is the table of contents of everything a gateway does.
//!
//! The order is part of the product; a test names each neighbouring pair that matters. A step either lets the request pass,
//! answers it, or refuses it; what is refused is answered here, in one place, by [`crate::respond`].
//! Invariants: every request gets exactly one answer, with its id and its cross-origin fields on it, whatever became of it;
//! what a step decided stands in the [`Journey`], so that the answer, the log and the counters speak of the same request.
//!
//! Absent on purpose: what steps do. Each is a few lines that ask the module that knows.

mod journey;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::cache::policy::CONDITIONS;
use crate::cache::{Fill, Found, Kept, Plan, Why};
use crate::cors::{self, Origin};
use crate::def::{AccessDef, CredentialDef, ParameterPlace};
use crate::exchange::{Exchange, FieldValue, Params, Reply, field};
use crate::gateway::Gateway;
use crate::integration::passed_before;
use crate::observe::CacheResult;
use crate::refusal::{Refusal, Spent};
use crate::route::Found as Route;
use crate::server::Worker;
use crate::throttle::{Standing, Taken};
use crate::validate::Validation;

pub(crate) use journey::Journey;

/// Answers a request, or says why it was not admitted.
pub(crate) async fn handle<'g>(
    worker: &'g Worker,
    gateway: &'g Arc<Gateway>,
    exchange: &'g mut Exchange,
    admitted: Result<(), Refusal>,
) -> Reply {
    let mut underway = Underway(Some(Journey::new(worker, gateway, exchange)));
    let Some(journey) = &mut underway.0 else {
        return Reply::new(500);
    };
    let answered = match admitted {
        Ok(()) => steps(journey).await,
        Err(refusal) => Err(refusal),
    };
    let reply = answered.unwrap_or_else(|refusal| journey.refuse(&refusal));
    match underway.0.take() {
        Some(journey) => journey.finish(reply),
        None => reply,
    }
}

/// A request that is not answered yet. If it is dropped before, its client has gone away, and that is counted and logged too.
struct Underway<'g>(Option<Journey<'g>>);

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        // After a panic the server comes back with a refusal for this request, which is then counted.
        if let Some(journey) = &mut self.0
            && !std::thread::panicking()
        {
            journey.abandon();
        }
    }
}

/// The life of a request that was admitted, in its order.
async fn steps(j: &mut Journey<'_>) -> Result<Reply, Refusal> {
    pass_once(j)?;
    enter_stage(j)?;
    if let Some(reply) = answer_preflight(j) {
        return Ok(reply);
    }
    find_operation(j)?;
    {
        // Not kept over what waits.
        let mut taken = Taken::default();
        throttle_address(j, &mut taken)?;
        require_credentials(j)?;
        throttle(j, &mut taken)?;
    }
    limit_body(j)?;
    validate(j).await?;
    let mut reply = match look_up(j).await? {
        Cached::Hit(reply) => reply,
        Cached::Miss(fill) => keep(fill, j).await?,
    };
    edit_answer(j, &mut reply);
    Ok(reply)
}

/// A request that went through this gateway before would go through it for ever.
fn pass_once(j: &Journey<'_>) -> Result<(), Refusal> {
    match passed_before(j.exchange, j.gateway.def.name) {
        true => Err(Refusal::Loop),
        false => Ok(()),
    }
}

/// Finds the stage, and whether the request is its canary's.
fn enter_stage(j: &mut Journey<'_>) -> Result<(), Refusal> {
    let found = j.gateway.stage(j.exchange);
    let (index, prefix) = found.ok_or(Refusal::StageUnknown)?;
    let stage = j.gateway.stages.get(index).ok_or(Refusal::StageUnknown)?;
    j.exchange.enter(prefix);
    j.canary = match &stage.canary {
        Some(canary) => canary.takes(fastrand::u32(..)),
        None => false,
    };
    j.stage = Some(stage);
    Ok(())
}

/// A preflight asks about another request: the rules are those of the operation that one would reach, else the gateway's own.
/// It comes before the route, since no operation has to declare `OPTIONS` for it.
fn answer_preflight(j: &mut Journey<'_>) -> Option<Reply> {
    let method = cors::preflight_method(j.exchange)?;
    let cors = match j.gateway.router.find(method, j.exchange.local_path()) {
        Route::Route(found) => j.stage?.operations.get(found.route)?.cors.as_ref()?,
        Route::OtherMethods(_) | Route::Nothing => j.gateway.cors.as_ref()?,
    };
    j.preflight = true;
    Some(cors.preflight(j.exchange))
}

/// Finds the operation, and the parameters of its path.
fn find_operation(j: &mut Journey<'_>) -> Result<(), Refusal> {
    let stage = j.stage.ok_or(Refusal::StageUnknown)?;
    let router = &j.gateway.router;
    let found = match router.find(j.exchange.method(), j.exchange.local_path()) {
        Route::Route(found) => found,
        Route::Nothing => return Err(Refusal::NotFound),
        Route::OtherMethods(methods) => {
            return Err(Refusal::MethodNotAllowed {
                allow: methods.join(", "),
            });
        }
    };
    j.route = j.gateway.def.routes.get(found.route);
    let path = j.route.map_or("", |route| route.path);
    j.exchange.set_params(Params::new(path, found.spans));
    j.operation = stage.operations.get(found.route);
    let operation = j.operation.ok_or(Refusal::NotFound)?;
    if operation.cors.is_some() {
        j.origin = Origin::of(j.exchange);
    }
    Ok(())
}

/// Buckets per client address come before anything is asked about the caller, so that a flood of guesses is met first.
fn throttle_address<'g>(j: &Journey<'g>, taken: &mut Taken<'g>) -> Result<(), Refusal> {
    let operation = j.operation.ok_or(Refusal::Internal)?;
    let clock = &j.worker.clock;
    operation
        .throttles
        .take_per_address(taken, j.exchange, clock, j.exchange.received())
        .map_err(throttled)
}

/// Credentials that the gateway is told to miss. It does not judge them: that is the back end's.
fn require_credentials(j: &Journey<'_>) -> Result<(), Refusal> {
    let operation = j.operation.ok_or(Refusal::Internal)?;
    let AccessDef::Delegated(alternatives) = operation.def.access else {
        return Ok(());
    };
    let mut missing = None;
    for together in alternatives {
        let absent = together
            .iter()
            .find(|credential| credential.required && !presents(j.exchange, credential));
        match absent {
            None => return Ok(()),
            Some(credential) => missing = missing.or(Some(*credential)),
        }
    }
    missing.map_or(Ok(()), |credential| Err(Refusal::Unauthorized(credential)))
}

fn presents(exchange: &Exchange, credential: &CredentialDef) -> bool {
    let name = credential.name;
    match credential.place {
        ParameterPlace::Header => exchange.header(name).is_some_and(|value| !value.is_empty()),
        ParameterPlace::Query => exchange.query_values(name).any(|value| !value.is_empty()),
        ParameterPlace::Cookie => exchange.cookie(name).is_some_and(|value| !value.is_empty()),
        ParameterPlace::Path => exchange.param(name).is_some(),
    }
}

/// All other buckets: the stage's, the operation's, those keyed by something in the request.
fn throttle<'g>(j: &Journey<'g>, taken: &mut Taken<'g>) -> Result<(), Refusal> {
    let operation = j.operation.ok_or(Refusal::Internal)?;
    let bucket = j.stage.and_then(|stage| stage.bucket.as_ref());
    operation
        .throttles
        .take(
            taken,
            bucket,
            j.exchange,
            &j.worker.clock,
            j.exchange.received(),
        )
        .map_err(throttled)
}

fn throttled(standing: Standing) -> Refusal {
    Refusal::Throttled(Spent {
        limit: standing.limit(),
        window: standing.window(),
        remaining: standing.remaining(),
        retry_after: standing.retry_after(),
    })
}

/// Refuses a body that says it is too long, and holds every other one to the same limit while it is read.
fn limit_body(j: &mut Journey<'_>) -> Result<(), Refusal> {
    let operation = j.operation.ok_or(Refusal::Internal)?;
    let most = operation
        .policy
        .body_limit
        .unwrap_or(j.gateway.def.limits.body);
    if j.exchange
        .content_length()
        .is_some_and(|length| length > most)
    {
        return Err(Refusal::BodyTooLarge);
    }
    j.exchange.limit_body(most);
    Ok(())
}

/// Holds parameters and body to what the document says of them.
async fn validate(j: &mut Journey<'_>) -> Result<(), Refusal> {
    let Some(validation) = j.operation.and_then(|o| o.validation.as_deref()) else {
        return Ok(());
    };
    validation.params(j)?;
    if validation.gathers() {
        // Large, and needed where there is a body to check: other requests do not carry it.
        Box::pin(validation.body(j)).await?;
    }
    Ok(())
}

/// What the cache has for a request.
enum Cached {
    /// The answer.
    Hit(Reply),
    /// Nothing; perhaps the right to keep what is answered.
    Miss(Option<Fill>),
}

/// Looks for an answer that was kept. Of equal requests one goes on, the others wait here for what it gets.
async fn look_up(j: &mut Journey<'_>) -> Result<Cached, Refusal> {
    let (Some(stage), Some(operation)) = (j.stage, j.operation) else {
        return Ok(Cached::Miss(None));
    };
    let (Some(cache), Some(caching)) = (&stage.cache, &operation.caching) else {
        return Ok(Cached::Miss(None));
    };
    let apart = j.canary
        && stage
            .canary
            .as_ref()
            .is_some_and(|canary| !canary.shared_cache);
    let now = j.exchange.received();
    let found = match caching.plan(j.exchange, apart) {
        Plan::Refuse => return Err(Refusal::CacheControlRefused),
        Plan::Bypass(why) => {
            j.cache = Some(CacheResult::Bypass(why));
            return Ok(Cached::Miss(None));
        }
        Plan::Refresh(key) => Err(Some(cache.refresh(key))),
        Plan::Use { key, warn, fill } => {
            j.warns = warn;
            match fill {
                false => match cache.peek(&key, now) {
                    Some(entry) => Ok(entry),
                    None => {
                        j.cache = Some(CacheResult::Bypass(Why::Head));
                        return Ok(Cached::Miss(None));
                    }
                },
                true => match cache.look_up(key, now) {
                    Found::Hit(entry) => Ok(entry),
                    Found::Miss(fill) => Err(Some(fill)),
                    // Whoever leads may leave, and the next, and each has its own deadline.
                    Found::Wait(waiter) => {
                        match tokio::time::timeout(operation.policy.timeout, waiter.wait()).await {
                            Ok(found) => found.map_err(Some),
                            Err(_) => Err(None),
                        }
                    }
                },
            }
        }
    };
    Ok(match found {
        Ok(entry) => {
            j.cache = Some(CacheResult::Hit);
            Cached::Hit(entry.reply())
        }
        Err(fill) => {
            j.cache = Some(CacheResult::Miss);
            Cached::Miss(fill)
        }
    })
}

/// Calls, and keeps the answer where there is a right to.
async fn keep(fill: Option<Fill>, j: &mut Journey<'_>) -> Result<Reply, Refusal> {
    let operation = j.operation.ok_or(Refusal::Internal)?;
    let validation = operation.validation.as_deref();
    let waited = operation.caching.is_some() || validation.is_some_and(Validation::gathers);
    j.set_off(operation.policy.timeout, waited);
    let (Some(fill), Some(caching)) = (fill, &operation.caching) else {
        return call(j).await;
    };
    // The answer would be for this client's own copy, and what is kept is for everyone.
    for name in CONDITIONS {
        j.exchange.remove_header(name);
    }
    let until = j.worker.clock.instant(j.deadline()).into();
    let room = &j.gateway.room;
    let answered = async {
        let reply = call(j).await?;
        Ok((reply, j.forbidden))
    };
    // Large, and needed by misses of a cache alone: other requests do not carry it.
    let (reply, kept) = Box::pin(fill.run(caching, until, room, answered)).await?;
    if let Kept::No(why) = kept {
        j.cache = Some(CacheResult::Unkept(why));
    }
    Ok(reply)
}

/// Maps the request, calls what answers it, maps the answer, and holds that to the document where it asks for it.
async fn call(j: &mut Journey<'_>) -> Result<Reply, Refusal> {
    let operation = j.operation.ok_or(Refusal::Internal)?;
    let Some(validation) = operation
        .validation
        .as_deref()
        .filter(|validation| validation.checks_answers())
    else {
        return operation.integration.call(j).await;
    };
    // What is compressed cannot be checked.
    j.exchange.remove_header("accept-encoding");
    let mut reply = operation.integration.call(j).await?;
    Box::pin(validation.answer(j, &mut reply)).await?;
    Ok(reply)
}

/// The document's changes to an answer. They come after the cache, so that a kept answer gets those of its own request.
fn edit_answer(j: &Journey<'_>, reply: &mut Reply) {
    if j.warns {
        // RFC 7234 §5.5.7. RFC 9111 dropped the field, Amazon's gateway sends it.
        reply.headers.set(
            field::WARNING,
            FieldValue::from_static("199 - \"Cache-Control was ignored\""),
        );
    }
    let Some(operation) = j.operation else { return };
    if !operation.response.is_empty() {
        let made = operation.response.made(&j.values(Some(&reply.headers)));
        operation.response.apply(made, &mut reply.headers);
    }
}
