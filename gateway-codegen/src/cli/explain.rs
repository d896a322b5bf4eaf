//! `explain`: what a finding means.

use gateway_codegen::check::RULES;
use gateway_codegen::suggest;
use serde_json::json;

use super::{Exit, Format, Session, output};

const EXAMPLES: &str = "\
Examples:
  gateway-codegen explain                       every rule
  gateway-codegen explain throttle-burst-zero   one of them";

/// Explain the code of a finding; without one, list them all
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    /// What stands in brackets behind `error` or `warning`
    code: Option<String>,
}

pub(crate) fn run(session: &Session, verb: &Explain) -> Exit {
    let rules: Vec<_> = match &verb.code {
        None => RULES.iter().collect(),
        Some(code) => match RULES.iter().find(|rule| rule.code == code) {
            Some(rule) => vec![rule],
            None => {
                let help = suggest::help(code, RULES.iter().map(|rule| rule.code));
                return session.refuse(format!("there is no rule `{code}`"), help);
            }
        },
    };
    session.data(&match (session.format(), rules.as_slice()) {
        (Format::Json, rules) => {
            let list = rules.iter().map(|rule| {
                json!({
                    "code": rule.code,
                    "severity": rule.severity.name(),
                    "purpose": rule.purpose,
                    "help": rule.help,
                    "example": rule.example,
                })
            });
            format!("{:#}\n", serde_json::Value::Array(list.collect()))
        }
        (_, [rule]) if verb.code.is_some() => rule.explain(),
        (_, rules) => {
            let rows = rules.iter().map(|rule| vec![rule.code.to_owned(), rule.purpose.to_owned()]);
            output::table(&["CODE", "MEANING"], &rows.collect::<Vec<_>>())
        }
    })
}
