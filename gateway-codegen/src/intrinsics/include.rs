//! Files that a template names: `AWS::Include`, `DefinitionUri`.

use serde_json::Value;

use super::functions::{Made, Reported};
use super::walk::{At, Walk};
use crate::findings::brief;
use crate::load;

impl Walk<'_> {
    /// `Fn::Transform`: `AWS::Include` of a local file.
    pub(super) fn include(
        &mut self,
        argument: &Value,
        at: &At,
        inside: &At,
    ) -> Result<Made<'static>, Reported> {
        let name = argument
            .get("Name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if name != "AWS::Include" {
            return self.fault(
                at,
                "template-function",
                format!("macro `{}` runs at Amazon alone", brief(name)),
                "write out what it makes; `AWS::Include` of a file beside the template is read",
            );
        }
        let location = argument
            .get("Parameters")
            .and_then(|parameters| parameters.get("Location"));
        let Some(location) = location else {
            let form = "as in `{ Name: AWS::Include, Parameters: { Location: ./api.yaml } }`";
            return self.fault(
                at,
                "template-function",
                "an include wants a `Location`",
                form,
            );
        };
        let at = inside.member("Parameters").member("Location");
        let location = self.text(location, &at)?;
        let location = location.written(|name| format!("${{{name}}}"));
        let (value, at) = self.read(&location, &at)?;
        Ok(Made::File(value, at))
    }

    /// The value of a file below the template's folder.
    pub(super) fn read(&mut self, location: &str, at: &At) -> Result<(Value, At), Reported> {
        const CODE: &str = "template-file";
        let beside = "save the file beside the template and name it by its relative path";
        if location.contains("://") || location.contains("${") {
            let message = format!(
                "`{}` is not beside the template, and nothing is fetched",
                brief(location)
            );
            return self.fault(at, CODE, message, beside);
        }
        if !self.entry {
            let message = "a file that is referred to includes no further file";
            return self.fault(at, CODE, message, "include it in the entry document");
        }
        let folder = self
            .document
            .files
            .first()
            .filter(|entry| !entry.path.as_os_str().is_empty())
            .and_then(|entry| {
                entry
                    .path
                    .canonicalize()
                    .ok()?
                    .parent()
                    .map(std::path::Path::to_owned)
            });
        let Some(folder) = folder else {
            let message = "this document is in no folder, so it includes no file";
            return self.fault(at, CODE, message, "");
        };
        let Ok(path) = folder.join(location).canonicalize() else {
            let message = format!("there is no file `{}`", brief(location));
            return self.fault(at, CODE, message, "a location is relative to the template");
        };
        if !path.starts_with(&folder) {
            let message = format!("`{}` is outside of the template's folder", brief(location));
            let help = "keep what a template includes below its folder; a template that was built points back to its sources: take the source";
            return self.fault(at, CODE, message, help);
        }
        if self.including.contains(&path) {
            let message = format!("`{}` includes itself", brief(location));
            return self.fault(at, "template-cycle", message, "take the include out");
        }
        let room = self.evaluation.budget.include();
        let bytes = match load::bytes(&path) {
            Ok(bytes) if room => bytes,
            Ok(_) => {
                let message = "more than 1,000 files are included";
                return self.fault(at, "template-too-large", message, "include fewer");
            }
            Err(refusal) => {
                refusal.report(at.place(), location, self.found);
                return Err(Reported);
            }
        };
        self.made(bytes.len(), 0, at)?;
        let name = match self.document.files.first().and_then(|entry| {
            let end = entry.name.rfind('/')?;
            entry.name.get(..=end)
        }) {
            Some(folder) => format!("{folder}{}", location.trim_start_matches("./")),
            None => location.trim_start_matches("./").to_owned(),
        };
        let number = self.document.files.len();
        let mut file = load::parse(name, path.clone(), bytes, number, self.found);
        let root = std::mem::take(&mut file.root);
        self.document.files.push(file);
        if root.is_null() {
            // It has its finding, or is empty.
            let message = format!("`{}` holds nothing", brief(location));
            return self.fault(at, CODE, message, "");
        }
        self.including.push(path);
        Ok((root, At::root(number)))
    }
}
