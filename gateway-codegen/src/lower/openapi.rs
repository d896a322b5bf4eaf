//! What plain OpenAPI says: operations, their parameters, and the servers that become back ends.

use std::collections::{BTreeMap, BTreeSet};

use gateway_runtime::def::ApiKind;
use gateway_runtime::expr::{Expr, Piece, Scope};
use gateway_runtime::path::Pattern;
use openapiv3::{ReferenceOr, Server};

use super::access::Schemes;
use super::aws;
use super::draft::{Draft, Layers};
use super::examples::Examples;
use super::messages;
use crate::check::addresses;
use crate::findings::{Findings, Place, brief};
use crate::load::Document;
use crate::model::Upstream;
use crate::normalise::{Api, OperationSource};

/// Name of the upstream that is the document's own server.
pub(crate) const DEFAULT: &str = "default";

/// How documents write the default route of an HTTP API.
pub(crate) const DEFAULT_ROUTE: &str = "/$default";

/// Longest `operationId`; no real one has half of it.
const LONGEST_ID: usize = 200;

/// Every operation of the document, without policy.
pub(crate) fn drafts<'d>(
    api: &'d Api<'d>,
    schemes: &mut Schemes,
    servers: &mut Servers,
    kind: ApiKind,
    found: &mut Findings,
) -> Vec<Draft<'d>> {
    let mut ids = Ids::default();
    for source in &api.operations {
        ids.reserve(source, found);
    }
    let root_security = api.root.get("security");
    let mut examples = Examples::new();
    let drafts = api
        .operations
        .iter()
        .filter_map(|source| {
            let path = without_fragment(api, source, found)?;
            let pattern = match Pattern::parse(path) {
                Ok(pattern) => pattern,
                Err(fault) => {
                    found.error(
                        "path-pattern",
                        source.node.key_place(),
                        format!("`{}` is no path pattern: {}", brief(path), fault.message),
                        "as in `/books/{bookId}`, `/files/{name}.json` or `/{proxy+}`",
                    );
                    return None;
                }
            };
            let operation = &source.operation;
            let (security, place) = match &operation.security {
                _ if aws::is_open(&source.node) => (None, None),
                Some(security) => (Some(security), source.node.get("security")),
                None => (api.openapi.security.as_ref(), root_security),
            };
            let place = place.map_or_else(|| source.node.place(), |node| node.place());
            Some(Draft {
                id: ids.id_of(source),
                method: source.method.clone(),
                path_params: pattern.params().map(str::to_owned).collect(),
                // the default route of an HTTP API is no path: it takes what no path takes
                path: match path {
                    DEFAULT_ROUTE if kind == ApiKind::Http => "$default".to_owned(),
                    path => path.to_owned(),
                },
                pattern,
                tags: operation.tags.clone(),
                summary: one_line(operation.summary.as_deref().unwrap_or_default()),
                parameters: messages::bare(&source.parameters),
                body: None,
                responses: Vec::new(),
                access: schemes.access(security, &place, found),
                example: examples.of(source),
                server: servers.of(api, source, found),
                place: source.node.place(),
                layers: Layers::default(),
                source,
            })
        })
        .collect();
    if examples.exhausted() {
        found.error(
            "document-too-large",
            api.root.place(),
            "the example answers of all operations together are too large",
            "share smaller schemas and examples among the operations",
        );
    }
    drafts
}

/// The path of an operation. Some documents tell operations of one route apart by a fragment, which no client sends: the
/// first such operation is served, `None` stands for the others.
fn without_fragment<'d>(
    api: &Api<'_>,
    source: &'d OperationSource<'d>,
    found: &mut Findings,
) -> Option<&'d str> {
    let Some((path, _)) = source.path.split_once('#') else {
        return Some(&source.path);
    };
    let same_route = |other: &&OperationSource<'_>| {
        other.method == source.method && other.path.split('#').next() == Some(path)
    };
    let plain = |other: &&OperationSource<'_>| !other.path.contains('#');
    let mut routes = api.operations.iter().filter(same_route);
    let first = routes
        .clone()
        .find(plain)
        .or_else(|| routes.next())
        .is_some_and(|first| first.node.same(&source.node));
    found.warning(
        "path-fragment",
        source.node.key_place(),
        format!(
            "the fragment of `{}` never reaches a server",
            brief(&source.path)
        ),
        if first {
            "the operation is served without it"
        } else {
            "another operation answers these requests; this one is left out"
        },
    );
    first.then_some(path)
}

/// A text as one line.
fn one_line(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ")
}

/// Ids of operations: what the document says, or a name made from method and path.
#[derive(Default)]
struct Ids {
    written: BTreeMap<String, Place>,
    given: BTreeSet<String>,
}

