//! Which `$ref` members are references.
//!
//! A member named `$ref` is one unless it is data (in an example, a default, an enumeration, an extension) or a name that
//! the document makes up (a property called `$ref`). Data is told by the member that holds it, and that member only
//! counts where the description language gives it its meaning: a property called `default` is a schema.

use serde_json::{Map, Value};

use crate::load::escape;

/// A reference or a name as it stands in a file.
#[derive(Debug)]
pub(crate) struct Written<'w> {
    /// What it is.
    pub(crate) kind: Kind,
    /// Pointer of the value of the member, such as `$ref`.
    pub(crate) pointer: &'w str,
    /// What that is, if it is a text.
    pub(crate) target: Option<&'w str>,
    /// Whether it leads to data, in which only a further reference means something.
    pub(crate) to_data: bool,
}

/// What a member is that leads somewhere, or is led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `$ref`.
    Reference,
    /// `$id`, and `$self` of 3.2.
    Address,
    /// `$anchor`, `$dynamicAnchor`.
    Anchor,
}

/// What the members of an object are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    /// Words of the description language.
    Words,
    /// Names the document makes up.
    Names,
    /// Such names, and extensions among them.
    NamesOrExtensions,
    /// Names of Example Objects.
    Examples,
}

/// Shows all references in a value, which stands at `pointer`; of data only the one that stands for it.
pub(crate) fn references(
    value: &Value,
    pointer: &str,
    data: bool,
    mut take: impl FnMut(Written<'_>),
) {
    let mut walk = Walk {
        pointer: pointer.to_owned(),
        take: |written: Written<'_>| {
            if written.kind == Kind::Reference {
                take(written);
            }
        },
    };
    if data {
        walk.reference_only(value);
    } else {
        walk.value(value, Members::Words);
    }
}

/// Shows all names in a file.
pub(super) fn names(root: &Value, mut take: impl FnMut(Written<'_>)) {
    let mut walk = Walk {
        pointer: String::new(),
        take: |written: Written<'_>| {
            if written.kind != Kind::Reference {
                take(written);
            }
        },
    };
    walk.value(root, Members::Words);
}

/// Whether what a pointer leads to may lie in data, which [`references`] does not look into.
pub(crate) fn lies_in_data(pointer: &str) -> bool {
    let mut tokens = pointer.split('/');
    tokens.any(|token| {
        is_extension(token)
            || matches!(token, "default" | "enum" | "const" | "example" | "examples")
    })
}

fn is_extension(name: &str) -> bool {
    name.starts_with("x-")
}

struct Walk<F> {
    pointer: String,
    take: F,
}

impl<F: FnMut(Written<'_>)> Walk<F> {
    /// Recursion is bounded by the depth that the loader allows.
    fn value(&mut self, value: &Value, members: Members) {
        match value {
            Value::Object(object) => self.object(object, members),
            Value::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    let length = self.pointer.len();
                    self.pointer.push('/');
                    self.pointer.push_str(&number.to_string());
                    self.value(item, Members::Words);
                    self.pointer.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, object: &Map<String, Value>, members: Members) {
        for (name, child) in object {
            let length = self.pointer.len();
            escape(name, &mut self.pointer);
            self.member(name, child, members);
            self.pointer.truncate(length);
        }
    }

    fn member(&mut self, name: &str, child: &Value, members: Members) {
        match (members, name) {
            // Where names are made up, a reference stands for the whole table; an object is what a name is given to.
            (_, "$ref") => match child {
                Value::String(text) => self.add(Kind::Reference, Some(text), false),
                _ if members == Members::Words => self.add(Kind::Reference, None, false),
                _ => self.value(child, Members::Words),
            },
            (Members::Words, "$id" | "$self") => self.name(Kind::Address, child),
            (Members::Words, "$anchor" | "$dynamicAnchor") => self.name(Kind::Anchor, child),
            // An Example Object holds data; only the object itself may be a reference.
            (Members::Examples, _) => self.reference_only(child),
            (Members::Names, _) => self.value(child, Members::Words),
            (Members::Words, "x-amazon-apigateway-any-method") => {
                self.value(child, Members::Words);
            }
            (Members::Words, "x-amazon-apigateway-integration") => self.reference_only(child),
            (_, name) if is_extension(name) => {}
            (Members::NamesOrExtensions, _) => self.value(child, Members::Words),
            (Members::Words, "default" | "enum" | "const" | "example") => {}
            (Members::Words, "examples") => {
                if let Value::Object(examples) = child {
                    self.object(examples, Members::Examples);
                }
            }
            (Members::Words, "paths" | "responses" | "callbacks") => {
                self.value(child, Members::NamesOrExtensions);
            }
            (
                Members::Words,
                "schemas"
                | "properties"
                | "patternProperties"
                | "definitions"
                | "$defs"
                | "dependentSchemas"
                | "parameters"
                | "requestBodies"
                | "headers"
                | "securitySchemes"
                | "securityDefinitions"
                | "links"
                | "pathItems"
                | "webhooks"
                | "content"
                | "encoding"
                | "variables"
                | "mapping"
                | "scopes",
            ) => self.value(child, Members::Names),
            (Members::Words, _) => self.value(child, Members::Words),
        }
    }

    /// Takes `{"$ref": …}` and looks no deeper.
    fn reference_only(&mut self, value: &Value) {
        if let Some(Value::String(text)) = value.get("$ref") {
            let length = self.pointer.len();
            escape("$ref", &mut self.pointer);
            self.add(Kind::Reference, Some(text), true);
            self.pointer.truncate(length);
        }
    }

    fn name(&mut self, kind: Kind, child: &Value) {
        if let Value::String(text) = child {
            self.add(kind, Some(text), false);
        }
    }

    fn add(&mut self, kind: Kind, target: Option<&str>, to_data: bool) {
        (self.take)(Written {
            kind,
            pointer: &self.pointer,
            target,
            to_data,
        });
    }
}
