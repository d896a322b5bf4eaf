//! A back end as operations know it: one target or several, what is watched about them, and the tries of a request.
//!
//! A back end of one target for which nothing is switched on costs a call one comparison. All else stands behind [`Watch`], which is
//! shared by all workers.
//!
//! Invariants: a request is tried again only before anything of an answer was passed on, with a method that changes nothing and a
//! body that is kept, within its deadline and the budget; a target that its checks say is not well gets no request; ejections are a
//! guess and never leave nobody.
//! An answer counts when it has ended: a target that breaks off inside it has failed. Absent on purpose: another try after that, since
//! a part of the answer has been passed on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::balance::{Shares, Targets, Way};
use super::breaker::{Admitted, Breaker};
use super::retry::{self, REPLAYED, Retries, Tries};
use super::standing::Standing;
use super::{Endpoint, Incoming, Outgoing, UpstreamFault, http2, send};
use crate::clock::Nanos;
use crate::def::{BalanceDef, HealthDef, OutlierDef, UpstreamDef};
use crate::exchange::{BadTarget, Body, BodyFault, Buffered, FieldValue, Target, field};
use crate::server::Worker;
use crate::tls::TlsSetup;

/// A back end.
#[derive(Debug)]
pub(crate) struct Upstream {
    name: String,
    first: Arc<Endpoint>,
    watch: Option<Box<Watch>>,
    /// The document's word on it, where there is one.
    def: Option<&'static UpstreamDef>,
}

/// What is watched about a back end.
struct Watch {
    targets: Box<[Watched]>,
    shares: Shares,
    balance: BalanceDef,
    turn: AtomicU64,
    health: Option<&'static HealthDef>,
    outlier: Option<&'static OutlierDef>,
    breaker: Option<Breaker>,
}

/// A target, and what is known of it.
#[derive(Debug)]
pub(crate) struct Watched {
    /// How it is called outside: as the document writes it, so that no secret is in it.
    pub(crate) label: String,
    /// Its address.
    pub(crate) endpoint: Arc<Endpoint>,
    /// What is known of it.
    pub(crate) standing: Standing,
}

/// One target in the making.
pub(crate) struct Part {
    /// As the document writes it.
    pub(crate) label: String,
    /// As it is called.
    pub(crate) endpoint: Endpoint,
    /// Its weight.
    pub(crate) weight: u32,
}

/// A call, but for the request.
pub(crate) struct Call<'c> {
    /// The thread it runs on.
    pub(crate) worker: &'c Worker,
    /// When the answer's head must be there, whatever the number of tries.
    pub(crate) deadline: Nanos,
    /// When it is tried again.
    pub(crate) retries: Option<&'c Retries>,
    /// The hash of what chooses the target, where something of the request does.
    pub(crate) key: Option<u64>,
}

/// A request under way to a target of a watched back end. It ends when this is dropped.
pub(crate) struct Ticket {
    upstream: Arc<Upstream>,
    at: Option<usize>,
    /// Whether it is still to be seen how the target did.
    open: bool,
    admitted: Admitted,
}

impl Upstream {
    /// A back end of one target, with nothing watched.
    pub(crate) fn plain(name: &str, endpoint: Endpoint) -> Upstream {
        Upstream {
            name: name.to_owned(),
            first: Arc::new(endpoint),
            watch: None,
            def: None,
        }
    }

