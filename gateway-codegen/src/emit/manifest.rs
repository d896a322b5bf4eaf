//! `Cargo.toml` and `Cargo.lock` of the emitted crate: the sole owner of where its runtime is.
//!
//! A manifest never asks for the runtime by a bare version: in the public registry that name is a stranger's.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use askama::Template;

use super::text::filters;
use super::{EmitOptions, Runtime, Workspace, vendor};

/// Version of every emitted crate. The document's own version stands in its tables: it need not be one to cargo, and a
/// new one should not touch the manifest and the lock.
const VERSION: &str = "0.0.0";

/// Lock of a crate named `gateway` that links the vendored runtime and nothing else. A test fails when it is stale.
const CARGO_LOCK: &str = include_str!("../../../templates/Cargo.lock");

#[derive(Template)]
#[template(path = "emitted.toml", escape = "none")]
struct Manifest<'a> {
    name: &'a str,
    version: &'a str,
    edition: &'a str,
    rust_version: &'a str,
    runtime: &'a Runtime,
    own: bool,
    vendored: bool,
}

pub(super) fn file(name: &str, options: &EmitOptions) -> String {
    let facts = vendor::facts();
    let manifest = Manifest {
        name,
        version: VERSION,
        edition: &facts.edition,
        rust_version: &facts.rust_version,
        runtime: &options.runtime,
        own: options.workspace == Workspace::Own,
        vendored: options.runtime == Runtime::Vendor,
    };
    rendered(&manifest)
}

/// A template with its line break at the end. Rendering into a string fails only if a value's `Display` does; none here can.
pub(super) fn rendered(template: &impl Template) -> String {
    template.render().unwrap_or_default() + "\n"
}

/// The lock of a crate of this name: the tested one, with its root entry renamed and put where cargo sorts it.
pub(super) fn cargo_lock(name: &str) -> String {
    const BETWEEN: &str = "\n[[package]]\n";
    let mut blocks = CARGO_LOCK.split(BETWEEN);
    let head = blocks.next().unwrap_or_default();
    let mut packages: Vec<String> = blocks.map(|block| block.trim_end().to_owned()).collect();
    // A dependency of the root's name is then named with its version wherever it is linked to.
    if let Some(version) = packages
        .iter()
        .find(|block| field(block, "name") == Some(name))
        .and_then(|block| field(block, "version"))
        .map(str::to_owned)
    {
        let (link, exact) = (format!(" \"{name}\","), format!(" \"{name} {version}\","));
        for block in &mut packages {
            let lines: Vec<&str> = block
                .lines()
                .map(|line| if line == link { &exact } else { line })
                .collect();
            *block = lines.join("\n");
        }
    }
    for block in &mut packages {
        if field(block, "name") == Some("gateway") && field(block, "source").is_none() {
            *block = block.replacen("name = \"gateway\"", &format!("name = \"{name}\""), 1);
        }
    }
    packages.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
    let mut lock = head.to_owned();
    for block in packages {
        lock.push_str(BETWEEN);
        lock.push_str(&block);
        lock.push('\n');
    }
    lock
}

fn sort_key(block: &str) -> (&str, &str) {
    let part = |name| field(block, name).unwrap_or_default();
    (part("name"), part("version"))
}

/// A string of a `[[package]]` block.
fn field<'b>(block: &'b str, name: &str) -> Option<&'b str> {
    block.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(" = \"")?;
        value.strip_suffix('"')
    })
}

impl Runtime {
    /// `vendor`, `path=DIR` or `git=URL#REV`, as `--runtime` takes it. A folder is made relative to the crate's, `out`, so
    /// that a checkout elsewhere builds too.
    pub fn parse(text: &str, out: &Path) -> Result<Runtime, RuntimeError> {
        if text == "vendor" {
            return Ok(Runtime::Vendor);
        }
        if let Some(dir) = text.strip_prefix("path=").filter(|dir| !dir.is_empty()) {
            return relative(Path::new(dir), out).map(Runtime::Path);
        }
        if let Some((url, rev)) = text.strip_prefix("git=").and_then(|t| t.rsplit_once('#'))
            && !url.is_empty()
            && !rev.is_empty()
        {
            return Ok(Runtime::Git {
                url: url.to_owned(),
                rev: rev.to_owned(),
            });
        }
        Err(RuntimeError::Unknown(text.to_owned()))
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Runtime::Vendor => f.write_str("vendor"),
            Runtime::Path(path) => write!(f, "path={path}"),
            Runtime::Git { url, rev } => write!(f, "git={url}#{rev}"),
        }
    }
}

