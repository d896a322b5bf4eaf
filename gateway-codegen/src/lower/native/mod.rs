//! The extension language `x-gateway` as types.
//!
//! The types are the language: its JSON Schema is derived from them ([`schema`]), documents are checked with that schema
//! before they are read ([`strict`]), so the schema that editors use, the check and the reader cannot drift apart. Every
//! member is optional, because any of them may stand in any layer of policy; what must be there in the end is looked at
//! when layers have been merged.
//!
//! Absent on purpose: members of the language that this version does not serve ([`unserved`]). They are refused by name
//! and do not stand in the published schema.

mod gateway;
mod integration;
mod operation;
pub(crate) mod strict;
pub mod unserved;
mod upstream;
mod values;

pub use gateway::*;
pub use integration::*;
pub use operation::*;
pub use upstream::*;
pub use values::*;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The definitions of every type of the language, by name.
pub(crate) fn definitions() -> Map<String, Value> {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    generator.subschema_for::<Gateway>();
    generator.subschema_for::<Operation>();
    generator.subschema_for::<SecurityScheme>();
    let mut definitions = generator.take_definitions(true);
    definitions.sort_keys();
    for definition in definitions.values_mut() {
        without_null(definition);
    }
    definitions
}

/// The JSON Schema (2020-12) of an OpenAPI document with `x-gateway`: it says where the extension may stand and what it may
/// say, and leaves everything else of the document alone.
pub fn schema() -> Value {
    let operation = json!({ "$ref": "#/$defs/Operation" });
    let method = json!({ "type": "object", "properties": { "x-gateway": operation } });
    let mut path_item = Map::new();
    path_item.insert("x-gateway".to_owned(), operation.clone());
    for name in [
        "get",
        "put",
        "post",
        "delete",
        "options",
        "head",
        "patch",
        "trace",
        "x-amazon-apigateway-any-method",
    ] {
        path_item.insert(name.to_owned(), method.clone());
    }
    let scheme = json!({
        "type": "object",
        "properties": { "x-gateway": { "$ref": "#/$defs/SecurityScheme" } },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "OpenAPI document with x-gateway",
        "description": "Where the extension x-gateway may stand in an OpenAPI document, and what it may say.",
        "type": "object",
        "properties": {
            "x-gateway": { "$ref": "#/$defs/Gateway" },
            "paths": {
                "type": "object",
                "additionalProperties": { "type": "object", "properties": path_item },
            },
            "components": {
                "type": "object",
                "properties": {
                    "securitySchemes": { "type": "object", "additionalProperties": scheme },
                },
            },
        },
        "$defs": definitions(),
    })
}

/// Takes `null` out of a derived schema: `Option` means "may be left out" in these types, never "may be null".
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.retain(|name, member| name != "default" || !is_filler(member));
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(branches)) = members.get_mut("anyOf") {
                branches.retain(|branch| branch.get("type") != Some(&json!("null")));
                if let [Value::Object(only)] = branches.as_slice() {
                    let only = only.clone();
                    members.shift_remove("anyOf");
                    for (name, member) in only {
                        members.entry(name).or_insert(member);
                    }
                }
            }
            for (name, member) in members.iter_mut() {
                if name != "enum" && name != "const" {
                    without_null(member);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Whether a derived default only says "left out".
fn is_filler(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().all(is_filler),
        _ => false,
    }
}
