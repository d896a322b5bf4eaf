//! Everything a gateway may refuse, and the one table that says how each refusal is answered.
//!
//! Steps say what happened; only this table knows statuses, types and texts, and only [`respond`](crate::respond) turns them
//! into bytes. Neither the enum nor the table has a catch-all arm: a new refusal must choose its answers in both dialects.
//!
//! Texts are constants. Nothing of a request, a back end or the machine is ever put into one, so no error body can carry an
//! internal address, a path or a credential (security requirement G25). What a request has against the document ([`Faults`])
//! names parameters and rules of the document, and members of the request by their names.
//!
//! Absent on purpose: the answers of back ends. Their own statuses pass as they are, and are no refusals.

mod faults;
mod why;

use std::borrow::Cow;

#[cfg(test)]
use crate::def::ParameterPlace;
use crate::def::{ApiKind, CredentialDef, ErrorDialect, ResponseType};
use crate::exchange::BodyFault;

pub use faults::{Fault, FaultPlace, Faults, MOST_FAULTS};
pub use why::{PathFault, Why};

/// Why a request is answered by the gateway itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The message breaks a rule of HTTP.
    BadRequest(Why),
    /// No `Host`, more than one, or one that is no host.
    BadHost,
    /// A path that two parsers could read differently.
    BadPath(PathFault),
    /// No route has this path.
    NotFound,
    /// Routes have this path, but none has this method.
    MethodNotAllowed {
        /// The methods they have, as `Allow` lists them.
        allow: String,
    },
    /// No stage is mounted here.
    StageUnknown,
    /// This credential, which the document requires, is absent.
    Unauthorized(CredentialDef),
    /// The body is longer than the operation takes.
    BodyTooLarge,
    /// The request target is too long.
    UriTooLong,
    /// The header section is too long, or has too many fields.
    HeadersTooLarge,
    /// Nothing takes the body's media type.
    UnsupportedMediaType {
        /// The media types that are taken, as `Accept` lists them; empty: not known.
        accept: String,
    },
    /// The body is compressed, and would have to be looked at.
    UnsupportedEncoding,
    /// Parameters are not what the document says.
    BadParameters(Box<Faults>),
    /// The body is not what the document says.
    BadRequestBody(Box<Faults>),
    /// The back end's answer is not what the document says.
    BadAnswer(Box<Faults>),
    /// `Expect` asks for something other than `100-continue`.
    ExpectationFailed,
    /// The client paused too long inside its body.
    RequestTimeout,
    /// A bucket was empty.
    Throttled(Spent),
    /// `Cache-Control: max-age=0` from a client that may not ask for it.
    CacheControlRefused,
    /// The request has been through this gateway before.
    Loop,
    /// What an address evaluated to cannot be called: an empty or broken authority.
    BadAddress,
    /// The back end's name does not resolve, or only to addresses that may not be called.
    UpstreamUnresolved,
    /// The back end refuses connections.
    UpstreamRefused,
    /// TLS with the back end failed.
    UpstreamTls,
    /// The back end broke off before its answer's head was complete.
    UpstreamReset,
    /// What the back end sent is not an HTTP answer.
    UpstreamGarbled,
    /// The back end did not answer in time.
    UpstreamTimeout,
    /// As many clients are served as may be.
    Busy,
    /// No connection to the back end came free in time, or too many wait for one.
    Overloaded,
    /// As much is under way to the back end as the document allows.
    UpstreamBreaker,
    /// No target of the back end passes its checks.
    UpstreamUnwell,
    /// No response mapping takes the back end's status.
    NoMapping,
    /// `--mock`, and the document has no example for this operation.
    NoExample,
    /// A method that no gateway serves (`CONNECT`, `TRACE`).
    NotImplemented,
    /// A fault of the gateway itself.
    Internal,
    /// The client went away; nobody reads the answer. Logged and counted as status 499.
    ClientGone,
}

