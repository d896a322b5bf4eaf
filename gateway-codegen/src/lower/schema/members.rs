//! Rules about members of objects.

use gateway_runtime::def::Messages;

use super::read::{count, invalid};
use super::{Context, Dialect, Schemas};
use crate::findings::{Findings, brief};
use crate::load::Node;
use crate::model::Rule;

/// Most schemas that are looked through for what one says of a member.
const MOST_LOOKED_AT: usize = 200;

/// What is known of a member that is demanded.
enum Declared<'d> {
    As(Node<'d>),
    /// Something on the way says nothing of names, or could not be looked through.
    Perhaps,
    Nowhere,
}

impl<'d> Schemas<'d> {
    pub(super) fn members(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        rules: &mut Vec<Rule>,
        found: &mut Findings,
    ) {
        if context.validates {
            let least = count(node, "minProperties", found).filter(|n| *n > 0);
            rules.extend(least.map(Rule::MinProperties));
            rules.extend(count(node, "maxProperties", found).map(Rule::MaxProperties));
            self.required(node, context, rules, found);
        }
        for (name, schema) in self.table(node, "properties", found) {
            let inner = self.inner(schema, context, found);
            rules.push(Rule::Property(name.to_owned(), inner));
        }
        for (pattern, schema) in self.table(node, "patternProperties", found) {
            let inner = self.inner(schema, context, found);
            rules.push(if self.is_portable(pattern, schema, found) {
                Rule::PatternProperty(pattern.to_owned(), inner)
            } else {
                // Any name may be meant, so none is additional.
                Rule::PatternProperty(String::new(), Vec::new())
            });
        }
        if let Some(rest) = node.get("additionalProperties") {
            let inner = self.inner(rest, context, found);
            // That everything is accepted is worth a rule where somebody asks what was looked at.
            if !inner.is_empty() || context.dialect == Dialect::Json2020_12 {
                rules.push(Rule::AdditionalProperties(inner));
            }
        }
        self.dependencies(node, context, rules, found);
        if context.dialect != Dialect::Json2020_12 {
            return;
        }
        if let Some(names) = node.get("propertyNames") {
            rules.push(Rule::PropertyNames(self.inner(names, context, found)));
        }
        if let Some(rest) = node.get("unevaluatedProperties") {
            let inner = self.inner(rest, context, found);
            rules.push(Rule::UnevaluatedProperties(inner));
        }
    }

    /// Members of a table of schemas, by their names: the order of the document makes no difference.
    fn table(&self, node: Node<'d>, name: &str, found: &mut Findings) -> Vec<(&'d str, Node<'d>)> {
        let Some(table) = node.get(name) else {
            return Vec::new();
        };
        if !table.is_object() {
            // Nothing at all, in YAML, is an empty table.
            if !table.value().is_null() {
                invalid(
                    table,
                    &format!("`{name}` has names, and a schema for each"),
                    found,
                );
            }
            return Vec::new();
        }
        let mut entries: Vec<_> = table.entries().collect();
        entries.sort_unstable_by_key(|(name, _)| *name);
        entries
    }

    fn required(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        rules: &mut Vec<Rule>,
        found: &mut Findings,
    ) {
        let Some(list) = node.get("required") else {
            return;
        };
        // In 2.0 a parameter is its own schema, and says there whether it has to be given.
        if context.dialect == Dialect::Swagger2
            && list.as_bool().is_some()
            && node.get("in").is_some()
        {
            return;
        }
        if !list.is_array() {
            invalid(
                list,
                "`required` is a list of names, beside `properties`",
                found,
            );
            return;
        }
        let mut names: Vec<(Messages, String)> = Vec::new();
        for item in list.items() {
            let Some(name) = item.as_str() else {
                invalid(item, "`required` lists names", found);
                continue;
            };
            let mut within = Messages::Both;
            match self.declared(context.whole, name, &mut { MOST_LOOKED_AT }) {
                Declared::As(schema) if context.dialect != Dialect::Draft4 => {
                    if self.says(schema, "readOnly") {
                        within = Messages::Responses;
                    } else if self.says(schema, "writeOnly") {
                        within = Messages::Requests;
                    }
                }
                Declared::Nowhere => found.note(
                    "schema-required-undeclared",
                    item.place(),
                    format!(
                        "`{}` is required, and `properties` has no such name",
                        brief(name)
                    ),
                    "declare it, or correct the name",
                ),
                Declared::As(_) | Declared::Perhaps => {}
            }
            names.push((within, name.to_owned()));
        }
        for within in [Messages::Both, Messages::Requests, Messages::Responses] {
            let here = names.iter().filter(|(of, _)| *of == within);
            let mut names: Vec<String> = here.map(|(_, name)| name.clone()).collect();
            names.sort_unstable();
            names.dedup();
            if !names.is_empty() {
                rules.push(Rule::Required { within, names });
            }
        }
    }

