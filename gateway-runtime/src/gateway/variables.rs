//! Stage variables: where their values come from when a gateway starts.

use crate::def::{StageDef, VariableDef, VariableValue};
use crate::settings::{Settings, StartFault};
use crate::values::Variables;

/// Variables that were given at the start but that no stage has: most likely a slip of the pen.
pub(super) fn check_given(
    stages: &[&'static StageDef],
    settings: &Settings,
    faults: &mut Vec<StartFault>,
) {
    let declared = |name: &str| {
        stages.iter().any(|stage| {
            let canary = stage.canary.map_or(&[][..], |canary| canary.variables);
            stage
                .variables
                .iter()
                .chain(canary)
                .any(|variable| variable.name == name)
        })
    };
    if stages.is_empty() {
        return;
    }
    for (name, _) in &settings.stage_vars {
        if !declared(name) {
            faults.push(StartFault::new(
                format!("no stage that is served has a variable `{name}`"),
                "declare it in the document, or drop --stage-var",
            ));
        }
    }
}

/// `parameters`, and the values of a stage's variables; `more` go before them, as a canary's do. What was given at the start goes before both.
pub(super) fn read(
    stage: &'static StageDef,
    more: &'static [VariableDef],
    parameters: &Variables,
    settings: &Settings,
    faults: &mut Vec<StartFault>,
) -> Variables {
    let given = |name: &str| {
        settings
            .stage_vars
            .iter()
            .rev()
            .find(|(known, _)| known == name)
    };
    let overridden = |name: &str| more.iter().any(|variable| variable.name == name);
    let mut pairs: Vec<(String, String)> = Vec::new();
    let own = stage
        .variables
        .iter()
        .filter(|variable| !overridden(variable.name));
    for variable in own.chain(more) {
        let value = match given(variable.name) {
            Some((_, value)) => Ok(value.clone()),
            None => value(&variable.value),
        };
        match value {
            Ok(value) => pairs.push((variable.name.to_owned(), value)),
            Err(why) => faults.push(StartFault::new(
                format!(
                    "stage variable `{}` of stage `{}` has no value: {why}",
                    variable.name, stage.name
                ),
                format!("set it there, or give --stage-var {}=VALUE", variable.name),
            )),
        }
    }
    parameters.with_stage(pairs)
}

/// The value, or why there is none; the reason never holds one.
pub(super) fn value(from: &VariableValue) -> Result<String, String> {
    match from {
        VariableValue::Literal(text) => Ok((*text).to_owned()),
        VariableValue::Env(name) => match std::env::var(name) {
            Ok(value) => Ok(value),
            Err(std::env::VarError::NotPresent) => {
                Err(format!("the environment variable {name} is not set"))
            }
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(format!("the environment variable {name} is not text"))
            }
        },
        VariableValue::File(path) => match std::fs::read_to_string(path) {
            Ok(mut text) => {
                if text.ends_with('\n') {
                    text.pop();
                    if text.ends_with('\r') {
                        text.pop();
                    }
                }
                Ok(text)
            }
            Err(error) => Err(format!("the file {path} cannot be read ({})", error.kind())),
        },
    }
}
