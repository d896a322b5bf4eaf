//! `requestParameters` and `cacheKeyParameters` of an integration: what of a request goes where.

use super::integration::{Kind, Translation};
use super::mapping::{self, Side};
use super::{not_served, text, translated};
use crate::findings::brief;
use crate::load::Node;
use crate::lower::tree::Tree;

impl Translation<'_, '_> {
    /// A REST API's mappings. A proxy keeps the request as it came, so there they become changes to it.
    pub(super) fn parameters(&mut self, member: &Node<'_>) {
        for (target, value) in member.entries() {
            let named = |prefix: &str| {
                target
                    .strip_prefix("integration.request.")
                    .and_then(|rest| rest.strip_prefix(prefix))
                    .filter(|name| !name.is_empty())
            };
            let field = if let Some(name) = named("path.") {
                format!("path.{name}")
            } else if let Some(name) = named("querystring.") {
                format!("query.{name}")
            } else if let Some(name) = named("header.") {
                format!("header.{}", name.to_ascii_lowercase())
            } else {
                self.found.error(
                    "aws-mapping",
                    value.key_place(),
                    format!("`{}` is no target of a mapping", brief(target)),
                    "`integration.request.header.NAME`, `integration.request.querystring.NAME` or `integration.request.path.NAME`",
                );
                continue;
            };
            let Some(text) = mapping::parameter(&value, Side::Request, self.found) else {
                continue;
            };
            let value = translated(&value, text);
            if self.kind == Kind::Proxy && !field.starts_with("path.") {
                self.say(&["request", "set", &field], value);
            } else {
                self.say(&["integration", "request", "parameters", &field], value);
            }
        }
    }

    /// An HTTP API's mappings.
    pub(super) fn http_api_parameters(&mut self, member: &Node<'_>) {
        let mut removed = Vec::new();
        for (target, value) in member.entries() {
            let (action, field) = target.split_once(':').unwrap_or(("", target));
            let field = match field.split_once('.') {
                Some(("header", name)) => format!("header.{}", name.to_ascii_lowercase()),
                Some(("querystring", name)) => format!("query.{name}"),
                _ if target == "overwrite:path" => {
                    not_served(&value, "a mapping of the path", self.found);
                    continue;
                }
                _ => {
                    self.bad_target(&value, target);
                    continue;
                }
            };
            match action {
                "overwrite" => {
                    if let Some(text) = mapping::reference(&value, self.found) {
                        self.say(&["request", "set", &field], translated(&value, text));
                    }
                }
                "remove" => removed.push(translated(&value, field)),
                "append" => not_served(&value, "a mapping that appends", self.found),
                _ => self.bad_target(&value, target),
            }
        }
        if !removed.is_empty() {
            self.say(&["request", "remove"], Tree::list(member.place(), removed));
        }
    }

    fn bad_target(&mut self, value: &Node<'_>, target: &str) {
        self.found.error(
            "aws-mapping",
            value.key_place(),
            format!("`{}` is no target of a mapping", brief(target)),
            "`overwrite:header.NAME`, `remove:header.NAME`, `overwrite:querystring.NAME` or `remove:querystring.NAME`",
        );
    }

    /// The cache key: Amazon's list and nothing else.
    pub(super) fn cache_key(&mut self) -> Tree {
        let list = self.node.get("cacheKeyParameters");
        let place = list.map_or_else(|| self.node.place(), |list| list.place());
        let mut parts = Vec::new();
        for item in list.into_iter().flat_map(|list| list.items()) {
            let Some(written) = text(&item, self.found) else {
                continue;
            };
            // a part of the request that goes out is what is mapped into it
            let source = match written.starts_with("integration.request.") {
                false => Some(written),
                true => self
                    .node
                    .get("requestParameters")
                    .and_then(|map| map.get(written))
                    .and_then(|value| value.as_str()),
            };
            let part = source.and_then(|source| {
                [
                    ("method.request.path.", "path"),
                    ("method.request.querystring.", "query"),
                    ("method.request.header.", "header"),
                ]
                .into_iter()
                .find_map(|(prefix, place)| {
                    let name = source
                        .strip_prefix(prefix)
                        .filter(|name| !name.is_empty())?;
                    Some(format!("{place}.{name}"))
                })
            });
            match part {
                Some(part) => parts.push(translated(&item, part)),
                None if written.starts_with("integration.request.") => {
                    self.found.error(
                        "not-yet-served",
                        item.place(),
                        format!("a cache key of `{}` is not yet served", brief(written)),
                        "this version keys on single path, query and header parameters of the request",
                    );
                }
                None => self.found.error(
                    "aws-mapping",
                    item.place(),
                    format!("`{}` is no part of a cache key", brief(written)),
                    "`method.request.path.NAME`, `method.request.querystring.NAME` or `method.request.header.NAME`",
                ),
            }
        }
        let mut cache = Tree::object(place.clone());
        cache.set("key", Tree::list(place, parts));
        cache
    }
}
