//! Bodies, answers and what they are made of: media types, encodings, headers.

use openapiv3::Parameter;

use crate::load::Node;

use super::members::Holder;
use super::read::{flag, status_code, text, word};
use super::{
    BodySource, EncodingSource, MediaSource, ParameterSource, Reader, ResponseSource, SchemaSource,
    Version,
};

impl<'d> Reader<'d, '_> {
    /// The schema of a node as written.
    pub(super) fn schema(&self, node: Node<'d>) -> SchemaSource<'d> {
        SchemaSource {
            node,
            dialect: self.dialect,
        }
    }

    /// The schema that is a member of something.
    pub(super) fn schema_of(&self, holder: Node<'d>, name: &str) -> Option<SchemaSource<'d>> {
        holder.get(name).map(|node| self.schema(node))
    }

    /// `requestBody` of an operation of 3.0 and later.
    pub(super) fn body(&mut self, operation: Node<'d>) -> Option<BodySource<'d>> {
        let written = operation.get("requestBody")?;
        let node = self.follow(written);
        if node.reference().is_some() {
            return None; // dangling: reported when references were resolved
        }
        if !node.is_object() {
            self.found.warning(
                "body-malformed",
                written.place(),
                "`requestBody` is not an object; it is left out",
                "write `requestBody: { content: { application/json: { schema: … } } }`",
            );
            return None;
        }
        self.members(node, Holder::RequestBody);
        Some(BodySource {
            node,
            required: flag(node, "required"),
            content: self.content(node),
        })
    }

    /// The answers of an operation.
    pub(super) fn responses(&mut self, operation: Node<'d>) -> Vec<ResponseSource<'d>> {
        let mut responses = Vec::new();
        let Some(list) = operation.get("responses").map(|list| list.follow()) else {
            return responses;
        };
        for (name, written) in list.entries() {
            if name.starts_with("x-") {
                continue;
            }
            let status = match name {
                "default" => None,
                name => match status_code(name) {
                    Some(status) => Some(status),
                    None => {
                        self.found.warning(
                            "response-status",
                            written.key_place(),
                            format!("`{name}` is not a status; the response is left out"),
                            "write a status such as 200, a class such as 2XX, or `default`",
                        );
                        continue;
                    }
                },
            };
            if !self.room() {
                break;
            }
            let node = self.follow(written);
            self.members(node, Holder::Response);
            let content = match self.version {
                Version::V2_0 => self.swagger_answer(operation, node),
                _ => self.content(node),
            };
            responses.push(ResponseSource {
                status,
                node,
                content,
                headers: self.headers(node),
            });
        }
        responses
    }

    /// The media types of a body, an answer, a parameter or a header.
    pub(super) fn content(&mut self, holder: Node<'d>) -> Vec<MediaSource<'d>> {
        let mut media = Vec::new();
        let Some(content) = holder.get("content").map(|content| content.follow()) else {
            return media;
        };
        for (media_type, written) in content.entries() {
            if media_type.starts_with("x-") && !media_type.contains('/') {
                continue;
            }
            if !self.room() {
                break;
            }
            let node = self.follow(written);
            self.members(node, Holder::MediaType);
            self.not_checked(node);
            media.push(MediaSource {
                media_type: media_type.to_owned(),
                node,
                schema: self.schema_of(node, "schema"),
                item_schema: self.schema_of(node, "itemSchema"),
                encoding: self.encodings(node),
                fields: Vec::new(),
                example: example(node),
            });
        }
        media
    }

    /// Members of 3.2 that say how the parts of a sequence are written.
    fn not_checked(&mut self, node: Node<'_>) {
        if self.version < Version::V3_2 {
            return;
        }
        for name in ["prefixEncoding", "itemEncoding", "encoding"] {
            // `encoding` of a media type is read; inside an encoding it is one of 3.2's.
            let nested = name != "encoding" || node.get("contentType").is_some();
            if let Some(member) = node.get(name).filter(|_| nested) {
                self.found.warning(
                    "not-checked",
                    member.key_place(),
                    format!("`{name}` is not checked yet: such parts are passed on as they come"),
                    "",
                );
            }
        }
    }

    fn encodings(&mut self, media: Node<'d>) -> Vec<EncodingSource<'d>> {
        let mut encodings = Vec::new();
        let Some(list) = media.get("encoding").map(|list| list.follow()) else {
            return encodings;
        };
        for (name, written) in list.entries() {
            if !self.room() {
                break;
            }
            let node = self.follow(written);
            self.members(node, Holder::Encoding);
            self.not_checked(node);
            encodings.push(EncodingSource {
                name: name.to_owned(),
                node,
                content_type: text(node, "contentType"),
                style: word(node, "style"),
                explode: node.get("explode").and_then(|explode| explode.as_bool()),
                allow_reserved: flag(node, "allowReserved"),
                headers: self.headers(node),
            });
        }
        encodings
    }

    /// The headers of an answer or of a part of a form, as header parameters.
    fn headers(&mut self, holder: Node<'d>) -> Vec<ParameterSource<'d>> {
        let mut headers = Vec::new();
        let Some(list) = holder.get("headers").map(|list| list.follow()) else {
            return headers;
        };
        for (name, written) in list.entries() {
            if name.starts_with("x-amazon-apigateway-") || !written.is_object() {
                continue;
            }
            if !self.room() {
                break;
            }
            let node = self.follow(written);
            self.members(node, Holder::Header);
            let collection = self.collection(node);
            let data = self.parameter_data(name.to_owned(), false, node, collection);
            headers.push(self.source(
                Parameter::Header {
                    parameter_data: data,
                    style: openapiv3::HeaderStyle::Simple,
                },
                node,
                collection,
            ));
        }
        headers
    }
}

/// The first example of a media type.
fn example(media: Node<'_>) -> Option<Node<'_>> {
    if let Some(example) = media.get("example") {
        return Some(example);
    }
    let examples = media.get("examples")?.follow();
    let (_, first) = examples.entries().next()?;
    let first = first.follow();
    // 3.2 tells the value itself from how it is written.
    first.get("value").or_else(|| first.get("dataValue"))
}
