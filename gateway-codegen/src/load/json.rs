//! JSON text → value.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::tree::{Reading, Stopped};
use super::{Fault, TOO_DEEP, Tree, line_start};

pub(super) fn read(text: &str) -> Result<Tree, Fault> {
    let mut reading = Reading::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let root = Seed(&mut reading)
        .deserialize(&mut deserializer)
        .and_then(|root| deserializer.end().map(|()| root));
    match root {
        Ok(root) => Ok(Tree {
            root,
            faults: reading.finish(),
        }),
        Err(error) => Err(match reading.fatal.take() {
            Some(stopped) => stopped.moved_to(offset(text, &error)),
            None => fault(text, &error),
        }),
    }
}

/// Where reading stopped. Columns are counted in bytes and name the last byte read.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let start = line_start(text, error.line());
    text.floor_char_boundary(start.saturating_add(error.column().saturating_sub(1)))
}

fn fault(text: &str, error: &serde_json::Error) -> Fault {
    let offset = offset(text, error);
    let message = error.to_string();
    let message = match message.rfind(" at line ") {
        Some(end) => message.get(..end).unwrap_or(&message),
        None => &message,
    };
    if message == "recursion limit exceeded" {
        let (message, help) = TOO_DEEP;
        return Fault::at_byte("document-too-deep", offset, message, help);
    }
    let help = match text.trim_start().bytes().next() {
        Some(b'{' | b'[') => {
            "the fault is here or just before it: look at commas, quotes and brackets"
        }
        _ => "a file named .json holds JSON; name it .yaml if it is YAML",
    };
    Fault::at_byte("json-syntax", offset, format!("not JSON: {message}"), help)
}

/// Seed and visitor of one value.
struct Seed<'r>(&'r mut Reading);

/// The parser's error where reading has stopped; its text is never seen.
fn stopped<E: de::Error>(Stopped: Stopped) -> E {
    E::custom("stopped")
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.0.count(0).map_err(stopped)?;
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

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // JSON has numbers only; what is beyond them is a fault of the parser's.
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let reading = self.0;
        reading.enter().map_err(stopped)?;
        let mut items = Vec::new();
        loop {
            let length = reading.item(items.len());
            let item = access.next_element_seed(Seed(reading))?;
            reading.back(length);
            match item {
                Some(item) => items.push(item),
                None => break,
            }
        }
        reading.leave();
        items.shrink_to_fit();
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let reading = self.0;
        reading.enter().map_err(stopped)?;
        let begin = reading.begin();
        while let Some(name) = access.next_key_seed(Name)? {
            let length = reading.name(&name).map_err(stopped)?;
            let value = access.next_value_seed(Seed(reading))?;
            reading.back(length);
            reading.member(name, value);
        }
        let object = reading.object(begin, false);
        reading.leave();
        Ok(object)
    }
}

/// A member's name.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}
