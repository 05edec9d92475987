//! Certificate authorities that a client believes: those of the system, those of a configured file, or both.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// Why authorities cannot be read from a file.
#[derive(Debug, thiserror::Error)]
pub enum AuthoritiesError {
    /// The file cannot be read, or is no PEM.
    #[error("cannot read a certificate from {}: {source}", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: rustls_pki_types::pem::Error,
    },
    /// The file holds no certificate.
    #[error("no certificate in {}", .path.display())]
    None {
        /// The file.
        path: PathBuf,
    },
}

/// The certificates of a PEM file.
///
/// # Errors
/// When the file cannot be read or holds no certificate.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, AuthoritiesError> {
    let failed = |source| AuthoritiesError::Pem { path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(failed)?;
    let found = found.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if found.is_empty() { Err(AuthoritiesError::None { path: path.to_owned() }) } else { Ok(found) }
}

/// The system's authorities and these.
///
/// # Errors
/// A sentence for the log.
pub async fn roots(configured: &[CertificateDer<'static>]) -> Result<RootCertStore, String> {
    let native = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let native = native.map_err(|error| error.to_string())?;
    for error in &native.errors {
        tracing::warn!(%error, "some certificate authorities of the system cannot be read");
    }
    let mut roots = only(configured);
    roots.add_parsable_certificates(native.certs);
    Ok(roots)
}

/// These, and none of the system.
pub(crate) fn only(configured: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(configured.iter().cloned());
    roots
}
