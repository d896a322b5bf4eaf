//! `x-amazon-apigateway-integration`.

use std::collections::BTreeSet;

use gateway_runtime::def::ApiKind;
use serde_json::Value;

use super::mapping::{self, Side};
use super::root::DEFAULT_ROUTE_UPSTREAM;
use super::{
    flag, no_effect, not_served, number, open_parameter, open_text, responses, text, translated,
};
use crate::findings::{Findings, Lazily, brief};
use crate::load::Node;
use crate::lower::draft::Draft;
use crate::lower::openapi::DEFAULT_ROUTE;
use crate::lower::suggest;
use crate::lower::tree::Tree;

/// What an integration is translated for.
pub(super) struct Around<'a> {
    /// Kind of the API.
    pub(super) kind: ApiKind,
    /// The operation.
    pub(super) draft: &'a Draft<'a>,
    /// Cache namespaces that several paths share.
    pub(super) shared_namespaces: &'a BTreeSet<String>,
}

/// Every member of an integration.
const MEMBERS: &[&str] = &[
    "cacheKeyParameters",
    "cacheNamespace",
    "connectionId",
    "connectionType",
    "contentHandling",
    "credentials",
    "httpMethod",
    "integrationSubtype",
    "integrationTarget",
    "passthroughBehavior",
    "payloadFormatVersion",
    "requestParameters",
    "requestTemplates",
    "responseParameters",
    "responseTransferMode",
    "responses",
    "timeoutInMillis",
    "tlsConfig",
    "type",
    "uri",
];

/// Methods a back end can be asked with.
const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

/// Types that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Http,
    Proxy,
    Mock,
}

/// An integration being translated.
pub(super) struct Translation<'a, 'f> {
    pub(super) node: Node<'a>,
    pub(super) around: &'a Around<'a>,
    pub(super) kind: Kind,
    /// The operation's layer.
    layer: Tree,
    pub(super) found: &'f mut Findings,
}

/// The layer of an operation, and the one that holds where its answers are kept.
pub(super) fn translate(
    node: &Node<'_>,
    around: &Around<'_>,
    found: &mut Findings,
) -> (Option<Tree>, Option<Tree>) {
    let Some(kind) = kind(node, around, found) else {
        return (None, None);
    };
    let mut translation = Translation {
        node: *node,
        around,
        kind,
        layer: Tree::object(node.place()),
        found,
    };
    let cache = translation.members();
    (Some(translation.layer), cache)
}

/// The type, if it is served.
fn kind(node: &Node<'_>, around: &Around<'_>, found: &mut Findings) -> Option<Kind> {
    let Some(written) = node.get("type") else {
        found.error(
            "aws-integration",
            node.place(),
            "an integration wants a `type`",
            "one of `http`, `http_proxy`, `mock`",
        );
        return None;
    };
    let name = text(&written, found)?.to_ascii_lowercase();
    let kind = match name.as_str() {
        "http_proxy" => Kind::Proxy,
        "http" => Kind::Http,
        "mock" => Kind::Mock,
        "aws" | "aws_proxy" => {
            found.error(
                "not-yet-served",
                written.place(),
                format!("an integration of type `{name}` ({}) is not yet served", service(node)),
                "give the operation another `integration` in `x-gateway`, or wait for a version that serves it",
            );
            return None;
        }
        _ => {
            found.error(
                "aws-integration",
                written.place(),
                format!("there is no integration type `{}`", brief(&name)),
                suggest::help(&name, ["http", "http_proxy", "mock", "aws", "aws_proxy"]),
            );
            return None;
        }
    };
    if around.kind == ApiKind::Http && kind != Kind::Proxy {
        found.error(
            "aws-integration",
            written.place(),
            format!("an HTTP API has no integration of type `{name}`"),
            "`http_proxy`; or `x-gateway: { kind: rest }` at the root, if this is a REST API",
        );
        return None;
    }
    Some(kind)
}

/// What an `aws` integration calls, for messages.
fn service(node: &Node<'_>) -> String {
    if let Some(subtype) = node
        .get("integrationSubtype")
        .and_then(|node| node.as_str())
    {
        return format!("service action `{}`", brief(subtype));
    }
    let uri = node.get("uri");
    let text = uri.and_then(|uri| uri.as_str()).unwrap_or_default();
    if let Some((_, function)) = text
        .split_once(":function:")
        .or_else(|| text.split_once("functions/"))
    {
        let name = function.split("/invocations").next().unwrap_or(function);
        return format!("Lambda function `{}`", brief(name));
    }
    let service = text
        .strip_prefix("arn:")
        .and_then(|rest| rest.split_once(":apigateway:"))
        .and_then(|(_, rest)| rest.split(':').nth(1));
    match service {
        Some("lambda") | None => "a Lambda function or a service of Amazon's".to_owned(),
        Some(service) => format!("service `{}`", brief(service)),
    }
}

