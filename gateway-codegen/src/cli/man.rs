//! `man`: manual pages.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_mangen::Man as Page;

use super::{CommandLine, Exit, Session};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen man | man -l -             read it now
  gateway-codegen man --out share/man/man1   one page for each verb";

/// Print the manual page, or write one for each verb
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Man {
    /// Write gateway-codegen.1 and one page for each verb into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(crate) fn run(session: &Session, verb: &Man) -> Exit {
    let command = CommandLine::command();
    let Some(folder) = &verb.out else {
        let mut page = Vec::new();
        return match Page::new(command).render(&mut page) {
            Ok(()) => session.data(&String::from_utf8_lossy(&page)),
            Err(error) => session.fail(format!("cannot print the page: {error}")),
        };
    };
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    match written {
        Ok(()) => {
            session.say(format!("wrote the pages into {}", folder.display()));
            Exit::Fine
        }
        Err(error) => session.fail(format!("cannot write to `{}`: {error}", folder.display())),
    }
}
