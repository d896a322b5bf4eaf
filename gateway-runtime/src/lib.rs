//! What a compiled gateway links.
//!
//! An emitted crate holds tables ([`def`]) and nothing else; everything a request meets lives here. Two halves:
//!
//! * without the feature `serve`: the tables, and the languages a document embeds ([`path`], [`expr`], [`pattern`]).
//!   The generator uses this half, so what it accepts is by construction what the gateway can run;
//! * with `serve`: the gateway itself. `pipeline` is its table of contents, one line per step of a request's life.
//!
//! The exported surface is synchronous and not generic, so that an emitted crate compiles in moments.

#[doc(hidden)]
pub mod codegen;
pub mod def;
pub mod expr;
pub mod path;
pub mod pattern;
