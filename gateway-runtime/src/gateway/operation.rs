//! One operation as a stage serves it.

use std::collections::BTreeMap;

use super::Upstreams;
use crate::cache::Caching;
use crate::client::Retries;
use crate::cors::Cors;
use crate::def::{GatewayDef, OperationDef, PolicyDef, RouteDef, StageDef};
use crate::expr::{Expr, Scope};
use crate::integration::{Edits, Integration};
use crate::schema::Schemas;
use crate::settings::StartFault;
use crate::throttle::Throttles;
use crate::validate::Validation;
use crate::values::Variables;

/// An operation as a stage serves it.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Its tables.
    pub(crate) def: &'static OperationDef,
    /// Its place among the gateway's operations: what counters are kept by.
    pub(crate) index: usize,
    /// What happens to its requests on this stage.
    pub(crate) policy: &'static PolicyDef,
    /// Its buckets.
    pub(crate) throttles: Throttles,
    /// Whether and how its answers are kept.
    pub(crate) caching: Option<Caching>,
    /// Its cross-origin rules.
    pub(crate) cors: Option<Cors>,
    /// What is checked of its messages.
    pub(crate) validation: Option<Box<Validation>>,
    /// Changes to the request.
    pub(crate) request: Edits,
    /// What answers it.
    pub(crate) integration: Integration,
    /// Whether and when it is called again.
    pub(crate) retries: Option<Retries>,
    /// Changes to the answer.
    pub(crate) response: Edits,
}

/// What an operation is started in.
pub(crate) struct Surroundings<'s, 'u> {
    pub(crate) gateway: &'static GatewayDef,
    /// Places of the gateway's operations, by id.
    pub(crate) ids: &'s BTreeMap<&'static str, usize>,
    pub(crate) stage: &'static StageDef,
    /// Whether the stage has a cache.
    pub(crate) cached: bool,
    pub(crate) variables: &'s Variables,
    pub(crate) canary: Option<&'s Variables>,
    /// Whether back ends are not called, and examples answer in their place.
    pub(crate) mock: bool,
    pub(crate) upstreams: &'s mut Upstreams<'u>,
    /// What messages are checked by.
    pub(crate) schemas: &'s mut Schemas,
    pub(crate) faults: &'s mut Vec<StartFault>,
}

/// Something that is made of stage variables: once with those of the stage, once with those of its canary.
#[derive(Debug)]
pub(crate) struct Variants<T> {
    usual: T,
    canary: Option<T>,
}

impl<T> Variants<T> {
    /// What a request sees.
    pub(crate) fn of(&self, canary: bool) -> &T {
        match &self.canary {
            Some(variant) if canary => variant,
            _ => &self.usual,
        }
    }
}

impl Surroundings<'_, '_> {
    /// Makes something of each set of variables.
    pub(crate) fn variants<T>(
        &mut self,
        mut make: impl FnMut(&mut Upstreams<'_>, &Variables, &mut Vec<StartFault>) -> Option<T>,
    ) -> Option<Variants<T>> {
        let usual = make(self.upstreams, self.variables, self.faults);
        let canary = match self.canary {
            Some(variables) => Some(make(self.upstreams, variables, self.faults)?),
            None => None,
        };
        Some(Variants {
            usual: usual?,
            canary,
        })
    }

    /// Parses an expression of an operation. Generated tables hold none that cannot be parsed.
    pub(crate) fn parse(&mut self, operation: &str, text: &str, scope: Scope) -> Option<Expr> {
        match Expr::parse(text, scope) {
            Ok(expr) => Some(expr),
            Err(fault) => {
                self.fault(operation, &fault.message, &fault.help);
                None
            }
        }
    }

    /// Notes what is wrong with an operation.
    pub(crate) fn fault(&mut self, operation: &str, message: &str, help: &str) {
        self.faults.push(StartFault::new(
            format!("operation `{operation}`: {message}"),
            match help {
                "" => "generate the gateway again",
                help => help,
            },
        ));
    }
}

impl Operation {
    /// Starts an operation.
    pub(super) fn start(route: &'static RouteDef, around: &mut Surroundings<'_, '_>) -> Operation {
        let def = route.operation;
        let policy = policy(around.stage, def);
        let request = Edits::new(def.id, &policy.request, Scope::Request, around);
        let response = Edits::new(def.id, &policy.response, Scope::Response, around);
        let integration = Integration::start(def, policy, around);
        let validation = Validation::start(around.gateway, def, policy, around.schemas);
        let validation = validation.unwrap_or_else(|fault| {
            around.fault(def.id, &fault.to_string(), "");
            None
        });
        Operation {
            def,
            index: around.ids.get(def.id).copied().unwrap_or_default(),
            policy,
            throttles: Throttles::new(policy.throttles),
            caching: policy
                .cache
                .as_ref()
                .filter(|_| around.cached)
                .and_then(|cache| {
                    Caching::new(*cache, around.stage.name, def, around.gateway.kind)
                }),
            cors: policy.cors.map(Cors::new),
            validation,
            request,
            integration,
            retries: policy.retries.as_ref().map(Retries::new),
            response,
        }
    }
}

/// What happens to the requests of an operation on a stage: its own policy, unless the stage overrides it.
pub fn policy(stage: &StageDef, operation: &'static OperationDef) -> &'static PolicyDef {
    stage
        .overrides
        .binary_search_by(|row| row.operation.id.cmp(operation.id))
        .ok()
        .and_then(|at| stage.overrides.get(at))
        .map_or(&operation.policy, |row| row.policy)
}
