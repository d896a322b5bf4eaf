//! `init`: the first configuration, and a document to start from where there is none.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use gateway_codegen::config::FILE_NAME;
use gateway_codegen::emit::text;

use super::{Exit, Session};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen init                   with a document to start from
  gateway-codegen init specs/shop.yaml   for a document that is there already";

/// The document that `init` writes; a test generates it.
pub(crate) const STARTER: &str = include_str!("starter.yaml");
const STARTER_NAME: &str = "api.yaml";

/// Write gateway-codegen.toml and, without a document, one to start from
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Init {
    /// OpenAPI document that is already there
    spec: Option<PathBuf>,
}

pub(crate) fn run(session: &Session, verb: &Init) -> Exit {
    let spec = verb.spec.as_deref().unwrap_or(Path::new(STARTER_NAME));
    if verb.spec.is_some() && !spec.is_file() {
        let message = format!("there is no document `{}`", spec.display());
        return session.refuse(
            message,
            "without a document, `init` writes one to start from",
        );
    }
    let mut files = vec![(Path::new(FILE_NAME), configuration(spec))];
    if verb.spec.is_none() {
        files.push((spec, STARTER.to_owned()));
    }
    if let Some((path, _)) = files
        .iter()
        .find(|(path, _)| path.symlink_metadata().is_ok())
    {
        let message = format!("`{}` is already there", path.display());
        return session.refuse(message, "nothing was written; `init` overwrites nothing");
    }
    for (path, text) in files {
        // `create_new`: what appeared since is not overwritten either.
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        match made.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => session.say(format!("wrote {}", path.display())),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return session.refuse(format!("`{}` is already there", path.display()), "");
            }
            Err(error) => {
                return session.fail(format!("cannot write `{}`: {error}", path.display()));
            }
        }
    }
    session.say(format!(
        "next: gateway-codegen dev {} --mock",
        spec.display()
    ));
    Exit::Fine
}

fn configuration(spec: &Path) -> String {
    let spec = text::toml_string(&spec.to_string_lossy());
    format!(
        "# What `gateway-codegen check` judges and `gateway-codegen generate` writes.\n\
         # `gateway-codegen schema config` prints every key.\n\
         \n\
         [[gateway]]\n\
         spec = {spec}\n\
         out = \"gateway\"\n\
         \n\
         [lint]\n\
         fail-on = \"warning\"\n"
    )
}
