//! Several documents as one.
//!
//! Each path stays with what its own document says for all its operations: servers, security, media types. What can be said
//! once (the gateway's own members) is taken over where only one document says it or all say the same; two that differ are an
//! error at both places, and so are two operations of one route.

use serde_json::{Map, Value};

use crate::findings::{Findings, Place, brief};
use crate::load::{Origins, Parts};

use super::kind::METHODS;
use super::link::{Body, Linked, Skeleton, under};
use super::names::{self, Component};
use super::servers;

/// Members of `x-gateway` that are tables, and how many levels of them: documents may share one, as long as no entry differs.
/// A stage is made of its members, of which `operations` and `variables` are tables again.
const TABLES: &[(&str, usize)] = &[("upstreams", 1), ("stages", 3), ("responses", 1)];

/// Members of a root that mean something to all operations, and can be said only once.
const ONCE: &[&str] = &["host", "basePath", "schemes", "jsonSchemaDialect"];

/// Members that operations say themselves where documents differ.
const SHARED: &[&str] = &["security", "consumes", "produces"];

/// The tree of all documents.
pub(super) fn join(
    components: Vec<Component>,
    skeletons: Vec<Skeleton<'_>>,
    number: &dyn Fn(usize, usize) -> usize,
    found: &mut Findings,
) -> Linked {
    let old = skeletons.first().is_some_and(|skeleton| skeleton.old);
    same_version(&skeletons, number, found);
    let mut bodies: Vec<Body> = skeletons
        .into_iter()
        .map(|skeleton| skeleton.body)
        .collect();
    if bodies.len() > 1 {
        share(&mut bodies);
    }
    let mut bodies = bodies.into_iter();
    let mut whole = bodies.next().unwrap_or_default();
    for body in bodies {
        Joining {
            whole: &mut whole,
            found,
        }
        .document(body);
    }
    let mut linked = Linked {
        root: whole.value,
        origins: whole.origins,
    };
    for component in components {
        let table = names::table_of(&component.section, old);
        let Some(table) = table_mut(&mut linked.root, &table) else {
            continue;
        };
        table.insert(component.name.clone(), component.body.value);
        let at = names::place_of(&component.section, &component.name, old);
        linked.origins.put(&at, component.body.origins.parts(""));
    }
    linked
}

/// The object at a pointer, made where it is not there.
fn table_mut<'v>(root: &'v mut Value, pointer: &str) -> Option<&'v mut Map<String, Value>> {
    let mut value = root;
    for token in pointer.split('/').skip(1) {
        let token = crate::load::unescape(token);
        let members = value.as_object_mut()?;
        value = members
            .entry(token)
            .or_insert_with(|| Value::Object(Map::new()));
        if !value.is_object() {
            *value = Value::Object(Map::new());
        }
    }
    value.as_object_mut()
}

