//! `route`: what becomes of one request, without sending it.

use std::path::PathBuf;

use gateway_codegen::emit::surface;
use gateway_runtime::def::{GatewayDef, RouteDef, StageDef};
use gateway_runtime::gateway::settled;
use gateway_runtime::preview::{self, Sent};
use gateway_runtime::refusal::Refusal;
use gateway_runtime::route::{Found, Router, normalise};
use serde::Serialize;

use super::input::Composition;
use super::{Exit, Format, Session, output};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen route api.yaml GET /books/42
  gateway-codegen route api.yaml GET 'https://api.example.com/v1/books?q=lem'
  gateway-codegen route api.yaml POST /books --stage prod -H 'accept-language: de'

Exit code 1: the request would be answered 400, 404 or 405.";

/// Routes shown where none matches.
const NEAREST: usize = 3;

/// Show what becomes of one request: stage, route, policy, and the address it is sent on to
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Route {
    /// OpenAPI document
    spec: PathBuf,
    /// Method of the request
    method: String,
    /// Path and query of the request, or a whole address
    url: String,
    /// Header field of the request, `NAME: VALUE`; can be given more than once
    #[arg(short = 'H', long = "header", value_name = "FIELD", value_parser = field)]
    headers: Vec<(String, String)>,
    /// Serve this stage alone, at `/`
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// Set a stage variable, as the gateway's flag of this name does; can be given more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    stage_var: Vec<(String, String)>,
    /// A further document of the same gateway; can be given more than once
    #[arg(long, value_name = "SPEC")]
    with_spec: Vec<PathBuf>,
    #[command(flatten)]
    composition: Composition,
}

fn field(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("NAME: VALUE")?;
    Ok((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
}

/// `NAME=VALUE`.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// What becomes of a request.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    Served(Box<Served>),
    Refused(Refused),
}

#[derive(Debug, Serialize)]
struct Served {
    stage: String,
    mount: String,
    route: String,
    operation: String,
    summary: String,
    parameters: Vec<(String, String)>,
    access: String,
    throttle: String,
    cache: String,
    /// Milliseconds.
    timeout: u128,
    target: String,
    /// Where it is sent on to; nowhere for mocks and redirects.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

#[derive(Debug, Serialize)]
struct Refused {
    status: u16,
    /// What the client is told.
    message: &'static str,
    why: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    nearest: Vec<String>,
}

pub(crate) fn run(session: &Session, verb: &Route) -> Exit {
    let specs: Vec<PathBuf> = [&verb.spec]
        .into_iter()
        .chain(&verb.with_spec)
        .cloned()
        .collect();
    let input = session.input(&specs, &verb.composition);
    let gateway = match input.and_then(|input| session.read(&input)) {
        Ok((_, gateway)) => gateway,
        Err(exit) => return exit,
    };
    if let Some(stage) = &verb.stage
        && !gateway.stages.contains_key(stage)
    {
        return session.no_stage(stage, &gateway);
    }
    let def = gateway_codegen::assemble::defs(&gateway);
    let deployed = match settled(def, &[]) {
        Ok(deployed) => deployed,
        Err(faults) => {
            for fault in &faults {
                session.problem(&fault.message, &fault.help);
            }
            return Exit::Invocation;
        }
    };
    let request = match Request::parse(verb, &deployed) {
        Ok(request) => request,
        Err(why) => return session.refuse(why, "`/path?query` or `http://host/path?query`"),
    };
    let outcome = outcome(def, &request, verb.stage.as_deref());
    let exit = match outcome {
        Outcome::Served(_) => Exit::Fine,
        Outcome::Refused(_) => Exit::Findings,
    };
    let text = match session.format() {
        Format::Json => match serde_json::to_string_pretty(&outcome) {
            Ok(text) => text + "\n",
            Err(error) => return session.fail(error.to_string()),
        },
        Format::Human | Format::Short | Format::Sarif | Format::Github => human(&outcome),
    };
    exit.max(session.data(&text))
}

/// A request as it is asked about.
struct Request<'a> {
    method: String,
    host: Option<String>,
    path: String,
    query: Option<String>,
    headers: &'a [(String, String)],
    stage_vars: &'a [(String, String)],
    deployed: &'a [(String, String)],
}

impl Request<'_> {
    fn parse<'a>(verb: &'a Route, deployed: &'a [(String, String)]) -> Result<Request<'a>, String> {
        let (host, rest) = match verb.url.split_once("://") {
            Some(("http" | "https", rest)) => {
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                let (authority, rest) = rest.split_at(end);
                let host = match authority.rsplit_once(':') {
                    Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
                    _ => authority,
                };
                (Some(host.to_ascii_lowercase()), rest)
            }
            _ => (None, verb.url.as_str()),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (rest, None),
        };
        let path = if path.is_empty() && host.is_some() {
            "/"
        } else {
            path
        };
        if !path.starts_with('/') {
            return Err(format!("`{}` is no address", verb.url));
        }
        let named = verb.headers.iter().find(|(name, _)| name == "host");
        Ok(Request {
            method: verb.method.to_ascii_uppercase(),
            host: host.or_else(|| named.map(|(_, host)| host.to_ascii_lowercase())),
            path: path.to_owned(),
            query,
            headers: &verb.headers,
            stage_vars: &verb.stage_var,
            deployed,
        })
    }
}

