//! A location elsewhere.

use super::address::{parts, plan::Parts};
use crate::def::RedirectDef;
use crate::exchange::{FieldValue, Reply, field};
use crate::expr::Scope;
use crate::gateway::{Surroundings, Variants};
use crate::pipeline::Journey;
use crate::refusal::Refusal;

/// A location elsewhere. Values in it are escaped for their place, so that no request can choose where its sender is sent.
#[derive(Debug)]
pub(crate) struct Redirect {
    status: u16,
    location: Variants<Parts>,
}

impl Redirect {
    /// Reads a table.
    pub(crate) fn start(
        operation: &str,
        def: &'static RedirectDef,
        around: &mut Surroundings<'_, '_>,
    ) -> Option<Redirect> {
        let location = around.parse(operation, def.location, Scope::Request)?;
        Some(Redirect {
            status: def.status,
            location: around.variants(|_, variables, _| Some(parts(&location, variables)))?,
        })
    }

    /// Answers a request.
    pub(crate) fn answer(&self, journey: &Journey<'_>) -> Result<Reply, Refusal> {
        let mut location = Vec::new();
        let values = journey.values(None);
        self.location
            .of(journey.canary)
            .write(&|source| values.get(source).into(), &mut location);
        let location = FieldValue::from_bytes(&location).map_err(|_| Refusal::BadAddress)?;
        Ok(Reply::new(self.status).with_header(field::LOCATION, location))
    }
}
