//! The expression syntax of `x-gateway`: literal text with `${context.requestId}`, `${path.id}`, `${query.q}`,
//! `${header.accept}`, `${response.header.etag}`, `${stageVariables.url}`, `${param.DOMAIN}`; `$${` is a literal `${`.
//!
//! One parser for the generator, which reports faults inside the document, and for the gateway, which runs the parsed form.
//! Amazon's own forms (`$context.x`, `'literal'`) are translated by the generator and are faults here, because silently
//! sending them as text is the mistake people make. Absent on purpose: arithmetic, functions, defaults.

use std::fmt;
use std::ops::Deref;

/// A parsed expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    pieces: Vec<Piece>,
}

/// A part of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// A value.
    Value(Source),
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A path parameter.
    Path(String),
    /// A query parameter; all its values joined with `,`.
    Query(String),
    /// A header field of the request, name in lower case; repeated fields joined with `,`.
    Header(String),
    /// A header field of the back end's answer, name in lower case.
    ResponseHeader(String),
    /// A stage variable.
    StageVariable(String),
    /// A deployment parameter: known when the gateway starts, the same on every stage.
    Parameter(String),
    /// Something the gateway knows.
    Context(Variable),
}

/// What a source stands for in one request, as bytes.
#[derive(Debug, Clone)]
pub enum Text<'v> {
    /// It is there already.
    Found(&'v [u8]),
    /// It was made for this: a number, an id, a time, an address.
    Short(Short),
    /// It was made for this, and may be of any length.
    Made(Vec<u8>),
}

/// A text of at most [`Short::MOST`] bytes, which needs no memory of its own.
#[derive(Debug, Clone, Copy)]
pub struct Short {
    bytes: [u8; Short::MOST],
    length: u8,
}

impl Short {
    /// Room for an id (36), a time (26) and an address of IPv6 (39).
    pub const MOST: usize = 40;
}

impl Default for Short {
    fn default() -> Short {
        Short {
            bytes: [0; Short::MOST],
            length: 0,
        }
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = usize::from(self.length);
        let end = start + text.len();
        let room = self.bytes.get_mut(start..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length = u8::try_from(end).map_err(|_| fmt::Error)?;
        Ok(())
    }
}

impl Text<'_> {
    /// A text that was made for this.
    pub fn made(text: &str) -> Text<'static> {
        let mut short = Short::default();
        match fmt::Write::write_str(&mut short, text) {
            Ok(()) => Text::Short(short),
            Err(fmt::Error) => Text::Made(text.as_bytes().to_vec()),
        }
    }

    /// Something as it is shown.
    pub fn shown(value: impl fmt::Display) -> Text<'static> {
        let mut short = Short::default();
        match fmt::Write::write_fmt(&mut short, format_args!("{value}")) {
            Ok(()) => Text::Short(short),
            Err(fmt::Error) => Text::Made(value.to_string().into_bytes()),
        }
    }

    /// The bytes, to be added to.
    pub fn into_vec(self) -> Vec<u8> {
        match self {
            Text::Made(bytes) => bytes,
            other => other.to_vec(),
        }
    }
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Text::Found(bytes) => bytes,
            Text::Short(short) => short
                .bytes
                .get(..usize::from(short.length))
                .unwrap_or_default(),
            Text::Made(bytes) => bytes,
        }
    }
}

/// Where an expression stands, and so what it may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Before the back end is called.
    Request,
    /// After it answered.
    Response,
    /// In a gateway response.
    GatewayResponse,
    /// In an access-log line: nothing secret.
    AccessLog,
    /// What must be known when the gateway starts: stage variables and deployment parameters only.
    Start,
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Byte in the text.
    pub offset: usize,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to write instead; empty: the message says it.
    pub help: String,
}

/// When a variable has its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// As soon as the request is routed.
    Early,
    /// When a refusal is answered.
    Refused,
    /// When the answer is there.
    Answered,
}

