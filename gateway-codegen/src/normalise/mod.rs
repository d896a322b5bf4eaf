//! Document → [`Api`]: one shape whatever version the document is written in.
//!
//! The canonical shape is OpenAPI 3.0, and of that what a gateway reads: `openapiv3` types with references followed,
//! schemas emptied and extensions left out (those are read from the [`Node`]s beside the types). Invariants: an operation
//! of the document is an operation of the [`Api`] or a finding; a description that breaks a rule of its own specification
//! is refused only where that leaves open what the gateway is to do. Absent on purpose: schemas, and what an extension
//! means.

mod operations;
mod parameters;
mod read;
mod security;

#[cfg(test)]
mod tests;

use openapiv3::{Components, Info, OpenAPI, ReferenceOr, SecurityRequirement, Server, Tag};
use serde_json::Value;

use crate::findings::{Findings, brief};
use crate::load::locate::Locator;
use crate::load::{Document, Format, Node};

/// What a document says about an API, typed, with the nodes it was read from.
#[derive(Debug)]
pub struct Api<'d> {
    /// The entry document.
    pub root: Node<'d>,
    /// The typed view, security schemes inlined. Of paths only their servers: [`Self::operations`] has the rest.
    pub openapi: OpenAPI,
    /// Every operation in the order of the document.
    pub operations: Vec<OperationSource<'d>>,
}

/// One operation and where it was read.
#[derive(Debug)]
pub struct OperationSource<'d> {
    /// The path template; begins with `/`.
    pub path: String,
    /// `GET` and so on; `ANY`: every method that the path has no operation for.
    pub method: String,
    /// The path item, references followed.
    pub path_item: Node<'d>,
    /// The operation.
    pub node: Node<'d>,
    /// The typed view, bodies and responses inlined; parameters stand in [`Self::parameters`].
    pub operation: openapiv3::Operation,
    /// Parameters of the operation, then those of the path item that it does not give itself.
    pub parameters: Vec<ParameterSource<'d>>,
}

/// One parameter and where it was read (references followed).
pub type ParameterSource<'d> = (openapiv3::Parameter, Node<'d>);

/// The API of a document. `None`: it is of a version that is not served, or not OpenAPI at all; `found` says so.
pub fn canonical<'d>(document: &'d Document, found: &mut Findings) -> Option<Api<'d>> {
    let root = document.root()?;
    if root.value().is_null() && found.has_errors() {
        return None;
    }
    match version(root, found)? {
        Version::V3_0 => Some(read_3_0(root, found)),
    }
}

/// Versions of the specification that are served. 2.0 and 3.1 join as values that are brought into 3.0's shape.
enum Version {
    V3_0,
}

fn version(root: Node<'_>, found: &mut Findings) -> Option<Version> {
    let not_openapi = |found: &mut Findings| {
        found.error(
            "not-openapi",
            root.place(),
            "this is not an OpenAPI document: it has no member `openapi`",
            "an OpenAPI document begins with `openapi: 3.0.3`",
        );
    };
    let (name, node) = match (root.get("openapi"), root.get("swagger")) {
        (Some(node), _) => ("openapi", node),
        (None, Some(node)) => ("swagger", node),
        (None, None) => {
            not_openapi(found);
            return None;
        }
    };
    let version = match node.value() {
        Value::String(text) => text.clone(),
        // Unquoted, 3.0 is a number in YAML.
        Value::Number(number) => number.to_string(),
        _ => {
            let message = format!("`{name}` is not the text of a version");
            found.error(
                "openapi-version",
                node.place(),
                message,
                "write `openapi: 3.0.3`",
            );
            return None;
        }
    };
    let series = |series: &str| {
        version
            .strip_prefix(series)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    if name == "openapi" && series("3.0") {
        return Some(Version::V3_0);
    }
    let coming = match name {
        "openapi" => series("3.1") || series("3.2"),
        _ => series("2.0"),
    };
    if coming {
        found.error(
            "openapi-version",
            node.place(),
            format!("OpenAPI {} is not yet served", brief(&version)),
            "convert the document to OpenAPI 3.0",
        );
    } else {
        found.error(
            "openapi-version",
            node.place(),
            format!(
                "`{name}: {}` is not a version of OpenAPI that is known",
                brief(&version)
            ),
            "OpenAPI 3.0 is served: `openapi: 3.0.3`",
        );
    }
    None
}

fn read_3_0<'d>(root: Node<'d>, found: &mut Findings) -> Api<'d> {
    let security_schemes = security::schemes(root, found);
    let (paths, operations) = operations::read(root, found);
    let openapi = OpenAPI {
        openapi: "3.0.3".to_owned(),
        info: info(root, found),
        servers: servers(root),
        paths,
        components: Some(Components {
            security_schemes: security_schemes
                .into_iter()
                .map(|(name, scheme)| (name, ReferenceOr::Item(scheme)))
                .collect(),
            ..Components::default()
        }),
        security: requirements(root, found),
        tags: tags(root),
        ..OpenAPI::default()
    };
    Api {
        root,
        openapi,
        operations,
    }
}

