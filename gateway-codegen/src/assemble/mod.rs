//! Model → tables: the one lowering. `emit` prints what this returns, `dev` serves it.
//!
//! Invariants: pure (no clock, no file, no chance), total (a model has nothing left to refuse), and equal models give equal
//! tables. Equal CORS rules and equal policies of stages share one table, back ends are shared by reference, so `emit` may
//! name a table by its address. A link the model does not resolve is none of its promises: an integration's unknown back
//! end becomes one without an address (the gateway then asks for `--upstream`), an override of no operation is left out.
//!
//! The tables are leaked: they live as long as the process, as they do in an emitted binary. Strings are leaked once each.

mod leak;
mod messages;
mod policy;
mod schemas;
mod texts;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;

use gateway_runtime::def::{
    AccessDef, AccessLogDef, BalanceDef, BreakerDef, CanaryDef, CorsDef, CredentialDef,
    DeploymentParameterDef, ExampleDef, GatewayDef, GatewayResponseDef, HealthDef, Http2LimitsDef,
    LimitsDef, LogTarget, MountDef, OperationDef, OutlierDef, OverrideDef, PolicyDef, RouteDef,
    Rules, SchemaDef, StageCacheDef, StageDef, UpstreamDef, UpstreamTargetDef, UpstreamTlsDef,
    VariableDef, VariableValue, inline, set,
};

use crate::model::{self, Access, Gateway, LogDestination, Stage, Variable};
use leak::{Strings, keep, list};
use schemas::Lists;
use texts::Texts;

/// The tables of this gateway.
pub fn defs(gateway: &Gateway) -> &'static GatewayDef {
    let mut assembler = Assembler {
        lists: Lists::new(&gateway.schemas),
        ..Assembler::default()
    };
    for (name, upstream) in &gateway.upstreams {
        assembler.add_upstream(name, upstream);
    }
    let operations: BTreeMap<&str, &'static OperationDef> = gateway
        .operations
        .iter()
        .map(|(id, operation)| (id.as_str(), assembler.operation(operation)))
        .collect();
    let stages = gateway
        .stages
        .iter()
        .map(|(name, stage)| assembler.stage(name, stage, &operations))
        .collect();
    let mut routes: Vec<RouteDef> = operations
        .values()
        .map(|&operation| RouteDef {
            method: operation.method,
            path: operation.path,
            operation,
        })
        .collect();
    routes.sort_by_key(|route| (route.path, route.method, route.operation.id));
    let responses = gateway
        .responses
        .iter()
        .map(|(&kind, response)| GatewayResponseDef {
            kind,
            status: response.status,
            headers: assembler.headers(&response.headers),
            bodies: assembler.bodies(kind.name(), &response.bodies),
        })
        .collect();
    let schemas = (assembler.lists).table(&gateway.schemas, &mut assembler.strings);
    let parameters = gateway
        .parameters
        .iter()
        .map(|(name, parameter)| DeploymentParameterDef {
            name: assembler.strings.keep(name),
            description: assembler.strings.keep(&parameter.description),
            default: parameter
                .default
                .as_ref()
                .map(|default| assembler.strings.keep(default)),
        })
        .collect();
    keep(GatewayDef {
        name: assembler.strings.keep(&gateway.name),
        title: assembler.strings.keep(&gateway.title),
        version: assembler.strings.keep(&gateway.version),
        errors: gateway.errors,
        kind: gateway.kind,
        trusted_proxies: assembler.strings.list(&gateway.trusted_proxies),
        limits: limits(&gateway.limits),
        parameters: list(parameters),
        upstreams: list(assembler.upstreams.values().copied().collect()),
        stages: list(stages),
        routes: list(routes),
        cors: gateway.cors.as_ref().map(|cors| assembler.cors(cors)),
        responses: list(responses),
        schemas,
    })
}

/// The tables of schemas without a gateway around them, and what the rules of one schema become over them.
pub fn schemas(schemas: &model::Schemas, rules: &[model::Rule]) -> (&'static [SchemaDef], Rules) {
    let mut strings = Strings::default();
    let lists = Lists::new(schemas);
    let table = lists.table(schemas, &mut strings);
    (table, lists.rules(rules, &mut strings))
}

/// What was leaked so far, so that equal things are leaked once.
#[derive(Default)]
struct Assembler {
    strings: Strings,
    texts: Texts,
    lists: Lists,
    upstreams: BTreeMap<String, &'static UpstreamDef>,
    cors: BTreeMap<model::Cors, &'static CorsDef>,
    /// By their `Debug` form: policies hold rates, which have no order.
    policies: BTreeMap<String, &'static PolicyDef>,
}

