//! One schema: its keywords, in the order that rules have.

use gateway_runtime::def::{Format, Types};
use gateway_runtime::schema::Pattern;
use serde_json::Value;

use super::keywords::{DESCRIPTIVE_FORMATS, Effect, keyword};
use super::{Context, Dialect, Schemas};
use crate::findings::{Findings, brief};
use crate::load::Node;
use crate::model::Rule;

/// Most patterns of a document that are large: each takes up to 2 MiB of the gateway, and the generator some 50 ms.
const MOST_LARGE_PATTERNS: usize = 64;

impl<'d> Schemas<'d> {
    /// The rules of a schema inside another.
    pub(super) fn list(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        found: &mut Findings,
    ) -> Vec<Rule> {
        let context = self.here(node, context);
        if self.is_found_dynamically(node) {
            vec![Rule::Ref(self.name(node, context))]
        } else {
            self.entered(node, context, found)
        }
    }

    /// The rules of a schema, whatever it is.
    pub(super) fn entered(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        found: &mut Findings,
    ) -> Vec<Rule> {
        match node.value() {
            Value::Bool(true) => Vec::new(),
            Value::Bool(false) => vec![Rule::Never],
            Value::Object(_) => self.body(node, context, found),
            _ => {
                found.warning(
                    "schema-malformed",
                    node.place(),
                    "this is not a schema; everything is accepted",
                    "write an object such as `{ type: string }`",
                );
                Vec::new()
            }
        }
    }

    /// A schema that stands apart from what is joined around it.
    pub(super) fn inner(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        found: &mut Findings,
    ) -> Vec<Rule> {
        let whole = node;
        self.list(node, Context { whole, ..context }, found)
    }

    /// The rules of an object.
    fn body(&mut self, node: Node<'d>, context: Context<'d>, found: &mut Findings) -> Vec<Rule> {
        let mut rules = Vec::new();
        let reference = node.get("$ref").and_then(|node| node.as_str());
        if let Some(reference) = reference
            && context.dialect.ignores_siblings()
        {
            if is_nullable(node, context.dialect) {
                rules.push(Rule::OrNull);
            }
            rules.extend(self.reference(node, reference, context));
            report_siblings(node, context.dialect, found);
            return rules;
        }
        report_unknown(node, context.dialect, found);
        let nullable = is_nullable(node, context.dialect);
        let joined = ["allOf", "anyOf", "oneOf"]
            .iter()
            .any(|name| node.get(name).is_some());
        if nullable && joined {
            rules.push(Rule::OrNull);
        }
        if context.validates {
            if let Some(mut types) = types(node, context.dialect, found) {
                if nullable {
                    types = types.or(Types::NULL);
                }
                if types != Types::ALL {
                    rules.push(Rule::Types(types));
                }
            }
            rules.extend(self.listed(node, nullable && !joined, found));
            self.numbers(node, context, &mut rules, found);
            self.strings(node, &mut rules, found);
        }
        self.elements(node, context, &mut rules, found);
        self.members(node, context, &mut rules, found);
        self.joined(node, context, &mut rules, found);
        if let Some(reference) = reference {
            rules.extend(self.reference(node, reference, context));
        }
        if let Some(reference) = self.text(node, "$dynamicRef", context) {
            rules.extend(self.dynamic(node, reference, context, found));
        }
        super::bounds::check(node, &rules, found);
        rules
    }

