//! Stages that stand in each other's way.

use std::collections::BTreeMap;

use crate::findings::Findings;
use crate::model::{Gateway, Mount};

/// Reports stages that are mounted at one place.
pub(super) fn run(gateway: &Gateway, found: &mut Findings) {
    let mut mounts: BTreeMap<&Mount, Vec<&str>> = BTreeMap::new();
    for (name, stage) in &gateway.stages {
        mounts.entry(&stage.mount).or_default().push(name);
    }
    for (mount, names) in mounts.into_iter().filter(|(_, names)| names.len() > 1) {
        for name in &names {
            let Some(stage) = gateway.stages.get(*name) else {
                continue;
            };
            let host = mount.host.as_deref().unwrap_or_default();
            found.error(
                "mount-clash",
                stage.origin.0.clone(),
                format!(
                    "stages {} are all mounted at `{host}{}`",
                    names.join(", "),
                    mount.path
                ),
                "give each its own `mount`",
            );
        }
    }
}
