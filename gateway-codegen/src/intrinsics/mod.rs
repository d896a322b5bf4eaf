//! Templates → documents: CloudFormation's functions are evaluated, and a document inside a template is taken out of it.
//!
//! Runs between `load` and `normalise`, once over the entry document and once over the files that its references lead to. Behind
//! it nobody knows CloudFormation: what could be evaluated is a plain value; what is known only where the gateway is deployed is a
//! text with `${param.NAME}` in it; a function that is at fault stays where it is, reported, and later phases pass over it
//! ([`is_function`]). Terraform's `${name}` in Amazon's members is read the same way.
//!
//! Invariants: a value keeps its pointer, or its file knows where it was written ([`Document::written`]), so findings show the line
//! that was written; steps, bytes and files are bounded ([`budget`]); nothing is fetched, and no file outside the template's folder
//! is opened; a document without functions is not touched. Examples, defaults and other data are left as they are.
//! Why it is so: `docs/decisions/0009-templates-are-evaluated-before-they-are-read.md`.

mod budget;
mod conditions;
mod functions;
mod include;
mod inputs;
mod names;
mod template;
mod text;
mod walk;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::Value;

use crate::findings::{Findings, Place};
use crate::load::{Document, SourceFile};

pub use inputs::{Inputs, listed};

use budget::Budget;
use conditions::Conditions;
use template::Template;

/// Evaluates the entry document. What is wrong with it is added to `found`.
pub fn entry(document: &mut Document, inputs: &Inputs, found: &mut Findings) -> Evaluation {
    let mut evaluation = Evaluation::default();
    if let Some(root) = document.files.first().map(|file| &file.root)
        && (template::is_template(root) || walk::has_work(root))
    {
        evaluation.file(0, document, inputs, found);
    } else if let Some(name) = &inputs.resource {
        no_template(name, found);
    }
    evaluation
}

fn no_template(name: &str, found: &mut Findings) {
    found.error(
        "template-resource",
        Place::default(),
        format!(
            "this is no template, so there is no resource `{}` in it",
            crate::findings::brief(name)
        ),
        "name the template, or drop `--resource`",
    );
}

/// What is known across the files of a document.
#[derive(Debug, Default)]
pub struct Evaluation {
    template: Rc<Template>,
    conditions: Conditions,
    budget: Budget,
    /// The file with the text of the entry document, where it was evaluated.
    source: usize,
    /// Names whose value was given and that something was made of.
    used: BTreeSet<String>,
    /// Pseudo parameters that were taken for granted and said so.
    guessed: BTreeSet<String>,
}

impl Evaluation {
    /// Evaluates the files that references have led to since. Then all that was asked has been found or not, and what was given in
    /// vain is reported.
    pub fn others(&mut self, document: &mut Document, inputs: &Inputs, found: &mut Findings) {
        // Files that this phase adds hold no values.
        for number in 1..document.files.len() {
            let file = document.files.get(number);
            if file.is_some_and(|file| walk::has_work(&file.root)) {
                self.file(number, document, inputs, found);
            }
        }
        for name in inputs.asked() {
            if !self.used.contains(name) {
                found.warning(
                    "parameter-unused",
                    Place {
                        file: self.source,
                        ..Place::default()
                    },
                    format!(
                        "`{}` was given a value, and nothing is made of it",
                        crate::findings::brief(name)
                    ),
                    "names are as the document writes them, capitals and all",
                );
            }
        }
    }

    /// Evaluates one file. Its text moves to a file of its own, in which every place is as it was written.
    fn file(
        &mut self,
        number: usize,
        document: &mut Document,
        inputs: &Inputs,
        found: &mut Findings,
    ) {
        let source = document.files.len();
        let Some(file) = document.files.get_mut(number) else {
            return;
        };
        let root = std::mem::take(&mut file.root);
        let mut copy = SourceFile::unread(file.name.clone(), file.path.clone());
        copy.text = std::mem::take(&mut file.text);
        copy.format = file.format;
        copy.address = file.address.clone();
        copy.origins = std::mem::take(&mut file.origins);
        copy.aside = true;
        document.files.push(copy);
        found.refile(number, source);
        if number == 0 {
            self.source = source;
        }

        let mut walk = walk::Walk {
            evaluation: self,
            document,
            inputs,
            found,
            entry: number == 0,
            including: Vec::new(),
            taken: Vec::new(),
            source: walk::At::root(source),
            target: String::new(),
            written: BTreeMap::new(),
        };
        let root = walk.root(root);
        let written = walk.written;
        if let Some(file) = document.files.get_mut(number) {
            file.evaluate(root, written);
        }
    }
}

/// Whether an object of these members is a function of CloudFormation.
pub(crate) fn is_function<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
    match (names.next(), names.next()) {
        (Some(name), None) => name == "Ref" || name.starts_with("Fn::") || name.starts_with('!'),
        _ => false,
    }
}

/// A function as it was written.
#[derive(Debug)]
struct Call<'v> {
    /// Its long name.
    name: Cow<'v, str>,
    /// The member it was written as. Tools that do not know YAML's short forms write them as members: `{"!Sub": …}`.
    member: &'v str,
    argument: &'v Value,
}

impl<'v> Call<'v> {
    /// The function that a value is; `Condition` too, which stands in conditions alone.
    fn of(value: &'v Value) -> Option<Call<'v>> {
        let members = value.as_object().filter(|members| members.len() == 1)?;
        let (member, argument) = members.iter().next()?;
        let name = match member.strip_prefix('!') {
            Some(name @ ("Ref" | "Condition")) => name.into(),
            Some(name) => format!("Fn::{name}").into(),
            None if matches!(member.as_str(), "Ref" | "Condition") => member.into(),
            None if member.starts_with("Fn::") => member.into(),
            None => return None,
        };
        Some(Call {
            name,
            member,
            argument,
        })
    }
}
