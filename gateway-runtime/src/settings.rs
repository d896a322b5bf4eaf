//! What the person who starts a gateway decides, as opposed to what the document says.
//!
//! [`crate::main`] fills [`Settings`] from flags and the environment; tests and `gateway-codegen dev` fill it themselves.
//! Nothing here is read again later: what the process runs with is what it was started with.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How a gateway is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where requests are served.
    pub listen: Vec<SocketAddr>,
    /// Where health, metrics and routes are served; `None`: nowhere.
    pub admin: Option<SocketAddr>,
    /// What a caller of the admin listener must show. Required where the listener is not on a loopback address.
    pub admin_token: Option<Secret>,
    /// Names under which the admin listener may be addressed, besides `localhost` and addresses.
    pub admin_hosts: Vec<String>,
    /// Threads that serve requests; at least 1.
    pub workers: usize,
    /// The one stage that is served, at `/`; `None`: every stage at its mount.
    pub stage: Option<String>,
    /// Stage variables that replace those of the document.
    pub stage_vars: Vec<(String, String)>,
    /// Values of deployment parameters.
    pub parameters: Vec<(String, String)>,
    /// Back ends that replace those of the document, by name; `default` is the document's own server.
    pub upstreams: Vec<(String, String)>,
    /// Files with the certificate chain and the private key, both PEM; `None`: no TLS towards clients.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// How long requests in flight may take once the gateway is told to stop.
    pub drain: Duration,
    /// The socket file through which listening sockets come from the gateway before and go to the next; `None`: they do not.
    pub hand_over: Option<PathBuf>,
    /// Whether HTTP back ends are not called, and the document's examples answer in their place.
    pub mock: bool,
    /// Whether back ends may be link-local, cloud metadata services among them.
    pub allow_link_local: bool,
    /// Where access logs go.
    pub access_log: AccessLogTo,
}

impl Default for Settings {
    fn default() -> Settings {
        let local = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Settings {
            listen: vec![local(8080)],
            admin: Some(local(8081)),
            admin_token: None,
            admin_hosts: Vec::new(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            stage: None,
            stage_vars: Vec::new(),
            parameters: Vec::new(),
            upstreams: Vec::new(),
            tls: None,
            drain: Duration::from_secs(30),
            hand_over: None,
            mock: false,
            allow_link_local: false,
            access_log: AccessLogTo::AsDocument,
        }
    }
}

/// Where access logs go. The format is the document's; where it has none, a line is a JSON object of the usual fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLogTo {
    /// Where the document says, if it says.
    AsDocument,
    /// Nowhere.
    Off,
    /// Standard output, for every stage.
    Stdout,
    /// Standard error, for every stage.
    Stderr,
    /// Appended to this file, for every stage.
    File(PathBuf),
}

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text` secret.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Why a gateway does not start. All of them are found before any is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFault {
    /// What is wrong, one sentence without its full stop.
    pub message: String,
    /// What to do about it.
    pub help: String,
}

impl StartFault {
    /// A fault and its way out.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> StartFault {
        StartFault {
            message: message.into(),
            help: help.into(),
        }
    }
}

impl fmt::Display for StartFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  help: {}", self.message, self.help)
    }
}

impl std::error::Error for StartFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let settings = Settings {
            admin_token: Some(Secret::new("hunter2")),
            ..Settings::default()
        };
        let printed = format!("{settings:?}");
        assert!(
            printed.contains("[secret]") && !printed.contains("hunter2"),
            "{printed}"
        );
    }
}