/// The bucket that refused, in whole numbers as `RateLimit` fields have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent {
    /// Tokens the bucket holds.
    pub limit: u32,
    /// Seconds in which an empty bucket fills.
    pub window: u32,
    /// Tokens left.
    pub remaining: u32,
    /// Seconds until a token is there again, rounded up, at least 1.
    pub retry_after: u32,
}

/// How a refusal is answered in one dialect, before the document's own gateway responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Its type, by which a document customises it.
    pub kind: ResponseType,
    /// What the client is told: `detail` of a problem, `message` of Amazon's dialect.
    pub message: &'static str,
    /// `x-amzn-ErrorType` of Amazon's REST dialect; elsewhere empty.
    pub error_type: &'static str,
}

/// One row: a refusal's label and its answers in each dialect.
struct Row {
    reason: &'static str,
    kind: ResponseType,
    /// Status and detail (RFC 9457). The title is the status's own phrase.
    problem: (u16, &'static str),
    /// Status, message and error type of Amazon's REST APIs.
    rest: (u16, &'static str, &'static str),
    /// Status and message of Amazon's HTTP APIs.
    http: (u16, &'static str),
}

/// Labels that requests have in logs, too, which were passed on all the same.
pub(crate) mod reason {
    pub(crate) const BAD_ANSWER: &str = "bad_answer";
    pub(crate) const BAD_PARAMETERS: &str = "bad_parameters";
    pub(crate) const BAD_REQUEST_BODY: &str = "bad_request_body";
}

/// Error types of Amazon's REST dialect.
mod error_type {
    pub(super) const ACCESS_DENIED: &str = "AccessDeniedException";
    pub(super) const BAD_REQUEST: &str = "BadRequestException";
    pub(super) const FORBIDDEN: &str = "ForbiddenException";
    pub(super) const INTERNAL: &str = "InternalServerErrorException";
    pub(super) const NO_TOKEN: &str = "MissingAuthenticationTokenException";
    pub(super) const TOO_LARGE: &str = "RequestTooLargeException";
    pub(super) const TOO_MANY: &str = "TooManyRequestsException";
    pub(super) const UNAVAILABLE: &str = "ServiceUnavailableException";
    pub(super) const UNAUTHORIZED: &str = "UnauthorizedException";
}

/// What the REST dialect says of a back end that cannot be reached.
const NETWORK_ERROR: (u16, &str, &str) = (
    504,
    "Network error communicating with endpoint",
    error_type::INTERNAL,
);
/// What the REST dialect says of a gateway that is not configured for the request.
const REST_INTERNAL: (u16, &str, &str) = (500, "Internal server error", error_type::INTERNAL);
/// The same in the HTTP dialect, which spells it otherwise.
const HTTP_INTERNAL: (u16, &str) = (500, "Internal Server Error");
/// What the HTTP dialect says of a back end that cannot be reached or is slow.
const HTTP_UNAVAILABLE: (u16, &str) = (503, "Service Unavailable");
/// Raw protocol faults.
const REST_BAD_REQUEST: (u16, &str, &str) = (400, "Bad Request", error_type::BAD_REQUEST);
const HTTP_BAD_REQUEST: (u16, &str) = (400, "Bad Request");
/// The REST dialect has neither 404 nor 405.
const REST_NO_ROUTE: (u16, &str, &str) =
    (403, "Missing Authentication Token", error_type::NO_TOKEN);

/// What a body that broke off means for its request, as long as nothing has been answered.
impl From<BodyFault> for Refusal {
    fn from(fault: BodyFault) -> Refusal {
        match fault {
            BodyFault::TooLarge => Refusal::BodyTooLarge,
            BodyFault::ClientTimeout => Refusal::RequestTimeout,
            BodyFault::ClientGone => Refusal::ClientGone,
            BodyFault::ClientGarbled => Refusal::BadRequest(Why::Body),
            BodyFault::UpstreamReset => Refusal::UpstreamReset,
            BodyFault::UpstreamGarbled => Refusal::UpstreamGarbled,
            BodyFault::UpstreamTimeout => Refusal::UpstreamTimeout,
        }
    }
}

impl Answer {
    /// What the client is told, with the names of what is missing where Amazon's REST dialect lists them.
    pub fn text(&self, faults: Option<&Faults>) -> Cow<'static, str> {
        match (self.kind, faults) {
            (ResponseType::BadRequestParameters, Some(faults)) if self.message.ends_with(':') => {
                Cow::Owned(format!("{} [{}]", self.message, faults.missing()))
            }
            _ => Cow::Borrowed(self.message),
        }
    }
}

impl Refusal {
    /// Its row. No `_` arm: a new refusal must choose.
    fn row(&self) -> Row {
        use ResponseType as Kind;
        match self {
            Refusal::BadRequest(why) => Row {
                reason: why.reason(),
                kind: Kind::Default4xx,
                problem: (400, why.detail()),
                rest: REST_BAD_REQUEST,
                http: HTTP_BAD_REQUEST,
            },
            Refusal::BadHost => Row {
                reason: "bad_host",
                kind: Kind::Default4xx,
                problem: (400, "The request needs exactly one valid Host."),
                rest: REST_BAD_REQUEST,
                http: HTTP_BAD_REQUEST,
            },
            Refusal::BadPath(fault) => Row {
                reason: fault.reason(),
                kind: Kind::Default4xx,
                problem: (400, fault.detail()),
                rest: REST_BAD_REQUEST,
                http: HTTP_BAD_REQUEST,
            },
            Refusal::NotFound => Row {
                reason: "not_found",
                kind: Kind::MissingAuthenticationToken,
                problem: (404, "No operation has this path."),
                rest: REST_NO_ROUTE,
                http: (404, "Not Found"),
            },
            Refusal::MethodNotAllowed { .. } => Row {
                reason: "method_not_allowed",
                kind: Kind::MissingAuthenticationToken,
                problem: (
                    405,
                    "This path does not have this method; Allow lists those it has.",
                ),
                rest: REST_NO_ROUTE,
                http: (404, "Not Found"),
            },
            Refusal::StageUnknown => Row {
                reason: "stage_unknown",
                kind: Kind::Default4xx,
                problem: (404, "No stage is served at this host and path."),
                rest: (403, "Forbidden", error_type::FORBIDDEN),
                http: (404, "Not Found"),
            },
            Refusal::Unauthorized(_) => Row {
                reason: "unauthorized",
                kind: Kind::Unauthorized,
                problem: (401, "A credential that this operation requires is absent."),
                rest: (401, "Unauthorized", error_type::UNAUTHORIZED),
                http: (401, "Unauthorized"),
            },
            Refusal::BodyTooLarge => Row {
                reason: "body_too_large",
                kind: Kind::RequestTooLarge,
                problem: (413, "The request body is larger than this operation takes."),
                rest: (413, "Request Too Long", error_type::TOO_LARGE),
                http: (413, "Request Entity Too Large"),
            },
            Refusal::UriTooLong => Row {
                reason: "uri_too_long",
                kind: Kind::Default4xx,
                problem: (414, "The request target is longer than this gateway takes."),
                rest: (414, "Request URI too long", error_type::BAD_REQUEST),
                http: (414, "URI Too Long"),
            },
            Refusal::HeadersTooLarge => Row {
                reason: "headers_too_large",
                kind: Kind::Default4xx,
                problem: (
                    431,
                    "The header fields are larger or more than this gateway takes.",
                ),
                rest: (
                    431,
                    "Request Header Fields Too Large",
                    error_type::BAD_REQUEST,
                ),
                http: (431, "Request Header Fields Too Large"),
            },
            Refusal::BadParameters(_) => Row {
                reason: reason::BAD_PARAMETERS,
                kind: Kind::BadRequestParameters,
                problem: (
                    400,
                    "Parameters of the request are not what this operation takes.",
                ),
                rest: (
                    400,
                    "Missing required request parameters:",
                    error_type::BAD_REQUEST,
                ),
                http: HTTP_BAD_REQUEST,
            },
            Refusal::BadRequestBody(_) => Row {
                reason: reason::BAD_REQUEST_BODY,
                kind: Kind::BadRequestBody,
                problem: (400, "The request body is not what this operation takes."),
                rest: (400, "Invalid request body", error_type::BAD_REQUEST),
                http: HTTP_BAD_REQUEST,
            },
            Refusal::BadAnswer(_) => Row {
                reason: reason::BAD_ANSWER,
                kind: Kind::IntegrationFailure,
                problem: (
                    502,
                    "The service behind this operation answered something else than it should.",
                ),
                rest: (502, "Internal server error", error_type::INTERNAL),
                http: (502, "Bad Gateway"),
            },
            Refusal::UnsupportedEncoding => Row {
                reason: "unsupported_encoding",
                kind: Kind::UnsupportedMediaType,
                problem: (415, "This operation does not take a compressed body."),
                rest: (415, "Unsupported Media Type", error_type::BAD_REQUEST),
                http: (415, "Unsupported Media Type"),
            },
            Refusal::UnsupportedMediaType { .. } => Row {
                reason: "unsupported_media_type",
                kind: Kind::UnsupportedMediaType,
                problem: (
                    415,
                    "This operation does not take a body of this media type.",
                ),
                rest: (415, "Unsupported Media Type", error_type::BAD_REQUEST),
                http: (415, "Unsupported Media Type"),
            },
            Refusal::ExpectationFailed => Row {
                reason: "expectation_failed",
                kind: Kind::Default4xx,
                problem: (417, "No expectation but 100-continue can be met."),
                rest: (417, "Expectation Failed", error_type::BAD_REQUEST),
                http: (417, "Expectation Failed"),
            },
            Refusal::RequestTimeout => Row {
                reason: "request_timeout",
                kind: Kind::Default4xx,
                problem: (408, "The rest of the request did not arrive in time."),
                rest: (408, "Request Timeout", error_type::BAD_REQUEST),
                http: (408, "Request Timeout"),
            },
            Refusal::Throttled(_) => Row {
                reason: "throttled",
                kind: Kind::Throttled,
                problem: (
                    429,
                    "The rate limit is used up; try again after Retry-After seconds.",
                ),
                rest: (429, "Too Many Requests", error_type::TOO_MANY),
                http: (429, "Too Many Requests"),
            },
            Refusal::CacheControlRefused => Row {
                reason: "cache_control_refused",
                kind: Kind::AccessDenied,
                problem: (403, "A fresh answer may not be asked for here."),
                rest: (
                    403,
                    "User is not authorized to access this resource",
                    error_type::ACCESS_DENIED,
                ),
                http: (403, "Forbidden"),
            },
            Refusal::Loop => Row {
                reason: "loop",
                kind: Kind::ApiConfigurationError,
                problem: (508, "The request has passed through this gateway before."),
                rest: REST_INTERNAL,
                http: HTTP_INTERNAL,
            },
            Refusal::BadAddress => Row {
                reason: "bad_address",
                kind: Kind::ApiConfigurationError,
                problem: (
                    500,
                    "The gateway could not make an address for this request.",
                ),
                rest: REST_INTERNAL,
                http: HTTP_INTERNAL,
            },
            Refusal::UpstreamUnresolved => Row {
                reason: "upstream_unresolved",
                kind: Kind::ApiConfigurationError,
                problem: (503, "The service behind this operation cannot be found."),
                rest: REST_INTERNAL,
                http: HTTP_UNAVAILABLE,
            },
            Refusal::UpstreamRefused => Row {
                reason: "upstream_refused",
                kind: Kind::IntegrationFailure,
                problem: (503, "The service behind this operation cannot be reached."),
                rest: NETWORK_ERROR,
                http: HTTP_UNAVAILABLE,
            },
            Refusal::UpstreamTls => Row {
                reason: "upstream_tls",
                kind: Kind::IntegrationFailure,
                problem: (
                    503,
                    "No secure connection to the service behind this operation.",
                ),
                rest: NETWORK_ERROR,
                http: HTTP_UNAVAILABLE,
            },
            Refusal::UpstreamReset => Row {
                reason: "upstream_reset",
                kind: Kind::IntegrationFailure,
                problem: (502, "The service behind this operation broke off."),
                rest: NETWORK_ERROR,
                http: (502, "Bad Gateway"),
            },
            Refusal::UpstreamGarbled => Row {
                reason: "upstream_garbled",
                kind: Kind::IntegrationFailure,
                problem: (
                    502,
                    "The service behind this operation sent no valid answer.",
                ),
                rest: NETWORK_ERROR,
                http: (502, "Bad Gateway"),
            },
            Refusal::UpstreamTimeout => Row {
                reason: "upstream_timeout",
                kind: Kind::IntegrationTimeout,
                problem: (
                    504,
                    "The service behind this operation did not answer in time.",
                ),
                rest: (504, "Endpoint request timed out", error_type::INTERNAL),
                http: HTTP_UNAVAILABLE,
            },
            Refusal::Busy => Row {
                reason: "busy",
                kind: Kind::Default5xx,
                problem: (
                    503,
                    "The gateway has as many clients as it takes; try again after Retry-After seconds.",
                ),
                rest: (503, "Service Unavailable", error_type::UNAVAILABLE),
                http: HTTP_UNAVAILABLE,
            },
            Refusal::Overloaded => Row {
                reason: "overloaded",
                kind: Kind::IntegrationFailure,
                problem: (
                    503,
                    "The service behind this operation has no connection free.",
                ),
                rest: NETWORK_ERROR,
                http: HTTP_UNAVAILABLE,
            },
            Refusal::UpstreamBreaker => Row {
                reason: "upstream_breaker",
                kind: Kind::IntegrationFailure,
                problem: (
                    503,
                    "The service behind this operation has enough to do; try again later.",
                ),
                rest: NETWORK_ERROR,
                http: HTTP_UNAVAILABLE,
            },
            Refusal::UpstreamUnwell => Row {
                reason: "upstream_unwell",
                kind: Kind::IntegrationFailure,
                problem: (503, "The service behind this operation is not well."),
                rest: NETWORK_ERROR,
                http: HTTP_UNAVAILABLE,
            },
            Refusal::NoMapping => Row {
                reason: "no_mapping",
                kind: Kind::ApiConfigurationError,
                problem: (
                    500,
                    "No response mapping takes what the service behind this operation answered.",
                ),
                rest: REST_INTERNAL,
                http: HTTP_INTERNAL,
            },
            Refusal::NoExample => Row {
                reason: "no_example",
                kind: Kind::Default5xx,
                problem: (
                    501,
                    "The document has no example answer for this operation.",
                ),
                rest: (501, "Not Implemented", error_type::INTERNAL),
                http: (501, "Not Implemented"),
            },
            Refusal::NotImplemented => Row {
                reason: "not_implemented",
                kind: Kind::Default5xx,
                problem: (501, "This gateway does not serve this method."),
                rest: (501, "Not Implemented", error_type::INTERNAL),
                http: (501, "Not Implemented"),
            },
            Refusal::Internal => Row {
                reason: "internal",
                kind: Kind::Default5xx,
                problem: (500, "The gateway failed."),
                rest: REST_INTERNAL,
                http: HTTP_INTERNAL,
            },
            Refusal::ClientGone => Row {
                reason: "client_gone",
                kind: Kind::Default4xx,
                problem: (499, "The client closed the request."),
                rest: (499, "Client Closed Request", error_type::BAD_REQUEST),
                http: (499, "Client Closed Request"),
            },
        }
    }

