//! What [`canonical`](super::canonical) makes: one shape for every version, with the nodes that it was read from.
//!
//! Nodes stand in the document as it was written, so what is said about them points there, whatever its version.

use openapiv3::{OpenAPI, Operation, Parameter, QueryStyle, SecurityScheme, StatusCode};

use crate::load::Node;

/// What a document says about an API, typed, with the nodes it was read from.
#[derive(Debug)]
pub struct Api<'d> {
    /// The entry document.
    pub root: Node<'d>,
    /// The version that the document is written in.
    pub version: Version,
    /// The typed view: title, servers, requirements and tags. Of paths only their servers: [`Self::operations`] has the
    /// rest.
    pub openapi: OpenAPI,
    /// Every security scheme that could be read, in the order of the document.
    pub security_schemes: Vec<SchemeSource<'d>>,
    /// Every operation in the order of the document.
    pub operations: Vec<OperationSource<'d>>,
    /// What the API calls at its clients (3.1): path items by name. They are no routes.
    pub webhooks: Vec<(&'d str, Node<'d>)>,
}

/// Versions of the specification that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// Swagger 2.0.
    V2_0,
    /// OpenAPI 3.0.
    V3_0,
    /// OpenAPI 3.1.
    V3_1,
    /// OpenAPI 3.2.
    V3_2,
}

/// The language that a schema is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// The schemas and parameters of Swagger 2.0: a part of JSON Schema draft 4, `type: file`, `discriminator` as a name.
    Swagger2,
    /// The Schema Object of OpenAPI 3.0: a part of draft 4 with `nullable`, `discriminator` and more.
    OpenApi30,
    /// JSON Schema 2020-12 with the base vocabulary of OpenAPI 3.1 and 3.2. A schema that names another `$schema` is in
    /// that dialect; whoever reads schemas looks for it.
    OpenApi31,
    /// JSON Schema draft 4, named by `jsonSchemaDialect`.
    Draft4,
}

impl Dialect {
    /// The dialect that an address names, as `jsonSchemaDialect` and `$schema` do; `None`: it is not known.
    pub fn named(uri: &str) -> Option<Dialect> {
        let uri = uri.trim_end_matches('#').trim_end_matches('/');
        let name = uri
            .strip_prefix("https://")
            .or_else(|| uri.strip_prefix("http://"))?;
        match name {
            "json-schema.org/draft/2020-12/schema" => Some(Dialect::OpenApi31),
            "json-schema.org/draft-04/schema" => Some(Dialect::Draft4),
            name => {
                let mut parts = name.strip_prefix("spec.openapis.org/oas/")?.split('/');
                let (version, kind) = (parts.next()?, parts.next()?);
                (matches!(version, "3.1" | "3.2") && matches!(kind, "dialect" | "schema-base"))
                    .then_some(Dialect::OpenApi31)
            }
        }
    }
}

/// A schema where it is used: the node as written, which may be a reference.
#[derive(Debug, Clone, Copy)]
pub struct SchemaSource<'d> {
    /// The schema. In 2.0 that of a parameter, a form field or a header is the parameter, field or header itself: members that
    /// are none of JSON Schema's (`name`, `in`, `collectionFormat`, `allowEmptyValue`, and `required`, a truth value
    /// there) are to be passed over.
    pub node: Node<'d>,
    /// What it is written in.
    pub dialect: Dialect,
}

/// One security scheme and where it was read.
#[derive(Debug)]
pub struct SchemeSource<'d> {
    /// Its name.
    pub name: String,
    /// What it says.
    pub scheme: Scheme,
    /// The scheme, references followed.
    pub node: Node<'d>,
}

/// What a security scheme asks for.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a document has a handful, nearly all of them credentials"
)]
pub enum Scheme {
    /// A credential that the request carries; `basic` of 2.0 is `http` of 3.0.
    Credential(SecurityScheme),
    /// A certificate of the client (3.1), which is no part of the request.
    MutualTls,
}

