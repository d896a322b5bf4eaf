//! `completion`: what a shell needs to complete commands.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::{CommandLine, Exit, Session};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen completion bash > /etc/bash_completion.d/gateway-codegen
  gateway-codegen completion fish > ~/.config/fish/completions/gateway-codegen.fish
  gateway-codegen completion zsh > ~/.zfunc/_gateway-codegen";

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completion {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(session: &Session, verb: &Completion) -> Exit {
    let mut command = CommandLine::command();
    let mut script = Vec::new();
    clap_complete::generate(verb.shell, &mut command, "gateway-codegen", &mut script);
    session.data(&String::from_utf8_lossy(&script))
}
