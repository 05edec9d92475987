//! The server's certificate and key, read from PEM files and replaceable while handshakes go on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;

/// A certificate with the files that it came from.
#[derive(Debug)]
pub(super) struct Certificate {
    certificate_file: PathBuf,
    key_file: PathBuf,
    current: ArcSwap<CertifiedKey>,
}

impl Certificate {
    pub(super) fn load(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<Self, TlsError> {
        Ok(Self {
            certificate_file: certificate.to_owned(),
            key_file: key.to_owned(),
            current: ArcSwap::from_pointee(read(certificate, key, provider)?),
        })
    }

    pub(super) fn reload(&self, provider: &CryptoProvider) -> Result<(), TlsError> {
        let fresh = read(&self.certificate_file, &self.key_file, provider)?;
        self.current.store(Arc::new(fresh));
        Ok(())
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let pem = |what, path: &Path| {
        let path = path.to_owned();
        move |source| TlsError::Pem { what, path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(pem("a certificate", certificate))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { path: certificate.to_owned() });
    }
    let key = PrivateKeyDer::from_pem_file(key).map_err(pem("a private key", key))?;
    Ok(CertifiedKey::from_der(chain, key, provider)?)
}
