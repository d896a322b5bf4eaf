//! The way through a document: which of its values functions may stand in, and what becomes of those.
//!
//! A value that is examples, defaults or names the document makes up is not touched. Where a value stands decides what becomes of a
//! name without a value: in members that the gateway is made of it becomes a deployment parameter, where people read it its name
//! stands for it, anywhere else it is an error.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::functions::{Made, Reported};
use super::text::{Part, Text, parts};
use super::{Call, Evaluation, Inputs, is_function, template};
use crate::findings::{Findings, Place, brief};
use crate::load::{Document, Written, escape, unescape};

/// A place in a file, as it was written.
#[derive(Debug, Clone, Default)]
pub(super) struct At {
    pub(super) file: usize,
    pub(super) pointer: String,
}

impl At {
    /// The root of a file.
    pub(super) fn root(file: usize) -> At {
        At {
            file,
            pointer: String::new(),
        }
    }

    /// A member.
    pub(super) fn member(&self, name: &str) -> At {
        let mut at = self.clone();
        escape(name, &mut at.pointer);
        at
    }

    /// An item of a list.
    pub(super) fn item(&self, number: usize) -> At {
        self.member(&number.to_string())
    }

    /// As findings have it.
    pub(super) fn place(&self) -> Place {
        Place {
            file: self.file,
            pointer: self.pointer.clone(),
            key: false,
            offset: None,
        }
    }
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// An object of the description language.
    Words,
    /// An object whose members are names that the document makes up.
    Names,
    /// Data: left alone.
    Data,
    /// What people read.
    Shown,
    /// What Amazon's members say.
    Amazon,
    /// What they say in a language in which `${…}` means something else.
    Foreign,
    /// What `x-gateway` or a server says.
    Gateway,
}

impl Kind {
    /// What a member of such a value is.
    fn member(self, name: &str) -> Kind {
        match (self, name) {
            (Kind::Data | Kind::Shown | Kind::Foreign | Kind::Gateway, _) => self,
            (Kind::Amazon, "requestTemplates" | "responseTemplates") => Kind::Foreign,
            (Kind::Amazon, _) => Kind::Amazon,
            (_, "x-gateway") => Kind::Gateway,
            (_, "x-amazon-apigateway-any-method") => Kind::Words,
            // Of no effect, or refused whatever they say.
            (_, "x-amazon-apigateway-policy" | "x-amazon-apigateway-documentation") => Kind::Data,
            (_, name) if name.starts_with("x-amazon-") => Kind::Amazon,
            (_, name) if name.starts_with("x-") => Kind::Data,
            (Kind::Names, _) => Kind::Words,
            (Kind::Words, "default" | "enum" | "const" | "example" | "examples" | "mapping") => {
                Kind::Data
            }
            (
                Kind::Words,
                "info" | "title" | "summary" | "description" | "tags" | "externalDocs" | "flows"
                | "scopes" | "authorizationUrl" | "tokenUrl" | "refreshUrl" | "openIdConnectUrl",
            ) => Kind::Shown,
            (Kind::Words, "servers" | "host" | "basePath" | "schemes") => Kind::Gateway,
            (
                Kind::Words,
                "paths"
                | "responses"
                | "callbacks"
                | "schemas"
                | "properties"
                | "patternProperties"
                | "definitions"
                | "$defs"
                | "dependentSchemas"
                | "parameters"
                | "requestBodies"
                | "headers"
                | "securitySchemes"
                | "securityDefinitions"
                | "links"
                | "pathItems"
                | "webhooks"
                | "content"
                | "encoding",
            ) => Kind::Names,
            (Kind::Words, _) => Kind::Words,
        }
    }

    /// What an item of such a list is.
    fn item(self) -> Kind {
        match self {
            Kind::Names => Kind::Words,
            other => other,
        }
    }

    /// Whether this object is a function here.
    fn takes(self, members: &Map<String, Value>) -> bool {
        if self == Kind::Data || !is_function(members.keys().map(String::as_str)) {
            return false;
        }
        match members.get("Ref").or_else(|| members.get("!Ref")) {
            None => true,
            Some(Value::String(name)) => {
                let word = |b: u8| b.is_ascii_alphanumeric() || b == b':';
                self != Kind::Names && !name.is_empty() && name.bytes().all(word)
            }
            Some(_) => matches!(self, Kind::Amazon | Kind::Gateway),
        }
    }
}

