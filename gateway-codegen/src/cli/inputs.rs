//! Values of parameters: from gateway-codegen.toml, from files, from the environment, from flags, the later before the earlier.

use std::path::{Path, PathBuf};

use gateway_codegen::findings::{Findings, Place};
use gateway_codegen::intrinsics::{self, Inputs};
use gateway_codegen::load;

use super::{Exit, Session, output};

impl Session {
    /// What is said about the templates of a document.
    pub(crate) fn inputs(&self, specs: &[PathBuf]) -> Result<Inputs, Exit> {
        let configuration = self.configuration()?;
        let entry = configuration.config.entry(&configuration.folder, specs);
        let mut inputs = Inputs::default();
        let [configured, asked] = self.files(specs);
        let read = |file: Option<PathBuf>, inputs: &mut Inputs| -> Result<(), Exit> {
            let Some(file) = file else { return Ok(()) };
            for (name, value) in self.values_of(&file)? {
                inputs.give(name, value, false);
            }
            Ok(())
        };
        read(configured, &mut inputs)?;
        for (name, value) in entry.iter().flat_map(|entry| &entry.params) {
            inputs.give(name, value, true);
        }
        read(asked, &mut inputs)?;
        let given = self.param()?;
        for (number, (name, value)) in given.iter().enumerate() {
            if given.iter().take(number).any(|(known, _)| known == name) {
                return Err(self.refuse(
                    format!("`{name}` is given two values"),
                    "give it with one `--param`",
                ));
            }
            inputs.give(name, value, true);
        }
        inputs.resource = self
            .resource()
            .map(str::to_owned)
            .or_else(|| entry.and_then(|entry| entry.resource.clone()));
        Ok(inputs)
    }

    /// The files that values of a document's parameters are read from.
    pub(crate) fn parameter_files(&self, specs: &[PathBuf]) -> Vec<PathBuf> {
        self.files(specs).into_iter().flatten().collect()
    }

    /// The file that is configured, and the one that is asked for.
    fn files(&self, specs: &[PathBuf]) -> [Option<PathBuf>; 2] {
        let configured = self.configuration().ok().and_then(|configuration| {
            let entry = configuration.config.entry(&configuration.folder, specs)?;
            Some(configuration.folder.join(entry.params_file.as_ref()?))
        });
        [configured, self.params().map(Path::to_owned)]
    }

    fn values_of(&self, file: &Path) -> Result<Vec<(String, String)>, Exit> {
        let mut found = Findings::default();
        let document = load::read(file, &mut found).unwrap_or_default();
        let mut values = Vec::new();
        if !found.has_errors() {
            let root = document.files.first().map(|file| &file.root);
            match intrinsics::listed(root.unwrap_or_default()) {
                Ok(listed) => values = listed,
                Err((pointer, message)) => {
                    let place = Place {
                        pointer,
                        ..Place::default()
                    };
                    found.error("parameter-file", place, message, "");
                }
            }
        }
        if found.has_errors() {
            output::to_stderr(&self.renderer(&document).render(&found));
            return Err(Exit::Findings);
        }
        Ok(values)
    }
}