    fn text(&self, node: Node<'d>, name: &str, context: Context<'d>) -> Option<&'d str> {
        let value = node.get(name).filter(|_| context.dialect.has(name))?;
        value.as_str()
    }

    fn reference(&mut self, node: Node<'d>, reference: &str, context: Context<'d>) -> Option<Rule> {
        // One that leads nowhere has its finding.
        let target = self.target(node, reference)?;
        Some(Rule::Ref(self.name(target, context)))
    }

    fn dynamic(
        &mut self,
        node: Node<'d>,
        reference: &str,
        context: Context<'d>,
        found: &mut Findings,
    ) -> Option<Rule> {
        let Some(target) = self.target(node, reference) else {
            let message = format!(
                "`$dynamicRef: {}` leads nowhere; nothing is checked",
                brief(reference)
            );
            let help = "give the schema that is meant a `$dynamicAnchor`";
            found.warning("schema-keyword-invalid", node.place(), message, help);
            return None;
        };
        let anchor = reference.split_once('#').map_or("", |(_, anchor)| anchor);
        let own = target.get("$dynamicAnchor").and_then(|name| name.as_str());
        let name = self.name(target, context);
        Some(if own == Some(anchor) {
            Rule::DynamicRef(anchor.to_owned(), name)
        } else {
            Rule::Ref(name)
        })
    }

    /// `enum` and `const`.
    fn listed(&mut self, node: Node<'d>, nullable: bool, found: &mut Findings) -> Vec<Rule> {
        let mut rules = Vec::new();
        if let Some(list) = node.get("enum") {
            if list.is_array() {
                let mut texts: Vec<String> = list.items().map(|item| self.json(item)).collect();
                if nullable && !texts.iter().any(|text| text == "null") {
                    texts.push("null".to_owned());
                }
                if texts.is_empty() {
                    found.warning(
                        "schema-contradiction",
                        list.place(),
                        "`enum` lists nothing, so nothing is accepted",
                        "list the values, or take `enum` out",
                    );
                }
                rules.push(Rule::Enum(texts));
            } else {
                invalid(list, "`enum` is a list of values", found);
            }
        }
        if let Some(value) = node.get("const") {
            rules.push(Rule::Enum(vec![self.json(value)]));
        }
        rules
    }

    fn strings(&mut self, node: Node<'d>, rules: &mut Vec<Rule>, found: &mut Findings) {
        rules.extend(
            count(node, "minLength", found)
                .filter(|n| *n > 0)
                .map(Rule::MinLength),
        );
        rules.extend(count(node, "maxLength", found).map(Rule::MaxLength));
        if let Some(pattern) = node.get("pattern") {
            match pattern.as_str() {
                Some(text) if self.is_portable(text, pattern, found) => {
                    rules.push(Rule::Pattern(text.to_owned()));
                }
                Some(_) => {}
                None => invalid(pattern, "`pattern` is a text", found),
            }
        }
        if let Some(format) = node.get("format") {
            match format.as_str() {
                Some(word) => rules.extend(self.format(word, format, found).map(Rule::Format)),
                None => invalid(format, "`format` is a word", found),
            }
        }
    }

    fn format(&self, word: &str, node: Node<'d>, found: &mut Findings) -> Option<Format> {
        if !self.formats {
            return None;
        }
        let format = Format::of(word);
        if format.is_none() && DESCRIPTIVE_FORMATS.binary_search(&word).is_err() {
            found.note(
                "schema-format-unknown",
                node.place(),
                format!("the format `{}` is not checked", brief(word)),
                "say it with `pattern`, or leave it as a word for people",
            );
        }
        format
    }

    /// Whether a pattern can be checked; if not, that is said at its place.
    pub(super) fn is_portable(&mut self, text: &str, node: Node<'d>, found: &mut Findings) -> bool {
        let fault = self.patterns.entry(text.to_owned()).or_insert_with(|| {
            if Pattern::is_large(text) {
                self.large_patterns += 1;
                if self.large_patterns > MOST_LARGE_PATTERNS {
                    let most = format!("the document has more than {MOST_LARGE_PATTERNS} as large");
                    return Some((0, most));
                }
            }
            let fault = Pattern::parse(text).err();
            fault.map(|fault| (fault.offset, fault.message))
        });
        let Some((offset, message)) = fault else {
            return true;
        };
        found.warning(
            "pattern-not-portable",
            node.place_at(*offset),
            format!("the pattern is not checked: {message}"),
            "write it without look-around, back-references and what ECMA 262 does not have",
        );
        false
    }

    /// Rules about elements of arrays.
    fn elements(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        rules: &mut Vec<Rule>,
        found: &mut Findings,
    ) {
        if context.validates {
            rules.extend(
                count(node, "minItems", found)
                    .filter(|n| *n > 0)
                    .map(Rule::MinItems),
            );
            rules.extend(count(node, "maxItems", found).map(Rule::MaxItems));
            if flag(node, "uniqueItems", found) {
                rules.push(Rule::UniqueItems);
            }
        }
        let new = context.dialect == Dialect::Json2020_12;
        let mut prefix = node.get("prefixItems").filter(|_| new);
        let mut items = node.get("items");
        if let Some(list) = items.filter(|items| items.is_array()) {
            prefix = Some(list);
            items = node.get("additionalItems");
            if context.dialect != Dialect::Draft4 {
                let message = format!("`items` is a schema in {}", context.dialect.name());
                invalid(list, &message, found);
            }
        }
        if let Some(prefix) = prefix {
            let lists = prefix.items().map(|item| self.inner(item, context, found));
            rules.push(Rule::PrefixItems(lists.collect()));
        }
        if let Some(items) = items {
            rules.push(Rule::Items(self.inner(items, context, found)));
        }
        if !new {
            return;
        }
        if let Some(contains) = node.get("contains") {
            let counts = context.validates;
            let min = count(node, "minContains", found).filter(|_| counts);
            let max = count(node, "maxContains", found).filter(|_| counts);
            rules.push(Rule::Contains {
                rules: self.inner(contains, context, found),
                min: min.unwrap_or(1),
                max,
            });
        }
        if let Some(rest) = node.get("unevaluatedItems") {
            rules.push(Rule::UnevaluatedItems(self.inner(rest, context, found)));
        }
    }

    /// What joins schemas for the same value.
    fn joined(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        rules: &mut Vec<Rule>,
        found: &mut Findings,
    ) {
        let discriminator = self.discriminator(node, context, found);
        for name in ["allOf", "anyOf", "oneOf"] {
            let Some(list) = node.get(name) else {
                continue;
            };
            if !list.is_array() || list.items().next().is_none() {
                invalid(list, &format!("`{name}` is a list of schemas"), found);
                continue;
            }
            // The branch that the discriminator names is the one that counts.
            if name != "allOf" && discriminator.as_ref().is_some_and(|(_, chosen)| *chosen) {
                continue;
            }
            let lists = list.items().map(|item| match name {
                "allOf" => self.list(item, context, found),
                _ => self.inner(item, context, found),
            });
            let lists: Vec<Vec<Rule>> = lists.collect();
            rules.push(match name {
                "allOf" => Rule::AllOf(lists),
                "anyOf" => Rule::AnyOf(lists),
                _ => Rule::OneOf(lists),
            });
        }
        rules.extend(discriminator.map(|(rule, _)| rule));
        if let Some(not) = node.get("not") {
            rules.push(Rule::Not(self.inner(not, context, found)));
        }
        if let Some(when) = node.get("if").filter(|_| context.dialect.has("if")) {
            let mut branch = |name: &str| {
                let branch = node.get(name);
                branch.map_or_else(Vec::new, |branch| self.inner(branch, context, found))
            };
            let (then, otherwise) = (branch("then"), branch("else"));
            rules.push(Rule::If {
                when: self.inner(when, context, found),
                then,
                otherwise,
            });
        }
    }
}

