//! Gateway responses: the answers a gateway gives itself.

use super::{SetDef, TemplateDef};

/// A customised gateway response.
#[derive(Debug, PartialEq, Eq)]
pub struct GatewayResponseDef {
    /// Which refusals it answers.
    pub kind: ResponseType,
    /// Status; `None`: the refusal's own.
    pub status: Option<u16>,
    /// Header fields, expressions over `${context.…}`, `${stageVariables.…}`, `${header.…}`, `${path.…}`, `${query.…}`.
    pub headers: &'static [SetDef],
    /// Bodies by media type, expressions over the same; empty: the dialect's own body.
    pub bodies: &'static [TemplateDef],
}

macro_rules! response_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// The types of gateway response, with Amazon API Gateway's names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ResponseType { $($(#[$doc])* $variant,)* }

        impl ResponseType {
            /// All of them, by name.
            pub const ALL: &'static [ResponseType] = &[$(ResponseType::$variant,)*];

            /// The name in documents.
            pub const fn name(self) -> &'static str {
                match self { $(ResponseType::$variant => $name,)* }
            }

            /// The type with this name.
            pub fn from_name(name: &str) -> Option<ResponseType> {
                match name { $($name => Some(ResponseType::$variant),)* _ => None }
            }
        }
    };
}

response_types! {
    /// An authorizer or a policy denies.
    AccessDenied = "ACCESS_DENIED",
    /// The gateway's configuration cannot answer this request.
    ApiConfigurationError = "API_CONFIGURATION_ERROR",
    /// An authorizer could not be asked.
    AuthorizerConfigurationError = "AUTHORIZER_CONFIGURATION_ERROR",
    /// An authorizer failed.
    AuthorizerFailure = "AUTHORIZER_FAILURE",
    /// The request body is not what the document says.
    BadRequestBody = "BAD_REQUEST_BODY",
    /// A parameter is not what the document says.
    BadRequestParameters = "BAD_REQUEST_PARAMETERS",
    /// Every 4XX that has no response of its own.
    Default4xx = "DEFAULT_4XX",
    /// Every 5XX that has no response of its own.
    Default5xx = "DEFAULT_5XX",
    /// A token is expired.
    ExpiredToken = "EXPIRED_TOKEN",
    /// The back end could not be reached or broke off.
    IntegrationFailure = "INTEGRATION_FAILURE",
    /// The back end did not answer in time.
    IntegrationTimeout = "INTEGRATION_TIMEOUT",
    /// An API key is missing or unknown.
    InvalidApiKey = "INVALID_API_KEY",
    /// A signature is wrong.
    InvalidSignature = "INVALID_SIGNATURE",
    /// No credential, or no such route in Amazon's REST APIs.
    MissingAuthenticationToken = "MISSING_AUTHENTICATION_TOKEN",
    /// A usage plan's quota is used up.
    QuotaExceeded = "QUOTA_EXCEEDED",
    /// The request body is too large.
    RequestTooLarge = "REQUEST_TOO_LARGE",
    /// No such resource.
    ResourceNotFound = "RESOURCE_NOT_FOUND",
    /// A throttle refused.
    Throttled = "THROTTLED",
    /// A credential is missing or wrong.
    Unauthorized = "UNAUTHORIZED",
    /// No template for the request's media type.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE",
    /// A firewall refused.
    WafFiltered = "WAF_FILTERED",
}
