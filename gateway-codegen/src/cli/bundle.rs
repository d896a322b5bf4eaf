//! `bundle`: everything a gateway is made of, as one document.

use std::path::PathBuf;

use clap::ValueEnum;
use gateway_codegen::compose::{self, Strip};
use gateway_codegen::findings::Findings;

use super::input::Composition;
use super::{Exit, Format, Session, output};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen bundle api.yaml > whole.yaml
  gateway-codegen bundle api.yaml --format json > whole.json
  gateway-codegen bundle api.yaml -o whole.json --strip-extensions
  gateway-codegen bundle shop.yaml billing.yaml --prefix billing.yaml=/billing
  gateway-codegen bundle api.yaml --overlay ours.yaml --include tag:public

Comments are not kept. What is written is read as the documents are: it makes the same gateway.";

/// Write one document that says what several files, documents and overlays say
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Bundle {
    /// OpenAPI documents
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
    #[command(flatten)]
    composition: Composition,
    /// Write it to this file; JSON if its name ends so [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave extensions out: gateway (x-gateway and x-amazon-) or all (x-) [default: gateway]
    #[arg(
        long,
        value_name = "WHICH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "gateway",
        hide_possible_values = true
    )]
    strip_extensions: Option<Extensions>,
}

/// Which extensions are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Extensions {
    /// Those for gateways
    Gateway,
    /// All
    All,
}

pub(crate) fn run(session: &Session, verb: &Bundle) -> Exit {
    match written(session, verb) {
        Ok(text) => match &verb.output {
            None => session.data(&text),
            Some(file) => match std::fs::write(file, text) {
                Ok(()) => Exit::Fine,
                Err(error) => session.fail(format!("cannot write `{}`: {error}", file.display())),
            },
        },
        Err(exit) => exit,
    }
}

fn written(session: &Session, verb: &Bundle) -> Result<String, Exit> {
    let input = session.input(&verb.specs, &verb.composition)?;
    session.can_be_opened(&input)?;
    let mut found = Findings::default();
    let (sources, inputs) = (session.sources()?, session.inputs(&input.paths())?);
    let (document, fine) = compose::bundle(&input, sources, &inputs, &mut found);
    let reading = session.judged(document, fine.then_some(()), found)?;
    session.tell(&reading);
    if reading.gateway.is_none() {
        return Err(Exit::Findings);
    }
    let Some(mut root) = reading.document.root().map(|root| root.value().clone()) else {
        return Err(Exit::Findings);
    };
    match verb.strip_extensions {
        Some(Extensions::Gateway) => compose::strip(&mut root, Strip::Gateway),
        Some(Extensions::All) => compose::strip(&mut root, Strip::All),
        None => {}
    }
    let named = verb.output.as_ref().and_then(|file| file.extension());
    let json = session.format() == Format::Json
        || named.is_some_and(|end| end.eq_ignore_ascii_case("json"));
    output::document(&root, json).map_err(|error| session.fail(error))
}
