//! The verbs and the exit codes of `gateway-codegen`; nothing else.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;
use cli::{CommandLine, Exit, Session, Verb};

fn main() -> ExitCode {
    // Wrong flags end here, with 2; `--help` and `--version` with 0.
    let CommandLine { global, verb } = CommandLine::parse();
    let exit = match Session::start(global) {
        Err(exit) => exit,
        Ok(session) => match verb {
            Verb::Generate(verb) => cli::generate::run(&session, &verb),
            Verb::Dev(verb) => cli::dev::run(&session, &verb),
            Verb::Run(verb) => cli::run::run(&session, &verb),
            Verb::Lint(verb) => cli::lint::run(&session, &verb),
            Verb::Check(verb) => cli::check::run(&session, &verb),
            Verb::Explain(verb) => cli::explain::run(&session, &verb),
            Verb::Routes(verb) => cli::routes::run(&session, &verb),
            Verb::Route(verb) => cli::route::run(&session, &verb),
            Verb::Bundle(verb) => cli::bundle::run(&session, &verb),
            Verb::Init(verb) => cli::init::run(&session, &verb),
            Verb::Schema(verb) => cli::schema::run(&session, &verb),
            Verb::Completion(verb) => cli::completion::run(&session, &verb),
            Verb::Man(verb) => cli::man::run(&session, &verb),
        },
    };
    ExitCode::from(exit)
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Fine => 0,
            Exit::Findings => 1,
            Exit::Invocation => 2,
            Exit::Stale => 4,
            Exit::EditedByHand => 5,
            Exit::Failed => 6,
        })
    }
}
