//! One address of a back end, and what calls to it share. The language calls it a target.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::breaker::Connections;
use super::http2::Http2Slot;
use super::pool::Slot;
use super::resolve::Names;
use crate::exchange::{BadTarget, FieldValue, Target};
use crate::settings::Settings;
use crate::tls::{self, TlsSetup};

/// An address of a back end. It is chosen by the document and the operator alone; nothing of a request reaches host or port.
pub(crate) struct Endpoint {
    name: String,
    host: String,
    port: u16,
    authority: FieldValue,
    /// Put before every path; empty or `/like/this`.
    base_path: String,
    tls: Option<tls::ClientTls>,
    names: Names,
    allow_link_local: bool,
    /// One per worker, so that workers never wait for each other.
    slots: Box<[Slot]>,
    /// Counts its connections, where they are bounded for all workers.
    connections: Option<Arc<Connections>>,
    /// Its connections by HTTP/2, one per worker, where it is spoken to by that.
    http2: Option<Box<[Http2Slot]>>,
}

impl Endpoint {
    /// Reads `http://host:port/base/path` or the same with `https`. The fault says what is wrong with it.
    pub(crate) fn new(name: &str, url: &str, settings: &Settings) -> Result<Endpoint, String> {
        let uri: http::Uri = url
            .parse()
            .map_err(|_| format!("`{url}` is no address of a back end"))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => {
                return Err(format!(
                    "`{url}` begins with neither `http://` nor `https://`"
                ));
            }
        };
        let authority = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or_else(|| {
                format!("`{url}` names no host, or carries a user name, which addresses of back ends may not")
            })?;
        if uri.query().is_some() {
            return Err(format!(
                "`{url}` has a query; the address of a back end ends with its path"
            ));
        }
        let host = authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let has_port = authority.as_str().len() > authority.host().len();
        if host.is_empty() || has_port && authority.port_u16().is_none_or(|port| port == 0) {
            return Err(format!("`{url}` names no host and port that can be called"));
        }
        let port = authority
            .port_u16()
            .unwrap_or(if secure { 443 } else { 80 });
        let base_path = uri.path().trim_end_matches('/').to_owned();
        let tls = if secure {
            Some(tls::ClientTls::new(&host)?)
        } else {
            None
        };
        Ok(Endpoint {
            name: name.to_owned(),
            authority: FieldValue::from_str(authority.as_str())
                .map_err(|_| format!("`{url}` names no host"))?,
            host,
            port,
            base_path,
            tls,
            names: Names::new(),
            allow_link_local: settings.allow_link_local,
            slots: (0..settings.workers.max(1))
                .map(|_| Slot::default())
                .collect(),
            connections: None,
            http2: None,
        })
    }

    /// The same, with TLS as a document says it.
    pub(crate) fn set_up(self, setup: &TlsSetup) -> Result<Endpoint, String> {
        let tls = match self.tls {
            Some(_) => Some(tls::ClientTls::with(&self.host, setup)?),
            None => None,
        };
        let http2 = setup
            .http2
            .then(|| self.slots.iter().map(|_| Http2Slot::default()).collect());
        Ok(Endpoint { tls, http2, ..self })
    }

    /// Has new connections set up with what a document says now of TLS.
    pub(super) fn set_up_again(&self, setup: &TlsSetup) -> Result<(), String> {
        self.tls
            .as_ref()
            .map_or(Ok(()), |tls| tls.set_up_again(setup))
    }

    /// The connection of a worker by HTTP/2; `None`: it is not spoken to by that.
    pub(super) fn http2(&self, worker: usize) -> Option<&Http2Slot> {
        let slots = self.http2.as_ref()?;
        slots.get(worker % slots.len())
    }

    /// The same, with its connections counted.
    pub(super) fn counted_by(self, connections: Option<&Arc<Connections>>) -> Endpoint {
        Endpoint {
            connections: connections.cloned(),
            ..self
        }
    }

    pub(super) fn connections(&self) -> Option<&Arc<Connections>> {
        self.connections.as_ref()
    }

    /// Closes an idle connection of any worker, if there is one.
    pub(super) fn close_an_idle_one(&self) -> bool {
        self.slots.iter().any(Slot::close_an_idle_one)
    }

    /// The address as a text that tells it from others.
    pub(super) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let authority = self.authority.to_str().unwrap_or_default();
        format!("{scheme}://{authority}{}", self.base_path)
    }

    /// Host and port as `Host` names them.
    pub(crate) fn authority(&self) -> &FieldValue {
        &self.authority
    }

    /// The path that is put before every request's: empty, or `/like/this`.
    pub(crate) fn base_path(&self) -> &str {
        &self.base_path
    }

    /// `target` behind the base path. Costs nothing where there is none.
    pub(crate) fn join(&self, target: Target) -> Result<Target, BadTarget> {
        if self.base_path.is_empty() {
            return Ok(target);
        }
        Target::parse(&[self.base_path.as_str(), target.as_str()].concat())
    }

    #[cfg(test)]
    pub(super) fn with_tls(self, tls: tls::ClientTls) -> Endpoint {
        Endpoint {
            tls: Some(tls),
            ..self
        }
    }

    #[cfg(test)]
    pub(super) fn set_port(&mut self, port: u16) {
        self.port = port;
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn tls(&self) -> Option<&tls::ClientTls> {
        self.tls.as_ref()
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    pub(super) fn slot(&self, worker: usize) -> &Slot {
        // Workers are numbered from 0; one more than was said at the start shares a slot rather than having none.
        &self.slots[worker % self.slots.len()]
    }

    /// Whether an address may be called. Link-local addresses, where clouds keep the credentials of a machine, may not
    /// (security requirement G14).
    pub(super) fn admits(&self, address: IpAddr) -> bool {
        self.allow_link_local || !is_link_local(address)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Endpoint({} at {:?}{})",
            self.name, self.authority, self.base_path
        )
    }
}

/// 169.254.0.0/16, fe80::/10, and Amazon's metadata service on IPv6; also where IPv4 hides in IPv6.
fn is_link_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            let embedded = match segments {
                // NAT64 (RFC 6052) and IPv4-compatible addresses end in an IPv4 address, 6to4 has it behind its prefix.
                [0x64, 0xff9b, 0, 0, 0, 0, high, _] | [0, 0, 0, 0, 0, 0, high, _] => high,
                [0x2002, high, ..] => high,
                _ => 0,
            };
            segments[0] & 0xffc0 == 0xfe80
                || embedded == 0xa9fe
                || segments == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]
        }
    }
}