/// Warns of a member that nothing knows.
pub(super) fn unknown(node: &Node<'_>, name: &str, known: &[&str], found: &mut Findings) {
    found.warning(
        "aws-unknown-member",
        node.key_place(),
        format!(
            "`{}` is no member that is known, and has no effect",
            brief(name)
        ),
        Lazily(|| match suggest::nearest(name, known.iter().copied()) {
            Some(name) => format!("did you mean `{name}`"),
            None => String::new(),
        }),
    );
}

impl Translation<'_, '_> {
    /// Translates every member; returns what is said about caching.
    fn members(&mut self) -> Option<Tree> {
        let type_name = match self.kind {
            Kind::Http => "http",
            Kind::Proxy => "proxy",
            Kind::Mock => "mock",
        };
        self.say(
            &["integration", "type"],
            Tree::scalar(self.node.place(), type_name),
        );
        self.address();
        for (name, member) in self.node.entries() {
            self.member(name, &member);
        }
        if self.kind == Kind::Mock && !self.has("requestTemplates") {
            self.found.warning(
                "aws-mock-status",
                self.node.place(),
                "a mock without a request template names no status; Amazon answers 500",
                "add `requestTemplates: { application/json: '{\"statusCode\": 200}' }`; here the default response is taken",
            );
        }
        // only REST APIs keep answers, and there by Amazon's list, which may be empty
        (self.around.kind == ApiKind::Rest).then(|| self.cache_key())
    }

    /// Says something in the operation's layer.
    pub(super) fn say(&mut self, path: &[&str], value: Tree) {
        self.layer.set_path(path, value);
    }

    fn has(&self, name: &str) -> bool {
        self.node.get(name).is_some()
    }

    fn member(&mut self, name: &str, member: &Node<'_>) {
        let calls = self.kind != Kind::Mock;
        match name {
            "type" | "uri" | "cacheKeyParameters" | "payloadFormatVersion" | "connectionId" => {}
            "httpMethod" if calls => self.method(member),
            "httpMethod" => {}
            "connectionType" => {
                if let Some(kind) = text(member, self.found)
                    && !kind.eq_ignore_ascii_case("INTERNET")
                {
                    not_served(
                        member,
                        format_args!("a connection of type `{}`", brief(kind)),
                        self.found,
                    );
                }
            }
            "integrationTarget" => not_served(member, "a target behind a VPC link", self.found),
            "integrationSubtype" => not_served(member, "a service action", self.found),
            "credentials" => no_effect(
                member,
                "credentials are for Amazon's own services",
                self.found,
            ),
            "requestParameters" if self.around.kind == ApiKind::Http => {
                self.http_api_parameters(member)
            }
            "requestParameters" if calls => self.parameters(member),
            "requestParameters" => no_effect(
                member,
                "a mock calls nothing, so mappings change nothing",
                self.found,
            ),
            "requestTemplates" if self.kind == Kind::Proxy => {
                no_effect(
                    member,
                    "a proxy integration sends the body as it came",
                    self.found,
                );
            }
            "requestTemplates" => self.templates(&["integration", "request", "templates"], member),
            "passthroughBehavior" if self.kind == Kind::Http => self.passthrough(member),
            "passthroughBehavior" => {}
            "contentHandling" => {
                let kind = text(member, self.found).map(str::to_owned);
                // a mock has no body that could be handled
                if let Some(kind) = kind
                    && calls
                {
                    not_served(
                        member,
                        format_args!("content handling `{}`", brief(&kind)),
                        self.found,
                    );
                }
            }
            "cacheNamespace" => {
                if let Some(name) = text(member, self.found)
                    && self.around.shared_namespaces.contains(name)
                {
                    not_served(member, "a cache that several paths share", self.found);
                }
            }
            "timeoutInMillis" => self.timeout(member),
            "responses" if self.kind == Kind::Proxy => {
                no_effect(
                    member,
                    "a proxy integration passes answers as they are",
                    self.found,
                );
            }
            "responses" => self.responses(member),
            "responseParameters" => {
                if member.entries().next().is_some() {
                    not_served(member, "a mapping of answers by status", self.found);
                }
            }
            "responseTransferMode" => self.transfer_mode(member),
            "tlsConfig" => self.tls(member),
            _ => unknown(member, name, MEMBERS, self.found),
        }
    }

