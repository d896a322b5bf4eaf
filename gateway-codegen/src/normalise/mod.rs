//! Document → [`Api`]: one shape whatever version the document is written in.
//!
//! The canonical shape is that of OpenAPI 3.0, and of that what a gateway reads: `openapiv3` types for what is small and
//! typed, and for parameters, bodies and answers lists of [`Node`]s that say which schema holds ([`api`]). Extensions are
//! read from the nodes beside the types. Invariants: an operation of the document is an operation of the [`Api`] or a
//! finding; nodes lie in the document as it was written; a description that breaks a rule of its own specification is
//! refused only where that leaves open what the gateway is to do. Absent on purpose: what schemas and extensions mean.

pub mod api;
mod media;
mod members;
mod operations;
mod parameters;
mod read;
mod security;
mod swagger;

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use openapiv3::{Info, OpenAPI, SecurityRequirement, Server, Tag};
use serde_json::Value;

use crate::findings::{Findings, brief};
use crate::load::locate::Locator;
use crate::load::{Document, Format, Node};

use members::Holder;

pub use api::{
    Api, BodySource, Collection, Dialect, EncodingSource, MediaSource, OperationSource,
    ParameterSource, ResponseSource, SchemaSource, Scheme, SchemeSource, Version,
};

/// Most parameters, responses, headers and media types of all path items and operations together. References let a small
/// document say them again and again; GitHub's has about 12,000.
const MAX_PARTS: usize = 200_000;

/// The API of a document. `None`: it is of a version that is not served, or not OpenAPI at all; `found` says so.
pub fn canonical<'d>(document: &'d Document, found: &mut Findings) -> Option<Api<'d>> {
    let root = document.root()?;
    if root.value().is_null() && found.has_errors() {
        return None;
    }
    let version = version(root, found)?;
    let dialect = dialect(root, version, found);
    let mut reader = Reader {
        root,
        version,
        dialect,
        parts: 0,
        steps: 0,
        seen: HashSet::new(),
        found,
    };
    Some(reader.read())
}

/// Most members, servers and tags that are looked at in path items and operations. References let a path item be looked at
/// for each of many paths; GitHub's has 9,000 that are.
const MAX_STEPS: usize = 5_000_000;

/// What reading of every part needs: the document's version, where findings go, and how much has been read.
struct Reader<'d, 'f> {
    root: Node<'d>,
    version: Version,
    dialect: Dialect,
    parts: usize,
    steps: usize,
    /// Objects whose members were looked at.
    seen: HashSet<usize>,
    found: &'f mut Findings,
}