impl Ids {
    /// Takes note of a written id, so that no made one takes it.
    fn reserve(&mut self, source: &OperationSource<'_>, found: &mut Findings) {
        let (Some(id), Some(node)) = (
            source.operation.operation_id.as_deref(),
            source.node.get("operationId"),
        ) else {
            return;
        };
        let place = node.place();
        if id.trim().is_empty()
            || id.chars().count() > LONGEST_ID
            || id.chars().any(char::is_control)
        {
            found.error(
                "operation-id",
                place.clone(),
                match id {
                    "" => "an operationId has at least one character".to_owned(),
                    id => format!("`{}` cannot be an operationId", brief(id)),
                },
                format!("letters, digits and `-_./`, at most {LONGEST_ID} characters"),
            );
        } else if !id
            .chars()
            .all(|c| c.is_alphanumeric() || " -_./:,()'[]&+#@*".contains(c))
        {
            found.warning(
                "operation-id-odd",
                place.clone(),
                format!(
                    "`{}` is an odd operationId; the emitted code uses a name made from it",
                    brief(id)
                ),
                "letters, digits and `-_./`",
            );
        }
        if let Some(first) = self.written.get(id) {
            for place in [first.clone(), place] {
                found.error(
                    "operation-id-duplicate",
                    place,
                    format!("`{}` is the operationId of two operations", brief(id)),
                    "an operationId is unique in its document",
                );
            }
        } else {
            self.written.insert(id.to_owned(), place);
        }
    }

    fn id_of(&mut self, source: &OperationSource<'_>) -> String {
        let made;
        let base = match source.operation.operation_id.as_deref() {
            Some(id) => {
                if self.given.insert(id.to_owned()) {
                    return id.to_owned();
                }
                id
            }
            None => {
                made = made_id(&source.method, &source.path);
                &made
            }
        };
        let mut candidate = base.to_owned();
        let mut counter = 2;
        while self.written.contains_key(&candidate) || !self.given.insert(candidate.clone()) {
            candidate = format!("{base}_{counter}");
            counter += 1;
        }
        candidate
    }
}

/// `GET /books/{id}/pages` → `getBooksByIdPages`.
fn made_id(method: &str, path: &str) -> String {
    let mut id = method.to_ascii_lowercase();
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        let mut rest = segment;
        while !rest.is_empty() {
            let (word, by, after) = match rest.strip_prefix('{') {
                Some(inside) => {
                    let end = inside.find('}').unwrap_or(inside.len());
                    (
                        &inside[..end],
                        "By",
                        inside.get(end + 1..).unwrap_or_default(),
                    )
                }
                None => {
                    let end = rest.find('{').unwrap_or(rest.len());
                    (&rest[..end], "", &rest[end..])
                }
            };
            id.push_str(by);
            for part in word.split(|c: char| !c.is_ascii_alphanumeric()) {
                let mut chars = part.chars();
                if let Some(first) = chars.next() {
                    id.extend(first.to_uppercase());
                    id.extend(chars);
                }
            }
            rest = after;
        }
    }
    if id.len() == method.len() {
        id.push_str("Root");
    }
    id.truncate(LONGEST_ID);
    id
}

/// Servers as upstreams: the document's own is `default`, others are named after their host.
pub(crate) struct Servers {
    /// Address → name.
    names: BTreeMap<String, String>,
    /// Upstreams by name.
    pub(crate) upstreams: BTreeMap<String, Upstream>,
    taken: BTreeSet<String>,
}

impl Servers {
    /// Reads the document's own server. `taken` are names of upstreams the document declares; one called `default` takes
    /// the server's place.
    pub(crate) fn new(api: &Api<'_>, taken: BTreeSet<String>, found: &mut Findings) -> Servers {
        let mut servers = Servers {
            names: BTreeMap::new(),
            upstreams: BTreeMap::new(),
            taken,
        };
        let written = ["servers", "host", "basePath"];
        let written = written.into_iter().find_map(|name| api.root.get(name));
        let place = written.map_or_else(|| api.root.place(), |node| node.place());
        let usable = usable(&api.openapi.servers, api.root.document(), &place, found);
        if let Some((first, others)) = usable.split_first() {
            servers.names.insert(first.clone(), DEFAULT.to_owned());
            if !others.is_empty() {
                let list: Vec<String> = others.iter().take(5).map(|url| brief(url)).collect();
                found.note(
                    "other-servers",
                    place.clone(),
                    format!(
                        "the first server, `{}`, is used; not used: {}",
                        brief(first),
                        list.join(", ")
                    ),
                    "name one as an upstream to use it",
                );
            }
        }
        servers.insert(DEFAULT, usable.first().cloned().unwrap_or_default(), place);
        servers
    }