    fn method(&mut self, member: &Node<'_>) {
        let Some(method) = text(member, self.found) else {
            return;
        };
        let method = method.to_ascii_uppercase();
        if METHODS.contains(&method.as_str()) {
            self.say(&["integration", "method"], translated(member, method));
        } else if method != "ANY" {
            self.found.error(
                "aws-integration",
                member.place(),
                format!("`{}` is no method", brief(&method)),
                suggest::help(&method, METHODS.iter().copied().chain(["ANY"])),
            );
        }
    }

    /// `uri`, its placeholders in the form of `x-gateway`.
    fn address(&mut self) {
        if self.kind == Kind::Mock {
            return;
        }
        let Some(uri) = self.node.get("uri") else {
            self.found.error(
                "aws-integration",
                self.node.place(),
                "an HTTP integration wants a `uri`",
                "as in `https://books.internal/v1/books`",
            );
            return;
        };
        let Some(address) = open_text(&uri, self.found) else {
            return;
        };
        if address.starts_with("arn:") {
            not_served(&uri, "a back end behind a VPC link", self.found);
            return;
        }
        if self.around.kind == ApiKind::Http && self.around.draft.source.path == DEFAULT_ROUTE {
            let upstream = translated(&uri, DEFAULT_ROUTE_UPSTREAM);
            self.say(&["integration", "upstream"], upstream);
            return;
        }
        let filled = self.placeholders(&uri, address);
        self.say(&["integration", "uri"], translated(&uri, filled));
    }

