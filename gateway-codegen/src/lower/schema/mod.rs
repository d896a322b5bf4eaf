//! Schemas of a document → rules ([`Rule`]).
//!
//! Whoever meets a schema asks [`Schemas::rules`] for it; what it refers to is lowered as well, once each, and handed out by
//! [`Schemas::finish`]. So schemas that no request meets cost nothing. Invariants: linear in the document, since a schema that is
//! referred to is lowered by its name and never inlined; every keyword is enforced, an annotation, or reported ([`keywords`]);
//! the order of an object's members makes no difference. Absent on purpose: what cannot be found without running rules.

mod bounds;
mod discriminator;
pub mod keywords;
mod members;
mod read;
mod resources;
mod uris;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::findings::Findings;
use crate::load::{Document, Node};
use crate::model::{self, Rule, Schema};
use discriminator::Family;
use resources::Resources;

/// Languages that schemas are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// JSON Schema draft 4.
    Draft4,
    /// Swagger 2.0: a part of draft 4, with `discriminator`.
    Swagger2,
    /// OpenAPI 3.0: a part of draft 4, with `nullable`.
    OpenApi30,
    /// JSON Schema 2020-12, as OpenAPI has it since 3.1.
    Json2020_12,
}

/// Lowers the schemas of one document.
#[derive(Debug)]
pub struct Schemas<'d> {
    document: &'d Document,
    /// Whether `format` demands something.
    formats: bool,
    resources: Option<Resources<'d>>,
    families: Option<Family<'d>>,
    /// Names of those that others refer to, by their nodes.
    names: HashMap<usize, String>,
    /// Patterns that were tried: why they cannot be checked.
    patterns: HashMap<String, Option<(usize, String)>>,
    /// How many of them are large.
    large_patterns: usize,
    waiting: Vec<(Node<'d>, Dialect, String)>,
    done: model::Schemas,
}

/// What is known on the way to a schema.
#[derive(Debug, Clone, Copy)]
struct Context<'d> {
    dialect: Dialect,
    /// Whether keywords that demand something count.
    validates: bool,
    /// The outermost of the schemas that hold of the same value by `allOf`.
    whole: Node<'d>,
}

impl<'d> Schemas<'d> {
    /// Of a document whose references have been resolved.
    pub fn new(document: &'d Document) -> Schemas<'d> {
        Schemas {
            document,
            formats: true,
            resources: None,
            families: None,
            names: HashMap::new(),
            patterns: HashMap::new(),
            large_patterns: 0,
            waiting: Vec::new(),
            done: model::Schemas::new(),
        }
    }

    /// Takes `format` for an annotation, as JSON Schema 2020-12 does unless told otherwise.
    #[must_use]
    pub fn without_formats(mut self) -> Schemas<'d> {
        self.formats = false;
        self
    }

    /// What the schema demands that stands at a node. One that accepts everything demands nothing.
    pub fn rules(&mut self, node: Node<'d>, dialect: Dialect, found: &mut Findings) -> Vec<Rule> {
        if self.resources.is_none() {
            self.resources = Some(Resources::of(self.document, dialect));
        }
        let rules = self.list(node, Context::of(node, dialect), found);
        while let Some((node, dialect, name)) = self.waiting.pop() {
            let context = self.here(node, Context::of(node, dialect));
            let schema = Schema {
                rules: self.entered(node, context, found),
                anchors: self.anchors(node, context),
                origin: node.place().into(),
            };
            self.done.insert(name, schema);
        }
        rules
    }

    /// What was referred to, by where it stands.
    pub fn finish(self) -> model::Schemas {
        self.done
    }

    /// The name of a schema that is referred to; it is lowered in its turn.
    fn name(&mut self, node: Node<'d>, context: Context<'d>) -> String {
        if let Some(name) = self.names.get(&node.id()) {
            return name.clone();
        }
        let name = self.place(node);
        self.names.insert(node.id(), name.clone());
        let dialect = context.dialect;
        self.waiting.push((node, dialect, name.clone()));
        name
    }

    /// Where a schema stands, as errors of the gateway say it: other files are named as from the entry document's folder.
    fn place(&self, node: Node<'d>) -> String {
        let place = node.place();
        let pointer = place.pointer;
        if place.file == 0 {
            return format!("#{pointer}");
        }
        let name = |file: usize| self.document.files.get(file).map_or("", |file| &file.name);
        let folder = name(0).rfind('/').and_then(|end| name(0).get(..=end));
        let file = name(place.file);
        let file = file
            .strip_prefix(folder.unwrap_or_default())
            .unwrap_or(file);
        format!("{file}#{pointer}")
    }

    /// What a reference leads to.
    fn target(&self, from: Node<'d>, reference: &str) -> Option<Node<'d>> {
        let resources = self.resources.as_ref()?;
        let named = (!resources.is_empty()).then(|| resources.target(from, reference));
        named.flatten().or_else(|| from.target(reference))
    }

    /// What is known at a schema that may be a resource of its own.
    fn here(&self, node: Node<'d>, context: Context<'d>) -> Context<'d> {
        let resources = self.resources.as_ref().filter(|all| !all.is_empty());
        match resources.and_then(|all| all.holding(node)) {
            Some(resource) => Context {
                dialect: resource.dialect.unwrap_or(context.dialect),
                validates: resource.validates,
                ..context
            },
            None => context,
        }
    }

    /// What `$dynamicRef` finds where a schema stands.
    fn anchors(
        &mut self,
        node: Node<'d>,
        context: Context<'d>,
    ) -> std::collections::BTreeMap<String, String> {
        let resource = self.resources.as_ref().and_then(|all| {
            all.holding(node)
                .filter(|_| all.has_dynamic)
                .map(|resource| resource.dynamic.clone())
        });
        let anchors = resource.into_iter().flatten();
        anchors
            .map(|(anchor, node)| (anchor, self.name(node, context)))
            .collect()
    }

    /// Whether a schema is a resource that `$dynamicRef` may find: it has to be entered by its name.
    fn is_found_dynamically(&self, node: Node<'d>) -> bool {
        let resources = self.resources.as_ref().filter(|all| all.has_dynamic);
        let resource = resources.and_then(|all| all.holding(node));
        resource.is_some_and(|resource| resource.root.same(&node) && !resource.dynamic.is_empty())
    }
}

impl<'d> Context<'d> {
    fn of(node: Node<'d>, dialect: Dialect) -> Context<'d> {
        Context {
            dialect,
            validates: true,
            whole: node,
        }
    }
}