macro_rules! variables {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $known:ident;)*) => {
        /// What `${context.…}` can name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Variable { $($(#[$doc])* $variant,)* }

        impl Variable {
            /// All of them.
            pub const ALL: &'static [Variable] = &[$(Variable::$variant,)*];

            /// The name after `context.`.
            pub const fn name(self) -> &'static str {
                match self { $(Variable::$variant => $name,)* }
            }

            fn from_name(name: &str) -> Option<Variable> {
                match name { $($name => Some(Variable::$variant),)* _ => None }
            }

            const fn known(self) -> Known {
                match self { $(Variable::$variant => Known::$known,)* }
            }
        }
    };
}

variables! {
    /// The request's id, a version 4 UUID.
    RequestId = "requestId", Early;
    /// The same; Amazon's name for a second id.
    ExtendedRequestId = "extendedRequestId", Early;
    /// When it came: `22/Nov/2026:10:15:30 +0000`.
    RequestTime = "requestTime", Early;
    /// When it came, milliseconds since 1970.
    RequestTimeEpoch = "requestTimeEpoch", Early;
    /// The client's method.
    HttpMethod = "httpMethod", Early;
    /// The path as asked for, in normal form, with the stage's mount.
    Path = "path", Early;
    /// The matched path pattern.
    ResourcePath = "resourcePath", Early;
    /// The matched route: method and pattern.
    RouteKey = "routeKey", Early;
    /// Id of the matched operation.
    OperationId = "operationId", Early;
    /// `HTTP/1.1` or `HTTP/2.0`.
    Protocol = "protocol", Early;
    /// Name of the stage.
    Stage = "stage", Early;
    /// Name of the gateway.
    ApiId = "apiId", Early;
    /// The host asked for.
    DomainName = "domainName", Early;
    /// Its first label.
    DomainPrefix = "domainPrefix", Early;
    /// The client's address.
    SourceIp = "identity.sourceIp", Early;
    /// The client's `User-Agent`.
    UserAgent = "identity.userAgent", Early;
    /// `true` or `false`, where the stage has a canary.
    IsCanaryRequest = "isCanaryRequest", Early;
    /// The refusal, as a sentence.
    ErrorMessage = "error.message", Refused;
    /// The refusal as a JSON string, quotes included; `null` where there is none.
    ErrorMessageString = "error.messageString", Refused;
    /// The gateway response type.
    ErrorResponseType = "error.responseType", Refused;
    /// What of a message is not what the document says, on one line.
    ErrorValidation = "error.validationErrorString", Refused;
    /// The refusal's reason, a fixed word for logs and metrics.
    ErrorReason = "error.reason", Refused;
    /// Status sent to the client.
    Status = "status", Answered;
    /// Bytes of body sent to the client.
    ResponseLength = "responseLength", Answered;
    /// Milliseconds from the request's head to the end of the answer.
    ResponseLatency = "responseLatency", Answered;
    /// Status the back end answered.
    IntegrationStatus = "integration.status", Answered;
    /// Milliseconds the back end took to the head of its answer.
    IntegrationLatency = "integration.latency", Answered;
    /// `hit`, `miss`, `bypass` or `off`.
    CacheStatus = "cache.status", Answered;
}

/// Header fields that hold secrets, never logged.
const SECRET_HEADERS: &[&str] = &[
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
    "set-cookie",
];

impl Expr {
    /// Parses an expression that stands in `scope`.
    ///
    /// # Errors
    /// At the byte where a value is not closed, names nothing, is not known in this scope, or has one of Amazon's forms.
    pub fn parse(text: &str, scope: Scope) -> Result<Expr, Fault> {
        if let Some(fault) = amazon_form(text) {
            return Err(fault);
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find("${") {
            let open = at + found;
            if text[..open].ends_with('$') && found > 0 {
                // `$${`: the first dollar escapes.
                literal.push_str(&text[at..open - 1]);
                literal.push_str("${");
                at = open + 2;
                continue;
            }
            literal.push_str(&text[at..open]);
            let inside = open + 2;
            let Some(length) = text[inside..].find('}') else {
                return Err(fault(
                    open,
                    "`${` without `}`",
                    "close it, or write `$${` for a literal `${`",
                ));
            };
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Value(source(
                &text[inside..inside + length],
                inside,
                scope,
            )?));
            at = inside + length + 1;
        }
        literal.push_str(&text[at..]);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Ok(Expr { pieces })
    }