fn info(root: Node<'_>, found: &mut Findings) -> Info {
    let Some(info) = root.get("info").map(|info| info.follow()) else {
        found.note(
            "info-missing",
            root.place(),
            "the document has no `info`",
            "give the API a title and a version: `info: { title: …, version: … }`",
        );
        return Info::default();
    };
    Info {
        title: text_or_number(info, "title", found),
        version: text_or_number(info, "version", found),
        ..Info::default()
    }
}

/// A text, or what was written where YAML took it for a number (`version: 1.10`).
fn text_or_number(info: Node<'_>, name: &str, found: &mut Findings) -> String {
    let Some(node) = info.get(name) else {
        let message = format!("`info` has no `{name}`");
        found.note("info-missing", info.place(), message, "give it one");
        return String::new();
    };
    match node.value() {
        Value::String(text) => text.clone(),
        Value::Number(number) => {
            let place = node.document().written(&node.place());
            let file = node.document().files.get(place.file);
            file.filter(|file| file.format == Format::Yaml)
                .map(|file| Locator::new(file).source(&place).trim().to_owned())
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| number.to_string())
        }
        Value::Bool(value) => value.to_string(),
        _ => {
            let message = format!("`{name}` of `info` is not a text");
            found.note("info-missing", node.place(), message, "write a text");
            String::new()
        }
    }
}

/// Servers whose address is a text; what else stands there is for whoever reads the nodes.
fn servers(holder: Node<'_>) -> Vec<Server> {
    let Some(list) = holder.get("servers") else {
        return Vec::new();
    };
    let servers = list.follow().items().map(|server| server.follow());
    servers.filter_map(read::server).collect()
}

fn tags(root: Node<'_>) -> Vec<Tag> {
    let Some(list) = root.get("tags") else {
        return Vec::new();
    };
    let names = list.items().filter_map(|tag| read::text(tag, "name"));
    names
        .map(|name| Tag {
            name,
            ..Tag::default()
        })
        .collect()
}

/// `security` of the document or of an operation; `None`: it has none. What cannot be read is an error, for a requirement
/// that is overlooked is an open door.
fn requirements(holder: Node<'_>, found: &mut Findings) -> Option<Vec<SecurityRequirement>> {
    let list = holder.get("security")?;
    if !list.is_array() {
        found.error(
            "security-malformed",
            list.place(),
            "`security` is not a list",
            "write a list of requirements: `security: [ { login: [] } ]`",
        );
        return Some(Vec::new());
    }
    let mut requirements = Vec::new();
    for item in list.items() {
        let mut requirement = SecurityRequirement::default();
        let mut good = item.is_object();
        for (scheme, scopes) in item.entries() {
            let texts: Vec<String> = scopes
                .items()
                .filter_map(|scope| scope.as_str().map(str::to_owned))
                .collect();
            // `login:` without its `[]` is read as null.
            good &= match scopes.value() {
                Value::Array(all) => all.len() == texts.len(),
                Value::Null => true,
                Value::Object(_) if is_expression(scopes) => {
                    found.warning(
                        "security-scopes-unknown",
                        scopes.place(),
                        format!("the scopes of `{scheme}` are a CloudFormation expression: none is asked for"),
                        "write the scopes as they are once the template is deployed",
                    );
                    true
                }
                _ => false,
            };
            requirement.insert(scheme.to_owned(), texts);
        }
        if good {
            requirements.push(requirement);
        } else {
            found.error(
                "security-malformed",
                item.place(),
                "this is not a security requirement",
                "name a scheme and its scopes: `login: []`",
            );
        }
    }
    Some(requirements)
}

/// Whether this is a CloudFormation intrinsic: an object whose only member is `Ref`, `Condition` or `Fn::…`.
fn is_expression(node: Node<'_>) -> bool {
    let mut names = node.entries().map(|(name, _)| name);
    let first = names.next();
    first.is_some_and(|name| matches!(name, "Ref" | "Condition") || name.starts_with("Fn::"))
        && names.next().is_none()
}
