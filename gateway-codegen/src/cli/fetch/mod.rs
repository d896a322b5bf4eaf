//! Files of other hosts, for documents whose references lead there and whose reader allows it (`--allow-ref-host`).
//!
//! Invariants: only HTTPS, only hosts that were named, only public addresses (the address that is looked at is the one
//! that is connected to), no redirects, at most [`MAX_BYTES`] and [`MAX_TIME`] each. What was fetched once is kept in a
//! folder and read from there, so a run that finds all of it needs no network, and says the same as the one before.
//! Absent on purpose: proxies, credentials, and anything that refreshes what is kept; delete it to have it fetched anew.

mod public;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway_codegen::resolve::{NotFetched, Remote};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HOST, HeaderValue, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Folder in which files are kept where no other is named.
pub(crate) const KEPT: &str = ".gateway-codegen/refs";

/// Largest file that is fetched, in bytes. The largest public API descriptions are around 10 MiB.
const MAX_BYTES: usize = 10 * 1024 * 1024;

/// Longest time that fetching a file may take, from the look-up of its host to its last byte.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Longest address in bytes; servers take no longer ones.
const MAX_ADDRESS: usize = 8 * 1024;

/// Finds the addresses of a host and port.
type Names = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Fetches files, and keeps them.
pub(crate) struct Fetcher {
    /// `host` or `host:port`, in small letters.
    hosts: Vec<String>,
    kept: PathBuf,
    roots: Result<RootCertStore, String>,
    names: Arc<Names>,
    may_ask: fn(IpAddr) -> bool,
    time: Duration,
}

impl Fetcher {
    /// One that asks these hosts, and keeps what they answer in a folder.
    pub(crate) fn new(hosts: &[String], kept: PathBuf) -> Fetcher {
        Fetcher {
            hosts: hosts.to_vec(),
            kept,
            roots: trusted(),
            names: Arc::new(|host, port| Ok((host, port).to_socket_addrs()?.collect())),
            may_ask: public::is_public,
            time: MAX_TIME,
        }
    }

    /// The bytes behind an address, from the network.
    fn ask(&self, asked: &Asked) -> Result<Vec<u8>, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let done =
            runtime.block_on(async { tokio::time::timeout(self.time, self.exchange(asked)).await });
        // A look-up that hangs is not waited for.
        runtime.shutdown_background();
        done.unwrap_or_else(|_| Err(format!("it took longer than {} s", self.time.as_secs())))
    }

    async fn exchange(&self, asked: &Asked) -> Result<Vec<u8>, String> {
        let stream = self.connect(asked).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        let request = Request::get(asked.target.as_str())
            .header(HOST, asked.authority.as_str())
            .header(ACCEPT, "application/yaml, application/json, */*")
            .header(ACCEPT_ENCODING, "identity")
            .header(
                USER_AGENT,
                concat!("gateway-codegen/", env!("CARGO_PKG_VERSION")),
            )
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| error.to_string())?;
        let status = response.status();
        if status.is_redirection() {
            return Err(format!(
                "it is answered {status}, and redirects are not followed"
            ));
        }
        if status != StatusCode::OK {
            return Err(format!("it is answered {status}"));
        }
        let plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
        if !response
            .headers()
            .get_all(CONTENT_ENCODING)
            .iter()
            .all(plain)
        {
            return Err("the answer is compressed, which was not asked for".to_owned());
        }
        let body = Limited::new(response.into_body(), MAX_BYTES)
            .collect()
            .await;
        match body {
            Ok(body) => Ok(body.to_bytes().to_vec()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                Err("it is larger than 10 MiB".to_owned())
            }
            Err(error) => Err(error.to_string()),
        }
    }

    async fn connect(
        &self,
        asked: &Asked,
    ) -> Result<tokio_rustls::client::TlsStream<TcpStream>, String> {
        let roots = self.roots.clone()?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let server = ServerName::try_from(asked.host.clone()).map_err(|error| error.to_string())?;
        let (names, host, port) = (Arc::clone(&self.names), asked.host.clone(), asked.port);
        let addresses = tokio::task::spawn_blocking(move || names(&host, port))
            .await
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("its host is not found: {error}"))?;
        // One forbidden address among others is reason enough: somebody plays with the names of the host.
        if let Some(inside) = addresses.iter().find(|a| !(self.may_ask)(a.ip())) {
            return Err(format!(
                "its host has the address {}, which is none of the public network",
                inside.ip()
            ));
        }
        let mut last = "its host has no address".to_owned();
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    let connector = TlsConnector::from(Arc::new(config));
                    let stream = connector.connect(server, stream).await;
                    return stream.map_err(|error| error.to_string());
                }
                Err(error) => last = format!("{address}: {error}"),
            }
        }
        Err(last)
    }

    fn allows(&self, asked: &Asked) -> bool {
        self.hosts.contains(&asked.name())
    }
}