impl Assembler {
    fn add_upstream(&mut self, name: &str, upstream: &model::Upstream) -> &'static UpstreamDef {
        let targets = upstream
            .targets
            .iter()
            .map(|target| UpstreamTargetDef {
                url: self.strings.keep(&target.url),
                weight: target.weight,
            })
            .collect();
        let def = keep(UpstreamDef {
            name: self.strings.keep(name),
            targets: list(targets),
            balance: match &upstream.balance {
                model::Balance::RoundRobin => BalanceDef::RoundRobin,
                model::Balance::LeastRequest => BalanceDef::LeastRequest,
                model::Balance::Random => BalanceDef::Random,
                model::Balance::Hash { part, .. } => BalanceDef::Hash(self.parameter(part)),
            },
            health: upstream.health.as_ref().map(|health| HealthDef {
                path: self.strings.keep(&health.path),
                interval: health.interval,
                unhealthy_after: health.unhealthy_after,
                healthy_after: health.healthy_after,
            }),
            outlier: upstream.outlier.as_ref().map(|outlier| OutlierDef {
                consecutive: outlier.consecutive,
                eject: outlier.eject,
            }),
            breaker: upstream.breaker.as_ref().map(|breaker| BreakerDef {
                connections: breaker.connections,
                pending: breaker.pending,
                requests: breaker.requests,
            }),
            http2: upstream.http2,
            tls: upstream.tls.as_ref().map(|tls| UpstreamTlsDef {
                ca: tls.ca.as_ref().map(|ca| self.variable(ca)),
                identity: tls
                    .identity
                    .as_ref()
                    .map(|(certificate, key)| (self.variable(certificate), self.variable(key))),
                server_name: tls.server_name.as_ref().map(|name| self.strings.keep(name)),
            }),
        });
        self.upstreams.insert(name.to_owned(), def);
        def
    }

    fn operation(&mut self, operation: &model::Operation) -> &'static OperationDef {
        let example = operation.example.as_ref().map(|example| ExampleDef {
            status: example.status,
            media_type: self.strings.keep(&example.media_type),
            body: if example.media_type.is_empty() {
                inline("")
            } else {
                self.texts
                    .example(&operation.id, &example.media_type, &example.body)
            },
        });
        let def = OperationDef {
            id: self.strings.keep(&operation.id),
            method: self.strings.keep(&operation.method),
            path: self.strings.keep(&operation.path),
            tag: self.strings.keep(&operation.tag),
            summary: self.strings.keep(&operation.summary),
            parameters: self.parameters(&operation.parameters),
            body: operation.body.as_ref().map(|body| self.body(body)),
            responses: self.responses(&operation.responses),
            access: self.access(&operation.access),
            policy: self.policy(&operation.id, &operation.policy),
            example,
        };
        keep(def)
    }

    fn access(&mut self, access: &Access) -> AccessDef {
        let Access::Delegated(alternatives) = access else {
            return AccessDef::Public;
        };
        let alternatives = alternatives
            .iter()
            .map(|together| {
                let credentials = together
                    .iter()
                    .map(|credential| CredentialDef {
                        scheme: self.strings.keep(&credential.scheme),
                        place: credential.place,
                        name: self.strings.keep(&credential.name),
                        required: credential.required,
                    })
                    .collect();
                list(credentials)
            })
            .collect();
        AccessDef::Delegated(list(alternatives))
    }

    fn stage(
        &mut self,
        name: &str,
        stage: &Stage,
        operations: &BTreeMap<&str, &'static OperationDef>,
    ) -> &'static StageDef {
        let overrides = stage
            .overrides
            .iter()
            .filter_map(|(id, policy)| {
                let operation = *operations.get(id.as_str())?;
                let policy = self.policy(id, policy);
                Some(OverrideDef {
                    operation,
                    policy: self.shared_policy(policy),
                })
            })
            .collect();
        let def = StageDef {
            name: self.strings.keep(name),
            mount: MountDef {
                host: stage.mount.host.as_ref().map(|h| self.strings.keep(h)),
                path: self.strings.keep(&stage.mount.path),
            },
            variables: self.variables(&stage.variables),
            throttle: stage.throttle.as_ref().map(|t| self.throttle(t)),
            cache: stage.cache_size.map(|size| StageCacheDef { size }),
            canary: stage.canary.as_ref().map(|canary| CanaryDef {
                percent: canary.percent,
                variables: self.variables(&canary.variables),
                shared_cache: canary.shared_cache,
            }),
            access_log: stage.access_log.as_ref().map(|log| AccessLogDef {
                to: match &log.to {
                    LogDestination::Stdout => LogTarget::Stdout,
                    LogDestination::Stderr => LogTarget::Stderr,
                    LogDestination::File(file) => LogTarget::File(self.strings.keep(file)),
                },
                format: self.strings.keep(&log.format),
            }),
            overrides: list(overrides),
        };
        keep(def)
    }

    fn variables(&mut self, variables: &BTreeMap<String, Variable>) -> &'static [VariableDef] {
        let variables = variables
            .iter()
            .map(|(name, value)| VariableDef {
                name: self.strings.keep(name),
                value: self.variable(value),
            })
            .collect();
        list(variables)
    }

    fn variable(&mut self, value: &Variable) -> VariableValue {
        match value {
            Variable::Literal(text) => VariableValue::Literal(self.strings.keep(text)),
            Variable::Env(name) => VariableValue::Env(self.strings.keep(name)),
            Variable::File(path) => VariableValue::File(self.strings.keep(path)),
        }
    }

    fn shared_policy(&mut self, policy: PolicyDef) -> &'static PolicyDef {
        self.policies
            .entry(format!("{policy:?}"))
            .or_insert_with(|| keep(policy))
    }
}

fn limits(limits: &model::Limits) -> LimitsDef {
    LimitsDef {
        body: limits.body,
        headers: limits.headers,
        header_count: limits.header_count,
        uri: limits.uri,
        requests_per_connection: limits.requests_per_connection,
        header_timeout: limits.header_timeout,
        body_timeout: limits.body_timeout,
        idle_timeout: limits.idle_timeout,
        connections: limits.connections,
        http2: Http2LimitsDef {
            streams: limits.http2_streams,
            stream_window: limits.http2_stream_window,
            connection_window: limits.http2_connection_window,
            header_list: limits.http2_header_list,
            resets: limits.http2_resets,
        },
        encoded_slash: limits.encoded_slash,
    }
}
