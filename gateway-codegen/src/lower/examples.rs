//! Example answers for `--mock`: what the document gives, else a small sample made from the schema.
//!
//! Invariants: the same document gives the same bytes; a sample is bounded in depth, values and bytes, whatever the schema
//! refers to, and so is the work for all of them: many operations may refer to one large schema. Absent on purpose: random values, and validity against `pattern`.

use std::collections::HashSet;

use openapiv3::StatusCode;
use serde_json::{Map, Value, json};

use crate::load::Node;
use crate::model::Example;
use crate::normalise::{MediaSource, OperationSource, ResponseSource};

/// Deepest nesting of a sample.
const DEPTH: usize = 8;
/// Most values of a sample.
const VALUES: usize = 200;
/// Largest body taken over from the document; beyond it a sample is made.
const BYTES: usize = 64 * 1024;
/// Most steps towards a sample: values looked at, and bytes of those taken over.
const STEPS: usize = 64 * 1024;
/// Most steps towards all of them.
const ALL_STEPS: usize = 256 * 1024 * 1024;

/// Makes the example answers of a document.
pub(crate) struct Examples {
    left: usize,
}

impl Examples {
    /// None made yet.
    pub(crate) fn new() -> Examples {
        Examples { left: ALL_STEPS }
    }

    /// Whether there were too many; what was asked for after that has none.
    pub(crate) fn exhausted(&self) -> bool {
        self.left == 0
    }

    /// The example answer of an operation.
    pub(crate) fn of(&mut self, operation: &OperationSource<'_>) -> Option<Example> {
        if self.exhausted() {
            return None;
        }
        let mut sampler = Sampler {
            left: VALUES,
            steps: STEPS,
        };
        let example = sampler.example(operation);
        let spent = STEPS - sampler.steps + example.as_ref().map_or(0, |made| made.body.len());
        self.left = self.left.saturating_sub(spent);
        example
    }
}

struct Sampler {
    /// Values that may still be made.
    left: usize,
    /// Steps that may still be taken.
    steps: usize,
}

impl Sampler {
    fn example(&mut self, operation: &OperationSource<'_>) -> Option<Example> {
        let successes = operation.responses.iter().filter_map(|response| {
            let status = match response.status.as_ref()? {
                StatusCode::Code(code) => *code,
                StatusCode::Range(class) => class.saturating_mul(100),
            };
            (200..300).contains(&status).then_some((status, response))
        });
        let (status, response) = successes.min_by_key(|(status, _)| *status)?;
        let Some((media_type, media)) = json_media_type(response) else {
            // an answer without a body is an answer; one in a notation that is not JSON is none we could make up
            return response.content.is_empty().then(|| Example {
                status,
                media_type: String::new(),
                body: String::new(),
            });
        };
        let body = match self.given(media) {
            Some(body) => body,
            None => text(&self.value(&media.schema?.node, 0)),
        };
        if body.len() > BYTES {
            return None;
        }
        Some(Example {
            status,
            media_type,
            body,
        })
    }

    /// The example that the document gives.
    fn given(&mut self, media: &MediaSource<'_>) -> Option<String> {
        let body = text(&self.taken(media.example?.value())?);
        (body.len() <= BYTES).then_some(body)
    }

    /// A value of the document, if there are steps enough left to take it over.
    fn taken(&mut self, value: &Value) -> Option<Value> {
        self.affords(value).then(|| value.clone())
    }

    fn affords(&mut self, value: &Value) -> bool {
        let mut step = |cost: usize| {
            self.steps = self.steps.saturating_sub(cost);
            self.steps > 0
        };
        match value {
            Value::String(text) => step(1 + text.len()),
            Value::Array(items) => items.iter().all(|item| self.affords(item)),
            Value::Object(members) => members.iter().all(|(name, member)| {
                self.steps = self.steps.saturating_sub(1 + name.len());
                self.affords(member)
            }),
            _ => step(1),
        }
    }
}

/// The media type of an answer that is JSON. One of 2.0 of which no media type is known is taken for it.
fn json_media_type<'s, 'd>(
    response: &'s ResponseSource<'d>,
) -> Option<(String, &'s MediaSource<'d>)> {
    response.content.iter().find_map(|media| {
        let lower = media.media_type.to_ascii_lowercase();
        let name = lower.split(';').next().unwrap_or_default().trim();
        match name {
            "*/*" => Some(("application/json".to_owned(), media)),
            "application/json" => Some((lower, media)),
            name if name.ends_with("+json") => Some((lower, media)),
            _ => None,
        }
    })
}

