//! `explain`: what a finding means.

use gateway_codegen::check::{self, RULES, Rule};
use gateway_codegen::suggest;
use serde_json::{Value, json};

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
    let json = session.format() == Format::Json;
    let Some(code) = &verb.code else {
        let list: Vec<&Rule> = RULES.iter().collect();
        return session.data(&if json { objects(&list) } else { table(&list) });
    };
    match check::rule(code) {
        Some(rule) if json => session.data(&objects(&[rule])),
        Some(rule) => session.data(&rule.explain()),
        None => session.no_rule(code),
    }
}

fn objects(rules: &[&Rule]) -> String {
    let list = rules.iter().map(|rule| {
        json!({
            "code": rule.code,
            "severity": rule.severity.name(),
            "purpose": rule.purpose,
            "help": rule.help,
            "example": rule.example,
        })
    });
    format!("{:#}\n", Value::Array(list.collect()))
}

fn table(rules: &[&Rule]) -> String {
    let cells = |rule: &&Rule| {
        [rule.code, rule.severity.name(), rule.purpose]
            .map(str::to_owned)
            .to_vec()
    };
    let rows: Vec<Vec<String>> = rules.iter().map(cells).collect();
    output::table(&["CODE", "SEVERITY", "MEANING"], &rows)
}

impl Session {
    /// Says that there is no such rule.
    pub(crate) fn no_rule(&self, code: &str) -> Exit {
        let help = suggest::help(code, RULES.iter().map(|rule| rule.code));
        self.refuse(format!("there is no rule `{code}`"), help)
    }
}
