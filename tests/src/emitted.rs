//! Emitted crates, built together: one workspace, one lock file, one target folder, so that dependencies compile once.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{cases, tool};

/// A workspace of emitted crates.
pub struct Workspace {
    folder: PathBuf,
    members: Vec<String>,
}

impl Workspace {
    /// An empty workspace in a scratch folder.
    pub fn new(name: &str) -> Workspace {
        Workspace {
            folder: cases::scratch(name),
            members: Vec::new(),
        }
    }

    /// Emits the crate of a document as a member. The error is what the generator said.
    pub fn add(&mut self, name: &str, spec: &Path) -> Result<(), String> {
        self.add_with(name, spec, &[])
    }

    /// As [`Workspace::add`], with more arguments of `generate`.
    pub fn add_with(&mut self, name: &str, spec: &Path, more: &[&str]) -> Result<(), String> {
        let out = self.folder.join(name);
        let runtime = format!("path={}", cases::root().join("gateway-runtime").display());
        let spec = spec.to_str().expect("case folders have plain names");
        let out = out.to_str().expect("case folders have plain names");
        let args = [
            "generate",
            spec,
            "--out",
            out,
            "--name",
            name,
            "--runtime",
            &runtime,
            "--workspace",
            "member",
        ];
        let done = tool::run(&cases::root(), &[&args[..], more].concat());
        if !done.status.success() {
            return Err(tool::stderr(&done));
        }
        self.members.push(name.to_owned());
        Ok(())
    }

    /// Builds all of them. The error is what cargo said.
    pub fn build(&self) -> Result<(), String> {
        self.cargo("build", &[])
    }

    /// Builds their libraries alone: everything that is emitted but the few lines of `main`, without linking.
    pub fn build_libraries(&self) -> Result<(), String> {
        self.cargo("build", &["--lib"])
    }

    /// Runs clippy over all of them, warnings refused.
    pub fn clippy(&self) -> Result<(), String> {
        self.cargo("clippy", &["--", "-D", "warnings"])
    }

    fn cargo(&self, verb: &str, more: &[&str]) -> Result<(), String> {
        let members: Vec<String> = self
            .members
            .iter()
            .map(|member| format!("{member:?}"))
            .collect();
        let manifest = format!(
            "[workspace]\nresolver = \"3\"\nmembers = [{}]\n",
            members.join(", ")
        );
        fs::write(self.folder.join("Cargo.toml"), manifest).map_err(|error| error.to_string())?;
        fs::copy(
            cases::root().join("Cargo.lock"),
            self.folder.join("Cargo.lock"),
        )
        .map_err(|error| error.to_string())?;
        let done = tool::cargo()
            .args([verb, "--quiet", "--workspace", "--offline"])
            .args(more)
            .current_dir(&self.folder)
            .output()
            .map_err(|error| error.to_string())?;
        if done.status.success() {
            Ok(())
        } else {
            Err(tool::stderr(&done))
        }
    }

    /// The binary of a member.
    pub fn binary(&self, name: &str) -> PathBuf {
        tool::target().join("debug").join(name)
    }
}
