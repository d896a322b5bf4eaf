//! Which members the objects of a description have, by version, and of which type.
//!
//! One that is unknown or of another type has no effect, so it is warned of: it is a slip, or belongs to another version.
//! Schemas are not looked into, nor are parameters and headers of 2.0, which are schemas. Members that somebody reads with
//! findings of their own may be anything here.

use serde_json::Value;

use crate::findings::{Findings, Lazily, brief};
use crate::load::Node;
use crate::suggest;

use super::{Reader, Version, is_expression};

/// Objects of a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Root,
    Info,
    Server,
    ServerVariable,
    Components,
    Operation,
    Parameter,
    Header,
    RequestBody,
    MediaType,
    Encoding,
    Response,
    SecurityScheme,
    Tag,
}

/// What a member may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    Any,
    Text,
    Flag,
    List,
    Object,
}

use Is::{Any, Flag, List, Object, Text};

/// Versions as bits.
const V2: u8 = 1;
const V30: u8 = 2;
const V31: u8 = 4;
const V32: u8 = 8;
const FROM_31: u8 = V31 | V32;
const V3: u8 = V30 | FROM_31;
const ALL: u8 = V2 | V3;

type Members = &'static [(&'static str, u8, Is)];

impl Holder {
    /// What messages call it.
    fn name(self) -> &'static str {
        match self {
            Holder::Root => "the document",
            Holder::Info => "`info`",
            Holder::Server => "a server",
            Holder::ServerVariable => "a server variable",
            Holder::Components => "`components`",
            Holder::Operation => "an operation",
            Holder::Parameter => "a parameter",
            Holder::Header => "a header",
            Holder::RequestBody => "a request body",
            Holder::MediaType => "a media type",
            Holder::Encoding => "an encoding",
            Holder::Response => "a response",
            Holder::SecurityScheme => "a security scheme",
            Holder::Tag => "a tag",
        }
    }

    const fn members(self) -> Members {
        match self {
            Holder::Root => &[
                ("swagger", V2, Any),
                ("host", V2, Text),
                ("basePath", V2, Text),
                ("schemes", V2, List),
                ("consumes", V2, List),
                ("produces", V2, List),
                ("definitions", V2, Object),
                ("parameters", V2, Object),
                ("responses", V2, Object),
                ("securityDefinitions", V2, Object),
                ("openapi", V3, Any),
                ("$self", V32, Text),
                ("jsonSchemaDialect", FROM_31, Any),
                ("servers", V3, List),
                ("webhooks", FROM_31, Object),
                ("components", V3, Object),
                ("info", ALL, Object),
                ("paths", ALL, Any),
                ("security", ALL, Any),
                ("tags", ALL, List),
                ("externalDocs", ALL, Object),
            ],
            Holder::Info => &[
                ("title", ALL, Any),
                ("summary", FROM_31, Text),
                ("description", ALL, Text),
                ("termsOfService", ALL, Text),
                ("contact", ALL, Object),
                ("license", ALL, Object),
                ("version", ALL, Any),
            ],
            Holder::Server => &[
                ("url", V3, Text),
                ("description", V3, Text),
                ("name", V32, Text),
                ("variables", V3, Object),
            ],
            Holder::ServerVariable => &[
                ("enum", V3, List),
                ("default", V3, Any),
                ("description", V3, Text),
            ],
            Holder::Components => &[
                ("schemas", V3, Object),
                ("responses", V3, Object),
                ("parameters", V3, Object),
                ("examples", V3, Object),
                ("requestBodies", V3, Object),
                ("headers", V3, Object),
                ("securitySchemes", V3, Object),
                ("links", V3, Object),
                ("callbacks", V3, Object),
                ("pathItems", FROM_31, Object),
                ("mediaTypes", V32, Object),
            ],
            Holder::Operation => &[
                ("tags", ALL, List),
                ("summary", ALL, Text),
                ("description", ALL, Text),
                ("externalDocs", ALL, Object),
                ("operationId", ALL, Any),
                ("consumes", V2, List),
                ("produces", V2, List),
                ("schemes", V2, List),
                ("parameters", ALL, Any),
                ("requestBody", V3, Any),
                ("responses", ALL, Object),
                ("callbacks", V3, Object),
                ("deprecated", ALL, Flag),
                ("security", ALL, Any),
                ("servers", V3, List),
                // Amazon's exports of HTTP APIs
                ("isDefaultRoute", V3, Flag),
            ],
            Holder::Parameter | Holder::Header => &[
                ("name", V3, Any),
                ("in", V3, Any),
                ("description", V3, Text),
                ("required", V3, Flag),
                ("deprecated", V3, Flag),
                ("allowEmptyValue", V3, Flag),
                ("style", V3, Any),
                ("explode", V3, Flag),
                ("allowReserved", V3, Flag),
                ("schema", V3, Any),
                ("example", V3, Any),
                ("examples", V3, Any),
                ("content", V3, Object),
            ],
            Holder::RequestBody => &[
                ("description", V3, Text),
                ("content", V3, Object),
                ("required", V3, Flag),
            ],
            Holder::MediaType => &[
                ("schema", V3, Any),
                ("itemSchema", V32, Any),
                ("example", V3, Any),
                ("examples", V3, Any),
                ("encoding", V3, Object),
                ("prefixEncoding", V32, List),
                ("itemEncoding", V32, Object),
            ],
            Holder::Encoding => &[
                ("contentType", V3, Text),
                ("headers", V3, Object),
                ("style", V3, Text),
                ("explode", V3, Flag),
                ("allowReserved", V3, Flag),
                ("encoding", V32, Object),
                ("prefixEncoding", V32, List),
                ("itemEncoding", V32, Object),
            ],
            Holder::Response => &[
                ("summary", V32, Text),
                ("description", ALL, Text),
                ("headers", ALL, Object),
                ("schema", V2, Any),
                ("examples", V2, Object),
                ("content", V3, Object),
                ("links", V3, Object),
            ],
            Holder::SecurityScheme => &[
                ("type", ALL, Any),
                ("description", ALL, Text),
                ("name", ALL, Any),
                ("in", ALL, Any),
                ("flow", V2, Text),
                ("authorizationUrl", V2, Text),
                ("tokenUrl", V2, Text),
                ("scopes", V2, Object),
                ("scheme", V3, Any),
                ("bearerFormat", V3, Text),
                ("flows", V3, Object),
                ("openIdConnectUrl", V3, Any),
                ("oauth2MetadataUrl", V32, Text),
                ("deprecated", V32, Flag),
            ],
            Holder::Tag => &[
                ("name", ALL, Text),
                ("summary", V32, Text),
                ("description", ALL, Text),
                ("externalDocs", ALL, Object),
                ("parent", V32, Text),
                ("kind", V32, Text),
            ],
        }
    }
}

