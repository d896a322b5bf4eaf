//! TLS by rustls with AWS-LC.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::{Stream, TlsSetup};
use crate::settings::StartFault;

fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER
        .get_or_init(|| Arc::new(aws_lc_rs::default_provider()))
        .clone()
}

/// TLS towards one back end.
pub(crate) struct ClientTls {
    config: ArcSwap<ClientConfig>,
    name: ServerName<'static>,
}

impl ClientTls {
    /// For a back end of this name or address. Its certificate is checked against Mozilla's roots, and those in the file that
    /// `SSL_CERT_FILE` names, as other programs do it.
    pub(crate) fn new(host: &str) -> Result<ClientTls, String> {
        Ok(ClientTls {
            config: ArcSwap::new(client_config()?),
            name: server_name(host)?,
        })
    }

    /// For a back end of this name or address, set up as a document says it.
    pub(crate) fn with(host: &str, setup: &TlsSetup) -> Result<ClientTls, String> {
        Ok(ClientTls {
            config: ArcSwap::new(ClientTls::config(setup)?),
            name: server_name(setup.server_name.unwrap_or(host))?,
        })
    }

    /// Has new connections set up with what the same setup says now. If it is of no use, all stays as it was.
    pub(crate) fn set_up_again(&self, setup: &TlsSetup) -> Result<(), String> {
        self.config.store(ClientTls::config(setup)?);
        Ok(())
    }

    fn config(setup: &TlsSetup) -> Result<Arc<ClientConfig>, String> {
        let mut config = match &setup.ca {
            None => ClientConfig::clone(&*client_config()?),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates(pem, "ca")? {
                    roots
                        .add(certificate)
                        .map_err(|fault| format!("`ca` cannot be used: {fault}"))?;
                }
                ClientConfig::clone(&*config_trusting(roots)?)
            }
        };
        if let Some((chain, key)) = &setup.identity {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                .map_err(|fault| format!("`clientKey` cannot be read: {fault}"))?;
            let certified =
                CertifiedKey::from_der(certificates(chain, "clientCert")?, key, &provider())
                    .map_err(|fault| {
                        format!("`clientCert` and `clientKey` cannot be used: {fault}")
                    })?;
            config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certified));
        }
        if setup.http2 {
            config.alpn_protocols = vec![b"h2".to_vec()];
        }
        Ok(Arc::new(config))
    }

    /// Makes a connection secure.
    pub(crate) async fn connect(&self, tcp: TcpStream) -> io::Result<Stream> {
        let config = self.config.load_full();
        let stream = TlsConnector::from(config.clone())
            .connect(self.name.clone(), tcp)
            .await?;
        let wants_http2 = config.alpn_protocols.iter().any(|name| name == b"h2");
        if wants_http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(io::Error::other("HTTP/2 was not agreed on"));
        }
        Ok(Stream::Tls(Box::new(TlsStream::Client(stream))))
    }

    /// For tests: offers HTTP/2.
    #[cfg(test)]
    pub(crate) fn with_http2(&self) -> ClientTls {
        let mut config = ClientConfig::clone(&self.config.load());
        config.alpn_protocols = vec![b"h2".to_vec()];
        ClientTls {
            config: ArcSwap::from_pointee(config),
            name: self.name.clone(),
        }
    }

    /// For tests: trusts these certificates alone.
    #[cfg(test)]
    #[expect(
        clippy::unwrap_used,
        reason = "a test without its certificate should stop"
    )]
    pub(crate) fn trusting(host: &str, certificates: &Path) -> ClientTls {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(certificates).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        ClientTls {
            config: ArcSwap::new(config_trusting(roots).unwrap()),
            name: ServerName::try_from(host.to_owned()).unwrap(),
        }
    }
}

