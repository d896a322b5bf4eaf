//! OpenAPI Overlays 1.0 and 1.1: a file of actions that change a document before anything is read from it.
//!
//! An overlay is read like a document, every fault at its place. Its actions are applied in order ([`edit`]), each to what
//! the one before it left; what it wrote has its place in the overlay, all else keeps its own. Actions change the document's
//! own file: a target does not look through a `$ref`, and a `$ref` that an overlay writes is one of the document. What all
//! actions together may cost is bounded ([`Spent`]).

mod edit;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use gateway_runtime::jsonpath::{Budget, Query};
use serde_json::{Map, Value};

use crate::findings::{Findings, Place, brief};
use crate::load::{self, MAX_BYTES, Origins, SourceFile, escape};
use crate::suggest;

use edit::{Kind, Mismatch};
pub(crate) use edit::{Tree, measure};

/// Most actions of one overlay.
const MAX_ACTIONS: usize = 10_000;

/// Most values that one action may change.
const MAX_TARGETS: usize = 100_000;

/// Most values that all actions together may add: many times what people write, and a place is kept for each element.
const MAX_ADDED: usize = 500_000;

/// Most values that all targets together may look at.
const MAX_STEPS: u64 = 50_000_000;

/// An overlay that was read.
#[derive(Debug)]
pub(crate) struct Overlay {
    /// The file, by the number it has in places.
    number: usize,
    /// Where it lies, links followed.
    path: PathBuf,
    actions: Vec<Action>,
    extends: Option<String>,
    /// 1.0: a list is one element to append to a list. 1.1: it is put behind it.
    appends_lists: bool,
}

#[derive(Debug)]
struct Action {
    /// Its place among the actions of the file.
    index: usize,
    target: Query,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Remove,
    Update(Value),
    Copy(Query),
}

/// What the actions of a run have cost, and which found something.
#[derive(Debug)]
pub(crate) struct Spent {
    budget: Budget,
    nodes: usize,
    bytes: usize,
}

impl Default for Spent {
    fn default() -> Spent {
        Spent {
            budget: Budget::new(MAX_STEPS),
            nodes: 0,
            bytes: 0,
        }
    }
}

/// Reads an overlay, whose file is to have this number. `None`: it is no overlay at all.
pub(crate) fn read(
    path: &Path,
    number: usize,
    found: &mut Findings,
) -> (SourceFile, Option<Overlay>) {
    let file = load::read_as(path, number, found);
    let reader = Reader { number, found };
    let overlay = reader.overlay(&file);
    (file, overlay)
}

struct Reader<'f> {
    number: usize,
    found: &'f mut Findings,
}