    /// Its parts: no two texts touch, no text is empty.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The text, if it names no value.
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The values it names, in order.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(source) => Some(source),
            Piece::Text(_) => None,
        })
    }

    /// Writes the expression with its values to `out`. An absent value writes nothing.
    pub fn render<'v>(
        &self,
        out: &mut Vec<u8>,
        escape: Escape,
        mut value: impl FnMut(&Source) -> Option<Text<'v>>,
    ) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Value(source) => {
                    if let Some(value) = value(source) {
                        escape.write(out, &value);
                    }
                }
            }
        }
    }
}

/// How a value is written into the text around it, so that it can never end the place it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// One path segment: everything but RFC 3986 unreserved characters percent-encoded.
    Segment,
    /// A query value: the same.
    Query,
    /// Inside a JSON string: quotes, backslashes and control characters escaped, invalid UTF-8 replaced.
    Json,
    /// A header field's value: CR, LF, NUL and other control characters dropped.
    Field,
    /// As it is.
    None,
}

impl Escape {
    /// Appends `value` to `out`, escaped.
    pub fn write(self, out: &mut Vec<u8>, value: &[u8]) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        match self {
            Escape::None => out.extend_from_slice(value),
            Escape::Field => out.extend(
                value
                    .iter()
                    .filter(|b| !b.is_ascii_control() || **b == b'\t'),
            ),
            Escape::Segment | Escape::Query => {
                for byte in value {
                    if crate::path::unreserved(*byte) {
                        out.push(*byte);
                    } else {
                        out.extend([
                            b'%',
                            HEX[usize::from(byte >> 4)],
                            HEX[usize::from(byte & 15)],
                        ]);
                    }
                }
            }
            Escape::Json => json(value, out),
        }
    }
}

/// Nearly all values are plain ASCII; the rest is looked at character by character.
fn json(value: &[u8], out: &mut Vec<u8>) {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') & (*byte != b'"') & (*byte != b'\\');
    // Not `all`: without a way out in the middle it looks at many bytes at once.
    if value.iter().fold(true, |all, byte| all & plain(byte)) {
        out.extend_from_slice(value);
        return;
    }
    for char in String::from_utf8_lossy(value).chars() {
        match char {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            // U+2028 and U+2029 break lines for some readers; C1 controls drive terminals.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Path(name) => write!(f, "path.{name}"),
            Source::Query(name) => write!(f, "query.{name}"),
            Source::Header(name) => write!(f, "header.{name}"),
            Source::ResponseHeader(name) => write!(f, "response.header.{name}"),
            Source::StageVariable(name) => write!(f, "stageVariables.{name}"),
            Source::Parameter(name) => write!(f, "param.{name}"),
            Source::Context(variable) => write!(f, "context.{}", variable.name()),
        }
    }
}

fn fault(offset: usize, message: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault {
        offset,
        message: message.into(),
        help: help.into(),
    }
}

/// One value between `${` and `}`.
fn source(text: &str, offset: usize, scope: Scope) -> Result<Source, Fault> {
    let named = |prefix: &str| text.strip_prefix(prefix).filter(|name| !name.is_empty());
    let source = if let Some(name) = named("path.") {
        Source::Path(name.to_owned())
    } else if let Some(name) = named("query.") {
        Source::Query(name.to_owned())
    } else if let Some(name) = named("header.") {
        Source::Header(field_name(name, offset)?)
    } else if let Some(name) = named("response.header.") {
        Source::ResponseHeader(field_name(name, offset)?)
    } else if let Some(name) = named("stageVariables.") {
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(fault(
                offset,
                format!("`{name}` is no name of a stage variable"),
                "letters, digits and `_`",
            ));
        }
        Source::StageVariable(name.to_owned())
    } else if let Some(name) = named("param.") {
        if !is_parameter(name) {
            return Err(fault(
                offset,
                format!("`{name}` is no name of a parameter"),
                "letters, digits and `_.:/-`, 255 at most",
            ));
        }
        Source::Parameter(name.to_owned())
    } else if let Some(name) = named("context.") {
        match Variable::from_name(name) {
            Some(variable) => Source::Context(variable),
            None if name.starts_with("authorizer.") => {
                return Err(fault(
                    offset,
                    "`context.authorizer` is not yet served",
                    "it comes with authorizers",
                ));
            }
            None => {
                let known: Vec<_> = Variable::ALL.iter().map(|v| v.name()).collect();
                return Err(fault(
                    offset,
                    format!("there is no variable `context.{name}`"),
                    format!("one of {}", known.join(", ")),
                ));
            }
        }
    } else {
        return Err(fault(
            offset,
            format!("`{text}` names no value"),
            "one of context.…, path.…, query.…, header.…, response.header.…, stageVariables.…, param.…; write `$${` for a literal `${`",
        ));
    };
    match out_of_scope(&source, scope) {
        Some(why) => Err(fault(offset, format!("`{source}` {why}"), "")),
        None => Ok(source),
    }
}

