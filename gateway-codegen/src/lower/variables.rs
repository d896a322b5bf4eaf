//! Stage variables that are named but that a stage does not have.

use std::collections::BTreeMap;

use super::Uses;
use crate::findings::{Findings, brief};
use crate::model::{Policy, Stage};

/// Who names which stage variables.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Operation → its own policy.
    pub(crate) policies: BTreeMap<String, Uses>,
    /// Stage and operation → the policy there.
    pub(crate) overrides: BTreeMap<(String, String), Uses>,
    /// Declared upstream → its addresses.
    pub(crate) upstreams: BTreeMap<String, Uses>,
    /// What holds on every stage.
    pub(crate) everywhere: Uses,
}

/// Reports what is named on a stage that does not have it. Where a document translated from another dialect declares no
/// stages, `--stage-var` gives the values, so there it is a warning.
pub(crate) fn check(
    stages: &BTreeMap<String, Stage>,
    policies: &BTreeMap<String, Policy>,
    named: &Named,
    declared: bool,
    found: &mut Findings,
) {
    for (stage_name, stage) in stages {
        let mut report = |uses: &Uses| {
            for variable in uses {
                if stage.variables.contains_key(&variable.name) {
                    continue;
                }
                let name = brief(&variable.name);
                let place = variable.place.clone();
                if declared {
                    found.error(
                        "stage-variable-undefined",
                        place,
                        format!("stage `{stage_name}` has no variable `{name}`"),
                        format!("add it under `x-gateway.stages.{stage_name}.variables`"),
                    );
                } else if variable.translated {
                    found.warning(
                        "stage-variable-undefined",
                        place,
                        format!("no stage has a variable `{name}`"),
                        format!("start the gateway with `--stage-var {name}=VALUE`, or declare stages in `x-gateway`"),
                    );
                } else {
                    found.error(
                        "stage-variable-undefined",
                        place,
                        format!("no stage has a variable `{name}`"),
                        "declare it: `x-gateway: { stages: { prod: { variables: … } } }`",
                    );
                }
            }
        };
        report(&named.everywhere);
        for (operation, base) in policies {
            let policy = stage.overrides.get(operation).unwrap_or(base);
            let key = (stage_name.clone(), operation.clone());
            if let Some(uses) = named
                .overrides
                .get(&key)
                .or_else(|| named.policies.get(operation))
            {
                report(uses);
            }
            if let Some(uses) = policy
                .integration
                .upstream()
                .and_then(|name| named.upstreams.get(name))
            {
                report(uses);
            }
        }
    }
}