    fn insert(&mut self, name: &str, url: String, place: Place) {
        if !self.taken.contains(name) {
            self.upstreams
                .insert(name.to_owned(), Upstream::plain(url, place.into()));
        }
    }

    /// Name of the upstream of an operation: its own servers, else the path item's, else the document's.
    fn of(&mut self, api: &Api<'_>, source: &OperationSource<'_>, found: &mut Findings) -> String {
        let item = match api.openapi.paths.paths.get(&source.path) {
            Some(ReferenceOr::Item(item)) => item.servers.as_slice(),
            _ => &[],
        };
        for (list, holder) in [
            (source.operation.servers.as_slice(), source.node),
            (item, source.path_item),
        ] {
            if list.is_empty() {
                continue;
            }
            let place = holder
                .get("servers")
                .map_or_else(|| holder.place(), |node| node.place());
            let urls = usable(list, api.root.document(), &place, found);
            if let Some(url) = urls.into_iter().next() {
                return self.named(url, place);
            }
        }
        DEFAULT.to_owned()
    }

    fn named(&mut self, url: String, place: Place) -> String {
        if let Some(name) = self.names.get(&url) {
            return name.clone();
        }
        let host = url.split("://").nth(1).unwrap_or_default();
        let host = host.split(['/', ':', '?']).next().unwrap_or_default();
        let host: String = host
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || "-.".contains(*c))
            .take(56)
            .collect();
        let mut name = host.clone();
        let mut counter = 2;
        while name.is_empty() || self.taken.contains(&name) || self.upstreams.contains_key(&name) {
            name = format!("{host}-{counter}");
            counter += 1;
        }
        self.insert(&name, url.clone(), place);
        self.names.insert(url, name.clone());
        name
    }
}

/// The absolute `http` and `https` addresses among servers, variables filled with their defaults, as expressions.
fn usable(
    servers: &[Server],
    document: &Document,
    place: &Place,
    found: &mut Findings,
) -> Vec<String> {
    let mut list = Vec::new();
    for server in servers {
        let url = filled(server);
        let url = url.split(['?', '#']).next().unwrap_or_default();
        let url = url.trim().trim_end_matches('/');
        let lower = url.to_ascii_lowercase();
        let given = url.starts_with("${param.");
        if !(given || lower.starts_with("http://") || lower.starts_with("https://")) {
            continue;
        }
        let (scheme, rest) = url.split_at(url.find("://").unwrap_or_default());
        let url = format!("{}{rest}", scheme.to_ascii_lowercase());
        let url = expression(&url, document);
        let expr = Expr::parse(&url, Scope::Start).ok();
        let fault = expr.as_ref().and_then(addresses::fault_of);
        let unfilled = expr.iter().flat_map(Expr::pieces).any(|piece| match piece {
            Piece::Text(text) => text.contains(['{', '}']),
            Piece::Value(_) => false,
        });
        match fault {
            Some(fault) => found.warning(
                "server-unusable",
                place.clone(),
                format!("`{}` is no back end: {}", brief(&url), fault.message),
                "it is left out",
            ),
            None if unfilled || expr.is_none() => found.warning(
                "server-unusable",
                place.clone(),
                format!("a variable of `{}` has no default", brief(&url)),
                "it is left out",
            ),
            None => {
                if !list.contains(&url) {
                    list.push(url);
                }
            }
        }
    }
    list
}

/// An address as an expression: what a template left open is a value, everything else is text.
fn expression(url: &str, document: &Document) -> String {
    let open = &document.evaluated.open;
    let mut parts = url.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let name = part
            .strip_prefix("param.")
            .and_then(|part| part.split_once('}'));
        let is_open = name.is_some_and(|(name, _)| open.contains_key(name));
        out.push_str(if is_open { "${" } else { "$${" });
        out.push_str(part);
    }
    out
}

/// A server's address with its variables filled.
fn filled(server: &Server) -> String {
    let mut url = server.url.clone();
    for (name, variable) in server.variables.iter().flatten() {
        url = url.replace(&format!("{{{name}}}"), &variable.default);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::made_id;

    #[test]
    fn ids_are_made_from_method_and_path() {
        for (method, path, id) in [
            ("GET", "/", "getRoot"),
            ("GET", "/books/{bookId}/pages", "getBooksByBookIdPages"),
            ("ANY", "/{proxy+}", "anyByProxy"),
            ("GET", "/files/{name}.json", "getFilesByNameJson"),
            ("POST", "/a-b/c_d", "postABCD"),
            ("GET", "/é", "getRoot"),
        ] {
            assert_eq!(made_id(method, path), id, "{method} {path}");
        }
    }
}
