//! What `${…}` stands for in one request.
//!
//! The one place that knows; request and response mappings, gateway responses and the access log all ask here. Values come as
//! bytes and are escaped by whoever writes them, for the place they are written to.

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::{Clock, common_log};
use crate::def::{Mode, RouteDef, ValidateDef};
use crate::exchange::{Cut, Exchange, FieldValue, Headers};
use crate::expr::{Escape, Expr, Source, Text, Variable};
use crate::refusal::{Answer, Faults, Refusal, reason};

/// Stage variables and deployment parameters with their values, each sorted by name.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Variables {
    stage: Vec<(String, String)>,
    parameters: Vec<(String, String)>,
}

impl Variables {
    /// These deployment parameters, and no stage variable.
    pub(crate) fn of_deployment(pairs: impl IntoIterator<Item = (String, String)>) -> Variables {
        Variables {
            stage: Vec::new(),
            parameters: sorted(pairs),
        }
    }

    /// The same deployment parameters with these stage variables; of two with one name the later one holds.
    pub(crate) fn with_stage(
        &self,
        pairs: impl IntoIterator<Item = (String, String)>,
    ) -> Variables {
        Variables {
            stage: sorted(pairs),
            parameters: self.parameters.clone(),
        }
    }

    /// The value of a stage variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        find(&self.stage, name)
    }

    /// The value of a source, if it is known as soon as the gateway starts.
    pub(crate) fn of(&self, source: &Source) -> Option<&str> {
        match source {
            Source::StageVariable(name) => self.get(name),
            Source::Parameter(name) => find(&self.parameters, name),
            _ => None,
        }
    }
}

fn sorted(pairs: impl IntoIterator<Item = (String, String)>) -> Vec<(String, String)> {
    let sorted: std::collections::BTreeMap<String, String> = pairs.into_iter().collect();
    sorted.into_iter().collect()
}

fn find<'v>(pairs: &'v [(String, String)], name: &str) -> Option<&'v str> {
    let at = pairs
        .binary_search_by(|(known, _)| known.as_str().cmp(name))
        .ok()?;
    pairs.get(at).map(|(_, value)| value.as_str())
}

impl std::fmt::Debug for Variables {
    /// Names only: values may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(
                self.stage
                    .iter()
                    .chain(&self.parameters)
                    .map(|(name, _)| name),
            )
            .finish()
    }
}

/// What is known of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// Its answer in the gateway's dialect.
    pub(crate) answer: Answer,
    /// Its label.
    pub(crate) reason: &'static str,
}

impl Told {
    /// What a gateway tells of a refusal.
    pub(crate) fn new(refusal: &Refusal, answer: Answer) -> Told {
        Told {
            answer,
            reason: refusal.reason(),
        }
    }
}

/// How a request went, as far as it has come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Outcome {
    /// Status sent to the client.
    pub(crate) status: Option<u16>,
    /// Bytes of body sent to the client.
    pub(crate) sent: Option<u64>,
    /// From the request's head to the end of the answer.
    pub(crate) latency: Option<Duration>,
    /// Status of the back end.
    pub(crate) upstream_status: Option<u16>,
    /// From the call to the head of the back end's answer.
    pub(crate) upstream_latency: Option<Duration>,
    /// What the cache did.
    pub(crate) cache: Option<&'static str>,
    /// How its back end broke off the answer that was being sent.
    pub(crate) cut: Option<Cut>,
    /// What was not what the document says, each with what became of it.
    pub(crate) invalid: ValidateDef,
}

impl Outcome {
    /// The word for what was not what the document says, and passed all the same.
    fn reported(&self) -> Option<&'static str> {
        let ValidateDef {
            params,
            body,
            response,
        } = self.invalid;
        let parts = [
            (params, reason::BAD_PARAMETERS),
            (body, reason::BAD_REQUEST_BODY),
            (response, reason::BAD_ANSWER),
        ];
        let mut parts = parts.into_iter();
        parts.find_map(|(mode, word)| (mode == Mode::Report).then_some(word))
    }
}

