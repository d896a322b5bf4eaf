//! What `x-gateway` says about integrations. The members of every type stand in one struct, because a layer may hold any
//! part of an integration; which of them a type takes is looked at once the layers are merged.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::operation::Status;
use super::values::{IntegrationField, Method, OrOff, ResponseField, UpstreamName};

/// What answers an operation.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Integration {
    /// What is called. Default: `proxy`.
    #[serde(rename = "type")]
    pub kind: Option<IntegrationKind>,
    /// A named back end (`proxy`, `http`). Default: the document's own server.
    pub upstream: Option<UpstreamName>,
    /// Path and query behind the upstream's path: an expression, with `{name}` for parameters (`proxy`, `http`).
    /// Default: the request's own path and query.
    pub path: Option<String>,
    /// The whole address instead of `upstream` and `path`: an expression, with `{name}` for parameters (`proxy`, `http`).
    pub uri: Option<String>,
    /// Method towards the back end (`proxy`, `http`). Default: the client's.
    pub method: Option<Method>,
    /// How the request is made (`http`; of `mock`, the template that names the status).
    pub request: Option<IntegrationRequest>,
    /// How answers are mapped (`http`, `mock`): `default`, or a regular expression over the whole status.
    pub responses: Option<BTreeMap<String, OrOff<IntegrationResponse>>>,
    /// Status (`redirect`): 301, 302, 303, 307 or 308. Default: 302.
    pub status: Option<Status>,
    /// Where a `redirect` leads: an expression, with `{name}` for parameters.
    pub location: Option<String>,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum IntegrationKind {
    /// An HTTP back end, the request as it came.
    Proxy,
    /// An HTTP back end through parameter mappings and templates.
    Http,
    /// Nothing: a template, or the document's own example.
    Mock,
    /// Nothing: the client is sent elsewhere.
    Redirect,
}

/// How the request to a back end is made.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IntegrationRequest {
    /// `path.NAME`, `header.NAME` or `query.NAME` → expression. Nothing else of the client's is sent.
    pub parameters: Option<BTreeMap<IntegrationField, OrOff<String>>>,
    /// Media type → body.
    pub templates: Option<BTreeMap<String, OrOff<String>>>,
    /// What becomes of a body that no template matches. Default: `whenNoMatch`.
    pub passthrough: Option<Passthrough>,
    /// What becomes of a body's bytes. Default: `asIs`.
    pub content: Option<Content>,
}

/// What becomes of a body that no template matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Passthrough {
    /// It is passed on.
    WhenNoMatch,
    /// It is passed on only if there are no templates at all, else 415.
    WhenNoTemplates,
    /// 415.
    Never,
}

/// What becomes of a body's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// They stay as they are.
    AsIs,
}

/// How some answers are mapped.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct IntegrationResponse {
    /// Status towards the client. Default: 200.
    pub status: Option<Status>,
    /// `header.NAME` → expression. No other header of the back end's is passed on, but `content-type`.
    pub parameters: Option<BTreeMap<ResponseField, OrOff<String>>>,
    /// Media type → body. Default: the back end's body.
    pub templates: Option<BTreeMap<String, OrOff<String>>>,
}
