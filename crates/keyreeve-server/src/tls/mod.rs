//! TLS 1.2 and 1.3 by rustls with AWS-LC: the server's configuration, and its certificate, which can be replaced while
//! connections are open. Client certificates are asked for by `region.rs` alone.

mod certificate;
mod dev_ca;
mod region;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{ProtocolVersion, ServerConfig, ServerConnection};
use tokio_rustls::TlsAcceptor;

pub use dev_ca::{DevCa, DevCaError};
pub use region::{RegionTls, RegionTlsError, make_certificate};

use crate::listener::TlsFacts;
use certificate::Certificate;

/// HTTP/2 and HTTP/1.1 in ALPN (RFC 7301 registry), preferred first.
pub(crate) const ALPN_H2: &[u8] = b"h2";
const ALPN_H1: &[u8] = b"http/1.1";

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read, or does not hold what it should.
    #[error("cannot read {} from {}: {source}", .what, .path.display())]
    Pem {
        /// `a certificate` or `a private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls_pki_types::pem::Error,
    },
    /// The file holds no certificate.
    #[error("no certificate in {}", .path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// The key cannot be used, or does not belong to the certificate.
    #[error("certificate and key cannot be used together: {0}")]
    Unusable(#[from] rustls::Error),
}

/// TLS as a server speaks it, with a certificate that can be reloaded.
#[derive(Debug)]
pub struct TlsServer {
    config: Arc<ServerConfig>,
    /// Absent where it is not of files.
    certificate: Option<Arc<Certificate>>,
}

impl TlsServer {
    /// Reads a certificate chain (the server's own first) and its private key from PEM files.
    ///
    /// # Errors
    /// When a file cannot be read or the two do not belong together.
    pub fn from_pem_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let certificate = Arc::new(Certificate::load(certificate, key, &provider)?);
        let config = Arc::new(config(provider, Arc::clone(&certificate))?);
        Ok(Self { config, certificate: Some(certificate) })
    }

    /// TLS as this configuration says; nothing is to be reloaded.
    pub fn with_config(config: ServerConfig) -> Self {
        Self { config: Arc::new(config), certificate: None }
    }

    /// Reads the files again; handshakes from now on use what they hold. Open connections keep what they have.
    ///
    /// # Errors
    /// As [`from_pem_files`](Self::from_pem_files); the old certificate then stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let provider = self.config.crypto_provider();
        self.certificate.as_ref().map_or(Ok(()), |certificate| certificate.reload(provider))
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

fn config(provider: Arc<CryptoProvider>, certificate: Arc<Certificate>) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_H1.to_vec()];
    // Tickets keep resumption off the shared session cache and its lock; rustls rotates their key.
    config.ticketer = aws_lc_rs::Ticketer::new()?;
    Ok(config)
}

/// What a handshake agreed on.
pub(crate) fn facts(connection: &ServerConnection) -> TlsFacts {
    // Only these two are enabled; an unfinished handshake would have neither.
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let suite =
        connection.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or_default();
    TlsFacts {
        version,
        // rustls tells the versions apart in the name (`TLS13_AES_…`), IANA and CloudTrail do not.
        cipher_suite: suite.replacen("TLS13_", "TLS_", 1),
        sni: connection.server_name().map(str::to_owned),
        client_pin: connection.peer_certificates().and_then(<[_]>::first).and_then(region::pin_of),
    }
}