    /// A back end of these targets; `None` if there is none.
    pub(crate) fn new(def: &'static UpstreamDef, parts: Vec<Part>) -> Option<Upstream> {
        let quiet = def.health.is_none()
            && def.outlier.is_none()
            && def.breaker.is_none()
            // Asked for behind the watch, so that the plain call need not ask.
            && !def.http2;
        if let (true, 1) = (quiet, parts.len()) {
            let only = parts.into_iter().next()?;
            return Some(Upstream {
                def: Some(def),
                ..Upstream::plain(def.name, only.endpoint)
            });
        }
        let breaker = def.breaker.as_ref().map(Breaker::new);
        let connections = breaker.as_ref().and_then(Breaker::connections);
        let addresses: Vec<String> = parts.iter().map(|part| part.endpoint.url()).collect();
        let weights = parts.iter().map(|part| part.weight);
        let shares = Shares::new(weights.zip(addresses.iter().map(String::as_str)));
        let targets: Box<[Watched]> = parts
            .into_iter()
            .map(|part| Watched {
                label: part.label,
                endpoint: Arc::new(part.endpoint.counted_by(connections)),
                standing: Standing::default(),
            })
            .collect();
        if let Some(connections) = connections {
            connections.belong_to(targets.iter().map(|target| &target.endpoint));
        }
        Some(Upstream {
            name: def.name.to_owned(),
            first: Arc::clone(&targets.first()?.endpoint),
            watch: Some(Box::new(Watch {
                targets,
                shares,
                balance: def.balance,
                turn: AtomicU64::new(0),
                health: def.health.as_ref(),
                outlier: def.outlier.as_ref(),
                breaker,
            })),
            def: Some(def),
        })
    }

