//! The runtime that travels inside the generator, and how it becomes `runtime/` of an emitted crate.
//!
//! Its sources are copied; its manifest is rendered, with what it inherits from our workspace written out and without
//! what only its own tests need. The facts (versions, features, edition) are read from the two manifests that this
//! generator was built beside, so they are never written down twice. They cannot be wrong where this runs: a test reads
//! them, and builds happen in the repository only.

use std::sync::LazyLock;

use askama::Template;
use toml::{Table, Value};

use super::manifest::rendered;
use super::text::{filters, toml_string};
use crate::tree::FileTree;

include!(concat!(env!("OUT_DIR"), "/runtime_sources.rs"));

const WORKSPACE: &str = include_str!("../../../Cargo.toml");
const RUNTIME: &str = include_str!("../../../gateway-runtime/Cargo.toml");

/// What the manifests say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// Version of the runtime.
    pub version: String,
    /// Edition of Rust.
    pub edition: String,
    /// Oldest compiler.
    pub rust_version: String,
    /// Licence expression.
    pub license: String,
    /// Features, with what each enables as a TOML array.
    features: Vec<(String, String)>,
    /// Dependencies, with each requirement as a TOML value.
    dependencies: Vec<(String, String)>,
}

static FACTS: LazyLock<Facts> = LazyLock::new(|| {
    let workspace: Table = toml::from_str(WORKSPACE).unwrap_or_default();
    let runtime: Table = toml::from_str(RUNTIME).unwrap_or_default();
    read(&workspace, &runtime)
});

/// What the manifests of the runtime that travels with this generator say.
pub fn facts() -> &'static Facts {
    &FACTS
}

fn read(workspace: &Table, runtime: &Table) -> Facts {
    let package = |name: &str| {
        let own = table(runtime, "package").and_then(|p| p.get(name));
        let inherited = || table(table(workspace, "workspace")?, "package")?.get(name);
        own.filter(|value| value.is_str())
            .or_else(inherited)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let shared = table(workspace, "workspace").and_then(|w| table(w, "dependencies"));
    let dependencies = table(runtime, "dependencies")
        .into_iter()
        .flatten()
        .map(|(name, own)| {
            let shared = shared.and_then(|s| s.get(name));
            (name.clone(), inline(&requirement(own, shared)))
        })
        .collect();
    let features = table(runtime, "features")
        .into_iter()
        .flatten()
        .map(|(name, enables)| (name.clone(), inline(enables)))
        .collect();
    Facts {
        version: package("version"),
        edition: package("edition"),
        rust_version: package("rust-version"),
        license: package("license"),
        features,
        dependencies,
    }
}

fn table<'t>(table: &'t Table, name: &str) -> Option<&'t Table> {
    table.get(name).and_then(Value::as_table)
}

/// A requirement with what it inherits (Cargo book, "Inheriting a dependency from a workspace"): features are added up, all
/// else is the workspace's.
fn requirement(own: &Value, shared: Option<&Value>) -> Value {
    let inherits = own.get("workspace").and_then(Value::as_bool) == Some(true);
    let (true, Value::Table(own), Some(shared)) = (inherits, own, shared) else {
        return own.clone();
    };
    let mut whole = match shared {
        Value::Table(shared) => shared.clone(),
        version => Table::from_iter([("version".to_owned(), version.clone())]),
    };
    for (name, value) in own {
        match (name.as_str(), value, whole.get_mut(name)) {
            ("workspace", ..) => {}
            ("features", Value::Array(more), Some(Value::Array(features))) => {
                features.extend(more.iter().cloned());
            }
            _ => {
                whole.insert(name.clone(), value.clone());
            }
        }
    }
    match whole.get("version") {
        Some(version) if whole.len() == 1 => version.clone(),
        _ => Value::Table(whole),
    }
}

/// A value on one line.
fn inline(value: &Value) -> String {
    let list = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::String(text) => toml_string(text),
        Value::Array(values) => format!("[{}]", list(values.iter().map(inline).collect())),
        Value::Table(table) => {
            // The version first, as people write it; a feature or a dependency is a bare key.
            let (version, others): (Vec<_>, Vec<_>) =
                table.iter().partition(|(name, _)| *name == "version");
            let members = version.into_iter().chain(others);
            let members = members.map(|(name, value)| format!("{name} = {}", inline(value)));
            format!("{{ {} }}", list(members.collect()))
        }
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(n) => n.to_string(),
        Value::Float(n) => n.to_string(),
        Value::Datetime(time) => time.to_string(),
    }
}

