//! What answers an operation.

use super::{SetDef, UpstreamDef};

/// What answers an operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum IntegrationDef {
    /// An HTTP back end; the request as it came.
    Proxy(ProxyDef),
    /// An HTTP back end through parameter mappings and templates.
    Http(HttpDef),
    /// A fixed answer.
    Mock(MockDef),
    /// A location elsewhere.
    Redirect(RedirectDef),
}

impl IntegrationDef {
    /// Filler of [`PolicyDef::DEFAULT`](super::PolicyDef::DEFAULT), never served: a mock that answers 500.
    pub const NONE: IntegrationDef = IntegrationDef::Mock(MockDef {
        status: 500,
        headers: &[],
        bodies: &[],
    });
}

/// `proxy(&upstreams::DEFAULT)` in emitted tables: the request as it came, to this back end.
pub const fn proxy(upstream: &'static UpstreamDef) -> IntegrationDef {
    IntegrationDef::Proxy(ProxyDef {
        target: TargetDef::Upstream(upstream),
        method: None,
    })
}

/// An HTTP back end that gets the request as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyDef {
    /// Where it goes.
    pub target: TargetDef,
    /// Method towards the back end; `None`: the client's.
    pub method: Option<&'static str>,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetDef {
    /// A named back end, the request's own path behind the back end's.
    Upstream(&'static UpstreamDef),
    /// A named back end, and an expression for path and query behind the back end's path.
    UpstreamPath(&'static UpstreamDef, &'static str),
    /// An expression for the whole address. Its scheme and authority name stage variables at most.
    Uri(&'static str),
}

/// An HTTP back end through parameter mappings and templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpDef {
    /// Where it goes.
    pub target: TargetDef,
    /// Method towards the back end; `None`: the client's.
    pub method: Option<&'static str>,
    /// Header fields and query parameters that are sent; nothing else of the client's is.
    pub parameters: &'static [SetDef],
    /// Bodies by the request's media type.
    pub templates: &'static [TemplateDef],
    /// What becomes of a body that no template matches.
    pub passthrough: Passthrough,
    /// How answers are mapped, in the order they are tried.
    pub responses: &'static [ResponseMappingDef],
}

/// What becomes of a request body that no template matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passthrough {
    /// Passed on.
    WhenNoMatch,
    /// Passed on only if there are no templates at all, else 415.
    WhenNoTemplates,
    /// 415.
    Never,
}

/// A body by media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateDef {
    /// Media type.
    pub media_type: &'static str,
    /// The body.
    pub body: Text,
}

/// `template("application/json", inline("{}"))` in emitted tables.
pub const fn template(media_type: &'static str, body: Text) -> TemplateDef {
    TemplateDef { media_type, body }
}

/// How answers of a back end are mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseMappingDef {
    /// Regular expression over the whole status ([`crate::pattern`]); `None`: every other status.
    pub pattern: Option<&'static str>,
    /// Status towards the client.
    pub status: u16,
    /// Header fields of the answer.
    pub headers: &'static [SetDef],
    /// Bodies by media type; empty: the back end's body.
    pub bodies: &'static [TemplateDef],
}

/// A fixed answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MockDef {
    /// Status.
    pub status: u16,
    /// Header fields.
    pub headers: &'static [SetDef],
    /// Bodies by media type, chosen by `Accept`, the first where none fits. Empty: no body.
    pub bodies: &'static [TemplateDef],
}

/// A location elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedirectDef {
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
    /// An expression for `Location`.
    pub location: &'static str,
}

/// A text of the document. Where it stands in a file of its own, that file's name goes with it, so that its diff is a text diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// File of the emitted crate that holds it, relative to its root; empty: none.
    pub file: &'static str,
    /// The text.
    pub text: &'static str,
}

/// A text without a file of its own.
pub const fn inline(text: &'static str) -> Text {
    Text { file: "", text }
}

/// A text that stands in a file of the emitted crate.
pub const fn text(file: &'static str, text: &'static str) -> Text {
    Text { file, text }
}
