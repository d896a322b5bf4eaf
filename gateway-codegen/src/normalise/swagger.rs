//! What only 2.0 has: its servers in three members, bodies and forms among the parameters, media types beside them.

use std::collections::HashSet;

use openapiv3::Server;

use crate::load::Node;

use super::parameters::{self, Declared};
use super::read::{flag, text};
use super::{BodySource, MediaSource, Reader};

/// Media types that a form can be sent as.
const FORMS: [&str; 2] = ["application/x-www-form-urlencoded", "multipart/form-data"];

/// Any media type: a body of which 2.0 says only what is in it.
const ANY: &str = "*/*";

/// `schemes`, `host` and `basePath` as servers, those with https first: a gateway chooses for its back end what nobody can
/// read on the way. Without a host they are relative, as in 3.0.
pub(super) fn servers(root: Node<'_>) -> Vec<Server> {
    let base = text(root, "basePath").unwrap_or_default();
    let base = base.trim_matches('/');
    let path = match base {
        "" => String::new(),
        base => format!("/{base}"),
    };
    let server = |url: String| Server {
        url,
        ..Server::default()
    };
    match root.get("host").map(|host| host.as_str()) {
        Some(Some(host)) if !host.is_empty() => schemes(root)
            .into_iter()
            .map(|scheme| server(format!("{scheme}://{host}{path}")))
            .collect(),
        // A host that is no text is for whoever reads the nodes.
        Some(None) => Vec::new(),
        _ if path.is_empty() => Vec::new(),
        _ => vec![server(path)],
    }
}

/// Servers of an operation, where it asks for a scheme that the document's first server does not have.
pub(super) fn operation_servers(root: Node<'_>, operation: Node<'_>) -> Vec<Server> {
    if operation.get("schemes").is_none() {
        return Vec::new();
    }
    let own = schemes(operation);
    let all = servers(root);
    let (Some(first), Some(scheme)) = (all.first(), own.first()) else {
        return Vec::new();
    };
    let Some((used, rest)) = first.url.split_once("://") else {
        return Vec::new();
    };
    if own.iter().any(|scheme| scheme == used) {
        return Vec::new();
    }
    vec![Server {
        url: format!("{scheme}://{rest}"),
        ..Server::default()
    }]
}

/// The schemes that lead to a back end, https first; https where none is named.
fn schemes(holder: Node<'_>) -> Vec<String> {
    let written = holder.get("schemes");
    let named = written.into_iter().flat_map(|list| list.items());
    let mut schemes: Vec<String> = named
        .filter_map(|scheme| scheme.as_str())
        .map(str::to_ascii_lowercase)
        .filter(|scheme| matches!(scheme.as_str(), "http" | "https"))
        .collect();
    if schemes.is_empty() {
        schemes.push("https".to_owned());
    }
    schemes.sort_by_key(|scheme| scheme == "http");
    schemes.dedup();
    schemes
}

impl<'d> Reader<'d, '_> {
    /// The body of an operation: its own parameter or fields, else those of its path item.
    pub(super) fn swagger_body(
        &mut self,
        operation: Node<'d>,
        own: Declared<'d>,
        shared: &Declared<'d>,
    ) -> Option<BodySource<'d>> {
        let own_body = own.body;
        let own_form = !own.fields.is_empty();
        let mut fields = own.fields;
        parameters::inherit(&mut fields, &shared.fields);
        let body = own_body.or(shared.body);
        if let (Some(_), Some(field)) = (body, fields.first()) {
            self.found.warning(
                "body-malformed",
                field.node.place(),
                "fields of a form stand beside a body: the operation's own counts, of two the body",
                "a request has one body: make the fields properties of its schema, or take one away",
            );
        }
        let form_hides_body = own_body.is_none() && own_form;
        if let Some(body) = body.filter(|_| !form_hides_body) {
            return Some(BodySource {
                node: body,
                required: flag(body, "required"),
                content: self.swagger_media(operation, "consumes", body, None),
            });
        }
        if fields.is_empty() {
            return None;
        }
        let has_file = fields
            .iter()
            .any(|field| text(field.node, "type").as_deref() == Some("file"));
        let written = self.media_types(operation, "consumes");
        let mut media_types: Vec<&str> = written
            .iter()
            .copied()
            .filter(|name| is_form(name))
            .collect();
        if media_types.is_empty() {
            if let Some(other) = written.first() {
                let at = operation
                    .get("consumes")
                    .or_else(|| self.root.get("consumes"));
                self.found.warning(
                    "form-media-type",
                    at.unwrap_or(operation).place(),
                    format!("`{other}` is no form, and parameters `in: formData` are the fields of one"),
                    "`consumes` names `application/x-www-form-urlencoded` or `multipart/form-data` where a form is sent",
                );
            }
            // A file has no other way.
            let possible = FORMS.iter().skip(usize::from(has_file));
            media_types = possible.copied().collect();
        }
        let mut content = Vec::new();
        for media_type in media_types {
            if fields.iter().all(|_| self.room()) {
                content.push(MediaSource {
                    media_type: media_type.to_owned(),
                    node: operation,
                    schema: None,
                    item_schema: None,
                    encoding: Vec::new(),
                    fields: fields.clone(),
                    example: None,
                });
            }
        }
        Some(BodySource {
            node: operation,
            required: fields
                .iter()
                .any(|field| field.parameter.parameter_data_ref().required),
            content,
        })
    }

    /// What an answer is made of: its schema in each media type that the operation produces.
    pub(super) fn swagger_answer(
        &mut self,
        operation: Node<'d>,
        response: Node<'d>,
    ) -> Vec<MediaSource<'d>> {
        let examples = response.get("examples");
        if response.get("schema").is_none() && examples.is_none() {
            return Vec::new();
        }
        self.swagger_media(operation, "produces", response, examples)
    }

    fn swagger_media(
        &mut self,
        operation: Node<'d>,
        list: &str,
        holder: Node<'d>,
        examples: Option<Node<'d>>,
    ) -> Vec<MediaSource<'d>> {
        // A file is bytes of which nothing more is known.
        let schema = self
            .schema_of(holder, "schema")
            .filter(|schema| text(schema.node.follow(), "type").as_deref() != Some("file"));
        let mut media_types = self.media_types(operation, list);
        if media_types.is_empty() {
            media_types.push(ANY);
        }
        let mut content = Vec::new();
        for media_type in media_types {
            if !self.room() {
                break;
            }
            content.push(MediaSource {
                example: examples.and_then(|examples| examples.get(media_type)),
                media_type: media_type.to_owned(),
                node: holder,
                schema,
                item_schema: None,
                encoding: Vec::new(),
                fields: Vec::new(),
            });
        }
        content
    }

    /// `consumes` or `produces`: the operation's, else the document's.
    fn media_types(&mut self, operation: Node<'d>, list: &str) -> Vec<&'d str> {
        let Some(written) = operation.get(list).or_else(|| self.root.get(list)) else {
            return Vec::new();
        };
        self.look(written.value().as_array().map_or(0, Vec::len));
        if self.is_full() {
            return Vec::new();
        }
        let mut known = HashSet::new();
        written
            .items()
            .filter_map(|name| name.as_str())
            .filter(|name| !name.is_empty() && known.insert(*name))
            .collect()
    }
}

fn is_form(media_type: &str) -> bool {
    let name = media_type.split(';').next().unwrap_or_default().trim();
    FORMS.iter().any(|form| name.eq_ignore_ascii_case(form))
}