const fn bit(version: Version) -> u8 {
    match version {
        Version::V2_0 => V2,
        Version::V3_0 => V30,
        Version::V3_1 => V31,
        Version::V3_2 => V32,
    }
}

/// The number of a version, as messages write it.
fn shown(version: Version) -> &'static str {
    match version {
        Version::V2_0 => "2.0",
        Version::V3_0 => "3.0",
        Version::V3_1 => "3.1",
        Version::V3_2 => "3.2",
    }
}

impl<'d> Reader<'d, '_> {
    /// Warns of members that this object does not have.
    pub(super) fn members(&mut self, node: Node<'d>, holder: Holder) {
        let own_schema = matches!(holder, Holder::Parameter | Holder::Header);
        if own_schema && self.version == Version::V2_0 {
            return;
        }
        // One that many refer to is looked at once.
        if !self.seen.insert(node.id()) {
            return;
        }
        let known = holder.members();
        for (name, member) in node.entries() {
            match known.iter().find(|(known, _, _)| *known == name) {
                Some((_, versions, is)) if versions & bit(self.version) != 0 => {
                    of_type(name, member, *is, self.found);
                }
                Some((_, versions, _)) => self.of_other_version(name, member, *versions),
                None if name.starts_with("x-") || name == "$ref" => {}
                None => {
                    let all = known.iter().filter(|(_, v, _)| v & bit(self.version) != 0);
                    self.found.warning(
                        "member-unknown",
                        member.key_place(),
                        format!(
                            "`{}` is not a member of {} and has no effect",
                            brief(name),
                            holder.name()
                        ),
                        Lazily(|| suggest::help(name, all.map(|(name, _, _)| *name))),
                    );
                }
            }
        }
    }

    fn of_other_version(&mut self, name: &str, member: Node<'_>, versions: u8) {
        let all = [Version::V2_0, Version::V3_0, Version::V3_1, Version::V3_2];
        let first = all
            .into_iter()
            .find(|version| versions & bit(*version) != 0);
        let other = first.map_or("another version", shown);
        let since = if versions & V32 != 0 {
            " and later"
        } else {
            ""
        };
        let message = format!(
            "`{name}` belongs to OpenAPI {other}{}; in {} it has no effect here",
            if other == "3.2" { "" } else { since },
            shown(self.version)
        );
        self.found
            .warning("member-unknown", member.key_place(), message, "");
    }

    /// What a reference leads to; members that stand beside the reference are warned of.
    pub(super) fn follow(&mut self, written: Node<'d>) -> Node<'d> {
        if written.reference().is_some() {
            for (name, beside) in written.entries() {
                // A text beside a reference is 3.1's, and harmless in all others.
                let harmless = matches!(name, "$ref" | "summary" | "description");
                if !harmless && !name.starts_with("x-") {
                    self.found.warning(
                        "ref-siblings",
                        beside.key_place(),
                        format!("`{}` stands beside a `$ref` and has no effect", brief(name)),
                        "move it into the object that the reference leads to",
                    );
                }
            }
        }
        written.follow()
    }
}

fn of_type(name: &str, member: Node<'_>, is: Is, found: &mut Findings) {
    let value = member.value();
    let (good, wanted) = match is {
        Any => return,
        Text => (value.is_string(), "a text"),
        Flag => (value.is_boolean(), "true or false"),
        List => (value.is_array(), "a list"),
        Object => (value.is_object(), "an object"),
    };
    // `name:` with nothing behind it says nothing; what CloudFormation fills in is for whoever reads it.
    if good || value.is_null() || is_expression(member) {
        return;
    }
    // a text that YAML took for a number or a date says what it says
    if is == Text && !matches!(value, Value::Object(_) | Value::Array(_)) {
        return;
    }
    if is == Object && member.reference().is_some() {
        return;
    }
    found.warning(
        "member-type",
        member.place(),
        format!("`{name}` is not {wanted} and has no effect"),
        format!("write {wanted}"),
    );
}
