//! YAML text → value, after a walk over its events has shown that this is safe.
//!
//! The walk refuses what would make the reader work out of proportion to the text: deep nesting, too many values, aliases
//! that multiply, and with them what an API description never is: several documents in one file, an alias inside what it
//! stands for.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser};
use serde::de::DeserializeSeed;

use super::tree::{Reading, Seed};
use super::{Fault, MAX_BYTES, MAX_DEPTH, MAX_NODES, TOO_DEEP, Tree, char_offset};

pub(super) fn read(text: &str) -> Result<Tree, Fault> {
    walk(text)?;
    let mut reading = Reading::yaml();
    let root = Seed(&mut reading).deserialize(serde_yaml::Deserializer::from_str(text));
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

/// What a node amounts to once aliases are expanded.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
}

impl Size {
    fn add(&mut self, nodes: usize, bytes: usize) {
        self.nodes = self.nodes.saturating_add(nodes);
        self.bytes = self.bytes.saturating_add(bytes);
    }
}

/// A collection whose end has not come yet: its anchor, and the size of everything before it.
struct Open {
    anchor: usize,
    before: Size,
}

fn walk(text: &str) -> Result<(), Fault> {
    let mut size = Size::default();
    let mut anchors: HashMap<usize, Size> = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    let mut documents = 0_usize;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let marker = error.marker();
                let offset = marker
                    .byte_offset()
                    .unwrap_or_else(|| char_offset(text, marker.line(), marker.col()));
                // The parser reads ahead of its events, so its own limit may come first.
                return Err(match error.kind() {
                    ErrorKind::RecursionLimitExceeded => too_deep(offset),
                    _ => syntax(text, offset, &error.info()),
                });
            }
        };
        let offset = span.start.byte_offset().unwrap_or_default();
        match event {
            Event::DocumentStart(..) => {
                documents += 1;
                if documents > 1 {
                    return Err(Fault::at_byte(
                        "yaml-documents",
                        offset,
                        "a second YAML document begins here",
                        "keep one document in a file",
                    ));
                }
            }
            Event::Scalar(value, _, anchor, _) => {
                size.add(1, value.len());
                if anchor != 0 {
                    let (nodes, bytes) = (1, value.len());
                    anchors.insert(anchor, Size { nodes, bytes });
                }
            }
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                if open.len() >= MAX_DEPTH {
                    return Err(too_deep(offset));
                }
                let before = size;
                size.add(1, 0);
                open.push(Open { anchor, before });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(Open { anchor, before }) = open.pop()
                    && anchor != 0
                {
                    let nodes = size.nodes.saturating_sub(before.nodes);
                    let bytes = size.bytes.saturating_sub(before.bytes);
                    anchors.insert(anchor, Size { nodes, bytes });
                }
            }
            Event::Alias(anchor) => match anchors.get(&anchor) {
                Some(of) => size.add(of.nodes, of.bytes),
                None => {
                    return Err(Fault::at_byte(
                        "yaml-alias",
                        offset,
                        "this alias stands inside what it stands for",
                        "use a $ref for a schema that contains itself",
                    ));
                }
            },
            _ => {}
        }
        if size.nodes > MAX_NODES || size.bytes > MAX_BYTES {
            return Err(Fault::at_byte(
                "document-too-large",
                offset,
                "with its aliases expanded, the document has more than 5,000,000 values or 64 MiB of text",
                "use $ref instead of aliases for what repeats",
            ));
        }
    }
    Ok(())
}

fn too_deep(offset: usize) -> Fault {
    let (message, help) = TOO_DEEP;
    Fault::at_byte("document-too-deep", offset, message, help)
}

/// Where the second reader stopped.
fn offset(text: &str, error: &serde_yaml::Error) -> usize {
    error.location().map_or(0, |at| {
        char_offset(text, at.line(), at.column().saturating_sub(1))
    })
}

/// A fault of the second reader, which has its own opinion in rare cases.
fn fault(text: &str, error: &serde_yaml::Error) -> Fault {
    let offset = offset(text, error);
    let message = error.to_string();
    let message = match message.rfind(" at line ") {
        Some(end) => message.get(..end).unwrap_or(&message),
        None => &message,
    };
    syntax(text, offset, message)
}

fn syntax(text: &str, offset: usize, message: &str) -> Fault {
    let mut offset = offset;
    let mut help = "";
    if message.contains("tab") {
        help = "YAML is indented with spaces, never with tabs";
        // The parser names the start of what it was reading; the tab is at the start of a line after it.
        let rest = text.get(offset..).unwrap_or_default();
        let tab = rest.match_indices('\n').find_map(|(newline, _)| {
            let line = rest.get(newline + 1..)?;
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            let tab = line.get(..indent)?.find('\t')?;
            Some(newline + 1 + tab)
        });
        offset += tab.unwrap_or(0);
    }
    Fault::at_byte("yaml-syntax", offset, format!("not YAML: {message}"), help)
}