/// Whether this can be the name of a deployment parameter. CloudFormation's own (`AWS::Region`), attributes of resources
/// (`Table.Arn`) and names of exports (`shop:vpc-id`) are among them.
pub fn is_parameter(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b"_.:/-".contains(&b);
    (1..=255).contains(&name.len()) && name.bytes().all(word)
}

fn field_name(name: &str, offset: usize) -> Result<String, Fault> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.bytes().all(token) {
        Ok(name.to_ascii_lowercase())
    } else {
        Err(fault(
            offset,
            format!("`{name}` is no name of a header field"),
            "letters, digits and `-`",
        ))
    }
}

/// Why a value cannot be named in a scope.
fn out_of_scope(source: &Source, scope: Scope) -> Option<&'static str> {
    let known = match source {
        Source::Context(variable) => variable.known(),
        Source::ResponseHeader(_) => Known::Answered,
        _ => Known::Early,
    };
    match scope {
        Scope::Start if !matches!(source, Source::StageVariable(_) | Source::Parameter(_)) => {
            Some("is not known when the gateway starts: only stage variables and parameters are")
        }
        Scope::Request if known == Known::Answered => {
            Some("is not known before the back end answered")
        }
        Scope::Request | Scope::Response if known == Known::Refused => {
            Some("is known in gateway responses and access logs only")
        }
        Scope::GatewayResponse if matches!(source, Source::ResponseHeader(_)) => {
            Some("is not known in gateway responses")
        }
        Scope::AccessLog if matches!(source, Source::StageVariable(_)) => {
            Some("may be secret and is not logged")
        }
        Scope::AccessLog if matches!(source, Source::Header(name) | Source::ResponseHeader(name) if SECRET_HEADERS.contains(&name.as_str())) => {
            Some("is secret and is not logged")
        }
        _ => None,
    }
}