impl Reader<'_> {
    fn at(&self, pointer: &str) -> Place {
        Place {
            file: self.number,
            pointer: pointer.to_owned(),
            ..Place::default()
        }
    }

    fn malformed(&mut self, pointer: &str, message: impl Into<String>, help: &str) {
        let place = self.at(pointer);
        self.found.error("overlay-malformed", place, message, help);
    }

    fn overlay(mut self, file: &SourceFile) -> Option<Overlay> {
        if file.root.is_null() && self.found.has_errors() {
            return None;
        }
        let root = file.root.as_object();
        let Some((root, version)) = root.and_then(|root| Some((root, root.get("overlay")?))) else {
            self.malformed(
                "",
                format!("`{}` is no overlay: it has no member `overlay`", file.name),
                "an overlay begins with `overlay: 1.0.0`",
            );
            return None;
        };
        let text = match version {
            Value::String(text) => text.clone(),
            // Unquoted, 1.0 is a number in YAML.
            other => other.to_string(),
        };
        let series = |series: &str| {
            let rest = text.strip_prefix(series);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        if !series("1.0") && !series("1.1") {
            let place = self.at("/overlay");
            self.found.error(
                "overlay-version",
                place,
                format!(
                    "`{}` is not a version of overlays that is known",
                    brief(&text)
                ),
                "1.0 and 1.1 are: `overlay: 1.0.0`",
            );
            return None;
        }
        let old = series("1.0");
        self.unknown(root, "", &["overlay", "info", "extends", "actions"]);
        for name in ["title", "version"] {
            if root.get("info").and_then(|info| info.get(name)).is_none() {
                let at = if root.contains_key("info") {
                    "/info"
                } else {
                    ""
                };
                let place = self.at(at);
                self.found.warning(
                    "overlay-info-missing",
                    place,
                    format!("the overlay has no `info.{name}`"),
                    "write `info: { title: …, version: … }`: other tools refuse an overlay without",
                );
            }
        }
        let extends = match root.get("extends") {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                let help = "write the path of a document";
                self.malformed("/extends", "`extends` is not a text", help);
                None
            }
        };
        let actions = match root.get("actions") {
            Some(Value::Array(actions)) if !actions.is_empty() => actions.as_slice(),
            other => {
                let at = if other.is_some() { "/actions" } else { "" };
                let help = "write a list: `actions: [ { target: $.info, update: { … } } ]`";
                self.malformed(at, "the overlay has no list of actions", help);
                &[]
            }
        };
        if actions.len() > MAX_ACTIONS {
            let place = self.at("/actions");
            self.too_large(place, "the overlay has more than 10,000 actions");
            return None;
        }
        let actions = actions.iter().enumerate();
        let actions = actions.filter_map(|(index, action)| self.action(index, action, old));
        Some(Overlay {
            actions: actions.collect(),
            number: self.number,
            path: file.path.clone(),
            extends,
            appends_lists: old,
        })
    }

    fn too_large(&mut self, place: Place, message: &str) {
        let help = "say less in overlays, or change the document itself";
        self.found.error("overlay-too-large", place, message, help);
    }

    /// Warns of members that are not known; whether there are any.
    fn unknown(&mut self, members: &Map<String, Value>, at: &str, known: &[&str]) -> bool {
        let mut any = false;
        for name in members.keys() {
            if known.contains(&name.as_str()) || name.starts_with("x-") {
                continue;
            }
            let mut pointer = at.to_owned();
            escape(name, &mut pointer);
            let place = Place {
                key: true,
                ..self.at(&pointer)
            };
            self.found.warning(
                "overlay-unknown-member",
                place,
                format!(
                    "`{}` is not a member of overlays and has no effect",
                    brief(name)
                ),
                suggest::help(name, known.iter().copied()),
            );
            any = true;
        }
        any
    }

    fn action(&mut self, index: usize, action: &Value, old: bool) -> Option<Action> {
        let at = format!("/actions/{index}");
        let Some(members) = action.as_object() else {
            let help = "write an object: `{ target: $.info, update: { … } }`";
            self.malformed(&at, "this is no action", help);
            return None;
        };
        let known: &[&str] = match old {
            true => &["target", "description", "update", "remove"],
            false => &["target", "description", "update", "remove", "copy"],
        };
        let misspelt = self.unknown(members, &at, known);
        let target = self.query(members.get("target"), &at, "target");
        let remove = match members.get("remove") {
            None => false,
            Some(Value::Bool(remove)) => *remove,
            Some(_) => {
                let at = format!("{at}/remove");
                self.malformed(
                    &at,
                    "`remove` is neither true nor false",
                    "write `remove: true`",
                );
                return None;
            }
        };
        let copy = members.get("copy").filter(|_| !old && !remove);
        let change = match (remove, copy, members.get("update")) {
            (true, _, _) => Change::Remove,
            (false, Some(_), Some(_)) => {
                let help = "make two actions of it";
                self.malformed(&at, "`update` and `copy` stand in one action", help);
                return None;
            }
            (false, Some(copy), None) => Change::Copy(self.query(Some(copy), &at, "copy")?),
            (false, None, Some(update)) => Change::Update(update.clone()),
            (false, None, None) if misspelt => return None,
            (false, None, None) => {
                let place = self.at(&at);
                self.found.warning(
                    "overlay-no-effect",
                    place,
                    "this action changes nothing",
                    "give it an `update`, or `remove: true`",
                );
                return None;
            }
        };
        Some(Action {
            index,
            target: target?,
            change,
        })
    }

    fn query(&mut self, written: Option<&Value>, at: &str, name: &str) -> Option<Query> {
        let Some(Value::String(text)) = written else {
            let at = match written {
                Some(_) => format!("{at}/{name}"),
                None => at.to_owned(),
            };
            let message = format!("the action has no text as its `{name}`");
            self.malformed(
                &at,
                message,
                "write a JSONPath, such as `$.paths['/books'].get`",
            );
            return None;
        };
        match Query::parse(text) {
            Ok(query) => Some(query),
            Err(fault) => {
                let place = Place {
                    offset: Some(fault.offset),
                    ..self.at(&format!("{at}/{name}"))
                };
                self.found.error(
                    "overlay-target",
                    place,
                    format!("this is no JSONPath: {}", fault.message),
                    "RFC 9535 says how one is written, such as `$.paths['/books'].get`",
                );
                None
            }
        }
    }
}

