//! `lint`: everything wrong with documents.

use std::path::PathBuf;

use super::input::Composition;
use super::{Exit, Session};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen lint api.yaml
  gateway-codegen lint specs/*.yaml --fail-on warning
  gateway-codegen lint api.yaml --overlay ours.yaml
  gateway-codegen lint api.yaml --deny delegated-security
  gateway-codegen lint api.yaml --format json | jq '.[].code'";

/// Print everything wrong with documents, each fault at its place
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lint {
    /// OpenAPI documents, each by itself, or together with --prefix; without any, those of gateway-codegen.toml
    #[arg(value_name = "SPEC")]
    specs: Vec<PathBuf>,
    #[command(flatten)]
    composition: Composition,
}

pub(crate) fn run(session: &Session, verb: &Lint) -> Exit {
    let configuration = match session.configuration() {
        Ok(configuration) => configuration,
        Err(exit) => return exit,
    };
    let asked = &verb.composition;
    let folder = configuration.folder.as_path();
    let gateways = configuration.config.gateway.iter();
    let inputs: Result<Vec<_>, Exit> = match verb.specs.as_slice() {
        [] => gateways
            .map(|entry| session.input_of(entry, folder, asked))
            .collect(),
        specs if !asked.prefix.is_empty() => session.input(specs, asked).map(|input| vec![input]),
        specs => specs
            .iter()
            .map(|spec| session.input(std::slice::from_ref(spec), asked))
            .collect(),
    };
    let inputs = match inputs {
        Ok(inputs) => inputs,
        Err(exit) => return exit,
    };
    if inputs.is_empty() {
        return session.refuse(
            "no document to lint",
            "name one, or list it in gateway-codegen.toml",
        );
    }
    match session.lint(&inputs) {
        Ok((report, exit)) => exit.max(session.data(&report)),
        Err(exit) => exit,
    }
}
