//! RSAES-OAEP (RFC 8017 §7.1) with SHA-1 or SHA-256, MGF1 with the same hash, empty label, as AWS KMS does.

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use keyreeve_model::algorithm::EncryptionAlgorithm;
use zeroize::Zeroizing;

use crate::error::Unspecified;
use crate::secret::{Plaintext, SecretBytes};

fn algorithm_of(algorithm: EncryptionAlgorithm) -> Result<&'static OaepAlgorithm, Unspecified> {
    match algorithm {
        EncryptionAlgorithm::RsaesOaepSha1 => Ok(&OAEP_SHA1_MGF1SHA1),
        EncryptionAlgorithm::RsaesOaepSha256 => Ok(&OAEP_SHA256_MGF1SHA256),
        EncryptionAlgorithm::SymmetricDefault | EncryptionAlgorithm::Sm2Pke => Err(Unspecified),
    }
}

/// A public key that encrypts.
pub(super) struct Encrypter(OaepPublicEncryptingKey);

impl Encrypter {
    pub(super) fn new(key: PublicEncryptingKey) -> Result<Self, Unspecified> {
        Ok(Self(OaepPublicEncryptingKey::new(key)?))
    }

    /// Encrypts at most `KeySpec::plaintext_max` bytes; the ciphertext is as long as the modulus.
    pub(super) fn encrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        let algorithm = algorithm_of(algorithm)?;
        let mut ciphertext = vec![0; self.0.ciphertext_size()];
        let len = self.0.encrypt(algorithm, plaintext, &mut ciphertext, None)?.len();
        ciphertext.truncate(len);
        Ok(ciphertext)
    }
}

/// A private key that decrypts.
pub(super) struct Decrypter(OaepPrivateDecryptingKey);

impl Decrypter {
    pub(super) fn new(key: PrivateDecryptingKey) -> Result<Self, Unspecified> {
        Ok(Self(OaepPrivateDecryptingKey::new(key)?))
    }

    /// Decrypts; AWS-LC checks the padding in constant time and every failure is the same.
    pub(super) fn decrypt(
        &self,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Plaintext, Unspecified> {
        let algorithm = algorithm_of(algorithm)?;
        let mut buffer = Zeroizing::new(vec![0; self.0.min_output_size()]);
        let decrypted = self.0.decrypt(algorithm, ciphertext, &mut buffer, None)?;
        let plaintext = SecretBytes::init_with(decrypted.len(), |bytes| bytes.copy_from_slice(decrypted));
        Plaintext::try_from(plaintext).map_err(|_| Unspecified)
    }
}
