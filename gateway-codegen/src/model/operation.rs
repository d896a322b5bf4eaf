//! Operations, and what happens to their requests.

use std::time::Duration;

use super::{Caching, Cors, Integration, Origin, Rule, Throttle};

pub use gateway_runtime::def::{Mode, ParameterPlace, RetryOn, StatusDef, Style, ValidateDef};

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// `operationId`, or a name made from method and path. Unique; also the key under which it stands.
    pub id: String,
    /// `GET`, …, or `ANY`.
    pub method: String,
    /// Path template as written; a pattern of `gateway_runtime::path`, or `$default` for the default route of an HTTP API.
    pub path: String,
    /// First tag, or `default`.
    pub tag: String,
    /// All tags, for selectors.
    pub tags: Vec<String>,
    /// `summary`, one line, trimmed.
    pub summary: String,
    /// Declared parameters.
    pub parameters: Vec<Parameter>,
    /// What its requests carry, where that is checked.
    pub body: Option<Body>,
    /// What its answers are, where they are checked; the more specific status first.
    pub responses: Vec<Response>,
    /// Who may call it.
    pub access: Access,
    /// What happens to its requests.
    pub policy: Policy,
    /// What `--mock` answers.
    pub example: Option<Example>,
    /// Where it was written.
    pub origin: Origin,
}

/// A declared parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Where it stands.
    pub place: ParameterPlace,
    /// Name; headers in lower case.
    pub name: String,
    /// Whether a request has to have it.
    pub required: bool,
    /// Whether an empty value passes.
    pub empty: bool,
    /// How its value is written.
    pub style: Style,
    /// Whether each element or member stands for itself.
    pub explode: bool,
    /// What its value is.
    pub value: Value,
}

impl Parameter {
    /// A parameter of which nothing is known but where it stands.
    pub fn bare(place: ParameterPlace, name: impl Into<String>) -> Parameter {
        let (style, explode) = Style::usual(place);
        Parameter {
            place,
            name: name.into(),
            required: place == ParameterPlace::Path,
            empty: false,
            style,
            explode,
            value: Value::Any,
        }
    }

    /// Whether there is something to check.
    pub fn is_checked(&self) -> bool {
        match self.value {
            Value::Any => self.required && self.place != ParameterPlace::Path,
            Value::Styled(_) | Value::Json(_) => true,
        }
    }
}

/// What the value of a parameter is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Anything that is not blank.
    Any,
    /// Of these rules.
    Styled(Vec<Rule>),
    /// A JSON text of these rules.
    Json(Vec<Rule>),
}

/// What the requests of an operation carry.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// Whether there has to be one.
    pub required: bool,
    /// By media type, in the document's order.
    pub content: Vec<Content>,
}

/// A body of one media type.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The media type or range; lower case, without parameters.
    pub media_type: String,
    /// How it is written and what it must be.
    pub form: Form,
}

/// How a body is written and what it must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// Bytes that are not looked at.
    Bytes,
    /// JSON.
    Json(Vec<Rule>),
    /// One string.
    Text(Vec<Rule>),
    /// `application/x-www-form-urlencoded`.
    Fields(Vec<Rule>, Vec<Encoding>),
    /// `multipart/form-data`.
    Parts(Vec<Rule>, Vec<Encoding>),
}

/// How one member of a form is written, where that is not the usual way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoding {
    /// The member.
    pub name: String,
    /// Media types of its parts, separated by commas; empty: by what its schema says.
    pub media_type: String,
    /// How a field is written.
    pub style: Style,
    /// Whether each element or member is a field of its own.
    pub explode: bool,
}

/// What an operation answers with some statuses.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// Which.
    pub status: StatusDef,
    /// Header fields.
    pub headers: Vec<Parameter>,
    /// Bodies by media type.
    pub content: Vec<Content>,
}

/// Who may call an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// The back end decides: alternatives, each a list of credentials. An empty alternative: none is fine too.
    Delegated(Vec<Vec<Credential>>),
}

impl Access {
    /// Whether a credential stands at this place; header names in lower case.
    pub fn reads(&self, place: ParameterPlace, name: &str) -> bool {
        match self {
            Access::Public => false,
            Access::Delegated(alternatives) => alternatives
                .iter()
                .flatten()
                .any(|credential| credential.place == place && credential.name == name),
        }
    }
}

/// A credential that a security scheme declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Security scheme.
    pub scheme: String,
    /// Where it stands.
    pub place: ParameterPlace,
    /// Field, query parameter or cookie; headers in lower case.
    pub name: String,
    /// Whether its absence is answered 401.
    pub required: bool,
}

/// What happens to the requests of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// What answers.
    pub integration: Integration,
    /// Time to the answer.
    pub timeout: Duration,
    /// Longest pause in a streamed answer.
    pub stream_idle: Duration,
    /// Whether and when a request that failed is sent again.
    pub retries: Option<Retries>,
    /// Largest request body, where it differs from the gateway's.
    pub body_limit: Option<u64>,
    /// Buckets.
    pub throttles: Vec<Throttle>,
    /// Caching.
    pub cache: Caching,
    /// Cross-origin rules.
    pub cors: Option<Cors>,
    /// Whether messages are held to what the document says of them; a part of which it says nothing is off.
    pub validate: ValidateDef,
    /// Changes to the request.
    pub request: Edits,
    /// Changes to the answer.
    pub response: Edits,
}

/// Whether and when a request that failed is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// Tries in all, the first among them.
    pub attempts: u32,
    /// Failures after which there is another try, sorted.
    pub on: Vec<RetryOn>,
    /// Longest time for one try.
    pub per_try: Option<Duration>,
    /// Share of requests that may be sent again, in thousandths, 1 to 1000.
    pub budget: u32,
}

/// Changes to the fields of a message; removals first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    /// Field → expression, sorted by field.
    pub set: Vec<(Field, String)>,
    /// Fields, sorted.
    pub remove: Vec<Field>,
}

/// A field that a mapping writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// A header field, lower case.
    Header(String),
    /// A query parameter.
    Query(String),
}

/// An example answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Status.
    pub status: u16,
    /// Media type; empty: no body.
    pub media_type: String,
    /// Body.
    pub body: String,
}
