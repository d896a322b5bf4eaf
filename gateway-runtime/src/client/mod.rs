//! Calling back ends: a bounded pool of HTTP/1.1 connections per back end and worker.
//!
//! A connection is driven by the task of the request that uses it, not by one of its own: that saves two wake-ups per request.
//! While it is idle nobody drives it; what happened meanwhile is seen when it is taken out again, or by the sweep.
//!
//! Invariants: a call ends by its deadline; connections, waiting included, are bounded; an answer whose framing two readers
//! could understand differently is [`UpstreamFault::Garbled`] and its connection is never used again; a request is sent twice
//! only if it is idempotent, has no body, and a kept connection turned out to be closed before any byte came back.
//! Absent on purpose: redirects (never followed), upgrades (never asked for, so a 101 is garbage), retries by policy, and
//! balancing between targets.

mod address;
mod link;
mod pool;
mod resolve;
mod target;
#[cfg(test)]
mod tests;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, Version};

pub(crate) use address::Upstream;
pub(crate) use link::LinkBody;
pub(crate) use pool::sweep;
pub(crate) use target::{BadTarget, Target};

use crate::clock::Nanos;
use crate::exchange::{Body, BodyFault, Headers, Survey, field};
use crate::server::Worker;
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
    /// Body. Its length decides the framing unless `Content-Length` is among the fields and right.
    pub(crate) body: Body,
}

/// A back end's answer.
#[derive(Debug)]
pub(crate) struct Incoming {
    /// Status, 200 to 999.
    pub(crate) status: u16,
    /// Header fields, without those of one connection.
    pub(crate) headers: Headers,
    /// Body; [`Body::pause`] says how long it may pause.
    pub(crate) body: Body,
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
    /// The deadline passed while all connections were in use.
    Overloaded,
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
            UpstreamFault::Body(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for UpstreamFault {}

/// A kept connection may be closed by the other side while the request is on its way. Only one that was idle for this long
/// is likely to be, and only then is the head copied so that it can be sent again.
const LIKELY_CLOSED: Duration = Duration::from_millis(20);

/// Sends a request and waits for the head of the answer, until `deadline`.
pub(crate) async fn send(
    worker: &Worker,
    upstream: &Arc<Upstream>,
    mut outgoing: Outgoing,
    deadline: Nanos,
) -> Result<Incoming, UpstreamFault> {
    if !outgoing.headers.contains(field::HOST) {
        outgoing
            .headers
            .set(field::HOST, upstream.authority().clone());
    }
    let head_only = outgoing.method == Method::HEAD;
    let replayable = outgoing.body.is_empty() && is_idempotent(&outgoing.method);
    let request = outgoing_request(outgoing);
    let until = worker.clock.instant(deadline).into();
    let mut phase = Phase::Waiting;
    let answered = {
        // Pinned where it is made: it is large, and every move of it would be a copy.
        let calling = pin!(call(worker, upstream, request, replayable, &mut phase));
        tokio::time::timeout_at(until, calling).await
    };
    let (response, link, lease) = match answered {
        Ok(result) => result?,
        Err(_) if phase == Phase::Waiting => return Err(UpstreamFault::Overloaded),
        Err(_) => return Err(UpstreamFault::Timeout),
    };
    incoming(response, link, lease, head_only)
}

/// How far a call came: what the fault is when the deadline passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    Calling,
}

type Called = (Response<hyper::body::Incoming>, Box<Link>, Lease);

async fn call(
    worker: &Worker,
    upstream: &Arc<Upstream>,
    mut request: Request<Body>,
    replayable: bool,
    phase: &mut Phase,
) -> Result<Called, UpstreamFault> {
    // Connections that were kept too long are found one by one; each is gone afterwards, so this ends.
    loop {
        let (lease, kept) = pool::lease(worker, upstream).await;
        *phase = Phase::Calling;
        let fresh = kept.is_none();
        let mut link = match kept {
            Some(link) => link,
            // Rare, and larger than all the rest.
            None => Box::pin(link::connect(worker, upstream)).await?,
        };
        let idle = worker.clock.now().since(link.idle_since());
        let again = (!fresh && replayable && idle >= LIKELY_CLOSED).then(|| copy(&request));
        match link.send(request).await {
            Ok(response) => return Ok((response, link, lease)),
            Err(link::SendFault::NotSent(unsent)) if !fresh => request = *unsent,
            Err(link::SendFault::NotSent(_)) => return Err(UpstreamFault::Reset),
            Err(link::SendFault::Failed(UpstreamFault::Reset)) if let Some(copy) = again => {
                request = copy
            }
            Err(link::SendFault::Failed(fault)) => return Err(fault),
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

fn copy(request: &Request<Body>) -> Request<Body> {
    let mut copy = Request::new(Body::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn outgoing_request(outgoing: Outgoing) -> Request<Body> {
    let mut request = Request::new(outgoing.body);
    *request.method_mut() = outgoing.method;
    *request.uri_mut() = http::Uri::from(outgoing.target.into_engine());
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = outgoing.headers.into_map();
    request
}

fn incoming(
    response: Response<hyper::body::Incoming>,
    link: Box<Link>,
    lease: Lease,
    head_only: bool,
) -> Result<Incoming, UpstreamFault> {
    let (parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    let mut headers = Headers::from_map(parts.headers);
    let survey = Survey::of(&headers);
    if status < 200 || !is_framed_once(&headers, survey.transfer_encoding) {
        // The lease goes, and the connection with it.
        return Err(UpstreamFault::Garbled);
    }
    survey.strip(&mut headers);
    let bodiless = head_only || status == 204 || status == 304;
    if status == 204 {
        headers.remove(field::CONTENT_LENGTH);
    }
    let body = if bodiless || http_body::Body::is_end_stream(&body) {
        lease.give_back(link);
        Body::empty()
    } else {
        Body::upstream(LinkBody::new(body, link, lease))
    };
    Ok(Incoming {
        status,
        headers,
        body,
    })
}

/// Whether an answer says how long it is in at most one way: a single `chunked`, or a single number, or nothing.
fn is_framed_once(headers: &Headers, transfer_encoding: bool) -> bool {
    let mut lengths = headers.all(field::CONTENT_LENGTH);
    let (length, second) = (lengths.next(), lengths.next());
    if second.is_some()
        || length.is_some_and(|length| length.is_empty() || !length.iter().all(u8::is_ascii_digit))
    {
        return false;
    }
    if !transfer_encoding {
        return true;
    }
    let mut codings = headers.all(field::TRANSFER_ENCODING);
    length.is_none()
        && codings
            .next()
            .is_some_and(|coding| coding.eq_ignore_ascii_case(b"chunked"))
        && codings.next().is_none()
}
