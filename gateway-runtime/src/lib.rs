//! What a compiled gateway links.
//!
//! An emitted crate holds tables ([`def`]) and nothing else; everything a request meets lives here. Two halves:
//!
//! * without the feature `serve`: the tables, and the languages a document embeds ([`path`], [`expr`], [`pattern`], [`schema`],
//!   [`jsonpath`]).
//!   The generator uses this half, so what it accepts is by construction what the gateway can run;
//! * with `serve`: the gateway itself. `pipeline` is its table of contents, one line per step of a request's life.
//!
//! The exported surface is synchronous and not generic, so that an emitted crate compiles in moments.

#[doc(hidden)]
pub mod codegen;
pub mod def;
pub mod expr;
pub mod jsonpath;
pub mod path;
pub mod pattern;
pub mod schema;

#[cfg(feature = "serve")]
mod accept;
#[cfg(feature = "serve")]
mod admin;
#[cfg(feature = "serve")]
mod cache;
#[cfg(feature = "serve")]
mod cli;
#[cfg(feature = "serve")]
mod client;
#[cfg(feature = "serve")]
pub mod clock;
#[cfg(feature = "serve")]
mod cors;
#[cfg(feature = "serve")]
mod exchange;
#[cfg(feature = "serve")]
pub mod gateway;
#[cfg(feature = "serve")]
mod h1;
#[cfg(feature = "serve")]
mod integration;
#[cfg(feature = "serve")]
mod listing;
#[cfg(feature = "serve")]
mod observe;
#[cfg(feature = "serve")]
mod pipeline;
#[cfg(feature = "serve")]
pub mod refusal;
#[cfg(feature = "serve")]
mod respond;
#[cfg(feature = "serve")]
pub mod route;
#[cfg(feature = "serve")]
pub mod serve;
#[cfg(feature = "serve")]
mod server;
#[cfg(feature = "serve")]
pub mod settings;
#[cfg(feature = "serve")]
mod spare;
#[cfg(all(test, feature = "serve"))]
mod testing;
#[cfg(feature = "serve")]
mod throttle;
#[cfg(feature = "serve")]
mod tls;
#[cfg(feature = "serve")]
mod validate;
#[cfg(feature = "serve")]
mod values;

#[cfg(feature = "serve")]
pub use cli::main;
#[cfg(feature = "serve")]
pub use integration::preview;