impl Remote for Fetcher {
    fn fetch(&self, address: &str) -> Result<Vec<u8>, NotFetched> {
        let asked = Asked::read(address).map_err(NotFetched::Failed)?;
        if !self.allows(&asked) {
            return Err(NotFetched::NotAllowed(format!(
                "allow it with `--allow-ref-host {}`, or save the file beside the document",
                asked.name()
            )));
        }
        let file = self.kept.join(&asked.host).join(file_name(address));
        if let Some(bytes) = kept(&file).map_err(NotFetched::Failed)? {
            return Ok(bytes);
        }
        let bytes = self.ask(&asked).map_err(NotFetched::Failed)?;
        keep(&file, &bytes).map_err(|error| {
            NotFetched::Failed(format!("`{}` cannot be written: {error}", file.display()))
        })?;
        Ok(bytes)
    }
}

/// An address, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    /// In small letters; an IPv6 address without its brackets.
    host: String,
    port: u16,
    /// As `Host` says it.
    authority: String,
    /// Path and query.
    target: String,
}

impl Asked {
    fn read(address: &str) -> Result<Asked, String> {
        if address.len() > MAX_ADDRESS {
            return Err("the address is longer than 8 KiB".to_owned());
        }
        let uri: Uri = address
            .parse()
            .map_err(|_| "this is no address of a file".to_owned())?;
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("it carries a user name".to_owned());
        }
        let port = authority.port_u16().unwrap_or(443);
        let host = authority.host().to_ascii_lowercase();
        Ok(Asked {
            authority: match port {
                443 => host.clone(),
                port => format!("{host}:{port}"),
            },
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            target: uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
        })
    }

    /// What `--allow-ref-host` calls it.
    fn name(&self) -> String {
        self.authority.clone()
    }
}

/// Reads a value of `--allow-ref-host`: a host, with a port where it is not 443.
pub(crate) fn host(text: &str) -> Result<String, String> {
    let wrong =
        || format!("`{text}` is no host: write `specs.example.com`, or `specs.example.com:8443`");
    if text.is_empty() || text.contains(['/', '@', '*', ' ', '?', '#']) {
        return Err(wrong());
    }
    let asked = Asked::read(&format!("https://{text}/")).map_err(|_| wrong())?;
    Ok(asked.name())
}

/// Whom connections trust: the authorities of the web, and those of `SSL_CERT_FILE`.
fn trusted() -> Result<RootCertStore, String> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
        let unreadable =
            |error: &dyn std::fmt::Display| format!("`SSL_CERT_FILE` cannot be read: {error}");
        let file = PathBuf::from(file);
        for certificate in CertificateDer::pem_file_iter(&file).map_err(|e| unreadable(&e))? {
            // Bundles hold old certificates that rustls does not take.
            let _ = roots.add(certificate.map_err(|e| unreadable(&e))?);
        }
    }
    Ok(roots)
}

/// Name of the kept file: unique for its address, and known again by people.
fn file_name(address: &str) -> String {
    let digest = Sha256::digest(address.as_bytes());
    let digest: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let path = address.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let plain: String = last
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-._".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let tail = plain.len().saturating_sub(60);
    format!("{digest}-{}", plain.get(tail..).unwrap_or_default())
}

/// What was kept before; `None`: nothing.
fn kept(file: &Path) -> Result<Option<Vec<u8>>, String> {
    let data = match std::fs::symlink_metadata(file) {
        Ok(data) => data,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("`{}` cannot be read: {error}", file.display())),
    };
    if !data.is_file() {
        return Err(format!("`{}` is not a regular file", file.display()));
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    File::open(file)
        .and_then(|opened| opened.take(most.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(|error| format!("`{}` cannot be read: {error}", file.display()))?;
    if bytes.len() > MAX_BYTES {
        return Err(format!("`{}` is larger than 10 MiB", file.display()));
    }
    Ok(Some(bytes))
}

/// Keeps a file whole or not at all.
fn keep(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let beside = file.with_added_extension(format!("{}.part", std::process::id()));
    std::fs::write(&beside, bytes)?;
    std::fs::rename(&beside, file)
}
