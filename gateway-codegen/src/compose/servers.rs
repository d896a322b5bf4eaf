//! What a document says for all its operations, said by the operations themselves, so that documents can stand side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::load::Node;

use super::kind::METHODS;

/// Calls something for every operation of a root's paths.
pub(super) fn operations(root: &mut Value, mut each: impl FnMut(&str, &str, &mut Value)) {
    let paths = root.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (name, member) in item.as_object_mut().into_iter().flatten() {
            if METHODS.contains(&name.as_str()) {
                each(path, name, member);
            } else if name == "additionalOperations" {
                for (method, operation) in member.as_object_mut().into_iter().flatten() {
                    each(path, method, operation);
                }
            }
        }
    }
}

/// The requirements of a `security`.
fn requirements(holder: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let list = holder.get("security").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_object)
}

/// Security schemes that the root and its operations name.
pub(super) fn schemes_named(root: &Value) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut take = |holder: &Value| {
        for requirement in requirements(holder) {
            names.extend(requirement.keys().cloned());
        }
    };
    take(root);
    let paths = root.get("paths").and_then(Value::as_object);
    for item in paths
        .into_iter()
        .flatten()
        .filter_map(|(_, item)| item.as_object())
    {
        for (name, member) in item {
            take(member);
            if name == "additionalOperations" {
                let operations = member.as_object().into_iter().flatten();
                operations.for_each(|(_, operation)| take(operation));
            }
        }
    }
    names
}

/// Gives security schemes other names where a root and its operations name them.
pub(super) fn rename_schemes(root: &mut Value, names: &BTreeMap<String, String>) {
    if names.is_empty() {
        return;
    }
    let rename = |holder: &mut Value| {
        let list = holder.get_mut("security").and_then(Value::as_array_mut);
        for requirement in list.into_iter().flatten().filter_map(Value::as_object_mut) {
            let renamed = std::mem::take(requirement).into_iter();
            *requirement = renamed
                .map(|(name, scopes)| (names.get(&name).cloned().unwrap_or(name), scopes))
                .collect();
        }
    };
    rename(root);
    operations(root, |_, _, operation| rename(operation));
}

/// Whether a back end can be called by what a root says.
pub(super) fn names_a_server(root: &Value) -> bool {
    let list = root.get("servers").and_then(Value::as_array);
    list.into_iter().flatten().any(|server| {
        let url = server.get("url").and_then(Value::as_str);
        let url = url.unwrap_or_default().trim_start().to_ascii_lowercase();
        // One that begins with a variable may become one.
        url.starts_with("http://") || url.starts_with("https://") || url.starts_with('{')
    })
}

/// Sees to it that the back end is asked for the path that its own document has, though the gateway serves another.
pub(super) fn keep_path(root: Node<'_>, path: &str, item: &mut Map<String, Value>) {
    let own = path.split('#').next().unwrap_or(path).replace("${", "$${");
    let defaults = root.get("x-gateway").map(|node| node.follow());
    let defaults = defaults.and_then(|node| node.get("defaults"));
    let defaults = defaults.and_then(|node| node.get("integration"));
    let defaults = defaults.map(|node| node.value().clone());
    let shared = item
        .get("x-gateway")
        .and_then(|policy| policy.get("integration"));
    let wide: Vec<Value> = defaults.into_iter().chain(shared.cloned()).collect();
    let mut operations: Vec<&mut Value> = Vec::new();
    for (name, member) in item.iter_mut() {
        if METHODS.contains(&name.as_str()) {
            operations.push(member);
        } else if name == "additionalOperations" {
            let members = member.as_object_mut().into_iter().flatten();
            operations.extend(members.map(|(_, operation)| operation));
        }
    }
    for operation in operations {
        let Some(members) = operation.as_object_mut() else {
            continue;
        };
        // Amazon's integrations always say where they go.
        if members.contains_key("x-amazon-apigateway-integration") {
            continue;
        }
        let written = members
            .get("x-gateway")
            .and_then(|policy| policy.get("integration"));
        let layers: Vec<&Value> = wide.iter().chain(written).collect();
        let says = |name: &str| layers.iter().any(|layer| layer.get(name).is_some());
        let kind = layers.iter().rev().find_map(|layer| layer.get("type"));
        let calls = matches!(kind.and_then(Value::as_str), None | Some("proxy" | "http"));
        if says("uri") || says("path") || !calls {
            continue;
        }
        let policy = members.entry("x-gateway").or_insert_with(|| json!({}));
        let Some(policy) = policy.as_object_mut() else {
            continue; // a fault of its own
        };
        let integration = policy.entry("integration").or_insert_with(|| json!({}));
        if integration.is_boolean() {
            *integration = json!({});
        }
        if let Some(integration) = integration.as_object_mut() {
            integration.insert("path".to_owned(), own.clone().into());
        }
    }
}

/// Puts a prefix before the paths that the stages of a root select by.
pub(super) fn prefix_selectors(root: &mut Value, prefix: &str) {
    let stages = root.pointer_mut("/x-gateway/stages");
    let stages = stages.and_then(Value::as_object_mut).into_iter().flatten();
    for (_, stage) in stages {
        let Some(selectors) = stage.get_mut("operations").and_then(Value::as_object_mut) else {
            continue;
        };
        let moved = std::mem::take(selectors).into_iter();
        *selectors = moved
            .map(|(selector, policy)| match selector.split_once(" /") {
                Some((method, path)) if !method.contains(':') => {
                    (format!("{method} {prefix}/{path}"), policy)
                }
                _ => (selector, policy),
            })
            .collect();
    }
}