/// What is wrong with a value of `--runtime`.
#[derive(Debug, PartialEq, Eq)]
pub enum RuntimeError {
    /// None of the three forms.
    Unknown(String),
    /// A folder that no relative path leads to from the crate's, or whose name is not Unicode.
    Unreachable(PathBuf),
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RuntimeError::Unknown(text) => write!(
                f,
                "`{text}` names no runtime: use `vendor`, `path=DIR` or `git=URL#REV`"
            ),
            RuntimeError::Unreachable(dir) => write!(
                f,
                "no relative path leads from the output folder to `{}`: use a folder on the same drive with a name in Unicode",
                dir.display()
            ),
        }
    }
}

impl std::error::Error for RuntimeError {}

/// The way from `out` to `dir`, `/`-separated. Links are resolved where the folders exist, as cargo does.
fn relative(dir: &Path, out: &Path) -> Result<String, RuntimeError> {
    let unreachable = || RuntimeError::Unreachable(dir.to_owned());
    let (to, from) = (whole(dir), whole(out));
    let (to, from): (Vec<_>, Vec<_>) = (to.components().collect(), from.components().collect());
    let shared = to.iter().zip(&from).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return Err(unreachable());
    }
    let up = from.iter().skip(shared).map(|_| Some(".."));
    let down = to.iter().skip(shared).map(|part| part.as_os_str().to_str());
    let parts: Option<Vec<&str>> = up.chain(down).collect();
    match parts.ok_or_else(unreachable)?.join("/") {
        path if path.is_empty() => Ok(".".to_owned()),
        path => Ok(path),
    }
}

/// The absolute path without links and dots, as far as it exists.
fn whole(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (Some(parent), Some(last)) = (absolute.parent(), absolute.components().next_back()) else {
        return absolute;
    };
    match last {
        Component::Normal(name) => whole(parent).join(name),
        Component::ParentDir => {
            let parent = whole(parent);
            parent.parent().map(Path::to_owned).unwrap_or(parent)
        }
        _ => absolute,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn runtimes_are_written_as_they_are_read() {
        for text in ["vendor", "git=https://example.com/r.git#abc123"] {
            let parsed = Runtime::parse(text, Path::new("out")).unwrap();
            assert_eq!(parsed.to_string(), text);
        }
        for text in [
            "",
            "vendored",
            "path=",
            "git=https://example.com",
            "git=#a",
            "git=a#",
        ] {
            assert_eq!(
                Runtime::parse(text, Path::new("out")),
                Err(RuntimeError::Unknown(text.to_owned()))
            );
        }
    }

    #[test]
    fn folders_are_relative_to_the_crate() {
        let root = std::env::temp_dir().join("gateway-codegen-nowhere");
        let parse = |dir: &str, out: &str| {
            let text = format!("path={}", root.join(dir).display());
            Runtime::parse(&text, &root.join(out)).unwrap().to_string()
        };
        assert_eq!(parse("runtime", "gw"), "path=../runtime");
        assert_eq!(parse("a/runtime", "b/c/gw"), "path=../../../a/runtime");
        assert_eq!(parse("b/../runtime", "./gw"), "path=../runtime");
        assert_eq!(parse("gw/runtime", "gw"), "path=runtime");
        assert_eq!(parse("gw", "gw"), "path=.");
    }

    #[test]
    fn a_lock_holds_the_name_where_cargo_would_put_it() {
        for name in ["aaa", "zzz", "bookstore", "gateway"] {
            let lock = cargo_lock(name);
            let names: Vec<&str> = lock
                .lines()
                .filter_map(|line| field(line, "name"))
                .collect();
            assert!(names.is_sorted(), "{names:?}");
            assert_eq!(names.iter().filter(|n| **n == name).count(), 1);
            assert_eq!(names.len(), CARGO_LOCK.matches("[[package]]").count());
        }
        assert_eq!(cargo_lock("gateway"), CARGO_LOCK);
    }

    #[test]
    fn a_lock_tells_a_dependency_of_the_same_name_apart() {
        let lock: toml::Table = toml::from_str(&cargo_lock("regex")).unwrap();
        let packages = lock["package"].as_array().unwrap();
        let named: Vec<_> = packages
            .iter()
            .filter(|p| p["name"].as_str() == Some("regex"))
            .map(|p| p["version"].as_str().unwrap())
            .collect();
        assert_eq!(named.len(), 2);
        let runtime = packages
            .iter()
            .find(|p| p["name"].as_str() == Some("gateway-runtime"))
            .unwrap();
        let links = runtime["dependencies"].as_array().unwrap();
        let link = format!("regex {}", named[1]);
        assert!(links.iter().any(|l| l.as_str() == Some(&link)), "{links:?}");
    }
}
