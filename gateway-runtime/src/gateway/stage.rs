//! One stage as it is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::operation::{Operation, Surroundings};
use super::{Mount, Upstreams, variables};
use crate::cache::Cache;
use crate::clock::Clock;
use crate::def::{GatewayDef, StageDef, ThrottleDef};
use crate::observe::AccessLog;
use crate::observe::Sinks;
use crate::schema::Schemas;
use crate::settings::{Settings, StartFault};
use crate::throttle::Bucket;
use crate::values::Variables;

/// A stage as it is served.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Its tables.
    pub(crate) def: &'static StageDef,
    /// Its place among the document's stages: what counters are kept by.
    pub(crate) index: usize,
    /// Where it is found.
    pub(super) mount: Mount,
    /// Its variables.
    pub(crate) variables: Variables,
    /// A share of requests that sees other variables.
    pub(crate) canary: Option<Canary>,
    /// One bucket for all its requests.
    pub(crate) bucket: Option<Bucket>,
    /// Where its answers are kept.
    pub(crate) cache: Option<Arc<Cache>>,
    /// Its access log.
    pub(crate) log: Option<AccessLog>,
    /// Its operations, in the order of the routing table.
    pub(crate) operations: Vec<Operation>,
}

/// What the stages of a gateway are started with.
pub(super) struct Starting<'s> {
    pub(super) gateway: &'static GatewayDef,
    /// Places of the gateway's operations, by id.
    pub(super) ids: &'s BTreeMap<&'static str, usize>,
    pub(super) settings: &'s Settings,
    /// Deployment parameters.
    pub(super) parameters: &'s Variables,
    pub(super) clock: &'s Clock,
    pub(super) upstreams: Upstreams<'s>,
    pub(super) schemas: Schemas,
    pub(super) sinks: Sinks,
}

/// A share of requests that sees other variables.
#[derive(Debug)]
pub(crate) struct Canary {
    /// Of 2³² random numbers, those below this one are the canary's.
    threshold: u64,
    /// All variables as these requests see them.
    pub(crate) variables: Variables,
    /// Whether these requests use the stage's cache.
    pub(crate) shared_cache: bool,
}

impl Canary {
    /// Whether a request is the canary's.
    pub(crate) fn takes(&self, chance: u32) -> bool {
        u64::from(chance) < self.threshold
    }
}

impl Stage {
    /// Starts a stage. Where it is served alone it is mounted at `/`, for every host.
    pub(super) fn start(
        def: &'static StageDef,
        starting: &mut Starting<'_>,
        faults: &mut Vec<StartFault>,
    ) -> Stage {
        let Starting {
            gateway,
            ids,
            settings,
            parameters,
            clock,
            upstreams,
            schemas,
            sinks,
        } = starting;
        let gateway = *gateway;
        let log = AccessLog::open(def.access_log.as_ref(), &settings.access_log, sinks)
            .unwrap_or_else(|fault| {
                faults.push(fault);
                None
            });
        let own = variables::read(def, &[], parameters, settings, faults);
        let canary = def.canary.map(|canary| Canary {
            threshold: (canary.percent.clamp(0.0, 100.0) / 100.0 * 4_294_967_296.0) as u64,
            variables: variables::read(def, canary.variables, parameters, settings, faults),
            shared_cache: canary.shared_cache,
        });
        let cache = def
            .cache
            .map(|cache| Cache::new(cache.size, (*clock).clone()));
        let mut around = Surroundings {
            gateway,
            ids,
            stage: def,
            cached: cache.is_some(),
            variables: &own,
            canary: canary.as_ref().map(|canary| &canary.variables),
            mock: settings.mock,
            upstreams,
            schemas,
            faults,
        };
        let operations = gateway
            .routes
            .iter()
            .map(|route| Operation::start(route, &mut around))
            .collect();
        Stage {
            def,
            index: gateway
                .stages
                .iter()
                .position(|stage| stage.name == def.name)
                .unwrap_or_default(),
            mount: Mount::new(def, settings.stage.is_some()),
            variables: own,
            canary,
            bucket: def
                .throttle
                .map(|ThrottleDef { rate, burst, .. }| Bucket::new(rate, burst)),
            cache,
            log,
            operations,
        }
    }
}
