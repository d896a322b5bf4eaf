//! What stands in for TLS where the crate is built without it. Neither type has a value, so nothing can go on in the clear that
//! was meant to be secure.

use std::io;
use std::path::Path;

use tokio::net::TcpStream;

use super::{Stream, TlsSetup};
use crate::settings::StartFault;

/// TLS towards one back end.
pub(crate) enum ClientTls {}

impl ClientTls {
    /// Says that there is none.
    pub(crate) fn new(host: &str) -> Result<ClientTls, String> {
        Err(format!(
            "`https://{host}` cannot be called: this gateway is built without the feature `tls`"
        ))
    }

    /// Says that there is none.
    pub(crate) fn with(host: &str, _: &TlsSetup) -> Result<ClientTls, String> {
        ClientTls::new(host)
    }

    pub(crate) fn set_up_again(&self, _: &TlsSetup) -> Result<(), String> {
        match *self {}
    }

    pub(crate) async fn connect(&self, _: TcpStream) -> io::Result<Stream> {
        match *self {}
    }
}

/// Nobody has to be.
pub(crate) fn trusted() -> Result<(), String> {
    Ok(())
}

/// Nothing is.
pub(crate) fn is_tls_fault(_: &io::Error) -> bool {
    false
}

/// TLS towards clients.
pub(crate) enum ServerTls {}

impl ServerTls {
    /// Says that there is none.
    pub(crate) fn load(_: &Path, _: &Path) -> Result<ServerTls, StartFault> {
        Err(StartFault::new(
            "this gateway is built without TLS",
            "build it with the feature `tls`, or leave `--tls-cert` and `--tls-key` out",
        ))
    }

    pub(crate) fn reload(&self) -> Result<(), StartFault> {
        match *self {}
    }

    pub(crate) async fn accept(&self, _: TcpStream) -> io::Result<(Stream, bool)> {
        match *self {}
    }
}
