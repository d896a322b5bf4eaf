//! The strict check of what `x-gateway` says: every fault at its place, before a type is read.
//!
//! It walks a [`Tree`] with the language's own JSON Schema and knows as much of JSON Schema as derived schemas use: `$ref`,
//! `anyOf` and `oneOf` (told apart by JSON type), `type`, `const`, `enum`, `pattern`, `minimum`, `maximum`, `items`,
//! `properties`, `patternProperties`, `additionalProperties`, `required`. What passes here, serde reads.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::super::reader::{must_be_known, open_parameter};
use super::super::tree::{Data, Tree};
use super::unserved;
use super::values::{FORMS, Size, Time};
use crate::findings::{Findings, Lazily, brief};
use crate::suggest;

/// The checker: the definitions of the language and their patterns, made once.
pub(crate) struct Strict {
    definitions: Map<String, Value>,
    patterns: HashMap<String, Regex>,
}

/// Where the walk is.
#[derive(Clone, Copy, Default)]
struct Here<'s> {
    /// Nearest definition.
    within: &'s str,
    /// What it says about itself.
    about: &'s str,
    /// The member that is looked at; empty at the root.
    member: &'s str,
}

impl Strict {
    /// The checker of the whole language, made when it is first asked for.
    pub(crate) fn language() -> &'static Strict {
        static LANGUAGE: LazyLock<Strict> = LazyLock::new(Strict::new);
        &LANGUAGE
    }

    fn new() -> Strict {
        let definitions = super::definitions();
        let mut patterns = HashMap::new();
        for definition in definitions.values() {
            collect_patterns(definition, &mut patterns);
        }
        Strict {
            definitions,
            patterns,
        }
    }

    /// Checks a tree against a definition and says whether it can be read. What is at fault is reported and taken out, so
    /// that the rest can be read and looked at in the same run; so are members that switch off what is not served anyway.
    pub(crate) fn check(&self, tree: &mut Tree, definition: &str, found: &mut Findings) -> bool {
        let schema = self.definitions.get(definition).unwrap_or(&Value::Null);
        let here = Here {
            within: definition,
            about: "",
            member: "",
        };
        self.walk(tree, schema, here, found)
    }

    /// Follows `$ref` to its end.
    fn resolve<'s>(&'s self, mut schema: &'s Value, mut here: Here<'s>) -> (&'s Value, Here<'s>) {
        while let Some(name) = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|target| target.strip_prefix("#/$defs/"))
        {
            let Some((name, definition)) = self.definitions.get_key_value(name) else {
                break;
            };
            here.within = name;
            here.about = "";
            schema = definition;
        }
        if let Some(about) = schema.get("description").and_then(Value::as_str) {
            here.about = about;
        }
        (schema, here)
    }

    /// Whether what is left of the value can be read.
    fn walk(&self, tree: &mut Tree, schema: &Value, here: Here<'_>, found: &mut Findings) -> bool {
        let open = tree.as_str().and_then(open_parameter).map(str::to_owned);
        let Some(name) = open else {
            // A function of a template that could not be evaluated has its finding.
            return !tree.is_expression() && self.walk_known(tree, schema, here, found);
        };
        // Where an expression may stand, any text may; elsewhere the value is what is at fault, not its form.
        let mut faults = Findings::default();
        let fine = self.walk_known(tree, schema, here, &mut faults);
        if !fine {
            let (message, help) = must_be_known(&name);
            found.error("parameter-open", tree.place.clone(), message, help);
        }
        fine
    }

    fn walk_known(
        &self,
        tree: &mut Tree,
        schema: &Value,
        here: Here<'_>,
        found: &mut Findings,
    ) -> bool {
        let (schema, here) = self.resolve(schema, here);
        if let Some(words) = self.words(schema) {
            self.word(tree, &words, here, found)
        } else if let Some(branches) = branches(schema) {
            self.union(tree, branches, schema, here, found)
        } else if let Some(only) = schema.get("const") {
            let fine = tree.value() == *only;
            if !fine {
                found.error(
                    "x-gateway-value",
                    tree.place.clone(),
                    format!("{} can only be `{only}`", subject(here.member)),
                    lower_first(here.about),
                );
            }
            fine
        } else if !self.fits(tree, schema) {
            self.wrong_type(tree, schema, here, found);
            false
        } else {
            self.value(tree, schema, here, found)
        }
    }

    /// A value of the right JSON type.
    fn value(&self, tree: &mut Tree, schema: &Value, here: Here<'_>, found: &mut Findings) -> bool {
        let place = tree.place.clone();
        match &mut tree.data {
            Data::Object(_) => return self.object(tree, schema, here, found),
            Data::List(items) => {
                if let Some(item_schema) = schema.get("items") {
                    items.retain_mut(|item| self.walk(item, item_schema, here, found));
                }
            }
            Data::Scalar(Value::String(text)) => {
                let fine = schema
                    .get("pattern")
                    .and_then(Value::as_str)
                    .and_then(|pattern| self.patterns.get(pattern))
                    .is_none_or(|pattern| pattern.is_match(text));
                let word = text.split(':').next().unwrap_or_default();
                if fine && says(here.within, text) {
                    return true;
                }
                if let Some(row) = unserved::find(here.within, word) {
                    not_yet_served(place, row, found);
                } else {
                    found.error(
                        "x-gateway-value",
                        place,
                        format!("`{}` cannot stand in {}", brief(text), subject(here.member)),
                        lower_first(here.about),
                    );
                }
                return false;
            }
            Data::Scalar(Value::Number(number)) => {
                let number = number.as_f64().unwrap_or(f64::NAN);
                let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
                let most = bound("maximum").or_else(|| implied_maximum(schema));
                if bound("minimum").is_some_and(|least| number < least)
                    || most.is_some_and(|most| number > most)
                {
                    let range = match (bound("minimum"), most) {
                        (Some(least), Some(most)) => format!("from {least} to {most}"),
                        (Some(least), None) => format!("at least {least}"),
                        (None, Some(most)) => format!("at most {most}"),
                        (None, None) => String::new(),
                    };
                    found.error(
                        "x-gateway-range",
                        place,
                        format!("{} is {range}, not {number}", subject(here.member)),
                        "",
                    );
                    return false;
                }
            }
            Data::Scalar(_) => {}
        }
        true
    }

    fn object(
        &self,
        tree: &mut Tree,
        schema: &Value,
        here: Here<'_>,
        found: &mut Findings,
    ) -> bool {
        let place = tree.place.clone();
        let mut lacks = false;
        let Some(members) = tree.members_mut() else {
            return false;
        };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for name in &required {
            if !members.contains_key(*name) {
                found.error(
                    "x-gateway-missing",
                    place.clone(),
                    format!("`{name}` is missing"),
                    "",
                );
            }
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let rest = schema.get("additionalProperties");
        // members of an integration that is not served are nobody's fault
        let foreign = members
            .get("type")
            .and_then(Tree::as_str)
            .is_some_and(|kind| unserved::find(&format!("{}Kind", here.within), kind).is_some());
        members.retain(|name, member| {
            let known = properties.and_then(|list| list.get(name)).or_else(|| {
                patterns?
                    .iter()
                    .find(|(pattern, _)| {
                        self.patterns
                            .get(*pattern)
                            .is_some_and(|pattern| pattern.is_match(name))
                    })
                    .map(|(_, schema)| schema)
            });
            let here = Here {
                member: name,
                ..here
            };
            match (known, rest) {
                (Some(schema), _) | (None, Some(schema @ Value::Object(_))) => {
                    let fine = self.walk(member, schema, here, found);
                    lacks |= !fine;
                    fine
                }
                (None, Some(Value::Bool(false))) => {
                    match unserved::find(here.within, name) {
                        Some(_) if member.is_false() => {}
                        Some(row) => not_yet_served(member.key_place(), row, found),
                        None if foreign => {}
                        None => {
                            unknown_member(member, name, properties, patterns, found);
                            let known = properties.into_iter().flat_map(Map::keys);
                            // What was meant is missing now.
                            lacks |= suggest::nearest(name, known.map(String::as_str)).is_some();
                        }
                    }
                    false
                }
                _ => true,
            }
        });
        let complete = required.iter().all(|name| members.contains_key(*name));
        tree.lacks |= lacks;
        complete
    }

    /// A union: the branches that fit the JSON type of the value are tried; one is enough.
    fn union(
        &self,
        tree: &mut Tree,
        branches: &[Value],
        schema: &Value,
        here: Here<'_>,
        found: &mut Findings,
    ) -> bool {
        let fitting: Vec<&Value> = branches
            .iter()
            .filter(|branch| self.fits(tree, branch))
            .collect();
        let [first, others @ ..] = fitting.as_slice() else {
            self.wrong_type(tree, schema, here, found);
            return false;
        };
        for branch in others {
            let mut attempt = tree.clone();
            let mut faults = Findings::default();
            let fine = self.walk(&mut attempt, branch, here, &mut faults);
            if fine && !faults.has_errors() {
                *tree = attempt;
                return true;
            }
        }
        // no language member has two branches that fit and mean different things, so the first one speaks for all
        self.walk(tree, first, here, found)
    }

    /// The words of an enumeration, in either form that derived schemas have.
    fn words<'s>(&self, schema: &'s Value) -> Option<Vec<&'s str>> {
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return words.iter().map(Value::as_str).collect();
        }
        schema
            .get("oneOf")?
            .as_array()?
            .iter()
            .map(|branch| branch.get("const")?.as_str())
            .collect()
    }

    fn word(&self, tree: &Tree, words: &[&str], here: Here<'_>, found: &mut Findings) -> bool {
        let place = tree.place.clone();
        match tree.as_str() {
            Some(word) if words.contains(&word) => return true,
            Some(word) => {
                if let Some(row) = unserved::find(here.within, word) {
                    not_yet_served(place, row, found);
                } else {
                    found.error(
                        "x-gateway-value",
                        place,
                        format!("`{}` cannot stand in {}", brief(word), subject(here.member)),
                        Lazily(|| suggest::help(word, words.iter().copied())),
                    );
                }
            }
            None => found.error(
                "x-gateway-type",
                place,
                format!("{} is a word, not {}", subject(here.member), kind_of(tree)),
                suggest::one_of(words.iter().copied()),
            ),
        }
        false
    }

    fn wrong_type(&self, tree: &Tree, schema: &Value, here: Here<'_>, found: &mut Findings) {
        let templates = ["IntegrationRequest", "IntegrationResponse", "Response"];
        if templates.contains(&here.within) && tree.get("file").is_some() {
            found.error(
                "not-yet-served",
                tree.place.clone(),
                "a text in a file of its own is not yet served",
                "write the text here",
            );
            return;
        }
        let mut expected = Vec::new();
        self.expected(schema, &mut expected);
        expected.dedup();
        let help = if here.about.len() < 120 {
            here.about
        } else {
            ""
        };
        found.error(
            "x-gateway-type",
            tree.place.clone(),
            format!(
                "{} is {}, not {}",
                subject(here.member),
                expected.join(" or "),
                kind_of(tree)
            ),
            lower_first(help),
        );
    }

    /// What a schema takes, in words.
    fn expected(&self, schema: &Value, into: &mut Vec<String>) {
        let (schema, _) = self.resolve(schema, Here::default());
        if let Some(branches) = branches(schema) {
            for branch in branches {
                self.expected(branch, into);
            }
        } else if let Some(only) = schema.get("const") {
            into.push(format!("`{only}`"));
        } else if let Some(name) = schema.get("type").and_then(Value::as_str) {
            into.push(
                match name {
                    "object" => "an object",
                    "array" => "a list",
                    "string" => "a text",
                    "integer" => "a whole number",
                    "number" => "a number",
                    "boolean" => "true or false",
                    _ => "nothing",
                }
                .to_owned(),
            );
        } else {
            into.push("a word".to_owned());
        }
    }

    /// Whether a value has the JSON type of a schema.
    fn fits(&self, tree: &Tree, schema: &Value) -> bool {
        let (schema, _) = self.resolve(schema, Here::default());
        if let Some(branches) = branches(schema) {
            return branches.iter().any(|branch| self.fits(tree, branch));
        }
        if let Some(only) = schema.get("const") {
            return match &tree.data {
                Data::Scalar(Value::Bool(_)) => tree.value() == *only,
                Data::Scalar(Value::String(_)) => only.is_string(),
                _ => !only.is_string() && !only.is_boolean(),
            };
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => tree.members().is_some(),
            Some("array") => matches!(tree.data, Data::List(_)),
            Some("string") => tree.as_str().is_some(),
            Some("boolean") => matches!(tree.data, Data::Scalar(Value::Bool(_))),
            Some("number") => matches!(tree.data, Data::Scalar(Value::Number(_))),
            Some("integer") => match &tree.data {
                Data::Scalar(Value::Number(number)) => number.is_u64() || number.is_i64(),
                _ => false,
            },
            _ => true,
        }
    }
}

