//! Every keyword of schemas, and what becomes of it: the one table that lowering, findings and `docs/validation.md` read.

use super::Dialect;

/// A keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyword {
    /// The keyword.
    pub name: &'static str,
    /// Dialects that have it.
    pub dialects: &'static [Dialect],
    /// What becomes of it.
    pub effect: Effect,
}

/// What becomes of a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Values are checked for it.
    Enforced,
    /// It says where schemas are and what they are called.
    Structure,
    /// It tells people or other tools something; nothing is checked.
    Annotation,
}

use Dialect::{Draft4, Json2020_12, OpenApi30, Swagger2};

const ALL: &[Dialect] = &[Draft4, Swagger2, OpenApi30, Json2020_12];
const OPENAPI: &[Dialect] = &[Swagger2, OpenApi30, Json2020_12];
const JSON_SCHEMA: &[Dialect] = &[Draft4, Json2020_12];
const NEW: &[Dialect] = &[Json2020_12];

const fn enforced(name: &'static str, dialects: &'static [Dialect]) -> Keyword {
    Keyword {
        name,
        dialects,
        effect: Effect::Enforced,
    }
}

const fn structure(name: &'static str, dialects: &'static [Dialect]) -> Keyword {
    Keyword {
        name,
        dialects,
        effect: Effect::Structure,
    }
}

const fn annotation(name: &'static str, dialects: &'static [Dialect]) -> Keyword {
    Keyword {
        name,
        dialects,
        effect: Effect::Annotation,
    }
}

/// All of them, sorted.
pub static KEYWORDS: &[Keyword] = &[
    structure("$anchor", NEW),
    annotation("$comment", NEW),
    structure("$defs", NEW),
    structure("$dynamicAnchor", NEW),
    enforced("$dynamicRef", NEW),
    structure("$id", NEW),
    enforced("$ref", ALL),
    structure("$schema", JSON_SCHEMA),
    annotation("$vocabulary", NEW),
    enforced("additionalItems", &[Draft4]),
    enforced("additionalProperties", ALL),
    enforced("allOf", ALL),
    enforced("anyOf", ALL),
    enforced("const", NEW),
    enforced("contains", NEW),
    annotation("contentEncoding", NEW),
    annotation("contentMediaType", NEW),
    annotation("contentSchema", NEW),
    annotation("default", ALL),
    structure("definitions", JSON_SCHEMA),
    enforced("dependencies", JSON_SCHEMA),
    enforced("dependentRequired", NEW),
    enforced("dependentSchemas", NEW),
    annotation("deprecated", OPENAPI),
    annotation("description", ALL),
    enforced("discriminator", OPENAPI),
    enforced("else", NEW),
    enforced("enum", ALL),
    annotation("example", OPENAPI),
    annotation("examples", NEW),
    enforced("exclusiveMaximum", ALL),
    enforced("exclusiveMinimum", ALL),
    annotation("externalDocs", OPENAPI),
    enforced("format", ALL),
    structure("id", &[Draft4]),
    enforced("if", NEW),
    enforced("items", ALL),
    enforced("maxContains", NEW),
    enforced("maxItems", ALL),
    enforced("maxLength", ALL),
    enforced("maxProperties", ALL),
    enforced("maximum", ALL),
    enforced("minContains", NEW),
    enforced("minItems", ALL),
    enforced("minLength", ALL),
    enforced("minProperties", ALL),
    enforced("minimum", ALL),
    enforced("multipleOf", ALL),
    enforced("not", ALL),
    enforced("nullable", &[OpenApi30]),
    enforced("oneOf", ALL),
    enforced("pattern", ALL),
    enforced("patternProperties", ALL),
    enforced("prefixItems", NEW),
    enforced("properties", ALL),
    enforced("propertyNames", NEW),
    enforced("readOnly", OPENAPI),
    enforced("required", ALL),
    enforced("then", NEW),
    annotation("title", ALL),
    enforced("type", ALL),
    enforced("unevaluatedItems", NEW),
    enforced("unevaluatedProperties", NEW),
    enforced("uniqueItems", ALL),
    enforced("writeOnly", OPENAPI),
    enforced("x-nullable", &[Swagger2]),
    annotation("xml", OPENAPI),
];

/// The row of a keyword.
pub fn keyword(name: &str) -> Option<&'static Keyword> {
    let at = KEYWORDS.binary_search_by_key(&name, |keyword| keyword.name);
    at.ok().and_then(|at| KEYWORDS.get(at))
}

/// Formats that say how a value is meant and leave nothing to check.
pub static DESCRIPTIVE_FORMATS: &[&str] = &[
    "base64url",
    "binary",
    "char",
    "commonmark",
    "decimal",
    "double",
    "float",
    "html",
    "int16",
    "int8",
    "media-range",
    "password",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
];

impl Dialect {
    /// What documents call it.
    pub const fn name(self) -> &'static str {
        match self {
            Draft4 => "JSON Schema draft 4",
            Swagger2 => "Swagger 2.0",
            OpenApi30 => "OpenAPI 3.0",
            Json2020_12 => "JSON Schema 2020-12 (OpenAPI 3.1)",
        }
    }

    /// Whether it has this keyword.
    pub fn has(self, name: &str) -> bool {
        keyword(name).is_some_and(|keyword| keyword.dialects.contains(&self))
    }

    /// Whether what stands beside a `$ref` counts for nothing.
    pub(super) const fn ignores_siblings(self) -> bool {
        !matches!(self, Json2020_12)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(KEYWORDS.is_sorted_by_key(|keyword| keyword.name));
        assert!(DESCRIPTIVE_FORMATS.is_sorted());
    }
}
