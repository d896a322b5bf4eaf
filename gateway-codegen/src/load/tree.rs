//! What YAML and JSON readers have in common: the rules by which a [`Value`] is made of what a parser sees.
//!
//! They refuse what the parsers let pass: a name twice in one object, nesting and size beyond the limits. They give YAML the
//! meaning that API descriptions rely on: `<<` merges, and CloudFormation's short tags stand for their long forms.
//!
//! Invariant: values are counted before they are made, so memory stays in proportion to the limits whatever a document says.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{
    Fault, MAX_BYTES, MAX_DEPTH, MAX_DUPLICATES, MAX_NODES, MAX_POINTER, TOO_DEEP, escape,
};
use crate::findings::brief;

/// CloudFormation's intrinsic functions, by the name of their YAML tag.
const INTRINSICS: &[&str] = &[
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAtt",
    "GetAZs",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
];

/// Reading ended; [`Reading::fatal`] says why.
#[derive(Debug)]
pub(super) struct Stopped;

/// What is known while a file is read.
#[derive(Default)]
pub(super) struct Reading {
    /// Where the value being read stands.
    pub(super) pointer: String,
    depth: usize,
    nodes: usize,
    bytes: usize,
    /// Whether something was counted twice for the sake of aliases.
    repeats: bool,
    duplicates: usize,
    /// The members of all objects that are not complete, innermost last. An object is made of them when it ends and its size
    /// is known: most have one or two members, and a map that grows by itself holds room for three.
    members: Vec<(String, Value)>,
    /// Faults that leave the rest readable.
    pub(super) faults: Vec<Fault>,
    /// The fault that ended the reading; a parser's own error is only its echo.
    pub(super) fatal: Option<Fault>,
}

impl Reading {
    /// The faults found, with a last one for those that were only counted.
    pub(super) fn finish(mut self) -> Vec<Fault> {
        let more = self.duplicates.saturating_sub(MAX_DUPLICATES);
        if more > 0 {
            let message = format!("{more} more names stand twice in one object");
            let pointer = String::new();
            self.fault("duplicate-member", pointer, false, message, String::new());
        }
        self.faults
    }

    fn fault(
        &mut self,
        code: &'static str,
        pointer: String,
        key: bool,
        message: String,
        help: String,
    ) {
        self.faults.push(Fault {
            code,
            warning: false,
            pointer,
            key,
            offset: None,
            message,
            help,
        });
    }

    fn stop(&mut self, code: &'static str, message: &str, help: &str) -> Stopped {
        self.fatal = Some(Fault {
            code,
            warning: false,
            pointer: self.pointer.clone(),
            key: false,
            offset: None,
            message: message.to_owned(),
            help: help.to_owned(),
        });
        Stopped
    }

    /// Counts a value or a name, and what it has of text.
    pub(super) fn count(&mut self, bytes: usize) -> Result<(), Stopped> {
        self.charge(1, bytes)
    }

    /// What has been counted: values and names, and bytes of text.
    pub(super) fn counted(&self) -> (usize, usize) {
        (self.nodes, self.bytes)
    }

    /// Counts all since `before` once more: it is kept for aliases to stand for.
    pub(super) fn keep(&mut self, before: (usize, usize)) -> Result<(), Stopped> {
        self.repeats = true;
        self.charge(
            self.nodes.saturating_sub(before.0),
            self.bytes.saturating_sub(before.1),
        )
    }

    fn charge(&mut self, nodes: usize, bytes: usize) -> Result<(), Stopped> {
        self.nodes = self.nodes.saturating_add(nodes);
        self.bytes = self.bytes.saturating_add(bytes);
        if self.nodes <= MAX_NODES && self.bytes <= MAX_BYTES {
            return Ok(());
        }
        Err(if self.repeats {
            self.stop(
                "document-too-large",
                "with its anchors and aliases, the document has more than 5,000,000 values or 64 MiB of text",
                "use $ref instead of aliases for what repeats",
            )
        } else {
            self.stop(
                "document-too-large",
                "the document has more than 5,000,000 values",
                "split the API, or leave out what is generated",
            )
        })
    }

    /// An array or an object begins.
    pub(super) fn enter(&mut self) -> Result<(), Stopped> {
        if self.depth >= MAX_DEPTH {
            let (message, help) = TOO_DEEP;
            return Err(self.stop("document-too-deep", message, help));
        }
        self.depth += 1;
        Ok(())
    }

    /// It ends.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// Goes on to an element of an array. Like [`name`](Self::name) it gives the length to go [`back`](Self::back) to.
    pub(super) fn item(&mut self, number: usize) -> usize {
        let length = self.pointer.len();
        // Writing to a String cannot fail.
        let _ = write!(self.pointer, "/{number}");
        length
    }

