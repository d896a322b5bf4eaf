//! What the person who generates a gateway says about its template: values of parameters, and which resource is meant.

use std::collections::BTreeMap;

use serde_json::Value;

/// Values for the evaluation of templates.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The logical id of the API to take out of a template that has several.
    pub resource: Option<String>,
    values: BTreeMap<String, Given>,
}

#[derive(Debug, Clone)]
struct Given {
    value: String,
    /// Whether it was given for this document alone, so that giving it in vain is a slip.
    asked: bool,
}

impl Inputs {
    /// Gives a parameter a value, in place of an earlier one. `asked`: for this document alone, so that it is warned of if nothing is
    /// made of it; the files of a deployment are for other templates too.
    pub fn give(&mut self, name: impl Into<String>, value: impl Into<String>, asked: bool) {
        let value = value.into();
        self.values.insert(name.into(), Given { value, asked });
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|given| given.value.as_str())
    }

    /// Names that were given for this document alone.
    pub(super) fn asked(&self) -> impl Iterator<Item = &str> {
        self.values
            .iter()
            .filter(|(_, given)| given.asked)
            .map(|(name, _)| name.as_str())
    }
}

/// Names and values of a file of parameters, in any of the forms that Amazon's tools write: a plain object; the list of
/// `ParameterKey` and `ParameterValue` of the AWS CLI; `{"Parameters": {…}}` of CodePipeline.
///
/// # Errors
/// What is wrong with it, and the pointer of where.
pub fn listed(root: &Value) -> Result<Vec<(String, String)>, (String, String)> {
    let fault = |pointer: &str, message: &str| Err((pointer.to_owned(), message.to_owned()));
    let members = match root {
        Value::Array(items) => {
            let mut pairs: Vec<(String, String)> = Vec::new();
            for (number, item) in items.iter().enumerate() {
                let name = item.get("ParameterKey").and_then(Value::as_str);
                let value = item.get("ParameterValue").and_then(scalar);
                let (Some(name), Some(value)) = (name, value) else {
                    let what = "an item is `{ ParameterKey: NAME, ParameterValue: TEXT }`";
                    return fault(&format!("/{number}"), what);
                };
                if pairs.iter().any(|(known, _)| known == name) {
                    return fault(&format!("/{number}"), "this parameter was given before");
                }
                pairs.push((name.to_owned(), value));
            }
            return Ok(pairs);
        }
        Value::Object(members) => match members.get("Parameters") {
            Some(Value::Object(inside)) => inside,
            _ => members,
        },
        _ => return fault("", "a file of parameters is an object or a list"),
    };
    let mut pairs = Vec::new();
    for (name, value) in members {
        match scalar(value) {
            Some(value) => pairs.push((name.clone(), value)),
            None => {
                let mut pointer = match std::ptr::eq(members, root.as_object().unwrap_or(members)) {
                    true => String::new(),
                    false => "/Parameters".to_owned(),
                };
                crate::load::escape(name, &mut pointer);
                return fault(
                    &pointer,
                    "the value of a parameter is a text, a number, true or false, or a list of them",
                );
            }
        }
    }
    Ok(pairs)
}

/// A value as CloudFormation passes it on: as text, lists with commas.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(items) => {
            let items: Option<Vec<String>> = items
                .iter()
                .map(|item| (!item.is_array()).then(|| scalar(item))?)
                .collect();
            Some(items?.join(","))
        }
        Value::Null | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_a_file_is_read() {
        let expected = Ok(vec![
            ("A".to_owned(), "a".to_owned()),
            ("B".to_owned(), "2,true".to_owned()),
        ]);
        for file in [
            json!({ "A": "a", "B": [2, true] }),
            json!({ "Parameters": { "A": "a", "B": "2,true" }, "Tags": { "x": "y" } }),
            json!([
                { "ParameterKey": "A", "ParameterValue": "a" },
                { "ParameterKey": "B", "ParameterValue": "2,true", "UsePreviousValue": false },
            ]),
        ] {
            assert_eq!(listed(&file), expected, "{file}");
        }
    }

    #[test]
    fn faults_say_where() {
        for (file, pointer) in [
            (json!("A=a"), ""),
            (json!({ "A/b": { "c": 1 } }), "/A~1b"),
            (json!({ "Parameters": { "A": null } }), "/Parameters/A"),
            (json!([{ "ParameterKey": "A" }]), "/0"),
            (
                json!([{ "ParameterKey": "A", "ParameterValue": 1 }, { "ParameterKey": "A", "ParameterValue": 1 }]),
                "/1",
            ),
            (json!({ "A": [[1]] }), "/A"),
        ] {
            let found = listed(&file).err().map(|(pointer, _)| pointer);
            assert_eq!(found.as_deref(), Some(pointer), "{file}");
        }
    }
}
