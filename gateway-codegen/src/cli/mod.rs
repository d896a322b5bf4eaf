//! The command line: what can be asked, and what holds for every verb.
//!
//! One file per verb, with its flags, its help and `run`. Data goes to standard output, messages to standard error, and
//! progress to a terminal only. The help texts here are the interface: every flag has one line.

pub(crate) mod bundle;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod dev;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod init;
pub(crate) mod lint;
pub(crate) mod man;
pub(crate) mod route;
pub(crate) mod routes;
pub(crate) mod run;
pub(crate) mod schema;

mod fetch;
mod input;
mod inputs;
mod output;
mod reading;
mod session;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gateway_codegen::config::Threshold;

pub(crate) use session::{Exit, Session};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen dev api.yaml --mock              serve a document now
  gateway-codegen generate api.yaml --out gateway  write the crate
  gateway-codegen lint api.yaml                    everything wrong, with its place
  gateway-codegen check                            for CI: fine and up to date?

Exit codes:
    0  fine
    1  the document has findings
    2  wrong invocation
    4  the crate is not what the document says (--check)
    5  a generated file was edited by hand (--force overwrites it)
    6  input, output or cargo failed
  101  a bug in this program: please report it

Environment: GATEWAY_CODEGEN_CONFIG, _FORMAT, _COLOR, _ROOT, _ALLOW_REF_HOST, _REF_CACHE,
_PARAM (values with spaces between them), _PARAMS, _RESOURCE, _FAIL_ON, _DENY, _WARN
and _ALLOW stand for the options of these names. A flag wins over the environment, the
environment over gateway-codegen.toml.";

/// Compiles an OpenAPI document into a gateway: a small, readable Rust crate that builds to one binary.
#[derive(Debug, Parser)]
#[command(name = "gateway-codegen", version, after_help = EXAMPLES, args_override_self = true, max_term_width = 100)]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    Generate(generate::Generate),
    Dev(dev::Dev),
    Run(run::Run),
    Lint(lint::Lint),
    Check(check::Check),
    Explain(explain::Explain),
    Routes(routes::Routes),
    Route(route::Route),
    Bundle(bundle::Bundle),
    Init(init::Init),
    Schema(schema::Schema),
    Completion(completion::Completion),
    Man(man::Man),
}

/// What holds for every verb.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Configuration [default: gateway-codegen.toml, if it is there]
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        env = "GATEWAY_CODEGEN_CONFIG",
        hide_env = true
    )]
    pub(crate) config: Option<PathBuf>,
    /// Work in this folder; all other paths are relative to it
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) folder: Option<PathBuf>,
    /// How messages and tables are printed: human, short, json, sarif or github [default:
    /// human]
    #[arg(
        long,
        value_name = "FORMAT",
        global = true,
        hide_possible_values = true,
        hide_default_value = true,
        default_value = "human",
        env = "GATEWAY_CODEGEN_FORMAT",
        hide_env = true
    )]
    pub(crate) format: Format,
    /// Colours: auto, always or never [default: auto, which NO_COLOR switches off]
    #[arg(
        long,
        value_name = "WHEN",
        global = true,
        hide_possible_values = true,
        hide_default_value = true,
        default_value = "auto",
        env = "GATEWAY_CODEGEN_COLOR",
        hide_env = true
    )]
    pub(crate) color: Color,
    /// Give a parameter of the document its value; can be given more than once
    #[arg(long, value_name = "NAME=VALUE", global = true, value_parser = route::pair)]
    pub(crate) param: Vec<(String, String)>,
    /// Values of parameters, as JSON or YAML: an object, the AWS CLI's list, or CodePipeline's file
    #[arg(
        long,
        value_name = "FILE",
        global = true,
        env = "GATEWAY_CODEGEN_PARAMS",
        hide_env = true
    )]
    pub(crate) params: Option<PathBuf>,
    /// The API to take out of a template that has several: its logical id
    #[arg(
        long,
        value_name = "ID",
        global = true,
        env = "GATEWAY_CODEGEN_RESOURCE",
        hide_env = true
    )]
    pub(crate) resource: Option<String>,
    /// Errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Notes too, and what is being done
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// The mildest finding that makes a run fail: error, warning or note [default: error]
    #[arg(
        long,
        value_name = "SEVERITY",
        global = true,
        hide_possible_values = true,
        env = "GATEWAY_CODEGEN_FAIL_ON",
        hide_env = true
    )]
    pub(crate) fail_on: Option<Severity>,
    /// Findings of this rule are errors
    #[arg(
        long,
        value_name = "CODE",
        global = true,
        env = "GATEWAY_CODEGEN_DENY",
        value_delimiter = ',',
        hide_env = true
    )]
    pub(crate) deny: Vec<String>,
    /// Findings of this rule are warnings
    #[arg(
        long,
        value_name = "CODE",
        global = true,
        env = "GATEWAY_CODEGEN_WARN",
        value_delimiter = ',',
        hide_env = true
    )]
    pub(crate) warn: Vec<String>,
    /// Findings of this rule are not reported
    #[arg(
        long,
        value_name = "CODE",
        global = true,
        env = "GATEWAY_CODEGEN_ALLOW",
        value_delimiter = ',',
        hide_env = true
    )]
    pub(crate) allow: Vec<String>,
    /// Folder that `$ref`s may not leave [default: the document's]
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        env = "GATEWAY_CODEGEN_ROOT",
        hide_env = true
    )]
    pub(crate) root: Option<PathBuf>,
    /// Fetch `$ref`s to this host, over HTTPS; can be given more than once
    #[arg(
        long,
        value_name = "HOST",
        global = true,
        env = "GATEWAY_CODEGEN_ALLOW_REF_HOST",
        value_delimiter = ',',
        hide_env = true,
        value_parser = fetch::host
    )]
    pub(crate) allow_ref_host: Vec<String>,
    /// Folder in which fetched files are kept, and read from [default: .gateway-codegen/refs]
    #[arg(
        long,
        value_name = "DIR",
        global = true,
        env = "GATEWAY_CODEGEN_REF_CACHE",
        hide_env = true
    )]
    pub(crate) ref_cache: Option<PathBuf>,
}

/// How messages and tables are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// With the lines they are about
    Human,
    /// One line each
    Short,
    /// For programs
    Json,
    /// Findings as SARIF 2.1.0, for code scanning; all else one line each
    Sarif,
    /// Findings as annotations of a change on GitHub; all else one line each
    Github,
}

/// Whether output is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How bad a finding is, as `--fail-on` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Severity {
    /// Nothing can be generated
    Error,
    /// Probably not what was meant
    Warning,
    /// Worth knowing
    Note,
}

impl From<Severity> for Threshold {
    fn from(severity: Severity) -> Threshold {
        match severity {
            Severity::Error => Threshold::Error,
            Severity::Warning => Threshold::Warning,
            Severity::Note => Threshold::Note,
        }
    }
}
