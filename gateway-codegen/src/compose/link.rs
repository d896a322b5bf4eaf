//! Documents of many files → bodies that refer to components alone.
//!
//! What a document says is cut into bodies: its root without components, each of its components, and each object outside
//! that something refers to, which becomes a component too. A path item that stands elsewhere is put where it is referred
//! to, because only there it means something to everyone. A reference is then a body and a way inside it, whatever the body
//! will be called ([`names`](super::names)), and bodies can be joined ([`merge`](super::merge)). Cycles stay references.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::findings::{Findings, Place, brief};
use crate::load::{
    Document, MAX_BYTES, MAX_HOPS, MAX_NODES, Node, Origins, Parts, escape, unescape,
};
use crate::overlay::measure;
use crate::resolve::walk;

use super::kind::{self, Kind, METHODS, Thing};
use super::select::Selecting;
use super::{Input, Spec, merge, names, servers};

/// A tree that was made, and where its parts were written.
pub(super) struct Linked {
    pub(super) root: Value,
    pub(super) origins: Origins,
}

/// A value, where it was written, and the references in it.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) value: Value,
    pub(super) origins: Origins,
    pub(super) refs: Vec<Ref>,
    /// Path items that are to stand in the place of references to them.
    items: Vec<(String, Value)>,
}

impl Body {
    /// Puts path items in their places, outer ones first.
    fn complete(&mut self) {
        let mut items = std::mem::take(&mut self.items);
        items.sort_by_key(|(at, _)| at.len());
        for (at, item) in items {
            if let Some(place) = self.value.pointer_mut(&at) {
                *place = item;
            }
        }
    }
}

/// A reference inside a body.
#[derive(Debug)]
pub(super) struct Ref {
    /// Pointer of its text.
    pub(super) at: String,
    /// The component it leads to.
    pub(super) item: usize,
    /// The way inside that.
    pub(super) rest: String,
    /// Whether it leads to where it says in the tree that is made too, if the component keeps its name.
    pub(super) plain: bool,
}

/// A component.
#[derive(Debug)]
pub(super) struct Item {
    /// The document it belongs to.
    pub(super) document: usize,
    /// File and pointer inside that document.
    pub(super) file: usize,
    pub(super) pointer: String,
    pub(super) section: String,
    /// The name it wants.
    pub(super) name: String,
    /// Whether the document itself names it.
    pub(super) own: bool,
    pub(super) body: Body,
}

/// A document's root, its components taken out.
pub(super) struct Skeleton<'d> {
    pub(super) node: Node<'d>,
    pub(super) body: Body,
    /// Whether it is of version 2.0, whose components stand at the root.
    pub(super) old: bool,
}

/// Makes one tree of all documents.
pub(super) fn link(
    input: &Input,
    documents: &[Document],
    number: &dyn Fn(usize, usize) -> usize,
    found: &mut Findings,
) -> Linked {
    let roots: Vec<Node<'_>> = documents.iter().filter_map(Document::root).collect();
    let mut linker = Linker {
        number,
        items: Vec::new(),
        known: HashMap::new(),
        sources: Vec::new(),
        selecting: Selecting::new(&input.selection),
        found,
        stack: Vec::new(),
        nodes: 0,
        bytes: 0,
        path_items: 0,
    };
    let mut skeletons: Vec<Skeleton<'_>> = Vec::new();
    for (document, (root, spec)) in roots.iter().zip(&input.specs).enumerate() {
        linker.own_items(document, *root);
        skeletons.push(linker.skeleton(document, *root, spec));
    }
    if let Some(root) = roots.first() {
        let place = linker.global(0, root.place());
        linker.selecting.warn_of_idle(&place, linker.found);
    }
    let all = input.selection.is_all();
    linker.take_in(&skeletons, all);
    let stems: Vec<Vec<String>> = documents
        .iter()
        .map(|document| document.files.iter().map(|file| stem(&file.name)).collect())
        .collect();
    let components = names::settle(linker.items, &mut skeletons, &stems);
    merge::join(components, skeletons, number, linker.found)
}

