//! ECDH on P-256, P-384 and P-521 (NIST SP 800-56A r3 §5.7.1.2): the raw x coordinate, no derivation after it.

use aws_lc_rs::agreement::{Algorithm, PrivateKey, UnparsedPublicKey, agree};

use super::der::{UNCOMPRESSED_OR_COMPRESSED, spki_with_point};
use crate::error::Unspecified;
use crate::secret::{SecretBytes, SharedSecret};

/// A private key that agrees.
pub(super) struct Agreer {
    algorithm: &'static Algorithm,
    /// `AlgorithmIdentifier` of a peer's SPKI.
    identifier: &'static [u8],
    key: PrivateKey,
}

impl Agreer {
    /// Parses PKCS#8 DER.
    pub(super) fn open(
        algorithm: &'static Algorithm,
        identifier: &'static [u8],
        pkcs8: &[u8],
    ) -> Result<Self, Unspecified> {
        let key = PrivateKey::from_private_key_der(algorithm, pkcs8).map_err(|_| Unspecified)?;
        Ok(Self { algorithm, identifier, key })
    }

    /// Agrees with a peer's key, given as SPKI. AWS-LC checks that its point is on the same curve.
    pub(super) fn agree(&self, peer_spki: &[u8]) -> Result<SharedSecret, Unspecified> {
        // The parser behind would take a bare point, or a curve spelled out, too.
        spki_with_point(self.identifier, UNCOMPRESSED_OR_COMPRESSED, peer_spki)?;
        let peer = UnparsedPublicKey::new(self.algorithm, peer_spki);
        agree(&self.key, peer, Unspecified, |x| {
            Ok(SecretBytes::init_with(x.len(), |secret| secret.copy_from_slice(x)).into())
        })
    }
}