/// Where the values of one request are.
#[derive(Clone, Copy)]
pub(crate) struct Values<'r> {
    /// Name of the gateway.
    pub(crate) gateway: &'static str,
    /// The request.
    pub(crate) exchange: &'r Exchange,
    /// The time.
    pub(crate) clock: &'r Clock,
    /// Name of the stage, once it is known.
    pub(crate) stage: Option<&'static str>,
    /// Variables of the stage, those of its canary where this request is one of its; before the stage is known, deployment
    /// parameters alone.
    pub(crate) variables: &'r Variables,
    /// Whether the request is one of the canary's; `None`: the stage has none.
    pub(crate) canary: Option<bool>,
    /// The route, once it is known.
    pub(crate) route: Option<&'static RouteDef>,
    /// Fields of the back end's answer.
    pub(crate) answered: Option<&'r Headers>,
    /// The refusal, if it is one.
    pub(crate) told: Option<Told>,
    /// What of the request is not what the document says.
    pub(crate) faults: Option<&'r Faults>,
    /// How it went.
    pub(crate) outcome: Outcome,
}

impl<'r> Values<'r> {
    /// The value of a source; `None` if it is absent.
    pub(crate) fn get(&self, source: &Source) -> Option<Text<'r>> {
        let exchange = self.exchange;
        match source {
            Source::Path(name) => exchange.param(name).map(bytes),
            Source::Query(name) => joined_text(
                exchange
                    .query_pairs()
                    .filter(|(key, _)| key == name)
                    .map(|(_, value)| value),
            ),
            Source::Header(name) => joined(exchange.header_values(name)),
            Source::ResponseHeader(name) => joined(self.answered?.all(name.as_str())),
            Source::StageVariable(_) | Source::Parameter(_) => self.variables.of(source).map(bytes),
            Source::Context(variable) => self.context(*variable),
        }
    }

    fn context(&self, variable: Variable) -> Option<Text<'r>> {
        let exchange = self.exchange;
        let outcome = &self.outcome;
        match variable {
            Variable::RequestId | Variable::ExtendedRequestId => {
                Some(Text::Found(exchange.id().as_bytes()))
            }
            Variable::RequestTime => {
                let second = self.received_millis() / 1000;
                Some(Text::made(common_log(second).as_str()))
            }
            Variable::RequestTimeEpoch => number(self.received_millis()),
            Variable::HttpMethod => Some(bytes(exchange.method())),
            Variable::Path => Some(bytes(exchange.path())),
            Variable::ResourcePath => self.route.map(|route| bytes(route.path)),
            Variable::RouteKey => self.route.map(|route| match route.path {
                "$default" => bytes("$default"),
                path => Text::Made(format!("{} {path}", route.method).into_bytes()),
            }),
            Variable::OperationId => self.route.map(|route| bytes(route.operation.id)),
            Variable::Protocol => Some(bytes(exchange.version())),
            Variable::Stage => self.stage.map(bytes),
            Variable::ApiId => Some(bytes(self.gateway)),
            Variable::DomainName => Some(bytes(exchange.host())),
            Variable::DomainPrefix => {
                let host = exchange.host();
                Some(bytes(host.split('.').next().unwrap_or(host)))
            }
            Variable::SourceIp => Some(match exchange.is_from_proxy() {
                // The socket's, which is text already.
                false => bytes(exchange.peer()),
                true => Text::shown(exchange.client()),
            }),
            Variable::UserAgent => exchange.header("user-agent").map(Text::Found),
            Variable::IsCanaryRequest => self
                .canary
                .map(|canary| bytes(if canary { "true" } else { "false" })),
            Variable::ErrorMessage => self.told.map(|told| match told.answer.text(self.faults) {
                Cow::Borrowed(text) => bytes(text),
                Cow::Owned(text) => Text::Made(text.into_bytes()),
            }),
            Variable::ErrorMessageString => Some(match self.told {
                Some(told) => Text::Made(json_string(&told.answer.text(self.faults))),
                None => bytes("null"),
            }),
            Variable::ErrorValidation => {
                let faults = self.faults?;
                Some(Text::Made(faults.line().into_bytes()))
            }
            Variable::ErrorResponseType => self.told.map(|told| bytes(told.answer.kind.name())),
            Variable::ErrorReason => {
                let told = self.told.map(|told| told.reason);
                let passed = self.outcome.cut.map(Cut::label);
                told.or(passed).or(self.outcome.reported()).map(bytes)
            }
            Variable::Status => outcome.status.and_then(number),
            Variable::ResponseLength => outcome.sent.and_then(number),
            Variable::ResponseLatency => outcome.latency.and_then(millis),
            Variable::IntegrationStatus => outcome.upstream_status.and_then(number),
            Variable::IntegrationLatency => outcome.upstream_latency.and_then(millis),
            Variable::CacheStatus => outcome.cache.map(bytes),
        }
    }

    /// The calendar when the request's head was complete.
    fn received_millis(&self) -> u64 {
        let ago = self.clock.now().since(self.exchange.received());
        let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        self.clock.unix_millis().saturating_sub(ago)
    }
}

