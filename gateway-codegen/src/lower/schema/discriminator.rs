//! `discriminator`: which schema a member of an object names.
//!
//! Beside `oneOf` or `anyOf` it replaces them: their branches need not exclude each other, since the member chooses. In a
//! schema that others build on by `allOf`, it names one of those. Values are the schemas' names, what `mapping` says, and
//! what a schema itself demands of the member by `enum` or `const`: documents that leave the mapping out mean that.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::read::invalid;
use super::{Context, Dialect, Schemas};
use crate::findings::{Findings, brief};
use crate::load::Node;
use crate::model::Rule;

/// Schemas that build on others by `allOf`: node of the other → name and node of each.
pub(super) type Family<'d> = HashMap<usize, Vec<(&'d str, Node<'d>)>>;

/// Tables of named schemas in an entry document.
const TABLES: [&str; 2] = ["/components/schemas", "/definitions"];

/// What values lead to which schema.
struct Mapping<'d> {
    property: &'d str,
    schemas: BTreeMap<String, Node<'d>>,
}

impl<'d> Schemas<'d> {
    /// The rule, and whether it stands for `oneOf` and `anyOf`.
    pub(super) fn discriminator(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
        found: &mut Findings,
    ) -> Option<(Rule, bool)> {
        let written = node
            .get("discriminator")
            .filter(|_| context.dialect.has("discriminator"))?;
        let property = match context.dialect {
            Dialect::Swagger2 => written.as_str(),
            _ => written.get("propertyName").and_then(|name| name.as_str()),
        };
        let Some(property) = property else {
            invalid(written, "`discriminator` does not name the property", found);
            return None;
        };
        let mut mapping = Mapping {
            property,
            schemas: BTreeMap::new(),
        };
        let mut branches = Vec::new();
        let mut inline = false;
        for name in ["oneOf", "anyOf"] {
            for item in node.get(name).into_iter().flat_map(|list| list.items()) {
                let target = item
                    .reference()
                    .and_then(|reference| self.target(item, reference));
                match item.reference().zip(target) {
                    Some((reference, target)) => branches.push((last(reference), target)),
                    None => inline = true,
                }
            }
        }
        if inline {
            found.warning(
                "schema-discriminator",
                written.place(),
                "`discriminator` chooses among schemas that have a name; some here have none, and all are tried",
                "move the branches to `components/schemas` and refer to them",
            );
            return None;
        }
        let chosen = !branches.is_empty();
        if !chosen {
            branches = self.children(node);
        }
        for (name, target) in &branches {
            self.own_values(&mut mapping, *target);
            mapping.schemas.entry((*name).to_owned()).or_insert(*target);
        }
        self.written(&mut mapping, written, found);
        if mapping.schemas.is_empty() {
            return None;
        }
        if !chosen {
            self.itself(&mut mapping, node, context);
        }
        let schemas = mapping.schemas.into_iter();
        let mapping = schemas
            .map(|(value, node)| (value, self.name(node, context)))
            .collect();
        let property = property.to_owned();
        Some((Rule::Discriminator { property, mapping }, chosen))
    }

    /// `mapping`, which comes before what is implied.
    fn written(&self, mapping: &mut Mapping<'d>, written: Node<'d>, found: &mut Findings) {
        for (value, target) in written.get("mapping").into_iter().flat_map(|m| m.entries()) {
            let text = target.as_str().unwrap_or_default();
            let named = TABLES
                .iter()
                .find_map(|table| self.document.root()?.at(&format!("{table}{}", token(text))));
            match named.or_else(|| self.target(target, text)) {
                Some(schema) => {
                    mapping.schemas.insert(value.to_owned(), schema);
                }
                None => found.warning(
                    "schema-discriminator",
                    target.place(),
                    format!(
                        "`{}` is no schema of the document; the value is refused",
                        brief(text)
                    ),
                    "name a schema of `components/schemas`, or refer to one",
                ),
            }
        }
    }

    /// Values that a schema itself demands of the member.
    fn own_values(&self, mapping: &mut Mapping<'d>, schema: Node<'d>) {
        for value in self.values(mapping.property, schema) {
            mapping.schemas.entry(value).or_insert(schema);
        }
    }

    /// Values that lead back to the schema that has the discriminator.
    fn itself(&self, mapping: &mut Mapping<'d>, node: Node<'d>, context: Context<'d>) {
        if !node.same(&context.whole) {
            return;
        }
        if let Some((_, name)) = node.place().pointer.rsplit_once('/') {
            mapping
                .schemas
                .entry(crate::load::unescape(name))
                .or_insert(node);
        }
        for value in self.values(mapping.property, node) {
            mapping.schemas.entry(value).or_insert(node);
        }
    }

    fn values(&self, property: &str, schema: Node<'d>) -> Vec<String> {
        let joined = schema
            .get("allOf")
            .into_iter()
            .flat_map(|list| list.items());
        let mut values = Vec::new();
        for part in std::iter::once(schema).chain(joined.filter(|part| part.reference().is_none()))
        {
            let member = part
                .get("properties")
                .and_then(|members| members.get(property));
            let member = member.map(|member| {
                let target = member
                    .reference()
                    .and_then(|reference| self.target(member, reference));
                target.unwrap_or(member)
            });
            let Some(member) = member else { continue };
            let listed = member.get("enum").into_iter().flat_map(|list| list.items());
            let texts = listed
                .chain(member.get("const"))
                .filter_map(|value| value.as_str());
            values.extend(texts.map(str::to_owned));
        }
        for name in ["x-ms-discriminator-value", "x-discriminator-value"] {
            values.extend(schema.get(name).and_then(|v| v.as_str()).map(str::to_owned));
        }
        values
    }

    /// Schemas that build on this one, and on those.
    fn children(&mut self, node: Node<'d>) -> Vec<(&'d str, Node<'d>)> {
        if self.families.is_none() {
            self.families = Some(self.family());
        }
        let mut all = Vec::new();
        let Some(family) = &self.families else {
            return all;
        };
        let mut open = vec![node.id()];
        let mut seen = HashSet::from([node.id()]);
        while let Some(id) = open.pop() {
            for (name, child) in family.get(&id).into_iter().flatten() {
                if seen.insert(child.id()) {
                    all.push((*name, *child));
                    open.push(child.id());
                }
            }
        }
        all
    }

    fn family(&self) -> Family<'d> {
        let mut family = Family::new();
        let root = self.document.root();
        let tables = TABLES.iter().filter_map(|table| root?.at(table));
        for (name, schema) in tables.flat_map(|table| table.entries()) {
            for part in schema
                .get("allOf")
                .into_iter()
                .flat_map(|list| list.items())
            {
                let target = part
                    .reference()
                    .and_then(|reference| self.target(part, reference));
                if let Some(target) = target {
                    family.entry(target.id()).or_default().push((name, schema));
                }
            }
        }
        family
    }
}

/// The name that a reference ends with.
fn last(reference: &str) -> &str {
    reference.rsplit(['/', '#']).next().unwrap_or(reference)
}

fn token(name: &str) -> String {
    let mut pointer = String::new();
    crate::load::escape(name, &mut pointer);
    pointer
}
