//! Back ends that choose a target by what no request has.

use gateway_runtime::path::Pattern;

use crate::findings::{Findings, brief};
use crate::model::{Balance, Gateway, Operation, Parameter, ParameterPlace};

/// Reports a part of the request that decides about the target and is a parameter of no operation that calls the back end.
pub(super) fn run(gateway: &Gateway, found: &mut Findings) {
    for (name, upstream) in &gateway.upstreams {
        let Balance::Hash { part, origin } = &upstream.balance else {
            continue;
        };
        let mut callers = gateway
            .operations
            .values()
            .filter(|operation| calls(gateway, operation, name))
            .peekable();
        // Headers and cookies come undeclared.
        let declared = matches!(part.place, ParameterPlace::Header | ParameterPlace::Cookie);
        if declared || callers.peek().is_none() || callers.any(|operation| has(operation, part)) {
            continue;
        }
        let kind = match part.place {
            ParameterPlace::Path => "path",
            _ => "query",
        };
        found.error(
            "balance-hash-undeclared",
            origin.0.clone(),
            format!(
                "no operation that calls `{}` has a {kind} parameter `{}`",
                brief(name),
                brief(&part.name)
            ),
            "declare it under `parameters`, or correct the name",
        );
    }
}

fn calls(gateway: &Gateway, operation: &Operation, upstream: &str) -> bool {
    let overrides = gateway
        .stages
        .values()
        .filter_map(|stage| stage.overrides.get(&operation.id));
    std::iter::once(&operation.policy)
        .chain(overrides)
        .any(|policy| policy.integration.upstream() == Some(upstream))
}

fn has(operation: &Operation, part: &Parameter) -> bool {
    let in_path = || match Pattern::parse(&operation.path) {
        Ok(pattern) => pattern.params().any(|name| name == part.name),
        Err(_) => false,
    };
    let mut declared = operation.parameters.iter();
    declared.any(|known| (known.place, &known.name) == (part.place, &part.name))
        || part.place == ParameterPlace::Path && in_path()
}
