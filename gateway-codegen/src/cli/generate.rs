//! `generate`: writes the crate, or tells what would be written.

use std::path::{Path, PathBuf};

use gateway_codegen::compose::{self, Input};
use gateway_codegen::config::{Extra, GatewayEntry, Workspace};
use gateway_codegen::emit::{self, EmitOptions, Runtime};
use gateway_codegen::model::Gateway;
use gateway_codegen::names;
use gateway_codegen::tree::{Change, ChangeKind, FileTree, State, TreeError, Written};
use serde_json::json;

use super::input::Composition;
use super::{Exit, Format, Session, output};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen generate api.yaml --out gateway
  gateway-codegen generate             every gateway of gateway-codegen.toml
  gateway-codegen generate api.yaml --out gateway --check
  gateway-codegen generate shop.yaml billing.yaml --prefix billing.yaml=/billing --out gateway
  gateway-codegen generate api.yaml --out gateway --workspace member
  gateway-codegen generate api.yaml --out gateway \\
      --runtime git=https://git.example/gateway#4f1c2d9";

/// Write the crate of a gateway
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Generate {
    /// OpenAPI documents of one gateway; without any, every gateway of gateway-codegen.toml
    #[arg(value_name = "SPEC")]
    specs: Vec<PathBuf>,
    #[command(flatten)]
    composition: Composition,
    #[command(flatten)]
    options: Options,
    /// Write nothing; print what differs and exit 4, or 5 if a generated file was edited by hand
    #[arg(long, conflicts_with_all = ["dry_run", "force"])]
    check: bool,
    /// Write nothing; print what would change
    #[arg(long)]
    dry_run: bool,
    /// Overwrite generated files that were edited by hand
    #[arg(long)]
    force: bool,
}

/// What a crate is like, besides the document. Each wins over the same key of gateway-codegen.toml.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Options {
    /// Folder of the crate: absent, empty, or written by this program before
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Name of the crate and the binary [default: the document's]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Where the crate takes the runtime from: vendor, path=DIR or git=URL#REV [default: vendor]
    #[arg(long, value_name = "WHERE")]
    pub(crate) runtime: Option<String>,
    /// A workspace of its own, or a member of the one around it: own or member [default: own]
    #[arg(long, value_name = "WHOSE", value_parser = workspace)]
    pub(crate) workspace: Option<Workspace>,
    /// Compile in what the document does not ask for: mock (its examples, for the binary's --mock)
    #[arg(long, value_name = "EXTRA", value_delimiter = ',', value_parser = extra)]
    pub(crate) with: Vec<Extra>,
    /// Compile in this stage alone; can be given more than once
    #[arg(long, value_name = "NAME")]
    pub(crate) only_stage: Vec<String>,
}

fn workspace(text: &str) -> Result<Workspace, String> {
    match text {
        "own" => Ok(Workspace::Own),
        "member" => Ok(Workspace::Member),
        _ => Err("own or member".to_owned()),
    }
}

fn extra(text: &str) -> Result<Extra, String> {
    match text {
        "mock" => Ok(Extra::Mock),
        _ => Err("there is only `mock`".to_owned()),
    }
}

impl Options {
    /// The flags, and for what they leave open the entry of gateway-codegen.toml, whose paths are below `folder`.
    fn or(self, entry: &GatewayEntry, folder: &Path) -> Options {
        let either = |flag: Vec<String>, entry: &Vec<String>| {
            if flag.is_empty() { entry.clone() } else { flag }
        };
        Options {
            out: self.out.or_else(|| Some(folder.join(&entry.out))),
            name: self.name.or_else(|| entry.name.clone()),
            runtime: self
                .runtime
                .or_else(|| entry.runtime.as_deref().map(|r| below(folder, r))),
            workspace: self.workspace.or(entry.workspace),
            with: if self.with.is_empty() {
                entry.with.clone()
            } else {
                self.with
            },
            only_stage: either(self.only_stage, &entry.only_stage),
        }
    }
}

/// A runtime of gateway-codegen.toml as seen from the working folder.
fn below(folder: &Path, runtime: &str) -> String {
    match runtime.strip_prefix("path=") {
        Some(path) => format!("path={}", folder.join(path).display()),
        None => runtime.to_owned(),
    }
}

/// What is done with a crate once it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It is written.
    Write {
        /// Also over files that were edited by hand.
        force: bool,
    },
    /// It is compared; differences are a fault.
    Check,
    /// It is compared; differences are information.
    DryRun,
}