/// Amazon's ways to name a value, which would be sent as plain text here.
fn amazon_form(text: &str) -> Option<Fault> {
    for (form, instead) in [
        ("$context.", "${context.…}"),
        ("$stageVariables.", "${stageVariables.…}"),
        ("$request.header.", "${header.…}"),
        ("$request.querystring.", "${query.…}"),
        ("$request.path.", "${path.…}"),
        ("$response.header.", "${response.header.…}"),
        ("$method.request.", "${header.…}, ${query.…} or ${path.…}"),
    ] {
        if let Some(at) = text.find(form) {
            return Some(fault(
                at,
                format!("`{form}…` is Amazon's form"),
                format!("write `{instead}`"),
            ));
        }
    }
    for (form, instead) in [
        ("context.", "${context."),
        ("stageVariables.", "${stageVariables."),
        ("method.request.header.", "${header."),
        ("method.request.querystring.", "${query."),
        ("method.request.path.", "${path."),
        ("integration.response.header.", "${response.header."),
    ] {
        let name = text.strip_prefix(form).unwrap_or_default();
        if !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        {
            return Some(fault(
                0,
                format!("`{text}` would be sent as text"),
                format!("write `{instead}{name}}}`"),
            ));
        }
    }
    let quoted = text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))?;
    Some(fault(
        0,
        "the single quotes would be sent as well",
        format!("write `{quoted}`; quotes are Amazon's form of a literal"),
    ))
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        reason = "a test that cannot parse its own expression should stop"
    )]

    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str, scope: Scope) -> String {
        let expr = Expr::parse(text, scope).unwrap();
        let mut out = Vec::new();
        expr.render(&mut out, Escape::None, |source| {
            Some(Text::Made(format!("<{source}>").into_bytes()))
        });
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_stand_between_braces() {
        for (text, expected) in [
            ("", ""),
            ("plain $5 text", "plain $5 text"),
            ("${path.id}", "<path.id>"),
            ("a${query.q}b${header.X-Y}", "a<query.q>b<header.x-y>"),
            ("$${path.id}", "${path.id}"),
            ("a$${b}c${path.id}", "a${b}c<path.id>"),
            ("${stageVariables.url}/x", "<stageVariables.url>/x"),
            ("${param.Table.Arn}/x", "<param.Table.Arn>/x"),
            (
                "${context.identity.sourceIp}",
                "<context.identity.sourceIp>",
            ),
            ("{\"a\": ${context.status}}", "{\"a\": <context.status>}"),
        ] {
            assert_eq!(shown(text, Scope::Response), expected, "{text}");
        }
    }

    #[test]
    fn faults_name_byte_and_remedy() {
        for (text, scope, offset, part) in [
            ("a${path.id", Scope::Request, 1, "without `}`"),
            ("${nothing.x}", Scope::Request, 2, "names no value"),
            ("${path.}", Scope::Request, 2, "names no value"),
            ("${context.nope}", Scope::Request, 2, "no variable"),
            (
                "x${response.header.a}",
                Scope::Request,
                3,
                "before the back end",
            ),
            (
                "${context.error.message}",
                Scope::Response,
                2,
                "gateway responses",
            ),
            ("${header.authorization}", Scope::AccessLog, 2, "secret"),
            ("${stageVariables.a}", Scope::AccessLog, 2, "may be secret"),
            (
                "${path.id}",
                Scope::Start,
                2,
                "only stage variables and parameters",
            ),
            ("${param.a b}", Scope::Start, 2, "no name of a parameter"),
            ("${header.a b}", Scope::Request, 2, "no name of a header"),
            (
                "id=$context.requestId",
                Scope::AccessLog,
                3,
                "Amazon's form",
            ),
            ("context.requestId", Scope::Request, 0, "sent as text"),
            (
                "method.request.header.Accept",
                Scope::Request,
                0,
                "sent as text",
            ),
            ("'literal'", Scope::Request, 0, "single quotes"),
        ] {
            let fault = Expr::parse(text, scope).unwrap_err();
            assert_eq!(
                (fault.offset, fault.message.contains(part)),
                (offset, true),
                "{text}: {fault:?}"
            );
        }
    }

    #[test]
    fn no_value_leaves_its_place() {
        for (escape, value, expected) in [
            (Escape::Segment, "a/../b?c#d%", "a%2F..%2Fb%3Fc%23d%25"),
            (Escape::Query, "a&b=c d+e", "a%26b%3Dc%20d%2Be"),
            (
                Escape::Json,
                "a\"b\\c\nd\u{1b}[31m\u{7f}",
                "a\\\"b\\\\c\\nd\\u001b[31m\\u007f",
            ),
            (
                Escape::Field,
                "a\r\nset-cookie: x\0\tb",
                "aset-cookie: x\tb",
            ),
        ] {
            let mut out = Vec::new();
            escape.write(&mut out, value.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn every_variable_is_found_by_its_name() {
        for variable in Variable::ALL {
            assert_eq!(Variable::from_name(variable.name()), Some(*variable));
        }
    }

    proptest! {
        #[test]
        fn any_text_parses_or_names_a_byte_inside(text in "[$\\{\\}a-z.']{0,30}") {
            if let Err(fault) = Expr::parse(&text, Scope::Response) {
                prop_assert!(fault.offset <= text.len());
            }
        }

        #[test]
        fn escaped_values_stay_valid_json(value in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mut out = b"\"".to_vec();
            Escape::Json.write(&mut out, &value);
            out.push(b'"');
            prop_assert!(serde_json::from_slice::<String>(&out).is_ok());
        }
    }
}
