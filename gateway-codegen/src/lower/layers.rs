//! How layers of policy become one: `defaults` → Amazon's members → path item → operation → the stage's operations.
//!
//! Objects merge member by member; scalars and lists replace; `false` removes, and a later object takes its place. Two
//! things besides, both inside `integration`: one whose `type` differs replaces the whole, because members of one type
//! mean nothing to another; and an address (`uri`, or `upstream`) replaces the other kind of address. The order of a file
//! never decides.

use super::tree::{Data, Tree};
use crate::findings::{Findings, brief};

/// Lays one layer over another.
pub(crate) fn merge(below: Tree, above: &Tree) -> Tree {
    merge_at("", below, above)
}

/// Lays a layer over what there may be.
pub(crate) fn over(below: Option<Tree>, above: Option<&Tree>) -> Option<Tree> {
    match (below, above) {
        (Some(below), Some(above)) => Some(merge(below, above)),
        (None, Some(above)) => Some(above.clone()),
        (below, None) => below,
    }
}

fn merge_at(name: &str, mut below: Tree, above: &Tree) -> Tree {
    let Data::Object(news) = &above.data else {
        return above.clone();
    };
    if name == "integration" && replaces(&below, above) {
        return above.clone();
    }
    let Data::Object(members) = &mut below.data else {
        return above.clone();
    };
    if name == "integration" {
        if news.contains_key("uri") {
            members.shift_remove("upstream");
            members.shift_remove("path");
        } else if news.contains_key("upstream") {
            members.shift_remove("uri");
        }
    }
    for (name, new) in news {
        let merged = match members.shift_remove(name) {
            Some(old) => merge_at(name, old, new),
            None => new.clone(),
        };
        members.insert(name.clone(), merged);
    }
    below.place = above.place.clone();
    below.translated = above.translated;
    below.lacks |= above.lacks;
    below
}

/// Whether an integration takes the place of another rather than changing it.
fn replaces(below: &Tree, above: &Tree) -> bool {
    let kind = |tree: &Tree| tree.get("type").and_then(Tree::as_str).map(str::to_owned);
    match kind(above) {
        Some(new) => new != kind(below).unwrap_or_else(|| "proxy".to_owned()),
        None => false,
    }
}

/// Lowers the case of header names (`header.X-User`), so that layers meet under one name.
pub(crate) fn canonical_fields(policy: &mut Tree, found: &mut Findings) {
    for path in [
        &["request", "set"][..],
        &["response", "set"],
        &["integration", "request", "parameters"],
    ] {
        if let Some(map) = descend(policy, path) {
            lower_names(map, found);
        }
    }
    if let Some(Data::Object(responses)) =
        descend(policy, &["integration", "responses"]).map(|tree| &mut tree.data)
    {
        for response in responses.values_mut() {
            if let Some(map) = descend(response, &["parameters"]) {
                lower_names(map, found);
            }
        }
    }
}

fn descend<'t>(tree: &'t mut Tree, path: &[&str]) -> Option<&'t mut Tree> {
    path.iter()
        .try_fold(tree, |tree, name| tree.members_mut()?.get_mut(*name))
}

fn lower_names(map: &mut Tree, found: &mut Findings) {
    let Some(members) = map.members_mut() else {
        return;
    };
    if members.keys().all(|name| canonical_field(name) == *name) {
        return;
    }
    for (name, value) in std::mem::take(members) {
        let place = value.key_place();
        if members.insert(canonical_field(&name), value).is_some() {
            found.error(
                "field-duplicate",
                place,
                format!(
                    "`{}` is written twice: names of header fields know no case",
                    brief(&name)
                ),
                "",
            );
        }
    }
}

/// A field's name as layers know it: header names in lower case.
pub(crate) fn canonical_field(name: &str) -> String {
    match name.strip_prefix("header.") {
        Some(header) => format!("header.{}", header.to_ascii_lowercase()),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;
    use crate::findings::Place;

    fn tree(value: &Value) -> Tree {
        let data = match value {
            Value::Array(items) => Data::List(items.iter().map(tree).collect()),
            Value::Object(members) => Data::Object(
                members
                    .iter()
                    .map(|(name, member)| (name.clone(), tree(member)))
                    .collect(),
            ),
            scalar => Data::Scalar(scalar.clone()),
        };
        Tree {
            place: Place::default(),
            translated: false,
            lacks: false,
            data,
        }
    }

    #[track_caller]
    fn merged(layers: &[Value], expected: Value) {
        let merged = layers.iter().fold(None, |below, layer| {
            let mut layer = tree(layer);
            canonical_fields(&mut layer, &mut Findings::default());
            over(below, Some(&layer))
        });
        assert_eq!(merged.unwrap().value(), expected);
    }

    #[test]
    fn objects_merge_and_the_rest_replaces() {
        merged(
            &[
                json!({"timeout": "1s", "throttle": {"rate": 1, "burst": 2}, "cache": {"key": ["path.a"]}}),
                json!({"timeout": "2s", "throttle": {"burst": 9}, "cache": {"key": ["path.b"]}}),
            ],
            json!({"timeout": "2s", "throttle": {"rate": 1, "burst": 9}, "cache": {"key": ["path.b"]}}),
        );
    }

    #[test]
    fn a_list_replaces_an_object_and_the_other_way_round() {
        merged(
            &[
                json!({"throttle": {"rate": 1}}),
                json!({"throttle": [{"rate": 2}]}),
            ],
            json!({"throttle": [{"rate": 2}]}),
        );
        merged(
            &[
                json!({"throttle": [{"rate": 2}]}),
                json!({"throttle": {"rate": 1}}),
            ],
            json!({"throttle": {"rate": 1}}),
        );
    }

    #[test]
    fn false_removes_until_somebody_says_otherwise() {
        merged(
            &[json!({"cache": {"ttl": 5}}), json!({"cache": false})],
            json!({"cache": false}),
        );
        merged(
            &[
                json!({"cache": {"ttl": 5}}),
                json!({"cache": false}),
                json!({"cache": {"shared": true}}),
            ],
            json!({"cache": {"shared": true}}),
        );
    }

    #[test]
    fn another_type_of_integration_replaces_the_whole() {
        merged(
            &[
                json!({"integration": {"type": "http", "uri": "http://a", "method": "POST"}}),
                json!({"integration": {"type": "mock"}}),
            ],
            json!({"integration": {"type": "mock"}}),
        );
        merged(
            &[
                json!({"integration": {"upstream": "a"}}),
                json!({"integration": {"type": "mock"}}),
            ],
            json!({"integration": {"type": "mock"}}),
        );
        merged(
            &[
                json!({"integration": {"type": "http", "uri": "http://a"}}),
                json!({"integration": {"method": "POST"}}),
            ],
            json!({"integration": {"type": "http", "uri": "http://a", "method": "POST"}}),
        );
        merged(
            &[
                json!({"integration": {"upstream": "a", "path": "/x"}}),
                json!({"integration": {"type": "proxy", "uri": "http://b"}}),
            ],
            json!({"integration": {"type": "proxy", "uri": "http://b"}}),
        );
    }

    #[test]
    fn header_names_meet_whatever_their_case() {
        merged(
            &[
                json!({"request": {"set": {"header.X-User": "a", "query.V": "1"}}}),
                json!({"request": {"set": {"header.x-user": "b", "query.v": "2"}}}),
            ],
            json!({"request": {"set": {"header.x-user": "b", "query.V": "1", "query.v": "2"}}}),
        );
    }
}
