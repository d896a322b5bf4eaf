//! Calling back ends: which target gets a request and how often it is tried ([`upstream`]), and a bounded pool of HTTP/1.1
//! connections per target and worker, here.
//!
//! A connection is driven by the task of the request that uses it, not by one of its own: that saves two wake-ups per request.
//! While it is idle nobody drives it; what happened meanwhile is seen when it is taken out again, or by the sweep.
//!
//! Invariants: a call ends by its deadline; connections, waiting included, are bounded; an answer whose framing two readers
//! could understand differently is [`UpstreamFault::Garbled`] and its connection is never used again; a request is sent twice
//! only if it is idempotent, has no body, and a kept connection turned out to take none: it was closed before any byte came back, or
//! what came was 408, or an answer that nobody had asked for.
//! Absent on purpose: redirects (never followed), and upgrades to anything but WebSocket (a 101 that nobody asked for is garbage).

mod balance;
mod breaker;
mod endpoint;
mod health;
mod http2;
mod link;
mod pool;
mod resolve;
mod retry;
mod standing;
#[cfg(test)]
mod tests;
mod upstream;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, ready};
use std::time::Duration;

use http::Method;

pub(crate) use balance::{MOST as MOST_TARGETS, hash};
pub(crate) use endpoint::Endpoint;
pub(crate) use health::start as check;
pub(crate) use http2::StreamBody;
pub(crate) use link::LinkBody;
pub(crate) use pool::{MOST as MOST_CONNECTIONS, sweep};
pub(crate) use retry::{Retries, Tries};
pub(crate) use standing::Standing;
pub(crate) use upstream::{Call, Part, Ticket, Upstream};

use crate::clock::Nanos;
use crate::exchange::{Body, BodyFault, FieldName, Headers, Target, field};
use crate::h1::{self, Framing, ResponseHead};
use crate::server::{Interim, Worker};
use link::Link;
use pool::Lease;

/// A request to a back end.
#[derive(Debug)]
pub(crate) struct Outgoing {
    /// Method.
    pub(crate) method: Method,
    /// Path and query, the back end's base path included.
    pub(crate) target: Target,
    /// Header fields. `Host` is the caller's to set; without one it is the back end's authority.
    pub(crate) headers: Headers,
    /// Body. Its length decides the framing.
    pub(crate) body: Body,
    /// What is sent once the back end has agreed to speak WebSocket; empty: it is not asked to.
    pub(crate) tunnel: Body,
    /// Where interim answers go; `None`: nowhere.
    pub(crate) interim: Option<Hints>,
}

/// Where interim answers of a back end go (RFC 9110 §15.2), and what is taken out of them.
#[derive(Debug)]
pub(crate) struct Hints {
    /// The client.
    pub(crate) to: Interim,
    /// Fields that are not the back end's to say: those that are changed in the answer itself.
    pub(crate) without: Option<Arc<[FieldName]>>,
}

impl Hints {
    /// Passes one on, without what belongs to the connection it came from.
    fn pass(&self, head: ResponseHead) {
        let ResponseHead {
            status,
            mut headers,
            survey,
            ..
        } = head;
        survey.strip(&mut headers);
        headers.remove(field::SERVER);
        for name in self.without.iter().flat_map(|names| names.iter()) {
            headers.remove_alike(name);
        }
        self.to.pass(status, &headers);
    }
}

/// A back end's answer.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Status, 200 to 999, or 101 if WebSocket was asked for: then the body is what the back end sends, until either side closes.
    pub(crate) status: u16,
    /// Header fields, without those of one connection.
    pub(crate) headers: Headers,
    /// Body; [`Body::pause`] says how long it may pause.
    pub(crate) body: Body,
}

