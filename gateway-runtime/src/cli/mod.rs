//! The command line of an emitted gateway, and its `main`.
//!
//! Flags, help and environment twins come from one table ([`flags`]). A command line is read completely before anything is
//! reported; so is everything that keeps a gateway from starting. Exit codes: 0 fine, 1 it cannot start, 2 wrong invocation.
//!
//! Invariant: no value of a flag that may hold a secret is ever printed, not even when it is wrong.

mod flags;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::error::ErrorKind;

use crate::def::{GatewayDef, LAYOUT};
use crate::serve;
use crate::settings::{AccessLogTo, Secret, Settings, StartFault};
use crate::{admin, gateway, listing};
use flags::Given;

/// Most worker threads.
const MOST_WORKERS: usize = 1024;

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
struct Invocation {
    action: Action,
    settings: Settings,
    admin_token_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Serve,
    Check,
    PrintRoutes { json: bool },
    Version { json: bool },
}

/// A command line that asks for nothing that can be done.
#[derive(Debug, PartialEq, Eq)]
enum Rejected {
    /// The help, which was asked for.
    Help(String),
    /// What is wrong.
    Wrong(Vec<String>),
}

/// Runs a gateway: all that the `main` of an emitted crate does.
pub fn main(def: &'static GatewayDef) -> ExitCode {
    let environment = |name: &str| std::env::var_os(name);
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let status = match parse(def, std::env::args_os(), &environment) {
        Err(Rejected::Help(help)) => {
            // A pipe that closed early has read enough.
            let _ = out.write_all(help.as_bytes());
            0
        }
        Err(Rejected::Wrong(messages)) => {
            for message in messages {
                let _ = writeln!(err, "error: {message}");
            }
            let _ = writeln!(err, "  help: {} --help lists every flag", def.name);
            2
        }
        Ok(invocation) => run(def, invocation, &mut out, &mut err),
    };
    ExitCode::from(status)
}

fn run(
    def: &'static GatewayDef,
    invocation: Invocation,
    out: &mut impl Write,
    err: &mut impl Write,
) -> u8 {
    let Invocation {
        action,
        mut settings,
        admin_token_file,
    } = invocation;
    let printed = match action {
        Action::Version { json } => Some(version(def, json)),
        Action::PrintRoutes { json } => {
            let routes = listing::routes(def, settings.stage.as_deref());
            Some(match json {
                true => listing::json(&routes),
                false => listing::text(&routes),
            })
        }
        Action::Serve | Action::Check => None,
    };
    if let Some(text) = printed {
        let _ = out.write_all(text.as_bytes());
        return 0;
    }
    let mut faults = Vec::new();
    if let Some(file) = admin_token_file {
        match read_token(&file) {
            Ok(token) => settings.admin_token = Some(token),
            Err(fault) => faults.push(fault),
        }
    } else {
        faults.extend(admin::fault(&settings));
    }
    if action == Action::Check || !faults.is_empty() {
        faults.extend(serve::check(def, &settings));
        report(&faults, err);
        return u8::from(!faults.is_empty());
    }
    match serve::start(def, settings) {
        Err(faults) => {
            report(&faults, err);
            1
        }
        Ok(serving) => {
            // Before anybody is told that it serves: a signal must never meet a process that does not listen for it.
            if let Err(fault) = serving.obey_signals() {
                report(&[fault], err);
                return 1;
            }
            if let Some(shortage) = serving.shortage() {
                let _ = writeln!(err, "warning: {shortage}");
            }
            let _ = writeln!(err, "{serving}");
            serving.wait();
            0
        }
    }
}

fn report(faults: &[StartFault], err: &mut impl Write) {
    for fault in faults {
        let _ = writeln!(err, "error: {fault}");
    }
}

fn version(def: &GatewayDef, json: bool) -> String {
    let runtime = env!("CARGO_PKG_VERSION");
    if json {
        let object = serde_json::json!({
            "name": def.name,
            "title": def.title,
            "version": def.version,
            "runtime": runtime,
            "layout": LAYOUT,
        });
        return format!("{object}\n");
    }
    format!("{} {} (gateway-runtime {runtime})\n", def.name, def.version)
}