    /// The label of this refusal in the access log and in metrics: one of [`Refusal::REASONS`].
    pub fn reason(&self) -> &'static str {
        self.row().reason
    }

    /// What of the request, or of its answer, is not what the document says.
    pub fn faults(&self) -> Option<&Faults> {
        match self {
            Refusal::BadParameters(faults)
            | Refusal::BadRequestBody(faults)
            | Refusal::BadAnswer(faults) => Some(faults),
            _ => None,
        }
    }

    /// How it is answered in a dialect. `kind` tells Amazon's two dialects apart.
    pub fn answer(&self, errors: ErrorDialect, api: ApiKind) -> Answer {
        let row = self.row();
        let (status, message, error_type) = match (errors, api) {
            (ErrorDialect::Problem, _) => (row.problem.0, row.problem.1, ""),
            (ErrorDialect::Aws, ApiKind::Http) => (row.http.0, row.http.1, ""),
            (ErrorDialect::Aws, ApiKind::Plain | ApiKind::Rest) => row.rest,
        };
        // Where there is a real 404, a document that customises it must not change the 405 beside it.
        let kind = match (errors, self) {
            (ErrorDialect::Problem, Refusal::NotFound | Refusal::StageUnknown) => {
                ResponseType::ResourceNotFound
            }
            (ErrorDialect::Problem, Refusal::MethodNotAllowed { .. }) => ResponseType::Default4xx,
            _ => row.kind,
        };
        Answer {
            status,
            kind,
            message,
            error_type,
        }
    }

