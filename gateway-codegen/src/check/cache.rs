//! Kept answers that are probably not meant.

use crate::findings::{Findings, brief};
use crate::model::{Access, Cache, Caching, Gateway, Operation};

/// Warns of caches on methods that change something, and of answers that callers share although they have credentials.
pub(super) fn run(gateway: &Gateway, found: &mut Findings) {
    for operation in gateway.operations.values() {
        let overrides = gateway
            .stages
            .values()
            .filter_map(|stage| stage.overrides.get(&operation.id));
        for policy in std::iter::once(&operation.policy).chain(overrides) {
            if let Caching::For(cache) = &policy.cache {
                look_at(operation, cache, found);
            }
        }
    }
}

fn look_at(operation: &Operation, cache: &Cache, found: &mut Findings) {
    if !matches!(operation.method.as_str(), "GET" | "HEAD" | "ANY") {
        found.warning(
            "cache-method",
            cache.origin.0.clone(),
            format!(
                "answers to {} of `{}` are kept, and the body of a request is no part of the key",
                operation.method,
                brief(&operation.id)
            ),
            "keep answers of GET operations",
        );
    }
    if cache.shared && operation.access != Access::Public {
        found.warning(
            "cache-shared",
            cache.origin.0.clone(),
            format!(
                "callers of `{}` have credentials and share answers: what one may see, all see",
                brief(&operation.id)
            ),
            "drop `shared: true` unless the answer is the same for everybody",
        );
    }
}
