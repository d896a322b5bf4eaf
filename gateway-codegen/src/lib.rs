//! Compiles an OpenAPI document with gateway extensions into a gateway.
//!
//! One API has three shapes: [`load::Document`] (what was written, with places) → [`model::Gateway`] (what was meant) →
//! `*Def` tables (what is served). Every module belongs to one shape or to one arrow between two:
//!
//! | phase | from | to |
//! |---|---|---|
//! | [`load`] | bytes | a document, every value with its place |
//! | [`compose`] | documents, overlays, selectors | one document |
//! | [`intrinsics`] | a template | the document it stands for, its functions evaluated |
//! | [`resolve`] | a document | the same with the files its references name |
//! | [`normalise`] | a document of any version | the canonical 3.0 shape, typed |
//! | [`lower`] | OpenAPI, `x-gateway`, `x-amazon-apigateway-*` | one model; all defaults decided |
//! | [`check`] | the model | findings that need the whole of it |
//! | [`assemble`] | the model | the tables the runtime serves |
//! | [`emit`] | the tables | the files of a crate, printing only |
//!
//! Phases are plain calls. Those that can find fault add to one [`Findings`], so that one run tells everything; from
//! `assemble` on nothing can go wrong. [`tree`] alone writes.

pub mod assemble;
pub mod check;
pub mod compose;
pub mod config;
pub mod digest;
pub mod emit;
pub mod findings;
pub mod intrinsics;
pub mod load;
pub mod lower;
pub mod model;
pub mod names;
pub mod normalise;
mod overlay;
pub mod resolve;
pub mod suggest;
pub mod tree;

use std::path::Path;

use compose::Input;
use emit::EmitOptions;
use findings::Findings;
use intrinsics::Inputs;
use load::Document;
use model::Gateway;
use resolve::Sources;
use tree::FileTree;

/// From a document to the files of its crate: all phases in their order.
///
/// # Errors
/// With everything wrong with the document, if one of it is an error; the document goes with it, to show the places.
pub fn generate(spec: &Path, options: &EmitOptions) -> Result<FileTree, (Document, Findings)> {
    let mut found = Findings::default();
    match read(spec, &mut found) {
        (document, Some(gateway)) => Ok(files(&document, &gateway, options)),
        (document, None) => Err((document, found)),
    }
}

/// What a document means; `None` if an error was found. Whatever is wrong with it is added to `found`.
pub fn read(spec: &Path, found: &mut Findings) -> (Document, Option<Gateway>) {
    read_all(
        &Input::of(spec),
        Sources::default(),
        &Inputs::default(),
        found,
    )
}

/// What documents, overlays and selectors mean together, with the files they refer to from these sources; templates are
/// evaluated with these values. `None` if an error was found.
pub fn read_all(
    input: &Input,
    sources: Sources<'_>,
    inputs: &Inputs,
    found: &mut Findings,
) -> (Document, Option<Gateway>) {
    let (document, made) = compose::document(input, sources, inputs, found);
    let gateway = made.then(|| understand(&document, found)).flatten();
    (document, gateway)
}

/// What a document means whose files have been read; `None` if an error was found.
pub fn understand(document: &Document, found: &mut Findings) -> Option<Gateway> {
    let gateway = mean(document, found);
    findings::accepted(document, found);
    gateway.filter(|_| !found.has_errors())
}

fn mean(document: &Document, found: &mut Findings) -> Option<Gateway> {
    let api = normalise::canonical(document, found)?;
    let gateway = lower::gateway(&api, found)?;
    check::run(&api, &gateway, found);
    Some(gateway)
}

/// The crate of a gateway. Cannot fail: no clock, no file, no chance.
pub fn files(document: &Document, gateway: &Gateway, options: &EmitOptions) -> FileTree {
    emit::files(assemble::defs(gateway), options, &digest::of(document))
}
