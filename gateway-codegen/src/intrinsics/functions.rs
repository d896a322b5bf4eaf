//! CloudFormation's functions, one by one.

use std::rc::Rc;

use serde_json::Value;

use super::Call;
use super::names::Around;
use super::text::{Part, Text, base64, parts};
use super::walk::{At, Walk};
use crate::findings::brief;
use crate::suggest;

/// What a function made.
#[derive(Debug)]
pub(super) enum Made<'v> {
    /// A text.
    Text(Text),
    /// A list of texts.
    List(Vec<String>),
    /// A number, a truth value, null.
    Scalar(Value),
    /// A part of the argument, and where it stands; it may hold functions itself.
    Part(&'v Value, At),
    /// What another file holds, and may hold functions itself.
    File(Value, At),
    /// Nothing: whatever it stands for is left out.
    Nothing,
}

/// A fault that has its finding.
#[derive(Debug)]
pub(super) struct Reported;

/// Functions that are evaluated.
const KNOWN: &[&str] = &[
    "Ref",
    "Fn::Base64",
    "Fn::FindInMap",
    "Fn::GetAtt",
    "Fn::If",
    "Fn::ImportValue",
    "Fn::Join",
    "Fn::Length",
    "Fn::Select",
    "Fn::Split",
    "Fn::Sub",
    "Fn::ToJsonString",
    "Fn::Transform",
];

/// Functions whose values only Amazon knows.
const REMOTE: &[&str] = &["Fn::Cidr", "Fn::GetAZs"];

