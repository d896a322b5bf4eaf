//! The command line as people use it: arguments in; exit code, standard output and standard error out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod dev;
mod sessions;
mod support;
