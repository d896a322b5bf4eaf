//! Tables → files, printing only.
//!
//! Invariants: the same tables and options give the same bytes (no clock, no host path, no chance), and nothing here can
//! fail: whatever could go wrong was found before. A string of the document reaches Rust only as a literal made by
//! `proc_macro2` or as a name claimed in [`names`](crate::names); TOML only through [`text::toml_string`]; comments and
//! Markdown only through [`text`]. One module per emitted file.
//!
//! Absent on purpose: decisions. What an operation does was decided in the model; where a table stands follows from its
//! kind; what a static is called follows from the name it carries.

mod api;
mod cors;
mod library;
mod links;
pub mod lock;
pub mod manifest;
mod messages;
mod operations;
mod parameters;
mod policy;
mod readme;
mod responses;
mod routes;
mod rust;
mod schemas;
mod stages;
pub mod surface;
pub mod text;
mod upstreams;
pub mod vendor;

#[cfg(test)]
mod tests;

use gateway_runtime::def::{GatewayDef, IntegrationDef, Text};

use crate::tree::FileTree;
use links::Links;

/// What the caller decides about the crate, besides the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EmitOptions {
    /// Where the crate finds the runtime.
    pub runtime: Runtime,
    /// Whose workspace the crate belongs to.
    pub workspace: Workspace,
    /// Whether the document's examples go with it, for `--mock` of the binary.
    pub with_mock: bool,
    /// Stages the caller kept of the document's, sorted; empty: all. Recorded in `gateway.lock`, nothing else.
    pub only_stages: Vec<String>,
    /// What was asked of several documents, overlays and selectors. Recorded too.
    pub composition: Vec<String>,
}

/// Where an emitted crate finds the runtime.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Runtime {
    /// In its own folder `runtime/`.
    #[default]
    Vendor,
    /// In a folder, relative to the crate's, `/`-separated.
    Path(String),
    /// In a repository.
    Git {
        /// Address, as cargo takes it.
        url: String,
        /// Commit, or what else cargo takes for `rev`.
        rev: String,
    },
}

/// Whose workspace an emitted crate belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Workspace {
    /// Its own, so that it builds wherever it lies.
    #[default]
    Own,
    /// The one around it; profiles and lock are that workspace's.
    Member,
}

/// The emitted crate. `digest` names the resolved document, as [`lock::digest`] of its canonical text gives it.
pub fn files(def: &'static GatewayDef, options: &EmitOptions, digest: &str) -> FileTree {
    let links = Links::new(def);
    let mut tree = FileTree::default();

    tree.insert("src/main.rs", library::main(def));
    tree.insert("src/lib.rs", library::lib(def, &links));
    tree.insert("src/api.rs", api::file(def, &links));
    tree.insert("src/stages.rs", stages::file(def, &links));
    tree.insert("src/routes.rs", routes::file(def, &links));
    if links.has_upstreams() {
        tree.insert("src/upstreams.rs", upstreams::file(&links));
    }
    if links.has_parameters() {
        tree.insert("src/parameters.rs", parameters::file(&links));
    }
    if links.has_cors() {
        tree.insert("src/cors.rs", cors::file(&links));
    }
    if !def.responses.is_empty() {
        tree.insert("src/responses.rs", responses::file(def));
    }
    if !def.schemas.is_empty() {
        tree.insert("src/schemas.rs", schemas::file(def, &links));
    }
    if links.has_operations() {
        tree.insert("src/operations/mod.rs", operations::index(&links));
        for (module, operations) in links.modules() {
            let file = operations::file(operations, &links, options.with_mock);
            tree.insert(&format!("src/operations/{module}.rs"), file);
        }
    }
    for text in texts(def, options.with_mock) {
        if !text.file.is_empty() {
            tree.insert(text.file, text.text);
        }
    }

    tree.insert("Cargo.toml", manifest::file(def.name, options));
    tree.insert("README.md", readme::file(def, &links, options));
    tree.insert(".gitattributes", readme::attributes(options));
    tree.insert(".gitignore", "/target\n");
    tree.insert("gateway.surface", surface::file(def));
    if options.runtime == Runtime::Vendor {
        vendor::files(&mut tree);
        if options.workspace == Workspace::Own {
            tree.insert("Cargo.lock", manifest::cargo_lock(def.name));
        }
    }
    let lock = lock::file(options, digest, &tree);
    tree.insert(lock::NAME, lock);
    tree
}

/// Every text of the tables.
fn texts(def: &'static GatewayDef, with_mock: bool) -> Vec<Text> {
    let mut texts = Vec::new();
    for response in def.responses {
        texts.extend(response.bodies.iter().map(|body| body.body));
    }
    for policy in links::policies(def) {
        match &policy.integration {
            IntegrationDef::Http(http) => {
                texts.extend(http.templates.iter().map(|body| body.body));
                let bodies = http.responses.iter().flat_map(|mapping| mapping.bodies);
                texts.extend(bodies.map(|body| body.body));
            }
            IntegrationDef::Mock(mock) => texts.extend(mock.bodies.iter().map(|body| body.body)),
            IntegrationDef::Proxy(_) | IntegrationDef::Redirect(_) => {}
        }
    }
    if with_mock {
        let examples = def.routes.iter().filter_map(|r| r.operation.example);
        texts.extend(examples.map(|example| example.body));
    }
    texts
}
