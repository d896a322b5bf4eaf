//! A back end that gets the request as it came.

use super::address::Address;
use super::forward;
use crate::client::{Hints, Outgoing};
use crate::def::{ApiKind, ProxyDef};
use crate::exchange::{Body, Reply, field};
use crate::gateway::{Surroundings, Variants};
use crate::pipeline::Journey;
use crate::refusal::Refusal;

/// A back end that gets the request as it came.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: Variants<Address>,
    method: Option<::http::Method>,
}

impl Proxy {
    /// Reads a table.
    pub(crate) fn start(
        operation: &'static str,
        def: &'static ProxyDef,
        around: &mut Surroundings<'_, '_>,
    ) -> Option<Proxy> {
        let method = method(operation, def.method, around)?;
        Some(Proxy {
            address: Address::start(operation, &def.target, around)?,
            method,
        })
    }

    /// Passes the request on, and the answer back.
    pub(crate) async fn call(&self, journey: &mut Journey<'_>) -> Result<Reply, Refusal> {
        let operation = journey.operation.ok_or(Refusal::Internal)?;
        let edits = &operation.request;
        let address = self.address.of(journey.canary);
        let (target, made) = if edits.is_empty() {
            let target = address.target(journey, true, &Default::default())?;
            (target, Vec::new())
        } else {
            let values = journey.values(None);
            let query = edits.query(&values);
            (address.target(journey, true, &query)?, edits.made(&values))
        };
        let exchange = &mut journey.exchange;
        let mut headers = exchange.headers().clone();
        match address.upstream.authority() {
            Some(authority) => headers.set(field::HOST, authority),
            // The target's own, once it is chosen; never the client's.
            None => drop(headers.remove(field::HOST)),
        }
        forward::introduce(exchange, operation.def.parameters, &mut headers);
        forward::mark(exchange, &journey.gateway.via, &mut headers);
        edits.apply(made, &mut headers);
        let mut outgoing = Outgoing {
            method: self.method.as_ref().unwrap_or(exchange.verb()).clone(),
            target,
            headers,
            body: exchange.take_body(),
            // Amazon's gateways have WebSocket APIs for that.
            tunnel: match journey.gateway.def.kind {
                ApiKind::Plain => exchange.take_tunnel(),
                ApiKind::Rest | ApiKind::Http => Body::empty(),
            },
            interim: exchange.take_interim().map(|to| Hints {
                to,
                without: operation.response.changed(),
            }),
        };
        let incoming = forward::send(journey, &address.upstream, &mut outgoing).await?;
        Ok(Reply {
            status: incoming.status,
            headers: incoming.headers,
            body: incoming.body,
        })
    }
}

/// The method towards a back end, if it is not the client's. The outer `None`: it is none.
pub(super) fn method(
    operation: &str,
    written: Option<&str>,
    around: &mut Surroundings<'_, '_>,
) -> Option<Option<::http::Method>> {
    let Some(written) = written else {
        return Some(None);
    };
    match ::http::Method::from_bytes(written.as_bytes()) {
        Ok(method) => Some(Some(method)),
        Err(_) => {
            around.fault(operation, &format!("`{written}` is no method"), "");
            None
        }
    }
}