fn version_of(root: &Value) -> Option<(&'static str, String)> {
    let (name, version) = match (root.get("openapi"), root.get("swagger")) {
        (Some(version), _) => ("openapi", version),
        (None, Some(version)) => ("swagger", version),
        (None, None) => return None,
    };
    let text = match version {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let series: Vec<&str> = text.splitn(3, '.').take(2).collect();
    Some((name, series.join(".")))
}

fn same_version(
    skeletons: &[Skeleton<'_>],
    number: &dyn Fn(usize, usize) -> usize,
    found: &mut Findings,
) {
    let mut versions = skeletons
        .iter()
        .enumerate()
        .filter_map(|(document, skeleton)| {
            let (member, series) = version_of(&skeleton.body.value)?;
            let place = skeleton.node.get(member)?.place();
            let file = number(document, place.file);
            Some((member, series, Place { file, ..place }))
        });
    let Some((first, series, _)) = versions.next() else {
        return;
    };
    for (member, other, place) in versions {
        if (member, &other) != (first, &series) {
            found.error(
                "spec-versions-differ",
                place,
                format!(
                    "this document is of version {}, and the first one of {}",
                    brief(&other),
                    brief(&series)
                ),
                "bring the documents of one gateway to one version",
            );
        }
    }
}

/// Where documents differ in what they say for all their operations, lets the operations say it.
fn share(bodies: &mut [Body]) {
    for name in SHARED {
        let first = bodies
            .first()
            .and_then(|body| body.value.get(name))
            .cloned();
        if bodies
            .iter()
            .all(|body| body.value.get(name) == first.as_ref())
        {
            continue;
        }
        for body in bodies.iter_mut() {
            let Some(shared) = taken(body, name) else {
                continue;
            };
            let mut put = Vec::new();
            servers::operations(&mut body.value, |path, method, operation| {
                let operation = operation.as_object_mut();
                if let Some(operation) =
                    operation.filter(|operation| !operation.contains_key(*name))
                {
                    operation.insert((*name).to_owned(), shared.0.clone());
                    let item = under("/paths", path);
                    let plain = METHODS.contains(&method);
                    let at = match plain {
                        true => under(&item, method),
                        false => under(&under(&item, "additionalOperations"), method),
                    };
                    put.push(under(&at, name));
                }
            });
            for at in put {
                body.origins.put(&at, shared.1.clone());
            }
        }
    }
    let first = bodies
        .first()
        .and_then(|body| body.value.get("servers"))
        .cloned();
    if bodies
        .iter()
        .all(|body| body.value.get("servers") == first.as_ref())
    {
        return;
    }
    // The first document's server may stay the gateway's own, unless another document would take it for its own.
    let all = bodies
        .iter()
        .all(|body| servers::names_a_server(&body.value));
    for body in bodies.iter_mut().skip(usize::from(all)) {
        let Some((value, parts)) = taken(body, "servers") else {
            continue;
        };
        let paths = body.value.get_mut("paths").and_then(Value::as_object_mut);
        for (path, item) in paths.into_iter().flatten() {
            let Some(item) = item.as_object_mut() else {
                continue;
            };
            if !path.starts_with("x-") && !item.contains_key("servers") {
                item.insert("servers".to_owned(), value.clone());
                let at = under(&under("/paths", path), "servers");
                body.origins.put(&at, parts.clone());
            }
        }
    }
}

/// Takes a member out of a root.
fn taken(body: &mut Body, name: &str) -> Option<(Value, Parts)> {
    let value = body.value.as_object_mut()?.shift_remove(name)?;
    let at = under("", name);
    let parts = body.origins.parts(&at);
    body.origins.clear(&at);
    Some((value, parts))
}

struct Joining<'w> {
    whole: &'w mut Body,
    found: &'w mut Findings,
}

/// The place of what was written at a pointer of a body.
fn place(origins: &Origins, pointer: &str) -> Place {
    let (file, pointer) = origins.of(pointer).unwrap_or_default();
    Place {
        file,
        pointer,
        ..Place::default()
    }
}

impl Joining<'_> {
    fn clash(&mut self, other: &Origins, pointer: &str, what: &str) {
        let places = [place(&self.whole.origins, pointer), place(other, pointer)];
        for place in places {
            self.found.error(
                "spec-clash",
                place,
                format!("{what} is said by two documents, and they differ"),
                "say it in one of them, or the same in both; an overlay can change a document that is not yours",
            );
        }
    }

    /// Takes a value over, with the places of its parts.
    fn take(&mut self, holder: &str, name: &str, value: Value, other: &Origins) {
        let at = under(holder, name);
        self.whole.origins.put(&at, other.parts(&at));
        if let Some(members) = table_mut(&mut self.whole.value, holder) {
            members.insert(name.to_owned(), value);
        }
    }

    fn document(&mut self, mut body: Body) {
        let Some(members) = body.value.as_object_mut() else {
            return;
        };
        let members = std::mem::take(members);
        let other = body.origins;
        // One document says where its back end is, and the operations of the other would be taken there too.
        for name in ONCE {
            if self.whole.value.get(name).is_some() != members.contains_key(*name) {
                self.clash(&other, &under("", name), &format!("`{name}`"));
            }
        }
        for (name, value) in members {
            match name.as_str() {
                "paths" => self.paths(value, &other),
                "tags" => self.tags(value, &other),
                "webhooks" => self.table("", &name, value, &other, 1, false),
                "x-gateway" => self.gateway(value, &other),
                name if name.starts_with("x-amazon-apigateway-") => match value.is_object() {
                    true => self.table("", name, value, &other, 1, true),
                    false => self.once("", name, value, &other, true),
                },
                name if ONCE.contains(&name) || SHARED.contains(&name) || name == "servers" => {
                    self.once("", name, value, &other, true);
                }
                name => self.once("", name, value, &other, false),
            }
        }
    }

    /// A member that one document may say, or all alike. Where differing is no fault, the first one counts.
    fn once(&mut self, holder: &str, name: &str, value: Value, other: &Origins, strict: bool) {
        let at = under(holder, name);
        match self.whole.value.pointer(&at) {
            None => self.take(holder, name, value, other),
            Some(known) if *known == value => {}
            Some(_) if strict => {
                let what = format!("`{}`", brief(name));
                self.clash(other, &at, &what);
            }
            Some(_) => {}
        }
    }

    /// A table whose entries documents may share, so many levels deep.
    fn table(
        &mut self,
        holder: &str,
        name: &str,
        value: Value,
        other: &Origins,
        levels: usize,
        strict: bool,
    ) {
        let at = under(holder, name);
        let known = self.whole.value.pointer(&at);
        match value {
            Value::Object(entries) if levels > 0 && known.is_some_and(Value::is_object) => {
                for (entry, value) in entries {
                    self.table(&at, &entry, value, other, levels - 1, strict);
                }
            }
            value => self.once(holder, name, value, other, strict),
        }
    }

    fn gateway(&mut self, value: Value, other: &Origins) {
        let Value::Object(members) = value else {
            return self.once("", "x-gateway", value, other, true);
        };
        for (name, value) in members {
            match name.as_str() {
                // The gateway has one, the first document's.
                "name" => self.once("/x-gateway", "name", value, other, false),
                name => {
                    let table = TABLES.iter().find(|(table, _)| *table == name);
                    let levels = table.map_or(0, |(_, levels)| *levels);
                    self.table("/x-gateway", name, value, other, levels, true);
                }
            }
        }
        if self.whole.origins.of("/x-gateway").is_none() {
            self.whole
                .origins
                .put("/x-gateway", other.parts("/x-gateway"));
        }
    }

    fn tags(&mut self, value: Value, other: &Origins) {
        let known = self.whole.value.get("tags").and_then(Value::as_array);
        let (Some(known), Some(tags)) = (known, value.as_array()) else {
            return self.once("", "tags", value, other, false);
        };
        let mut list = known.clone();
        for (number, tag) in tags.iter().enumerate() {
            let name = tag.get("name");
            if list.iter().any(|known| known.get("name") == name) {
                continue;
            }
            let parts = other.parts(&format!("/tags/{number}"));
            self.whole
                .origins
                .put(&format!("/tags/{}", list.len()), parts);
            list.push(tag.clone());
        }
        if let Some(tags) = self.whole.value.get_mut("tags") {
            *tags = Value::Array(list);
        }
    }

    fn paths(&mut self, value: Value, other: &Origins) {
        let Value::Object(paths) = value else {
            return self.once("", "paths", value, other, false);
        };
        for (path, item) in paths {
            let at = under("/paths", &path);
            match self.whole.value.pointer(&at) {
                None => self.take("/paths", &path, item, other),
                Some(_) if path.starts_with("x-") => {}
                Some(_) => self.path(&path, &at, item, other),
            }
        }
    }

    /// A path that both have: its operations stand side by side, and what the items say besides is the same.
    fn path(&mut self, path: &str, at: &str, item: Value, other: &Origins) {
        let Value::Object(members) = item else {
            return;
        };
        let known = self.whole.value.pointer(at).and_then(Value::as_object);
        let known: Vec<(String, Value)> = known
            .into_iter()
            .flatten()
            .filter(|(name, _)| !METHODS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let texts = |name: &str| matches!(name, "summary" | "description");
        for name in known
            .iter()
            .map(|(name, _)| name)
            .chain(members.keys())
            .filter(|name| !METHODS.contains(&name.as_str()) && !texts(name))
        {
            let ours = known.iter().find(|(known, _)| known == name);
            if ours.map(|(_, value)| value) != members.get(name) {
                let what = format!("`{}` of the path `{}`", brief(name), brief(path));
                return self.clash(other, at, &what);
            }
        }
        for (method, operation) in members {
            if !METHODS.contains(&method.as_str()) {
                continue;
            }
            let place_of = under(at, &method);
            if self.whole.value.pointer(&place_of).is_none() {
                self.take(at, &method, operation, other);
                continue;
            }
            let places = [
                place(&self.whole.origins, &place_of),
                place(other, &place_of),
            ];
            for place in places {
                self.found.error(
                    "spec-route-twice",
                    Place { key: true, ..place },
                    format!(
                        "two documents have an operation `{} {}`",
                        method.to_uppercase(),
                        brief(path)
                    ),
                    "put one of the documents below a path of its own: `--prefix SPEC=/PATH`, or leave an operation out: `--exclude op:ID`",
                );
            }
        }
    }
}
