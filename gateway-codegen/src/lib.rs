//! Compiles an OpenAPI document with gateway extensions into a gateway.
//!
//! One API has three shapes: `Document` (what was written, with places) → [`model::Gateway`] (what was meant) → `*Def`
//! tables (what is served). Every module belongs to one shape or to one arrow between two.

pub mod assemble;
pub mod check;
pub mod emit;
pub mod findings;
pub mod load;
pub mod lower;
pub mod model;
pub mod names;
pub mod normalise;
pub mod resolve;
pub mod suggest;
pub mod tree;
