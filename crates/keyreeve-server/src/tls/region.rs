//! TLS between Regions: 1.3 alone, both sides with a certificate, each known by its public key alone. Names, issuers and
//! dates in these certificates mean nothing: an operator of the other side trusted the key, until he trusts it no more.

use std::sync::Arc;

use keyreeve_crypto::digest::sha256;
use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::open_key::{OpenKey, generate};
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::region::Region;
use keyreeve_service::regions::{RegionCertificate, Regions};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P384_SHA384};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::{default_provider, kx_group};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};

use super::ALPN_H1;

/// Why a Region's certificate cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum RegionTlsError {
    /// It cannot be made.
    #[error("the certificate of the Region cannot be made: {0}")]
    Make(#[from] rcgen::Error),
    /// There is no randomness.
    #[error("the certificate of the Region cannot be made: {0}")]
    Key(#[from] Unspecified),
    /// What is stored cannot be used.
    #[error("the certificate of the Region cannot be used: {0}")]
    Use(#[from] Error),
}

/// A new certificate, P-384, signed by itself.
///
/// # Errors
/// [`RegionTlsError`].
pub fn make_certificate(region: &Region) -> Result<RegionCertificate, RegionTlsError> {
    let material = generate(KeySpec::EccNistP384)?;
    let spki = OpenKey::open(KeySpec::EccNistP384, &material)?;
    let pin = sha256(spki.public_key().ok_or(Unspecified)?);
    let pkcs8 = PrivatePkcs8KeyDer::from(material.expose_secret());
    let pair = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8, &PKCS_ECDSA_P384_SHA384)?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, format!("Keyreeve Region {region}"));
    let certificate = params.self_signed(&pair)?.der().to_vec();
    let bytes = material.expose_secret();
    let key = SecretBytes::init_with(bytes.len(), |copy| copy.copy_from_slice(bytes));
    Ok(RegionCertificate { certificate, key, pin })
}

/// SHA-256 of the public key (`SubjectPublicKeyInfo`) of a certificate; `None` where it is no certificate.
pub(crate) fn pin_of(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let parsed = ParsedCertificate::try_from(certificate).ok()?;
    Some(sha256(&parsed.subject_public_key_info()))
}

/// What a Region speaks with.
#[derive(Debug, Clone)]
pub struct RegionTls {
    provider: Arc<CryptoProvider>,
    own: Arc<CertifiedKey>,
}

impl RegionTls {
    /// With its certificate.
    ///
    /// # Errors
    /// [`RegionTlsError::Use`].
    pub fn new(certificate: &RegionCertificate) -> Result<Self, RegionTlsError> {
        // The handshake is a hybrid too where both sides are of this version, which they are.
        let kx_groups = vec![kx_group::X25519MLKEM768, kx_group::SECP384R1];
        let provider = Arc::new(CryptoProvider { kx_groups, ..default_provider() });
        let chain = vec![CertificateDer::from(certificate.certificate.clone())];
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(certificate.key.expose_secret().to_vec()));
        let own = Arc::new(CertifiedKey::from_der(chain, key, &provider)?);
        Ok(Self { provider, own })
    }

    /// As a server: nobody but trusted Regions comes through the handshake.
    ///
    /// # Errors
    /// [`RegionTlsError::Use`].
    pub fn server(&self, regions: Arc<Regions>) -> Result<ServerConfig, RegionTlsError> {
        let verifier = Arc::new(TrustedClients { regions, provider: Arc::clone(&self.provider) });
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&self.own))));
        config.alpn_protocols = vec![ALPN_H1.to_vec()];
        // Every connection shows its certificate: nothing is resumed.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// As a client of the Region with this pin.
    ///
    /// # Errors
    /// [`RegionTlsError::Use`].
    pub(crate) fn client(&self, pin: [u8; 32]) -> Result<ClientConfig, RegionTlsError> {
        let verifier = Arc::new(PinnedServer { pin, provider: Arc::clone(&self.provider) });
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&self.own))));
        config.alpn_protocols = vec![ALPN_H1.to_vec()];
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

/// Another key than the pinned one: the alert says "access denied".
const STRANGER: Error = Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure);
/// TLS 1.2 is not spoken, so nothing is signed in its way.
const OLD_TLS: Error = Error::PeerIncompatible(rustls::PeerIncompatible::Tls12NotOffered);

/// Lets in who has the certificate of a Region that is trusted now.
#[derive(Debug)]
struct TrustedClients {
    regions: Arc<Regions>,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for TrustedClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let pin = pin_of(end_entity).ok_or(STRANGER)?;
        match self.regions.peer_with_pin(&pin) {
            Some(_) => Ok(ClientCertVerified::assertion()),
            None => {
                tracing::debug!(
                    pin = hex::encode(pin),
                    "a certificate that no trusted Region has was refused"
                );
                Err(STRANGER)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(OLD_TLS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Believes one public key.
#[derive(Debug)]
struct PinnedServer {
    pin: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinnedServer {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if pin_of(end_entity) == Some(self.pin) { Ok(ServerCertVerified::assertion()) } else { Err(STRANGER) }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(OLD_TLS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_of_a_made_certificate_is_that_of_its_key_and_no_two_are_alike() {
        let region = Region::parse("eu-central-1").unwrap();
        let (one, other) = (make_certificate(&region).unwrap(), make_certificate(&region).unwrap());
        for made in [&one, &other] {
            assert_eq!(pin_of(&CertificateDer::from(made.certificate.as_slice())), Some(made.pin));
            RegionTls::new(made).unwrap();
        }
        assert_ne!(one.pin, other.pin);
        assert_eq!(pin_of(&CertificateDer::from(&b"nonsense"[..])), None);
    }
}
