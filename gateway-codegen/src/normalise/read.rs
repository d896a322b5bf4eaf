//! Typed readings of the small objects of OpenAPI 3.0. Each takes what is there and leaves out what is not of its type:
//! whoever needs a member reports its absence.

use indexmap::IndexMap;
use openapiv3::{
    Content, CookieStyle, HeaderStyle, MediaType, Parameter, ParameterData,
    ParameterSchemaOrContent, PathStyle, QueryStyle, ReferenceOr, RequestBody, Response, Responses,
    Schema, SchemaData, SchemaKind, Server, ServerVariable, StatusCode,
};
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
fn word<'de, T: Deserialize<'de>>(node: Node<'de>, name: &str) -> Option<T> {
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

/// A parameter; `None`: it has no name or stands nowhere, and `found` says so.
pub(super) fn parameter(node: Node<'_>, found: &mut Findings) -> Option<Parameter> {
    let incomplete = |found: &mut Findings, node: Node<'_>, message: String, help: &str| {
        found.warning("parameter-malformed", node.place(), message, help);
    };
    if !node.is_object() {
        let message = "this is not a parameter; it is left out".to_owned();
        incomplete(found, node, message, "write an object with `name` and `in`");
        return None;
    }
    let Some(name) = text(node, "name").filter(|name| !name.is_empty()) else {
        let message = "the parameter has no name; it is left out".to_owned();
        incomplete(found, node, message, "give it a `name`");
        return None;
    };
    let place = text(node, "in").unwrap_or_default();
    let data = ParameterData {
        name,
        description: None,
        required: flag(node, "required") || place == "path",
        deprecated: node.get("deprecated").and_then(|n| n.as_bool()),
        format: format(node),
        example: None,
        examples: IndexMap::new(),
        explode: node.get("explode").and_then(|n| n.as_bool()),
        extensions: IndexMap::new(),
    };
    match place.as_str() {
        "query" => Some(Parameter::Query {
            parameter_data: data,
            allow_reserved: flag(node, "allowReserved"),
            style: word(node, "style").unwrap_or(QueryStyle::Form),
            allow_empty_value: node.get("allowEmptyValue").and_then(|n| n.as_bool()),
        }),
        "header" => Some(Parameter::Header {
            parameter_data: data,
            style: HeaderStyle::Simple,
        }),
        "path" => Some(Parameter::Path {
            parameter_data: data,
            style: word(node, "style").unwrap_or(PathStyle::Simple),
        }),
        "cookie" => Some(Parameter::Cookie {
            parameter_data: data,
            style: CookieStyle::Form,
        }),
        other => {
            let name = &data.name;
            let (message, help) = match other {
                "body" | "formData" => (
                    format!("`in: {other}` of `{name}` belongs to OpenAPI 2.0; it is left out"),
                    "declare a `requestBody`",
                ),
                "" => (
                    format!("the parameter `{name}` does not say where it stands; it is left out"),
                    "write `in: query`, `header`, `path` or `cookie`",
                ),
                other => (
                    format!("`in: {other}` of `{name}` is not a place; it is left out"),
                    "write `in: query`, `header`, `path` or `cookie`",
                ),
            };
            let at = node.get("in").unwrap_or(node);
            incomplete(found, at, message, help);
            None
        }
    }
}

/// Whether a parameter is described by a schema or by a media type; the schema itself is left out.
fn format(node: Node<'_>) -> ParameterSchemaOrContent {
    match node.get("content") {
        Some(content_node) if node.get("schema").is_none() => {
            ParameterSchemaOrContent::Content(content(content_node))
        }
        _ => ParameterSchemaOrContent::Schema(ReferenceOr::Item(Schema {
            schema_data: SchemaData::default(),
            schema_kind: SchemaKind::Any(openapiv3::AnySchema::default()),
        })),
    }
}

/// Media types, without what they say.
fn content(node: Node<'_>) -> Content {
    node.follow()
        .entries()
        .map(|(name, _)| (name.to_owned(), MediaType::default()))
        .collect()
}

pub(super) fn request_body(node: Node<'_>) -> RequestBody {
    RequestBody {
        content: node.get("content").map(content).unwrap_or_default(),
        required: flag(node, "required"),
        ..RequestBody::default()
    }
}

pub(super) fn responses(node: Node<'_>, found: &mut Findings) -> Responses {
    let mut responses = Responses::default();
    for (status, response) in node.entries() {
        if status.starts_with("x-") {
            continue;
        }
        let response = response.follow();
        let read = ReferenceOr::Item(Response {
            content: response.get("content").map(content).unwrap_or_default(),
            ..Response::default()
        });
        if status == "default" {
            responses.default = Some(read);
        } else if let Some(code) = status_code(status) {
            responses.responses.insert(code, read);
        } else {
            found.warning(
                "response-status",
                node.get(status).unwrap_or(node).key_place(),
                format!("`{status}` is not a status; the response is left out"),
                "write a status such as 200, a class such as 2XX, or `default`",
            );
        }
    }
    responses
}

/// `200`, or `2XX` for a class of them.
fn status_code(text: &str) -> Option<StatusCode> {
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
