//! What documents mean. Each test is a document and what comes out; two helpers touch the API.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod amazon;
mod messages;
mod native;
mod plain;
mod policies;
mod robust;
mod size;

use crate::findings::{Findings, Severity};
use crate::load::Document;
use crate::model::Gateway;
use crate::{check, intrinsics, load, lower, normalise, resolve};

/// A document, lowered and checked.
fn lowered(text: &str) -> (Option<Gateway>, Document, Findings) {
    let mut found = Findings::default();
    let mut document = load::text("api.yaml", text, &mut found).expect("a document");
    let inputs = intrinsics::Inputs::default();
    let mut evaluation = intrinsics::entry(&mut document, &inputs, &mut found);
    let mut document = resolve::references(document, &mut found);
    evaluation.others(&mut document, &inputs, &mut found);
    let gateway = normalise::canonical(&document, &mut found).and_then(|api| {
        let gateway = lower::gateway(&api, &mut found)?;
        check::run(&api, &gateway, &mut found);
        Some(gateway)
    });
    (gateway, document, found)
}

/// The gateway that a document without errors means.
#[track_caller]
fn gateway(text: &str) -> Gateway {
    let (gateway, _, found) = lowered(text);
    let errors: Vec<_> = found
        .sorted()
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    gateway.expect("a gateway")
}

/// `pointer code` for every error and warning, `#` after the pointer of a name, `+3` after a place inside a text.
fn findings(text: &str) -> Vec<String> {
    let (_, _, found) = lowered(text);
    found
        .sorted()
        .into_iter()
        .filter(|finding| finding.severity != Severity::Note)
        .map(|finding| {
            let place = &finding.place;
            let key = if place.key { "#" } else { "" };
            let offset = place.offset.map(|n| format!("+{n}")).unwrap_or_default();
            format!("{}{key}{offset} {}", place.pointer, finding.code)
        })
        .collect()
}

/// A document of one operation, `GET /books/{id}`, whose `x-gateway` is given.
fn operation(extension: &str) -> String {
    document("", extension)
}

/// The same with members of the root's `x-gateway`.
fn document(root: &str, operation: &str) -> String {
    format!(
        "openapi: 3.0.3
info: {{ title: Books, version: '1' }}
servers: [ {{ url: 'http://books.internal' }} ]
x-gateway: {{ {root} }}
paths:
  /books/{{id}}:
    get:
      operationId: getBook
      tags: [books]
      parameters:
        - {{ name: id, in: path, required: true, schema: {{ type: string }} }}
        - {{ name: lang, in: query, schema: {{ type: string }} }}
      responses: {{ '200': {{ description: fine }} }}
      x-gateway: {{ {operation} }}
"
    )
}
