//! Turns refusals into answers: status, fields and body in the gateway's dialect, or as the document customises them.
//!
//! Look-up of a customised gateway response (Amazon's rule, which holds in both dialects): the refusal's own type, else
//! `DEFAULT_4XX` or `DEFAULT_5XX` by the class of its status, else the dialect's own answer. What is found replaces as a whole;
//! of what it leaves out (status, bodies) the refusal's own is used.
//!
//! Invariant: a body holds constant texts and what the document's own template puts into it, never anything of a back end or
//! of this machine. Absent on purpose: CORS and the request's id, which [`crate::pipeline`] puts on every answer, refusals included.

use std::io::Write as _;

use crate::accept;
use crate::def::{
    ApiKind, CredentialDef, ErrorDialect, FieldDef, GatewayDef, GatewayResponseDef, ParameterPlace,
    ResponseType,
};
use crate::exchange::{Exchange, FieldName, FieldValue, Headers, Reply, field};
use crate::expr::{Escape, Expr, Piece, Scope, Source, Variable};
use crate::refusal::{Answer, Faults, Refusal, Spent};
use crate::settings::StartFault;
use crate::values::{FieldText, Outcome, Told, Values, json_string};

const ERROR_TYPE: FieldName = FieldName::from_static("x-amzn-errortype");
const AMZN_REQUEST_ID: FieldName = FieldName::from_static("x-amzn-requestid");
const AMZ_APIGW_ID: FieldName = FieldName::from_static("x-amz-apigw-id");
const APIGW_REQUEST_ID: FieldName = FieldName::from_static("apigw-requestid");
const RATE_LIMIT: FieldName = FieldName::from_static("ratelimit");
const RATE_LIMIT_POLICY: FieldName = FieldName::from_static("ratelimit-policy");
const WWW_AUTHENTICATE: FieldName = FieldName::from_static("www-authenticate");

/// Seconds after which a place that is taken now is likely to be free.
const RETRY_AFTER: u32 = 1;

/// How a gateway answers what it refuses.
#[derive(Debug)]
pub(crate) struct Responses {
    errors: ErrorDialect,
    kind: ApiKind,
    custom: Vec<Custom>,
}

/// A customised gateway response.
#[derive(Debug)]
struct Custom {
    kind: ResponseType,
    status: Option<u16>,
    headers: Vec<(FieldName, FieldText)>,
    bodies: Vec<Template>,
}

/// A body by media type.
#[derive(Debug)]
struct Template {
    media_type: &'static str,
    body: Expr,
    grammar: Grammar,
}

/// What values are written into, and so how they are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grammar {
    Json,
    Markup,
    Text,
}

