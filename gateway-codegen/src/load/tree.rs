//! The one reader that turns what a YAML or a JSON parser sees into a [`Value`].
//!
//! It refuses what the parsers let pass: a name twice in one object, nesting and size beyond the limits. It gives YAML
//! the meaning that API descriptions rely on: names are text as written (`200:`), `<<` merges, CloudFormation's short tags
//! stand for their long forms, integers of any width are numbers.

use std::fmt;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde_json::{Map, Number, Value};

use super::{Fault, MAX_DEPTH, MAX_DUPLICATES, MAX_NODES, MAX_POINTER, TOO_DEEP, escape};

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

/// What is known while a file is read.
#[derive(Default)]
pub(super) struct Reading {
    /// Whether `<<` merges.
    merge: bool,
    pointer: String,
    depth: usize,
    nodes: usize,
    duplicates: usize,
    /// Faults that leave the rest readable.
    pub(super) faults: Vec<Fault>,
    /// The fault that ended the reading; the parser's own error is only its echo.
    pub(super) fatal: Option<Fault>,
}

impl Reading {
    pub(super) fn json() -> Self {
        Self::default()
    }

    pub(super) fn yaml() -> Self {
        Reading {
            merge: true,
            ..Self::default()
        }
    }

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

    fn stop<E: de::Error>(&mut self, code: &'static str, message: &str, help: &str) -> E {
        self.fatal = Some(Fault {
            code,
            warning: false,
            pointer: self.pointer.clone(),
            key: false,
            offset: None,
            message: message.to_owned(),
            help: help.to_owned(),
        });
        E::custom(message)
    }

    fn count<E: de::Error>(&mut self) -> Result<(), E> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return Err(self.stop(
                "document-too-large",
                "the document has more than 5,000,000 values",
                "split the API, or leave out what is generated",
            ));
        }
        Ok(())
    }

    fn enter<E: de::Error>(&mut self) -> Result<(), E> {
        if self.depth >= MAX_DEPTH {
            let (message, help) = TOO_DEEP;
            return Err(self.stop("document-too-deep", message, help));
        }
        self.depth += 1;
        Ok(())
    }
}

/// Seed and visitor of one value.
pub(super) struct Seed<'r>(pub(super) &'r mut Reading);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // YAML has infinities and NaN, JSON has not: they stay what was written, a text.
        let number = Number::from_f64(value).map(Value::Number);
        Ok(number.unwrap_or_else(|| {
            Value::from(match value {
                f64::INFINITY => ".inf",
                f64::NEG_INFINITY => "-.inf",
                _ => ".nan",
            })
        }))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let reading = self.0;
        reading.enter()?;
        let length = reading.pointer.len();
        let mut items = Vec::new();
        loop {
            reading.pointer.push('/');
            reading.pointer.push_str(&items.len().to_string());
            let item = access.next_element_seed(Seed(reading))?;
            reading.pointer.truncate(length);
            match item {
                Some(item) => items.push(item),
                None => break,
            }
        }
        reading.depth -= 1;
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let reading = self.0;
        reading.enter()?;
        let length = reading.pointer.len();
        let mut members = Map::new();
        while let Some(key) = access.next_key_seed(Name)? {
            reading.count()?;
            escape(&key, &mut reading.pointer);
            if reading.pointer.len() > MAX_POINTER {
                reading.pointer.truncate(length);
                return Err(reading.stop(
                    "document-too-deep",
                    "the names on the way to this member have more than 8 KiB together",
                    "shorten the name, or move what is inside to components and refer to it",
                ));
            }
            let value = access.next_value_seed(Seed(reading))?;
            if members.contains_key(&key) {
                reading.duplicates += 1;
                if reading.duplicates <= MAX_DUPLICATES {
                    let pointer = reading.pointer.clone();
                    let message = format!("`{key}` stands twice in this object");
                    let help = "keep one of the two".to_owned();
                    reading.fault("duplicate-member", pointer, true, message, help);
                }
            }
            reading.pointer.truncate(length);
            members.insert(key, value);
        }
        if reading.merge
            && let Some(merged) = members.shift_remove("<<")
        {
            merge(reading, &mut members, merged);
        }
        reading.depth -= 1;
        Ok(Value::Object(members))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let reading = self.0;
        let (tag, content) = access.variant_seed(Name)?;
        let Some(member) = intrinsic(&tag) else {
            // A lone `!` only says that the scalar is what it is.
            if tag != "!" {
                let pointer = reading.pointer.clone();
                let message = format!("the tag `!{tag}` is not known and has no effect");
                let help =
                    "write the value out, or use CloudFormation's `!Ref`, `!Sub`, `!GetAtt` …";
                reading.fault("yaml-tag-unknown", pointer, false, message, help.to_owned());
                if let Some(fault) = reading.faults.last_mut() {
                    fault.warning = true;
                }
            }
            return content.newtype_variant_seed(Seed(reading));
        };
        reading.enter()?;
        let length = reading.pointer.len();
        escape(&member, &mut reading.pointer);
        let value = content.newtype_variant_seed(Seed(reading))?;
        reading.pointer.truncate(length);
        reading.depth -= 1;
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
        Ok(Value::Object(Map::from_iter([(member, value)])))
    }
}

/// The member that a CloudFormation tag stands for.
pub(super) fn intrinsic(tag: &str) -> Option<String> {
    match tag {
        "Ref" | "Condition" => Some(tag.to_owned()),
        _ if INTRINSICS.contains(&tag) || tag.starts_with("ForEach") => Some(format!("Fn::{tag}")),
        _ => None,
    }
}

/// `<<`: members of the object, or of each object of the list, that are not written here (YAML 1.1 merge keys; the first
/// object that has a member gives it).
fn merge(reading: &mut Reading, members: &mut Map<String, Value>, merged: Value) {
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
                let mut pointer = reading.pointer.clone();
                escape("<<", &mut pointer);
                let message = "`<<` merges an object or a list of objects".to_owned();
                let help = "give it an alias of an object, such as `<<: *base`".to_owned();
                reading.fault("yaml-merge", pointer, false, message, help);
            }
        }
    }
}

/// A member's name: the text as written, whatever it looks like.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}