#[derive(Template)]
#[template(path = "runtime.toml", escape = "none")]
struct Manifest<'a> {
    name: &'a str,
    version: &'a str,
    edition: &'a str,
    rust_version: &'a str,
    license: &'a str,
    features: &'a [(String, String)],
    dependencies: &'a [(String, String)],
}

/// Adds `runtime/` to a crate.
pub(super) fn files(tree: &mut FileTree) {
    let facts = facts();
    let manifest = Manifest {
        name: "gateway-runtime",
        version: &facts.version,
        edition: &facts.edition,
        rust_version: &facts.rust_version,
        license: &facts.license,
        features: &facts.features,
        dependencies: &facts.dependencies,
    };
    tree.insert("runtime/Cargo.toml", rendered(&manifest));
    for (path, bytes) in SOURCES {
        let path = format!("runtime/{path}");
        match std::str::from_utf8(bytes) {
            Ok(text) if path.ends_with(".rs") => tree.insert(&path, without_tests(text)),
            _ => tree.insert(&path, *bytes),
        }
    }
}

/// A source without the declarations of test modules that stand in files of their own: those files stay behind.
fn without_tests(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let declares = |next: &&str| matches!(next.trim(), "mod tests;" | "pub(crate) mod tests;");
        if line.trim() == "#[cfg(test)]" && lines.next_if(declares).is_some() {
            // The blank line before it, or after it, goes too.
            if kept.ends_with("\n\n") {
                lines.next_if(|next| next.is_empty());
            }
            continue;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    kept.truncate(kept.trim_end().len());
    kept.push('\n');
    kept
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn facts_are_those_of_the_workspace() {
        let facts = facts();
        assert_eq!(facts.version, env!("CARGO_PKG_VERSION"));
        assert_eq!(facts.edition, "2024");
        assert_eq!(facts.rust_version, env!("CARGO_PKG_RUST_VERSION"));
        assert!(facts.features.iter().any(|(name, _)| name == "serve"));
        assert!(facts.dependencies.len() > 10);
        assert!(!format!("{facts:?}").contains("workspace"));
    }

    #[test]
    fn inheritance_is_written_out() {
        let workspace: Table = toml::from_str(
            "[workspace.package]\nversion = \"1.2.3\"\n[workspace.dependencies]\na = \"1\"\nb = { version = \"2\", features = [\"x\"] }",
        )
        .unwrap();
        let runtime: Table = toml::from_str(
            "[package]\nversion.workspace = true\n[dependencies]\na.workspace = true\nb = { workspace = true, optional = true, features = [\"y\"] }\nc = \"3\"",
        )
        .unwrap();
        let facts = read(&workspace, &runtime);
        assert_eq!(facts.version, "1.2.3");
        let shown: Vec<_> = facts
            .dependencies
            .iter()
            .map(|(name, requirement)| format!("{name} = {requirement}"))
            .collect();
        assert_eq!(
            shown,
            [
                "a = \"1\"",
                "b = { version = \"2\", features = [\"x\", \"y\"], optional = true }",
                "c = \"3\"",
            ]
        );
    }

    #[test]
    fn test_modules_stay_behind() {
        assert_eq!(
            without_tests("mod a;\n\n#[cfg(test)]\nmod tests;\n\nfn b() {}\n"),
            "mod a;\n\nfn b() {}\n"
        );
        assert_eq!(
            without_tests("mod a;\n#[cfg(test)]\nmod tests;\n"),
            "mod a;\n"
        );
        let inline = "#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(without_tests(inline), inline);
    }

    #[test]
    fn the_runtime_travels_whole() {
        let mut tree = FileTree::default();
        files(&mut tree);
        for path in [
            "runtime/Cargo.toml",
            "runtime/src/lib.rs",
            "runtime/src/def/mod.rs",
        ] {
            assert!(tree.get(path).is_some(), "{path}");
        }
        let manifest = std::str::from_utf8(tree.get("runtime/Cargo.toml").unwrap()).unwrap();
        let manifest: Table = toml::from_str(manifest).unwrap();
        assert!(!manifest.contains_key("dev-dependencies"));
        assert_eq!(
            manifest["features"]["default"].as_array().map(Vec::len),
            Some(2)
        );
    }
}