impl<'d> Reader<'d, '_> {
    fn read(&mut self) -> Api<'d> {
        self.outline();
        let security_schemes = self.security_schemes();
        let (paths, operations) = self.paths();
        let root = self.root;
        let openapi = OpenAPI {
            openapi: "3.0.3".to_owned(),
            info: info(root, self.found),
            servers: match self.version {
                Version::V2_0 => swagger::servers(root),
                _ => self.servers(root),
            },
            paths,
            security: requirements(root, self.found),
            tags: tags(root),
            ..OpenAPI::default()
        };
        Api {
            root,
            version: self.version,
            openapi,
            security_schemes,
            operations,
            webhooks: self.webhooks(),
        }
    }

    /// Looks at what stands around the operations.
    fn outline(&mut self) {
        let root = self.root;
        self.members(root, Holder::Root);
        for (name, holder) in [("info", Holder::Info), ("components", Holder::Components)] {
            if let Some(node) = root.get(name) {
                self.members(node.follow(), holder);
            }
        }
        let tags = root.get("tags");
        for tag in tags.into_iter().flat_map(|tags| tags.items()) {
            self.members(tag, Holder::Tag);
        }
        let held = ["paths", "webhooks", "components"];
        if self.version >= Version::V3_1 && held.iter().all(|name| root.get(name).is_none()) {
            self.found.warning(
                "paths-missing",
                root.place(),
                "the document has no `paths`, `webhooks` or `components`",
                "declare at least one path and its operations",
            );
        }
    }

    /// Servers whose address is a text; what else stands there is for whoever reads the nodes.
    fn servers(&mut self, holder: Node<'d>) -> Vec<Server> {
        let Some(list) = holder.get("servers") else {
            return Vec::new();
        };
        let mut servers = Vec::new();
        for server in list.follow().items() {
            self.look(1);
            if self.is_full() {
                break;
            }
            let server = server.follow();
            self.members(server, Holder::Server);
            let variables = server.get("variables");
            self.look(variables.map_or(0, |list| list.entries().count()));
            for (name, variable) in variables.into_iter().flat_map(|list| list.entries()) {
                self.members(variable, Holder::ServerVariable);
                read::check_variable(name, variable, self.found);
            }
            servers.extend(read::server(server));
        }
        servers
    }

    /// What the API calls at its clients. Such calls go out from the back end, past the gateway.
    fn webhooks(&mut self) -> Vec<(&'d str, Node<'d>)> {
        let node = self.root.get("webhooks");
        let Some(node) = node.filter(|_| self.version >= Version::V3_1) else {
            return Vec::new();
        };
        let webhooks: Vec<_> = node.follow().entries().collect();
        if !webhooks.is_empty() {
            let names: Vec<String> = webhooks
                .iter()
                .take(5)
                .map(|(name, _)| brief(name))
                .collect();
            let more = if webhooks.len() > names.len() {
                ", …"
            } else {
                ""
            };
            self.found.note(
                "webhooks-not-routed",
                node.key_place(),
                format!(
                    "webhooks are no routes of the gateway: {}{more}",
                    names.join(", ")
                ),
                "the back end calls them itself",
            );
        }
        webhooks
    }

    /// Takes note of further parts, and says whether they may be read.
    fn take(&mut self, parts: usize) -> bool {
        self.parts = self.parts.saturating_add(parts);
        !self.is_full()
    }

    /// Whether one part more may be read.
    fn room(&mut self) -> bool {
        self.take(1)
    }

    /// Takes note of things that are looked at and not kept.
    fn look(&mut self, things: usize) {
        self.steps = self.steps.saturating_add(things);
    }

    /// Whether there are more parts than may be, or more to look at.
    fn is_full(&self) -> bool {
        self.parts > MAX_PARTS || self.steps > MAX_STEPS
    }
}

/// The language of schemas that say nothing else.
fn dialect(root: Node<'_>, version: Version, found: &mut Findings) -> Dialect {
    let usual = match version {
        Version::V2_0 => Dialect::Swagger2,
        Version::V3_0 => Dialect::OpenApi30,
        Version::V3_1 | Version::V3_2 => Dialect::OpenApi31,
    };
    let written = root.get("jsonSchemaDialect");
    let Some(written) = written.filter(|_| version >= Version::V3_1) else {
        return usual;
    };
    match written.as_str().and_then(Dialect::named) {
        Some(dialect) => dialect,
        None => {
            found.warning(
                "schema-dialect",
                written.place(),
                "this dialect of JSON Schema is not known; schemas are read as 2020-12",
                "known are JSON Schema 2020-12, draft 4 and the dialects of OpenAPI",
            );
            usual
        }
    }
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
    let served = match name {
        "openapi" => [
            ("3.0", Version::V3_0),
            ("3.1", Version::V3_1),
            ("3.2", Version::V3_2),
        ]
        .into_iter()
        .find_map(|(name, version)| series(name).then_some(version)),
        _ => series("2.0").then_some(Version::V2_0),
    };
    if served.is_none() {
        found.error(
            "openapi-version",
            node.place(),
            format!(
                "`{name}: {}` is not a version of OpenAPI that is known",
                brief(&version)
            ),
            "known are `openapi: 3.0.3`, `3.1.0`, `3.2.0` and `swagger: '2.0'`",
        );
    }
    served
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
            let place = node.place();
            found.note(
                "member-type",
                place.clone(),
                format!("`{name}` of `info` is a number, and taken as it is written"),
                "write it in quotes",
            );
            let place = node.document().written(&place);
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
