//! The live gateway: what a document's tables become when they are started.
//!
//! Everything that can be decided once is decided here: variables are read, addresses are split, expressions are parsed,
//! buckets are filled. A gateway that started cannot fail for any of that later. All faults are found before any is reported.
//!
//! Invariant: what a request finds here never changes, but for the counts inside buckets and caches, which look after themselves.
//! Absent on purpose: sockets, which are the server's, and anything of one request.

mod mount;
mod operation;
mod parameters;
mod stage;
mod upstreams;
mod variables;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::client::Upstream;
use crate::clock::Clock;
use crate::cors::Cors;
use crate::def::{ApiKind, GatewayDef, StageDef};
use crate::exchange::{Admission, Exchange, FieldValue, Room};
use crate::observe::Counters;
use crate::observe::Sinks;
use crate::respond::Responses;
use crate::route::Router;
use crate::schema::Schemas;
use crate::settings::{Settings, StartFault};
use crate::values::Variables;

pub(crate) use mount::Mount;
pub use operation::policy;
pub(crate) use operation::{Operation, Surroundings, Variants};
pub use parameters::{settled, twin};
pub(crate) use stage::Stage;
use stage::Starting;
pub(crate) use upstreams::{Origin, Upstreams, variables_in};

/// A gateway that is ready to serve.
#[derive(Debug)]
pub struct Gateway {
    /// The tables it was made of.
    pub(crate) def: &'static GatewayDef,
    /// Finds the route of a request.
    pub(crate) router: Router,
    /// How refusals are answered.
    pub(crate) responses: Responses,
    /// Cross-origin rules of answers that belong to no operation.
    pub(crate) cors: Option<Cors>,
    /// Deployment parameters: what is known of variables before the stage is.
    pub(crate) parameters: Variables,
    /// The stages that are served, in the order they are looked for: those with a host first, then the longer path.
    pub(crate) stages: Vec<Stage>,
    /// Every back end that an operation calls.
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    /// How this gateway marks what it forwards.
    pub(crate) via: ViaMark,
    /// What messages are checked by.
    pub(crate) schemas: Schemas,
    /// What is counted, by stage and operation.
    pub(crate) counters: Counters,
    /// Where access logs go.
    pub(crate) sinks: Sinks,
    /// What is left for bodies that are held as a whole.
    pub(crate) room: Arc<Room>,
}

/// The `Via` values of a gateway, by the protocol a request came with.
#[derive(Debug)]
pub(crate) struct ViaMark {
    pub(crate) http1: FieldValue,
    pub(crate) http2: FieldValue,
}