impl Responses {
    /// The responses of a gateway.
    ///
    /// # Errors
    /// For every expression that cannot be read; the generator has refused those before.
    pub(crate) fn new(def: &GatewayDef) -> Result<Responses, Vec<StartFault>> {
        let mut faults = Vec::new();
        let custom: Vec<Custom> = def
            .responses
            .iter()
            .map(|response| Custom::new(response, &mut faults))
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Responses {
            errors: def.errors,
            kind: def.kind,
            custom,
        })
    }

    /// What the client is told of a refusal, and with it the log.
    pub(crate) fn told(&self, refusal: &Refusal) -> Told {
        Told::new(refusal, refusal.answer(self.errors, self.kind))
    }

    /// The answer to a refusal.
    pub(crate) fn refuse(&self, refusal: &Refusal, values: Values<'_>) -> Reply {
        let told = self.told(refusal);
        let answer = told.answer;
        let custom = self.customised(answer);
        let status = custom
            .and_then(|custom| custom.status)
            .unwrap_or(answer.status);
        let values = Values {
            told: Some(told),
            faults: told_faults(refusal),
            outcome: Outcome {
                status: Some(status),
                ..values.outcome
            },
            ..values
        };
        let mut reply = Reply::new(status);
        self.dialect_fields(refusal, answer, &mut reply.headers);
        let template = custom.and_then(|custom| custom.template(values.exchange));
        reply = match template {
            Some(template) => template.write(reply, &values),
            None => self.dialect_body(refusal, answer, reply, values.exchange),
        };
        for (name, text) in custom.iter().flat_map(|custom| &custom.headers) {
            if let Some(value) = text.value(&values) {
                reply.headers.set(name.clone(), value);
            }
        }
        reply
    }

    /// What the document says instead of the dialect.
    fn customised(&self, answer: Answer) -> Option<&Custom> {
        // Amazon documents that 413 of REST APIs cannot be customised; its dialect is kept to the letter.
        if self.errors == ErrorDialect::Aws
            && self.kind != ApiKind::Http
            && answer.kind == ResponseType::RequestTooLarge
        {
            return None;
        }
        let class = match answer.status {
            500.. => ResponseType::Default5xx,
            _ => ResponseType::Default4xx,
        };
        let of = |kind| self.custom.iter().find(|custom| custom.kind == kind);
        of(answer.kind).or_else(|| of(class))
    }

    fn dialect_fields(&self, refusal: &Refusal, answer: Answer, headers: &mut Headers) {
        if !answer.error_type.is_empty() {
            headers.set(ERROR_TYPE, FieldValue::from_static(answer.error_type));
        }
        // Who comes again at once makes it worse, in any dialect.
        if let (503, Refusal::Busy | Refusal::Overloaded | Refusal::UpstreamBreaker) =
            (answer.status, refusal)
        {
            headers.set(field::RETRY_AFTER, FieldValue::from(RETRY_AFTER));
        }
        if self.errors == ErrorDialect::Aws {
            return;
        }
        match refusal {
            Refusal::MethodNotAllowed { allow } => {
                if let Ok(value) = FieldValue::from_str(allow) {
                    headers.set(field::ALLOW, value);
                }
            }
            // RFC 9110 §15.5.16.
            Refusal::UnsupportedMediaType { accept } if !accept.is_empty() => {
                if let Ok(value) = FieldValue::from_str(accept) {
                    headers.set(field::ACCEPT, value);
                }
            }
            Refusal::UnsupportedEncoding => {
                headers.set(field::ACCEPT_ENCODING, FieldValue::from_static("identity"));
            }
            Refusal::Throttled(spent) => rate_limit_fields(spent, headers),
            Refusal::Unauthorized(credential) => {
                if let Ok(value) = FieldValue::from_str(&challenge(credential)) {
                    headers.set(WWW_AUTHENTICATE, value);
                }
            }
            _ => {}
        }
    }

    fn dialect_body(
        &self,
        refusal: &Refusal,
        answer: Answer,
        reply: Reply,
        exchange: &Exchange,
    ) -> Reply {
        match self.errors {
            ErrorDialect::Problem => {
                let status = reply.status;
                reply.with_body(
                    FieldValue::from_static("application/problem+json"),
                    problem(status, answer.message, told_faults(refusal), exchange),
                )
            }
            ErrorDialect::Aws => {
                let key = match (self.kind, answer.kind) {
                    (ApiKind::Rest | ApiKind::Plain, ResponseType::AccessDenied) => "Message",
                    _ => "message",
                };
                let mut body = format!("{{\"{key}\":").into_bytes();
                body.extend_from_slice(&json_string(&answer.text(refusal.faults())));
                body.push(b'}');
                reply.with_body(FieldValue::from_static("application/json"), body)
            }
        }
    }

    /// Puts the request's id on an answer, under the name it has in the dialect.
    pub(crate) fn identify(&self, exchange: &Exchange, headers: &mut Headers) {
        let id = exchange.id();
        match (self.errors, self.kind) {
            (ErrorDialect::Problem, _) => headers.set_text(field::X_REQUEST_ID, id.as_bytes()),
            (ErrorDialect::Aws, ApiKind::Http) => headers.set_text(APIGW_REQUEST_ID, id.as_bytes()),
            (ErrorDialect::Aws, ApiKind::Rest | ApiKind::Plain) => {
                headers.set_text(AMZ_APIGW_ID, extended_id(id.as_str()));
                headers.set_text(AMZN_REQUEST_ID, id.as_bytes());
            }
        }
    }
}

impl Custom {
    fn new(def: &GatewayResponseDef, faults: &mut Vec<StartFault>) -> Custom {
        let mut parse = |text: &'static str| match Expr::parse(text, Scope::GatewayResponse) {
            Ok(expr) => Some(expr),
            Err(fault) => {
                faults.push(StartFault::new(
                    format!("gateway response {}: {}", def.kind.name(), fault.message),
                    fault.help,
                ));
                None
            }
        };
        Custom {
            kind: def.kind,
            status: def.status,
            headers: def
                .headers
                .iter()
                .filter_map(|set| match set.field {
                    FieldDef::Header(name) => Some((
                        FieldName::from_bytes(name.as_bytes()).ok()?,
                        FieldText::new(parse(set.value)?),
                    )),
                    FieldDef::Query(_) => None,
                })
                .collect(),
            bodies: def
                .bodies
                .iter()
                .filter_map(|template| {
                    Some(Template {
                        media_type: template.media_type,
                        body: parse(template.body.text)?,
                        grammar: Grammar::of(template.media_type),
                    })
                })
                .collect(),
        }
    }

    /// The body for a client: what `Accept` prefers, else JSON, else the first.
    fn template(&self, exchange: &Exchange) -> Option<&Template> {
        let json = self
            .bodies
            .iter()
            .position(|template| accept::same_type(template.media_type, "application/json"));
        let preferred = exchange.header("accept").and_then(|accept| {
            let offers = self.bodies.iter().map(|template| template.media_type);
            accept::preferred(Some(accept), offers)
        });
        // A client that takes anything gets JSON where there is some.
        let takes_anything = exchange
            .header("accept")
            .is_none_or(|accept| accept == b"*/*");
        let index = match (takes_anything, json, preferred) {
            (true, Some(json), _) | (false, Some(json), None) => json,
            (_, _, Some(preferred)) => preferred,
            (_, None, None) => 0,
        };
        self.bodies.get(index)
    }
}

