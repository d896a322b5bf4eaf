//! `check`: the gate for CI.

use super::generate::{self, Mode, Options};
use super::{Exit, Session};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen check                      every gateway of gateway-codegen.toml
  gateway-codegen check --fail-on warning    warnings fail too
  gateway-codegen -C services/shop check     of another folder

What it judges stands in gateway-codegen.toml:
  [[gateway]]
  spec = \"api.yaml\"
  out = \"gateway\"

  [lint]
  fail-on = \"warning\"";

/// Judge every gateway of gateway-codegen.toml: its document is fine, its crate is up to date
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {}

pub(crate) fn run(session: &Session, Check {}: &Check) -> Exit {
    let configuration = match session.configuration() {
        Ok(configuration) => configuration,
        Err(exit) => return exit,
    };
    if configuration.config.gateway.is_empty() {
        let (message, help) = match &configuration.file {
            None => (
                "there is no gateway-codegen.toml here",
                "`gateway-codegen init` writes one",
            ),
            Some(_) => (
                "gateway-codegen.toml lists no gateway",
                "add a `[[gateway]]`",
            ),
        };
        return session.refuse(message, help);
    }
    // A document that fails has no crate to compare; its findings were printed, and the others are still judged.
    let exit = generate::every(session, &Options::default(), Mode::Check);
    if exit == Exit::Fine {
        let count = configuration.config.gateway.len();
        let plural = if count == 1 { "" } else { "s" };
        session.say(format!("{count} gateway{plural} fine"));
    }
    exit
}