impl Gateway {
    /// Starts a gateway.
    ///
    /// # Errors
    /// Everything that keeps it from serving: a stage that does not exist, a variable or a back end without a value, an
    /// address that is none.
    pub fn start(
        def: &'static GatewayDef,
        settings: &Settings,
        clock: &Clock,
    ) -> Result<Arc<Gateway>, Vec<StartFault>> {
        let mut faults = Vec::new();
        let router = Router::new(def.routes, def.kind)
            .map_err(|found| faults.extend(found))
            .ok();
        let responses = Responses::new(def)
            .map_err(|found| faults.extend(found))
            .ok();
        let parameters = settled(def, &settings.parameters).map_err(|found| faults.extend(found));
        let served = served(def, settings, &mut faults);
        variables::check_given(&served, settings, &mut faults);
        let mut operations: Vec<&'static str> = Vec::new();
        let mut ids = BTreeMap::new();
        for route in def.routes {
            ids.entry(route.operation.id).or_insert_with(|| {
                operations.push(route.operation.id);
                operations.len() - 1
            });
        }
        let schemas = match Schemas::new(def.schemas) {
            Ok(schemas) => schemas,
            Err(fault) => {
                faults.push(StartFault::new(
                    fault.to_string(),
                    "generate the gateway again",
                ));
                return Err(faults);
            }
        };
        let all_settled = parameters.is_ok();
        let parameters = Variables::of_deployment(parameters.unwrap_or_default());
        let mut starting = Starting {
            gateway: def,
            ids: &ids,
            settings,
            parameters: &parameters,
            clock,
            upstreams: Upstreams::new(def, settings, &mut faults),
            schemas,
            sinks: Sinks::new(settings.workers),
        };
        let mut stages: Vec<Stage> = served
            .into_iter()
            // What is made of a value that is missing is no fault of its own.
            .filter(|_| all_settled)
            .map(|stage| Stage::start(stage, &mut starting, &mut faults))
            .collect();
        stages.sort_by_key(|stage| stage.mount.precedence());
        let largest = (stages.iter().flat_map(|stage| &stage.operations))
            .filter_map(|operation| operation.policy.body_limit)
            .fold(def.limits.body, u64::max);
        let mark = |version| {
            FieldValue::from_str(&format!("{version} {}", def.name))
                .unwrap_or(FieldValue::from_static("1.1 gateway"))
        };
        match (router, responses) {
            (Some(router), Some(responses)) if faults.is_empty() => Ok(Arc::new(Gateway {
                def,
                router,
                responses,
                cors: def.cors.map(Cors::new),
                stages,
                counters: Counters::new(
                    def.stages.iter().map(|stage| stage.name).collect(),
                    operations,
                    settings.workers,
                ),
                upstreams: starting.upstreams.into_live(),
                schemas: starting.schemas,
                sinks: starting.sinks,
                room: Room::new(largest),
                parameters,
                via: ViaMark {
                    http1: mark("1.1"),
                    http2: mark("2.0"),
                },
            })),
            _ => {
                // One missing variable is one fault, however many operations use it.
                let mut distinct: Vec<StartFault> = Vec::new();
                for fault in faults {
                    if !distinct.contains(&fault) {
                        distinct.push(fault);
                    }
                }
                Err(distinct)
            }
        }
    }

    /// The stage that is mounted where a request goes, and the length of its mount's path.
    pub(crate) fn stage(&self, exchange: &Exchange) -> Option<(usize, usize)> {
        self.stages
            .iter()
            .enumerate()
            .find(|(_, stage)| stage.mount.takes(|| exchange.host(), exchange.path()))
            .map(|(index, stage)| (index, stage.mount.prefix.len()))
    }

    /// What requests are held to before they mean anything. A body is read with the largest limit there is, and held to its
    /// operation's own once that is known.
    pub(crate) fn admission(&self) -> Admission {
        let mut admission = Admission::new(self.def);
        let largest = self
            .stages
            .iter()
            .flat_map(|stage| &stage.operations)
            .filter_map(|operation| operation.policy.body_limit)
            .max();
        if let Some(largest) = largest {
            admission.limits.body = admission.limits.body.max(largest);
        }
        admission
    }

    /// Whether answers of back ends are read whole before any of them is sent, so that a slow one can still be refused. Amazon's
    /// timeouts reach to the last byte.
    pub(crate) fn buffers(&self) -> bool {
        self.def.kind != ApiKind::Plain
    }

    /// Reads the certificates of its back ends again; what cannot be used stays as it was, and is told of.
    pub(crate) fn reload_certificates(&self) -> Vec<StartFault> {
        let reloaded = self
            .upstreams
            .iter()
            .map(|upstream| upstreams::reload(upstream));
        reloaded.filter_map(Result::err).flatten().collect()
    }

    /// How many time series its metrics can have at most.
    pub(crate) fn series(&self) -> usize {
        let watched = self.upstreams.iter().map(|upstream| {
            // What is counted and shown per target, and the bounds of a breaker.
            upstream.targets().len() * 5 + upstream.refused().len()
        });
        self.counters.series() + watched.sum::<usize>()
    }
}

/// The stages that are served: the one that was named, or all.
fn served(
    def: &'static GatewayDef,
    settings: &Settings,
    faults: &mut Vec<StartFault>,
) -> Vec<&'static StageDef> {
    let Some(name) = &settings.stage else {
        return def.stages.to_vec();
    };
    let found: Vec<&'static StageDef> = def
        .stages
        .iter()
        .copied()
        .filter(|stage| stage.name == name)
        .collect();
    if found.is_empty() {
        let known: Vec<&str> = def.stages.iter().map(|stage| stage.name).collect();
        faults.push(StartFault::new(
            format!("there is no stage `{name}`"),
            format!("the document has {}", known.join(", ")),
        ));
    }
    found
}