pub(crate) fn run(session: &Session, verb: &Generate) -> Exit {
    let configuration = match session.configuration() {
        Ok(configuration) => configuration,
        Err(exit) => return exit,
    };
    let mode = match verb {
        Generate { check: true, .. } => Mode::Check,
        Generate { dry_run: true, .. } => Mode::DryRun,
        Generate { force, .. } => Mode::Write { force: *force },
    };
    let (config, folder) = (&configuration.config, configuration.folder.as_path());
    if verb.specs.is_empty() {
        if config.gateway.is_empty() {
            return session.refuse(
                "no document to generate from",
                "name one, or list it in gateway-codegen.toml (`gateway-codegen init` begins one)",
            );
        }
        if (&verb.options.out, &verb.options.name) != (&None, &None) {
            return session.refuse(
                "--out and --name are for one document",
                "name it before them",
            );
        }
        if !verb.composition.is_empty() {
            return session.refuse(
                "--overlay, --prefix, --include and --exclude are for one gateway",
                "name its documents before them, or write the keys of these names in gateway-codegen.toml",
            );
        }
        return every(session, &verb.options, mode);
    }
    let options = match config.entry(folder, &verb.specs) {
        Some(entry) => verb.options.clone().or(entry, folder),
        None => verb.options.clone(),
    };
    match session.input(&verb.specs, &verb.composition) {
        Ok(input) => one(session, &input, &options, mode),
        Err(exit) => exit,
    }
}

/// Every gateway of gateway-codegen.toml.
pub(crate) fn every(session: &Session, options: &Options, mode: Mode) -> Exit {
    let configuration = match session.configuration() {
        Ok(configuration) => configuration,
        Err(exit) => return exit,
    };
    let folder = configuration.folder.as_path();
    let mut exit = Exit::Fine;
    for entry in &configuration.config.gateway {
        let options = options.clone().or(entry, folder);
        exit = exit.max(
            match session.input_of(entry, folder, &Composition::default()) {
                Ok(input) => one(session, &input, &options, mode),
                Err(exit) => exit,
            },
        );
    }
    exit
}

/// One gateway.
fn one(session: &Session, input: &Input, options: &Options, mode: Mode) -> Exit {
    let Some(out) = &options.out else {
        let spec = input
            .specs
            .first()
            .map(|spec| spec.path.display().to_string());
        return session.refuse(
            format!("where to? `{}` has no folder", spec.unwrap_or_default()),
            "give it one with --out DIR, or in gateway-codegen.toml",
        );
    };
    match make(session, input, out, options) {
        Ok(tree) => apply(session, &tree, out, mode),
        Err(exit) => exit,
    }
}

/// The crate of a document, not yet written anywhere.
pub(crate) fn make(
    session: &Session,
    input: &Input,
    out: &Path,
    options: &Options,
) -> Result<FileTree, Exit> {
    let runtime = match &options.runtime {
        None => Runtime::Vendor,
        Some(text) => {
            Runtime::parse(text, out).map_err(|fault| session.refuse(fault.to_string(), ""))?
        }
    };
    if let Some(name) = options
        .name
        .as_deref()
        .filter(|name| !names::is_package(name))
    {
        return Err(session.refuse(
            format!("`{name}` cannot be the name of a crate"),
            "a small letter, then small letters, digits, `-` and `_`, at most 64; no keyword of Rust",
        ));
    }
    let workspace = whose_workspace(session, options.workspace, out)?;
    let (document, mut gateway) = session.read(input)?;
    if let Some(name) = &options.name {
        gateway.name.clone_from(name);
    }
    keep_stages(session, &mut gateway, &options.only_stage)?;
    let mut only_stages = options.only_stage.clone();
    only_stages.sort();
    only_stages.dedup();
    let options = EmitOptions {
        runtime,
        workspace,
        with_mock: options.with.contains(&Extra::Mock),
        only_stages,
        composition: compose::recorded(input),
    };
    Ok(gateway_codegen::files(&document, &gateway, &options))
}

/// Leaves out the stages that are not wanted; an empty list wants all.
fn keep_stages(session: &Session, gateway: &mut Gateway, wanted: &[String]) -> Result<(), Exit> {
    if let Some(unknown) = wanted
        .iter()
        .find(|name| !gateway.stages.contains_key(*name))
    {
        return Err(session.no_stage(unknown, gateway));
    }
    if !wanted.is_empty() {
        gateway.stages.retain(|name, _| wanted.contains(name));
    }
    Ok(())
}

/// Whose workspace the crate belongs to. Cargo refuses a crate inside a workspace that neither lists nor excludes it, so
/// inside one somebody has to choose.
fn whose_workspace(
    session: &Session,
    chosen: Option<Workspace>,
    out: &Path,
) -> Result<emit::Workspace, Exit> {
    match (chosen, workspace_around(out)) {
        (Some(Workspace::Own), _) | (None, None) => Ok(emit::Workspace::Own),
        (Some(Workspace::Member), Some(_)) => Ok(emit::Workspace::Member),
        (Some(Workspace::Member), None) => {
            session.warn(
                format!("there is no workspace around `{}`", out.display()),
                "the crate builds once a Cargo.toml above it has `[workspace]` and lists it",
            );
            Ok(emit::Workspace::Member)
        }
        (None, Some(root)) => Err(session.refuse(
            format!(
                "`{}` lies inside the workspace of `{}`",
                out.display(),
                root.display()
            ),
            "choose: `--workspace member` (then list it in that workspace's members) \
             or `--workspace own` (it builds alone, with a lock file of its own)",
        )),
    }
}

