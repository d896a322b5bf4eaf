//! JSON text → value.

use serde::de::DeserializeSeed;
use serde_json::Deserializer;

use super::tree::{Reading, Seed};
use super::{Fault, TOO_DEEP, Tree, line_start};

pub(super) fn read(text: &str) -> Result<Tree, Fault> {
    let mut reading = Reading::json();
    let mut deserializer = Deserializer::from_str(text);
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
        Some(b'{' | b'[') => "",
        _ => "a file named .json holds JSON; name it .yaml if it is YAML",
    };
    Fault::at_byte("json-syntax", offset, format!("not JSON: {message}"), help)
}
