//! What every forwarded request carries, and what is made of the back end's outcome.

use std::sync::Arc;

use crate::client::{self, Call, Incoming, Outgoing, Upstream, UpstreamFault};
use crate::def::{BalanceDef, ParameterDef, ParameterPlace};
use crate::exchange::{Exchange, FieldValue, Gathered, Headers, claims, field};
use crate::gateway::ViaMark;
use crate::pipeline::Journey;
use crate::refusal::Refusal;

/// Bytes of an answer that are held back where the timeout reaches to the last byte. A longer answer is streamed from there on.
const HELD_BACK: usize = 10 << 20;

/// Whether a request has been through the gateway of this name: one of its `Via` entries names it (RFC 9110 §7.6.3).
pub(crate) fn passed_before(exchange: &Exchange, name: &str) -> bool {
    exchange.header_values("via").any(|line| {
        line.split(|byte| *byte == b',').any(|entry| {
            let mut words = entry
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty());
            words.nth(1) == Some(name.as_bytes())
        })
    })
}

/// Adds the gateway's own `Via` entry and the request's id: what every call carries.
pub(super) fn mark(exchange: &Exchange, via: &ViaMark, headers: &mut Headers) {
    let via = match exchange.version() {
        "HTTP/2.0" => &via.http2,
        _ => &via.http1,
    };
    headers.append(field::VIA, via);
    headers.set_text(field::X_REQUEST_ID, exchange.id().as_bytes());
}

/// Says who asked. What a trusted proxy said before is continued, what anybody else said is replaced.
pub(super) fn introduce(exchange: &Exchange, declared: &[ParameterDef], headers: &mut Headers) {
    let trusted = exchange.is_from_proxy();
    claims::remove(exchange, declared, headers);
    if trusted && exchange.headers().contains(field::X_FORWARDED_FOR) {
        let mut hops: Vec<u8> = Vec::with_capacity(64);
        for line in exchange.headers().all(field::X_FORWARDED_FOR) {
            hops.extend_from_slice(line);
            hops.extend_from_slice(b", ");
        }
        hops.extend_from_slice(exchange.peer().as_bytes());
        match FieldValue::from_bytes(&hops) {
            Ok(hops) => headers.set(field::X_FORWARDED_FOR, hops),
            Err(_) => headers.set_text(field::X_FORWARDED_FOR, exchange.peer()),
        }
    } else {
        headers.set_text(field::X_FORWARDED_FOR, exchange.peer());
    }
    let scheme = if exchange.secure() { "https" } else { "http" };
    headers.set_text(field::X_FORWARDED_PROTO, scheme);
    if !(trusted && headers.contains(field::X_FORWARDED_HOST)) {
        let authority = exchange.header("host").unwrap_or_default();
        headers.set_text(field::X_FORWARDED_HOST, authority);
    }
}

/// Sends a request and notes how it went. The body of the answer is read ahead where the gateway's kind asks for it.
pub(super) async fn send(
    journey: &mut Journey<'_>,
    upstream: &Arc<Upstream>,
    outgoing: &mut Outgoing,
) -> Result<Incoming, Refusal> {
    let deadline = journey.deadline();
    let call = Call {
        worker: journey.worker,
        deadline,
        retries: journey.operation.and_then(|o| o.retries.as_ref()),
        key: key(upstream, journey.exchange),
    };
    let answered = upstream.call(call, outgoing, &mut journey.tries).await;
    let called = journey.set_off_at();
    journey.outcome.upstream_latency = Some(journey.worker.clock.now().since(called));
    let mut incoming = answered.map_err(refused)?;
    journey.outcome.upstream_status = Some(incoming.status);
    let caching = journey
        .operation
        .and_then(|operation| operation.caching.as_ref());
    journey.forbidden =
        caching.and_then(|caching| caching.may_use(incoming.status, &incoming.headers).err());
    if journey.gateway.buffers() && !incoming.body.is_empty() {
        let until = journey.worker.clock.instant(deadline).into();
        let body = std::mem::take(&mut incoming.body);
        let room = &journey.gateway.room;
        incoming.body = match body.gather_by(HELD_BACK, room, until).await? {
            Gathered::Whole(whole) => whole.body(),
            Gathered::Longer(body) | Gathered::Crowded(body) => body,
        };
    }
    if let Some(operation) = journey.operation {
        incoming.body.pause(operation.policy.stream_idle);
    }
    Ok(incoming)
}

/// The hash of what chooses the target, where something of the request does and is there.
fn key(upstream: &Upstream, exchange: &Exchange) -> Option<u64> {
    let Some(BalanceDef::Hash(part)) = upstream.balance() else {
        return None;
    };
    let query;
    let value = match part.place {
        ParameterPlace::Path => exchange.param(part.name)?.as_bytes(),
        ParameterPlace::Header => exchange.header(part.name)?,
        ParameterPlace::Cookie => exchange.cookie(part.name)?,
        ParameterPlace::Query => {
            query = exchange.query_pairs().find(|(name, _)| name == part.name)?;
            query.1.as_bytes()
        }
    };
    (!value.is_empty()).then(|| client::hash(value))
}

/// What a failed call means for its request.
fn refused(fault: UpstreamFault) -> Refusal {
    match fault {
        UpstreamFault::Unresolved => Refusal::UpstreamUnresolved,
        UpstreamFault::Refused => Refusal::UpstreamRefused,
        UpstreamFault::Tls => Refusal::UpstreamTls,
        UpstreamFault::Reset => Refusal::UpstreamReset,
        UpstreamFault::Garbled => Refusal::UpstreamGarbled,
        UpstreamFault::Timeout => Refusal::UpstreamTimeout,
        UpstreamFault::Overloaded => Refusal::Overloaded,
        UpstreamFault::Tripped => Refusal::UpstreamBreaker,
        UpstreamFault::Unwell => Refusal::UpstreamUnwell,
        UpstreamFault::Body(fault) => fault.into(),
    }
}
