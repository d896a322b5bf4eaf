//! Helpers of the tests of the whole. The tests themselves are data: `cases/` holds documents and what they generate,
//! `serve/` documents and what a gateway made of them answers. Adding a case needs no Rust.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of a test that cannot go on should stop it"
)]

pub mod cases;
pub mod client;
pub mod corpus;
pub mod emitted;
pub mod gateway;
pub mod http2;
pub mod pattern;
pub mod tls;
pub mod tool;
pub mod upstream;
pub mod wait;
pub mod wire;