fn text(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

impl Sampler {
    fn value(&mut self, schema: &Node<'_>, depth: usize) -> Value {
        let schema = schema.follow();
        self.left = self.left.saturating_sub(1);
        self.steps = self.steps.saturating_sub(1);
        for name in ["example", "default", "const"] {
            if let Some(value) = schema.get(name).and_then(|it| self.taken(it.value())) {
                return value;
            }
        }
        for name in ["examples", "enum"] {
            let first = schema.get(name).and_then(|list| list.items().next());
            if let Some(value) = first.and_then(|first| self.taken(first.value())) {
                return value;
            }
        }
        if depth >= DEPTH || self.left == 0 || self.steps == 0 {
            return flat(&schema);
        }
        if schema.get("allOf").is_some() {
            return self.all_of(&schema, depth);
        }
        for name in ["oneOf", "anyOf"] {
            if let Some(first) = schema.get(name).and_then(|list| list.items().next()) {
                return self.value(&first, depth + 1);
            }
        }
        match kind(&schema) {
            Some("object") => Value::Object(self.object(&schema, depth)),
            Some("array") => self.array(&schema, depth),
            _ => flat(&schema),
        }
    }

    fn all_of(&mut self, schema: &Node<'_>, depth: usize) -> Value {
        let mut merged = Map::new();
        let mut other = None;
        let parts = schema
            .get("allOf")
            .into_iter()
            .flat_map(|list| list.items());
        for part in parts {
            if self.steps == 0 {
                break;
            }
            match self.value(&part, depth + 1) {
                Value::Object(members) => merged.extend(members),
                Value::Null => {}
                value => other = Some(value),
            }
        }
        merged.extend(self.object(schema, depth));
        match other {
            Some(value) if merged.is_empty() => value,
            _ => Value::Object(merged),
        }
    }

    fn object(&mut self, schema: &Node<'_>, depth: usize) -> Map<String, Value> {
        let mut members = Map::new();
        let required: HashSet<&str> = schema
            .get("required")
            .into_iter()
            .flat_map(|list| list.items())
            .filter_map(|name| name.as_str())
            .take(self.steps)
            .collect();
        let properties = schema.get("properties");
        for (name, property) in properties.into_iter().flat_map(|list| list.entries()) {
            if self.steps == 0 {
                break;
            }
            self.steps -= 1;
            let property = property.follow();
            let hidden = property
                .get("writeOnly")
                .is_some_and(|flag| flag.value() == &Value::Bool(true));
            // far down and late, only what must be there
            let optional = !required.contains(name);
            if hidden || (optional && (self.left == 0 || depth + 2 >= DEPTH)) {
                continue;
            }
            members.insert(name.to_owned(), self.value(&property, depth + 1));
        }
        members
    }

    fn array(&mut self, schema: &Node<'_>, depth: usize) -> Value {
        let Some(items) = schema.get("items") else {
            return json!([]);
        };
        if self.left == 0 || depth + 1 >= DEPTH {
            return json!([]);
        }
        Value::Array(vec![self.value(&items, depth + 1)])
    }
}

/// The type of a schema; of several (3.1), the first that is not `null`.
fn kind<'d>(schema: &Node<'d>) -> Option<&'d str> {
    let written = schema.get("type");
    let named = written.and_then(|kind| {
        kind.as_str().or_else(|| {
            kind.items()
                .filter_map(|kind| kind.as_str())
                .find(|kind| *kind != "null")
        })
    });
    named.or_else(|| {
        if schema.get("properties").is_some() || schema.get("additionalProperties").is_some() {
            Some("object")
        } else if schema.get("items").is_some() {
            Some("array")
        } else {
            None
        }
    })
}

/// A value of a type without looking inside.
fn flat(schema: &Node<'_>) -> Value {
    let number = |name: &str| schema.get(name).map(|bound| bound.value().clone());
    match kind(schema) {
        Some("object") => json!({}),
        Some("array") => json!([]),
        Some("string") => Value::String(string(schema)),
        Some("integer" | "number") => number("minimum")
            .filter(Value::is_number)
            .or_else(|| {
                number("maximum").filter(|most| most.as_f64().is_some_and(|most| most < 0.0))
            })
            .unwrap_or(json!(0)),
        Some("boolean") => json!(true),
        _ => Value::Null,
    }
}

fn string(schema: &Node<'_>) -> String {
    let format = schema.get("format").and_then(|format| format.as_str());
    let text = match format {
        Some("date") => "2026-01-31",
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("time") => "12:00:00Z",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("email") => "someone@example.com",
        Some("uri" | "url" | "uri-reference") => "https://example.com/",
        Some("hostname") => "example.com",
        Some("ipv4") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("byte") => "dGV4dA==",
        _ => "text",
    };
    let bound = |name: &str| {
        schema
            .get(name)
            .and_then(|bound| bound.value().as_u64())
            .and_then(|bound| usize::try_from(bound).ok())
    };
    let mut text = text.to_owned();
    if let Some(least) = bound("minLength") {
        let least = least.min(1000);
        while text.chars().count() < least {
            text.push('x');
        }
    }
    if let Some(most) = bound("maxLength")
        && format.is_none()
    {
        text = text.chars().take(most).collect();
    }
    text
}
