//! `schema`: the JSON Schemas of what this program reads and prints.

use clap::ValueEnum;
use gateway_codegen::config::Config;

use super::{Exit, Session};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen schema extension > x-gateway.schema.json    for editors
  gateway-codegen schema findings                             for programs";

/// Print a JSON Schema, for editors and programs
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Schema {
    /// What is described
    of: Subject,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Subject {
    /// The extension `x-gateway`
    Extension,
    /// gateway-codegen.toml
    Config,
    /// What `--format json` prints about documents
    Findings,
}

pub(crate) fn run(session: &Session, verb: &Schema) -> Exit {
    let schema = match verb.of {
        Subject::Extension => gateway_codegen::lower::native::schema(),
        Subject::Config => Config::schema(),
        Subject::Findings => gateway_codegen::findings::schema(),
    };
    session.data(&format!("{schema:#}\n"))
}