    /// Keeps placeholders that something fills; others stay in the address as text, as Amazon leaves them.
    fn placeholders(&mut self, uri: &Node<'_>, address: &str) -> String {
        let mut out = String::with_capacity(address.len());
        let mut rest = address;
        while let Some(at) = rest.find(['{', '$']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(inside) = rest.strip_prefix("${") {
                let (name, after) = inside.split_once('}').unwrap_or((inside, ""));
                let whole = &rest[..rest.len() - after.len()];
                if name.starts_with("stageVariables.") || open_parameter(uri, whole).is_some() {
                    out.push_str(whole);
                    rest = after;
                } else if self.fills(name) {
                    // A dollar, and then a placeholder.
                    out.push_str("%24");
                    rest = &rest[1..];
                } else {
                    self.found.warning(
                        "aws-placeholder",
                        uri.place(),
                        format!("nothing fills `${{{}}}`, so it is sent as text", brief(name)),
                        "`${stageVariables.NAME}` is a stage variable, `{NAME}` a mapped path parameter",
                    );
                    out.push_str(&format!("%24%7B{name}%7D"));
                    rest = after;
                }
            } else if let Some(inside) = rest.strip_prefix('{')
                && let Some((name, after)) = inside.split_once('}')
            {
                let bare = name.strip_suffix('+').unwrap_or(name);
                if self.fills(bare) {
                    out.push_str(&format!("{{{bare}}}"));
                } else {
                    self.found.warning(
                        "aws-placeholder",
                        uri.place(),
                        format!("nothing fills `{{{}}}`, so it is sent as text", brief(name)),
                        format!(
                            "map it: `requestParameters: {{ integration.request.path.{}: … }}`",
                            brief(bare)
                        ),
                    );
                    out.push_str(&format!("%7B{name}%7D"));
                }
                rest = after;
            } else {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        out
    }

    /// Whether something fills a placeholder: in HTTP APIs the route, in REST APIs a mapping.
    fn fills(&self, name: &str) -> bool {
        if self.around.kind == ApiKind::Http {
            return self
                .around
                .draft
                .path_params
                .iter()
                .any(|param| param == name);
        }
        self.node
            .get("requestParameters")
            .and_then(|map| map.get(&format!("integration.request.path.{name}")))
            .is_some()
    }

    /// Templates. One that is empty passes the body on, which is what having none does.
    fn templates(&mut self, path: &[&str], member: &Node<'_>) {
        for (media_type, value) in member.entries() {
            let body = match value.value() {
                Value::Null => continue,
                _ => text(&value, self.found),
            };
            let Some(body) = body.filter(|body| !matches!(*body, "" | "__passthrough__")) else {
                continue;
            };
            if media_type == "$default" {
                not_served(&value, "a template for every media type", self.found);
                continue;
            }
            let mut path = path.to_vec();
            path.push(media_type);
            let mut tree = translated(&value, body);
            // the text is Amazon's own word for word, so a place inside it means something
            tree.translated = false;
            self.say(&path, tree);
        }
    }

    fn passthrough(&mut self, member: &Node<'_>) {
        let Some(written) = text(member, self.found) else {
            return;
        };
        let word = match written.to_ascii_lowercase().as_str() {
            "when_no_match" => "whenNoMatch",
            "when_no_templates" => "whenNoTemplates",
            "never" => "never",
            _ => {
                self.found.error(
                    "aws-integration",
                    member.place(),
                    format!("there is no passthrough behaviour `{}`", brief(written)),
                    "one of `when_no_match`, `when_no_templates`, `never`",
                );
                return;
            }
        };
        self.say(
            &["integration", "request", "passthrough"],
            translated(member, word),
        );
    }

    fn timeout(&mut self, member: &Node<'_>) {
        const LEAST: u64 = 50;
        // Amazon's longest, for streamed answers; its shorter ceilings are walls of its own
        const MOST: u64 = 900_000;
        let Some(millis) = number(member, self.found) else {
            return;
        };
        if !(LEAST..=MOST).contains(&millis) {
            self.found.error(
                "aws-range",
                member.place(),
                format!("a timeout is from {LEAST} to {MOST} milliseconds, not {millis}"),
                "",
            );
            return;
        }
        self.say(&["timeout"], translated(member, format!("{millis}ms")));
    }

    fn transfer_mode(&mut self, member: &Node<'_>) {
        let Some(mode) = text(member, self.found) else {
            return;
        };
        match mode.to_ascii_uppercase().as_str() {
            "BUFFERED" => {}
            "STREAM" if self.kind == Kind::Proxy => {}
            _ => self.found.error(
                "aws-integration",
                member.place(),
                format!(
                    "an integration of this type has no transfer mode `{}`",
                    brief(mode)
                ),
                "`BUFFERED`, or `STREAM` for `http_proxy`",
            ),
        }
    }

    fn tls(&mut self, member: &Node<'_>) {
        for (name, value) in member.entries() {
            match name {
                "insecureSkipVerification" => {
                    if flag(&value, self.found) == Some(true) {
                        not_served(
                            &value,
                            "a back end whose certificate is not verified",
                            self.found,
                        );
                    }
                }
                "serverNameToVerify" => not_served(
                    &value,
                    "another name to verify a certificate by",
                    self.found,
                ),
                _ => unknown(
                    &value,
                    name,
                    &["insecureSkipVerification", "serverNameToVerify"],
                    self.found,
                ),
            }
        }
    }

    /// How answers are mapped.
    fn responses(&mut self, member: &Node<'_>) {
        self.say(&["integration", "responses"], Tree::object(member.place()));
        for (pattern, response) in member.entries() {
            let path = ["integration", "responses", pattern];
            self.say(&path, Tree::object(response.place()));
            for (name, member) in response.entries() {
                match name {
                    "statusCode" => {
                        if let Some(status) = responses::status(&member, self.found) {
                            self.say(&[path[0], path[1], path[2], "status"], status);
                        }
                    }
                    "responseParameters" => self.response_parameters(&path, &member),
                    "responseTemplates" => {
                        self.templates(&[path[0], path[1], path[2], "templates"], &member);
                    }
                    "contentHandling" => {
                        if !member.value().is_null() {
                            not_served(&member, "content handling of answers", self.found);
                        }
                    }
                    _ => unknown(
                        &member,
                        name,
                        &[
                            "statusCode",
                            "responseParameters",
                            "responseTemplates",
                            "contentHandling",
                        ],
                        self.found,
                    ),
                }
            }
            if response.is_object() && response.get("statusCode").is_none() {
                self.found.error(
                    "aws-integration",
                    response.place(),
                    "an integration response wants a `statusCode`",
                    "",
                );
            }
        }
    }

    fn response_parameters(&mut self, path: &[&str; 3], member: &Node<'_>) {
        for (target, value) in member.entries() {
            let Some(header) = target
                .strip_prefix("method.response.header.")
                .filter(|name| !name.is_empty())
            else {
                self.found.error(
                    "aws-mapping",
                    value.key_place(),
                    format!("`{}` is no target of a mapping", brief(target)),
                    "`method.response.header.NAME`",
                );
                continue;
            };
            if let Some(text) = mapping::parameter(&value, Side::Response, self.found) {
                let field = format!("header.{}", header.to_ascii_lowercase());
                self.say(
                    &[path[0], path[1], path[2], "parameters", &field],
                    translated(&value, text),
                );
            }
        }
    }
}