fn refused(def: &GatewayDef, refusal: &Refusal, why: String) -> Refused {
    let answer = refusal.answer(def.errors, def.kind);
    Refused {
        status: answer.status,
        message: answer.message,
        why,
        allow: Vec::new(),
        nearest: Vec::new(),
    }
}

fn outcome(def: &'static GatewayDef, request: &Request<'_>, only: Option<&str>) -> Outcome {
    let path = match normalise(&request.path, def.limits.encoded_slash) {
        Ok(path) => path,
        Err(fault) => {
            return Outcome::Refused(refused(
                def,
                &Refusal::BadPath(fault),
                "the path is ambiguous".to_owned(),
            ));
        }
    };
    let Some((stage, mount)) = preview::stage(
        def,
        only,
        request.host.as_deref().unwrap_or_default(),
        &path,
    ) else {
        let mounts: Vec<String> = def.stages.iter().map(|stage| mounted(stage)).collect();
        let why = format!("no stage is mounted there: there is {}", mounts.join(", "));
        return Outcome::Refused(refused(def, &Refusal::StageUnknown, why));
    };
    let local = match path.get(mount.len()..) {
        Some("") | None => "/",
        Some(local) => local,
    };
    let router = match Router::new(def.routes, def.kind) {
        Ok(router) => router,
        Err(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            return Outcome::Refused(refused(def, &Refusal::Internal, faults.join("; ")));
        }
    };
    let found = match router.find(&request.method, local) {
        Found::Route(found) => found,
        Found::OtherMethods(allow) => {
            let refusal = Refusal::MethodNotAllowed {
                allow: allow.join(", "),
            };
            let why = format!("`{local}` is served for other methods");
            return Outcome::Refused(Refused {
                allow,
                ..refused(def, &refusal, why)
            });
        }
        Found::Nothing => {
            let why = format!("no operation has the path `{local}`");
            return Outcome::Refused(Refused {
                nearest: nearest(def, local),
                ..refused(def, &Refusal::NotFound, why)
            });
        }
    };
    let Some(route) = def.routes.get(found.route) else {
        return Outcome::Refused(refused(def, &Refusal::Internal, String::new()));
    };
    let names = router.names(found.route).iter();
    let values = found
        .spans
        .iter()
        .map(|(from, to)| local.get(from..to).unwrap_or_default());
    let parameters: Vec<(String, String)> = names
        .zip(values)
        .map(|(name, value)| ((*name).to_owned(), value.to_owned()))
        .collect();
    served(
        def,
        (stage, mount),
        route,
        (&path, local),
        request,
        parameters,
    )
}