fn branches(schema: &Value) -> Option<&Vec<Value>> {
    schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))
        .and_then(Value::as_array)
}

/// The largest number of an integer format, where the schema does not name it.
fn implied_maximum(schema: &Value) -> Option<f64> {
    match schema.get("format").and_then(Value::as_str)? {
        "uint8" => Some(f64::from(u8::MAX)),
        "uint16" => Some(f64::from(u16::MAX)),
        "uint32" => Some(f64::from(u32::MAX)),
        "int32" => Some(f64::from(i32::MAX)),
        _ => None,
    }
}

fn collect_patterns(schema: &Value, into: &mut HashMap<String, Regex>) {
    match schema {
        Value::Object(members) => {
            let named = members.get("pattern").and_then(Value::as_str);
            let keys = members.get("patternProperties").and_then(Value::as_object);
            let keys = keys
                .into_iter()
                .flat_map(|keys| keys.keys().map(String::as_str));
            for pattern in named.into_iter().chain(keys) {
                if let Ok(compiled) = Regex::new(pattern) {
                    into.insert(pattern.to_owned(), compiled);
                }
            }
            for member in members.values() {
                collect_patterns(member, into);
            }
        }
        Value::Array(items) => {
            for item in items {
                collect_patterns(item, into);
            }
        }
        _ => {}
    }
}

