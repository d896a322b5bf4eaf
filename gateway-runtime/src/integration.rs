//! What answers an operation.
//!
//! Each kind is a file of its own; what they share is here: changes to fields ([`Edits`]) and addresses ([`address`]).
//! Invariant (security requirement G14): host and port of a call come from the document, stage variables and the operator; a
//! request chooses path, query and fields at most, each escaped for its place.
//! Absent on purpose: which of a back end's targets is called and how often, which [`crate::client`] knows.

mod address;
mod edits;
mod forward;
mod http;
mod mock;
pub mod preview;
mod proxy;
mod redirect;

pub(crate) use edits::Edits;
pub(crate) use forward::passed_before;

use crate::def::{IntegrationDef, OperationDef, PolicyDef};
use crate::exchange::Reply;
use crate::gateway::Surroundings;
use crate::pipeline::Journey;
use crate::refusal::Refusal;

/// What answers an operation.
#[derive(Debug)]
pub(crate) enum Integration {
    /// A back end that gets the request as it came.
    Proxy(proxy::Proxy),
    /// A back end through mappings.
    Http(http::Http),
    /// A fixed answer.
    Mock(mock::Mock),
    /// A location elsewhere.
    Redirect(redirect::Redirect),
    /// `--mock`, and no example to answer with.
    Nothing,
}

impl Integration {
    /// Starts an integration. What is wrong with it is among the faults of `around`; it then refuses every request.
    pub(crate) fn start(
        def: &'static OperationDef,
        policy: &'static PolicyDef,
        around: &mut Surroundings<'_, '_>,
    ) -> Integration {
        let started = match &policy.integration {
            IntegrationDef::Proxy(_) | IntegrationDef::Http(_) if around.mock => def
                .example
                .map(|example| Integration::Mock(mock::Mock::example(&example))),
            IntegrationDef::Proxy(proxy) => {
                proxy::Proxy::start(def.id, proxy, around).map(Integration::Proxy)
            }
            IntegrationDef::Http(http) => {
                http::Http::start(def.id, http, around).map(Integration::Http)
            }
            IntegrationDef::Mock(mock) => {
                Some(Integration::Mock(mock::Mock::start(def.id, mock, around)))
            }
            IntegrationDef::Redirect(redirect) => {
                redirect::Redirect::start(def.id, redirect, around).map(Integration::Redirect)
            }
        };
        started.unwrap_or(Integration::Nothing)
    }

    /// Answers a request.
    pub(crate) async fn call(&self, journey: &mut Journey<'_>) -> Result<Reply, Refusal> {
        match self {
            Integration::Proxy(proxy) => proxy.call(journey).await,
            Integration::Http(http) => http.call(journey).await,
            Integration::Mock(mock) => Ok(mock.answer(&journey.values(None))),
            Integration::Redirect(redirect) => redirect.answer(journey),
            Integration::Nothing => Err(Refusal::NoExample),
        }
    }
}
