//! The one door of emitted crates: they import this module and nothing else.

pub use crate::def::*;
