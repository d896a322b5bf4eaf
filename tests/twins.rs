//! Twins: documents in several languages that mean the same. Each file beside `cases/twins/<name>/native.yaml` is its twin: in
//! Amazon's words (`aws.yaml`) or in another version of OpenAPI; so are the two bookstores. Behind the lowering nothing can
//! tell them apart, so their models are equal.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::path::Path;

use gateway_codegen::findings::Findings;
use gateway_codegen::model::Gateway;
use gateway_tests::cases;

#[test]
fn twins_lower_to_equal_models() {
    let specs = cases::root().join("specs");
    let mut pairs = vec![(
        specs.join("bookstore.yaml"),
        specs.join("bookstore-aws.yaml"),
    )];
    for folder in cases::folders("cases/twins", "native.yaml") {
        let native = folder.join("native.yaml");
        let files = std::fs::read_dir(&folder).unwrap();
        let twins = files.map(|file| file.unwrap().path());
        let mut twins: Vec<_> = twins.filter(|file| *file != native).collect();
        assert!(!twins.is_empty(), "{} has no twin", native.display());
        twins.sort();
        pairs.extend(twins.into_iter().map(|twin| (native.clone(), twin)));
    }
    let mut faults = Vec::new();
    for (native, twin) in &pairs {
        let (left, right) = (lowered(native), lowered(twin));
        if left != right {
            let (left, right) = (without_origins(&left), without_origins(&right));
            if left == right {
                continue;
            }
            let diff = similar::TextDiff::from_lines(&left, &right);
            let diff = diff
                .unified_diff()
                .header(&native.display().to_string(), &twin.display().to_string())
                .to_string();
            faults.push(diff);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn lowered(spec: &Path) -> Gateway {
    let mut found = Findings::default();
    let (_, gateway) = gateway_codegen::read(spec, &mut found);
    let said: Vec<String> = found
        .sorted()
        .iter()
        .map(|f| format!("{} {}: {}", f.code, f.place.pointer, f.message))
        .collect();
    assert!(
        !found.has_errors(),
        "{}: {}",
        spec.display(),
        said.join("\n")
    );
    gateway.expect("a document without errors has a model")
}

/// Places differ between twins, and are no part of what is compared; nor is where a version keeps its schemas.
fn without_origins(gateway: &Gateway) -> String {
    let mut text = String::new();
    let mut inside = None;
    for line in format!("{gateway:#?}").lines() {
        let indent = line.len() - line.trim_start().len();
        match inside {
            Some(at) if indent > at => continue,
            Some(at) if indent == at => inside = None,
            _ if line.trim_start().starts_with("origin: Origin(") => inside = Some(indent),
            _ => {
                text.push_str(&line.replace("\"#/definitions/", "\"#/components/schemas/"));
                text.push('\n');
            }
        }
    }
    text
}
