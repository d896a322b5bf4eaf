//! Changes to the fields of a message: removals first, then what is set.
//!
//! Invariant: fields that frame a message or belong to one connection cannot be changed; a gateway with such a table does not
//! start.

use std::sync::Arc;

use super::address::query::{QueryEdits, QueryRules};
use crate::def::{EditsDef, FieldDef, SetDef};
use crate::exchange::{FieldName, FieldValue, Headers};
use crate::expr::Scope;
use crate::gateway::Surroundings;
use crate::values::{FieldText, Values};

/// Changes to the fields of a message.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    remove: Vec<FieldName>,
    set: Vec<(FieldName, FieldText)>,
    query: QueryRules,
    /// The names of all these fields; `None`: there is none.
    changed: Option<Arc<[FieldName]>>,
}

/// Fields with the values that were made for one message; `None`: all of the value is absent.
pub(crate) type Made = Vec<(FieldName, Option<FieldValue>)>;

/// Fields that no mapping may write: framing, and what belongs to one connection (RFC 9110 §7.6.1).
const UNTOUCHABLE: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Edits {
    /// Reads a table of changes.
    pub(crate) fn new(
        operation: &str,
        def: &EditsDef,
        scope: Scope,
        around: &mut Surroundings<'_, '_>,
    ) -> Edits {
        let mut edits = Edits::sets(operation, def.set, scope, around);
        for field in def.remove {
            match *field {
                FieldDef::Header(name) => edits.remove.extend(field_name(operation, name, around)),
                FieldDef::Query(name) => edits.query.remove(name),
            }
        }
        let names = edits.set.iter().map(|(name, _)| name);
        let names: Arc<[FieldName]> = edits.remove.iter().chain(names).cloned().collect();
        edits.changed = (!names.is_empty()).then_some(names);
        edits
    }

    /// Reads a list of fields that are set.
    pub(crate) fn sets(
        operation: &str,
        sets: &[SetDef],
        scope: Scope,
        around: &mut Surroundings<'_, '_>,
    ) -> Edits {
        let mut edits = Edits::default();
        for set in sets {
            let Some(expr) = around.parse(operation, set.value, scope) else {
                continue;
            };
            match set.field {
                FieldDef::Header(name) => {
                    let name = field_name(operation, name, around);
                    edits
                        .set
                        .extend(name.map(|name| (name, FieldText::new(expr))));
                }
                FieldDef::Query(name) => edits.query.set(name, expr),
            }
        }
        edits
    }

    /// Whether nothing is changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.set.is_empty() && self.query.is_empty()
    }

    /// The names of the fields it changes; `None`: it changes none.
    pub(crate) fn changed(&self) -> Option<Arc<[FieldName]>> {
        self.changed.clone()
    }

    /// The values of the fields it sets. They are made before anything is changed: one value may be read where another is set.
    pub(crate) fn made(&self, values: &Values<'_>) -> Made {
        self.set
            .iter()
            .map(|(name, text)| (name.clone(), text.value(values)))
            .collect()
    }

    /// The changes to the query.
    pub(crate) fn query(&self, values: &Values<'_>) -> QueryEdits<'_> {
        self.query.edits(&|source| values.get(source).into())
    }

    /// Changes the fields of a message; `made` are the values that were made for it. A field whose value is absent goes, and what
    /// only differs from its name by `_` for `-`: otherwise a client could send what the gateway was told to set.
    pub(crate) fn apply(&self, made: Made, headers: &mut Headers) {
        for name in &self.remove {
            headers.remove_alike(name);
        }
        for (name, value) in made {
            headers.remove_alike(&name);
            if let Some(value) = value {
                headers.set(name, value);
            }
        }
    }
}

fn field_name(operation: &str, name: &str, around: &mut Surroundings<'_, '_>) -> Option<FieldName> {
    let parsed = FieldName::from_bytes(name.as_bytes()).ok();
    if parsed.is_none() || UNTOUCHABLE.contains(&name) {
        around.fault(
            operation,
            &format!("the field `{name}` cannot be mapped"),
            "the gateway frames messages and connections itself",
        );
        return None;
    }
    parsed
}
