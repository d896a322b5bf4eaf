//! Typed readings of small members. Each takes what is there and leaves out what is not of its type:
//! whoever needs a member reports its absence.

use indexmap::IndexMap;
use openapiv3::{Server, ServerVariable, StatusCode};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

use crate::findings::Findings;
use crate::load::Node;

/// A member that is a text.
pub(super) fn text(node: Node<'_>, name: &str) -> Option<String> {
    node.get(name)?.as_str().map(str::to_owned)
}

/// A member that is a truth value; false if it is anything else.
pub(super) fn flag(node: Node<'_>, name: &str) -> bool {
    node.get(name).and_then(|n| n.as_bool()).unwrap_or(false)
}

/// A member that is one of a type's words.
pub(super) fn word<'de, T: Deserialize<'de>>(node: Node<'de>, name: &str) -> Option<T> {
    let word = node.get(name)?.as_str()?;
    let deserializer: serde::de::value::StrDeserializer<'de, Error> = word.into_deserializer();
    T::deserialize(deserializer).ok()
}

pub(super) fn server(node: Node<'_>) -> Option<Server> {
    let mut variables = IndexMap::new();
    if let Some(list) = node.get("variables") {
        for (name, variable) in list.entries() {
            let plain = |node: Node<'_>| match node.value() {
                serde_json::Value::String(text) => Some(text.clone()),
                serde_json::Value::Number(number) => Some(number.to_string()),
                serde_json::Value::Bool(value) => Some(value.to_string()),
                _ => None,
            };
            let Some(default) = variable.get("default").and_then(plain) else {
                continue;
            };
            let values = variable.get("enum");
            let values = values.map(|v| v.items().filter_map(plain).collect());
            let read = ServerVariable {
                enumeration: values.unwrap_or_default(),
                default,
                ..ServerVariable::default()
            };
            variables.insert(name.to_owned(), read);
        }
    }
    Some(Server {
        url: text(node, "url")?,
        variables: (!variables.is_empty()).then_some(variables),
        ..Server::default()
    })
}

/// Warns of a server variable whose values are not texts, or whose default is none of them.
pub(super) fn check_variable(name: &str, variable: Node<'_>, found: &mut Findings) {
    let mut warn = |node: Node<'_>, message: String, help: &str| {
        found.warning("server-variable", node.place(), message, help);
    };
    let values = variable.get("enum");
    for value in values.into_iter().flat_map(|list| list.items()) {
        if value.as_str().is_none() {
            let message = format!("a value of the server variable `{name}` is not a text");
            warn(value, message, "write it in quotes");
        }
    }
    let Some(default) = variable.get("default") else {
        return; // an address with an open variable is warned of where it would be used
    };
    if let Some(values) = values
        && values.is_array()
        && !values.items().any(|value| value.value() == default.value())
    {
        let message = format!("the default of the server variable `{name}` is none of its values");
        warn(default, message, "the default is used; add it to `enum`");
    }
}

/// `200`, or `2XX` for a class of them.
pub(super) fn status_code(text: &str) -> Option<StatusCode> {
    let class = text.strip_suffix("XX").or_else(|| text.strip_suffix("xx"));
    match class {
        Some(class) => match class.parse() {
            Ok(class @ 1..=5) => Some(StatusCode::Range(class)),
            _ => None,
        },
        None if text.len() == 3 => match text.parse() {
            Ok(code @ 100..=999) => Some(StatusCode::Code(code)),
            _ => None,
        },
        None => None,
    }
}
