//! Integrations: from merged layers to the model.

use std::collections::BTreeMap;

use gateway_runtime::def::Passthrough;
use gateway_runtime::expr::{Expr, Scope};
use gateway_runtime::pattern::StatusPattern;

use super::native::{self, IntegrationKind, OrOff};
use super::reader::{Reader, Route, one_form};
use super::suggest;
use super::tree::At;
use crate::check::addresses;
use crate::findings::brief;
use crate::model::{
    Example, Field, HttpIntegration, Integration, ResponseMapping, Target, Upstream,
};

/// What an integration is read against.
pub(crate) struct Surroundings<'s> {
    /// The operation's route.
    pub(crate) route: Route<'s>,
    /// Back ends that can be named.
    pub(crate) upstreams: &'s BTreeMap<String, Upstream>,
    /// Name of the operation's own server among them.
    pub(crate) server: &'s str,
    /// The document's own example answer.
    pub(crate) example: Option<&'s Example>,
}

/// Reads an integration. Faults are reported; the answer is then only a filler.
pub(crate) fn read(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Integration {
    let kind = written.kind.unwrap_or(IntegrationKind::Proxy);
    refuse_foreign_members(kind, written, at, reader);
    let method = written.method.as_ref().map(|method| method.0.clone());
    match kind {
        IntegrationKind::Proxy => Integration::Proxy {
            target: target(written, at, around, reader),
            method,
        },
        IntegrationKind::Http => Integration::Http(HttpIntegration {
            target: target(written, at, around, reader),
            method,
            parameters: parameters(written, at, around, reader),
            templates: request_templates(written, at, reader),
            passthrough: match written.request.as_ref().and_then(|r| r.passthrough) {
                None | Some(native::Passthrough::WhenNoMatch) => Passthrough::WhenNoMatch,
                Some(native::Passthrough::WhenNoTemplates) => Passthrough::WhenNoTemplates,
                Some(native::Passthrough::Never) => Passthrough::Never,
            },
            responses: answers(written, at, around, reader),
        }),
        IntegrationKind::Mock => mock(written, at, around, reader),
        IntegrationKind::Redirect => redirect(written, at, around, reader),
    }
}

/// Members that mean nothing to this type of integration are a slip of somebody's thought.
fn refuse_foreign_members(
    kind: IntegrationKind,
    written: &native::Integration,
    at: At<'_>,
    reader: &mut Reader<'_>,
) {
    let (name, takes): (&str, &[&str]) = match kind {
        IntegrationKind::Proxy => ("proxy", &["upstream", "path", "uri", "method", "request"]),
        IntegrationKind::Http => (
            "http",
            &["upstream", "path", "uri", "method", "request", "responses"],
        ),
        IntegrationKind::Mock => ("mock", &["request", "responses"]),
        IntegrationKind::Redirect => ("redirect", &["status", "location"]),
    };
    for (member, written) in [
        ("upstream", written.upstream.is_some()),
        ("path", written.path.is_some()),
        ("uri", written.uri.is_some()),
        ("method", written.method.is_some()),
        ("request", written.request.is_some()),
        ("responses", written.responses.is_some()),
        ("status", written.status.is_some()),
        ("location", written.location.is_some()),
    ] {
        if written && !takes.contains(&member) {
            reader.found.error(
                "integration-member",
                at.member(member).key_place(),
                format!("an integration of type `{name}` has no `{member}`"),
                suggest::one_of(takes.iter().copied()),
            );
        }
    }
    let Some(request) = &written.request else {
        return;
    };
    let at = at.member("request");
    let beside = match kind {
        IntegrationKind::Proxy => {
            "a proxy sends the request as it came: write `request: { set: … }` beside the integration, or `type: http`"
        }
        IntegrationKind::Mock => "a mock calls nothing",
        IntegrationKind::Http | IntegrationKind::Redirect => return,
    };
    let only_paths = request
        .parameters
        .as_ref()
        .is_some_and(|map| map.keys().all(|name| name.0.starts_with("path.")));
    let fine_parameters = kind == IntegrationKind::Proxy && only_paths;
    for (member, written) in [
        (
            "parameters",
            request.parameters.is_some() && !fine_parameters,
        ),
        (
            "templates",
            request.templates.is_some() && kind == IntegrationKind::Proxy,
        ),
        (
            "passthrough",
            request.passthrough.is_some() && kind == IntegrationKind::Proxy,
        ),
    ] {
        if written {
            reader.found.error(
                "integration-member",
                at.member(member).key_place(),
                format!("an integration of type `{name}` has no `request.{member}`"),
                beside,
            );
        }
    }
}

fn target(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Target {
    let upstream = match &written.upstream {
        None => around.server.to_owned(),
        Some(name) => {
            if !around.upstreams.contains_key(&name.0) {
                reader.found.error(
                    "unknown-upstream",
                    at.member("upstream").place(),
                    format!("there is no upstream `{}`", brief(&name.0)),
                    suggest::help(&name.0, around.upstreams.keys().map(String::as_str)),
                );
            }
            name.0.clone()
        }
    };
    match (&written.uri, &written.path) {
        (Some(_), _) if written.upstream.is_some() || written.path.is_some() => {
            reader.found.error(
                "integration-address",
                at.member("uri").key_place(),
                "`uri` is the whole address and stands beside neither `upstream` nor `path`",
                "write one or the other",
            );
            Target::Upstream(upstream)
        }
        (Some(uri), _) => {
            let at = at.member("uri");
            let uri = address(uri, written, at, around, reader, |expr| {
                addresses::fault_of(expr)
            });
            uri.map_or(Target::Upstream(upstream), Target::Uri)
        }
        (None, Some(path)) => {
            let at = at.member("path");
            if !path.starts_with('/') {
                reader.found.error(
                    "address",
                    at.place(),
                    "the path behind an upstream begins with `/`",
                    "",
                );
            }
            let path = address(path, written, at, around, reader, |expr| {
                expr.pieces().iter().find_map(|piece| match piece {
                    gateway_runtime::expr::Piece::Text(text) => addresses::path_fault(text),
                    gateway_runtime::expr::Piece::Value(_) => None,
                })
            });
            path.map_or(Target::Upstream(upstream.clone()), |path| {
                Target::UpstreamPath(upstream, path)
            })
        }
        (None, None) => Target::Upstream(upstream),
    }
}

/// An address with its `{name}` filled.
fn address(
    text: &str,
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
    fault_of: impl Fn(&Expr) -> Option<addresses::Fault>,
) -> Option<String> {
    let filled = fill(text, written, at, around, reader)?;
    let expr = reader.expr(at, &filled, Scope::Request, Some(around.route))?;
    match fault_of(&expr) {
        None => Some(one_form(&expr)),
        Some(fault) => {
            reader
                .found
                .error(fault.code, at.place(), fault.message, fault.help);
            None
        }
    }
}

/// Fills `{name}`: from the `path.name` mapping, else from the route's parameter of that name.
fn fill(
    text: &str,
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Option<String> {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut fine = true;
    let mut rest = text;
    let mut offset = 0;
    while let Some(open) = rest.find(['{', '$']) {
        filled.push_str(&rest[..open]);
        rest = &rest[open..];
        offset += open;
        // an expression, or an escaped one, stays as it is
        let expression = ["$${", "${"]
            .into_iter()
            .find(|start| rest.starts_with(start));
        let length = match expression {
            Some(_) => rest.find('}').map_or(rest.len(), |end| end + 1),
            None if rest.starts_with('$') => 1,
            None => match rest.find('}') {
                Some(end) => {
                    let name = rest[1..end].strip_suffix('+').unwrap_or(&rest[1..end]);
                    match mapping(name, written, around) {
                        Some(value) => filled.push_str(&value),
                        None => {
                            fine = false;
                            reader.once(
                                "address-placeholder",
                                at.place_in(offset),
                                format!("nothing fills `{{{}}}`", brief(name)),
                                format!(
                                    "the path is `{}`; map it with `request.parameters: {{ path.{}: … }}`",
                                    brief(around.route.path),
                                    brief(name)
                                ),
                            );
                        }
                    }
                    rest = &rest[end + 1..];
                    offset += end + 1;
                    continue;
                }
                None => {
                    fine = false;
                    reader.found.error(
                        "address-placeholder",
                        at.place_in(offset),
                        "`{` without `}`",
                        "",
                    );
                    rest.len()
                }
            },
        };
        filled.push_str(&rest[..length]);
        rest = &rest[length..];
        offset += length;
    }
    filled.push_str(rest);
    fine.then_some(filled)
}

fn mapping(name: &str, written: &native::Integration, around: &Surroundings<'_>) -> Option<String> {
    let mapped = written
        .request
        .as_ref()
        .and_then(|request| request.parameters.as_ref())
        .and_then(|parameters| parameters.get(&native::IntegrationField(format!("path.{name}"))))
        .and_then(OrOff::on);
    match mapped {
        Some(value) => Some(value.clone()),
        None => around
            .route
            .params
            .iter()
            .any(|param| param == name)
            .then(|| format!("${{path.{name}}}")),
    }
}

fn parameters(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Vec<(Field, String)> {
    let at = at.member("request").member("parameters");
    let Some(map) = written.request.as_ref().and_then(|r| r.parameters.as_ref()) else {
        return Vec::new();
    };
    let mut list: Vec<(Field, String)> = map
        .iter()
        .filter_map(|(name, value)| {
            let value = value.on()?;
            let at = at.member(&name.0);
            if name.0.starts_with("path.") {
                // a `path.` mapping that the address does not use is looked at all the same
                reader.expr(at, value, Scope::Request, Some(around.route));
                return None;
            }
            field_entry(&name.0, value, at, Scope::Request, around.route, reader)
        })
        .collect();
    list.sort();
    list
}

/// One `header.NAME` or `query.NAME` with its value.
pub(crate) fn field_entry(
    name: &str,
    value: &str,
    at: At<'_>,
    scope: Scope,
    route: Route<'_>,
    reader: &mut Reader<'_>,
) -> Option<(Field, String)> {
    let field = field(name, at, reader)?;
    let value = reader.field_value(at, value, scope, Some(route))?;
    Some((field, value))
}

/// A field by its name in the language.
pub(crate) fn field(name: &str, at: At<'_>, reader: &mut Reader<'_>) -> Option<Field> {
    if let Some(header) = name.strip_prefix("header.") {
        return reader.field_name(at, header).map(Field::Header);
    }
    name.strip_prefix("query.")
        .map(|query| Field::Query(query.to_owned()))
}

fn request_templates(
    written: &native::Integration,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> Vec<(String, String)> {
    let at = at.member("request").member("templates");
    let map = written.request.as_ref().and_then(|r| r.templates.as_ref());
    templates(map, at, reader)
}

/// Templates that are literal text.
fn templates(
    map: Option<&BTreeMap<String, OrOff<String>>>,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> Vec<(String, String)> {
    let mut list = Vec::new();
    for (media_type, body) in map.into_iter().flatten() {
        let Some(body) = body.on() else { continue };
        let at = at.member(media_type);
        let Some(media_type) = media_type_of(media_type, at, reader) else {
            continue;
        };
        if let Some(offset) = body.find(['$', '#']) {
            reader.found.error(
                "mapping-template",
                at.place_in(offset),
                "a template that computes (`$`, `#`) is not yet served",
                "this version serves templates that are literal text",
            );
            continue;
        }
        list.push((media_type, body.clone()));
    }
    list
}

/// A media type in lower case, or nothing if it is none.
pub(crate) fn media_type_of(written: &str, at: At<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
    };
    let name = written.split(';').next().unwrap_or_default().trim();
    let fine = name
        .split_once('/')
        .is_some_and(|(kind, sub)| token(kind) && token(sub))
        && written.bytes().all(|b| (b' '..0x7f).contains(&b));
    if fine {
        return Some(written.trim().to_ascii_lowercase());
    }
    reader.found.error(
        "media-type",
        at.key_place(),
        format!("`{}` is no media type", brief(written)),
        "as in `application/json`",
    );
    None
}

/// The response mappings of an `http` integration.
fn answers(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Vec<ResponseMapping> {
    let list = responses(written, at, around, reader);
    if list.iter().all(|(_, pattern)| pattern.is_some()) {
        reader.found.warning(
            "response-default",
            at.member("responses").key_place(),
            "a status that no response is for is answered 500",
            "add a `default`",
        );
    }
    list.into_iter().map(|(mapping, _)| mapping).collect()
}

/// The response mappings in the order they are tried, each with the statuses it is for: one that is for fewer statuses
/// comes first, so that the order in the file does not matter.
fn responses(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Vec<(ResponseMapping, Option<StatusPattern>)> {
    let at = at.member("responses");
    let mut list = Vec::new();
    for (key, response) in written.responses.iter().flatten() {
        let Some(response) = response.on() else {
            continue;
        };
        let at = at.member(key);
        let pattern = if key == "default" {
            None
        } else {
            match StatusPattern::parse(key) {
                Ok(pattern) => {
                    if pattern.is_empty() {
                        reader.found.warning(
                            "response-pattern-empty",
                            at.key_place(),
                            format!(
                                "`{}` is the whole of no status, so this is never chosen",
                                brief(key)
                            ),
                            "as in `404` or `4\\d{2}`",
                        );
                    }
                    Some(pattern)
                }
                Err(fault) => {
                    reader.found.error(
                        "response-pattern",
                        at.key_place(),
                        format!(
                            "`{}` is no pattern of statuses: {}",
                            brief(key),
                            fault.message
                        ),
                        "as in `404` or `4\\d{2}`, or `default` for every other",
                    );
                    continue;
                }
            }
        };
        let parameters = response.parameters.iter().flatten();
        let mut headers: Vec<(String, String)> = parameters
            .filter_map(|(name, value)| {
                let at = at.member("parameters").member(&name.0);
                let value = value.on()?;
                match field_entry(&name.0, value, at, Scope::Response, around.route, reader)? {
                    (Field::Header(name), value) => Some((name, value)),
                    (Field::Query(_), _) => None,
                }
            })
            .collect();
        headers.sort();
        let mapping = ResponseMapping {
            pattern: pattern.is_some().then(|| key.clone()),
            status: response.status.map_or(200, |status| status.0),
            headers,
            bodies: templates(response.templates.as_ref(), at.member("templates"), reader),
        };
        list.push((mapping, pattern));
    }
    let width = |pattern: &Option<StatusPattern>| match pattern {
        Some(pattern) => (100..600).filter(|status| pattern.matches(*status)).count(),
        None => usize::MAX,
    };
    list.sort_by(|(a, one), (b, other)| (width(one), &a.pattern).cmp(&(width(other), &b.pattern)));
    warn_of_ties(&list, at, width, reader);
    list
}

/// Two patterns that are as wide as each other and meet: nothing in the document says which is meant.
fn warn_of_ties(
    list: &[(ResponseMapping, Option<StatusPattern>)],
    at: At<'_>,
    width: impl Fn(&Option<StatusPattern>) -> usize,
    reader: &mut Reader<'_>,
) {
    for pair in list.windows(2) {
        let [(a, one), (b, other)] = pair else {
            continue;
        };
        let (Some(first), Some(second)) = (&a.pattern, &b.pattern) else {
            continue;
        };
        if width(one) != width(other) {
            continue;
        }
        let shared = |status: &u16| {
            let matches = |pattern: &Option<StatusPattern>| {
                pattern
                    .as_ref()
                    .is_some_and(|pattern| pattern.matches(*status))
            };
            matches(one) && matches(other)
        };
        if let Some(status) = (100..600).find(shared) {
            reader.found.warning(
                "response-pattern-tie",
                at.member(second).key_place(),
                format!(
                    "`{}` and `{}` both match {status}; the first one is taken",
                    brief(first),
                    brief(second)
                ),
                "make one of them narrower",
            );
        }
    }
}

fn mock(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Integration {
    let responses = responses(written, at, around, reader);
    let asked = mock_status(written, at, reader);
    let status = asked.unwrap_or(200);
    let matching = || {
        responses.iter().filter(|(_, pattern)| {
            pattern
                .as_ref()
                .is_some_and(|pattern| pattern.matches(status))
        })
    };
    let chosen = matching()
        .find(|(mapping, _)| mapping.status == status)
        .or_else(|| matching().next())
        .or_else(|| responses.iter().find(|(_, pattern)| pattern.is_none()));
    match chosen {
        Some((mapping, _)) => Integration::Mock {
            status: mapping.status,
            headers: mapping.headers.clone(),
            bodies: mapping.bodies.clone(),
        },
        None => {
            if !responses.is_empty() {
                reader.found.error(
                    "mock-status",
                    at.member("responses").key_place(),
                    format!("no response matches the mock's status {status}"),
                    "add one, or a `default`",
                );
            }
            // without any response the document's own example answers
            let example = around
                .example
                .filter(|_| responses.is_empty() && asked.is_none());
            Integration::Mock {
                status: example.map_or(status, |example| example.status),
                headers: Vec::new(),
                bodies: example
                    .filter(|example| !example.media_type.is_empty())
                    .map(|example| (example.media_type.clone(), example.body.clone()))
                    .into_iter()
                    .collect(),
            }
        }
    }
}

/// The status that a mock's request templates name: `{"statusCode": 404}`, quotes being optional.
fn mock_status(written: &native::Integration, at: At<'_>, reader: &mut Reader<'_>) -> Option<u16> {
    let at = at.member("request").member("templates");
    let mut statuses = Vec::new();
    let map = written.request.as_ref().and_then(|r| r.templates.as_ref());
    for (media_type, body) in templates(map, at, reader) {
        let at = at.member(&media_type);
        match status_in(&body) {
            Some(status) => statuses.push(status),
            None => reader.found.error(
                "mock-status",
                at.place(),
                "the template of a mock names no `statusCode`",
                "as in `{\"statusCode\": 200}`",
            ),
        }
    }
    statuses.sort_unstable();
    statuses.dedup();
    if statuses.len() > 1 {
        reader.found.error(
            "not-yet-served",
            at.place(),
            "a mock whose status depends on the request's media type is not yet served",
            "let all templates name one `statusCode`",
        );
    }
    statuses.first().copied()
}

/// `statusCode` of a text that is JSON, or nearly so.
fn status_in(text: &str) -> Option<u16> {
    let at = text.find("statusCode")?;
    let rest =
        text[at + "statusCode".len()..].trim_start_matches(['"', '\'', ' ', '\t', '\r', '\n']);
    let rest = rest
        .strip_prefix(':')?
        .trim_start_matches(['"', '\'', ' ', '\t', '\r', '\n']);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .ok()
        .filter(|status| (200..600).contains(status))
}

fn redirect(
    written: &native::Integration,
    at: At<'_>,
    around: &Surroundings<'_>,
    reader: &mut Reader<'_>,
) -> Integration {
    let status = written.status.map_or(302, |status| status.0);
    if ![301, 302, 303, 307, 308].contains(&status) {
        reader.found.error(
            "redirect-status",
            at.member("status").place(),
            format!("{status} does not redirect"),
            "one of 301, 302, 303, 307, 308",
        );
    }
    let Some(location) = &written.location else {
        reader.found.error(
            "x-gateway-missing",
            at.place(),
            "a redirect wants a `location`",
            "",
        );
        return Integration::Redirect {
            status,
            location: String::new(),
        };
    };
    let at = at.member("location");
    let filled = fill(location, written, at, around, reader)
        .and_then(|filled| reader.field_value(at, &filled, Scope::Request, Some(around.route)))
        .unwrap_or_default();
    if let Ok(expr) = Expr::parse(&filled, Scope::Request)
        && !filled.is_empty()
        && !filled.starts_with('/')
        && let Some(fault) = addresses::fault_of(&expr)
    {
        // an open redirect is the client choosing the host
        reader
            .found
            .error(fault.code, at.place(), fault.message, fault.help);
    }
    Integration::Redirect {
        status,
        location: filled,
    }
}
