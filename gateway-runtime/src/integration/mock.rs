//! A fixed answer.

use super::Edits;
use crate::accept;
use crate::def::{ExampleDef, MockDef, TemplateDef};
use crate::exchange::{Exchange, FieldValue, Reply, field};
use crate::expr::Scope;
use crate::gateway::Surroundings;
use crate::values::Values;

/// A fixed answer.
#[derive(Debug)]
pub(crate) struct Mock {
    status: u16,
    headers: Edits,
    bodies: Bodies,
}

/// Bodies by media type.
#[derive(Debug)]
pub(super) struct Bodies(Vec<(&'static str, &'static str)>);

impl Bodies {
    /// The bodies of a table.
    pub(super) fn new(templates: &[TemplateDef]) -> Bodies {
        let bodies = templates
            .iter()
            .map(|template| (template.media_type, template.body.text));
        Bodies(bodies.collect())
    }

    /// Puts the body that the client prefers into an answer, the first where it prefers none; `false`: there is no body.
    pub(super) fn write(&self, exchange: &Exchange, reply: &mut Reply) -> bool {
        let offers = self.0.iter().map(|(media_type, _)| *media_type);
        let index = accept::preferred(exchange.header("accept"), offers).unwrap_or(0);
        let Some((media_type, body)) = self.0.get(index) else {
            return false;
        };
        *reply = std::mem::replace(reply, Reply::new(reply.status))
            .with_body(FieldValue::from_static(media_type), *body);
        if self.0.len() > 1 {
            reply
                .headers
                .append(field::VARY, FieldValue::from_static("accept"));
        }
        true
    }
}

impl Mock {
    /// Reads a table.
    pub(crate) fn start(
        operation: &str,
        def: &'static MockDef,
        around: &mut Surroundings<'_, '_>,
    ) -> Mock {
        Mock {
            status: def.status,
            headers: Edits::sets(operation, def.headers, Scope::Response, around),
            bodies: Bodies::new(def.bodies),
        }
    }

    /// The answer a document gives as its example.
    pub(crate) fn example(def: &ExampleDef) -> Mock {
        let bodies = match def.media_type {
            "" => Vec::new(),
            media_type => vec![(media_type, def.body.text)],
        };
        Mock {
            status: def.status,
            headers: Edits::default(),
            bodies: Bodies(bodies),
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&self, values: &Values<'_>) -> Reply {
        let mut reply = Reply::new(self.status);
        self.bodies.write(values.exchange, &mut reply);
        self.headers
            .apply(self.headers.made(values), &mut reply.headers);
        reply
    }
}