    /// Goes on to a member of an object.
    pub(super) fn name(&mut self, name: &str) -> Result<usize, Stopped> {
        self.count(name.len())?;
        let length = self.pointer.len();
        escape(name, &mut self.pointer);
        if self.pointer.len() > MAX_POINTER {
            self.pointer.truncate(length);
            return Err(self.stop(
                "document-too-deep",
                "the names on the way to this member have more than 8 KiB together",
                "shorten the name, or move what is inside to components and refer to it",
            ));
        }
        Ok(length)
    }

    /// Goes back to the array or object.
    pub(super) fn back(&mut self, length: usize) {
        self.pointer.truncate(length);
    }

    /// An object's members begin: what [`object`](Self::object) is to be given.
    pub(super) fn begin(&self) -> usize {
        self.members.len()
    }

    /// A member of the innermost object.
    pub(super) fn member(&mut self, name: String, value: Value) {
        self.members.push((name, value));
    }

    /// The object whose members began at `begin`. Of a name that stands twice the last member counts.
    pub(super) fn object(&mut self, begin: usize, merges: bool) -> Value {
        let mut members = Map::with_capacity(self.members.len().saturating_sub(begin));
        let mut twice = Vec::new();
        for (name, value) in self.members.drain(begin..) {
            if members.contains_key(&name) {
                self.duplicates += 1;
                if self.duplicates <= MAX_DUPLICATES {
                    twice.push(name.clone());
                }
            }
            members.insert(name, value);
        }
        for name in twice {
            let mut pointer = self.pointer.clone();
            escape(&name, &mut pointer);
            let message = format!("`{}` stands twice in this object", brief(&name));
            let help = "keep one of the two".to_owned();
            self.fault("duplicate-member", pointer, true, message, help);
        }
        if merges && let Some(merged) = members.shift_remove("<<") {
            self.merge(&mut members, merged);
        }
        Value::Object(members)
    }

    /// `<<`: members of the object, or of each object of the list, that are not written here (YAML 1.1 merge keys; the first
    /// object that has a member gives it).
    fn merge(&mut self, members: &mut Map<String, Value>, merged: Value) {
        let sources = match merged {
            Value::Array(sources) => sources,
            source => vec![source],
        };
        for source in sources {
            match source {
                Value::Object(source) => {
                    for (key, value) in source {
                        members.entry(key).or_insert(value);
                    }
                }
                _ => {
                    let mut pointer = self.pointer.clone();
                    escape("<<", &mut pointer);
                    let message = "`<<` merges an object or a list of objects".to_owned();
                    let help = "give it an alias of an object, such as `<<: *base`".to_owned();
                    self.fault("yaml-merge", pointer, false, message, help);
                }
            }
        }
    }

    /// A tag that means nothing here.
    pub(super) fn unknown_tag(&mut self, tag: &str) {
        let message = format!("the tag `!{}` is not known and has no effect", brief(tag));
        let help = "write the value out, or use CloudFormation's `!Ref`, `!Sub`, `!GetAtt` …";
        let pointer = self.pointer.clone();
        self.fault("yaml-tag-unknown", pointer, false, message, help.to_owned());
        if let Some(fault) = self.faults.last_mut() {
            fault.warning = true;
        }
    }

    /// Another value like this one, where an alias stands for it.
    pub(super) fn copy(&mut self, value: &Value) -> Result<Value, Stopped> {
        self.repeats = true;
        Ok(match value {
            Value::Array(items) => {
                self.count(0)?;
                self.enter()?;
                let mut copies = Vec::with_capacity(items.len());
                for (number, item) in items.iter().enumerate() {
                    let length = self.item(number);
                    copies.push(self.copy(item)?);
                    self.back(length);
                }
                self.leave();
                Value::Array(copies)
            }
            Value::Object(members) => {
                self.count(0)?;
                self.enter()?;
                let mut copies = Map::with_capacity(members.len());
                for (name, value) in members {
                    let length = self.name(name)?;
                    copies.insert(name.clone(), self.copy(value)?);
                    self.back(length);
                }
                self.leave();
                Value::Object(copies)
            }
            Value::String(text) => {
                self.count(text.len())?;
                Value::String(text.clone())
            }
            scalar => {
                self.count(0)?;
                scalar.clone()
            }
        })
    }
}

/// What a CloudFormation tag before a value makes of it: an object whose one member is the function's long form.
pub(super) fn called(tag: &str, member: String, value: Value) -> Value {
    let value = match value {
        // `!GetAtt resource.attribute`; an attribute may have further dots.
        Value::String(text) if tag == "GetAtt" => match text.split_once('.') {
            Some((resource, attribute)) => {
                Value::from(vec![resource.to_owned(), attribute.to_owned()])
            }
            None => Value::String(text),
        },
        value => value,
    };
    Value::Object(Map::from_iter([(member, value)]))
}

/// The member that a CloudFormation tag stands for.
pub(super) fn intrinsic(tag: &str) -> Option<String> {
    match tag {
        "Ref" | "Condition" => Some(tag.to_owned()),
        _ if INTRINSICS.contains(&tag) || tag.starts_with("ForEach") => Some(format!("Fn::{tag}")),
        _ => None,
    }
}
