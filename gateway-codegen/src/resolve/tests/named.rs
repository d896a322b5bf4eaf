//! Names that parts of a document have: `$self`, `$id`, `$anchor`.

use super::{Folder, check, report};
use crate::findings::Findings;
use crate::load::{self, Document};
use crate::resolve::references;

const NEW: &str = "openapi: 3.1.0\n";

/// A document of 3.1 without faults.
#[track_caller]
fn good(rest: &str) -> Document {
    let mut found = Findings::default();
    let document = load::text("api.yaml", format!("{NEW}{rest}"), &mut found).unwrap();
    let document = references(document, &mut found);
    assert_eq!(report(&document, &found), Vec::<String>::new());
    document
}

/// Where the reference at a pointer leads.
#[track_caller]
fn leads(document: &Document, from: &str, to: &str) {
    let node = document.root().unwrap().at(from).expect("a place");
    let target = node.target(node.reference().unwrap()).expect("a target");
    assert_eq!(target.place().pointer, to, "{from}");
}

#[test]
fn anchors_are_led_to() {
    let document = good(
        "a: {$ref: '#book'}\nb: {$ref: '#node'}\ncomponents: {schemas: {Book: {$anchor: book}, Node: {$dynamicAnchor: node, items: {$ref: '#book'}}}}\n",
    );
    leads(&document, "/a", "/components/schemas/Book");
    leads(&document, "/b", "/components/schemas/Node");
    leads(
        &document,
        "/components/schemas/Node/items",
        "/components/schemas/Book",
    );
    check(
        &format!("{NEW}a: {{$ref: '#book'}}\n"),
        &["2:11 ref-dangling"],
    );
    // Before 3.1 they were a name like any other.
    check(
        "openapi: 3.0.3\na: {$ref: '#book'}\nb: {$anchor: book}\n",
        &["2:11 ref-dangling"],
    );
}

#[test]
fn addresses_are_what_references_below_them_are_relative_to() {
    let document = good(
        "a: {$ref: 'https://books.example/book'}\nb: {$ref: 'https://books.example/author#/properties/name'}\ncomponents:\n  schemas:\n    Book:\n      $id: https://books.example/book\n      properties: {by: {$ref: author}, self: {$ref: '#'}, title: {$ref: '#/$defs/title'}, far: {$ref: '#/components/schemas/Far'}}\n      $defs: {title: {type: string}, author: {$id: author, properties: {name: {$ref: '#part'}, x: {$anchor: part}}}}\n    Far: {$anchor: part}\n",
    );
    let book = "/components/schemas/Book";
    leads(&document, "/a", book);
    leads(
        &document,
        "/b",
        &format!("{book}/$defs/author/properties/name"),
    );
    let of = |name: &str| format!("{book}/properties/{name}");
    leads(&document, &of("by"), &format!("{book}/$defs/author"));
    leads(&document, &of("self"), book);
    leads(&document, &of("title"), &format!("{book}/$defs/title"));
    // What many write all the same: a pointer into the document.
    leads(&document, &of("far"), "/components/schemas/Far");
    leads(
        &document,
        &format!("{book}/$defs/author/properties/name"),
        &format!("{book}/$defs/author/properties/x"),
    );
}

#[test]
fn a_document_knows_its_own_address() {
    let document = good(
        "$self: https://books.example/v1/openapi.yaml\na: {$ref: 'https://books.example/v1/openapi.yaml#/b'}\nb: {$ref: 'openapi.yaml#/c'}\nc: {}\n",
    );
    leads(&document, "/a", "/b");
    leads(&document, "/b", "/c");
    check(
        "openapi: 3.2.0\n$self: https://books.example/a\nb: {$ref: 'https://books.example/b#/c'}\n",
        &["3:11 ref-remote"],
    );
}

#[test]
fn names_in_data_are_none() {
    check(
        &format!(
            "{NEW}a: {{$ref: '#x'}}\nproperties: {{$anchor: x}}\nexample: {{$anchor: x}}\nb: {{$anchor: [x]}}\n"
        ),
        &["2:11 ref-dangling"],
    );
}

#[test]
fn names_of_other_files_count() {
    let folder = Folder::new(&[
        (
            "api.yaml",
            "openapi: 3.1.0\na: {$ref: 'parts/one.yaml'}\nb: {$ref: 'https://books.example/one'}\nc: {$ref: 'parts/two.yaml#inner'}\n",
        ),
        (
            "parts/one.yaml",
            "$id: https://books.example/one\n$ref: two.yaml\n",
        ),
        ("parts/two.yaml", "$defs: {x: {$anchor: inner}}\n"),
    ]);
    let (document, found) = folder.resolve("api.yaml");
    assert_eq!(report(&document, &found), Vec::<String>::new());
    assert_eq!(document.files.len(), 3);
    leads(&document, "/b", "");
    leads(&document, "/c", "/$defs/x");
}
