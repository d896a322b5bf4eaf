//! What is wrong with a document beyond single values, and the table of every rule.
//!
//! Rules come in families, one file each. Those that need a place inside a document ([`addresses`], [`cors`],
//! [`headers`]) are functions that lowering asks while it reads; those that need the whole model run here. [`RULES`] has a
//! row for every code that any phase reports, so that nothing is reported that cannot be explained.

pub(crate) mod addresses;
mod cache;
pub(crate) mod cors;
pub(crate) mod headers;
mod routes;
mod rules;
mod security;
mod stages;
mod upstreams;

pub use rules::{RULES, Rule, rule};

use crate::findings::Findings;
use crate::model::Gateway;
use crate::normalise::Api;

/// Looks at a finished model, and at the API it was made from.
pub fn run(api: &Api<'_>, gateway: &Gateway, found: &mut Findings) {
    routes::run(gateway, found);
    stages::run(gateway, found);
    cache::run(gateway, found);
    upstreams::run(gateway, found);
    security::run(api, gateway, found);
}