/// Reads a token. One line break at its end is dropped.
fn read_token(file: &Path) -> Result<Secret, StartFault> {
    let help = "write one line into it: letters, digits and punctuation";
    let text = std::fs::read_to_string(file).map_err(|error| {
        StartFault::new(
            format!(
                "the admin token in {} cannot be read: {error}",
                file.display()
            ),
            help,
        )
    })?;
    let token = text.strip_suffix('\n').map_or(text.as_str(), |line| {
        line.strip_suffix('\r').unwrap_or(line)
    });
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(StartFault::new(
            format!("what is in {} cannot be a token", file.display()),
            help,
        ));
    }
    Ok(Secret::new(token))
}

fn parse(
    def: &GatewayDef,
    arguments: impl IntoIterator<Item = OsString>,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Invocation, Rejected> {
    let matches = flags::command(def)
        .try_get_matches_from(arguments)
        .map_err(|error| match error.kind() {
            ErrorKind::DisplayHelp => Rejected::Help(error.to_string()),
            _ => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default();
                let first = first.strip_prefix("error: ").unwrap_or(first);
                Rejected::Wrong(vec![first.to_owned()])
            }
        })?;
    let mut wrong = Vec::new();
    let invocation = read(def, &Given::new(matches, environment), &mut wrong);
    match wrong.is_empty() {
        true => Ok(invocation),
        false => Err(Rejected::Wrong(wrong)),
    }
}

/// Reads what was given; what is wrong goes to `wrong`, and its default stands in for it.
fn read(def: &GatewayDef, given: &Given<'_>, wrong: &mut Vec<String>) -> Invocation {
    let mut settings = Settings::default();
    let one = |name, wrong: &mut Vec<String>| {
        given.one(name).unwrap_or_else(|message| {
            wrong.push(message);
            None
        })
    };
    let set = |name, wrong: &mut Vec<String>| {
        given.is_set(name).unwrap_or_else(|message| {
            wrong.push(message);
            false
        })
    };
    let all = |name, wrong: &mut Vec<String>| {
        given.all(name).unwrap_or_else(|message| {
            wrong.push(message);
            Vec::new()
        })
    };

    let listen: Vec<SocketAddr> = all("listen", wrong)
        .iter()
        .filter_map(|(flag, text)| address(flag, text, wrong))
        .collect();
    if !listen.is_empty() {
        settings.listen = listen;
    }
    match one("admin", wrong) {
        Some((_, text)) if text == "off" => settings.admin = None,
        Some((flag, text)) => {
            settings.admin = address(&flag, &text, wrong).or(settings.admin);
        }
        None => {}
    }
    settings.admin_hosts = values(all("admin-host", wrong));
    settings.stage = one("stage", wrong).map(|(_, name)| name);
    for (flag, text) in all("upstream", wrong) {
        match upstream(&text) {
            Some(pair) => settings.upstreams.push(pair),
            // The address may hold a password.
            None => wrong.push(format!(
                "{flag} takes a URL or NAME=URL, the URL with http:// or https://"
            )),
        }
    }
    for (flag, text) in all("stage-var", wrong) {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                settings
                    .stage_vars
                    .push((name.to_owned(), value.to_owned()));
            }
            // The value may be secret, and without `=` nobody knows which part it is.
            _ => wrong.push(format!("{flag} takes NAME=VALUE")),
        }
    }
    settings.parameters = parameters(def, all("param", wrong), given, wrong);
    let file = |value: Option<(String, String)>| value.map(|(_, path)| PathBuf::from(path));
    let admin_token_file = file(one("admin-token-file", wrong));
    match (file(one("tls-cert", wrong)), file(one("tls-key", wrong))) {
        (Some(certificate), Some(key)) => settings.tls = Some((certificate, key)),
        (None, None) => {}
        _ => wrong.push("--tls-cert and --tls-key belong together".to_owned()),
    }
    if let Some((_, text)) = one("access-log", wrong) {
        settings.access_log = match text.as_str() {
            "off" => AccessLogTo::Off,
            "stdout" => AccessLogTo::Stdout,
            "stderr" => AccessLogTo::Stderr,
            path => AccessLogTo::File(path.into()),
        };
    }
    if let Some((flag, text)) = one("workers", wrong) {
        match text.parse() {
            Ok(workers) if (1..=MOST_WORKERS).contains(&workers) => settings.workers = workers,
            _ => wrong.push(format!(
                "{flag} takes a number from 1 to {MOST_WORKERS}, not `{text}`"
            )),
        }
    }
    if let Some((flag, text)) = one("drain", wrong) {
        match duration(&text) {
            Some(span) => settings.drain = span,
            None => wrong.push(format!(
                "{flag} takes a duration such as 500ms, 30s or 2m, not `{text}`"
            )),
        }
    }
    settings.hand_over = file(one("hand-over", wrong));
    settings.mock = set("mock", wrong);
    settings.allow_link_local = set("allow-link-local", wrong);
    let json = set("json", wrong);
    let action = match (
        set("version", wrong),
        set("print-routes", wrong),
        set("check", wrong),
    ) {
        (true, false, false) => Action::Version { json },
        (false, true, false) => Action::PrintRoutes { json },
        (false, false, check) => {
            if json {
                wrong.push("--json goes with --version or --print-routes".to_owned());
            }
            match check {
                true => Action::Check,
                false => Action::Serve,
            }
        }
        _ => {
            wrong.push("only one of --version, --print-routes and --check can be done".to_owned());
            Action::Check
        }
    };
    Invocation {
        action,
        settings,
        admin_token_file,
    }
}