impl Overlay {
    /// Which of these documents it is for; `names` are what they are called on the command line.
    pub(crate) fn documents(&self, specs: &[PathBuf], found: &mut Findings) -> Vec<bool> {
        let Some(extends) = &self.extends else {
            return vec![true; specs.len()];
        };
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let remote = extends.contains("://");
        let chosen: Vec<bool> = if remote {
            // Where it was published is not known here; its name is.
            let path = extends.split(['?', '#']).next().unwrap_or_default();
            let name = path.rsplit('/').next().unwrap_or_default();
            let named = |spec: &PathBuf| spec.file_name().is_some_and(|file| file == name);
            specs.iter().map(named).collect()
        } else {
            let folder = self.path.parent().unwrap_or(Path::new(""));
            let file = extends.split('#').next().and_then(crate::resolve::decode);
            let file = real(&folder.join(file.unwrap_or_default()));
            specs.iter().map(|spec| real(spec) == file).collect()
        };
        if chosen.contains(&true) {
            return chosen;
        }
        if remote && specs.len() == 1 {
            return vec![true];
        }
        let names: Vec<String> = specs
            .iter()
            .map(|spec| format!("`{}`", spec.display()))
            .collect();
        found.error(
            "overlay-extends",
            Place {
                file: self.number,
                pointer: "/extends".to_owned(),
                ..Place::default()
            },
            format!(
                "the overlay is for `{}`, and what is read is {}",
                brief(extends),
                names.join(", ")
            ),
            "correct the path, which is relative to the overlay, or take `extends` out",
        );
        vec![false; specs.len()]
    }

    /// Applies all actions to a document; `hits` are told which found something.
    pub(crate) fn apply(
        &self,
        tree: &mut Tree,
        spent: &mut Spent,
        hits: &mut [bool],
        found: &mut Findings,
    ) {
        for (action, hit) in self.actions.iter().zip(hits) {
            match self.act(action, tree, spent) {
                Ok(any) => *hit |= any,
                Err(fault) => {
                    let pointer = format!("/actions/{}{}", action.index, fault.at);
                    let place = Place {
                        file: self.number,
                        pointer,
                        ..Place::default()
                    };
                    found.error(fault.code, place, fault.message, fault.help);
                    return;
                }
            }
        }
    }

    /// How many actions there are.
    pub(crate) fn count(&self) -> usize {
        self.actions.len()
    }

    /// Warns of the actions whose target found nothing anywhere.
    pub(crate) fn warn_of_idle(&self, hits: &[bool], found: &mut Findings) {
        for (action, _) in self.actions.iter().zip(hits).filter(|(_, hit)| !**hit) {
            found.warning(
                "overlay-target-unmatched",
                Place {
                    file: self.number,
                    pointer: format!("/actions/{}/target", action.index),
                    ..Place::default()
                },
                "the target selects nothing, so this action changes nothing",
                "correct it, or take the action out; a target does not look through a `$ref`",
            );
        }
    }

