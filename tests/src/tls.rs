//! TLS on either side of a gateway. The certificates are those of the runtime's own tests: `localhost` and `other` are for the same
//! names, and nobody trusts either unless told to.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::cases;

/// A file of a certificate: `localhost.crt`, `localhost.key`, `other.crt`, `other.key`.
pub fn file(name: &str) -> PathBuf {
    cases::root().join("gateway-runtime/tests/data").join(name)
}

/// The name that both certificates are for.
pub fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn certificates(owner: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(file(&format!("{owner}.crt")))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// A client that trusts the certificate of `localhost` alone and speaks one protocol: `h2` or `http/1.1`.
pub fn client(protocol: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("localhost") {
        roots.add(certificate).unwrap();
    }
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    Arc::new(config)
}

/// A server that shows the certificate of `localhost` or of `other`. One that is `demanding` shows that of `localhost`, and wants the
/// same one of its clients.
pub fn server(kind: &str) -> Arc<ServerConfig> {
    let owner = match kind {
        "demanding" => "localhost",
        owner => owner,
    };
    let key = PrivateKeyDer::from_pem_file(file(&format!("{owner}.key"))).unwrap();
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match kind {
        "demanding" => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(owner) {
                roots.add(certificate).unwrap();
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        _ => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(certificates(owner), key).unwrap();
    Arc::new(config)
}
