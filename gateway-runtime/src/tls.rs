//! TLS towards clients and back ends. The only module that names the library and its provider.
//!
//! Invariants: TLS 1.2 or later; certificates of back ends are always checked. Absent on purpose: certificates of clients, and any
//! way to switch checking off.

mod stream;
#[cfg(feature = "tls")]
mod with;
#[cfg(not(feature = "tls"))]
mod without;

pub(crate) use stream::{SCRATCH, Stream};
#[cfg(feature = "tls")]
pub(crate) use with::{ClientTls, ServerTls, is_tls_fault, trusted};
#[cfg(not(feature = "tls"))]
pub(crate) use without::{ClientTls, ServerTls, is_tls_fault, trusted};

/// How TLS with a back end is set up, all texts read.
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "read by TLS alone"))]
#[derive(Default)]
pub(crate) struct TlsSetup {
    /// Certificates (PEM) of the authorities that are trusted, and no others.
    pub(crate) ca: Option<String>,
    /// The gateway's own certificate chain and key (PEM).
    pub(crate) identity: Option<(String, String)>,
    /// The name that certificates are checked for, where it is not the host.
    pub(crate) server_name: Option<&'static str>,
    /// Whether HTTP/2 is asked for, and nothing else is taken.
    pub(crate) http2: bool,
}
