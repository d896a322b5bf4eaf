//! Paths and their operations.

use gateway_runtime::path::Pattern;
use openapiv3::{Operation, Parameter, PathItem, Paths, ReferenceOr};

use crate::findings::Findings;
use crate::load::Node;

use super::{OperationSource, ParameterSource, read, requirements, servers};

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
        let mut typed = PathItem {
            servers: servers(item.follow()),
            ..PathItem::default()
        };
        for source in operations.iter().skip(first) {
            put(&mut typed, source);
        }
        paths
            .paths
            .insert(path.to_owned(), ReferenceOr::Item(typed));
    }
    (paths, operations)
}

/// Gives an operation its place in the typed path item; `ANY` has none there.
fn put(item: &mut PathItem, source: &OperationSource<'_>) {
    let slot = match source.method.as_str() {
        "GET" => &mut item.get,
        "PUT" => &mut item.put,
        "POST" => &mut item.post,
        "DELETE" => &mut item.delete,
        "OPTIONS" => &mut item.options,
        "HEAD" => &mut item.head,
        "PATCH" => &mut item.patch,
        "TRACE" => &mut item.trace,
        _ => return,
    };
    *slot = Some(source.operation.clone());
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
            let near = METHODS.iter().map(|(method, _)| *method).find(|method| {
                method.eq_ignore_ascii_case(name) || strsim::levenshtein(method, name) == 1
            });
            let help = match near {
                Some(method) => format!("did you mean `{method}`?"),
                None if name.eq_ignore_ascii_case("any") => {
                    "did you mean `x-amazon-apigateway-any-method`?".to_owned()
                }
                None => {
                    "the methods are get, put, post, delete, options, head, patch, trace".to_owned()
                }
            };
            found.warning(
                "path-item-unknown-member",
                member.key_place(),
                format!("`{name}` is not a member of a path item and has no effect"),
                help,
            );
        }
    }
    let shared = parameters(item, found);
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
        let mut parameters = parameters(node, found);
        for (parameter, node) in &shared {
            if !parameters.iter().any(|(own, _)| names_same(own, parameter)) {
                parameters.push((parameter.clone(), *node));
            }
        }
        match_template(path, node, &parameters, found);
        operations.push(OperationSource {
            path: path.to_owned(),
            method: (*method).to_owned(),
            path_item: item,
            node,
            operation: operation(node, &parameters, found),
            parameters,
        });
    }
}

fn operation(
    node: Node<'_>,
    parameters: &[ParameterSource<'_>],
    found: &mut Findings,
) -> Operation {
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
        parameters: parameters
            .iter()
            .map(|(parameter, _)| ReferenceOr::Item(parameter.clone()))
            .collect(),
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

/// The parameters of a path item or of an operation.
fn parameters<'d>(holder: Node<'d>, found: &mut Findings) -> Vec<ParameterSource<'d>> {
    let mut read: Vec<ParameterSource<'d>> = Vec::new();
    let Some(list) = holder.get("parameters").map(|list| list.follow()) else {
        return read;
    };
    if !list.is_array() && !list.value().is_null() {
        found.warning(
            "parameter-malformed",
            list.place(),
            "`parameters` is not a list; it is left out",
            "write a list of parameters",
        );
    }
    for written in list.items() {
        let node = written.follow();
        if node.reference().is_some() {
            continue; // dangling: reported when references were resolved
        }
        let Some(parameter) = read::parameter(node, found) else {
            continue;
        };
        if read.iter().any(|(other, _)| names_same(other, &parameter)) {
            let name = &parameter.parameter_data_ref().name;
            found.warning(
                "parameter-duplicate",
                written.place(),
                format!("the parameter `{name}` is declared twice; the first one counts"),
                "keep one of the two",
            );
            continue;
        }
        read.push((parameter, node));
    }
    read
}

/// Whether two parameters are one: the same name in the same place (names of header fields know no case).
fn names_same(a: &Parameter, b: &Parameter) -> bool {
    let (name, other) = (&a.parameter_data_ref().name, &b.parameter_data_ref().name);
    match (a, b) {
        (Parameter::Header { .. }, Parameter::Header { .. }) => name.eq_ignore_ascii_case(other),
        _ => std::mem::discriminant(a) == std::mem::discriminant(b) && name == other,
    }
}

/// Path parameters are declared and in the template, or neither.
fn match_template(
    path: &str,
    node: Node<'_>,
    parameters: &[ParameterSource<'_>],
    found: &mut Findings,
) {
    // A template that cannot be parsed is reported where routes are made.
    let Ok(pattern) = Pattern::parse(path) else {
        return;
    };
    let names: Vec<&str> = pattern.params().map(bare).collect();
    let declared = |name: &str| {
        parameters.iter().any(|(parameter, _)| {
            matches!(parameter, Parameter::Path { .. })
                && bare(&parameter.parameter_data_ref().name) == name
        })
    };
    for name in &names {
        if !declared(name) {
            found.warning(
                "path-parameter-undeclared",
                node.key_place(),
                format!("`{{{name}}}` of `{path}` is not declared as a parameter"),
                format!("declare it: `- {{ name: {name}, in: path, required: true, schema: {{ type: string }} }}`"),
            );
        }
    }
    for (parameter, at) in parameters {
        let name = &parameter.parameter_data_ref().name;
        if matches!(parameter, Parameter::Path { .. }) && !names.contains(&bare(name)) {
            let near = names
                .iter()
                .find(|other| !declared(other) && strsim::damerau_levenshtein(other, name) <= 2);
            found.warning(
                "path-parameter-unknown",
                at.place(),
                format!("the path `{path}` has no `{{{name}}}`"),
                match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "take the parameter away, or put it into the path".to_owned(),
                },
            );
        }
    }
}

/// A name without what marks a greedy or an exploded parameter (`{proxy+}`, `{ids*}`).
fn bare(name: &str) -> &str {
    name.trim_end_matches(['+', '*'])
}