    /// The document's word on it, where there is one.
    pub(crate) fn def(&self) -> Option<&'static UpstreamDef> {
        self.def
    }

    /// Has new connections set up with what the document's files say now of TLS. If that is of no use, all stays as it was.
    pub(crate) fn set_up_again(&self, setup: &TlsSetup) -> Result<(), String> {
        // All go by one setup: what is fine for the first is fine for each.
        self.first.set_up_again(setup)?;
        self.targets()
            .iter()
            .try_for_each(|target| target.endpoint.set_up_again(setup))
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What `Host` says to it; `None`: each target has its own, and a call fills it in.
    pub(crate) fn authority(&self) -> Option<&FieldValue> {
        (self.targets().len() < 2).then(|| self.first.authority())
    }

    /// The path that is put before every request's: empty, or `/like/this`. The same for all targets.
    pub(crate) fn base_path(&self) -> &str {
        self.first.base_path()
    }

    /// `target` behind the base path. Costs nothing where there is none.
    pub(crate) fn join(&self, target: Target) -> Result<Target, BadTarget> {
        self.first.join(target)
    }

    /// What of a request chooses the target.
    pub(crate) fn balance(&self) -> Option<BalanceDef> {
        self.watch.as_ref().map(|watch| watch.balance)
    }

    /// Its targets, where something is watched about them.
    pub(crate) fn targets(&self) -> &[Watched] {
        self.watch.as_ref().map_or(&[], |watch| &watch.targets)
    }

    /// How its targets are checked.
    pub(crate) fn health(&self) -> Option<&'static HealthDef> {
        self.watch.as_ref()?.health
    }

    /// How often each of its bounds refused a request.
    pub(crate) fn refused(&self) -> Vec<(&'static str, u64)> {
        let breaker = self.watch.as_ref().and_then(|watch| watch.breaker.as_ref());
        breaker.map_or_else(Vec::new, |breaker| breaker.refused().collect())
    }

    /// Sends a request to one of the targets and waits for the head of the answer.
    pub(crate) async fn call(
        self: &Arc<Upstream>,
        call: Call<'_>,
        outgoing: &mut Outgoing,
        tries: &mut Tries,
    ) -> Result<Incoming, UpstreamFault> {
        let retries = call.retries.filter(|r| r.take(&outgoing.method));
        match (&self.watch, retries) {
            (None, None) => send(call.worker, &self.first, outgoing, call.deadline).await,
            // Larger than the plain call, which so stays as small as it is.
            _ => Box::pin(self.try_until(Call { retries, ..call }, outgoing, tries)).await,
        }
    }

    /// Tries, until an answer is good, or another try would not help or is not allowed.
    async fn try_until(
        self: &Arc<Upstream>,
        call: Call<'_>,
        outgoing: &mut Outgoing,
        tries: &mut Tries,
    ) -> Result<Incoming, UpstreamFault> {
        let Call {
            worker, deadline, ..
        } = call;
        let own_host = !outgoing.headers.contains(field::HOST);
        let kept = match call.retries {
            Some(_) => keep(worker, outgoing, deadline).await?,
            None => None,
        };
        // Without its body a request cannot be sent twice.
        let retries = call.retries.filter(|_| kept.is_some());
        if let Some(retries) = retries {
            retries.earn();
        }
        let mut tried = Targets::NONE;
        loop {
            let now = worker.clock.now();
            let at = self.pick(now, tried, call.key)?;
            let mut ticket = self.admit(worker, at, deadline, *tries).await?;
            let endpoint = self.endpoint(at);
            if own_host {
                outgoing.headers.set(field::HOST, endpoint.authority());
            }
            if let Some(body) = &kept {
                outgoing.body = Body::full(body.clone());
            }
            let until = match retries.and_then(Retries::per_try) {
                Some(span) => deadline.min(worker.clock.now().plus(span)),
                None => deadline,
            };
            let mut answered = match endpoint.http2(worker.index) {
                None => send(worker, endpoint, outgoing, until).await,
                Some(slot) => http2::send(worker, endpoint, slot, outgoing, until).await,
            };
            let now = worker.clock.now();
            let again = retries.is_some_and(|retries| {
                tries.again + 1 < retries.attempts() && now < deadline && retries.help(&answered)
            });
            tries.unfunded = again && !retries.is_some_and(Retries::spend);
            let last = !again || tries.unfunded;
            // Nobody reads to its end what is not passed on.
            let open = last && answered.as_ref().is_ok_and(Incoming::may_still_fail);
            match &mut ticket {
                Some(ticket) if open => ticket.open = true,
                _ => self.note(at, &answered, now),
            }
            if last {
                if let Ok(incoming) = &mut answered {
                    incoming.body.hold(ticket);
                }
                return answered;
            }
            // What it holds would count against the next try.
            drop((answered, ticket));
            tried = tried.with(at);
            if self.is_alone(now, tried) {
                let pause = retry::pause(tries.again, fastrand::f64());
                let until = deadline.min(now.plus(pause));
                tokio::time::sleep_until(worker.clock.instant(until).into()).await;
            }
            tries.again += 1;
        }
    }

    fn endpoint(&self, at: usize) -> &Arc<Endpoint> {
        self.targets()
            .get(at)
            .map_or(&self.first, |target| &target.endpoint)
    }

    /// Those who may get a request: who is well and not left alone. Ejections are guesses: where they leave nobody they do not
    /// count. Checks are what the back end itself says: where they leave nobody, nobody there is.
    fn eligible(&self, now: Nanos) -> Targets {
        let targets = self.targets();
        let well = Targets::which(targets.len(), |at| {
            targets.get(at).is_some_and(|t| t.standing.is_well())
        });
        let ejected = Targets::which(targets.len(), |at| {
            targets.get(at).is_some_and(|t| t.standing.is_ejected(now))
        });
        well.without(ejected).or(well)
    }

    /// Whether all who may get a request have failed it.
    fn is_alone(&self, now: Nanos, tried: Targets) -> bool {
        self.eligible(now).without(tried) == Targets::NONE
    }

    /// Chooses a target, another one than before if there is one.
    fn pick(&self, now: Nanos, tried: Targets, key: Option<u64>) -> Result<usize, UpstreamFault> {
        let Some(watch) = &self.watch else {
            return Ok(0);
        };
        let turn = || watch.turn.fetch_add(1, Ordering::Relaxed);
        let way = match (watch.balance, key) {
            (BalanceDef::RoundRobin, _) => Way::InTurn(turn()),
            (BalanceDef::LeastRequest, _) => Way::Least(turn()),
            (BalanceDef::Hash(_), Some(key)) => Way::Hash(key),
            (BalanceDef::Random, _) | (BalanceDef::Hash(_), None) => Way::Random(fastrand::u64(..)),
        };
        let eligible = self.eligible(now);
        let eligible = eligible.without(tried).or(eligible);
        let load = |at: usize| {
            let target = watch.targets.get(at);
            target.map_or(0, |target| target.standing.load.load(Ordering::Relaxed))
        };
        let picked = watch.shares.pick(way, eligible, load);
        picked.ok_or(UpstreamFault::Unwell)
    }

    /// Lets a request to a target in, and counts it while it is under way.
    async fn admit(
        self: &Arc<Upstream>,
        worker: &Worker,
        at: usize,
        deadline: Nanos,
        tries: Tries,
    ) -> Result<Option<Ticket>, UpstreamFault> {
        let Some(watch) = &self.watch else {
            return Ok(None);
        };
        let mut ticket = Ticket {
            upstream: Arc::clone(self),
            at: None,
            open: false,
            admitted: Admitted::default(),
        };
        if let Some(breaker) = &watch.breaker {
            breaker
                .admit(worker, deadline, &mut ticket.admitted)
                .await?;
        }
        if let Some(target) = watch.targets.get(at) {
            ticket.at = Some(at);
            target.standing.load.fetch_add(1, Ordering::Relaxed);
            target.standing.requests.fetch_add(1, Ordering::Relaxed);
            if tries.again > 0 {
                target.standing.retries.fetch_add(1, Ordering::Relaxed);
            }
        }
        Ok(Some(ticket))
    }

    /// Notes how a target did, of whose answer no more is awaited.
    fn note(&self, at: usize, answered: &Result<Incoming, UpstreamFault>, now: Nanos) {
        let Some(watch) = &self.watch else { return };
        let Some(Watched { standing, .. }) = watch.targets.get(at) else {
            return;
        };
        match answered {
            Ok(incoming) if incoming.status < 500 => standing.succeeded(),
            // The client's own, and this gateway's own.
            Err(UpstreamFault::Body(_) | UpstreamFault::Overloaded) => {}
            Ok(_) | Err(_) => standing.failed(watch.outlier, now),
        }
    }
}

