//! The `x-amazon-apigateway-*` family, translated into layers of `x-gateway`.
//!
//! Every member of the family ends in one of four ways: it is translated; it has no effect on a request and is noted; it
//! has an effect this version does not serve and is an error that names it; or it is unknown and is warned of. Nothing is
//! dropped in silence. Translated values stand at the places of Amazon's members, and Amazon's expression forms become the
//! one form of `x-gateway` ([`mapping`]).
//!
//! Absent on purpose: reading of the layers, which is the same for both dialects.

mod integration;
mod mapping;
mod parameters;
mod responses;
mod root;
mod security;

use std::collections::{BTreeMap, BTreeSet};

use gateway_runtime::def::ApiKind;
use serde_json::Value;

use super::draft::Draft;
use super::suggest;
use super::tree::Tree;
use crate::findings::{Findings, Lazily, Place, brief};
use crate::intrinsics;
use crate::load::Node;
use crate::lower::must_be_known;
use crate::normalise::Api;

pub(crate) use security::{is_open, judge};

/// Prefix of the family.
pub(crate) const FAMILY: &str = "x-amazon-apigateway-";

/// The family's members, and the objects they may stand in.
const MEMBERS: &[(&str, &[Holder])] = &[
    ("any-method", &[Holder::PathItem]),
    ("api-key-source", &[Holder::Root]),
    ("auth", &[Holder::Operation]),
    ("authorizer", &[Holder::Scheme]),
    ("authtype", &[Holder::Scheme]),
    ("binary-media-types", &[Holder::Root]),
    ("cors", &[Holder::Root]),
    ("documentation", &[Holder::Root]),
    ("endpoint-access-mode", &[Holder::Root]),
    ("endpoint-configuration", &[Holder::Root, Holder::Server]),
    ("gateway-responses", &[Holder::Root]),
    ("importexport-version", &[Holder::Root]),
    ("integration", &[Holder::Operation]),
    ("integrations", &[Holder::Components]),
    ("minimum-compression-size", &[Holder::Root]),
    ("policy", &[Holder::Root]),
    ("request-validator", &[Holder::Root, Holder::Operation]),
    ("request-validators", &[Holder::Root]),
    ("security-policy", &[Holder::Root]),
    ("tag-value", &[Holder::Tag]),
];

/// Objects of a document that members of the family stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Root,
    Components,
    Scheme,
    Tag,
    Server,
    PathItem,
    Operation,
}

/// What the family says about a document.
pub(crate) struct Document {
    /// Whether the document uses the family; then its kind is known.
    kind: Option<ApiKind>,
    /// The root's layer.
    root: Option<Tree>,
    /// Whether any operation says who answers it. A document in which none does was written for its readers, or for a
    /// gateway that knows from elsewhere: its server answers, as in plain OpenAPI.
    integrates: bool,
    /// Cache namespaces that operations of several paths share.
    shared_namespaces: BTreeSet<String>,
    /// Validators by name.
    validators: BTreeMap<String, Validator>,
    /// Validator that the root names for every operation, and where.
    default_validator: Option<(String, Place)>,
}

/// What a request validator checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Validator {
    body: bool,
    params: bool,
}

impl Document {
    /// Reads what stands outside operations.
    pub(crate) fn read(api: &Api<'_>, found: &mut Findings) -> Document {
        let mut document = Document {
            kind: None,
            root: None,
            integrates: api
                .operations
                .iter()
                .any(|source| member(&source.node, "integration").is_some()),
            shared_namespaces: BTreeSet::new(),
            validators: BTreeMap::new(),
            default_validator: None,
        };
        if !inventory(api, found) {
            return document;
        }
        let kind = root::kind(api, found);
        document.kind = Some(kind);
        document.shared_namespaces = shared_namespaces(api);
        document.validators = root::validators(api, found);
        document.default_validator = member(&api.root, "request-validator")
            .and_then(|node| Some((node.as_str()?.to_owned(), node.place())));
        document.root = Some(root::layer(api, kind, found));
        document
    }

    /// Whether the document uses the family.
    pub(crate) fn used(&self) -> bool {
        self.kind.is_some()
    }

    /// Whether an operation without an integration is one that was forgotten.
    pub(crate) fn wants_integrations(&self) -> bool {
        self.used() && self.integrates
    }

    /// The root's layer.
    pub(crate) fn root(&self) -> Option<&Tree> {
        self.root.as_ref()
    }

