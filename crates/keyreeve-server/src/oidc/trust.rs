//! Whose certificates are believed when keys are fetched: the system's authorities, those of a configured file, and for
//! an issuer the certificates whose thumbprints its account registered.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html>

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::sync::OnceCell;

use crate::http_client::{self, read_certificates};
use crate::tls::TlsError;

/// Authorities.
#[derive(Debug)]
pub(super) struct Trust {
    provider: Arc<CryptoProvider>,
    configured: Vec<CertificateDer<'static>>,
    /// Read when keys are fetched for the first time: most deployments never do.
    roots: OnceCell<Arc<RootCertStore>>,
}

impl Trust {
    /// The system's authorities and those in this PEM file.
    ///
    /// # Errors
    /// When the file cannot be read or holds no certificate.
    pub(super) fn new(ca_file: Option<&Path>) -> Result<Self, TlsError> {
        let configured = ca_file.map(read_certificates).transpose()?.unwrap_or_default();
        Ok(Self { provider: Arc::new(provider::default_provider()), configured, roots: OnceCell::new() })
    }

    /// How to speak TLS with an issuer for which these thumbprints are registered.
    ///
    /// # Errors
    /// A sentence for the log.
    pub(super) async fn config(&self, thumbprints: &[String]) -> Result<ClientConfig, String> {
        let roots = self.roots.get_or_try_init(|| self.load()).await?;
        let verifier = IssuerVerifier {
            provider: Arc::clone(&self.provider),
            authorities: authorities(Arc::clone(roots), &self.provider).ok(),
            thumbprints: thumbprints.iter().map(|text| text.to_ascii_lowercase()).collect(),
        };
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(config)
    }

    async fn load(&self) -> Result<Arc<RootCertStore>, String> {
        http_client::roots(&self.configured).await.map(Arc::new)
    }
}

type Authorities = Arc<WebPkiServerVerifier>;

fn authorities(roots: Arc<RootCertStore>, provider: &Arc<CryptoProvider>) -> Result<Authorities, Error> {
    let builder = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider));
    builder.build().map_err(|error| Error::General(error.to_string()))
}

/// Verifies as always; where that fails for want of a known authority only, once more with a certificate of the chain
/// as the authority whose thumbprint is registered. Names and dates must be right in any case.
#[derive(Debug)]
struct IssuerVerifier {
    provider: Arc<CryptoProvider>,
    /// Absent on a system without any authority.
    authorities: Option<Authorities>,
    /// Hexadecimal, lower case.
    thumbprints: Vec<String>,
}

impl IssuerVerifier {
    fn pinned(&self, chain: &[&CertificateDer<'_>]) -> Option<Authorities> {
        let registered = |certificate: &CertificateDer<'_>| {
            let thumbprint = hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate.as_ref()));
            self.thumbprints.contains(&thumbprint)
        };
        let found = chain.iter().find(|certificate| registered(certificate))?;
        let mut roots = RootCertStore::empty();
        roots.add((**found).clone().into_owned()).ok()?;
        authorities(Arc::new(roots), &self.provider).ok()
    }
}

impl ServerCertVerifier for IssuerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let unknown = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        let verdict = self.authorities.as_ref().map_or(unknown, |authorities| {
            authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        });
        match verdict {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                let chain: Vec<_> = std::iter::once(end_entity).chain(intermediates).collect();
                self.pinned(&chain).map_or(verdict, |pinned| {
                    pinned.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                })
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