/// `type`; `None`: it is not there, or says nothing that can be checked.
fn types(node: Node<'_>, dialect: Dialect, found: &mut Findings) -> Option<Types> {
    let written = node.get("type")?;
    let words: Vec<Node<'_>> = match written.value() {
        Value::Array(_) => {
            if matches!(dialect, Dialect::OpenApi30 | Dialect::Swagger2) {
                invalid(
                    written,
                    &format!("`type` is one word in {}", dialect.name()),
                    found,
                );
            }
            written.items().collect()
        }
        _ => vec![written],
    };
    let mut types = Types::NONE;
    for word in words {
        types = types.or(match word.as_str() {
            Some("string") => Types::STRING,
            Some("number") => Types::NUMBER,
            Some("integer") => Types::INTEGER,
            Some("boolean") => Types::BOOLEAN,
            Some("array") => Types::ARRAY,
            Some("object") => Types::OBJECT,
            Some("null") => Types::NULL,
            // A form's file is not JSON.
            Some("file") if dialect == Dialect::Swagger2 => return None,
            // `type: null` without quotes, in YAML.
            None if word.value().is_null() && dialect == Dialect::Json2020_12 => {
                let message = "`type: null` without quotes is no word; `null` is meant";
                found.warning(
                    "schema-keyword-invalid",
                    word.place(),
                    message,
                    "write `type: 'null'`",
                );
                Types::NULL
            }
            _ => {
                invalid(
                    word,
                    "this is not one of the types that JSON Schema has",
                    found,
                );
                return None;
            }
        });
    }
    Some(types)
}

