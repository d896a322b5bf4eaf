//! Paths and their operations.

use openapiv3::{Operation, PathItem, Paths, ReferenceOr};

use crate::findings::Findings;
use crate::load::Node;
use crate::suggest;

use super::{OperationSource, parameters, read, requirements, servers};

/// Most operations: thirty times those of GitHub.
const MAX_OPERATIONS: usize = 25_000;

/// Most parameters, responses and media types of all operations together. References let a small document say them again
/// and again; GitHub's has 6,500.
const MAX_PARTS: usize = 200_000;

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

/// The other members of a path item.
const BESIDES: &[&str] = &["$ref", "summary", "description", "servers", "parameters"];

/// The paths, and their operations in the order of the document.
pub(super) fn read<'d>(root: Node<'d>, found: &mut Findings) -> (Paths, Vec<OperationSource<'d>>) {
    let mut paths = Paths::default();
    let mut operations = Vec::new();
    let mut parts = 0_usize;
    let node = match root.get("paths").map(|paths| paths.follow()) {
        Some(node) if node.is_object() => node,
        Some(node) if node.value().is_null() => return (paths, operations),
        Some(node) => {
            let help = "write an object: `paths: { /books: { get: … } }`";
            found.error(
                "paths-malformed",
                node.place(),
                "`paths` is not an object",
                help,
            );
            return (paths, operations);
        }
        None => {
            found.error(
                "paths-missing",
                root.place(),
                "the document has no `paths`",
                "declare at least one path and its operations",
            );
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
            found.error(
                "path-no-slash",
                item.key_place(),
                format!("the path `{path}` does not begin with a slash"),
                format!("write `/{path}`"),
            );
            continue;
        }
        let first = operations.len();
        read_item(path, item, &mut operations, found);
        let typed = PathItem {
            servers: servers(item.follow()),
            ..PathItem::default()
        };
        for source in operations.iter().skip(first) {
            parts = parts.saturating_add(weight(source));
        }
        paths
            .paths
            .insert(path.to_owned(), ReferenceOr::Item(typed));
        if operations.len() > MAX_OPERATIONS {
            found.error(
                "document-too-large",
                item.key_place(),
                "up to here there are more than 25,000 operations",
                "split the API",
            );
            break;
        }
        if parts > MAX_PARTS {
            found.error(
                "document-too-large",
                item.key_place(),
                "up to here the operations have more than 200,000 parameters, responses and media types",
                "split the API, or share less among its paths",
            );
            break;
        }
    }
    (paths, operations)
}

/// Parameters, responses and media types of an operation.
fn weight(source: &OperationSource<'_>) -> usize {
    let operation = &source.operation;
    let responses = &operation.responses;
    let all = responses.default.iter().chain(responses.responses.values());
    let content = all
        .filter_map(ReferenceOr::as_item)
        .map(|r| 1 + r.content.len());
    let body = operation
        .request_body
        .as_ref()
        .and_then(ReferenceOr::as_item);
    1 + source.parameters.len() + content.sum::<usize>() + body.map_or(0, |body| body.content.len())
}

fn read_item<'d>(
    path: &str,
    written: Node<'d>,
    operations: &mut Vec<OperationSource<'d>>,
    found: &mut Findings,
) {
    let item = written.follow();
    if item.reference().is_some() {
        return; // dangling: reported when references were resolved
    }
    if !item.is_object() {
        found.error(
            "path-item-malformed",
            written.place(),
            format!("`{path}` is not a path item"),
            "write an object with the operations of this path",
        );
        return;
    }
    if !written.same(&item) {
        for (name, beside) in written.entries().filter(|(name, _)| *name != "$ref") {
            found.warning(
                "ref-siblings",
                beside.key_place(),
                format!("`{name}` stands beside a `$ref` and has no effect"),
                "move it into the object that the reference leads to",
            );
        }
    }
    for (name, member) in item.entries() {
        if name.starts_with("x-") || BESIDES.contains(&name) {
            continue;
        }
        if !METHODS.iter().any(|(method, _)| *method == name) {
            let help = if name.eq_ignore_ascii_case("any") {
                "did you mean `x-amazon-apigateway-any-method`".to_owned()
            } else {
                suggest::help(name, METHODS.iter().map(|(method, _)| *method))
            };
            found.warning(
                "path-item-unknown-member",
                member.key_place(),
                format!("`{name}` is not a member of a path item and has no effect"),
                help,
            );
        }
    }
    let (shared, all_shared) = parameters::of(item, found);
    for (name, node) in item.entries() {
        let Some((_, method)) = METHODS.iter().find(|(method, _)| *method == name) else {
            continue;
        };
        if !node.is_object() {
            found.error(
                "operation-malformed",
                node.place(),
                format!("`{name}` of `{path}` is not an operation"),
                "write an object; `{}` is enough",
            );
            continue;
        }
        let (mut parameters, all) = parameters::of(node, found);
        parameters::inherit(&mut parameters, &shared);
        // One that is declared but cannot be read is not undeclared.
        if all && all_shared {
            parameters::match_template(path, node, &parameters, found);
        }
        operations.push(OperationSource {
            path: path.to_owned(),
            method: (*method).to_owned(),
            path_item: item,
            node,
            operation: operation(node, found),
            parameters,
        });
    }
}

fn operation(node: Node<'_>, found: &mut Findings) -> Operation {
    let id = node.get("operationId");
    if let Some(id) = id.filter(|id| id.as_str().is_none()) {
        found.warning(
            "operation-id-not-text",
            id.place(),
            "`operationId` is not a text and has no effect",
            "write a text, in quotes where it looks like something else",
        );
    }
    let tags = node.get("tags");
    let tags = tags.iter().flat_map(|tags| tags.items());
    let body = node.get("requestBody").map(|body| body.follow());
    let responses = node.get("responses").map(|responses| responses.follow());
    Operation {
        tags: tags
            .filter_map(|tag| tag.as_str().map(str::to_owned))
            .collect(),
        summary: read::text(node, "summary"),
        description: read::text(node, "description"),
        operation_id: read::text(node, "operationId"),
        request_body: body
            .filter(Node::is_object)
            .map(|body| ReferenceOr::Item(read::request_body(body))),
        responses: responses
            .map(|responses| read::responses(responses, found))
            .unwrap_or_default(),
        deprecated: read::flag(node, "deprecated"),
        security: requirements(node, found),
        servers: servers(node),
        ..Operation::default()
    }
}
