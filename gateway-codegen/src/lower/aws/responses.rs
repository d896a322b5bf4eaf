//! `x-amazon-apigateway-gateway-responses` and `x-amazon-apigateway-cors`.

use gateway_runtime::def::ResponseType;
use serde_json::Value;

use super::mapping::{self, Side};
use super::{flag, number, open_text, text, translated, wrong_type};
use crate::findings::{Findings, brief};
use crate::load::Node;
use crate::lower::suggest;
use crate::lower::tree::Tree;

/// The layer `responses` of the root.
pub(super) fn gateway_responses(node: &Node<'_>, found: &mut Findings) -> Tree {
    let mut responses = Tree::object(node.place());
    for (name, response) in node.entries() {
        if ResponseType::from_name(name).is_none() {
            found.error(
                "aws-gateway-response",
                response.key_place(),
                format!("there is no gateway response `{}`", brief(name)),
                suggest::help(name, ResponseType::ALL.iter().map(|kind| kind.name())),
            );
            continue;
        }
        responses.set(name, gateway_response(&response, found));
    }
    responses
}

fn gateway_response(node: &Node<'_>, found: &mut Findings) -> Tree {
    let mut response = Tree::object(node.place());
    for (name, member) in node.entries() {
        match name {
            "statusCode" => {
                if let Some(status) = status(&member, found) {
                    response.set("status", status);
                }
            }
            "responseParameters" => {
                for (target, value) in member.entries() {
                    let Some(header) = target.strip_prefix("gatewayresponse.header.") else {
                        found.error(
                            "aws-mapping",
                            value.key_place(),
                            format!("`{}` is no header of a gateway response", brief(target)),
                            "as in `gatewayresponse.header.NAME`",
                        );
                        continue;
                    };
                    if let Some(text) = mapping::parameter(&value, Side::GatewayResponse, found) {
                        response.set_path(&["headers", header], translated(&value, text));
                    }
                }
            }
            "responseTemplates" => {
                for (media_type, value) in member.entries() {
                    if let Some(body) = open_text(&value, found) {
                        let body = translated(&value, mapping::template(&value, body));
                        response.set_path(&["templates", media_type], body);
                    }
                }
            }
            _ => super::integration::unknown(
                &member,
                name,
                &["statusCode", "responseParameters", "responseTemplates"],
                found,
            ),
        }
    }
    response
}

/// A status, which Amazon writes as text.
pub(super) fn status(node: &Node<'_>, found: &mut Findings) -> Option<Tree> {
    let status = number(node, found)?;
    if !(200..600).contains(&status) {
        found.error(
            "aws-range",
            node.place(),
            format!("a status is from 200 to 599, not {status}"),
            "",
        );
        return None;
    }
    Some(translated(node, status))
}

/// The layer `cors` of the root.
pub(super) fn cors(node: &Node<'_>, found: &mut Findings) -> Tree {
    const LISTS: &[&str] = &[
        "allowOrigins",
        "allowMethods",
        "allowHeaders",
        "exposeHeaders",
    ];
    let mut cors = Tree::object(node.place());
    for (name, member) in node.entries() {
        match name {
            _ if LISTS.contains(&name) => {
                if !member.is_array() {
                    wrong_type(&member, "a list of texts", found);
                    continue;
                }
                let items = member
                    .items()
                    .filter_map(|item| Some(translated(&item, text(&item, found)?)))
                    .collect();
                cors.set(name, Tree::list(member.place(), items));
            }
            "allowCredentials" => {
                if let Some(allow) = flag(&member, found) {
                    cors.set(name, translated(&member, allow));
                }
            }
            "maxAge" => match member.value() {
                Value::Number(age)
                    if age.as_i64().is_some_and(|age| (-1..=86_400).contains(&age)) =>
                {
                    cors.set(name, translated(&member, age.clone()));
                }
                Value::Object(_) if super::unevaluated(&member) => {}
                _ => found.error(
                    "aws-range",
                    member.place(),
                    "maxAge is from -1 to 86400 seconds",
                    "",
                ),
            },
            _ => super::integration::unknown(
                &member,
                name,
                &[
                    "allowOrigins",
                    "allowMethods",
                    "allowHeaders",
                    "exposeHeaders",
                    "allowCredentials",
                    "maxAge",
                ],
                found,
            ),
        }
    }
    cors
}