/// Whether `null` is accepted beside what `type` and `enum` say.
fn is_nullable(node: Node<'_>, dialect: Dialect) -> bool {
    let word = match dialect {
        Dialect::OpenApi30 => "nullable",
        Dialect::Swagger2 => "x-nullable",
        Dialect::Draft4 | Dialect::Json2020_12 => return false,
    };
    node.get(word).and_then(|flag| flag.as_bool()) == Some(true)
}

/// A keyword that counts something.
pub(super) fn count(node: Node<'_>, name: &str, found: &mut Findings) -> Option<u64> {
    let written = node.get(name)?;
    let number = written.value().as_number();
    let count = number.and_then(|number| {
        number.as_u64().or_else(|| {
            let number = number.as_f64()?;
            let whole = number.fract() == 0.0 && number >= 0.0;
            // What no text can reach need not be told apart.
            whole.then_some(if number < 1e18 {
                number as u64
            } else {
                u64::MAX
            })
        })
    });
    if count.is_none() {
        invalid(
            written,
            &format!("`{name}` is a whole number, 0 or more"),
            found,
        );
    }
    count
}

pub(super) fn flag(node: Node<'_>, name: &str, found: &mut Findings) -> bool {
    let Some(written) = node.get(name) else {
        return false;
    };
    written.as_bool().unwrap_or_else(|| {
        invalid(written, &format!("`{name}` is `true` or `false`"), found);
        false
    })
}

/// Reports a value that its keyword cannot have.
pub(super) fn invalid(node: Node<'_>, what: &str, found: &mut Findings) {
    found.warning(
        "schema-keyword-invalid",
        node.place(),
        what,
        "what is written here is not checked as it stands",
    );
}

/// Reports keywords that the dialect does not have.
fn report_unknown(node: Node<'_>, dialect: Dialect, found: &mut Findings) {
    for (name, child) in node.entries() {
        if dialect.has(name) || name.starts_with("x-") {
            continue;
        }
        let message = match keyword(name) {
            Some(known) => {
                let others: Vec<&str> = known.dialects.iter().map(|other| other.name()).collect();
                format!(
                    "{} has no keyword `{name}`, and it is not checked; it belongs to {}",
                    dialect.name(),
                    others.join(" and ")
                )
            }
            None => format!(
                "`{}` is no keyword of schemas, and is not checked",
                brief(name)
            ),
        };
        let help = "take it out, or begin its name with `x-`";
        found.note("schema-keyword-unknown", child.key_place(), message, help);
    }
}

/// Reports demands beside a `$ref` that count for nothing.
fn report_siblings(node: Node<'_>, dialect: Dialect, found: &mut Findings) {
    for (name, child) in node.entries() {
        let known = keyword(name);
        let demands = known.is_some_and(|known| known.effect == Effect::Enforced);
        if !demands
            || matches!(
                name,
                "$ref" | "nullable" | "x-nullable" | "readOnly" | "writeOnly"
            )
        {
            continue;
        }
        found.note(
            "schema-ref-siblings",
            child.key_place(),
            format!(
                "in {} `{name}` beside a `$ref` counts for nothing",
                dialect.name()
            ),
            "put the reference into `allOf`, and this beside it",
        );
    }
}
