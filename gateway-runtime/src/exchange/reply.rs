//! What the gateway answers.

use bytes::Bytes;

use super::{Body, FieldName, FieldValue, Headers, field};

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// Status, 200 to 599.
    pub(crate) status: u16,
    /// Header fields. Those of one connection (`Connection`, `Transfer-Encoding`, …) are not among them: the engine frames.
    pub(crate) headers: Headers,
    /// Body.
    pub(crate) body: Body,
}

impl Reply {
    /// An answer without fields and body.
    pub(crate) fn new(status: u16) -> Reply {
        Reply {
            status,
            headers: Headers::new(),
            body: Body::empty(),
        }
    }

    /// With this field, replacing what it was.
    #[must_use]
    pub(crate) fn with_header(mut self, name: FieldName, value: FieldValue) -> Reply {
        self.headers.set(name, value);
        self
    }

    /// With this body and its media type.
    #[must_use]
    pub(crate) fn with_body(mut self, media_type: FieldValue, body: impl Into<Bytes>) -> Reply {
        self.headers.set(field::CONTENT_TYPE, media_type);
        self.set_body(Body::full(body));
        self
    }

    /// Replaces the body, and the length that the fields declare.
    pub(crate) fn set_body(&mut self, body: Body) {
        self.headers.remove(field::CONTENT_LENGTH);
        self.body = body;
    }
}
