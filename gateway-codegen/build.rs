//! Puts the runtime's sources into the generator, which writes them into the crates it emits.
//!
//! The repository is the only place this builds in: the runtime lies beside.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let root = here.join("..");
    let runtime = root.join("gateway-runtime");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../gateway-runtime/src");

    let mut sources = Vec::new();
    walk(&runtime.join("src"), "src", &mut sources)?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        // Naming a file that is absent would rerun this on every build.
        let file = root.join(licence);
        if file.is_file() {
            println!("cargo::rerun-if-changed=../{licence}");
            sources.push((licence.to_owned(), file));
        }
    }
    sources.sort();

    let mut code = String::from("static SOURCES: &[(&str, &[u8])] = &[\n");
    for (name, file) in &sources {
        println!("cargo::rerun-if-changed={}", file.display());
        let file = file.canonicalize()?;
        let _ = writeln!(
            code,
            "    ({name:?}, include_bytes!({:?})),",
            file.display().to_string()
        );
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("runtime_sources.rs"), code)
}

/// Every file below a folder but tests, which need what an emitted crate does not have.
fn walk(folder: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(file) = entry.file_name().into_string() else {
            continue;
        };
        if file.starts_with('.') || matches!(file.as_str(), "tests" | "tests.rs") {
            continue;
        }
        let path = format!("{name}/{file}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else if !file.ends_with(".orig") && !file.ends_with('~') {
            files.push((path, entry.path()));
        }
    }
    Ok(())
}
