//! `lint`: everything wrong with documents.

use std::path::PathBuf;

use super::{Exit, Session};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen lint api.yaml
  gateway-codegen lint specs/*.yaml --fail-on warning
  gateway-codegen lint api.yaml --deny delegated-security
  gateway-codegen lint api.yaml --format json | jq '.[].code'";

/// Print everything wrong with documents, each fault at its place
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lint {
    /// OpenAPI documents; without any, those of gateway-codegen.toml
    #[arg(value_name = "SPEC")]
    specs: Vec<PathBuf>,
}

pub(crate) fn run(session: &Session, verb: &Lint) -> Exit {
    let configuration = match session.configuration() {
        Ok(configuration) => configuration,
        Err(exit) => return exit,
    };
    let mut specs = verb.specs.clone();
    if specs.is_empty() {
        let listed = configuration.config.gateway.iter();
        specs = listed
            .map(|entry| configuration.folder.join(&entry.spec))
            .collect();
    }
    if specs.is_empty() {
        return session.refuse(
            "no document to lint",
            "name one, or list it in gateway-codegen.toml",
        );
    }
    match session.lint(&specs) {
        Ok((report, exit)) => exit.max(session.data(&report)),
        Err(exit) => exit,
    }
}
