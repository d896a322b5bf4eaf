//! Addresses that are made of a request.
//!
//! What an address is made of, and how values are kept in their places, is [`plan`]'s and [`query`]'s; here it is started for the
//! sets of stage variables a gateway has, and asked by the requests under way.

pub(super) mod plan;
pub(super) mod query;

use std::sync::Arc;

use crate::client::Upstream;
use crate::def::TargetDef;
use crate::exchange::Target;
use crate::expr::{Expr, Scope};
use crate::gateway::{Origin, Surroundings, Upstreams, Variants, variables_in};
use crate::pipeline::Journey;
use crate::refusal::Refusal;
use crate::settings::StartFault;
use crate::values::Variables;
use plan::{Asked, Parts, Plan};
use query::QueryEdits;

/// Where a request goes.
#[derive(Debug)]
pub(crate) struct Address {
    /// The back end.
    pub(crate) upstream: Arc<Upstream>,
    plan: Plan,
}

impl Address {
    /// Reads a target, once for each set of stage variables.
    pub(crate) fn start(
        operation: &'static str,
        target: &'static TargetDef,
        around: &mut Surroundings<'_, '_>,
    ) -> Option<Variants<Address>> {
        let written = match target {
            TargetDef::Upstream(_) => None,
            TargetDef::UpstreamPath(_, text) | TargetDef::Uri(text) => {
                Some(around.parse(operation, text, Scope::Request)?)
            }
        };
        around.variants(|upstreams, variables, faults| match (target, &written) {
            (TargetDef::UpstreamPath(named, _), Some(written)) => {
                let upstream = upstreams.named(named, variables, faults)?;
                let parts = parts(written, variables).behind(upstream.base_path());
                Address::new(operation, upstream, parts, faults)
            }
            (TargetDef::Uri(_), Some(written)) => {
                uri(operation, written, variables, upstreams, faults)
            }
            (TargetDef::Upstream(named) | TargetDef::UpstreamPath(named, _), _) => Some(Address {
                upstream: upstreams.named(named, variables, faults)?,
                plan: Plan::Same,
            }),
            (TargetDef::Uri(_), None) => None,
        })
    }

    fn new(
        operation: &str,
        upstream: Arc<Upstream>,
        parts: Parts,
        faults: &mut Vec<StartFault>,
    ) -> Option<Address> {
        let Ok(plan) = Plan::new(parts) else {
            faults.push(StartFault::new(
                format!("operation `{operation}`: the path of its address is none"),
                "a path begins with / and has neither spaces nor a fragment",
            ));
            return None;
        };
        Some(Address { upstream, plan })
    }

    /// Path and query of a call, the request's own query behind them where `own_query` says so.
    pub(crate) fn target(
        &self,
        journey: &Journey<'_>,
        own_query: bool,
        query: &QueryEdits<'_>,
    ) -> Result<Target, Refusal> {
        let exchange = &journey.exchange;
        let own = exchange.query().filter(|_| own_query);
        let whole = exchange.local_path().len() == exchange.path().len();
        match &self.plan {
            // The plain case: nothing to make.
            Plan::Same if whole && own_query && query.is_empty() => self
                .upstream
                .join(exchange.target().clone())
                .map_err(|_| Refusal::BadAddress),
            Plan::Fixed(target) if own.is_none() && query.is_empty() => Ok(target.clone()),
            plan => {
                let asked = Asked {
                    path: exchange.local_path(),
                    query: own,
                };
                let values = journey.values(None);
                let made = plan.target(self.upstream.base_path(), &asked, query, &|source| {
                    values.get(source).into()
                })?;
                Target::parse(&made).map_err(|_| Refusal::BadAddress)
            }
        }
    }
}

/// An expression with stage variables and deployment parameters in it; one without a value writes nothing.
pub(super) fn parts(expr: &Expr, variables: &Variables) -> Parts {
    Parts::new(expr, |source| {
        Some(variables.of(source).unwrap_or_default())
    })
}

/// A whole address: what is before its path is a back end, the rest is made.
fn uri(
    operation: &'static str,
    written: &Expr,
    variables: &Variables,
    upstreams: &mut Upstreams<'_>,
    faults: &mut Vec<StartFault>,
) -> Option<Address> {
    let Some((origin, rest)) = parts(written, variables).split_origin() else {
        faults.push(StartFault::new(
            format!("operation `{operation}`: its address has no fixed scheme, host and port"),
            "begin it with http:// or https:// and a host, of literal text, stage variables or parameters alone",
        ));
        return None;
    };
    let upstream = upstreams.at(
        operation,
        origin,
        Origin::Document(&variables_in(written)),
        faults,
    )?;
    Address::new(operation, upstream, rest, faults)
}
