//! Stages, but for the policies of their operations.

use std::collections::BTreeMap;

use gateway_runtime::def::AccessLogDef;
use gateway_runtime::expr::Scope;

use super::native::{self, OrOff};
use super::policy;
use super::reader::Reader;
use super::tree::At;
use crate::check::addresses;
use crate::findings::brief;
use crate::model::{AccessLog, Canary, LogDestination, Mount, Stage, Variable};

/// Name of the one stage of a document that declares none.
pub(crate) const ONLY: &str = "default";

/// Memory for kept answers where a stage does not say: enough for some thousand answers of usual size, and little beside
/// the bodies in flight.
pub(crate) const CACHE_SIZE: u64 = 64 * 1024 * 1024;

/// Least memory for kept answers: one large answer.
const LEAST_CACHE: u64 = 64 * 1024;

/// The stage of a document that declares none.
pub(crate) fn only() -> Stage {
    Stage {
        mount: Mount {
            host: None,
            path: "/".to_owned(),
        },
        variables: BTreeMap::new(),
        throttle: None,
        cache_size: None,
        canary: None,
        access_log: Some(AccessLog {
            to: LogDestination::Stdout,
            format: AccessLogDef::FORMAT.to_owned(),
        }),
        overrides: BTreeMap::new(),
        origin: Default::default(),
    }
}

/// A stage without its operations; `cache_size` is what was asked for, whether anything is kept or not.
pub(crate) fn read(
    name: &str,
    written: &native::Stage,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> Stage {
    Stage {
        mount: mount(name, written, at.member("mount"), reader),
        variables: variables(written.variables.as_ref(), at.member("variables"), reader),
        throttle: written
            .throttle
            .as_ref()
            .and_then(OrOff::on)
            .and_then(|throttle| {
                policy::read_throttle(throttle, at.member("throttle"), None, reader)
            }),
        cache_size: cache_size(written, at.member("cache"), reader),
        canary: written
            .canary
            .as_ref()
            .and_then(OrOff::on)
            .and_then(|canary| read_canary(canary, at.member("canary"), reader)),
        access_log: access_log(written, at.member("accessLog"), reader),
        overrides: BTreeMap::new(),
        origin: at.place().into(),
    }
}

fn mount(name: &str, written: &native::Stage, at: At<'_>, reader: &mut Reader<'_>) -> Mount {
    let written = written.mount.clone().unwrap_or_default();
    let host = written.host.map(|host| host.to_ascii_lowercase());
    if let Some(host) = &host
        && reader.known(at.member("host"), host)
    {
        let fault = addresses::authority_fault(host)
            .filter(|fault| fault.code == "address")
            .map(|fault| fault.message)
            .or_else(|| {
                host.contains(':')
                    .then(|| "a mount's host has no port".to_owned())
            });
        if let Some(message) = fault {
            reader.found.error(
                "mount",
                at.member("host").place(),
                message,
                "as in `api.example.com`",
            );
        }
    }
    let path = match (&written.path, &host) {
        (Some(path), _) => {
            let trimmed = path.trim_end_matches('/');
            let fine = trimmed.is_empty() && path.starts_with('/')
                || trimmed.starts_with('/') && trimmed.split('/').skip(1).all(plain_segment);
            if !fine {
                reader.found.error(
                    "mount",
                    at.member("path").place(),
                    format!("`{}` is no path to mount a stage at", brief(path)),
                    "as in `/prod` or `/`: letters, digits and `-._~`, no parameters",
                );
            }
            trimmed.to_owned()
        }
        (None, Some(_)) => String::new(),
        (None, None) => format!("/{name}"),
    };
    Mount {
        host,
        path: if path.is_empty() {
            "/".to_owned()
        } else {
            path
        },
    }
}

fn plain_segment(segment: &str) -> bool {
    !segment.is_empty()
        && !matches!(segment, "." | "..")
        && segment
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

fn variables(
    written: Option<&BTreeMap<native::VariableName, native::Variable>>,
    at: At<'_>,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, Variable> {
    let mut variables = BTreeMap::new();
    for (name, variable) in written.into_iter().flatten() {
        let at = at.member(&name.0);
        let variable = match variable {
            native::Variable::Literal(text) => {
                if text.bytes().any(|b| b.is_ascii_control()) {
                    reader.found.error(
                        "stage-variable-value",
                        at.place(),
                        "a control character cannot stand in a stage variable",
                        "",
                    );
                }
                reader.known(at, text);
                Variable::Literal(text.clone())
            }
            native::Variable::Secret(secret) => match (&secret.env, &secret.file) {
                (Some(env), None) if !env.is_empty() => Variable::Env(env.clone()),
                (None, Some(file)) if !file.is_empty() => Variable::File(file.clone()),
                _ => {
                    reader.found.error(
                        "stage-variable-value",
                        at.place(),
                        "a stage variable is a text, `{ env: NAME }` or `{ file: PATH }`",
                        "",
                    );
                    continue;
                }
            },
        };
        variables.insert(name.0.clone(), variable);
    }
    variables
}

fn cache_size(written: &native::Stage, at: At<'_>, reader: &mut Reader<'_>) -> Option<u64> {
    let cache = match &written.cache {
        Some(OrOff::Off) => return None,
        Some(OrOff::On(cache)) if cache.enabled == Some(false) => return None,
        Some(OrOff::On(cache)) => cache.clone(),
        None => native::StageCache::default(),
    };
    let size = cache.size.map_or(CACHE_SIZE, |size| size.0);
    if size < LEAST_CACHE {
        reader.found.error(
            "x-gateway-range",
            at.member("size").place(),
            "a cache has 64KiB or more",
            "`cache: false` switches it off",
        );
    }
    Some(size)
}

fn read_canary(written: &native::Canary, at: At<'_>, reader: &mut Reader<'_>) -> Option<Canary> {
    let Some(percent) = written.percent else {
        if at.lacks() {
            return None;
        }
        reader.found.error(
            "x-gateway-missing",
            at.place(),
            "a canary wants a `percent`",
            "as in `{ percent: 5 }`",
        );
        return None;
    };
    Some(Canary {
        percent,
        variables: variables(written.variables.as_ref(), at.member("variables"), reader),
        shared_cache: written.shared_cache.unwrap_or(false),
    })
}

fn access_log(written: &native::Stage, at: At<'_>, reader: &mut Reader<'_>) -> Option<AccessLog> {
    let log = match &written.access_log {
        Some(OrOff::Off) => return None,
        Some(OrOff::On(log)) => log.clone(),
        None => native::AccessLog::default(),
    };
    let to = match log.to.as_deref() {
        None | Some("stdout") => LogDestination::Stdout,
        Some("stderr") => LogDestination::Stderr,
        Some(path) => {
            if path.is_empty() || path.contains('\0') {
                reader.found.error(
                    "access-log",
                    at.member("to").place(),
                    "an access log goes to `stdout`, `stderr` or the path of a file",
                    "",
                );
            }
            reader.known(at.member("to"), path);
            LogDestination::File(path.to_owned())
        }
    };
    let format = match log.format {
        None => AccessLogDef::FORMAT.to_owned(),
        Some(format) => {
            let at = at.member("format");
            let format = format.trim_end_matches(['\r', '\n']).to_owned();
            if let Some(offset) = format.find(['\r', '\n']) {
                reader.found.error(
                    "access-log",
                    at.place_in(offset),
                    "an access log writes one line for a request",
                    "",
                );
            }
            reader.expr(at, &format, Scope::AccessLog, None);
            format
        }
    };
    Some(AccessLog { to, format })
}
