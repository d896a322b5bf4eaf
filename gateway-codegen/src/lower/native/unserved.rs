//! What the language has and this version does not serve. Each is refused by its name where it stands, never ignored; the
//! published schema leaves it out. A feature that lands takes its row out of here.

/// A member or a value that is not served yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unserved {
    /// Type of the language it belongs to, by the name of its definition in the schema.
    pub within: &'static str,
    /// The member, the value, or the word before a `:`.
    pub word: &'static str,
    /// What it is for, as it follows "…, which".
    pub purpose: &'static str,
}

const fn row(within: &'static str, word: &'static str, purpose: &'static str) -> Unserved {
    Unserved {
        within,
        word,
        purpose,
    }
}

/// All of it, by definition.
pub static UNSERVED: &[Unserved] = &[
    row("Gateway", "usagePlans", "gives callers rates and quotas"),
    row("Gateway", "apiKeys", "says where API keys are kept"),
    row("Gateway", "compression", "compresses answers"),
    row(
        "Gateway",
        "binaryMediaTypes",
        "tells binary bodies from text",
    ),
    row("Gateway", "policy", "admits or denies by address"),
    row("Gateway", "docs", "publishes the document"),
    row("Gateway", "websocket", "describes a WebSocket API"),
    row("Kind", "websocket", "describes a WebSocket API"),
    row(
        "Endpoint",
        "originSecret",
        "refuses what does not come through the CDN",
    ),
    row("Endpoint", "allow", "admits networks to a private endpoint"),
    row("EndpointKind", "edge", "speaks to a CDN"),
    row(
        "EndpointKind",
        "private",
        "listens on private addresses alone",
    ),
    row("Operation", "concurrency", "bounds the requests in flight"),
    row("Operation", "apiKeyRequired", "asks for an API key"),
    row(
        "Operation",
        "idempotencyKey",
        "answers a repeated request once",
    ),
    row("StageCache", "encrypted", "encrypts kept answers"),
    row("StoreKind", "disk", "keeps answers on disk"),
    row("StoreKind", "redis", "keeps answers in Redis"),
    row(
        "Cache",
        "staleWhileRevalidate",
        "serves old answers while it asks for new ones",
    ),
    row(
        "Cache",
        "staleIfError",
        "serves old answers when the back end fails",
    ),
    row(
        "CacheMode",
        "http",
        "follows the back end's caching headers",
    ),
    row(
        "InvalidationBy",
        "authorized",
        "lets an authorizer grant fresh answers",
    ),
    row("Per", "apiKey", "gives each API key its bucket"),
    row("Per", "principal", "gives each caller a bucket"),
    row(
        "Per",
        "claim",
        "gives each value of a token's claim a bucket",
    ),
    row("IntegrationKind", "lambda", "invokes a Lambda function"),
    row("IntegrationKind", "aws", "calls an AWS service"),
    row("IntegrationKind", "grpc", "calls a gRPC method"),
    row("IntegrationKind", "handler", "calls a Rust function"),
    row("IntegrationKind", "static", "answers with a file"),
    row("Content", "text", "turns bodies into text"),
    row("Content", "binary", "turns bodies into bytes"),
    row("SecurityScheme", "jwt", "judges tokens"),
    row("SecurityScheme", "lambda", "asks a Lambda function"),
    row("SecurityScheme", "external", "asks another service"),
    row("SecurityScheme", "sigv4", "judges signatures"),
    row("SecurityScheme", "apiKey", "judges API keys"),
    row("SecurityScheme", "basic", "judges passwords"),
    row("SecurityScheme", "mtls", "judges client certificates"),
    row("SecurityScheme", "handler", "asks a Rust function"),
];

/// The row of a word.
pub(crate) fn find(within: &str, word: &str) -> Option<&'static Unserved> {
    UNSERVED
        .iter()
        .find(|row| row.within == within && row.word == word)
}
