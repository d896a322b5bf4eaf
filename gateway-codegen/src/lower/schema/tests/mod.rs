//! What documents' schemas become, and what that says of values.

#![expect(clippy::unwrap_used, reason = "a test that cannot begin should stop")]

mod dialects;
mod differential;
mod suite;

use std::path::PathBuf;

use gateway_runtime::def::Messages;
use gateway_runtime::schema::{Root, Scratch, Violations};
use serde_json::Value;

use super::*;
use crate::findings::Findings;
use crate::load::{self, SourceFile};

/// A file of a document that is in memory.
fn file(name: &str, text: &str, number: usize) -> SourceFile {
    let mut found = Findings::default();
    let file = load::parse(
        name.to_owned(),
        PathBuf::new(),
        text.into(),
        number,
        &mut found,
    );
    assert!(!found.has_errors(), "{name}: {found:?}");
    file
}

/// A schema that is ready to run.
struct Program {
    schemas: gateway_runtime::schema::Schemas,
    root: Root,
    scratch: Scratch,
}

impl Program {
    fn of(rules: &[Rule], schemas: &model::Schemas) -> Program {
        let (table, rules) = crate::assemble::schemas(schemas, rules);
        let mut schemas = gateway_runtime::schema::Schemas::new(table).unwrap();
        let root = schemas.add("#", rules).unwrap();
        Program {
            schemas,
            root,
            scratch: Scratch::default(),
        }
    }

    fn check(&mut self, json: &str) -> Result<(), Violations> {
        let json = json.as_bytes();
        (self.schemas).check(self.root, json, Messages::Requests, &mut self.scratch)
    }
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../tests")
        .join(name)
}

/// The lines of a file of tests, as JSON.
fn lines(name: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder(name)).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
