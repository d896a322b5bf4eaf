//! TLS towards clients and back ends. The only module that names the library and its provider.
//!
//! Invariants: TLS 1.2 or later; certificates of back ends are always checked. Absent on purpose: client certificates, and any
//! way to switch checking off.

mod stream;
#[cfg(feature = "tls")]
mod with;
#[cfg(not(feature = "tls"))]
mod without;

pub(crate) use stream::{SCRATCH, Stream};
#[cfg(feature = "tls")]
pub(crate) use with::{ClientTls, ServerTls};
#[cfg(not(feature = "tls"))]
pub(crate) use without::{ClientTls, ServerTls};