/// Whether there is anything to evaluate.
pub(super) fn has_work(root: &Value) -> bool {
    work(root, Kind::Words)
}

fn work(value: &Value, kind: Kind) -> bool {
    match value {
        _ if kind == Kind::Data => false,
        Value::Object(members) => {
            kind.takes(members)
                || members
                    .iter()
                    .any(|(name, value)| name.starts_with("Fn::") || work(value, kind.member(name)))
        }
        Value::Array(items) => items.iter().any(|item| work(item, kind.item())),
        Value::String(text) => match kind {
            Kind::Amazon => text.contains("${") || text.contains(DYNAMIC),
            Kind::Gateway => text.contains("${param."),
            _ => false,
        },
        _ => false,
    }
}

/// How a reference to another service of Amazon's begins.
const DYNAMIC: &str = "{{resolve:";

/// First words of dotted placeholders that are not Terraform's.
const SCOPES: &[&str] = &[
    "context",
    "header",
    "input",
    "integration",
    "method",
    "param",
    "path",
    "query",
    "request",
    "response",
    "stageVariables",
    "util",
];

/// An evaluation under way.
pub(super) struct Walk<'w> {
    pub(super) evaluation: &'w mut Evaluation,
    pub(super) document: &'w mut Document,
    pub(super) inputs: &'w Inputs,
    pub(super) found: &'w mut Findings,
    /// Whether this is the entry document.
    pub(super) entry: bool,
    /// Files that are being included.
    pub(super) including: Vec<PathBuf>,
    /// Pseudo parameters that were taken for granted since this was last asked, with their values.
    pub(super) taken: Vec<(String, String)>,
    /// Where the value was written.
    pub(super) source: At,
    /// Where it will stand.
    pub(super) target: String,
    /// Where values were written, by where they stand.
    pub(super) written: BTreeMap<String, Written>,
}