impl Template {
    fn write(&self, reply: Reply, values: &Values<'_>) -> Reply {
        let mut body = Vec::new();
        for piece in self.body.pieces() {
            match piece {
                Piece::Text(text) => body.extend_from_slice(text.as_bytes()),
                Piece::Value(source) => {
                    if let Some(value) = values.get(source) {
                        self.grammar.write(source, &value, &mut body);
                    }
                }
            }
        }
        reply.with_body(FieldValue::from_static(self.media_type), body)
    }
}

impl Grammar {
    fn of(media_type: &str) -> Grammar {
        if accept::is_json(media_type) {
            Grammar::Json
        } else if accept::is_markup(media_type) {
            Grammar::Markup
        } else {
            Grammar::Text
        }
    }

    fn write(self, source: &Source, value: &[u8], out: &mut Vec<u8>) {
        match self {
            // It is a JSON string already.
            Grammar::Json if *source == Source::Context(Variable::ErrorMessageString) => {
                out.extend_from_slice(value);
            }
            Grammar::Json => Escape::Json.write(out, value),
            // A client must not be able to put markup into a page that this gateway answers with.
            Grammar::Markup => {
                for byte in value {
                    match byte {
                        b'<' => out.extend_from_slice(b"&lt;"),
                        b'>' => out.extend_from_slice(b"&gt;"),
                        b'&' => out.extend_from_slice(b"&amp;"),
                        b'"' => out.extend_from_slice(b"&quot;"),
                        b'\'' => out.extend_from_slice(b"&#39;"),
                        byte => out.push(*byte),
                    }
                }
            }
            Grammar::Text => out.extend_from_slice(value),
        }
    }
}

/// A problem (RFC 9457). Its type is `about:blank`, so that its title is the status's own phrase (§4.2.1).
fn problem(status: u16, detail: &str, faults: Option<&Faults>, exchange: &Exchange) -> Vec<u8> {
    let mut body = Vec::with_capacity(192);
    body.extend_from_slice(b"{\"type\":\"about:blank\",\"title\":");
    body.extend_from_slice(&json_string(phrase(status)));
    body.extend_from_slice(b",\"status\":");
    body.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    body.extend_from_slice(b",\"detail\":");
    body.extend_from_slice(&json_string(detail));
    // Writing to a vector cannot fail.
    let _ = write!(
        body,
        ",\"instance\":\"urn:uuid:{}\"",
        exchange.id().as_str()
    );
    if let Some(faults) = faults {
        body.extend_from_slice(b",\"errors\":");
        faults.write(&mut body);
    }
    body.push(b'}');
    body
}

/// The faults that a client is told of: its own, not those of the back end.
fn told_faults(refusal: &Refusal) -> Option<&Faults> {
    match refusal {
        Refusal::BadAnswer(_) => None,
        refusal => refusal.faults(),
    }
}

/// The phrase of a status (RFC 9110 §15), or that of its class.
fn phrase(status: u16) -> &'static str {
    let known = http::StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    known.unwrap_or(match status {
        499 => "Client Closed Request",
        500.. => "Server Error",
        _ => "Request Error",
    })
}

/// `Retry-After`, and the fields of draft-ietf-httpapi-ratelimit-headers.
fn rate_limit_fields(spent: &Spent, headers: &mut Headers) {
    headers.set(field::RETRY_AFTER, FieldValue::from(spent.retry_after));
    let policy = format!("\"default\";q={};w={}", spent.limit, spent.window);
    let state = format!("\"default\";r={};t={}", spent.remaining, spent.retry_after);
    for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
        if let Ok(value) = FieldValue::from_str(&text) {
            headers.set(name, value);
        }
    }
}

/// What a 401 asks for (RFC 9110 §11.6.1). Schemes of the registry exist for `Authorization` alone; credentials elsewhere are
/// named by their place.
fn challenge(credential: &CredentialDef) -> String {
    let place = match credential.place {
        ParameterPlace::Header if credential.name == "authorization" => return "Bearer".to_owned(),
        ParameterPlace::Header => "header",
        ParameterPlace::Query => "query",
        ParameterPlace::Cookie => "cookie",
        ParameterPlace::Path => "path",
    };
    format!("ApiKey in=\"{place}\", name=\"{}\"", credential.name)
}

/// The second id of Amazon's REST dialect: 16 characters of base64 that end in `=`, made of the first 11 bytes of the id.
fn extended_id(id: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = id
        .bytes()
        .filter_map(|byte| char::from(byte).to_digit(16))
        .take(22);
    let mut out = String::with_capacity(16);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for digit in digits {
        bits = bits << 4 | digit;
        count += 4;
        if count >= 6 {
            count -= 6;
            let letter = LETTERS.get((bits >> count & 63) as usize);
            out.extend(letter.map(|letter| char::from(*letter)));
        }
    }
    // 88 bits are 14 letters and 4 bits.
    let letter = LETTERS.get((bits << (6 - count) & 63) as usize);
    out.extend(letter.map(|letter| char::from(*letter)));
    out.push('=');
    out
}

#[cfg(test)]
mod tests;
