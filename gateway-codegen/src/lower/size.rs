//! How much policy a document amounts to, before any of it is merged.
//!
//! Every operation has a policy of its own, and so has every stage where it differs. What stands once in the document
//! (`defaults`, a path item that many paths refer to, a selector `*`) is therefore kept once for each operation: a small document
//! could ask for any amount of memory.

use std::collections::HashMap;

use serde_json::Value;

use super::aws;
use crate::load::Node;
use crate::normalise::Api;

/// Most values in the layers of operations; each is kept with its place.
const MAX_WRITTEN: usize = 750_000;

/// Most values in all policies together.
const MAX_MERGED: usize = 6_000_000;

/// Whether a document says more than can be kept.
pub(super) fn is_too_large(api: &Api<'_>) -> bool {
    let mut sizes = Sizes::default();
    let written = api.operations.iter().fold(0_usize, |sum, source| {
        sum.saturating_add(sizes.members(&source.path_item))
            .saturating_add(sizes.members(&source.node))
    });
    let root = sizes.members(&api.root);
    let operations = api.operations.len();
    let extension = api.root.get("x-gateway").map(|node| node.follow());
    let common = ["defaults", "cors"]
        .into_iter()
        .filter_map(|name| extension?.get(name))
        .map(|node| sizes.value(&node.follow()))
        .fold(0, usize::saturating_add);
    let base = written.saturating_add(common.saturating_mul(operations));
    let stages = extension
        .and_then(|extension| extension.get("stages"))
        .map(|stages| stages.follow());
    let mut merged = base;
    for (_, stage) in stages.iter().flat_map(Node::entries) {
        merged = merged.saturating_add(base);
        let selectors = stage.get("operations");
        for (selector, layer) in selectors.iter().flat_map(Node::entries) {
            let is_wide = selector.contains('*') || selector.starts_with("tag:");
            let times = if is_wide { operations } else { 1 };
            merged = merged.saturating_add(sizes.value(&layer).saturating_mul(times));
        }
    }
    root.saturating_add(written) > MAX_WRITTEN || merged > MAX_MERGED
}

/// Sizes of values, each counted once.
#[derive(Default)]
struct Sizes {
    known: HashMap<usize, usize>,
}

impl Sizes {
    /// The members of an object that speak of policy.
    fn members(&mut self, holder: &Node<'_>) -> usize {
        holder
            .entries()
            .filter(|(name, _)| *name == "x-gateway" || name.starts_with(aws::FAMILY))
            .map(|(_, member)| self.value(&member.follow()))
            .fold(0, usize::saturating_add)
    }

    fn value(&mut self, node: &Node<'_>) -> usize {
        *self
            .known
            .entry(node.id())
            .or_insert_with(|| values(node.value()))
    }
}

/// How many values there are in one, itself included.
fn values(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Value::Object(members) => 1 + members.values().map(values).sum::<usize>(),
        _ => 1,
    }
}
