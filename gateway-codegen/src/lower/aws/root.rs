//! The family's members at the root of a document.

use std::collections::BTreeMap;

use gateway_runtime::def::ApiKind;
use serde_json::Value;

use super::{Validator, flag, member, no_effect, not_served, responses, text, translated};
use crate::findings::{Findings, brief};
use crate::lower::openapi::DEFAULT_ROUTE;
use crate::lower::tree::Tree;
use crate::normalise::Api;

/// The kind of API, by what only one kind has; noted where `x-gateway` does not say it.
pub(super) fn kind(api: &Api<'_>, found: &mut Findings) -> ApiKind {
    let root = &api.root;
    let written = root.get("x-gateway").and_then(|node| node.get("kind"));
    match written.and_then(|kind| kind.as_str()) {
        Some("http") => return ApiKind::Http,
        Some("rest") => return ApiKind::Rest,
        _ => {}
    }
    // tools write `payloadFormatVersion` into REST APIs too, so it only counts beside nothing that is REST's own
    let rest = has_rest_only(api);
    let at_root = ["importexport-version", "cors"]
        .into_iter()
        .find(|name| member(root, name).is_some())
        .map(|name| format!("x-amazon-apigateway-{name}"));
    let shared = || {
        let components = root.get("components")?.follow();
        member(&components, "integrations").map(|_| "x-amazon-apigateway-integrations".to_owned())
    };
    let at_operations = || {
        api.operations.iter().find_map(|source| {
            let default = source.node.get("isDefaultRoute").map(|_| "isDefaultRoute");
            let payload = member(&source.node, "integration")
                .and_then(|node| node.follow().get("payloadFormatVersion"))
                .map(|_| "payloadFormatVersion");
            default.or(payload.filter(|_| !rest)).map(str::to_owned)
        })
    };
    let (kind, why) = match at_root.or_else(shared).or_else(at_operations) {
        Some(reason) => (
            ApiKind::Http,
            format!("an HTTP API, because it has `{reason}`"),
        ),
        None => (
            ApiKind::Rest,
            "a REST API, because it has nothing that only HTTP APIs have".to_owned(),
        ),
    };
    found.note(
        "aws-kind",
        root.place(),
        format!("the document is read as {why}"),
        "`x-gateway: { kind: rest }` or `kind: http` says it",
    );
    kind
}

/// Whether the document has what only REST APIs have.
fn has_rest_only(api: &Api<'_>) -> bool {
    let members = [
        "gateway-responses",
        "policy",
        "request-validators",
        "api-key-source",
        "binary-media-types",
        "minimum-compression-size",
        "documentation",
    ];
    members.iter().any(|name| member(&api.root, name).is_some())
        || api.operations.iter().any(|source| {
            member(&source.node, "integration")
                .and_then(|node| node.follow().get("type"))
                .and_then(|kind| kind.as_str())
                .is_some_and(|kind| {
                    ["mock", "http", "aws"]
                        .iter()
                        .any(|rest| kind.eq_ignore_ascii_case(rest))
                })
        })
}

/// Validators by name: what they check.
pub(super) fn validators(api: &Api<'_>, found: &mut Findings) -> BTreeMap<String, Validator> {
    let mut validators = BTreeMap::new();
    let list = member(&api.root, "request-validators");
    for (name, validator) in list.into_iter().flat_map(|list| list.entries()) {
        let mut checks = |name| {
            let node = validator.get(name);
            node.and_then(|node| flag(&node, found)).unwrap_or(false)
        };
        let validator = Validator {
            body: checks("validateRequestBody"),
            params: checks("validateRequestParameters"),
        };
        validators.insert(name.to_owned(), validator);
    }
    if let Some(node) = member(&api.root, "request-validator")
        && let Some(name) = text(&node, found)
        && !validators.contains_key(name)
    {
        found.error(
            "aws-validator-undefined",
            node.place(),
            format!("there is no request validator `{}`", brief(name)),
            "define it under `x-amazon-apigateway-request-validators`",
        );
    }
    validators
}

/// The root's layer.
pub(super) fn layer(api: &Api<'_>, kind: ApiKind, found: &mut Findings) -> Tree {
    let place = api
        .root
        .get("info")
        .map_or_else(|| api.root.place(), |info| info.place());
    let say = |value: &str| Tree::scalar(place.clone(), value);
    let mut layer = Tree::object(place.clone());
    layer.set("errors", say("aws"));
    layer.set(
        "kind",
        say(match kind {
            ApiKind::Http => "http",
            ApiKind::Rest | ApiKind::Plain => "rest",
        }),
    );
    layer.set_path(&["limits", "paths", "encodedSlash"], say("keep"));
    for (name, node) in api.root.entries() {
        let Some(name) = name.strip_prefix(super::FAMILY) else {
            continue;
        };
        match name {
            "gateway-responses" => {
                layer.set("responses", responses::gateway_responses(&node, found));
            }
            "cors" => {
                layer.set("cors", responses::cors(&node, found));
            }
            "api-key-source" => not_served(&node, "where API keys come from", found),
            "minimum-compression-size" if node.value().is_null() => {}
            "minimum-compression-size" => {
                not_served(&node, "compression of answers", found);
            }
            "policy" => not_served(&node, "a resource policy", found),
            "binary-media-types" => no_effect(
                &node,
                "every body is passed on byte by byte, so binary media types change nothing",
                found,
            ),
            "documentation" => no_effect(&node, "documentation parts change no request", found),
            "endpoint-access-mode" | "endpoint-configuration" => no_effect(
                &node,
                "Amazon's endpoints are not served here; the gateway listens where it is told",
                found,
            ),
            "security-policy" => no_effect(
                &node,
                "the gateway speaks TLS 1.2 and 1.3 whatever policy is named",
                found,
            ),
            _ => {}
        }
    }
    for (list, name, why) in [
        (
            "tags",
            "tag-value",
            "values of Amazon's tags change no request",
        ),
        (
            "servers",
            "endpoint-configuration",
            "Amazon's endpoints are not served here; the gateway listens where it is told",
        ),
    ] {
        let list = api.root.get(list).map(|node| node.follow());
        for node in list.into_iter().flat_map(|list| list.items()) {
            if let Some(node) = member(&node, name) {
                no_effect(&node, why, found);
            }
        }
    }
    default_route(api, kind, &mut layer);
    layer
}

/// The default route of an HTTP API appends the whole path to its address, which is what an upstream does.
fn default_route(api: &Api<'_>, kind: ApiKind, layer: &mut Tree) {
    if kind != ApiKind::Http {
        return;
    }
    for source in &api.operations {
        let Some(integration) = member(&source.node, "integration").map(|node| node.follow())
        else {
            continue;
        };
        if source.path != DEFAULT_ROUTE {
            continue;
        }
        if let Some(uri) = integration.get("uri")
            && let Value::String(address) = uri.value()
            && address.starts_with("http")
        {
            let upstream = translated(&uri, address.as_str());
            layer.set_path(&["upstreams", DEFAULT_ROUTE_UPSTREAM, "url"], upstream);
        }
    }
}

/// Upstream of the default route.
pub(super) const DEFAULT_ROUTE_UPSTREAM: &str = "default-route";
