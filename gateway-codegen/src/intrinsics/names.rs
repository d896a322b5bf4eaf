//! What names stand for: parameters, pseudo parameters, resources and their attributes.

use std::rc::Rc;

use gateway_runtime::expr::is_parameter;
use serde_json::Value;

use super::functions::{Made, Reported};
use super::text::Text;
use super::walk::{At, Walk};
use crate::findings::brief;
use crate::suggest;

/// Pseudo parameters. Their values do not depend on the machine, so that a document always generates the same gateway.
const PSEUDO: &[&str] = &[
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];

/// Resources that are Lambda functions: their logical ids are their names.
const FUNCTIONS: &[&str] = &["AWS::Serverless::Function", "AWS::Lambda::Function"];

/// Where a name stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around<'a> {
    /// The text before it, in the same text.
    pub(super) before: &'a Text,
    /// Whether the text is the address of an integration or an authorizer.
    pub(super) address: bool,
    /// Whether a function of CloudFormation names it, so that its template has it.
    pub(super) declared: bool,
}

impl Walk<'_> {
    /// What `Ref` of a name, or the name in `Fn::Sub`, stands for.
    pub(super) fn name(
        &mut self,
        name: &str,
        around: Around<'_>,
        at: &At,
    ) -> Result<Made<'static>, Reported> {
        let template = Rc::clone(&self.evaluation.template);
        let parameter = template.parameters.get(name);
        if parameter.is_some_and(|it| super::template::is_true(it.get("NoEcho"))) {
            return self.fault(
                at,
                "parameter-secret",
                format!("parameter `{}` is a secret (`NoEcho`)", brief(name)),
                "a stage variable from the environment or a file holds secrets: `x-gateway: { stages: { prod: { variables: { key: { env: KEY } } } } }`",
            );
        }
        if let Some(value) = self.given(name) {
            if let Some(parameter) = parameter {
                self.allowed(name, &value, parameter, at)?;
            }
            return Ok(typed(value, parameter));
        }
        if name.starts_with("AWS::") {
            return self.pseudo(name, at);
        }
        if let Some(parameter) = parameter {
            let kind = parameter
                .get("Type")
                .and_then(Value::as_str)
                .unwrap_or_default();
            // The default of such a parameter is the name of the one that Systems Manager has.
            let stored = kind.starts_with("AWS::SSM::Parameter::Value");
            let default = parameter.get("Default").filter(|_| !stored);
            if let Some(default) = default.and_then(super::template::scalar) {
                return Ok(typed(default, Some(parameter)));
            }
            let about = parameter.get("Description").and_then(Value::as_str);
            return Ok(Made::Text(self.open(name, about.unwrap_or_default())));
        }
        match template.resources.get(name).map(String::as_str) {
            Some(kind) if FUNCTIONS.contains(&kind) => return Ok(Made::Text(Text::known(name))),
            Some(kind) => {
                let about = format!("`Ref` of the {kind} `{name}`");
                return Ok(Made::Text(self.open(name, &about)));
            }
            None => {}
        }
        if around.declared && template.present {
            let known = template.parameters.keys().chain(template.resources.keys());
            let help = suggest::help(name, known.map(String::as_str));
            let message = format!(
                "the template has no parameter or resource `{}`",
                brief(name)
            );
            return self.fault(at, "template-name", message, help);
        }
        if !template.present && around.before.ends_with(":function:") {
            return Ok(Made::Text(Text::known(name)));
        }
        Ok(Made::Text(self.open(name, "")))
    }

    /// What an attribute of a resource is.
    pub(super) fn attribute(
        &mut self,
        resource: &str,
        attribute: &str,
        around: Around<'_>,
        at: &At,
    ) -> Result<Text, Reported> {
        let whole = format!("{resource}.{attribute}");
        if let Some(value) = self.given(&whole) {
            return Ok(Text::known(value));
        }
        let template = Rc::clone(&self.evaluation.template);
        let kind = template.resources.get(resource).map(String::as_str);
        if kind.is_none() && around.declared && template.present {
            let known = template.resources.keys().map(String::as_str);
            let message = format!("the template has no resource `{}`", brief(resource));
            return self.fault(at, "template-name", message, suggest::help(resource, known));
        }
        let is_function = match kind {
            Some(kind) => FUNCTIONS.contains(&kind),
            // Without its template a function is known by where its ARN stands.
            None => {
                around.address && around.before.is_empty() || around.before.ends_with("functions/")
            }
        };
        if is_function && attribute == "Arn" {
            let mut arn = Text::known("arn:");
            for (name, behind) in [
                ("AWS::Partition", ":lambda:"),
                ("AWS::Region", ":"),
                ("AWS::AccountId", ":function:"),
            ] {
                if let Made::Text(value) = self.name(name, around, at)? {
                    arn.push(value);
                }
                arn.push(Text::known(behind));
            }
            arn.push(Text::known(resource));
            return Ok(arn);
        }
        let about = match kind {
            Some(kind) => format!("`{attribute}` of the {kind} `{resource}`"),
            None => format!("`{attribute}` of the resource `{resource}`"),
        };
        Ok(self.open(&whole, &about))
    }

    /// The value that was given for a name.
    pub(super) fn given(&mut self, name: &str) -> Option<String> {
        let value = self.inputs.get(name)?.to_owned();
        self.evaluation.used.insert(name.to_owned());
        Some(value)
    }

    /// The value of a deployment parameter.
    pub(super) fn open(&mut self, name: &str, about: &str) -> Text {
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.:/-".contains(c);
        let name: String = match is_parameter(name) {
            true => name.to_owned(),
            false => name
                .chars()
                .take(255)
                .map(|c| if legal(c) { c } else { '_' })
                .collect(),
        };
        if name.is_empty() {
            return Text::default();
        }
        let known = &mut self.document.evaluated.open;
        known
            .entry(name.clone())
            .or_insert_with(|| about.to_owned());
        Text::open(name)
    }

    fn pseudo(&mut self, name: &str, at: &At) -> Result<Made<'static>, Reported> {
        let region = self.inputs.get("AWS::Region").unwrap_or("us-east-1");
        let partition = match region {
            _ if region.starts_with("cn-") => "aws-cn",
            _ if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let value = match name {
            "AWS::NoValue" => return Ok(Made::Nothing),
            "AWS::NotificationARNs" => return Ok(Made::List(Vec::new())),
            "AWS::Region" => region.to_owned(),
            "AWS::AccountId" => "123456789012".to_owned(),
            "AWS::Partition" => partition.to_owned(),
            "AWS::URLSuffix" if partition == "aws-cn" => "amazonaws.com.cn".to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            "AWS::StackName" => "stack".to_owned(),
            "AWS::StackId" => {
                let account = self.inputs.get("AWS::AccountId").unwrap_or("123456789012");
                let stack = self.inputs.get("AWS::StackName").unwrap_or("stack");
                format!(
                    "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/00000000-0000-0000-0000-000000000000"
                )
            }
            _ => {
                let message = format!("there is no pseudo parameter `{}`", brief(name));
                let help = suggest::help(name, PSEUDO.iter().copied());
                return self.fault(at, "template-name", message, help);
            }
        };
        self.taken.push((name.to_owned(), value.clone()));
        Ok(Made::Text(Text::known(value)))
    }

    /// Whether a parameter of a template takes a value.
    fn allowed(
        &mut self,
        name: &str,
        value: &str,
        parameter: &Value,
        at: &At,
    ) -> Result<(), Reported> {
        let Some(Value::Array(allowed)) = parameter.get("AllowedValues") else {
            return Ok(());
        };
        let allowed: Vec<String> = allowed.iter().filter_map(super::template::scalar).collect();
        if allowed.iter().any(|allowed| allowed == value) {
            return Ok(());
        }
        self.fault(
            at,
            "parameter-value",
            format!(
                "parameter `{}` does not take `{}`",
                brief(name),
                brief(value)
            ),
            suggest::one_of(allowed.iter().map(String::as_str)),
        )
    }
}

/// A value as a parameter of a template has it: a list, where it is one.
fn typed(value: String, parameter: Option<&Value>) -> Made<'static> {
    let kind = parameter
        .and_then(|parameter| parameter.get("Type"))
        .and_then(Value::as_str);
    let is_list = kind.is_some_and(|kind| kind == "CommaDelimitedList" || kind.contains("List<"));
    match is_list {
        true => Made::List(
            value
                .split(',')
                .map(|item| item.trim().to_owned())
                .collect(),
        ),
        false => Made::Text(Text::known(value)),
    }
}
