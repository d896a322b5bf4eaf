//! What is read of documents of every version is what another reader of OpenAPI reads (roas): the same operations, each
//! with the same parameters and bodies, and the same security schemes; over documents that others wrote.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use gateway_codegen::findings::Findings;
use gateway_codegen::load;
use gateway_codegen::normalise::{self, Api, Version};
use gateway_codegen::resolve::{self, Sources};
use gateway_tests::corpus;
use serde_json::Value;

/// What a document consists of: `method path` → its parts, and the names of its security schemes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Inventory {
    operations: BTreeMap<String, BTreeSet<String>>,
    schemes: BTreeSet<String>,
}

/// As roas reads a version; `None`: it refuses the document, or needs other files for it.
macro_rules! read_by_roas {
    ($name:ident, $version:ident, $paths:expr, $schemes:expr, $body:expr) => {
        fn $name(document: Value) -> Option<Inventory> {
            use roas::$version::parameter::Parameter;
            use roas::$version::spec::Spec;
            let spec: Spec = serde_json::from_value(document).ok()?;
            let mut inventory = Inventory::default();
            for (path, item) in $paths(&spec) {
                if item.reference.is_some() {
                    return None;
                }
                for (method, operation) in item.operations.iter().flatten() {
                    let mut parts = BTreeMap::new();
                    let lists = [&item.parameters, &operation.parameters];
                    for parameter in lists.into_iter().flatten().flatten() {
                        let parameter: &Parameter = parameter.get_item(&spec).ok()?;
                        let value = serde_json::to_value(parameter).unwrap();
                        let place = value["in"].as_str()?;
                        let mut name = value["name"].as_str()?.to_owned();
                        if place == "header" {
                            name.make_ascii_lowercase();
                        }
                        // There is one body, whatever it is called.
                        let key = match place {
                            "body" => "body".to_owned(),
                            place => format!("{place} {name}"),
                        };
                        parts.insert(key, ());
                    }
                    let mut parts: BTreeSet<String> = parts.into_keys().collect();
                    parts.extend($body(&spec, operation)?);
                    let key = format!("{} {path}", method.to_ascii_uppercase());
                    inventory.operations.insert(key, parts);
                }
            }
            inventory.schemes = $schemes(&spec);
            Some(inventory)
        }
    };
}

/// The media types of a body of version 3.
macro_rules! body {
    ($version:ident) => {
        |spec: &roas::$version::spec::Spec, operation: &roas::$version::operation::Operation| {
            let Some(body) = &operation.request_body else {
                return Some(Vec::new());
            };
            let body = body.get_item(spec).ok()?;
            let types = body.content.keys().map(|name| format!("body {name}"));
            Some(types.collect::<Vec<String>>())
        }
    };
}

macro_rules! schemes {
    ($version:ident) => {
        |spec: &roas::$version::spec::Spec| {
            let components = spec.components.iter();
            let schemes = components.flat_map(|c| c.security_schemes.iter().flatten());
            schemes.map(|(name, _)| name.clone()).collect()
        }
    };
}

read_by_roas!(
    of_2_0,
    v2,
    |spec: &Spec| spec.paths.paths.clone(),
    |spec: &Spec| {
        let schemes = spec.security_definitions.iter().flatten();
        schemes.map(|(name, _)| name.clone()).collect()
    },
    |_: &Spec, _: &roas::v2::operation::Operation| Some(Vec::<String>::new())
);
read_by_roas!(
    of_3_0,
    v3_0,
    |spec: &Spec| spec.paths.paths.clone(),
    schemes!(v3_0),
    body!(v3_0)
);
read_by_roas!(
    of_3_1,
    v3_1,
    |spec: &Spec| spec
        .paths
        .clone()
        .map(|paths| paths.paths)
        .unwrap_or_default(),
    schemes!(v3_1),
    body!(v3_1)
);

read_by_roas!(
    of_3_2,
    v3_2,
    |spec: &Spec| spec
        .paths
        .clone()
        .map(|paths| paths.paths)
        .unwrap_or_default(),
    schemes!(v3_2),
    body!(v3_2)
);

/// As this generator reads it.
fn of_ours(api: &Api<'_>) -> Inventory {
    use openapiv3::Parameter;
    let mut inventory = Inventory::default();
    for operation in &api.operations {
        let mut parts = BTreeSet::new();
        for source in &operation.parameters {
            let name = &source.parameter.parameter_data_ref().name;
            parts.insert(match &source.parameter {
                Parameter::Query { .. } => format!("query {name}"),
                Parameter::Header { .. } => format!("header {}", name.to_ascii_lowercase()),
                Parameter::Path { .. } => format!("path {name}"),
                Parameter::Cookie { .. } => format!("cookie {name}"),
            });
        }
        let content = operation.body.iter().flat_map(|body| &body.content);
        for media in content {
            if api.version != Version::V2_0 {
                parts.insert(format!("body {}", media.media_type));
                continue;
            }
            if media.fields.is_empty() {
                parts.insert("body".to_owned());
            }
            for field in &media.fields {
                let name = &field.parameter.parameter_data_ref().name;
                parts.insert(format!("formData {name}"));
            }
        }
        let key = format!("{} {}", operation.method, operation.path);
        inventory.operations.insert(key, parts);
    }
    let schemes = api.security_schemes.iter();
    inventory.schemes = schemes.map(|scheme| scheme.name.clone()).collect();
    inventory
}

#[test]
fn documents_are_read_as_another_reader_reads_them() {
    let Some(entries) = corpus::entries("plain") else {
        return;
    };
    let mut compared: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &entries {
        let mut found = Findings::default();
        let document = load::read(&entry.path, &mut found).unwrap();
        let sources = Sources {
            root: Some(&entry.source),
            remote: None,
        };
        let document = resolve::references_from(document, sources, &mut found);
        let value = document.root().unwrap().value().clone();
        let (version, theirs) = match entry.version.get(..3) {
            Some("2.0") => ("2.0", of_2_0(value)),
            Some("3.0") => ("3.0", of_3_0(value)),
            Some("3.1") => ("3.1", of_3_1(value)),
            Some("3.2") => ("3.2", of_3_2(value)),
            _ => continue,
        };
        let Some(theirs) = theirs else {
            continue;
        };
        let api = normalise::canonical(&document, &mut found).unwrap();
        assert_eq!(of_ours(&api), theirs, "{}", entry.file);
        *compared.entry(version).or_default() += 1;
    }
    // Some it refuses that are good enough for a gateway; never most of them.
    assert!(compared["2.0"] >= 4, "{compared:?}");
    assert!(compared["3.0"] >= 20, "{compared:?}");
    assert!(compared["3.1"] >= 5, "{compared:?}");
    assert!(compared["3.2"] >= 1, "{compared:?}");
}