impl Incoming {
    /// Whether it is well so far, and its end is still to come. What is said freely has no end of which something could be told.
    fn may_still_fail(&self) -> bool {
        self.status < 500 && self.status != 101 && self.body.whole_len().is_none()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UpstreamFault {
    /// The name does not resolve, or only to addresses that may not be called.
    Unresolved,
    /// No address takes a connection.
    Refused,
    /// TLS failed: no common version, or a certificate that is not trusted.
    Tls,
    /// The connection ended before the answer's head was complete.
    Reset,
    /// What came is no HTTP answer, or one that could be read in two ways.
    Garbled,
    /// The deadline passed.
    Timeout,
    /// The deadline passed while all connections were in use, or too many waited for one already.
    Overloaded,
    /// As much is under way as the document allows.
    Tripped,
    /// Its checks say that no target is well.
    Unwell,
    /// The request's own body broke off: the client's fault, not the back end's.
    Body(BodyFault),
}

impl fmt::Display for UpstreamFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpstreamFault::Unresolved => f.write_str("the back end's name does not resolve"),
            UpstreamFault::Refused => f.write_str("the back end takes no connection"),
            UpstreamFault::Tls => f.write_str("TLS with the back end failed"),
            UpstreamFault::Reset => f.write_str("the back end closed the connection"),
            UpstreamFault::Garbled => f.write_str("the back end's answer is not HTTP"),
            UpstreamFault::Timeout => f.write_str("the back end did not answer in time"),
            UpstreamFault::Overloaded => f.write_str("no connection to the back end came free"),
            UpstreamFault::Tripped => f.write_str("enough is under way to the back end"),
            UpstreamFault::Unwell => f.write_str("no target of the back end is well"),
            UpstreamFault::Body(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for UpstreamFault {}

/// A kept connection may be closed by the other side, or be sent an answer that nobody asked for, while a request is on its way to
/// it. What happened before the last look of the worker at its sockets is seen for nothing; only where a connection was idle for
/// this long can that look be long ago, and only then is it worth a question to the system. Where it matters what a request
/// costs, connections are not idle for so long.
const LONG_IDLE: Duration = Duration::from_millis(20);

/// Sends a request to one target and waits for the head of the answer, until `deadline`.
async fn send(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
    outgoing: &mut Outgoing,
    deadline: Nanos,
) -> Result<Incoming, UpstreamFault> {
    if !outgoing.headers.contains(field::HOST) {
        outgoing.headers.set(field::HOST, endpoint.authority());
    }
    let head_only = outgoing.method == Method::HEAD;
    // Set while there is a place among the connections: without one the deadline means that all are in use.
    let placed = AtomicBool::new(false);
    let mut alarm = worker.alarm(deadline);
    // Pinned where it is made: it is large, and every move of it would be a copy.
    let mut calling = pin!(call(worker, endpoint, outgoing, &placed));
    let answered = poll_fn(|cx| match calling.as_mut().poll(cx) {
        Poll::Ready(answered) => Poll::Ready(answered),
        Poll::Pending => {
            ready!(alarm.poll(cx));
            Poll::Ready(Err(match placed.load(Ordering::Relaxed) {
                false => UpstreamFault::Overloaded,
                true => UpstreamFault::Timeout,
            }))
        }
    });
    let (head, link, lease) = answered.await?;
    incoming(head, link, lease, head_only)
}

async fn call(
    worker: &Worker,
    endpoint: &Arc<Endpoint>,
    outgoing: &mut Outgoing,
    placed: &AtomicBool,
) -> Result<(ResponseHead, Box<Link>, Lease), UpstreamFault> {
    let replayable = outgoing.body.is_empty() && is_idempotent(&outgoing.method);
    // Connections that were kept too long are found one by one; each is gone afterwards, so this ends.
    loop {
        placed.store(false, Ordering::Relaxed);
        let (lease, kept) = pool::lease(worker, endpoint).await?;
        placed.store(true, Ordering::Relaxed);
        let fresh = kept.is_none();
        let mut link = match kept {
            Some(link) => link,
            // Rare, and larger than all the rest.
            None => Box::pin(link::connect(worker, endpoint)).await?,
        };
        if !fresh
            && worker.clock.now().since(link.idle_since()) >= LONG_IDLE
            && !link.is_surely_open()
        {
            continue;
        }
        match link.send(outgoing).await {
            // Not to this request: the back end took the connection for idle, and closes it (RFC 9110 §15.5.9).
            Ok(head) if head.status == 408 && !fresh && replayable && !link.is_reusable() => {}
            Ok(head) => return Ok((head, link, lease)),
            Err(UpstreamFault::Reset) if !fresh && replayable && link.is_silent() => {}
            Err(fault) => return Err(fault),
        }
    }
}

/// RFC 9110 §9.2.2.
fn is_idempotent(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
    )
}

fn incoming(
    head: ResponseHead,
    mut link: Box<Link>,
    lease: Lease,
    head_only: bool,
) -> Result<Incoming, UpstreamFault> {
    let ResponseHead {
        status,
        version,
        mut headers,
        survey,
    } = head;
    if status == 101 {
        survey.strip(&mut headers);
        let body = Body::upstream(LinkBody::tunnel(link, lease));
        return Ok(Incoming {
            status,
            headers,
            body,
        });
    }
    let bodiless = head_only || status == 204 || status == 304;
    // The lease goes at a fault, and the connection with it.
    let framing =
        h1::of_response(&survey, version, bodiless).map_err(|_| UpstreamFault::Garbled)?;
    // What announces a body that it cannot have (RFC 9110 §8.6) may bring one all the same, as the next answer.
    let dubious = status == 204
        && h1::of_response(&survey, version, false)
            .is_ok_and(|said| matches!(said, Framing::Length(_) | Framing::Chunked));
    survey.strip(&mut headers);
    if status == 204 {
        headers.remove(field::CONTENT_LENGTH);
    }
    let body = match link.take_body(framing) {
        Some(_) if dubious => Body::empty(),
        Some(whole) => {
            lease.give_back(link);
            whole
        }
        None => Body::upstream(LinkBody::new(framing, link, lease)),
    };
    Ok(Incoming {
        status,
        headers,
        body,
    })
}