    /// What a schema, and those it is made of, declare a member as.
    fn declared(&self, node: Node<'d>, name: &str, budget: &mut usize) -> Declared<'d> {
        let Some(rest) = budget.checked_sub(1) else {
            return Declared::Perhaps;
        };
        *budget = rest;
        let mut nowhere = false;
        if let Some(properties) = node.get("properties") {
            if let Some(schema) = properties.get(name) {
                return Declared::As(schema);
            }
            nowhere = true;
        }
        let reference = node
            .reference()
            .and_then(|reference| self.target(node, reference));
        let joined = node.get("allOf").into_iter().flat_map(|list| list.items());
        let mut open = ["anyOf", "oneOf", "patternProperties", "if", "$dynamicRef"]
            .iter()
            .any(|name| node.get(name).is_some());
        for part in reference.into_iter().chain(joined) {
            match self.declared(part, name, budget) {
                Declared::As(schema) => return Declared::As(schema),
                Declared::Perhaps => open = true,
                Declared::Nowhere => nowhere = true,
            }
        }
        if open || !nowhere {
            Declared::Perhaps
        } else {
            Declared::Nowhere
        }
    }

    /// Whether a schema, or the one it refers to, has a flag.
    fn says(&self, schema: Node<'d>, flag: &str) -> bool {
        let says = |node: Node<'_>| node.get(flag).and_then(|flag| flag.as_bool()) == Some(true);
        let mut node = schema;
        for _ in 0..crate::load::MAX_HOPS {
            if says(node) {
                return true;
            }
            match node
                .reference()
                .and_then(|reference| self.target(node, reference))
            {
                Some(target) => node = target,
                None => break,
            }
        }
        // A reference with something beside it stands in an `allOf` of one, in older dialects.
        let mut joined = node.get("allOf").into_iter().flat_map(|list| list.items());
        match (joined.next(), joined.next()) {
            (Some(only), None) => {
                let target = only
                    .reference()
                    .and_then(|reference| self.target(only, reference));
                says(target.unwrap_or(only))
            }
            _ => false,
        }
    }

    /// `dependencies`, `dependentRequired`, `dependentSchemas`.
    fn dependencies(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        rules: &mut Vec<Rule>,
        found: &mut Findings,
    ) {
        let tables: &[&str] = match context.dialect {
            Dialect::Draft4 => &["dependencies"],
            Dialect::Json2020_12 => &["dependencies", "dependentRequired", "dependentSchemas"],
            Dialect::Swagger2 | Dialect::OpenApi30 => &[],
        };
        for &table in tables {
            for (name, value) in self.table(node, table, found) {
                let names = value.is_array() || table == "dependentRequired";
                if !names {
                    let inner = self.inner(value, context, found);
                    rules.push(Rule::DependentSchema(name.to_owned(), inner));
                } else if !value.is_array() {
                    invalid(value, "`dependentRequired` lists names", found);
                } else if context.validates {
                    let names = value.items().filter_map(|name| name.as_str());
                    let mut names: Vec<String> = names.map(str::to_owned).collect();
                    names.sort_unstable();
                    names.dedup();
                    rules.push(Rule::DependentRequired(name.to_owned(), names));
                }
            }
        }
    }
}