    /// The layer of an operation, and the one that holds where its answers are kept.
    pub(crate) fn operation(
        &self,
        draft: &Draft<'_>,
        found: &mut Findings,
    ) -> (Option<Tree>, Option<Tree>) {
        let Some(kind) = self.kind else {
            return (None, None);
        };
        let node = draft.source.node;
        security::refuse_iam(&node, found);
        let validate = self.validator(&node, found);
        let around = integration::Around {
            kind,
            draft,
            shared_namespaces: &self.shared_namespaces,
        };
        let (layer, cache) = match member(&node, "integration") {
            Some(written) => integration::translate(&written.follow(), &around, found),
            None => (None, None),
        };
        let Some(validate) = validate else {
            return (layer, cache);
        };
        let mut layer = layer.unwrap_or_else(|| Tree::object(draft.place.clone()));
        layer.set("validate", validate);
        (Some(layer), cache)
    }

    /// What the validator of an operation checks, its own or the root's.
    fn validator(&self, node: &Node<'_>, found: &mut Findings) -> Option<Tree> {
        let own = member(node, "request-validator");
        if self.kind == Some(ApiKind::Http) {
            if let Some(own) = &own {
                no_effect(own, "Amazon's HTTP APIs have no request validators", found);
            }
            return None;
        }
        let (name, place) = match (own, &self.default_validator) {
            (Some(own), _) => (text(&own, found)?, own.place()),
            (None, Some((name, place))) => (name.as_str(), place.clone()),
            (None, None) => return None,
        };
        let Some(validator) = self.validators.get(name) else {
            // the root's own naming was reported once, at the root
            if own.is_some() {
                found.error(
                    "aws-validator-undefined",
                    place,
                    format!("there is no request validator `{}`", brief(name)),
                    Lazily(|| suggest::help(name, self.validators.keys().map(String::as_str))),
                );
            }
            return None;
        };
        let mut validate = Tree::object(place.clone());
        for (part, checks) in [("params", validator.params), ("body", validator.body)] {
            let mode = if checks { "enforce" } else { "off" };
            validate.set(part, Tree::scalar(place.clone(), mode));
        }
        Some(validate)
    }
}

/// Reports an operation that nothing answers.
pub(crate) fn no_integration(draft: &Draft<'_>, found: &mut Findings) {
    if member(&draft.source.node, "integration").is_some() {
        return; // it is there and was refused
    }
    found.error(
        "aws-no-integration",
        draft.source.node.key_place(),
        format!("operation `{}` has no integration", brief(&draft.id)),
        "add `x-amazon-apigateway-integration`, or an `integration` in `x-gateway` (`defaults` holds for all operations)",
    );
}

/// A member of the family, by its name without the prefix.
fn member<'d>(holder: &Node<'d>, name: &str) -> Option<Node<'d>> {
    holder.get(&format!("{FAMILY}{name}"))
}

/// Looks at every place where the family may stand: says whether it is used, and warns of what is unknown or misplaced.
fn inventory(api: &Api<'_>, found: &mut Findings) -> bool {
    let mut holders = vec![(Holder::Root, api.root)];
    if let Some(components) = api.root.get("components").map(|node| node.follow()) {
        holders.push((Holder::Components, components));
    }
    let schemes = api.security_schemes.iter();
    holders.extend(schemes.map(|scheme| (Holder::Scheme, scheme.node)));
    for (name, kind) in [("tags", Holder::Tag), ("servers", Holder::Server)] {
        let list = api.root.get(name).map(|node| node.follow());
        holders.extend(
            list.into_iter()
                .flat_map(|list| list.items())
                .map(|node| (kind, node)),
        );
    }
    for source in &api.operations {
        holders.push((Holder::PathItem, source.path_item));
        holders.push((Holder::Operation, source.node));
    }
    let mut used = false;
    for (kind, holder) in holders {
        for (name, node) in holder.entries() {
            if !name.starts_with("x-amazon-") {
                continue;
            }
            let known = name
                .strip_prefix(FAMILY)
                .and_then(|name| MEMBERS.iter().find(|(known, _)| *known == name));
            match known {
                Some((_, holders)) => {
                    used = true;
                    if !holders.contains(&kind) {
                        found.warning(
                            "aws-misplaced",
                            node.key_place(),
                            format!("`{name}` has no meaning here"),
                            "move it to where Amazon reads it",
                        );
                    }
                }
                None => found.warning(
                    "aws-unknown-member",
                    node.key_place(),
                    format!(
                        "`{}` is no member that is known, and has no effect",
                        brief(name)
                    ),
                    Lazily(|| {
                        let short = name.strip_prefix(FAMILY).unwrap_or(name);
                        match suggest::nearest(short, MEMBERS.iter().map(|(name, _)| *name)) {
                            Some(name) => format!("did you mean `{FAMILY}{name}`"),
                            None => String::new(),
                        }
                    }),
                ),
            }
        }
    }
    used
}

