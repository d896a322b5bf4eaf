//! Two operations that answer the same requests.

use std::collections::BTreeMap;

use gateway_runtime::path::Pattern;

use crate::findings::{Findings, brief};
use crate::model::{ApiKind, Gateway, Operation};

/// Reports operations of one method whose paths match the same requests, whatever their parameters are called.
pub(super) fn run(gateway: &Gateway, found: &mut Findings) {
    let mut routes: BTreeMap<(&str, String), Vec<&Operation>> = BTreeMap::new();
    for operation in gateway.operations.values() {
        // the default route of an HTTP API is no pattern
        let pattern = Pattern::parse(&operation.path);
        let mut shape = pattern.map_or(operation.path.clone(), |pattern| pattern.shape());
        // a REST API takes `/a/` for `/a`
        if gateway.kind == ApiKind::Rest && shape.len() > 1 && shape.ends_with('/') {
            shape.pop();
        }
        routes
            .entry((&operation.method, shape))
            .or_default()
            .push(operation);
    }
    for operations in routes.values().filter(|list| list.len() > 1) {
        for operation in operations {
            let others: Vec<String> = operations
                .iter()
                .filter(|other| other.id != operation.id)
                .map(|other| format!("`{}` ({})", brief(&other.path), brief(&other.id)))
                .collect();
            found.error(
                "route-duplicate",
                operation.origin.0.clone(),
                format!(
                    "`{} {}` matches the same requests as {}",
                    operation.method,
                    brief(&operation.path),
                    others.join(", ")
                ),
                "names of parameters do not tell routes apart: keep one of them",
            );
        }
    }
}