fn served(
    def: &'static GatewayDef,
    (stage, mount): (&'static StageDef, &str),
    route: &'static RouteDef,
    (path, local): (&str, &str),
    request: &Request<'_>,
    parameters: Vec<(String, String)>,
) -> Outcome {
    let operation = route.operation;
    let policy = preview::policy(stage, operation);
    let rows = surface::rows(def);
    let row = rows
        .iter()
        .find(|row| row.stage == stage.name && row.operation == operation.id);
    let cell = |cell: fn(&surface::Row) -> &String| row.map(cell).cloned().unwrap_or_default();
    let asked = preview::Request {
        method: &request.method,
        host: request.host.as_deref(),
        path,
        local_path: local,
        query: request.query.as_deref(),
        headers: request.headers,
        parameters: &parameters,
        stage,
        stage_vars: request.stage_vars,
        deployed: request.deployed,
    };
    let address = match preview::sent(policy, &asked) {
        Ok(sent) => address(sent),
        Err(refusal) => {
            return Outcome::Refused(refused(def, &refusal, "its address cannot be made".into()));
        }
    };
    Outcome::Served(Box::new(Served {
        stage: stage.name.to_owned(),
        mount: if mount.is_empty() {
            "/".to_owned()
        } else {
            mount.to_owned()
        },
        route: format!("{} {}", route.method, route.path),
        operation: operation.id.to_owned(),
        summary: operation.summary.to_owned(),
        access: cell(|row| &row.access),
        throttle: cell(|row| &row.throttle),
        cache: cell(|row| &row.cache),
        timeout: policy.timeout.as_millis(),
        target: cell(|row| &row.target),
        address,
        parameters,
    }))
}

fn mounted(stage: &StageDef) -> String {
    let host = stage.mount.host.unwrap_or_default();
    format!("{} at {host}{}", stage.name, stage.mount.path)
}

/// The routes whose paths look most like this one.
fn nearest(def: &GatewayDef, path: &str) -> Vec<String> {
    let mut routes: Vec<(f64, String)> = def
        .routes
        .iter()
        .map(|route| {
            let likeness = strsim::normalized_damerau_levenshtein(path, route.path);
            (likeness, format!("{} {}", route.method, route.path))
        })
        .collect();
    routes.sort_by(|a, b| b.0.total_cmp(&a.0));
    routes.truncate(NEAREST);
    routes.into_iter().map(|(_, route)| route).collect()
}

/// Where a request is sent on to, as it is shown.
fn address(sent: Sent) -> Option<String> {
    match sent {
        Sent::Nowhere => None,
        Sent::Location(location) => Some(location),
        Sent::Call {
            method,
            origin,
            target,
        } => {
            let origin = origin.unwrap_or_else(|upstream| format!("[--upstream {upstream}]"));
            Some(format!("{method} {origin}{target}"))
        }
    }
}

fn human(outcome: &Outcome) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    match outcome {
        Outcome::Served(served) => {
            let or_none = |text: &String| {
                if text.is_empty() {
                    "none".to_owned()
                } else {
                    text.clone()
                }
            };
            let operation = match served.summary.as_str() {
                "" => served.operation.clone(),
                summary => format!("{}: {summary}", served.operation),
            };
            lines.push(("stage", format!("{} at {}", served.stage, served.mount)));
            lines.push(("route", served.route.clone()));
            lines.push(("operation", operation));
            for (name, value) in &served.parameters {
                lines.push(("parameter", format!("{name} = {value}")));
            }
            lines.push(("access", served.access.clone()));
            lines.push(("throttle", or_none(&served.throttle)));
            lines.push(("cache", or_none(&served.cache)));
            lines.push(("timeout", format!("{} ms", served.timeout)));
            lines.push(("target", served.target.clone()));
            if let Some(address) = &served.address {
                lines.push(("sent to", address.clone()));
            }
        }
        Outcome::Refused(refused) => {
            lines.push((
                "answered",
                format!("{} {}", refused.status, refused.message),
            ));
            lines.push(("because", refused.why.clone()));
            if !refused.allow.is_empty() {
                lines.push(("allowed", refused.allow.join(", ")));
            }
            for route in &refused.nearest {
                lines.push(("nearest", route.clone()));
            }
        }
    }
    let mut text = String::new();
    for (label, value) in lines {
        text.push_str(&format!("{label:<10} {}\n", output::plain(&value)));
    }
    text
}
