//! What messages carry: bodies by media type, and the answers whose bodies are checked.

use super::{ParameterDef, Rules, Style};

/// What the requests of an operation carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyDef {
    /// Whether a request has to have a body.
    pub required: bool,
    /// By media type.
    pub content: &'static [ContentDef],
}

/// A body of one media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentDef {
    /// The media type, or a range: `image/*`, `*/*`. Lower case, without parameters.
    pub media_type: &'static str,
    /// What the body is.
    pub form: FormDef,
}

/// How a body is written and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormDef {
    /// Bytes that are not looked at.
    Bytes,
    /// A JSON text (RFC 8259) of these rules.
    Json(Rules),
    /// One string of these rules.
    Text(Rules),
    /// `application/x-www-form-urlencoded`: an object of these rules, whose members are written as said.
    Fields(Rules, &'static [EncodingDef]),
    /// `multipart/form-data` (RFC 7578): an object of these rules, whose members are parts.
    Parts(Rules, &'static [EncodingDef]),
}

/// How one member of a form is written, where that is not the usual way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodingDef {
    /// The member.
    pub name: &'static str,
    /// Media types of its parts, separated by commas; empty: by what its schema says.
    pub media_type: &'static str,
    /// How a field is written.
    pub style: Style,
    /// Whether each element or member is a field of its own.
    pub explode: bool,
}

/// What an operation answers with one status, or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseDef {
    /// Which answers it speaks of.
    pub status: StatusDef,
    /// Their header fields.
    pub headers: &'static [ParameterDef],
    /// By media type; empty: nothing is said of the body.
    pub content: &'static [ContentDef],
}

/// Statuses that a response speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatusDef {
    /// This one.
    Is(u16),
    /// All of a class, named by its first digit.
    Class(u8),
    /// All that no other response speaks of.
    Other,
}

impl ContentDef {
    /// The same, with members that are not written in the usual way. Of forms alone.
    #[must_use]
    pub const fn encoded(mut self, encodings: &'static [EncodingDef]) -> ContentDef {
        self.form = match self.form {
            FormDef::Fields(rules, _) => FormDef::Fields(rules, encodings),
            FormDef::Parts(rules, _) => FormDef::Parts(rules, encodings),
            form => form,
        };
        self
    }
}

impl BodyDef {
    /// The same, demanded.
    #[must_use]
    pub const fn required(mut self) -> BodyDef {
        self.required = true;
        self
    }
}

/// `body(&[json("application/json", &[…])])` in emitted tables.
pub const fn body(content: &'static [ContentDef]) -> BodyDef {
    BodyDef {
        required: false,
        content,
    }
}
/// `bytes("image/*")` in emitted tables.
pub const fn bytes(media_type: &'static str) -> ContentDef {
    ContentDef {
        media_type,
        form: FormDef::Bytes,
    }
}
/// `json("application/json", &[…])` in emitted tables.
pub const fn json(media_type: &'static str, rules: Rules) -> ContentDef {
    ContentDef {
        media_type,
        form: FormDef::Json(rules),
    }
}
/// `plain("text/plain", &[…])` in emitted tables.
pub const fn plain(media_type: &'static str, rules: Rules) -> ContentDef {
    ContentDef {
        media_type,
        form: FormDef::Text(rules),
    }
}
/// `fields("application/x-www-form-urlencoded", &[…])` in emitted tables.
pub const fn fields(media_type: &'static str, rules: Rules) -> ContentDef {
    ContentDef {
        media_type,
        form: FormDef::Fields(rules, &[]),
    }
}
/// `parts("multipart/form-data", &[…])` in emitted tables.
pub const fn parts(media_type: &'static str, rules: Rules) -> ContentDef {
    ContentDef {
        media_type,
        form: FormDef::Parts(rules, &[]),
    }
}
/// `encoding("avatar", "image/png", Style::Form, true)` in emitted tables.
pub const fn encoding(
    name: &'static str,
    media_type: &'static str,
    style: Style,
    explode: bool,
) -> EncodingDef {
    EncodingDef {
        name,
        media_type,
        style,
        explode,
    }
}
/// `response(StatusDef::Is(200), &[], &[json(…)])` in emitted tables.
pub const fn response(
    status: StatusDef,
    headers: &'static [ParameterDef],
    content: &'static [ContentDef],
) -> ResponseDef {
    ResponseDef {
        status,
        headers,
        content,
    }
}