/// Values of deployment parameters. What a parameter's own variable of the environment says gives way to flags.
fn parameters(
    def: &GatewayDef,
    flags: Vec<(String, String)>,
    given: &Given<'_>,
    wrong: &mut Vec<String>,
) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for parameter in def.parameters {
        match given.variable(&gateway::twin(parameter.name)) {
            Ok(value) => pairs.extend(value.map(|value| (parameter.name.to_owned(), value))),
            Err(message) => wrong.push(message),
        }
    }
    let own = pairs.len();
    for (flag, text) in flags {
        match text.split_once('=') {
            Some((name, _)) if pairs.iter().skip(own).any(|(known, _)| known == name) => {
                wrong.push(format!("{flag} gives `{name}` two values"));
            }
            Some((name, value)) if !name.is_empty() => {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            _ => wrong.push(format!("{flag} takes NAME=VALUE, not `{text}`")),
        }
    }
    pairs
}

fn values(given: Vec<(String, String)>) -> Vec<String> {
    given.into_iter().map(|(_, value)| value).collect()
}

fn address(flag: &str, text: &str, wrong: &mut Vec<String>) -> Option<SocketAddr> {
    let address = text.parse().ok();
    if address.is_none() {
        wrong.push(format!(
            "{flag} takes an address and a port such as 0.0.0.0:8080 or [::]:8080, not `{text}`"
        ));
    }
    address
}

/// `URL` or `NAME=URL`. An equals sign inside the URL is its own.
fn upstream(text: &str) -> Option<(String, String)> {
    let is_url = |text: &str| {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|s| s.eq_ignore_ascii_case("http") || s.eq_ignore_ascii_case("https"))
    };
    if is_url(text) {
        return Some(("default".to_owned(), text.to_owned()));
    }
    let (name, url) = text.split_once('=')?;
    (!name.is_empty() && is_url(url)).then(|| (name.to_owned(), url.to_owned()))
}

/// `250ms`, `30s`, `5m`, `1h`, or a number of seconds; a day at most.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => number,
        "" | "s" => number.checked_mul(1000)?,
        "m" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        _ => return None,
    };
    (millis <= 86_400_000).then(|| Duration::from_millis(millis))
}
