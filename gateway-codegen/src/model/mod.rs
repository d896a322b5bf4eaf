//! What a document means: the middle of the house.
//!
//! Owned, complete, dialect-free. Every default has been decided, every text that embeds a language has been parsed once,
//! and nothing tells whether `x-gateway` or `x-amazon-apigateway-*` said it. `emit`, `dev`, `routes`, `route` and the
//! surface file read this and nothing before it.
//!
//! The only link back is [`Origin`]: where a thing was written, for findings. It takes no part in comparisons.

mod cache;
mod cors;
mod gateway;
mod integration;
mod operation;
mod response;
mod schema;
mod stage;
#[cfg(test)]
mod tests;
mod throttle;
mod upstream;

pub use cache::*;
pub use cors::*;
pub use gateway::*;
pub use integration::*;
pub use operation::*;
pub use response::*;
pub use schema::*;
pub use stage::*;
pub use throttle::*;
pub use upstream::*;

use crate::findings::Place;

/// Where a thing was written. Two models are equal wherever their parts were written, so origins always compare equal.
#[derive(Debug, Clone, Default)]
pub struct Origin(pub Place);

impl PartialEq for Origin {
    fn eq(&self, _: &Origin) -> bool {
        true
    }
}

impl Eq for Origin {}

impl From<Place> for Origin {
    fn from(place: Place) -> Origin {
        Origin(place)
    }
}
