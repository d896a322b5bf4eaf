//! Deployment parameters: which there are, and which of them the gateway is made of.

use std::collections::BTreeMap;

use gateway_runtime::expr::{Expr, Scope, Source};

use super::native;
use super::reader::Reader;
use super::tree::At;
use crate::emit::text::visible;
use crate::findings::brief;
use crate::load::Document;
use crate::model::{DeploymentParameter, Gateway};

/// Longest description, in characters: help shows it on a line.
const LONGEST: usize = 200;

/// Parameters that can be named: those of `x-gateway`, and what templates leave open.
pub(crate) fn declared(
    written: &native::Gateway,
    at: At<'_>,
    document: &Document,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, DeploymentParameter> {
    let open = document.evaluated.open.iter();
    let mut parameters: BTreeMap<String, DeploymentParameter> = open
        .map(|(name, about)| {
            let parameter = DeploymentParameter {
                description: one_line(about),
                default: None,
            };
            (name.clone(), parameter)
        })
        .collect();
    let at = at.member("parameters");
    for (name, parameter) in written.parameters.iter().flatten() {
        let default = parameter.default.clone();
        if default
            .iter()
            .any(|default| default.chars().any(char::is_control))
        {
            reader.found.error(
                "parameter-value",
                at.member(&name.0).member("default").place(),
                format!(
                    "the default of parameter `{}` has a control character in it",
                    brief(&name.0)
                ),
                "a value is one line of text",
            );
        }
        parameters.insert(
            name.0.clone(),
            DeploymentParameter {
                description: one_line(parameter.description.as_deref().unwrap_or_default()),
                default,
            },
        );
    }
    parameters
}

/// Those that something is made of. One that is declared and not used is warned of, one that a template left open is noted.
pub(crate) fn used(
    mut parameters: BTreeMap<String, DeploymentParameter>,
    gateway: &Gateway,
    written: &native::Gateway,
    at: At<'_>,
    document: &Document,
    reader: &mut Reader<'_>,
) -> BTreeMap<String, DeploymentParameter> {
    for upstream in gateway.upstreams.values() {
        for target in &upstream.targets {
            let Ok(expr) = Expr::parse(&target.url, Scope::Start) else {
                continue;
            };
            for source in expr.sources() {
                if let Source::Parameter(name) = source {
                    reader.name_parameter(name, upstream.origin.0.clone());
                }
            }
        }
    }
    for name in written.parameters.iter().flatten().map(|(name, _)| &name.0) {
        if !reader.named().contains_key(name) && !document.evaluated.settled.contains(name) {
            reader.found.warning(
                "parameter-unused",
                at.member("parameters").member(name).key_place(),
                format!("parameter `{}` is used nowhere", brief(name)),
                "name it as in `${param.NAME}`, or take it out",
            );
        }
    }
    parameters.retain(|name, _| reader.named().contains_key(name));
    for (name, place) in reader.named().clone() {
        if document.evaluated.open.contains_key(&name) {
            let name = brief(&name);
            reader.found.note(
                "parameter-deployment",
                place,
                format!("`{name}` has no value yet, so the gateway asks for it when it starts"),
                format!(
                    "it takes `--param {name}=VALUE` then; given to this program, it is settled now"
                ),
            );
        }
    }
    parameters
}

fn one_line(text: &str) -> String {
    visible(text).chars().take(LONGEST).collect()
}