fn bytes(text: &str) -> Text<'_> {
    Text::Found(text.as_bytes())
}

fn number<'r>(number: impl itoa::Integer) -> Option<Text<'r>> {
    Some(Text::made(itoa::Buffer::new().format(number)))
}

fn millis<'r>(span: Duration) -> Option<Text<'r>> {
    number(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

/// All values, joined with commas as RFC 9110 §5.3 joins fields.
fn joined<'r>(values: impl Iterator<Item = &'r [u8]>) -> Option<Text<'r>> {
    all(values.map(Text::Found))
}

fn joined_text<'r>(values: impl Iterator<Item = Cow<'r, str>>) -> Option<Text<'r>> {
    all(values.map(|value| match value {
        Cow::Borrowed(text) => bytes(text),
        Cow::Owned(text) => Text::Made(text.into_bytes()),
    }))
}

fn all<'r>(mut values: impl Iterator<Item = Text<'r>>) -> Option<Text<'r>> {
    let first = values.next()?;
    let Some(second) = values.next() else {
        return Some(first);
    };
    let mut all = first.into_vec();
    for value in std::iter::once(second).chain(values) {
        all.push(b',');
        all.extend_from_slice(&value);
    }
    Some(Text::Made(all))
}

/// A text as a JSON string, quotes included.
pub(crate) fn json_string(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    out.push(b'"');
    Escape::Json.write(&mut out, text.as_bytes());
    out.push(b'"');
    out
}

/// The value of a header field: fixed, or made anew for each request.
#[derive(Debug, Clone)]
pub(crate) enum FieldText {
    /// The same for every request.
    Fixed(FieldValue),
    /// Made of the request's values.
    Made(Expr),
}

impl FieldText {
    /// An expression; its literal text loses what a field cannot hold.
    pub(crate) fn new(expr: Expr) -> FieldText {
        match expr.literal() {
            Some(text) => {
                let mut kept = Vec::with_capacity(text.len());
                Escape::Field.write(&mut kept, text.as_bytes());
                FieldText::Fixed(
                    FieldValue::from_bytes(&kept).unwrap_or(FieldValue::from_static("")),
                )
            }
            None => FieldText::Made(expr),
        }
    }

    /// The value in a request; `None` where all of it is absent, since an empty field would say something.
    pub(crate) fn value(&self, values: &Values<'_>) -> Option<FieldValue> {
        match self {
            FieldText::Fixed(value) => (!value.is_empty()).then(|| value.clone()),
            FieldText::Made(expr) => {
                let mut out = Vec::new();
                expr.render(&mut out, Escape::Field, |source| values.get(source));
                let text = out.trim_ascii();
                if text.is_empty() {
                    return None;
                }
                FieldValue::from_bytes(text).ok()
            }
        }
    }
}

#[cfg(test)]
mod tests;
