//! What happens to the requests of one operation on one stage.

use std::time::Duration;

use super::IntegrationDef;

/// What happens to the requests of one operation on one stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PolicyDef {
    /// What answers.
    pub integration: IntegrationDef,
    /// Time to the response head when the answer is streamed, to the last byte when it is buffered; beyond it 504.
    pub timeout: Duration,
    /// Longest pause between two pieces of a streamed answer; beyond it the answer is cut.
    pub stream_idle: Duration,
    /// Whether and when a request that failed is sent again.
    pub retries: Option<RetriesDef>,
    /// Largest request body, where it differs from the gateway's limit.
    pub body_limit: Option<u64>,
    /// Buckets a request must find a token in; all are looked at before any is taken.
    pub throttles: &'static [ThrottleDef],
    /// Whether and how answers are kept.
    pub cache: Option<CacheDef>,
    /// Cross-origin rules.
    pub cors: Option<&'static CorsDef>,
    /// Whether messages are held to what the document says of them.
    pub validate: ValidateDef,
    /// Changes to the request before it is forwarded.
    pub request: EditsDef,
    /// Changes to the answer before it is sent.
    pub response: EditsDef,
}

impl PolicyDef {
    /// Every optional feature off. Emitted tables name the numbers themselves; this fills in what is absent.
    pub const DEFAULT: PolicyDef = PolicyDef {
        integration: IntegrationDef::NONE,
        timeout: Duration::ZERO,
        stream_idle: Duration::ZERO,
        retries: None,
        body_limit: None,
        throttles: &[],
        cache: None,
        cors: None,
        validate: ValidateDef::OFF,
        request: EditsDef::NONE,
        response: EditsDef::NONE,
    };
}

/// Whether messages are held to what the document says of them. A part of which it says nothing is `Off`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ValidateDef {
    /// Parameters of requests.
    pub params: Mode,
    /// Bodies of requests.
    pub body: Mode,
    /// Answers of back ends.
    pub response: Mode,
}

impl ValidateDef {
    /// Nothing is looked at.
    pub const OFF: ValidateDef = validate(Mode::Off, Mode::Off, Mode::Off);
}

/// What becomes of a message that is not what the document says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// It is not looked at.
    #[default]
    Off,
    /// It passes, is counted and logged.
    Report,
    /// A request is answered 400 or 415; in place of an answer there is a 502.
    Enforce,
}

impl Mode {
    /// The word of documents.
    pub const fn word(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Report => "report",
            Mode::Enforce => "enforce",
        }
    }
}

/// `validate(Mode::Enforce, Mode::Enforce, Mode::Off)` in emitted tables: parameters, body, response.
pub const fn validate(params: Mode, body: Mode, response: Mode) -> ValidateDef {
    ValidateDef {
        params,
        body,
        response,
    }
}

/// Whether and when a request that failed is sent again. Only those with a safe method are (RFC 9110 §9.2.1), and only as long as
/// nothing of an answer has been passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetriesDef {
    /// Tries in all, the first among them; at least 2.
    pub attempts: u32,
    /// Failures after which there is another try.
    pub on: &'static [RetryOn],
    /// Longest time for one try; after it there is another one. `None`: a try may take all the time that is left.
    pub per_try: Option<Duration>,
    /// Share of requests that may be sent again, in thousandths.
    pub budget: u32,
}

/// A failure after which there may be another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RetryOn {
    /// There was no connection: no such name, refused, or TLS failed.
    Connect,
    /// The connection ended before the head of an answer was complete.
    Reset,
    /// An answer with this status.
    Status(u16),
}

/// A token bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThrottleDef {
    /// Tokens per second.
    pub rate: f64,
    /// Tokens the bucket holds: the most requests that pass at one instant.
    pub burst: u32,
    /// Whose bucket it is.
    pub per: ThrottleKey,
}

/// `throttle(100.0, 20)` in emitted tables.
pub const fn throttle(rate: f64, burst: u32, per: ThrottleKey) -> ThrottleDef {
    ThrottleDef { rate, burst, per }
}

/// Whose bucket a throttle takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThrottleKey {
    /// One for the operation (or the stage) as a whole.
    Whole,
    /// One per client address.
    Ip,
    /// One per value of this header; requests without it share one.
    Header(&'static str),
    /// One per value of this query parameter; requests without it share one.
    Query(&'static str),
    /// One per value of this path parameter.
    Path(&'static str),
}

/// How answers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheDef {
    /// How long an answer is used.
    pub ttl: Duration,
    /// What separates answers, besides stage, host, method, operation and the caller.
    pub key: &'static [CacheKey],
    /// Whether callers of an operation with credentials share answers.
    pub shared: bool,
    /// Statuses that are kept.
    pub statuses: &'static [u16],
    /// Whether an upstream's `private` or `no-store` is overridden.
    pub override_upstream: bool,
    /// Who may force a fresh answer with `Cache-Control: max-age=0`.
    pub invalidation: Invalidation,
}

/// One part of a cache key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheKey {
    /// A path parameter.
    Path(&'static str),
    /// A query parameter, with all its values in order.
    Query(&'static str),
    /// The whole query string.
    AnyQuery,
    /// A header field.
    Header(&'static str),
}

/// Who may force a fresh answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invalidation {
    /// Nobody; `on_refusal` says what becomes of the wish.
    Nobody(OnRefusal),
    /// Anyone.
    Anyone,
}

/// What becomes of a `max-age=0` that is not granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRefusal {
    /// Served as if it had not been sent.
    Ignore,
    /// Served, with a `Warning` field.
    Warn,
    /// 403.
    Fail,
}

/// Cross-origin rules.
#[derive(Debug, PartialEq, Eq)]
pub struct CorsDef {
    /// Exact origins, `*`, or `https://*` and `http://*` for every origin of that scheme.
    pub allow_origins: &'static [&'static str],
    /// Methods, or `*`.
    pub allow_methods: &'static [&'static str],
    /// Header names, or `*`.
    pub allow_headers: &'static [&'static str],
    /// Header names a page may read, or `*`.
    pub expose_headers: &'static [&'static str],
    /// Whether credentials are allowed; never together with the origin `*`.
    pub allow_credentials: bool,
    /// How long a browser may keep the answer to a preflight, in seconds.
    pub max_age: Option<i32>,
}

/// Changes to the fields of a message. Removals first, then what is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EditsDef {
    /// What is set, replacing what was there.
    pub set: &'static [SetDef],
    /// What is removed.
    pub remove: &'static [FieldDef],
}

impl EditsDef {
    /// No change.
    pub const NONE: EditsDef = EditsDef {
        set: &[],
        remove: &[],
    };
}

/// A field that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetDef {
    /// The field.
    pub field: FieldDef,
    /// Its value, an expression ([`crate::expr`]); empty: the field is not sent.
    pub value: &'static str,
}

/// `set(FieldDef::Header("x-user"), "…")` in emitted tables.
pub const fn set(field: FieldDef, value: &'static str) -> SetDef {
    SetDef { field, value }
}

/// A field that a mapping writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldDef {
    /// A header field, lower case.
    Header(&'static str),
    /// A query parameter (requests only).
    Query(&'static str),
}
