//! `dev`: serves a document in process, and again whenever it is saved.
//!
//! The tables it serves are the ones `generate` prints, so it cannot behave otherwise than the emitted crate. They are
//! leaked at every reload, as tables live for ever; when much has been leaked the program starts itself anew.

mod watch;

use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use gateway_codegen::compose::Input;
use gateway_codegen::load::Document;
use gateway_codegen::model::{AccessLog, Gateway as Model, LogDestination};
use gateway_runtime::clock::Clock;
use gateway_runtime::def::GatewayDef;
use gateway_runtime::gateway::Gateway;
use gateway_runtime::serve::{self, Serving};
use gateway_runtime::settings::{AccessLogTo, Settings, StartFault};

use super::input::Composition;
use super::route::pair;
use super::{Exit, Session, output};
use watch::{Look, Watch};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen dev api.yaml           calls the document's back ends
  gateway-codegen dev api.yaml --mock    its examples answer instead
  gateway-codegen dev api.yaml --overlay ours.yaml
  gateway-codegen dev api.yaml --upstream http://localhost:3000
  gateway-codegen dev api.yaml --stage prod --stage-var shop=http://localhost:3000
  gateway-codegen dev template.yaml --param Domain=localhost:3000

While a saved document has errors they are printed and the last good one keeps being served.";

/// How often files are looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Bytes of document whose tables are leaked before the program starts itself anew. Tables take some ten times the
/// document they were made from, so this is a few hundred megabytes.
const LEAK: usize = 32 * 1024 * 1024;

/// One line for each request.
const LOG: &str = "${context.httpMethod} ${context.path} -> ${context.status} ${context.operationId}, ${context.responseLatency} ms, cache ${context.cache.status}";

/// Serve a document now, without a compiler, and again whenever it is saved
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Dev {
    /// OpenAPI documents of one gateway
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
    #[command(flatten)]
    composition: Composition,
    /// Answer with the document's examples; no back end is called
    #[arg(long)]
    mock: bool,
    /// Address to serve on; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Address for health, metrics and routes, or off
    #[arg(long, value_name = "ADDRESS", default_value = "off", value_parser = admin)]
    admin: Admin,
    /// Serve this stage alone, at `/`
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// Set a stage variable; can be given more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    stage_var: Vec<(String, String)>,
    /// Call this in place of the document's server, or of a named back end; can be given more than once
    #[arg(long, value_name = "[NAME=]URL", value_parser = upstream)]
    upstream: Vec<(String, String)>,
    /// Start anew when documents of so many bytes were served; for tests
    #[arg(long, hide = true, value_name = "BYTES", default_value_t = LEAK)]
    restart_after: usize,
}

/// Where the admin listener is, if anywhere.
#[derive(Debug, Clone, Copy)]
struct Admin(Option<SocketAddr>);

fn admin(text: &str) -> Result<Admin, String> {
    match text {
        "off" => Ok(Admin(None)),
        address => match address.parse() {
            Ok(address) => Ok(Admin(Some(address))),
            Err(_) => Err("an address with a port, or off".to_owned()),
        },
    }
}

fn upstream(text: &str) -> Result<(String, String), String> {
    let named = text
        .split_once('=')
        .filter(|(name, _)| !name.contains([':', '/', '?']));
    let (name, url) = named.unwrap_or(("default", text));
    Ok((name.to_owned(), url.to_owned()))
}