    /// Every label, sorted: what counters are indexed by. A test holds it to [`Refusal::samples`].
    pub const REASONS: &'static [&'static str] = &[
        "bad_address",
        "bad_answer",
        "bad_body",
        "bad_field",
        "bad_head",
        "bad_host",
        "bad_length",
        "bad_max_forwards",
        "bad_method",
        "bad_parameters",
        "bad_path_backslash",
        "bad_path_control",
        "bad_path_dots",
        "bad_path_double_encoding",
        "bad_path_encoded_slash",
        "bad_path_escape",
        "bad_path_overlong",
        "bad_path_relative",
        "bad_request_body",
        "bad_target",
        "bad_transfer_encoding",
        "body_too_large",
        "busy",
        "cache_control_refused",
        "client_gone",
        "expectation_failed",
        "headers_too_large",
        "internal",
        "loop",
        "method_not_allowed",
        "no_example",
        "no_mapping",
        "not_found",
        "not_implemented",
        "overloaded",
        "request_timeout",
        "stage_unknown",
        "throttled",
        "unauthorized",
        "unsupported_encoding",
        "unsupported_media_type",
        "upstream_breaker",
        "upstream_garbled",
        "upstream_refused",
        "upstream_reset",
        "upstream_timeout",
        "upstream_tls",
        "upstream_unresolved",
        "upstream_unwell",
        "uri_too_long",
    ];

    /// The place of its label in [`Refusal::REASONS`].
    pub fn index(&self) -> usize {
        // The list is sorted and complete, both held by a test; a label that is missing would be counted in the first place.
        Refusal::REASONS
            .binary_search(&self.reason())
            .unwrap_or_default()
    }
}

