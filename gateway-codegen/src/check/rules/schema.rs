//! Rules of schemas. None of them is an error: a schema that says too much or nothing still says what it says otherwise.

use super::{Rule, note, warning};

pub(super) const RULES: &[Rule] = &[
    warning(
        "pattern-not-portable",
        "A pattern cannot be checked, and is not.",
        "Patterns are ECMA 262 and run in time that is linear in the text: look-behind and look-ahead are known behind a leading `^` and before a closing `$` alone, back-references not at all, and what other languages have beside (`(?i)`, `\\A`) is no pattern.",
        "pattern: ^(\\w)\\1$",
    ),
    warning(
        "schema-contradiction",
        "No value can be as a schema demands.",
        "Every request would be refused; the finding names the two keywords.",
        "{ type: string, minLength: 5, maxLength: 3 }",
    ),
    warning(
        "schema-discriminator",
        "A discriminator names a schema that does not exist, or chooses among schemas without names.",
        "A discriminator's value is the name of a schema of the document, or what `mapping` has for it.",
        "discriminator: { propertyName: kind, mapping: { cat: '#/components/schemas/Catt' } }",
    ),
    note(
        "schema-format-unknown",
        "A format is not among those that are checked.",
        "docs/validation.md lists them. Say what is demanded with `pattern`.",
        "format: isbn",
    ),
    warning(
        "schema-keyword-invalid",
        "A keyword of a schema has a value that it cannot have.",
        "The finding says what it can have, and what becomes of it.",
        "minLength: long",
    ),
    note(
        "schema-keyword-unknown",
        "A schema has a member that its language does not know.",
        "It is not checked. Often it is a typing slip, or a keyword of another version of OpenAPI.",
        "{ type: string, maxLenght: 5 }",
    ),
    warning(
        "schema-malformed",
        "Something that is no schema stands where one is expected.",
        "Everything is accepted there.",
        "schema: string",
    ),
    note(
        "schema-ref-siblings",
        "Beside a `$ref`, other keywords count for nothing until OpenAPI 3.1.",
        "Put the reference into `allOf` and the keywords beside it.",
        "{ $ref: '#/components/schemas/Name', maxLength: 5 }",
    ),
    note(
        "schema-required-undeclared",
        "A member is required that the schema does not declare.",
        "Values without it are refused; often its name has a typing slip.",
        "{ required: [titel], properties: { title: {} } }",
    ),
];