impl Walk<'_> {
    /// Reports a fault at a place.
    pub(super) fn fault<T>(
        &mut self,
        at: &At,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Result<T, Reported> {
        self.found.error(code, at.place(), message, help);
        Err(Reported)
    }

    fn shape<T>(&mut self, at: &At, name: &str, form: &str) -> Result<T, Reported> {
        self.fault(
            at,
            "template-function",
            format!("`{}` has another form", brief(name)),
            form,
        )
    }

    /// Takes a step into the evaluation, which [`Budget::leave`](super::budget::Budget::leave) ends.
    pub(super) fn enter(&mut self, at: &At) -> Result<(), Reported> {
        match self.evaluation.budget.enter() {
            true => Ok(()),
            false => self.spent(at),
        }
    }

    /// Accounts for a text that was made.
    pub(super) fn made(&mut self, bytes: usize, length: usize, at: &At) -> Result<(), Reported> {
        match self.evaluation.budget.make(bytes, length) {
            true => Ok(()),
            false => self.spent(at),
        }
    }

    fn spent<T>(&mut self, at: &At) -> Result<T, Reported> {
        if !std::mem::replace(&mut self.evaluation.budget.told, true) {
            self.found.error(
                "template-too-large",
                at.place(),
                "its functions make more than can be evaluated",
                "one text may have 1 MiB, all of them together 64 MiB, made in 200,000 steps that nest 100 deep",
            );
        }
        Err(Reported)
    }

    /// Evaluates a function; its value stands at `at`.
    pub(super) fn call<'v>(&mut self, call: &Call<'v>, at: &At) -> Result<Made<'v>, Reported> {
        self.enter(at)?;
        let made = self.called(call, at);
        self.evaluation.budget.leave();
        made
    }

    fn called<'v>(&mut self, call: &Call<'v>, at: &At) -> Result<Made<'v>, Reported> {
        let inside = at.member(call.member);
        let (name, argument) = (call.name.as_ref(), call.argument);
        match name {
            "Ref" => match argument {
                Value::String(text) => {
                    let before = Text::default();
                    let around = self.around(&before, true);
                    self.name(text, around, at)
                }
                _ => self.shape(at, name, "as in `Ref: NAME`"),
            },
            "Fn::GetAtt" => self.get_attribute(argument, at, &inside),
            "Fn::Sub" => self.substitute(argument, at, &inside),
            "Fn::Join" => self.join(argument, at, &inside),
            "Fn::Select" => self.select(argument, at, &inside),
            "Fn::Split" => self.split(argument, at, &inside).map(Made::List),
            "Fn::If" => self.choose(argument, at, &inside),
            "Fn::FindInMap" => self.find_in_map(argument, at, &inside),
            "Fn::ImportValue" => {
                let export = self.known(argument, &inside)?;
                Ok(Made::Text(match self.given(&export) {
                    Some(value) => Text::known(value),
                    None => self.open(&export, "exported by another stack"),
                }))
            }
            "Fn::Base64" => {
                let text = self.known(argument, &inside)?;
                let made = base64(text.as_bytes());
                self.made(made.len(), made.len(), at)?;
                Ok(Made::Text(Text::known(made)))
            }
            "Fn::Length" => {
                let length = match self.value(argument, &inside)? {
                    Made::List(items) => items.len(),
                    Made::Part(Value::Array(items), _) => items.len(),
                    _ => return self.shape(at, name, "as in `Fn::Length: [a, b]`"),
                };
                Ok(Made::Scalar(Value::from(length)))
            }
            "Fn::ToJsonString" => {
                if super::walk::has_work(argument) {
                    let help = "write the text, with `Fn::Sub` for what is in it";
                    let message = "`Fn::ToJsonString` of what holds functions is not evaluated";
                    return self.fault(at, "template-function", message, help);
                }
                let text = argument.to_string();
                self.made(text.len(), text.len(), at)?;
                Ok(Made::Text(Text::known(text)))
            }
            "Fn::Transform" => self.include(argument, at, &inside),
            _ if REMOTE.contains(&name) => self.fault(
                at,
                "template-function",
                format!("what `{name}` gives is known to Amazon alone"),
                "write the value",
            ),
            _ if name.starts_with("Fn::ForEach") => self.fault(
                at,
                "template-function",
                "`Fn::ForEach` is not evaluated",
                "write out what it makes",
            ),
            _ => {
                let message = format!("there is no function `{}` here", brief(name));
                let help = suggest::help(name, KNOWN.iter().copied());
                self.fault(at, "template-function", message, help)
            }
        }
    }

    /// What a name stands in.
    fn around<'a>(&self, before: &'a Text, declared: bool) -> Around<'a> {
        Around {
            before,
            address: matches!(self.member_name(), "uri" | "authorizerUri"),
            declared,
        }
    }

    /// The value of an argument: what a function makes, or what stands there.
    pub(super) fn value<'v>(&mut self, value: &'v Value, at: &At) -> Result<Made<'v>, Reported> {
        if let Some(call) = Call::of(value) {
            return self.call(&call, at);
        }
        Ok(match value {
            Value::String(text) => {
                self.made(text.len(), text.len(), at)?;
                Made::Text(Text::known(text.as_str()))
            }
            Value::Array(_) | Value::Object(_) => Made::Part(value, at.clone()),
            scalar => Made::Scalar(scalar.clone()),
        })
    }

    /// An argument that is a text.
    pub(super) fn text(&mut self, value: &Value, at: &At) -> Result<Text, Reported> {
        match self.value(value, at)? {
            Made::Text(text) => Ok(text),
            Made::Scalar(Value::Bool(flag)) => Ok(Text::known(flag.to_string())),
            Made::Scalar(Value::Number(number)) => Ok(Text::known(number.to_string())),
            // SAM's own output has null where it knows no value.
            Made::Nothing | Made::Scalar(Value::Null) => Ok(Text::default()),
            Made::Scalar(_) | Made::List(_) | Made::Part(..) | Made::File(..) => {
                self.fault(at, "template-function", "a text is wanted here", "")
            }
        }
    }

    /// An argument that is a text and is known now.
    pub(super) fn known(&mut self, value: &Value, at: &At) -> Result<String, Reported> {
        let text = self.text(value, at)?;
        match text.first_open() {
            None => Ok(text.written(|_| String::new())),
            Some(name) => {
                let name = name.to_owned();
                self.must_be_known(&name, at)
            }
        }
    }

    /// Reports a name without a value where one is needed now.
    pub(super) fn must_be_known<T>(&mut self, name: &str, at: &At) -> Result<T, Reported> {
        let (message, help) = crate::lower::must_be_known(name);
        self.fault(at, "parameter-open", message, help)
    }

    /// An argument that is a list of texts.
    fn list(&mut self, value: &Value, at: &At, form: &str) -> Result<Vec<Text>, Reported> {
        let (items, at) = match self.value(value, at)? {
            Made::List(items) => return Ok(items.into_iter().map(Text::known).collect()),
            Made::Part(Value::Array(items), at) => (items, at),
            Made::Text(text) if text.first_open().is_some() => {
                let name = text.first_open().unwrap_or_default().to_owned();
                return self.must_be_known(&name, at);
            }
            _ => return self.fault(at, "template-function", "a list is wanted here", form),
        };
        let mut texts = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let at = at.item(number);
            match self.value(item, &at)? {
                Made::Nothing => {}
                Made::List(items) => texts.extend(items.into_iter().map(Text::known)),
                Made::Text(text) => texts.push(text),
                Made::Scalar(scalar) if !scalar.is_null() => {
                    texts.push(Text::known(scalar.to_string()));
                }
                _ => return self.fault(&at, "template-function", "a text is wanted here", ""),
            }
        }
        Ok(texts)
    }

    fn get_attribute(
        &mut self,
        argument: &Value,
        at: &At,
        inside: &At,
    ) -> Result<Made<'static>, Reported> {
        let form = "as in `Fn::GetAtt: [RESOURCE, ATTRIBUTE]`";
        let (resource, attribute) = match argument {
            Value::String(text) => match text.split_once('.') {
                Some((resource, attribute)) => (resource.to_owned(), attribute.to_owned()),
                None => return self.shape(at, "Fn::GetAtt", form),
            },
            Value::Array(items) => match items.as_slice() {
                [Value::String(resource), attribute] => {
                    (resource.clone(), self.known(attribute, &inside.item(1))?)
                }
                _ => return self.shape(at, "Fn::GetAtt", form),
            },
            _ => return self.shape(at, "Fn::GetAtt", form),
        };
        let before = Text::default();
        let around = self.around(&before, true);
        self.attribute(&resource, &attribute, around, at)
            .map(Made::Text)
    }

    fn substitute(
        &mut self,
        argument: &Value,
        at: &At,
        inside: &At,
    ) -> Result<Made<'static>, Reported> {
        let form = "as in `Fn::Sub: \"https://${Host}/\"`, or `Fn::Sub: [TEXT, { Host: VALUE }]`";
        let (text, own) = match argument {
            Value::String(text) => (text, None),
            Value::Array(items) => match items.as_slice() {
                [Value::String(text)] => (text, None),
                [Value::String(text), Value::Object(own)] => (text, Some(own)),
                _ => return self.shape(at, "Fn::Sub", form),
            },
            _ => return self.shape(at, "Fn::Sub", form),
        };
        let mut out = Text::default();
        for part in parts(text) {
            let piece = match part {
                Part::Literal(text) => Text::known(text),
                Part::Escaped(text) => Text::known(format!("${{{text}}}")),
                Part::Unclosed(_) => {
                    let help = "close it, or write `${!` for a literal `${`";
                    return self.fault(at, "template-function", "`${` without `}`", help);
                }
                Part::Name(name) => {
                    let name = name.trim();
                    match own.and_then(|own| own.get(name)) {
                        Some(value) => self.text(value, &inside.item(1).member(name))?,
                        None => self.substituted(name, &out, true, at)?,
                    }
                }
            };
            out.push(piece);
            let length = out.len();
            self.made(length, length, at)?;
        }
        Ok(Made::Text(out))
    }

    /// What `${NAME}` or `${RESOURCE.ATTRIBUTE}` stands for.
    pub(super) fn substituted(
        &mut self,
        name: &str,
        before: &Text,
        declared: bool,
        at: &At,
    ) -> Result<Text, Reported> {
        let around = self.around(before, declared);
        if let Some((resource, attribute)) = name.split_once('.') {
            return self.attribute(resource, attribute, around, at);
        }
        if name.is_empty() {
            return self.fault(at, "template-function", "`${}` names nothing", "");
        }
        match self.name(name, around, at)? {
            Made::Text(text) => Ok(text),
            Made::List(items) => Ok(Text::known(items.join(","))),
            _ => Ok(Text::default()),
        }
    }

    fn join(&mut self, argument: &Value, at: &At, inside: &At) -> Result<Made<'static>, Reported> {
        let form = "as in `Fn::Join: [\"/\", [a, b]]`";
        let Some([delimiter, list]) = argument.as_array().map(Vec::as_slice) else {
            return self.shape(at, "Fn::Join", form);
        };
        let delimiter = self.known(delimiter, &inside.item(0))?;
        let items = self.list(list, &inside.item(1), form)?;
        let mut out = Text::default();
        for (number, item) in items.into_iter().enumerate() {
            let added = item.len() + delimiter.len();
            self.made(added, out.len() + added, at)?;
            if number > 0 {
                out.push(Text::known(delimiter.as_str()));
            }
            out.push(item);
        }
        Ok(Made::Text(out))
    }

    fn split(&mut self, argument: &Value, at: &At, inside: &At) -> Result<Vec<String>, Reported> {
        let form = "as in `Fn::Split: [\"/\", TEXT]`";
        let Some([delimiter, text]) = argument.as_array().map(Vec::as_slice) else {
            return self.shape(at, "Fn::Split", form);
        };
        let delimiter = self.known(delimiter, &inside.item(0))?;
        let text = self.known(text, &inside.item(1))?;
        if delimiter.is_empty() {
            return self.shape(at, "Fn::Split", "what it splits at cannot be empty");
        }
        let items: Vec<String> = text.split(&delimiter).map(str::to_owned).collect();
        // A list costs more than its text.
        self.made(items.len().saturating_mul(32), text.len(), at)?;
        Ok(items)
    }

    fn select<'v>(
        &mut self,
        argument: &'v Value,
        at: &At,
        inside: &At,
    ) -> Result<Made<'v>, Reported> {
        let form = "as in `Fn::Select: [0, [a, b]]`";
        let Some([index, list]) = argument.as_array().map(Vec::as_slice) else {
            return self.shape(at, "Fn::Select", form);
        };
        let index = self.known(index, &inside.item(0))?;
        let list_at = inside.item(1);
        let found = match (index.parse::<usize>(), self.value(list, &list_at)?) {
            (Ok(index), Made::List(items)) => items
                .into_iter()
                .nth(index)
                .map(|item| Made::Text(Text::known(item))),
            (Ok(index), Made::Part(Value::Array(items), list_at)) => match items.get(index) {
                Some(item) => Some(self.value(item, &list_at.item(index))?),
                None => None,
            },
            (Ok(_), Made::Text(text)) if text.first_open().is_some() => {
                let name = text.first_open().unwrap_or_default().to_owned();
                return self.must_be_known(&name, &list_at);
            }
            _ => return self.shape(at, "Fn::Select", form),
        };
        match found {
            Some(value) => Ok(value),
            None => {
                let message = format!("the list has no item {}", brief(&index));
                self.fault(at, "template-function", message, "the first one is item 0")
            }
        }
    }

    fn choose<'v>(
        &mut self,
        argument: &'v Value,
        at: &At,
        inside: &At,
    ) -> Result<Made<'v>, Reported> {
        let form = "as in `Fn::If: [CONDITION, THEN, ELSE]`";
        let Some([Value::String(condition), then, otherwise]) =
            argument.as_array().map(Vec::as_slice)
        else {
            return self.shape(at, "Fn::If", form);
        };
        let (number, branch) = match self.condition(condition, at)? {
            true => (1, then),
            false => (2, otherwise),
        };
        self.value(branch, &inside.item(number))
    }

    fn find_in_map<'v>(
        &mut self,
        argument: &'v Value,
        at: &At,
        inside: &At,
    ) -> Result<Made<'v>, Reported> {
        let form = "as in `Fn::FindInMap: [MAP, KEY, SUBKEY]`";
        let (map, keys, default) = match argument.as_array().map(Vec::as_slice) {
            Some([map, first, second]) => (map, [first, second], None),
            Some([map, first, second, more]) => (map, [first, second], more.get("DefaultValue")),
            _ => return self.shape(at, "Fn::FindInMap", form),
        };
        let map = self.known(map, &inside.item(0))?;
        let first = self.known(keys[0], &inside.item(1))?;
        let second = self.known(keys[1], &inside.item(2))?;
        let template = Rc::clone(&self.evaluation.template);
        let found = template
            .mappings
            .get(&map)
            .and_then(|map| map.get(&first)?.get(&second));
        match (found, default) {
            (Some(Value::Array(items)), _) => {
                let items = items.iter().filter_map(super::template::scalar);
                Ok(Made::List(items.collect()))
            }
            (Some(value), _) => Ok(match super::template::scalar(value) {
                Some(text) => Made::Text(Text::known(text)),
                None => Made::Scalar(Value::Null),
            }),
            (None, Some(default)) => self.value(default, &inside.item(3).member("DefaultValue")),
            (None, None) if template.present => self.fault(
                at,
                "template-name",
                format!(
                    "the template's mappings have no `{}`",
                    brief(&format!("{map}.{first}.{second}"))
                ),
                "add it under `Mappings`",
            ),
            (None, None) => {
                let name = format!("{map}.{first}.{second}");
                let text = match self.given(&name) {
                    Some(value) => Text::known(value),
                    None => self.open(&name, "from a mapping of the template"),
                };
                Ok(Made::Text(text))
            }
        }
    }
}
