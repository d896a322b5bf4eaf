//! Parameters of an operation: its own and those of its path item, and how they match the path's template.

use std::collections::HashSet;
use std::mem::Discriminant;

use gateway_runtime::path::Pattern;
use indexmap::IndexMap;
use openapiv3::{
    AnySchema, Content, CookieStyle, HeaderStyle, MediaType, Parameter, ParameterData,
    ParameterSchemaOrContent, PathStyle, QueryStyle, ReferenceOr, Schema, SchemaData, SchemaKind,
};

use crate::findings::Findings;
use crate::load::Node;
use crate::suggest;

use super::members::Holder;
use super::read::{flag, text, word};
use super::{Collection, ParameterSource, Reader, Version};

/// Most parameters of one list.
const MAX_PARAMETERS: usize = 1000;

/// What a list of parameters declares.
#[derive(Debug, Default)]
pub(super) struct Declared<'d> {
    /// Parameters.
    pub(super) parameters: Vec<ParameterSource<'d>>,
    /// Fields of a form (2.0).
    pub(super) fields: Vec<ParameterSource<'d>>,
    /// The parameter that is the body (2.0).
    pub(super) body: Option<Node<'d>>,
    /// Whether some could not be read.
    pub(super) incomplete: bool,
}

/// What one parameter turned out to be.
enum Kind<'d> {
    Parameter(ParameterSource<'d>),
    Field(ParameterSource<'d>),
    Body(Node<'d>),
    /// One that is checked by nobody, and said so.
    Apart,
    Unreadable,
}

impl<'d> Reader<'d, '_> {
    /// What a path item or an operation declares.
    pub(super) fn parameters(&mut self, holder: Node<'d>) -> Declared<'d> {
        let mut declared = Declared::default();
        let Some(list) = holder.get("parameters").map(|list| list.follow()) else {
            return declared;
        };
        if !list.is_array() && !list.value().is_null() {
            self.found.warning(
                "parameter-malformed",
                list.place(),
                "`parameters` is not a list; it is left out",
                "write a list of parameters",
            );
        }
        if list.items().count() > MAX_PARAMETERS {
            self.found.error(
                "document-too-large",
                list.place(),
                "the list has more than 1,000 parameters",
                "no request has that many: look for what generated them",
            );
            declared.incomplete = true;
            return declared;
        }
        let mut known = HashSet::new();
        for written in list.items() {
            let node = self.follow(written);
            if node.reference().is_some() || !self.room() {
                declared.incomplete = true; // dangling: reported when references were resolved
                continue;
            }
            let (name, again) = match self.parameter(node) {
                Kind::Parameter(source) => {
                    let name = source.parameter.parameter_data_ref().name.clone();
                    let new = known.insert((false, identity(&source.parameter)));
                    if new {
                        declared.parameters.push(source);
                    }
                    (name, !new)
                }
                Kind::Field(source) => {
                    let name = source.parameter.parameter_data_ref().name.clone();
                    let new = known.insert((true, identity(&source.parameter)));
                    if new {
                        declared.fields.push(source);
                    }
                    (name, !new)
                }
                Kind::Body(node) => {
                    let name = text(node, "name").unwrap_or_default();
                    let again = declared.body.is_some();
                    declared.body.get_or_insert(node);
                    (name, again)
                }
                Kind::Apart => continue,
                Kind::Unreadable => {
                    declared.incomplete = true;
                    continue;
                }
            };
            if again {
                self.found.warning(
                    "parameter-duplicate",
                    written.place(),
                    format!("the parameter `{name}` is declared twice; the first one counts"),
                    "keep one of the two",
                );
            }
        }
        declared
    }

    /// A parameter; where it has no name or stands nowhere, `found` says so.
    fn parameter(&mut self, node: Node<'d>) -> Kind<'d> {
        if !node.is_object() {
            let message = "this is not a parameter; it is left out".to_owned();
            return self.unreadable(node, message, "write an object with `name` and `in`");
        }
        let swagger = self.version == Version::V2_0;
        self.members(node, Holder::Parameter);
        let place = text(node, "in").unwrap_or_default();
        if swagger && place == "body" {
            return Kind::Body(node);
        }
        let Some(name) = text(node, "name").filter(|name| !name.is_empty()) else {
            let message = "the parameter has no name; it is left out".to_owned();
            return self.unreadable(node, message, "give it a `name`");
        };
        let places = match self.version {
            Version::V2_0 => "write `in: query`, `header`, `path`, `formData` or `body`",
            _ => "write `in: query`, `header`, `path` or `cookie`",
        };
        match place.as_str() {
            "query" | "header" | "path" => {}
            "cookie" if !swagger => {}
            "formData" if swagger => {}
            "querystring" if self.version >= Version::V3_2 => {
                self.found.warning(
                    "not-checked",
                    node.place(),
                    format!("`{name}` is the whole query, which is not checked as one yet"),
                    "declare each of its fields as a parameter `in: query`",
                );
                return Kind::Apart;
            }
            "body" | "formData" => {
                let at = node.get("in").unwrap_or(node);
                let message =
                    format!("`in: {place}` of `{name}` belongs to OpenAPI 2.0; it is left out");
                return self.unreadable(at, message, "declare a `requestBody`");
            }
            "" => {
                let message =
                    format!("the parameter `{name}` does not say where it stands; it is left out");
                return self.unreadable(node, message, places);
            }
            other => {
                let at = node.get("in").unwrap_or(node);
                let message = format!("`in: {other}` of `{name}` is not a place; it is left out");
                return self.unreadable(at, message, places);
            }
        }
        if place == "path"
            && node
                .get("required")
                .is_some_and(|n| n.as_bool() == Some(false))
        {
            let at = node.get("required").unwrap_or(node);
            self.found.warning(
                "path-parameter-optional",
                at.place(),
                format!("`{name}` is a part of the path, so no request comes without it"),
                "write `required: true`; for requests without it declare another path",
            );
        }
        let collection = self.collection(node);
        let parameter_data = self.parameter_data(name, place == "path", node, collection);
        let parameter = match place.as_str() {
            "header" => Parameter::Header {
                parameter_data,
                style: HeaderStyle::Simple,
            },
            "path" => Parameter::Path {
                parameter_data,
                style: self.style(node, PathStyle::Simple),
            },
            "cookie" => Parameter::Cookie {
                parameter_data,
                style: CookieStyle::Form,
            },
            _ => Parameter::Query {
                parameter_data,
                allow_reserved: !swagger && flag(node, "allowReserved"),
                style: match collection {
                    Some(Collection::Ssv) => QueryStyle::SpaceDelimited,
                    Some(Collection::Pipes) => QueryStyle::PipeDelimited,
                    _ => self.style(node, QueryStyle::Form),
                },
                allow_empty_value: node.get("allowEmptyValue").and_then(|n| n.as_bool()),
            },
        };
        let source = self.source(parameter, node, collection);
        if place == "formData" {
            Kind::Field(source)
        } else {
            Kind::Parameter(source)
        }
    }

    fn unreadable(&mut self, node: Node<'_>, message: String, help: &str) -> Kind<'d> {
        self.found
            .warning("parameter-malformed", node.place(), message, help);
        Kind::Unreadable
    }

    /// `style`, which 2.0 does not have. One that the place does not have is warned of: values would be read in another.
    fn style<T: serde::Deserialize<'d>>(&mut self, node: Node<'d>, default: T) -> T {
        let Some(written) = node.get("style").filter(|_| self.version > Version::V2_0) else {
            return default;
        };
        word(node, "style").unwrap_or_else(|| {
            self.found.warning(
                "parameter-style",
                written.place(),
                "this is not a style of parameters that stand here; it has no effect",
                "`form`, `spaceDelimited`, `pipeDelimited` and `deepObject` are styles of a query, `simple`, `label` and `matrix` of a path",
            );
            default
        })
    }

    /// The parts that all kinds of parameters share.
    pub(super) fn parameter_data(
        &self,
        name: String,
        in_path: bool,
        node: Node<'d>,
        collection: Option<Collection>,
    ) -> ParameterData {
        let explode = match (self.version, collection) {
            (Version::V2_0, collection) => Some(collection == Some(Collection::Multi)),
            _ => node.get("explode").and_then(|n| n.as_bool()),
        };
        ParameterData {
            name,
            description: None,
            required: in_path || flag(node, "required"),
            deprecated: node.get("deprecated").and_then(|n| n.as_bool()),
            format: match node.get("content").filter(|_| node.get("schema").is_none()) {
                Some(content) if self.version > Version::V2_0 => {
                    let names = content.follow().entries().take(1);
                    let content: Content = names
                        .map(|(name, _)| (name.to_owned(), MediaType::default()))
                        .collect();
                    ParameterSchemaOrContent::Content(content)
                }
                _ => ParameterSchemaOrContent::Schema(ReferenceOr::Item(Schema {
                    schema_data: SchemaData::default(),
                    schema_kind: SchemaKind::Any(AnySchema::default()),
                })),
            },
            example: None,
            examples: IndexMap::new(),
            explode,
            extensions: IndexMap::new(),
        }
    }

    /// A parameter or header with its schema or its media type.
    pub(super) fn source(
        &mut self,
        parameter: Parameter,
        node: Node<'d>,
        collection: Option<Collection>,
    ) -> ParameterSource<'d> {
        let schema = match self.version {
            Version::V2_0 => Some(self.schema(node)),
            _ => self.schema_of(node, "schema"),
        };
        let content = match (self.version, schema) {
            (Version::V2_0, _) | (_, Some(_)) => None,
            _ => self.content(node).into_iter().next().map(Box::new),
        };
        ParameterSource {
            parameter,
            node,
            schema,
            content,
            collection,
        }
    }

    /// `collectionFormat` of an array of 2.0, or what it is without one.
    pub(super) fn collection(&mut self, node: Node<'d>) -> Option<Collection> {
        if self.version != Version::V2_0 {
            return None;
        }
        let array = node.get("type").and_then(|kind| kind.as_str()) == Some("array");
        if !array {
            return None;
        }
        let Some(written) = node.get("collectionFormat") else {
            return Some(Collection::Csv);
        };
        let several = matches!(
            node.get("in").and_then(|place| place.as_str()),
            Some("query" | "formData")
        );
        let help = match written.as_str() {
            Some("csv") => return Some(Collection::Csv),
            Some("ssv") => return Some(Collection::Ssv),
            Some("tsv") => return Some(Collection::Tsv),
            Some("pipes") => return Some(Collection::Pipes),
            Some("multi") if several => return Some(Collection::Multi),
            Some("multi") => "`multi` is for a query and for forms; write `csv`",
            _ => "write `csv`, `ssv`, `tsv`, `pipes` or `multi`",
        };
        self.found.warning(
            "parameter-style",
            written.place(),
            "this is not a way to join the items of an array here; they are taken to be joined by commas",
            help,
        );
        Some(Collection::Csv)
    }
}

/// Adds those of the path item that the operation does not declare itself.
pub(super) fn inherit<'d>(own: &mut Vec<ParameterSource<'d>>, shared: &[ParameterSource<'d>]) {
    let known: HashSet<_> = own
        .iter()
        .map(|source| identity(&source.parameter))
        .collect();
    let others = shared
        .iter()
        .filter(|source| !known.contains(&identity(&source.parameter)));
    own.extend(others.cloned());
}

/// What makes two parameters one: the same name in the same place (names of header fields know no case).
fn identity(parameter: &Parameter) -> (Discriminant<Parameter>, String) {
    let name = &parameter.parameter_data_ref().name;
    let name = match parameter {
        Parameter::Header { .. } => name.to_ascii_lowercase(),
        _ => name.clone(),
    };
    (std::mem::discriminant(parameter), name)
}

/// Path parameters are declared and in the template, or neither.
pub(super) fn match_template(
    path: &str,
    node: Node<'_>,
    parameters: &[ParameterSource<'_>],
    found: &mut Findings,
) {
    // A template that cannot be parsed is reported where routes are made.
    let Ok(pattern) = Pattern::parse(path) else {
        return;
    };
    let names: HashSet<&str> = pattern.params().map(bare).collect();
    let in_path = || {
        parameters
            .iter()
            .filter(|source| matches!(source.parameter, Parameter::Path { .. }))
            .map(|source| (source, &source.parameter.parameter_data_ref().name))
    };
    let declared: HashSet<&str> = in_path().map(|(_, name)| bare(name)).collect();
    for name in pattern.params().map(bare) {
        if !declared.contains(name) {
            found.warning(
                "path-parameter-undeclared",
                node.key_place(),
                format!("`{{{name}}}` of `{path}` is not declared as a parameter"),
                format!(
                    "declare it: `- {{ name: {name}, in: path, required: true, schema: {{ type: string }} }}`"
                ),
            );
        }
    }
    for (source, name) in in_path() {
        if !names.contains(bare(name)) {
            // Only of a template that somebody wrote by hand: the work is a product of both lengths.
            let short = names.len() <= 20 && name.len() <= 100;
            let open = pattern.params().map(bare).filter(|n| !declared.contains(n));
            let help = match suggest::nearest(name, open.filter(|_| short)) {
                Some(near) => format!("did you mean `{near}`"),
                None => "take the parameter away, or put it into the path".to_owned(),
            };
            found.warning(
                "path-parameter-unknown",
                source.node.place(),
                format!("the path `{path}` has no `{{{name}}}`"),
                help,
            );
        }
    }
}

/// A name without what marks a greedy or an exploded parameter (`{proxy+}`, `{ids*}`).
fn bare(name: &str) -> &str {
    name.trim_end_matches(['+', '*'])
}
