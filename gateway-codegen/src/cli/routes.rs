//! `routes`: what a gateway would serve.

use std::path::PathBuf;

use gateway_codegen::emit::surface::{self, Row};
use gateway_codegen::suggest;

use super::input::Composition;
use super::{Exit, Format, Session, output};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen routes api.yaml
  gateway-codegen routes api.yaml --stage prod
  gateway-codegen routes api.yaml --format json |
      jq '.[] | select(.access == \"public\") | .path'";

/// List what a document serves: who may call it, how often, what is kept, where it goes
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Routes {
    /// OpenAPI documents of one gateway
    #[arg(required = true, value_name = "SPEC")]
    specs: Vec<PathBuf>,
    #[command(flatten)]
    composition: Composition,
    /// One stage alone
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
}

pub(crate) fn run(session: &Session, verb: &Routes) -> Exit {
    let input = session.input(&verb.specs, &verb.composition);
    let gateway = match input.and_then(|input| session.read(&input)) {
        Ok((_, gateway)) => gateway,
        Err(exit) => return exit,
    };
    if let Some(stage) = &verb.stage
        && !gateway.stages.contains_key(stage)
    {
        return session.no_stage(stage, &gateway);
    }
    let mut rows = surface::rows(gateway_codegen::assemble::defs(&gateway));
    rows.retain(|row| verb.stage.as_ref().is_none_or(|stage| row.stage == *stage));
    session.data(&match session.format() {
        Format::Json => match serde_json::to_string_pretty(&rows) {
            Ok(text) => text + "\n",
            Err(error) => return session.fail(error.to_string()),
        },
        Format::Short | Format::Sarif | Format::Github => surface::table(&rows),
        Format::Human => human(&rows),
    })
}

/// A table for each stage.
fn human(rows: &[Row]) -> String {
    let mut text = String::new();
    for rows in rows.chunk_by(|a, b| a.stage == b.stage) {
        let Some(first) = rows.first() else { continue };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("stage {}\n", output::plain(&first.stage)));
        let or_dash = |text: &str| match text {
            "" => "-".to_owned(),
            text => output::plain(text),
        };
        let cells = rows.iter().map(|row| {
            [
                &row.method,
                &row.path,
                &row.operation,
                &row.access,
                &row.throttle,
                &row.cache,
                &row.target,
            ]
            .map(|cell| or_dash(cell))
            .to_vec()
        });
        let head = [
            "METHOD",
            "PATH",
            "OPERATION",
            "ACCESS",
            "THROTTLE",
            "CACHE",
            "TARGET",
        ];
        text.push_str(&output::table(&head, &cells.collect::<Vec<_>>()));
    }
    text
}

impl Session {
    /// Says that the document has no such stage.
    pub(crate) fn no_stage(&self, name: &str, gateway: &gateway_codegen::model::Gateway) -> Exit {
        let help = suggest::help(name, gateway.stages.keys().map(String::as_str));
        self.refuse(format!("there is no stage `{name}`"), help)
    }
}