#[cfg(test)]
fn in_body(pointer: &str) -> Faults {
    Faults {
        list: vec![Fault {
            at: FaultPlace::Body,
            pointer: pointer.to_owned(),
            keyword: "type",
            detail: "must be a string".into(),
            schema: "#/components/schemas/Book/properties/title/type".to_owned(),
        }],
    }
}

#[cfg(test)]
impl Refusal {
    /// One of each, for the tests of whatever refusals are turned into.
    pub fn samples() -> Vec<Refusal> {
        let mut samples: Vec<Refusal> = Vec::new();
        samples.extend(Why::ALL.iter().map(|why| Refusal::BadRequest(*why)));
        samples.extend(PathFault::ALL.iter().map(|fault| Refusal::BadPath(*fault)));
        samples.extend([
            Refusal::BadHost,
            Refusal::NotFound,
            Refusal::MethodNotAllowed {
                allow: "GET, HEAD".to_owned(),
            },
            Refusal::StageUnknown,
            Refusal::Unauthorized(CredentialDef {
                scheme: "login",
                place: ParameterPlace::Header,
                name: "authorization",
                required: true,
            }),
            Refusal::BodyTooLarge,
            Refusal::UriTooLong,
            Refusal::HeadersTooLarge,
            Refusal::UnsupportedMediaType {
                accept: "application/json".to_owned(),
            },
            Refusal::UnsupportedEncoding,
            Refusal::BadParameters(Box::new(Faults {
                list: vec![
                    Fault {
                        at: FaultPlace::Parameter(ParameterPlace::Query, "limit"),
                        pointer: String::new(),
                        keyword: "required",
                        detail: "must be given".into(),
                        schema: String::new(),
                    },
                    Fault {
                        at: FaultPlace::Parameter(ParameterPlace::Header, "x-trace"),
                        pointer: "/0".to_owned(),
                        keyword: "maxLength",
                        detail: "must have at most 32 characters".into(),
                        schema: "#/components/schemas/Trace/maxLength".to_owned(),
                    },
                ],
            })),
            Refusal::BadRequestBody(Box::new(in_body("/title"))),
            Refusal::BadAnswer(Box::new(in_body("/secret"))),
            Refusal::ExpectationFailed,
            Refusal::RequestTimeout,
            Refusal::Throttled(Spent {
                limit: 20,
                window: 4,
                remaining: 0,
                retry_after: 1,
            }),
            Refusal::CacheControlRefused,
            Refusal::Loop,
            Refusal::BadAddress,
            Refusal::UpstreamUnresolved,
            Refusal::UpstreamRefused,
            Refusal::UpstreamTls,
            Refusal::UpstreamReset,
            Refusal::UpstreamGarbled,
            Refusal::UpstreamTimeout,
            Refusal::Busy,
            Refusal::Overloaded,
            Refusal::UpstreamBreaker,
            Refusal::UpstreamUnwell,
            Refusal::NoMapping,
            Refusal::NoExample,
            Refusal::NotImplemented,
            Refusal::Internal,
            Refusal::ClientGone,
        ]);
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Cut;

    #[test]
    fn an_answer_that_breaks_off_has_the_word_of_one_that_does_not_come() {
        for (cut, refusal) in [
            (Cut::Garbled, Refusal::UpstreamGarbled),
            (Cut::Reset, Refusal::UpstreamReset),
            (Cut::Timeout, Refusal::UpstreamTimeout),
        ] {
            assert_eq!(cut.label(), refusal.reason());
        }
    }

    #[test]
    fn labels_are_sorted_and_each_refusal_has_its_own() {
        let mut reasons: Vec<&str> = Refusal::samples().iter().map(Refusal::reason).collect();
        reasons.sort_unstable();
        assert_eq!(reasons, Refusal::REASONS);
    }

    #[test]
    fn an_index_leads_back_to_the_label() {
        for refusal in Refusal::samples() {
            assert_eq!(Refusal::REASONS[refusal.index()], refusal.reason());
        }
    }

    #[test]
    fn the_class_of_a_type_agrees_with_the_class_of_every_status() {
        for refusal in Refusal::samples() {
            let problem = refusal.answer(ErrorDialect::Problem, ApiKind::Plain);
            for api in [ApiKind::Rest, ApiKind::Http] {
                let aws = refusal.answer(ErrorDialect::Aws, api);
                assert_eq!(aws.status / 100, problem.status / 100, "{refusal:?}");
                assert!(of_class(aws.kind, aws.status), "{refusal:?}");
            }
            assert!(of_class(problem.kind, problem.status), "{refusal:?}");
        }
    }

    /// Whether a type that is one of the two defaults is that of the status' class.
    fn of_class(kind: ResponseType, status: u16) -> bool {
        match kind {
            ResponseType::Default4xx => status / 100 == 4,
            ResponseType::Default5xx => status / 100 == 5,
            _ => true,
        }
    }

    #[test]
    fn a_customised_404_leaves_the_405_beside_it_alone() {
        let allow = String::from("GET");
        let missing = [Refusal::NotFound, Refusal::StageUnknown];
        for refusal in missing {
            let answer = refusal.answer(ErrorDialect::Problem, ApiKind::Plain);
            assert_eq!(
                (answer.status, answer.kind),
                (404, ResponseType::ResourceNotFound)
            );
        }
        let answer =
            Refusal::MethodNotAllowed { allow }.answer(ErrorDialect::Problem, ApiKind::Plain);
        assert_eq!(
            (answer.status, answer.kind),
            (405, ResponseType::Default4xx)
        );
    }
}
