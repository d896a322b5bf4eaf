//! What a gateway is made of, as every verb takes it: documents, overlays, prefixes, selectors.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gateway_codegen::compose::{self, Input, Selection, Selector, Spec};
use gateway_codegen::config::GatewayEntry;
use gateway_codegen::suggest;

use super::{Exit, Session};

/// How documents are changed and put together. Each wins over the same key of gateway-codegen.toml.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Documents")]
pub(crate) struct Composition {
    /// Change the documents by this OpenAPI Overlay first; can be given more than once
    #[arg(long, value_name = "FILE")]
    pub(crate) overlay: Vec<PathBuf>,
    /// Serve this document's paths below PATH; its back end sees them without
    #[arg(long, value_name = "SPEC=PATH", value_parser = prefix)]
    pub(crate) prefix: Vec<(PathBuf, String)>,
    /// Take in these operations alone: tag:NAME, op:ID or path:GLOB; can be given more than once
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) include: Vec<Selector>,
    /// Leave these operations out; can be given more than once
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) exclude: Vec<Selector>,
}

fn prefix(text: &str) -> Result<(PathBuf, String), String> {
    // A path has no `=` more often than a file name has one.
    let (spec, path) = text.rsplit_once('=').ok_or("write SPEC=/PATH")?;
    Ok((PathBuf::from(spec), compose::prefix(path)?))
}

impl Composition {
    /// Whether nothing is asked for.
    pub(crate) fn is_empty(&self) -> bool {
        self.overlay.is_empty()
            && self.prefix.is_empty()
            && self.include.is_empty()
            && self.exclude.is_empty()
    }
}

impl Session {
    /// What documents are made of, as they were named and as gateway-codegen.toml adds.
    pub(crate) fn input(&self, specs: &[PathBuf], asked: &Composition) -> Result<Input, Exit> {
        let configuration = self.configuration()?;
        let folder = configuration.folder.as_path();
        match configuration.config.entry(folder, specs) {
            Some(entry) => self.input_of(entry, folder, asked),
            None => self.composed(specs, asked.clone()),
        }
    }

    /// The same of an entry of gateway-codegen.toml.
    pub(crate) fn input_of(
        &self,
        entry: &GatewayEntry,
        folder: &Path,
        asked: &Composition,
    ) -> Result<Input, Exit> {
        let mut asked = asked.clone();
        let below = |path: &PathBuf| folder.join(path);
        if asked.overlay.is_empty() {
            asked.overlay = entry.overlays.iter().map(below).collect();
        }
        if asked.prefix.is_empty() {
            for (spec, path) in &entry.prefix {
                let path = compose::prefix(path).map_err(|why| {
                    self.refuse(format!("gateway-codegen.toml: `{path}`: {why}"), "")
                })?;
                asked.prefix.push((below(spec), path));
            }
        }
        for (flags, keys) in [
            (&mut asked.include, &entry.include),
            (&mut asked.exclude, &entry.exclude),
        ] {
            if flags.is_empty() {
                for text in keys {
                    flags.push(text.parse().map_err(|why| {
                        self.refuse(format!("gateway-codegen.toml: `{text}`: {why}"), "")
                    })?);
                }
            }
        }
        let specs: Vec<PathBuf> = entry.spec.list().iter().map(below).collect();
        self.composed(&specs, asked)
    }

    fn composed(&self, specs: &[PathBuf], asked: Composition) -> Result<Input, Exit> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if specs.is_empty() {
            return Err(self.refuse("no document is named", "name one, such as `api.yaml`"));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = specs.iter().find(|spec| !seen.insert(real(spec))) {
            return Err(self.refuse(
                format!("`{}` is named twice", twice.display()),
                "name each document once",
            ));
        }
        let mut list: Vec<Spec> = specs
            .iter()
            .map(|path| Spec {
                path: path.clone(),
                prefix: String::new(),
            })
            .collect();
        for (wanted, prefix) in asked.prefix {
            let named = list
                .iter_mut()
                .find(|spec| spec.path == wanted || real(&spec.path) == real(&wanted));
            let Some(spec) = named else {
                let names: Vec<String> = specs
                    .iter()
                    .map(|spec| spec.display().to_string())
                    .collect();
                let help = suggest::help(
                    &wanted.display().to_string(),
                    names.iter().map(String::as_str),
                );
                let message = format!(
                    "--prefix speaks of `{}`, which is not among the documents",
                    wanted.display()
                );
                return Err(self.refuse(message, help));
            };
            if !spec.prefix.is_empty() && spec.prefix != prefix {
                let message = format!("`{}` has two prefixes", wanted.display());
                return Err(self.refuse(message, "give it one"));
            }
            spec.prefix = prefix;
        }
        Ok(Input {
            specs: list,
            overlays: asked.overlay,
            selection: Selection {
                include: asked.include,
                exclude: asked.exclude,
            },
        })
    }
}