/// Whether what went wrong with a connection is about TLS. In TLS 1.3 a server judges a client's certificate after the client has
/// begun to send, so that its refusal comes in place of an answer.
pub(crate) fn is_tls_fault(fault: &io::Error) -> bool {
    fault
        .get_ref()
        .is_some_and(|inner| matches!(inner.downcast_ref(), Some(rustls::Error::AlertReceived(_))))
}

fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| format!("`{host}` is no name that a certificate can have"))
}

/// The certificates of a text; what it says of a fault shows nothing of it.
fn certificates(pem: &str, member: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|fault| format!("`{member}` cannot be read: {fault}"))?;
    match chain.is_empty() {
        true => Err(format!("`{member}` holds no certificate")),
        false => Ok(chain),
    }
}

/// Whether it is known whom to trust: `SSL_CERT_FILE` may name what is of no use.
pub(crate) fn trusted() -> Result<(), String> {
    client_config().map(drop)
}

fn client_config() -> Result<Arc<ClientConfig>, String> {
    // One configuration, so that sessions are resumed whichever upstream of a host made them.
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    CONFIG
        .get_or_init(|| {
            let mut roots = RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            };
            if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
                let file = PathBuf::from(file);
                let unreadable = |fault: &dyn std::fmt::Display| {
                    format!(
                        "`SSL_CERT_FILE` names `{}`, which cannot be read: {fault}",
                        file.display()
                    )
                };
                for certificate in
                    CertificateDer::pem_file_iter(&file).map_err(|fault| unreadable(&fault))?
                {
                    let certificate = certificate.map_err(|fault| unreadable(&fault))?;
                    // Bundles hold old certificates that rustls does not take; they are no reason not to start.
                    let _ = roots.add(certificate);
                }
            }
            config_trusting(roots)
        })
        .clone()
}

fn config_trusting(roots: RootCertStore) -> Result<Arc<ClientConfig>, String> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|fault| fault.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// TLS towards clients; certificate and key can be read again while connections are open.
pub(crate) struct ServerTls {
    certificate: PathBuf,
    key: PathBuf,
    config: ArcSwap<ServerConfig>,
}

impl ServerTls {
    /// Reads certificate chain and key.
    pub(crate) fn load(certificate: &Path, key: &Path) -> Result<ServerTls, StartFault> {
        Ok(ServerTls {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            config: ArcSwap::new(server_config(certificate, key)?),
        })
    }

    /// Reads both files again. If they are of no use, the old ones stay.
    pub(crate) fn reload(&self) -> Result<(), StartFault> {
        self.config
            .store(server_config(&self.certificate, &self.key)?);
        Ok(())
    }

    /// Makes a connection secure; tells whether HTTP/2 was agreed on.
    pub(crate) async fn accept(&self, tcp: TcpStream) -> io::Result<(Stream, bool)> {
        let stream = TlsAcceptor::from(self.config.load_full())
            .accept(tcp)
            .await?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok((Stream::Tls(Box::new(TlsStream::Server(stream))), http2))
    }
}

fn server_config(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, StartFault> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(|chain| chain.collect())
        .map_err(|fault| {
            StartFault::new(
                format!(
                    "the certificate `{}` cannot be read: {fault}",
                    certificate.display()
                ),
                "give `--tls-cert` a PEM file with the certificate first and its issuers behind it",
            )
        })?;
    if chain.is_empty() {
        return Err(StartFault::new(
            format!("`{}` holds no certificate", certificate.display()),
            "give `--tls-cert` a PEM file with the certificate first and its issuers behind it",
        ));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|fault| {
        StartFault::new(
            format!(
                "the private key `{}` cannot be read: {fault}",
                key.display()
            ),
            "give `--tls-key` a PEM file with the key of the certificate",
        )
    })?;
    let unfit = |fault: rustls::Error| {
        StartFault::new(
            format!(
                "`{}` and `{}` cannot be used together: {fault}",
                certificate.display(),
                key.display()
            ),
            "check that the key belongs to the first certificate of the file",
        )
    };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