struct Linker<'d, 'w> {
    number: &'w dyn Fn(usize, usize) -> usize,
    items: Vec<Item>,
    known: HashMap<(usize, usize, String), usize>,
    /// The node of each item, and what it is.
    sources: Vec<(Node<'d>, Kind)>,
    selecting: Selecting<'w>,
    found: &'w mut Findings,
    /// Path items that are being put where something refers to them.
    stack: Vec<usize>,
    /// Values and bytes of text that were taken in.
    nodes: usize,
    bytes: usize,
    /// Path items that were put in their places.
    path_items: usize,
}

/// Most path items: as many as a document may have operations. Callbacks can say one again and again.
const MAX_PATH_ITEMS: usize = 25_000;

/// A name as components may be called.
fn tame(name: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = name
        .chars()
        .take(200)
        .map(|c| if good(c) { c } else { '_' })
        .collect();
    if name.trim_matches('_').is_empty() {
        return "part".to_owned();
    }
    name
}

/// The name of a file without folder and ending.
pub(super) fn stem(name: &str) -> String {
    let file = name.rsplit('/').next().unwrap_or(name);
    tame(file.split('.').next().unwrap_or(file))
}

/// A pointer and one token more.
pub(super) fn under(pointer: &str, token: &str) -> String {
    let mut longer = pointer.to_owned();
    escape(token, &mut longer);
    longer
}

/// Sections of the components of version 2.0, with their names from 3.0 on.
pub(super) const OLD_SECTIONS: &[(&str, &str)] = &[
    ("definitions", "schemas"),
    ("parameters", "parameters"),
    ("responses", "responses"),
    ("securityDefinitions", "securitySchemes"),
];

impl<'d> Linker<'d, '_> {
    fn global(&self, document: usize, place: Place) -> Place {
        Place {
            file: (self.number)(document, place.file),
            ..place
        }
    }

    /// Counts a value that is taken in; whether there is room for it.
    fn room(&mut self, document: usize, node: Node<'d>) -> bool {
        let size = measure(node.value());
        self.nodes = self.nodes.saturating_add(size.nodes);
        self.bytes = self.bytes.saturating_add(size.bytes);
        let room = self.nodes <= MAX_NODES && self.bytes <= MAX_BYTES;
        if !room && !self.found.has("document-too-large") {
            let place = self.global(document, node.place());
            self.found.error(
                "document-too-large",
                place,
                "in one file the documents have more than 5,000,000 values or 64 MiB of text",
                "refer to components instead of path items that repeat, or split the gateway",
            );
        }
        room
    }

    /// Where a node's value is taken from.
    fn parts(&self, document: usize, node: Node<'d>) -> Parts {
        Parts::whole(((self.number)(document, node.file()), node.pointer()))
    }

    fn item(
        &mut self,
        document: usize,
        node: Node<'d>,
        section: &str,
        name: String,
        own: bool,
    ) -> usize {
        let key = (document, node.file(), node.pointer());
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let number = self.items.len();
        self.items.push(Item {
            document,
            file: key.1,
            pointer: key.2.clone(),
            section: section.to_owned(),
            name,
            own,
            body: Body::default(),
        });
        self.known.insert(key, number);
        self.sources.push((node, kind::of_section(section)));
        number
    }

    /// The components that a document names.
    fn own_items(&mut self, document: usize, root: Node<'d>) {
        if root.get("swagger").is_some() {
            for (member, section) in OLD_SECTIONS {
                let table = root.get(member).map(|node| node.follow());
                for (name, node) in table.iter().flat_map(|table| table.entries()) {
                    if !name.starts_with("x-") {
                        self.item(document, node, section, name.to_owned(), true);
                    }
                }
            }
        }
        let components = root.get("components").map(|node| node.follow());
        for (section, table) in components.iter().flat_map(|node| node.entries()) {
            for (name, node) in table.follow().entries() {
                self.item(document, node, section, name.to_owned(), true);
            }
        }
    }

