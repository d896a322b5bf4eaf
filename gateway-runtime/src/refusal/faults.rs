//! What of a message is not what the document says.
//!
//! Invariant: a fault names places of the message and of the document, and rules of the document; never a value that was sent.

use std::borrow::Cow;

use crate::def::ParameterPlace;
use crate::expr::Escape;

/// Most faults of one message that are told.
pub const MOST_FAULTS: usize = 20;

/// What of a message is not what the document says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// The first of them, at most [`MOST_FAULTS`].
    pub list: Vec<Fault>,
}

/// One thing that is not what the document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub at: FaultPlace,
    /// Where inside (RFC 6901); empty: the whole.
    pub pointer: String,
    /// The keyword that is not kept.
    pub keyword: &'static str,
    /// A sentence without its subject: `must have at most 200 characters`.
    pub detail: Cow<'static, str>,
    /// The schema that says so, as a place of the document; empty: none does.
    pub schema: String,
}

/// Where a fault stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultPlace {
    /// In a parameter, or a field of an answer.
    Parameter(ParameterPlace, &'static str),
    /// In the body.
    Body,
}

impl Faults {
    /// Adds one, unless there are enough.
    pub fn add(&mut self, fault: Fault) {
        if self.list.len() < MOST_FAULTS {
            self.list.push(fault);
        }
    }

    /// Whether as many were found as are told.
    pub fn is_full(&self) -> bool {
        self.list.len() >= MOST_FAULTS
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// As a JSON array, for who sent the message.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'[');
        for (index, fault) in self.list.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.push(b'{');
            let place = match fault.at {
                FaultPlace::Parameter(place, _) => place.word(),
                FaultPlace::Body => "body",
            };
            member("in", place, out);
            if let FaultPlace::Parameter(_, name) = fault.at {
                out.push(b',');
                member("name", name, out);
            }
            let inside = !fault.pointer.is_empty() || fault.at == FaultPlace::Body;
            for (name, text) in [
                ("pointer", inside.then_some(fault.pointer.as_str())),
                ("keyword", Some(fault.keyword)),
                ("detail", Some(&*fault.detail)),
                (
                    "schema",
                    Some(fault.schema.as_str()).filter(|s| !s.is_empty()),
                ),
            ] {
                if let Some(text) = text {
                    out.push(b',');
                    member(name, text, out);
                }
            }
            out.push(b'}');
        }
        out.push(b']');
    }

    /// On one line, for logs: `[query limit must be at most 100, body /title must be a string]`.
    pub(crate) fn line(&self) -> String {
        let faults: Vec<String> = self
            .list
            .iter()
            .map(|fault| {
                let (place, name) = match fault.at {
                    FaultPlace::Parameter(place, name) => (place.word(), name),
                    FaultPlace::Body => ("body", ""),
                };
                let words = [place, name, &fault.pointer, &fault.detail];
                let words = words.into_iter().filter(|word| !word.is_empty());
                words.collect::<Vec<_>>().join(" ")
            })
            .collect();
        format!("[{}]", faults.join(", "))
    }

    /// The parameters that are missing, as Amazon's gateways list them.
    pub(crate) fn missing(&self) -> String {
        // Their places in the order of `header`, `path`, `querystring`.
        let rank = |place| match place {
            ParameterPlace::Header => 0,
            ParameterPlace::Path => 1,
            ParameterPlace::Query => 2,
            ParameterPlace::Cookie => 3,
        };
        let mut names: Vec<(u8, &str)> = self
            .list
            .iter()
            .filter_map(|fault| match fault.at {
                FaultPlace::Parameter(place, name) => Some((rank(place), name)),
                FaultPlace::Body => None,
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        let names: Vec<&str> = names.into_iter().map(|(_, name)| name).collect();
        names.join(", ")
    }
}

fn member(name: &str, text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":\"");
    Escape::Json.write(out, text.as_bytes());
    out.push(b'"');
}