/// The body of a request for as many tries as it takes; `None`: it is too large to be kept, or has trailers, and goes as it came.
async fn keep(
    worker: &Worker,
    outgoing: &mut Outgoing,
    deadline: Nanos,
) -> Result<Option<Bytes>, UpstreamFault> {
    // Of nearly all requests that are safe to repeat.
    if outgoing.body.is_empty() {
        return Ok(Some(Bytes::new()));
    }
    let body = std::mem::take(&mut outgoing.body);
    let until = worker.clock.instant(deadline).into();
    let read = tokio::time::timeout_at(until, body.buffer(REPLAYED)).await;
    let (body, kept) = match read {
        Ok(Ok(Buffered::Whole(bytes, None))) => return Ok(Some(bytes)),
        Ok(Ok(Buffered::Whole(bytes, trailers))) => (Body::whole(bytes, trailers), None),
        Ok(Ok(Buffered::Longer(body))) => (body, None),
        Ok(Err(fault)) => return Err(UpstreamFault::Body(fault)),
        // No back end was asked yet.
        Err(_) => return Err(UpstreamFault::Body(BodyFault::ClientTimeout)),
    };
    outgoing.body = body;
    Ok(kept)
}

impl Ticket {
    /// The answer has come to its end, or its back end has broken it off. Told by neither if the client has gone away: that says
    /// nothing of the target.
    pub(super) fn ended(&mut self, well: bool, now: Nanos) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let Some(watch) = &self.upstream.watch else {
            return;
        };
        if let Some(target) = self.at.and_then(|at| watch.targets.get(at)) {
            match well {
                true => target.standing.succeeded(),
                false => target.standing.failed(watch.outlier, now),
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(watch) = &self.upstream.watch else {
            return;
        };
        if let Some(target) = self.at.and_then(|at| watch.targets.get(at)) {
            target.standing.load.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(breaker) = &watch.breaker {
            breaker.leave(&self.admitted);
        }
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.targets).finish()
    }
}

#[cfg(test)]
mod tests;