fn not_yet_served(place: crate::findings::Place, row: &unserved::Unserved, found: &mut Findings) {
    found.error(
        "not-yet-served",
        place,
        format!("`{}` is not yet served", row.word),
        format!("it {}; take it out until a version serves it", row.purpose),
    );
}

fn unknown_member(
    member: &Tree,
    name: &str,
    properties: Option<&Map<String, Value>>,
    patterns: Option<&Map<String, Value>>,
    found: &mut Findings,
) {
    let known = properties
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str));
    let help = || match patterns.and_then(|patterns| patterns.keys().next()) {
        Some(pattern) if properties.is_none() => form(pattern),
        _ => suggest::help(name, known),
    };
    found.error(
        "x-gateway-unknown-member",
        member.key_place(),
        format!("`{}` is no member here", brief(name)),
        Lazily(help),
    );
}

/// The form of a map's names, in words where there are some.
fn form(pattern: &str) -> String {
    if let Some((_, words)) = FORMS.iter().find(|(known, _)| *known == pattern) {
        return lower_first(words);
    }
    let with = |prefix: &str| pattern.contains(&format!("{prefix}\\."));
    let forms: Vec<&str> = [
        ("path", "`path.NAME`"),
        ("header", "`header.NAME`"),
        ("query", "`query.NAME`"),
    ]
    .into_iter()
    .filter(|(prefix, _)| with(prefix))
    .map(|(_, form)| form)
    .collect();
    if forms.is_empty() {
        format!("its form is `{pattern}`")
    } else {
        format!("its form is {}", forms.join(" or "))
    }
}

fn subject(member: &str) -> String {
    if member.is_empty() {
        "`x-gateway`".to_owned()
    } else {
        format!("`{}`", brief(member))
    }
}

fn lower_first(text: &str) -> String {
    let text = text.strip_suffix('.').unwrap_or(text);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// What stands there, as it follows "not".
fn kind_of(tree: &Tree) -> String {
    match &tree.data {
        Data::Object(_) => "an object".to_owned(),
        Data::List(_) => "a list".to_owned(),
        Data::Scalar(Value::String(_)) => "a text".to_owned(),
        Data::Scalar(Value::Null) => "empty".to_owned(),
        Data::Scalar(scalar) => format!("`{scalar}`"),
    }
}

/// Whether a text says what its type is for: a pattern has no idea of the largest duration.
fn says(definition: &str, text: &str) -> bool {
    match definition {
        "Duration" | "MaxAge" => Time::parse(text).is_some(),
        "Size" => Size::parse(text).is_some(),
        _ => true,
    }
}