pub(crate) fn run(session: &Session, verb: &Dev) -> Exit {
    match follow(session, verb) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn follow(session: &Session, verb: &Dev) -> Result<Exit, Exit> {
    let settings = settings(session, verb);
    let input = session.input(&verb.specs, &verb.composition)?;
    let entries = entries(&input);
    let mut watch = Watch::new(Look::at(entries.iter().map(PathBuf::as_path)));
    let (document, model) = session.read(&input)?;
    // Before anybody is told that it serves, so that no save after that is missed.
    let files = watched(session, &input, &document, false);
    watch.turn_to(files.iter().map(PathBuf::as_path));
    let def = tables(session, verb, model)?;
    // What was asked for wrongly is told apart from what the system refuses, such as an address that is taken.
    if let Err(faults) = Gateway::start(def, &settings, &Clock::system()) {
        return Err(told(session, &faults, Exit::Invocation));
    }
    let failed = |faults: Vec<StartFault>| told(session, &faults, Exit::Failed);
    let serving = Arc::new(serve::start(def, settings).map_err(failed)?);
    serving
        .obey_signals()
        .map_err(|fault| failed(vec![fault]))?;
    let address = serving.addresses().first().copied().unwrap_or(verb.listen);
    let mut line = format!(
        "serving {} {} on http://{address}",
        output::plain(def.title),
        output::plain(def.version)
    );
    if let Some(admin) = serving.admin_address() {
        line.push_str(&format!("; admin http://{admin}"));
    }
    if verb.mock {
        line.push_str("; its examples answer");
    }
    session.say(line);
    session.say(describe(def, verb.stage.as_deref()));

    let mut served = Served {
        session,
        verb,
        input: &input,
        leaked: document_size(&document),
        digest: gateway_codegen::digest::of(&document),
        watch,
    };
    match served.until(&serving, &ended(&serving)) {
        End::Stopped => Ok(Exit::Fine),
        End::Full => Err(again(session, &serving, address)),
    }
}

fn settings(session: &Session, verb: &Dev) -> Settings {
    Settings {
        listen: vec![verb.listen],
        admin: verb.admin.0,
        workers: std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(2),
        stage: verb.stage.clone(),
        stage_vars: verb.stage_var.clone(),
        upstreams: verb.upstream.clone(),
        drain: Duration::from_secs(1),
        mock: verb.mock,
        access_log: if session.quiet() {
            AccessLogTo::Off
        } else {
            AccessLogTo::AsDocument
        },
        ..Settings::default()
    }
}

/// The tables of a model, with the log of this verb in place of its own.
fn tables(session: &Session, verb: &Dev, mut model: Model) -> Result<&'static GatewayDef, Exit> {
    if let Some(stage) = &verb.stage
        && !model.stages.contains_key(stage)
    {
        return Err(session.no_stage(stage, &model));
    }
    for stage in model.stages.values_mut() {
        stage.access_log = Some(AccessLog {
            to: LogDestination::Stderr,
            format: LOG.to_owned(),
        });
    }
    Ok(gateway_codegen::assemble::defs(&model))
}

/// Says what keeps a gateway from starting.
fn told(session: &Session, faults: &[StartFault], exit: Exit) -> Exit {
    for fault in faults {
        session.problem(&fault.message, &fault.help);
    }
    exit
}

fn describe(def: &GatewayDef, only: Option<&str>) -> String {
    let stages: Vec<String> = def
        .stages
        .iter()
        .filter(|stage| only.is_none_or(|only| stage.name == only))
        .map(|stage| {
            let at = match only {
                Some(_) => "/".to_owned(),
                None => format!(
                    "{}{}",
                    stage.mount.host.unwrap_or_default(),
                    stage.mount.path
                ),
            };
            format!("{} at {}", output::plain(stage.name), output::plain(&at))
        })
        .collect();
    let routes = def.routes.len();
    let plural = if routes == 1 { "" } else { "s" };
    format!("  {routes} route{plural}; {}", stages.join(", "))
}

/// Tells when the server has ended, after a signal.
fn ended(serving: &Arc<Serving>) -> Receiver<()> {
    let (sender, receiver) = channel();
    let serving = Arc::clone(serving);
    std::thread::spawn(move || {
        serving.wait();
        // Nobody listens any more: the program is ending anyway.
        let _ = sender.send(());
    });
    receiver
}

/// Why serving ended.
enum End {
    /// A signal.
    Stopped,
    /// Too much was leaked.
    Full,
}

/// What is being served, and of what.
struct Served<'a> {
    session: &'a Session,
    verb: &'a Dev,
    input: &'a Input,
    /// Bytes of document whose tables were leaked.
    leaked: usize,
    digest: String,
    watch: Watch,
}

