//! A back end through parameter mappings and templates: nothing of the request is sent but what is mapped.

use super::address::Address;
use super::mock::Bodies;
use super::{Edits, forward, proxy};
use crate::accept;
use crate::client::Outgoing;
use crate::def::{HttpDef, Passthrough, ResponseMappingDef, TemplateDef};
use crate::exchange::{Body, Exchange, FieldName, FieldValue, Headers, Reply, field};
use crate::expr::Scope;
use crate::gateway::{Surroundings, Variants};
use crate::pattern::StatusPattern;
use crate::pipeline::Journey;
use crate::refusal::Refusal;

const USER_AGENT: FieldName = FieldName::from_static("user-agent");

/// What a body is taken for that does not say what it is.
const JSON: &str = "application/json";

/// A back end through mappings.
#[derive(Debug)]
pub(crate) struct Http {
    address: Variants<Address>,
    method: Option<::http::Method>,
    parameters: Edits,
    templates: &'static [TemplateDef],
    passthrough: Passthrough,
    responses: Vec<Mapping>,
    user_agent: FieldValue,
}

/// How some answers of the back end are mapped.
#[derive(Debug)]
struct Mapping {
    /// `None`: every other status.
    pattern: Option<StatusPattern>,
    status: u16,
    headers: Edits,
    bodies: Bodies,
}

impl Http {
    /// Reads a table.
    pub(crate) fn start(
        operation: &'static str,
        def: &'static HttpDef,
        around: &mut Surroundings<'_, '_>,
    ) -> Option<Http> {
        let parameters = Edits::sets(operation, def.parameters, Scope::Request, around);
        let responses = def
            .responses
            .iter()
            .filter_map(|response| Mapping::start(operation, response, around))
            .collect();
        let method = proxy::method(operation, def.method, around)?;
        Some(Http {
            address: Address::start(operation, &def.target, around)?,
            method,
            parameters,
            templates: def.templates,
            passthrough: def.passthrough,
            responses,
            user_agent: FieldValue::from_str(around.gateway.name)
                .unwrap_or(FieldValue::from_static("gateway")),
        })
    }

    /// Maps the request, calls, and maps the answer.
    pub(crate) async fn call(&self, journey: &mut Journey<'_>) -> Result<Reply, Refusal> {
        let operation = journey.operation.ok_or(Refusal::Internal)?;
        let address = self.address.of(journey.canary);
        let values = journey.values(None);
        let query = self.parameters.query(&values);
        let query = query.then(operation.request.query(&values));
        let target = address.target(journey, false, &query)?;
        let mapped = self.parameters.made(&values);
        let edited = operation.request.made(&values);
        let (media_type, template) = self.template(journey.exchange)?;
        let body = journey.exchange.take_body();
        let method = self
            .method
            .as_ref()
            .unwrap_or(journey.exchange.verb())
            .clone();
        let mut headers = Headers::new();
        if let Some(authority) = address.upstream.authority() {
            headers.set(field::HOST, authority);
        }
        headers.set(field::ACCEPT, FieldValue::from_static(JSON));
        headers.set(USER_AGENT, &self.user_agent);
        let body = match template {
            _ if matches!(method, ::http::Method::GET | ::http::Method::HEAD) => Body::empty(),
            Some(template) => Body::full(template.as_bytes()),
            None => body,
        };
        if !body.is_empty() {
            headers.set(field::CONTENT_TYPE, media_type);
        }
        forward::mark(journey.exchange, &journey.gateway.via, &mut headers);
        self.parameters.apply(mapped, &mut headers);
        operation.request.apply(edited, &mut headers);
        let mut outgoing = Outgoing {
            method,
            target,
            headers,
            body,
            tunnel: Body::empty(),
            // Nothing of what the back end says is passed on but what is mapped.
            interim: None,
        };
        let incoming = forward::send(journey, &address.upstream, &mut outgoing).await?;
        self.answer(journey, incoming)
    }

    /// The body's media type, and the template for it if there is one; a body that no template takes is passed on or refused.
    fn template(&self, exchange: &Exchange) -> Result<(FieldValue, Option<&'static str>), Refusal> {
        let sent = exchange.headers().value(field::CONTENT_TYPE);
        let media_type = sent.unwrap_or(FieldValue::from_static(JSON));
        let name = media_type.to_str().unwrap_or_default();
        let template = self
            .templates
            .iter()
            .find(|template| accept::same_type(template.media_type, name));
        if let Some(template) = template {
            return Ok((media_type, Some(template.body.text)));
        }
        let passes = match self.passthrough {
            Passthrough::WhenNoMatch => true,
            Passthrough::WhenNoTemplates => self.templates.is_empty(),
            Passthrough::Never => false,
        };
        if passes || exchange.body_is_empty() {
            Ok((media_type, None))
        } else {
            let taken = self.templates.iter().map(|template| template.media_type);
            Err(Refusal::UnsupportedMediaType {
                accept: taken.collect::<Vec<_>>().join(", "),
            })
        }
    }

    /// Maps the back end's answer.
    fn answer(
        &self,
        journey: &Journey<'_>,
        mut incoming: crate::client::Incoming,
    ) -> Result<Reply, Refusal> {
        let mapping = self.mapping(incoming.status).ok_or(Refusal::NoMapping)?;
        let values = journey.values(Some(&incoming.headers));
        let made = mapping.headers.made(&values);
        let mut reply = Reply::new(mapping.status);
        if !mapping.bodies.write(journey.exchange, &mut reply) {
            // The back end's body passes, and with it what says how to read it.
            for name in [
                field::CONTENT_TYPE,
                field::CONTENT_ENCODING,
                field::CONTENT_LENGTH,
            ] {
                if let Some(value) = incoming.headers.value(&name) {
                    reply.headers.set(name, value);
                }
            }
            reply.body = std::mem::take(&mut incoming.body);
        }
        mapping.headers.apply(made, &mut reply.headers);
        Ok(reply)
    }

    /// The first mapping whose pattern takes a status, else the one for every other status.
    fn mapping(&self, status: u16) -> Option<&Mapping> {
        let by_pattern = self.responses.iter().find(|mapping| {
            mapping
                .pattern
                .as_ref()
                .is_some_and(|pattern| pattern.matches(status))
        });
        by_pattern.or_else(|| {
            self.responses
                .iter()
                .find(|mapping| mapping.pattern.is_none())
        })
    }
}

impl Mapping {
    fn start(
        operation: &str,
        def: &'static ResponseMappingDef,
        around: &mut Surroundings<'_, '_>,
    ) -> Option<Mapping> {
        let pattern = match def.pattern.map(StatusPattern::parse) {
            None => None,
            Some(Ok(pattern)) => Some(pattern),
            Some(Err(fault)) => {
                around.fault(operation, &fault.message, "");
                return None;
            }
        };
        Some(Mapping {
            pattern,
            status: def.status,
            headers: Edits::sets(operation, def.headers, Scope::Response, around),
            bodies: Bodies::new(def.bodies),
        })
    }
}