    /// Reads the bodies of all components that are needed, or of all there are.
    fn take_in(&mut self, skeletons: &[Skeleton<'_>], all: bool) {
        let mut wanted: Vec<usize> = Vec::new();
        let mut done = Vec::new();
        if all {
            wanted.extend(0..self.items.len());
        }
        for (document, skeleton) in skeletons.iter().enumerate() {
            wanted.extend(skeleton.body.refs.iter().map(|reference| reference.item));
            let schemes = servers::schemes_named(&skeleton.body.value);
            wanted.extend(self.items.iter().enumerate().filter_map(|(number, item)| {
                let named = item.section == "securitySchemes" && schemes.contains(&item.name);
                let kept = item.own && item.section.starts_with("x-");
                (item.document == document && (named || kept)).then_some(number)
            }));
        }
        loop {
            while let Some(number) = wanted.pop() {
                done.resize(self.items.len(), false);
                if done.get(number) != Some(&false) {
                    continue;
                }
                if let Some(done) = done.get_mut(number) {
                    *done = true;
                }
                let body = self.body_of(number);
                wanted.extend(body.refs.iter().map(|reference| reference.item));
                if let Some(item) = self.items.get_mut(number) {
                    item.body = body;
                }
            }
            done.resize(self.items.len(), false);
            wanted = self.heirs(&done);
            if wanted.is_empty() {
                break;
            }
        }
        // What nobody refers to is left out: it keeps its number and has no value.
        for (item, done) in self.items.iter_mut().zip(done) {
            if !done {
                item.own = false;
                item.name = String::new();
            }
        }
    }

    /// Schemas that are known by a discriminator alone: those built on a schema that has one.
    fn heirs(&self, done: &[bool]) -> Vec<usize> {
        let is_done = |number: usize| done.get(number).copied().unwrap_or_default();
        let open = self.items.iter().enumerate();
        let open = open.filter(|(number, item)| !is_done(*number) && item.section == "schemas");
        open.filter_map(|(number, item)| {
            let (node, _) = self.sources.get(number)?;
            let bases = node.get("allOf")?;
            let heir = bases.items().any(|base| {
                let Some(target) = base.reference().and_then(|text| base.target(text)) else {
                    return false;
                };
                let key = (item.document, target.file(), target.pointer());
                let known = self.known.get(&key);
                known.is_some_and(|base| is_done(*base)) && target.get("discriminator").is_some()
            });
            heir.then_some(number)
        })
        .collect()
    }

    fn body_of(&mut self, number: usize) -> Body {
        let Some((node, kind)) = self.sources.get(number).copied() else {
            return Body::default();
        };
        let document = self.items.get(number).map_or(0, |item| item.document);
        if !self.room(document, node) {
            return Body::default();
        }
        let mut body = Body {
            value: node.value().clone(),
            ..Body::default()
        };
        body.origins.put("", self.parts(document, node));
        // Examples and what Amazon's integrations say is data.
        let data = matches!(
            kind,
            Kind::One(Thing::Example | Thing::Integration | Thing::Other)
        );
        self.collect(document, node, "", kind, data, &mut body, |_| false);
        body.complete();
        body
    }

    /// The component that a reference leads to, and the way inside it.
    fn target(&mut self, document: usize, target: Node<'d>, kind: Kind) -> (usize, String) {
        let pointer = target.pointer();
        let mut holder = pointer.as_str();
        loop {
            let key = (document, target.file(), holder.to_owned());
            if let Some(number) = self.known.get(&key) {
                let own = self.items.get(*number).is_some_and(|item| item.own);
                if own || holder == pointer {
                    let rest = pointer.get(holder.len()..).unwrap_or_default();
                    return (*number, rest.to_owned());
                }
            }
            match holder.rfind('/').and_then(|end| holder.get(..end)) {
                Some(shorter) => holder = shorter,
                None => break,
            }
        }
        let name = match pointer.rsplit_once('/') {
            Some((_, last)) => tame(&unescape(last)),
            None => {
                let file = target.document().files.get(target.file());
                stem(file.map_or("part", |file| &file.name))
            }
        };
        let number = self.item(document, target, kind.section(), name, false);
        (number, String::new())
    }

    /// Notes the references in a copy of a node's value that stands at `base` of a body, and puts path items in their place.
    #[expect(
        clippy::too_many_arguments,
        reason = "one walk, and each of them is another thing"
    )]
    fn collect(
        &mut self,
        document: usize,
        node: Node<'d>,
        base: &str,
        start: Kind,
        data: bool,
        body: &mut Body,
        skip: impl Fn(&str) -> bool,
    ) {
        let mut written = Vec::new();
        walk::references(node.value(), "", data, |reference| {
            let holder = reference.pointer.strip_suffix("/$ref");
            if let (Some(holder), Some(target)) = (holder, reference.target)
                && !skip(holder)
            {
                written.push((holder.to_owned(), target.to_owned()));
            }
        });
        for (inside, text) in written {
            let Some(holder) = node.at(&inside) else {
                continue;
            };
            let Some(target) = holder.target(&text) else {
                continue;
            };
            let kind = start.at(&inside);
            let at = format!("{base}{inside}");
            if kind == Kind::One(Thing::PathItem) && !self.is_own(document, target) {
                let end = holder.follow();
                if !self.stack.contains(&end.id()) {
                    if let Some(item) = self.path_item(document, holder, &at, None, body) {
                        body.items.push((at, item));
                    }
                    continue;
                }
            }
            let (item, rest) = self.target(document, target, kind);
            body.refs.push(Ref {
                at: under(&at, "$ref"),
                item,
                rest,
                plain: holder.file() == 0 && text.starts_with('#'),
            });
        }
        if !data {
            self.mappings(document, node, base, body, &skip);
        }
    }

    /// Whether a node is a component that its document names.
    fn is_own(&self, document: usize, node: Node<'d>) -> bool {
        let key = (document, node.file(), node.pointer());
        let number = self.known.get(&key);
        number.is_some_and(|number| self.items.get(*number).is_some_and(|item| item.own))
    }

    /// Notes what discriminators map to, which are references without a `$ref`.
    fn mappings(
        &mut self,
        document: usize,
        node: Node<'d>,
        base: &str,
        body: &mut Body,
        skip: &impl Fn(&str) -> bool,
    ) {
        let mut open = vec![(node, String::new())];
        while let Some((node, inside)) = open.pop() {
            if skip(&inside) {
                continue;
            }
            let mapping = node.get("discriminator").and_then(|d| d.get("mapping"));
            for (value, to) in mapping.iter().flat_map(|mapping| mapping.entries()) {
                let Some(text) = to.as_str() else { continue };
                let named = under("/components/schemas", text);
                let named = node.document().root().and_then(|root| root.at(&named));
                let Some(target) = named.or_else(|| to.target(text)) else {
                    continue;
                };
                if target.value().is_null() {
                    continue;
                }
                let (item, rest) = self.target(document, target, Kind::One(Thing::Schema));
                body.refs.push(Ref {
                    at: under(&format!("{base}{inside}/discriminator/mapping"), value),
                    item,
                    rest,
                    plain: node.file() == 0,
                });
            }
            for (name, child) in node.entries() {
                if child.is_object() || child.is_array() {
                    open.push((child, under(&inside, name)));
                }
            }
            for (number, child) in node.items().enumerate() {
                if child.is_object() || child.is_array() {
                    open.push((child, format!("{inside}/{number}")));
                }
            }
        }
    }

    /// The root of a document without its components.
    fn skeleton(&mut self, document: usize, root: Node<'d>, spec: &Spec) -> Skeleton<'d> {
        let old = root.get("swagger").is_some();
        let apart = |name: &str| {
            name == "paths"
                || name == "components"
                || old && OLD_SECTIONS.iter().any(|(member, _)| *member == name)
        };
        let mut body = Body::default();
        body.origins.put("", self.parts(document, root));
        let mut members = Map::new();
        for (name, node) in root.entries() {
            let value = match apart(name) && node.follow().is_object() {
                true => Value::Object(Map::new()),
                false => self.extension(document, name, node, "", &mut body),
            };
            members.insert(name.to_owned(), value);
        }
        body.value = Value::Object(members);
        let start = Kind::One(Thing::Root);
        self.collect(document, root, "", start, false, &mut body, |pointer| {
            let first = pointer.split('/').nth(1).map(unescape);
            first.is_some_and(|first| apart(&first))
        });
        self.paths(document, root, spec, &mut body);
        if !spec.prefix.is_empty() {
            servers::prefix_selectors(&mut body.value, &spec.prefix);
        }
        body.complete();
        Skeleton {
            node: root,
            body,
            old,
        }
    }

    /// The value of a member: of `x-gateway`, which may stand elsewhere in the document, what is meant.
    fn extension(
        &self,
        document: usize,
        name: &str,
        node: Node<'d>,
        base: &str,
        body: &mut Body,
    ) -> Value {
        let meant = match name {
            "x-gateway" => node.follow(),
            _ => node,
        };
        if !meant.same(&node) {
            let parts = self.parts(document, meant);
            body.origins.put(&under(base, name), parts);
        }
        meant.value().clone()
    }

    fn paths(&mut self, document: usize, root: Node<'d>, spec: &Spec, body: &mut Body) {
        let Some(paths) = root.get("paths").map(|paths| paths.follow()) else {
            return;
        };
        if !paths.is_object() {
            return;
        }
        let parts = self.parts(document, paths);
        body.origins.put("/paths", parts);
        let mut served = Map::new();
        for (path, node) in paths.entries() {
            if path.starts_with("x-") {
                served.insert(path.to_owned(), node.value().clone());
                continue;
            }
            let default = matches!(path, "$default" | "/$default");
            if default && !spec.prefix.is_empty() {
                let place = self.global(document, node.key_place());
                self.found.error(
                    "prefix-default-route",
                    place,
                    "the route that takes what no other takes cannot be put below a prefix",
                    format!(
                        "write `/{{rest+}}` in its place, which becomes `{}/{{rest+}}`",
                        spec.prefix
                    ),
                );
            }
            let at = match path.starts_with('/') {
                true => format!("{}{path}", spec.prefix),
                false => path.to_owned(),
            };
            let base = under("/paths", &at);
            match self.path_item(document, node, &base, Some(&at), body) {
                Some(Value::Object(mut item)) => {
                    let any = item.keys().any(|name| is_operation(name));
                    let had = has_operations(node);
                    if !spec.prefix.is_empty() {
                        servers::keep_path(root, path, &mut item);
                    }
                    if any || !had {
                        served.insert(at, Value::Object(item));
                    } else {
                        body.origins.clear(&base);
                    }
                }
                other => {
                    let parts = self.parts(document, node);
                    body.origins.put(&base, parts);
                    served.insert(at, other.unwrap_or_else(|| node.value().clone()));
                }
            }
        }
        if let Some(place) = body.value.pointer_mut("/paths") {
            *place = Value::Object(served);
        }
    }

    /// A path item with all that it refers to, as it is to stand at `base`; `None`: it cannot be found. Of a `path` that is
    /// served, the operations that are meant.
    fn path_item(
        &mut self,
        document: usize,
        written: Node<'d>,
        base: &str,
        path: Option<&str>,
        body: &mut Body,
    ) -> Option<Value> {
        let mut layers = vec![written];
        let mut last = written;
        while let Some(reference) = last.reference() {
            last = last.target(reference)?;
            layers.push(last);
            if layers.len() > MAX_HOPS {
                return None;
            }
        }
        if !last.is_object() {
            return Some(last.value().clone());
        }
        self.path_items += 1;
        // Each has places, which hold the way to it.
        self.bytes = self.bytes.saturating_add(base.len());
        if self.path_items > MAX_PATH_ITEMS {
            self.nodes = usize::MAX;
        }
        if !self.room(document, last) {
            return None;
        }
        let parts = self.parts(document, last);
        body.origins.put(base, parts);
        self.stack.push(last.id());
        let mut item = Map::new();
        for (number, layer) in layers.iter().enumerate() {
            let inner = number + 1 == layers.len();
            for (name, node) in layer.entries() {
                if name == "$ref" && !inner {
                    continue;
                }
                let hidden = item.contains_key(name);
                let idle = !inner && name.starts_with("x-") && !is_operation(name);
                if hidden || idle {
                    if !matches!(name, "summary" | "description") {
                        let place = self.global(document, node.key_place());
                        self.found.warning(
                            "ref-siblings",
                            place,
                            format!("`{}` has no effect beside a `$ref`", brief(name)),
                            "say it in the path item that is meant",
                        );
                    }
                    continue;
                }
                let at = under(base, name);
                if let Some(path) = path
                    && METHODS.contains(&name)
                    && !self.selecting.takes(path, node.value())
                {
                    continue;
                }
                let parts = self.parts(document, node);
                body.origins.put(&at, parts);
                let mut value = self.extension(document, name, node, base, body);
                if is_operation(name)
                    && let Some(policy) = node.get("x-gateway")
                {
                    let policy = self.extension(document, "x-gateway", policy, &at, body);
                    if let Some(place) = value.get_mut("x-gateway") {
                        *place = policy;
                    }
                }
                let mut left = Vec::new();
                if name == "additionalOperations"
                    && let Some(path) = path
                    && let Some(operations) = value.as_object_mut()
                {
                    operations.retain(|method, operation| {
                        let takes = self.selecting.takes(path, operation);
                        if !takes {
                            left.push(under("", method));
                        }
                        takes
                    });
                    if operations.is_empty() && !left.is_empty() {
                        continue;
                    }
                }
                item.insert(name.to_owned(), value);
                if name.starts_with("x-") && !is_operation(name) {
                    continue;
                }
                let kind = Kind::One(Thing::PathItem).at(&under("", name));
                self.collect(document, node, &at, kind, false, body, |pointer| {
                    left.iter().any(|left| pointer.starts_with(left.as_str()))
                });
            }
        }
        self.stack.pop();
        Some(Value::Object(item))
    }
}

/// Whether a member of a path item holds operations.
fn is_operation(name: &str) -> bool {
    METHODS.contains(&name) || name == "additionalOperations"
}

/// Whether a path item says an operation, where it stands or where it refers to.
fn has_operations(node: Node<'_>) -> bool {
    let any = |node: Node<'_>| node.entries().any(|(name, _)| is_operation(name));
    any(node) || any(node.follow())
}