/// Cache namespaces that operations of several paths name: they would serve each other's answers.
fn shared_namespaces(api: &Api<'_>) -> BTreeSet<String> {
    let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for source in &api.operations {
        let namespace = member(&source.node, "integration")
            .and_then(|node| node.follow().get("cacheNamespace"))
            .and_then(|node| node.as_str());
        if let Some(namespace) = namespace {
            paths.entry(namespace).or_default().insert(&source.path);
        }
    }
    paths
        .into_iter()
        .filter(|(_, paths)| paths.len() > 1)
        .map(|(namespace, _)| namespace.to_owned())
        .collect()
}

/// Notes a member that changes nothing about a request.
fn no_effect(node: &Node<'_>, why: &str, found: &mut Findings) {
    found.note("aws-no-effect", node.key_place(), why, "");
}

/// Refuses a member that would change something.
fn not_served(node: &Node<'_>, what: impl std::fmt::Display, found: &mut Findings) {
    found.error(
        "not-yet-served",
        node.key_place(),
        format!("{what} is not yet served"),
        "take it out until a version serves it",
    );
}

/// Whether this is a function of a template that could not be evaluated, which has its finding.
fn unevaluated(node: &Node<'_>) -> bool {
    intrinsics::is_function(node.entries().map(|(name, _)| name))
}

/// The first deployment parameter that a text is made of.
fn open_parameter<'d>(node: &Node<'d>, text: &'d str) -> Option<&'d str> {
    let open = &node.document().evaluated.open;
    text.match_indices("${param.").find_map(|(at, prefix)| {
        let (name, _) = text.get(at + prefix.len()..)?.split_once('}')?;
        open.contains_key(name).then_some(name)
    })
}

/// A text that may be made of deployment parameters: they stand in it as `${param.NAME}`.
fn open_text<'d>(node: &Node<'d>, found: &mut Findings) -> Option<&'d str> {
    match node.value() {
        Value::String(text) => Some(text),
        _ => {
            if !unevaluated(node) {
                wrong_type(node, "a text", found);
            }
            None
        }
    }
}

/// A text that is known now. Anything else is reported.
fn text<'d>(node: &Node<'d>, found: &mut Findings) -> Option<&'d str> {
    let text = open_text(node, found)?;
    match refuse_open(node, text, found) {
        true => None,
        false => Some(text),
    }
}

/// Reports a text that is not known now. Says whether it is one.
fn refuse_open(node: &Node<'_>, text: &str, found: &mut Findings) -> bool {
    let Some(name) = open_parameter(node, text) else {
        return false;
    };
    let (message, help) = must_be_known(name);
    found.error("parameter-open", node.place(), message, help);
    true
}

/// A whole number, which Amazon's exports also write as text.
fn number(node: &Node<'_>, found: &mut Findings) -> Option<u64> {
    let number = match node.value() {
        Value::Number(number) => number.as_u64(),
        Value::String(text) if refuse_open(node, text, found) => return None,
        Value::String(text) => text.trim().parse().ok(),
        Value::Object(_) if unevaluated(node) => return None,
        _ => None,
    };
    if number.is_none() {
        wrong_type(node, "a whole number", found);
    }
    number
}

/// A truth value, which Amazon's exports also write as text.
fn flag(node: &Node<'_>, found: &mut Findings) -> Option<bool> {
    match node.value() {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if refuse_open(node, text, found) => None,
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Value::Object(_) if unevaluated(node) => None,
        _ => {
            wrong_type(node, "true or false", found);
            None
        }
    }
}

fn wrong_type(node: &Node<'_>, expected: &str, found: &mut Findings) {
    found.error(
        "aws-type",
        node.place(),
        format!("this is not {expected}"),
        "",
    );
}

/// A text as a translated value.
fn translated(node: &Node<'_>, value: impl Into<Value>) -> Tree {
    Tree::scalar(node.place(), value)
}