/// The manifest of the workspace around a folder.
fn workspace_around(out: &Path) -> Option<PathBuf> {
    let whole = std::path::absolute(out).ok()?;
    whole
        .ancestors()
        .skip(1)
        .map(|folder| folder.join("Cargo.toml"))
        .find(|manifest| {
            std::fs::read_to_string(manifest)
                .ok()
                .and_then(|text| toml::from_str::<toml::Table>(&text).ok())
                .is_some_and(|table| table.contains_key("workspace"))
        })
}

/// Writes the crate, or shows how the folder differs from it.
fn apply(session: &Session, tree: &FileTree, out: &Path, mode: Mode) -> Exit {
    let folder = out.display();
    let state = match mode {
        Mode::Write { force } => {
            return match tree.write(out, force) {
                Ok(written) => {
                    report(session, out, &written);
                    Exit::Fine
                }
                Err(error) => refusal(session, out, &error),
            };
        }
        Mode::Check | Mode::DryRun => match tree.diff(out) {
            Ok(state) => state,
            Err(error) => return refusal(session, out, &error),
        },
    };
    match state {
        State::Fresh => {
            session.say(format!("{folder}: up to date"));
            Exit::Fine
        }
        State::Stale(changes) => {
            let exit = session.data(&differences(session, &changes));
            let count = files(changes.len());
            if mode == Mode::DryRun {
                session.say(format!("{folder}: {count} would change"));
                return exit;
            }
            session.problem(
                format!("{folder} is not what the document says: {count} would change"),
                "run `gateway-codegen generate` and commit what it writes",
            );
            exit.max(Exit::Stale)
        }
        State::Edited { edited, changes } => {
            let exit = session.data(&differences(session, &changes));
            exit.max(refusal(session, out, &TreeError::Edited(edited)))
        }
    }
}

/// Why nothing was written or compared.
fn refusal(session: &Session, out: &Path, error: &TreeError) -> Exit {
    let exit = match error {
        TreeError::Edited(_) => Exit::EditedByHand,
        TreeError::Foreign(_) | TreeError::NotAFolder(_) => Exit::Invocation,
        TreeError::Io { .. }
        | TreeError::Link(_)
        | TreeError::InTheWay(_)
        | TreeError::Lock { .. }
        | TreeError::Outside(_)
        | TreeError::Manifest { .. } => Exit::Failed,
    };
    session.problem(format!("{}: {error}", out.display()), "");
    exit
}

/// Names listed behind a count, unless all are asked for.
const LISTED: usize = 12;

fn report(session: &Session, out: &Path, written: &Written) {
    let folder = out.display();
    if written.written.is_empty() && written.deleted.is_empty() {
        return session.say(format!(
            "{folder}: nothing changed ({})",
            files(written.unchanged)
        ));
    }
    let mut counts = vec![format!("{} written", files(written.written.len()))];
    if !written.deleted.is_empty() {
        counts.push(format!("{} deleted", written.deleted.len()));
    }
    if written.unchanged > 0 {
        counts.push(format!("{} unchanged", written.unchanged));
    }
    session.say(format!("{folder}: {}", counts.join(", ")));
    // A new crate needs no list of all that is new.
    if written.unchanged == 0 && !session.verbose() {
        return;
    }
    let most = if session.verbose() {
        usize::MAX
    } else {
        LISTED
    };
    let names = written.written.iter().map(|path| ("  ", path));
    let names = names.chain(written.deleted.iter().map(|path| ("  deleted ", path)));
    for (label, path) in names.clone().take(most) {
        session.say(format!("{label}{path}"));
    }
    let more = names.count().saturating_sub(most);
    if more > 0 {
        session.say(format!("  and {more} more (-v lists them)"));
    }
}

fn files(count: usize) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
}

/// Changes as unified diffs. The copy of the runtime is named only: nobody reviews it here.
fn differences(session: &Session, changes: &[Change]) -> String {
    let kind = |change: &Change| match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Changed => "changed",
        ChangeKind::Removed => "removed",
    };
    if session.format() == Format::Json {
        let list = changes.iter().map(|change| {
            json!({ "path": change.path, "kind": kind(change), "diff": change.to_string() })
        });
        return format!("{:#}\n", serde_json::Value::Array(list.collect()));
    }
    let mut text = String::new();
    for change in changes {
        if change.path.starts_with("runtime/") || change.path == "Cargo.lock" {
            let (before, after) = change.lines();
            text.push_str(&format!(
                "# {}: {}, {before} -> {after} lines\n",
                change.path,
                kind(change)
            ));
        } else {
            text.push_str(&output::diff(&change.to_string()));
        }
    }
    text
}