/// One operation and where it was read.
#[derive(Debug)]
pub struct OperationSource<'d> {
    /// The path template; begins with `/`.
    pub path: String,
    /// `GET` and so on, or any other method of 3.2; `ANY`: every method that the path has no operation for.
    pub method: String,
    /// The path item, references followed.
    pub path_item: Node<'d>,
    /// The operation.
    pub node: Node<'d>,
    /// The typed view: id, texts, tags, requirements and servers. What a request and its answers are made of stands beside
    /// it.
    pub operation: Operation,
    /// Parameters of the operation, then those of the path item that it does not give itself.
    pub parameters: Vec<ParameterSource<'d>>,
    /// What a request may carry.
    pub body: Option<BodySource<'d>>,
    /// The answers, in the order of the document.
    pub responses: Vec<ResponseSource<'d>>,
}

/// One parameter and where it was read (references followed); a header of an answer; a field of a 2.0 form.
#[derive(Debug, Clone)]
pub struct ParameterSource<'d> {
    /// The typed view: name, place, `required`, style, `explode`, `allowReserved`. It has no schema. Headers of answers are
    /// header parameters, fields of 2.0 forms query parameters: that is how they are written.
    pub parameter: Parameter,
    /// The parameter.
    pub node: Node<'d>,
    /// Its schema.
    pub schema: Option<SchemaSource<'d>>,
    /// The media type that its text is of, where it has that in place of a schema.
    pub content: Option<Box<MediaSource<'d>>>,
    /// How 2.0 joins the items of an array; `None`: in another version, and where it is no array. What 3.0 has a word for
    /// stands in style and `explode` as well.
    pub collection: Option<Collection>,
}

/// How 2.0 joins the items of an array (`collectionFormat`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Collection {
    /// By commas.
    Csv,
    /// By spaces.
    Ssv,
    /// By tabs; 3.0 has no style for that.
    Tsv,
    /// By `|`.
    Pipes,
    /// Each in a field of its own.
    Multi,
}

/// What a request may carry.
#[derive(Debug, Clone)]
pub struct BodySource<'d> {
    /// The request body; in 2.0 the parameter that is one, or the operation whose fields make a form.
    pub node: Node<'d>,
    /// Whether a request without one is faulty.
    pub required: bool,
    /// Its media types, in the order of the document.
    pub content: Vec<MediaSource<'d>>,
}

/// One media type of a body, an answer or a parameter.
#[derive(Debug, Clone)]
pub struct MediaSource<'d> {
    /// The media type or range, as written.
    pub media_type: String,
    /// What is said about it; in 2.0 the body parameter, the answer, or the operation of a form.
    pub node: Node<'d>,
    /// The schema of the whole.
    pub schema: Option<SchemaSource<'d>>,
    /// The schema of each item of a sequence (3.2, `itemSchema`).
    pub item_schema: Option<SchemaSource<'d>>,
    /// How properties are written in a form, by their names.
    pub encoding: Vec<EncodingSource<'d>>,
    /// The fields of a 2.0 form, which has no schema.
    pub fields: Vec<ParameterSource<'d>>,
    /// The first example that is given: the value itself.
    pub example: Option<Node<'d>>,
}

/// How one property is written in a form.
#[derive(Debug, Clone)]
pub struct EncodingSource<'d> {
    /// The property.
    pub name: String,
    /// What is said about it.
    pub node: Node<'d>,
    /// The media types of its part, separated by commas as written.
    pub content_type: Option<String>,
    /// The style of its value, where one is given.
    pub style: Option<QueryStyle>,
    /// Whether arrays and objects make several fields, where it is said.
    pub explode: Option<bool>,
    /// Whether reserved characters stand for themselves.
    pub allow_reserved: bool,
    /// Further headers of its part.
    pub headers: Vec<ParameterSource<'d>>,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct ResponseSource<'d> {
    /// Its status or class of statuses; `None`: `default`.
    pub status: Option<StatusCode>,
    /// The answer, references followed.
    pub node: Node<'d>,
    /// Its media types, in the order of the document; none: it has no body, or nothing is said about it.
    pub content: Vec<MediaSource<'d>>,
    /// Its headers.
    pub headers: Vec<ParameterSource<'d>>,
}
