//! The sentences of violations. They say what is demanded, in the document's words, and never what the client sent.

use crate::def::Types;

use super::program::{NumberCheck, StringCheck};

pub(super) const NEVER: &str = "must not be there: nothing is accepted here";
pub(super) const NOT: &str = "must not match the schema of `not`";
pub(super) const UNIQUE: &str = "must not have two equal elements";
pub(super) const NONE_OF_ANY: &str = "must match one of the schemas of `anyOf`";
pub(super) const NONE_OF_ONE: &str = "must match one of the schemas of `oneOf`";
pub(super) const MORE_THAN_ONE: &str =
    "must match exactly one of the schemas of `oneOf`, and matches more";

/// Most values of an enumeration that are listed.
const MOST_LISTED: usize = 10;

/// Longest text of the document in a sentence, in bytes.
const LONGEST: usize = 100;

/// What stands where the schema `false` accepts nothing.
pub(super) fn never(keyword: &str) -> Option<&'static str> {
    match keyword {
        "additionalProperties" | "unevaluatedProperties" => {
            Some("must not be there: the schema names no such property")
        }
        "items" | "unevaluatedItems" => {
            Some("must not be there: the array may not have so many elements")
        }
        "propertyNames" => Some("must not be there: no name is accepted"),
        _ => None,
    }
}

/// "must be a string or null"
pub(super) fn types(types: Types) -> String {
    let words = [
        (Types::STRING, "a string"),
        (Types::NUMBER, "a number"),
        (Types::INTEGER, "an integer"),
        (Types::BOOLEAN, "true or false"),
        (Types::OBJECT, "an object"),
        (Types::ARRAY, "an array"),
        (Types::NULL, "null"),
    ];
    let words: Vec<&str> = (words.iter())
        .filter(|(kind, _)| types.has(*kind))
        .filter(|(kind, _)| *kind != Types::INTEGER || !types.has(Types::NUMBER))
        .map(|(_, word)| *word)
        .collect();
    match words.split_last() {
        None => NEVER.to_owned(),
        Some((last, [])) => format!("must be {last}"),
        Some((last, rest)) => format!("must be {} or {last}", rest.join(", ")),
    }
}

pub(super) fn required(name: &str) -> String {
    format!("must have the property `{}`", brief(name))
}

pub(super) fn dependent(name: &str, other: &str) -> String {
    let (name, other) = (brief(name), brief(other));
    format!("must have the property `{name}`, because it has `{other}`")
}

pub(super) fn undiscriminated(property: &str) -> String {
    let property = brief(property);
    format!("must have the property `{property}`, which says what the object is")
}

pub(super) fn discriminated<'n>(known: impl Iterator<Item = &'n str>) -> String {
    listing(known.map(|name| format!("\"{}\"", brief(name))))
}

/// What an enumeration lists.
pub(super) fn listed(texts: &[&str]) -> String {
    listing(texts.iter().map(|text| brief(text)))
}

fn listing(mut values: impl Iterator<Item = String>) -> String {
    let first: Vec<String> = values.by_ref().take(MOST_LISTED).collect();
    let rest = values.count();
    match (first.as_slice(), rest) {
        ([only], 0) => format!("must be {only}"),
        (some, 0) => format!("must be one of {}", some.join(", ")),
        (some, more) => format!("must be one of {} and {more} more", some.join(", ")),
    }
}

pub(super) fn at_least(least: u64, one: &str, many: &str) -> String {
    format!(
        "must have at least {least} {}",
        if least == 1 { one } else { many }
    )
}

pub(super) fn at_most(most: u64, one: &str, many: &str) -> String {
    format!(
        "must have at most {most} {}",
        if most == 1 { one } else { many }
    )
}

pub(super) fn contains_least(least: u64) -> String {
    if least == 1 {
        "must have an element that matches the schema of `contains`".to_owned()
    } else {
        format!("must have at least {least} elements that match the schema of `contains`")
    }
}

pub(super) fn contains_most(most: u64) -> String {
    let elements = if most == 1 {
        "element that matches"
    } else {
        "elements that match"
    };
    format!("must have at most {most} {elements} the schema of `contains`")
}

/// Keyword and sentence of a rule about strings.
pub(super) fn string(check: &StringCheck) -> (&'static str, String) {
    match check {
        StringCheck::MinLength(least) => ("minLength", at_least(*least, "character", "characters")),
        StringCheck::MaxLength(most) => ("maxLength", at_most(*most, "character", "characters")),
        StringCheck::Pattern(pattern) => (
            "pattern",
            format!("must match the pattern {}", brief(pattern.text())),
        ),
        StringCheck::Format(format) => (
            "format",
            format!("must be {}", super::format::described(*format)),
        ),
    }
}

/// Keyword and sentence of a rule about numbers.
pub(super) fn number(check: &NumberCheck) -> (&'static str, String) {
    match check {
        NumberCheck::Minimum(bound) => {
            ("minimum", format!("must be at least {}", brief(bound.text)))
        }
        NumberCheck::Maximum(bound) => {
            ("maximum", format!("must be at most {}", brief(bound.text)))
        }
        NumberCheck::ExclusiveMinimum(bound) => (
            "exclusiveMinimum",
            format!("must be more than {}", brief(bound.text)),
        ),
        NumberCheck::ExclusiveMaximum(bound) => (
            "exclusiveMaximum",
            format!("must be less than {}", brief(bound.text)),
        ),
        NumberCheck::MultipleOf { text, .. } => (
            "multipleOf",
            format!("must be a multiple of {}", brief(text)),
        ),
        NumberCheck::Bits(_, format) => (
            "format",
            format!("must be {}", super::format::described(*format)),
        ),
    }
}

fn brief(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST);
    format!("{}…", text.get(..end).unwrap_or_default())
}