    /// Applies one action; whether its target selected something.
    fn act(&self, action: &Action, tree: &mut Tree, spent: &mut Spent) -> Result<bool, Failure> {
        let slow = |name: &'static str| {
            move |_| Failure::large(name, "looking for what this selects takes too long")
        };
        let found = action.target.paths(&tree.root, &mut spent.budget);
        let mut targets = found.map_err(slow("/target"))?;
        targets.sort();
        targets.dedup();
        if targets.len() > MAX_TARGETS {
            return Err(Failure::large(
                "/target",
                "this selects more than 100,000 values",
            ));
        }
        let copied;
        let (value, origins, at) = match &action.change {
            Change::Remove => {
                if targets.iter().any(|path| path.0.is_empty()) {
                    let message = "the root of the document cannot be removed";
                    return Err(Failure::mismatch("/target", message, "select its members"));
                }
                let any = !targets.is_empty();
                tree.remove(targets);
                return Ok(any);
            }
            Change::Update(value) => {
                let written = format!("/actions/{}/update", action.index);
                (value, Origins::whole((self.number, written)), "/update")
            }
            Change::Copy(source) => {
                let found = source.paths(&tree.root, &mut spent.budget);
                let found = found.map_err(slow("/copy"))?;
                let [path] = found.as_slice() else {
                    let message =
                        format!("this selects {} values; a copy is made of one", found.len());
                    return Err(Failure::mismatch("/copy", &message, "select one value"));
                };
                copied = tree.taken(path);
                (&copied.root, copied.origins.clone(), "/copy")
            }
        };
        let mut kinds: Vec<Kind> = targets.iter().map(|path| tree.kind(path)).collect();
        kinds.dedup();
        if let [first, other, ..] = kinds.as_slice() {
            let message = format!("this selects {first} and {other} in one action");
            return Err(Failure::mismatch(
                "/target",
                &message,
                "make an action for each",
            ));
        }
        let size = edit::measure(value);
        for path in &targets {
            spent.nodes = spent.nodes.saturating_add(size.nodes);
            spent.bytes = spent.bytes.saturating_add(size.bytes);
            if spent.nodes > MAX_ADDED || spent.bytes > MAX_BYTES {
                let message =
                    "with this the overlays add more than 500,000 values or 64 MiB of text";
                return Err(Failure::large(at, message));
            }
            if !size.fits(path) {
                let message = "with this the document is nested too deep: 127 levels, and names of 8 KiB together";
                return Err(Failure::large(at, message));
            }
            let whole = self.appends_lists && matches!(action.change, Change::Update(_));
            if let Err(Mismatch { inside, message }) = tree.lay(path, value, &origins, whole) {
                let at = match action.change {
                    Change::Update(_) => format!("{at}{inside}"),
                    _ => at.to_owned(),
                };
                let help = "objects go with objects, lists with lists, and single values with single values; remove the old one first to replace it";
                return Err(Failure::mismatch(&at, &message, help));
            }
        }
        Ok(!targets.is_empty())
    }
}

/// Why an action cannot be applied.
struct Failure {
    code: &'static str,
    /// Behind the action's own pointer.
    at: String,
    message: String,
    help: &'static str,
}

impl Failure {
    fn large(at: &str, message: &str) -> Failure {
        Failure {
            code: "overlay-too-large",
            at: at.to_owned(),
            message: message.to_owned(),
            help: "say less in overlays, or change the document itself",
        }
    }

    fn mismatch(at: &str, message: &str, help: &'static str) -> Failure {
        Failure {
            code: "overlay-mismatch",
            at: at.to_owned(),
            message: message.to_owned(),
            help,
        }
    }
}
