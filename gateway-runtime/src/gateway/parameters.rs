//! Deployment parameters: the texts that a gateway asks for when it starts.
//!
//! A value is one line, whatever place it is for, so that it can end neither a header field nor a line of the log; what is made of
//! it besides (an address, a path) is looked at where that is made. Parameters are no secrets: their values may be shown.

use crate::def::GatewayDef;
use crate::settings::StartFault;

/// The value of each parameter: the last that was given, else its default.
///
/// # Errors
/// One fault that names all that have no value; one for each value that is not one line, and for each name nobody asked for.
pub fn settled(
    def: &GatewayDef,
    given: &[(String, String)],
) -> Result<Vec<(String, String)>, Vec<StartFault>> {
    let mut faults = Vec::new();
    let mut values = Vec::new();
    let mut missing = Vec::new();
    for parameter in def.parameters {
        let value = given.iter().rev().find(|(name, _)| name == parameter.name);
        let value = value.map(|(_, value)| value.as_str());
        match value.or(parameter.default) {
            None => missing.push(parameter),
            Some(value) if value.chars().any(char::is_control) => faults.push(StartFault::new(
                format!(
                    "the value of parameter `{}` has a control character in it",
                    parameter.name
                ),
                "a value is one line of text",
            )),
            Some(value) => values.push((parameter.name.to_owned(), value.to_owned())),
        }
    }
    if !missing.is_empty() {
        let list: Vec<String> = missing
            .iter()
            .map(|parameter| match parameter.description {
                "" => format!("`{}`", parameter.name),
                about => format!("`{}` ({about})", parameter.name),
            })
            .collect();
        let flags: Vec<String> = missing
            .iter()
            .map(|parameter| format!("--param {}=VALUE", parameter.name))
            .collect();
        let (noun, verb) = match list.as_slice() {
            [_] => ("parameter", "has"),
            _ => ("parameters", "have"),
        };
        faults.push(StartFault::new(
            format!("{noun} {} {verb} no value", list.join(", ")),
            format!("give {}", flags.join(" ")),
        ));
    }
    for (name, _) in given {
        if !def.parameters.iter().any(|known| known.name == name) {
            let known: Vec<&str> = def.parameters.iter().map(|known| known.name).collect();
            faults.push(StartFault::new(
                format!("there is no parameter `{name}`"),
                match known.as_slice() {
                    [] => "this gateway has none, so drop --param".to_owned(),
                    known => format!("this gateway has {}", known.join(", ")),
                },
            ));
        }
    }
    match faults.is_empty() {
        true => Ok(values),
        false => Err(faults),
    }
}

/// The environment variable that gives one parameter its value: `GATEWAY_PARAM_TABLE_ARN` for `Table.Arn`.
pub fn twin(name: &str) -> String {
    let word: String = name
        .chars()
        .map(|c| match c.is_ascii_alphanumeric() {
            true => c.to_ascii_uppercase(),
            false => '_',
        })
        .collect();
    format!("GATEWAY_PARAM_{word}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::def::DeploymentParameterDef;
    use crate::testing::GATEWAY;

    const ASKING: GatewayDef = GatewayDef {
        parameters: &[
            DeploymentParameterDef {
                name: "Domain",
                description: "host of the shop",
                default: None,
            },
            DeploymentParameterDef {
                name: "Mode",
                description: "",
                default: Some("fast"),
            },
            DeploymentParameterDef {
                name: "Table.Arn",
                description: "",
                default: None,
            },
        ],
        ..GATEWAY
    };

    fn given(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn the_last_value_counts_and_defaults_fill_in() {
        let values = given(&[("Domain", "a"), ("Table.Arn", "t=1"), ("Domain", "b")]);
        assert_eq!(
            settled(&ASKING, &values),
            Ok(given(&[
                ("Domain", "b"),
                ("Mode", "fast"),
                ("Table.Arn", "t=1")
            ]))
        );
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let said = |values: &[(String, String)]| match settled(&ASKING, values) {
            Ok(values) => panic!("settled: {values:?}"),
            Err(faults) => faults
                .iter()
                .map(StartFault::to_string)
                .collect::<Vec<_>>()
                .join("\n"),
        };
        assert_eq!(
            said(&given(&[("domain", "a"), ("Mode", "a\nb")])),
            "the value of parameter `Mode` has a control character in it\n  help: a value is one line of text\n\
             parameters `Domain` (host of the shop), `Table.Arn` have no value\n  help: give --param Domain=VALUE --param Table.Arn=VALUE\n\
             there is no parameter `domain`\n  help: this gateway has Domain, Mode, Table.Arn"
        );
        assert_eq!(
            said(&given(&[("Domain", "a")])),
            "parameter `Table.Arn` has no value\n  help: give --param Table.Arn=VALUE"
        );
    }

    #[test]
    fn twins_are_names_that_shells_take() {
        assert_eq!(twin("Table.Arn"), "GATEWAY_PARAM_TABLE_ARN");
        assert_eq!(twin("AWS::Region"), "GATEWAY_PARAM_AWS__REGION");
    }
}