impl Served<'_> {
    fn until(&mut self, serving: &Serving, ended: &Receiver<()>) -> End {
        loop {
            match ended.recv_timeout(LOOK) {
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return End::Stopped,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.watch.saved()
                && let Some(end) = self.reload(serving)
            {
                return end;
            }
        }
    }

    /// Reads the document again; what is wrong with it leaves everything as it was. It ends the serving if it is fine,
    /// but too much was leaked to serve it here.
    fn reload(&mut self, serving: &Serving) -> Option<End> {
        let reading = match self.session.examine(self.input) {
            Ok(reading) => reading,
            Err(_) => {
                // Moved away for a moment, as some editors do.
                let entries = entries(self.input);
                let folders = entries.iter().map(|entry| folder(entry));
                self.watch
                    .turn_to(entries.iter().map(PathBuf::as_path).chain(folders));
                return None;
            }
        };
        let broken = reading.gateway.is_none();
        let files = watched(self.session, self.input, &reading.document, broken);
        self.watch.turn_to(files.iter().map(PathBuf::as_path));
        let digest = gateway_codegen::digest::of(&reading.document);
        if !broken && digest == self.digest {
            self.session.detail("saved without a change");
            return None;
        }
        self.session.tell(&reading);
        self.digest = digest;
        let Some(model) = reading.gateway else {
            self.session
                .say("not reloaded: what was served before is still served");
            return None;
        };
        let full = self.leaked > self.verb.restart_after;
        self.leaked += document_size(&reading.document);
        match self.serve(serving, model, full) {
            Ok(_) if full => return Some(End::Full),
            Ok(def) => {
                let what = describe(def, self.verb.stage.as_deref());
                self.session.say(format!("reloaded: {}", what.trim_start()));
            }
            Err(_) => self
                .session
                .say("not reloaded: what was served before is still served"),
        }
        None
    }

    /// Serves a model from now on; `only_try`: says what would keep it from being served.
    fn serve(
        &self,
        serving: &Serving,
        model: Model,
        only_try: bool,
    ) -> Result<&'static GatewayDef, Exit> {
        let def = tables(self.session, self.verb, model)?;
        let served = if only_try {
            let settings = settings(self.session, self.verb);
            Gateway::start(def, &settings, &Clock::system()).map(drop)
        } else {
            serving.replace(def)
        };
        match served {
            Ok(()) => Ok(def),
            Err(faults) => Err(told(self.session, &faults, Exit::Invocation)),
        }
    }
}

/// The files that were named, as documents name theirs: links followed.
fn entries(input: &Input) -> Vec<PathBuf> {
    let specs = input.specs.iter().map(|spec| &spec.path);
    let files = specs.chain(&input.overlays);
    files
        .map(|file| file.canonicalize().unwrap_or_else(|_| file.clone()))
        .collect()
}

/// The files of a document, and those with the values of its parameters. Of a broken one their folders too: what it misses may
/// turn up there.
fn watched(session: &Session, input: &Input, document: &Document, broken: bool) -> Vec<PathBuf> {
    let values = session.parameter_files(&input.paths()).into_iter();
    let files = document.files.iter().map(|file| file.path.clone());
    let files = files.chain(values);
    let folders = document
        .files
        .iter()
        .filter(|_| broken)
        .map(|file| folder(&file.path).to_owned());
    files.chain(folders).collect()
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn document_size(document: &Document) -> usize {
    document.files.iter().map(|file| file.text.len()).sum()
}

/// Starts the program anew, on the same address.
fn again(session: &Session, serving: &Serving, address: SocketAddr) -> Exit {
    session.detail("starting anew, to give back the memory of earlier reloads");
    serving.drain();
    serving.wait();
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return session.fail(format!("cannot start anew: {error}")),
    };
    let error = Command::new(program)
        .args(std::env::args_os().skip(1))
        .arg(format!("--listen={address}"))
        .current_dir(session.origin())
        .exec();
    session.fail(format!("cannot start anew: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_may_have_a_name() {
        for (text, name, url) in [
            ("http://a:1/x?y=z", "default", "http://a:1/x?y=z"),
            ("catalog=http://a?b=c", "catalog", "http://a?b=c"),
        ] {
            assert_eq!(upstream(text), Ok((name.to_owned(), url.to_owned())));
        }
    }
}