impl Walk<'_> {
    /// Evaluates a file; of a template, the document that is in it.
    pub(super) fn root(&mut self, mut root: Value) -> Value {
        if self.entry && template::is_template(&root) {
            return match self.take_api(&mut root) {
                Some((body, at)) => self.moved(body, at, Kind::Words).unwrap_or_default(),
                None => Value::Null,
            };
        }
        if self.entry
            && let Some(name) = &self.inputs.resource
        {
            super::no_template(name, self.found);
        }
        let at = self.source.clone();
        self.moved(root, at, Kind::Words).unwrap_or_default()
    }

    /// Goes on with a value that was written elsewhere.
    fn moved(&mut self, value: Value, at: At, kind: Kind) -> Option<Value> {
        self.note(&at, false);
        let outer = std::mem::replace(&mut self.source, at);
        let value = self.rewrite(value, kind);
        self.source = outer;
        value
    }

    /// Notes where the value was written that will stand here.
    fn note(&mut self, at: &At, made: bool) {
        let written = Written {
            file: at.file,
            pointer: at.pointer.clone(),
            made,
        };
        self.written.insert(self.target.clone(), written);
    }

    /// A value without functions; `None`: it is to be left out. Recursion is bounded by the depth that the loader allows, and that of
    /// includes by their number.
    fn rewrite(&mut self, value: Value, kind: Kind) -> Option<Value> {
        match value {
            value if kind == Kind::Data => Some(value),
            Value::Object(members) if kind.takes(&members) => {
                self.replace(Value::Object(members), kind)
            }
            Value::Object(members) => Some(Value::Object(self.object(members, kind))),
            Value::Array(items) => Some(Value::Array(self.array(items, kind))),
            Value::String(text) => Some(Value::String(self.plain(text, kind))),
            scalar => Some(scalar),
        }
    }

    fn object(&mut self, members: Map<String, Value>, kind: Kind) -> Map<String, Value> {
        let mut out = Map::with_capacity(members.len());
        let mut included = Vec::new();
        for (name, value) in members {
            let at = self.source.member(&name);
            if name == "Fn::Transform" {
                let whole = self.source.clone();
                if let Ok(Made::File(Value::Object(members), file)) =
                    self.include(&value, &whole, &at)
                {
                    included.push((members, file));
                    continue;
                }
            } else if name.starts_with("Fn::") {
                self.found.error(
                    "template-function",
                    Place {
                        key: true,
                        ..at.place()
                    },
                    format!("`{}` stands beside other members", brief(&name)),
                    "a function is the only member of its object",
                );
            } else if let Some(value) = self.member(&name, value, at, kind) {
                out.insert(name, value);
                continue;
            } else {
                continue;
            }
            out.insert(name, value);
        }
        for (members, file) in included {
            for (name, value) in members {
                if !out.contains_key(&name)
                    && let Some(value) = self.included(&name, value, &file, kind)
                {
                    out.insert(name, value);
                }
            }
            self.including.pop();
        }
        out
    }

    fn member(&mut self, name: &str, value: Value, at: At, kind: Kind) -> Option<Value> {
        let length = self.target.len();
        escape(name, &mut self.target);
        let outer = std::mem::replace(&mut self.source, at);
        let value = self.rewrite(value, kind.member(name));
        self.source = outer;
        self.target.truncate(length);
        value
    }

    /// A member of an object that an included file adds to this one.
    fn included(&mut self, name: &str, value: Value, file: &At, kind: Kind) -> Option<Value> {
        let length = self.target.len();
        escape(name, &mut self.target);
        let value = self.moved(value, file.member(name), kind.member(name));
        self.target.truncate(length);
        value
    }

    fn array(&mut self, items: Vec<Value>, kind: Kind) -> Vec<Value> {
        let mut out = Vec::with_capacity(items.len());
        for (number, item) in items.into_iter().enumerate() {
            let at = self.source.item(number);
            let length = self.target.len();
            escape(&out.len().to_string(), &mut self.target);
            let shifted = out.len() != number;
            let item = if shifted {
                self.moved(item, at, kind.item())
            } else {
                let outer = std::mem::replace(&mut self.source, at);
                let item = self.rewrite(item, kind.item());
                self.source = outer;
                item
            };
            self.target.truncate(length);
            out.extend(item);
        }
        out
    }

    /// What a function makes.
    fn replace(&mut self, mut value: Value, kind: Kind) -> Option<Value> {
        let at = self.source.clone();
        self.taken.clear();
        let made = match Call::of(&value) {
            Some(call) => self.call(&call, &at),
            None => Err(Reported),
        };
        let part = match made {
            Err(Reported) => return Some(value),
            Ok(Made::Nothing) => return None,
            Ok(Made::Scalar(scalar)) => {
                self.note(&at, true);
                return Some(scalar);
            }
            Ok(Made::List(items)) => {
                self.note(&at, true);
                return Some(items.into_iter().map(Value::String).collect());
            }
            Ok(Made::Text(text)) => {
                return match self.fill(&text, kind, &at) {
                    Ok(text) => {
                        self.note(&at, true);
                        Some(Value::String(text))
                    }
                    Err(Reported) => Some(value),
                };
            }
            Ok(Made::File(inside, file)) => {
                let inside = self.moved(inside, file, kind);
                self.including.pop();
                return inside;
            }
            Ok(Made::Part(_, part)) => part,
        };
        let below = part.pointer.strip_prefix(at.pointer.as_str())?;
        let inside = value.pointer_mut(below)?.take();
        self.moved(inside, part, kind)
    }

    /// A text as it stands in the document, with the form that its open names have there.
    fn fill(&mut self, text: &Text, kind: Kind, at: &At) -> Result<String, Reported> {
        let Some(first) = text.first_open().map(str::to_owned) else {
            let text = text.written(|_| String::new());
            self.warn_of_guesses(&text, kind, at);
            return Ok(text);
        };
        match kind {
            Kind::Words | Kind::Names | Kind::Data => self.must_be_known(&first, at),
            Kind::Shown => {
                self.found.note(
                    "parameter-shown",
                    at.place(),
                    format!("`{}` has no value, so its name stands here", brief(&first)),
                    format!("give it one: `--param {}=VALUE`", brief(&first)),
                );
                Ok(text.written(str::to_owned))
            }
            Kind::Amazon | Kind::Foreign | Kind::Gateway => {
                let text = text.written(|name| format!("${{param.{name}}}"));
                self.warn_of_guesses(&text, kind, at);
                Ok(text)
            }
        }
    }

    /// An address that is called must not rest on what was only taken for granted.
    fn warn_of_guesses(&mut self, text: &str, kind: Kind, at: &At) {
        let called = matches!(kind, Kind::Amazon | Kind::Gateway)
            && (text.starts_with("http://") || text.starts_with("https://"));
        let taken = std::mem::take(&mut self.taken);
        if called {
            self.tell_guesses(taken, at);
        }
    }

    /// Warns of pseudo parameters that were taken for granted, once of each.
    pub(super) fn tell_guesses(&mut self, taken: Vec<(String, String)>, at: &At) {
        for (name, value) in taken {
            if self.inputs.get(&name).is_none() && self.evaluation.guessed.insert(name.clone()) {
                self.found.warning(
                    "parameter-guessed",
                    at.place(),
                    format!("`{name}` is taken to be `{value}`"),
                    format!("say it: `--param {name}=VALUE`"),
                );
            }
        }
    }

    /// A text that no function made.
    fn plain(&mut self, text: String, kind: Kind) -> String {
        let at = self.source.clone();
        let made = match kind {
            Kind::Amazon if text.contains(DYNAMIC) => {
                self.found.error(
                    "template-function",
                    at.place(),
                    "what another service of Amazon's holds is not looked up",
                    "give the value as a parameter; a secret as a stage variable from the environment or a file",
                );
                return text;
            }
            Kind::Amazon if text.contains("${") => self.placeholders(&text, &at),
            Kind::Gateway if text.contains("${param.") => self.parameters(&text),
            _ => return text,
        };
        match made {
            Some(made) => {
                self.note(&at, true);
                made
            }
            None => text,
        }
    }

    /// `${name}` as Terraform fills it; `None`: there is none.
    fn placeholders(&mut self, text: &str, at: &At) -> Option<String> {
        self.taken.clear();
        let mut out = Text::default();
        let mut any = false;
        for part in parts(text) {
            let piece = match part {
                Part::Literal(text) => Text::known(text),
                Part::Escaped(text) => Text::known(format!("${{!{text}}}")),
                // The rest of the text.
                Part::Unclosed(text) => Text::known(text),
                Part::Name(written) => {
                    let name = written.trim();
                    if self.is_placeholder(name) {
                        any = true;
                        self.substituted(name, &out, false, at).ok()?
                    } else {
                        Text::known(format!("${{{written}}}"))
                    }
                }
            };
            out.push(piece);
        }
        if !any {
            return None;
        }
        self.fill(&out, Kind::Amazon, at).ok()
    }

    fn is_placeholder(&self, name: &str) -> bool {
        let first = name.split(['.', ':']).next().unwrap_or_default();
        let word = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
        name.len() <= 255
            && name.bytes().all(word)
            && first.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && (first == name || !SCOPES.contains(&first))
            && !self.path_has(name)
    }

    /// Whether the path that this stands under has a parameter of this name.
    fn path_has(&self, name: &str) -> bool {
        let mut tokens = self.target.split('/').skip(1);
        let (Some("paths"), Some(path)) = (tokens.next(), tokens.next()) else {
            return false;
        };
        let path = unescape(path);
        ["}", "+}"]
            .iter()
            .any(|end| path.contains(&format!("{{{name}{end}")))
    }

    /// `${param.NAME}` of `x-gateway`, where a value was given; `None`: there is none.
    fn parameters(&mut self, text: &str) -> Option<String> {
        let mut out = String::new();
        let mut any = false;
        let mut rest = text;
        while let Some(start) = rest.find("${param.") {
            let (before, found) = rest.split_at(start);
            out.push_str(before);
            let end = found.find('}').map_or(found.len(), |end| end + 1);
            let (whole, after) = found.split_at(end);
            let name = whole
                .strip_prefix("${param.")
                .and_then(|name| name.strip_suffix('}'));
            // `$${` is a literal `${`.
            let value = name
                .filter(|_| !before.ends_with('$'))
                .and_then(|name| Some((name, self.given(name)?)));
            match value {
                Some((name, value)) => {
                    any = true;
                    self.document.evaluated.settled.insert(name.to_owned());
                    out.push_str(&value.replace("${", "$${"));
                }
                None => out.push_str(whole),
            }
            rest = after;
        }
        out.push_str(rest);
        any.then_some(out)
    }

    /// The name of the member that is being evaluated.
    pub(super) fn member_name(&self) -> &str {
        self.target.rsplit('/').next().unwrap_or_default()
    }
}
