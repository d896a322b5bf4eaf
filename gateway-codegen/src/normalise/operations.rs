//! Paths and their operations.

use openapiv3::{Operation, PathItem, Paths, ReferenceOr};

use crate::load::{MAX_HOPS, Node};
use crate::suggest;

use super::members::Holder;
use super::parameters::{self, Declared};
use super::{OperationSource, Reader, Version, read, requirements, swagger};

/// Most operations: thirty times those of GitHub.
const MAX_OPERATIONS: usize = 25_000;

/// Members of a path item that are operations, with their methods.
const METHODS: &[(&str, &str)] = &[
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
    ("trace", "TRACE"),
    ("x-amazon-apigateway-any-method", "ANY"),
];

/// The method that 3.2 adds to them.
const QUERY: (&str, &str) = ("query", "QUERY");

/// The member of 3.2 that holds operations of all other methods.
const ADDITIONAL: &str = "additionalOperations";

/// The other members of a path item.
const BESIDES: &[&str] = &["$ref", "summary", "description", "servers", "parameters"];

/// Longest method that a document may make up.
const LONGEST_METHOD: usize = 32;

impl<'d> Reader<'d, '_> {
    /// The paths, and their operations in the order of the document.
    pub(super) fn paths(&mut self) -> (Paths, Vec<OperationSource<'d>>) {
        let mut paths = Paths::default();
        let mut operations = Vec::new();
        let root = self.root;
        let node = match root.get("paths").map(|paths| paths.follow()) {
            Some(node) if node.is_object() => node,
            Some(node) if node.value().is_null() => return (paths, operations),
            Some(node) => {
                self.found.error(
                    "paths-malformed",
                    node.place(),
                    "`paths` is not an object",
                    "write an object: `paths: { /books: { get: … } }`",
                );
                return (paths, operations);
            }
            None => {
                // From 3.1 on a document may hold webhooks or components alone.
                if self.version < Version::V3_1 {
                    self.found.error(
                        "paths-missing",
                        root.place(),
                        "the document has no `paths`",
                        "declare at least one path and its operations",
                    );
                }
                return (paths, operations);
            }
        };
        for (path, item) in node.entries() {
            if path.starts_with("x-") {
                continue;
            }
            // Amazon's HTTP APIs write the route that takes what no other takes with and without a slash.
            let path = if path == "$default" {
                "/$default"
            } else {
                path
            };
            if !path.starts_with('/') {
                self.found.error(
                    "path-no-slash",
                    item.key_place(),
                    format!("the path `{path}` does not begin with a slash"),
                    format!("write `/{path}`"),
                );
                continue;
            }
            let typed = PathItem {
                servers: self.item(path, item, &mut operations),
                ..PathItem::default()
            };
            paths
                .paths
                .insert(path.to_owned(), ReferenceOr::Item(typed));
            if operations.len() > MAX_OPERATIONS {
                self.found.error(
                    "document-too-large",
                    item.key_place(),
                    "up to here there are more than 25,000 operations",
                    "split the API",
                );
                break;
            }
            if self.is_full() {
                self.found.error(
                    "document-too-large",
                    item.key_place(),
                    "up to here the operations have more than 200,000 parameters, responses and media types, or their path items too many members",
                    "split the API, or share less among its paths",
                );
                break;
            }
        }
        (paths, operations)
    }

    /// Reads the operations of a path item; returns its servers.
    fn item(
        &mut self,
        path: &str,
        written: Node<'d>,
        operations: &mut Vec<OperationSource<'d>>,
    ) -> Vec<openapiv3::Server> {
        let Some(layers) = layers(written) else {
            return Vec::new(); // dangling or a cycle: reported when references were resolved
        };
        let item = layers.last().copied().unwrap_or(written);
        if !item.is_object() {
            self.found.error(
                "path-item-malformed",
                written.place(),
                format!("`{path}` is not a path item"),
                "write an object with the operations of this path",
            );
            return Vec::new();
        }
        let first = |name: &str| layers.iter().find(|layer| layer.get(name).is_some());
        let shared = match first("parameters") {
            Some(layer) => self.parameters(*layer),
            None => Declared::default(),
        };
        for (number, layer) in layers.iter().enumerate() {
            self.look(layer.value().as_object().map_or(0, |members| members.len()));
            if self.is_full() {
                break;
            }
            // One that many paths refer to is found fault with once.
            let news = self.seen.insert(layer.id());
            for (name, node) in layer.entries() {
                let outer = layers.iter().take(number);
                let hidden = name != "$ref" && outer.into_iter().any(|o| o.get(name).is_some());
                let idle = name.starts_with("x-") && number + 1 < layers.len();
                if hidden || idle && !METHODS.iter().any(|(known, _)| *known == name) {
                    if news {
                        self.beside_reference(name, node, hidden);
                    }
                } else if name == ADDITIONAL && self.version >= Version::V3_2 {
                    for (method, node) in node.follow().entries() {
                        if self.is_method(method, node) {
                            self.operation(path, method, node, item, &shared, operations);
                        }
                    }
                } else if let Some(method) = self.method(name, node, news) {
                    self.operation(path, method, node, item, &shared, operations);
                }
            }
        }
        match first("servers") {
            Some(layer) if self.version > Version::V2_0 => self.servers(*layer),
            _ => Vec::new(),
        }
    }

    /// A member that a path item and the one it refers to cannot both have.
    fn beside_reference(&mut self, name: &str, node: Node<'_>, hidden: bool) {
        if hidden && matches!(name, "summary" | "description") {
            return; // texts may be said anew beside a reference
        }
        let (message, help) = if hidden {
            (
                format!("`{name}` has no effect for a path that says it beside its `$ref`"),
                "say it in one of the two places",
            )
        } else {
            (
                format!("`{name}` stands beside a `$ref` and has no effect"),
                "move it into the object that the reference leads to",
            )
        };
        self.found
            .warning("ref-siblings", node.key_place(), message, help);
    }

    /// The method that a member of a path item is named after.
    fn method(&mut self, name: &str, node: Node<'_>, news: bool) -> Option<&'static str> {
        let query = (self.version >= Version::V3_2).then_some(&QUERY);
        let mut known = METHODS.iter().chain(query);
        if let Some((_, method)) = known.find(|(known, _)| *known == name) {
            return Some(method);
        }
        if news && !name.starts_with("x-") && !BESIDES.contains(&name) {
            let help = if name.eq_ignore_ascii_case("any") {
                "did you mean `x-amazon-apigateway-any-method`".to_owned()
            } else if name == QUERY.0 || name == ADDITIONAL {
                "it is a member of OpenAPI 3.2: write `openapi: 3.2.0`".to_owned()
            } else {
                suggest::help(name, METHODS.iter().map(|(method, _)| *method))
            };
            self.found.warning(
                "path-item-unknown-member",
                node.key_place(),
                format!("`{name}` is not a member of a path item and has no effect"),
                help,
            );
        }
        None
    }

    /// Whether a name under `additionalOperations` is a method that may stand there.
    fn is_method(&mut self, name: &str, node: Node<'_>) -> bool {
        let own = METHODS.iter().chain([&QUERY]);
        let help = match own.into_iter().find(|(_, method)| *method == name) {
            Some((member, _)) if name != "ANY" => {
                format!("`{name}` has a member of its own: write `{member}` in the path item")
            }
            Some(_) => "`x-amazon-apigateway-any-method` stands for every method".to_owned(),
            None if name == "CONNECT" => "no back end is asked for a tunnel".to_owned(),
            None if name.len() <= LONGEST_METHOD && is_token(name) => return true,
            None => {
                "a method is made of letters, digits and `!#$%&'*+-.^_`|~`, at most 32".to_owned()
            }
        };
        self.found.error(
            "operation-method",
            node.key_place(),
            format!("`{}` is no method here", crate::findings::brief(name)),
            help,
        );
        false
    }

    fn operation(
        &mut self,
        path: &str,
        method: &str,
        node: Node<'d>,
        item: Node<'d>,
        shared: &Declared<'d>,
        operations: &mut Vec<OperationSource<'d>>,
    ) {
        if !node.is_object() {
            self.found.error(
                "operation-malformed",
                node.place(),
                format!(
                    "`{}` of `{path}` is not an operation",
                    method.to_lowercase()
                ),
                "write an object; `{}` is enough",
            );
            return;
        }
        if !self.room() {
            return;
        }
        self.members(node, Holder::Operation);
        let mut own = self.parameters(node);
        let mut parameters = std::mem::take(&mut own.parameters);
        parameters::inherit(&mut parameters, &shared.parameters);
        self.take(parameters.len());
        // One that is declared but cannot be read is not undeclared.
        if !own.incomplete && !shared.incomplete {
            parameters::match_template(path, node, &parameters, self.found);
        }
        let body = match self.version {
            Version::V2_0 => self.swagger_body(node, own, shared),
            _ => self.body(node),
        };
        operations.push(OperationSource {
            path: path.to_owned(),
            method: method.to_owned(),
            path_item: item,
            node,
            operation: self.typed(node),
            parameters,
            body,
            responses: self.responses(node),
        });
    }

    /// The typed view of an operation.
    fn typed(&mut self, node: Node<'d>) -> Operation {
        let id = node.get("operationId");
        if let Some(id) = id.filter(|id| id.as_str().is_none()) {
            self.found.warning(
                "operation-id-not-text",
                id.place(),
                "`operationId` is not a text and has no effect",
                "write a text, in quotes where it looks like something else",
            );
        }
        let tags = node.get("tags");
        for list in [tags, node.get("security")].into_iter().flatten() {
            self.look(list.value().as_array().map_or(0, Vec::len));
        }
        let tags = tags.filter(|_| !self.is_full());
        let tags = tags.iter().flat_map(|tags| tags.items());
        Operation {
            tags: tags
                .filter_map(|tag| tag.as_str().map(str::to_owned))
                .collect(),
            summary: read::text(node, "summary"),
            description: read::text(node, "description"),
            operation_id: read::text(node, "operationId"),
            deprecated: read::flag(node, "deprecated"),
            security: requirements(node, self.found),
            servers: match self.version {
                Version::V2_0 => swagger::operation_servers(self.root, node),
                _ => self.servers(node),
            },
            ..Operation::default()
        }
    }
}

/// A path item and those that it leads to, by references that may have members beside them. `None`: the end is not there.
fn layers(written: Node<'_>) -> Option<Vec<Node<'_>>> {
    let mut layers = vec![written];
    let mut last = written;
    while let Some(reference) = last.reference() {
        last = last.target(reference)?;
        layers.push(last);
        if layers.len() > MAX_HOPS {
            return None;
        }
    }
    Some(layers)
}

/// Whether a text is a token of HTTP (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(good)
}
