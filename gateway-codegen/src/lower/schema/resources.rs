//! Schema resources: what `$id`, `$anchor`, `$dynamicAnchor` and `$schema` of a document call its schemas.
//!
//! Almost no API description has any of them; then nothing is indexed, and references are followed as everywhere else.
//! Invariant: linear in the document.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Dialect, uris};
use crate::load::{Document, Node};

/// A schema resource: a part of a document with an address of its own.
#[derive(Debug)]
pub(super) struct Resource<'d> {
    pub(super) address: String,
    pub(super) root: Node<'d>,
    pub(super) dialect: Option<Dialect>,
    /// Whether keywords that demand something count (`$vocabulary` of the meta-schema).
    pub(super) validates: bool,
    anchors: HashMap<String, Node<'d>>,
    /// Those that `$dynamicRef` may find.
    pub(super) dynamic: BTreeMap<String, Node<'d>>,
}

/// All resources of a document.
#[derive(Debug, Default)]
pub(super) struct Resources<'d> {
    all: Vec<Resource<'d>>,
    by_address: HashMap<String, usize>,
    /// The resource of each object in files that have any.
    of: HashMap<usize, usize>,
    /// Whether a `$dynamicRef` stands anywhere.
    pub(super) has_dynamic: bool,
}

impl<'d> Resources<'d> {
    /// Finds them; `usual` is the dialect of files that name none.
    pub(super) fn of(document: &'d Document, usual: Dialect) -> Resources<'d> {
        let mut resources = Resources::default();
        let draft4 = usual == Dialect::Draft4;
        let named = |file: usize| {
            let root = document.file_root(file);
            root.is_some_and(|root| names(root.value(), draft4))
        };
        if !(0..document.files.len()).any(named) {
            return resources;
        }
        for (file, source) in document.files.iter().enumerate() {
            if let Some(root) = document.file_root(file) {
                let dialect = dialect(root).or(Some(usual));
                let at = resources.add(source.name.clone(), root, dialect);
                resources.walk(root, at, usual, false);
            }
        }
        for at in 0..resources.all.len() {
            resources.all[at].validates = resources.validates(at);
        }
        resources
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The resource that an object belongs to.
    pub(super) fn holding(&self, node: Node<'_>) -> Option<&Resource<'d>> {
        self.all.get(*self.of.get(&node.id())?)
    }

    /// What a reference leads to. `None`: to nothing that is known here.
    pub(super) fn target(&self, from: Node<'d>, reference: &str) -> Option<Node<'d>> {
        let base = self.holding(from)?;
        let (address, fragment) = uris::joined(&base.address, reference);
        let resource = self.all.get(*self.by_address.get(&address)?)?;
        if fragment.is_empty() {
            Some(resource.root)
        } else if fragment.starts_with('/') {
            resource.root.at(&fragment)
        } else {
            resource.anchors.get(&fragment).copied()
        }
    }

    fn add(&mut self, address: String, root: Node<'d>, dialect: Option<Dialect>) -> usize {
        let at = self.all.len();
        self.all.push(Resource {
            address: address.clone(),
            root,
            dialect,
            validates: true,
            anchors: HashMap::new(),
            dynamic: BTreeMap::new(),
        });
        self.by_address.entry(address).or_insert(at);
        at
    }

    /// Looks through what belongs to a resource. Recursion is bounded by the depth that the loader allows.
    fn walk(&mut self, node: Node<'d>, resource: usize, usual: Dialect, made_up: bool) {
        let mut resource = resource;
        if node.is_object() && !made_up {
            resource = self.enter(node, resource, usual);
        }
        if node.is_object() {
            self.of.insert(node.id(), resource);
        }
        for (name, child) in node.entries() {
            match name {
                "enum" | "const" | "default" | "example" | "examples" if !made_up => {}
                "properties" | "patternProperties" | "$defs" | "definitions"
                | "dependentSchemas" | "schemas"
                    if !made_up =>
                {
                    self.walk(child, resource, usual, true);
                }
                name if name.starts_with("x-") && !made_up => {}
                _ => self.walk(child, resource, usual, false),
            }
        }
        for item in node.items() {
            self.walk(item, resource, usual, false);
        }
    }

    /// Notes what an object calls itself, and says which resource it belongs to.
    fn enter(&mut self, node: Node<'d>, resource: usize, usual: Dialect) -> usize {
        let mut resource = resource;
        let text = |name: &str| node.get(name).and_then(|value| value.as_str());
        let outer = self.all.get(resource).and_then(|resource| resource.dialect);
        let dialect = self::dialect(node).or(outer).unwrap_or(usual);
        self.has_dynamic |= text("$dynamicRef").is_some();
        let id = match dialect {
            // Beside a `$ref`, nothing counts.
            Dialect::Draft4 if node.get("$ref").is_some() => None,
            Dialect::Draft4 => text("id"),
            Dialect::Json2020_12 => text("$id"),
            Dialect::Swagger2 | Dialect::OpenApi30 => None,
        };
        if let Some(id) = id {
            let base = self
                .all
                .get(resource)
                .map_or("", |base| base.address.as_str());
            let (address, fragment) = uris::joined(base, id);
            let same = self.all.get(resource).is_some_and(|r| r.root.same(&node));
            if !fragment.is_empty() {
                if let Some(resource) = self.all.get_mut(resource) {
                    resource.anchors.entry(fragment).or_insert(node);
                }
            } else if same {
                self.by_address.entry(address.clone()).or_insert(resource);
                if let Some(resource) = self.all.get_mut(resource) {
                    resource.address = address;
                }
            } else {
                resource = self.add(address, node, Some(dialect));
            }
        }
        if dialect == Dialect::Json2020_12
            && let Some(here) = self.all.get_mut(resource)
        {
            if let Some(anchor) = text("$anchor") {
                here.anchors.entry(anchor.to_owned()).or_insert(node);
            }
            if let Some(anchor) = text("$dynamicAnchor") {
                here.anchors.entry(anchor.to_owned()).or_insert(node);
                here.dynamic.entry(anchor.to_owned()).or_insert(node);
            }
        }
        resource
    }

    /// Whether the meta-schema of a resource has the vocabulary of demands.
    fn validates(&self, at: usize) -> bool {
        const VALIDATION: &str = "https://json-schema.org/draft/2020-12/vocab/validation";
        let Some(resource) = self.all.get(at) else {
            return true;
        };
        let meta = resource.root.get("$schema").and_then(|name| name.as_str());
        let meta = meta.and_then(|name| self.by_address.get(name.trim_end_matches('#')));
        let meta = meta.and_then(|at| self.all.get(*at));
        let vocabulary = meta.and_then(|meta| meta.root.get("$vocabulary"));
        vocabulary.is_none_or(|list| list.get(VALIDATION).is_some())
    }
}

/// The dialect that a schema names itself.
fn dialect(node: Node<'_>) -> Option<Dialect> {
    let name = node.get("$schema")?.as_str()?;
    Some(if name.contains("draft-04") {
        Dialect::Draft4
    } else {
        Dialect::Json2020_12
    })
}

/// Whether anything in a file may be called something.
fn names(root: &Value, draft4: bool) -> bool {
    let mut open = vec![root];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                let text = |name: &str| members.get(name).is_some_and(Value::is_string);
                if draft4 && text("id")
                    || text("$id")
                    || text("$anchor")
                    || text("$dynamicAnchor")
                    || text("$schema")
                {
                    return true;
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    false
}
