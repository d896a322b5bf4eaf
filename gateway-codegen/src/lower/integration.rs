//! Integrations: from merged layers to the model.

use std::collections::BTreeMap;

use gateway_runtime::def::Passthrough;
use gateway_runtime::expr::{Expr, Scope};

use super::answers::{answers, mock, templates};
use super::native::{self, IntegrationKind, OrOff};
use super::reader::{Reader, Route, one_form};
use super::suggest;
use super::tree::At;
use crate::check::addresses;
use crate::findings::{Lazily, brief};
use crate::model::{Example, Field, HttpIntegration, Integration, Target, Upstream};

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
                    Lazily(|| suggest::help(&name.0, around.upstreams.keys().map(String::as_str))),
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
        if !at.lacks() {
            reader.found.error(
                "x-gateway-missing",
                at.place(),
                "a redirect wants a `location`",
                "as in `location: \"https://shop.example/\"`",
            );
        }
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
