//! Amazon's three ways to write a value, each translated into the one expression syntax.
//!
//! * [`parameter`]: REST mappings, one value: `method.request.header.n`, `context.v`, `'literal'`;
//! * [`reference`]: HTTP API mappings, text with `$request.header.n` and `${request.header.n}`;
//! * [`template`]: bodies of gateway responses, text with `$context.v`.

use crate::findings::{Findings, brief};
use crate::load::Node;

/// Which mapping of a REST API a value stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Towards the back end.
    Request,
    /// Towards the client.
    Response,
    /// In a gateway response.
    GatewayResponse,
}

/// A value of a REST mapping.
pub(super) fn parameter(node: &Node<'_>, side: Side, found: &mut Findings) -> Option<String> {
    let text = super::open_text(node, found)?;
    if let Some(literal) = text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
    {
        return Some(escaped(node, literal));
    }
    let name = |prefix: &str| text.strip_prefix(prefix).filter(|name| !name.is_empty());
    if let Some(name) = name("context.") {
        return Some(format!("${{context.{name}}}"));
    }
    if let Some(name) = name("stageVariables.") {
        return Some(format!("${{stageVariables.{name}}}"));
    }
    let from_request = side != Side::Response;
    if from_request {
        for (prefix, source) in [
            ("method.request.path.", "path"),
            ("method.request.querystring.", "query"),
            ("method.request.header.", "header"),
        ] {
            if let Some(name) = name(prefix) {
                return Some(format!("${{{source}.{name}}}"));
            }
        }
    } else if let Some(name) = name("integration.response.header.") {
        return Some(format!("${{response.header.{name}}}"));
    }
    let computed: &[&str] = if from_request {
        &["method.request.body", "method.request.multivalue"]
    } else {
        &[
            "integration.response.body",
            "integration.response.multivalue",
        ]
    };
    if computed.iter().any(|prefix| text.starts_with(prefix)) {
        found.error(
            "not-yet-served",
            node.place(),
            format!("a mapping from `{}` is not yet served", brief(text)),
            "this version maps single header fields, query and path parameters, context and stage variables",
        );
        return None;
    }
    found.error(
        "aws-mapping",
        node.place(),
        format!("`{}` is no value of a mapping", brief(text)),
        match side {
            Side::Request | Side::GatewayResponse => {
                "one of `method.request.header.NAME`, `method.request.querystring.NAME`, `method.request.path.NAME`, `context.NAME`, `stageVariables.NAME`, `'literal'`"
            }
            Side::Response => {
                "one of `integration.response.header.NAME`, `context.NAME`, `stageVariables.NAME`, `'literal'`"
            }
        },
    );
    None
}

/// A value of an HTTP API's mapping.
pub(super) fn reference(node: &Node<'_>, found: &mut Findings) -> Option<String> {
    let text = super::open_text(node, found)?;
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, remaining) = match after.strip_prefix('{') {
            Some(inside) => match inside.split_once('}') {
                Some((name, remaining)) => (name, remaining),
                None => (inside, ""),
            },
            None => split_name(after),
        };
        let source = [
            ("request.header.", "header"),
            ("request.querystring.", "query"),
            ("request.path.", "path"),
            ("context.", "context"),
            ("stageVariables.", "stageVariables"),
        ]
        .into_iter()
        .find_map(|(prefix, source)| {
            let name = name.strip_prefix(prefix).filter(|name| !name.is_empty())?;
            Some(format!("${{{source}.{name}}}"))
        })
        .or_else(|| parameter_of(node, name));
        match source {
            Some(source) => out.push_str(&source),
            None if name.starts_with("request.body") || name == "request.path" => {
                found.error(
                    "not-yet-served",
                    node.place(),
                    format!("a mapping from `${}` is not yet served", brief(name)),
                    "this version maps single header fields, query and path parameters, context and stage variables",
                );
                return None;
            }
            None if name.is_empty() => out.push('$'),
            None => {
                found.error(
                    "aws-mapping",
                    node.place(),
                    format!("`${}` names no value", brief(name)),
                    "one of `$request.header.NAME`, `$request.querystring.NAME`, `$request.path.NAME`, `$context.NAME`, `$stageVariables.NAME`",
                );
                return None;
            }
        }
        rest = remaining;
    }
    out.push_str(rest);
    Some(out)
}

/// The body of a gateway response. What Amazon does not replace stays as it is.
pub(super) fn template(node: &Node<'_>, text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let braced = after
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'));
        let (name, remaining) = braced.unwrap_or_else(|| split_name(after));
        let source = [
            ("context.", "context"),
            ("stageVariables.", "stageVariables"),
            ("method.request.header.", "header"),
            ("method.request.querystring.", "query"),
            ("method.request.path.", "path"),
        ]
        .into_iter()
        .find_map(|(prefix, source)| {
            let name = name.strip_prefix(prefix).filter(|name| !name.is_empty())?;
            Some(format!("${{{source}.{name}}}"))
        })
        .or_else(|| parameter_of(node, name));
        match source {
            Some(source) => {
                out.push_str(&source);
                rest = remaining;
            }
            None => {
                out.push_str(if after.starts_with('{') { "$$" } else { "$" });
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A dotted name at the start of a text, and what follows it.
fn split_name(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        .unwrap_or(text.len());
    // punctuation behind a name belongs to the sentence; context and stage variables have no hyphens
    let mut name = text[..end].trim_end_matches(['.', '-']);
    if name.starts_with("context.") || name.starts_with("stageVariables.") {
        name = name.split('-').next().unwrap_or(name);
    }
    text.split_at(name.len())
}

/// The name of a deployment parameter, `param.NAME`, as the value it stands for.
fn parameter_of(node: &Node<'_>, name: &str) -> Option<String> {
    let value = format!("${{{name}}}");
    super::open_parameter(node, &value).map(|name| format!("${{param.{name}}}"))
}

/// A literal in the one expression syntax. Deployment parameters stay values.
pub(super) fn escaped(node: &Node<'_>, literal: &str) -> String {
    let mut out = String::new();
    let mut rest = literal;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let parameter = inside.split_once('}').and_then(|(name, after)| {
            let value = parameter_of(node, name)?;
            Some((value, after))
        });
        match parameter {
            Some((value, after)) => {
                out.push_str(&value);
                rest = after;
            }
            None => {
                out.push_str("$${");
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn bodies_of_gateway_responses() {
        let mut document = crate::load::text("a.yaml", "a: 1", &mut Findings::default()).unwrap();
        let open = &mut document.evaluated.open;
        open.insert("Host".to_owned(), String::new());
        let root = document.root().unwrap();
        for (text, expected) in [
            (
                "{\"message\":$context.error.messageString}",
                "{\"message\":${context.error.messageString}}",
            ),
            (
                "See $context.error.message.",
                "See ${context.error.message}.",
            ),
            (
                "$context.requestId-$method.request.header.X-Id",
                "${context.requestId}-${header.X-Id}",
            ),
            ("costs $5 and ${x}", "costs $5 and $${x}"),
            ("${context.stage}$", "${context.stage}$"),
            (
                "${param.Host}/${param.Other}",
                "${param.Host}/$${param.Other}",
            ),
            (
                "$stageVariables.a/$method.request.path.b",
                "${stageVariables.a}/${path.b}",
            ),
        ] {
            assert_eq!(template(&root, text), expected, "{text}");
        }
    }
}
