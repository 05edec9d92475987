//! Public keys that heads and tombstones are verified with, by fingerprint.

use std::collections::BTreeMap;

use keyreeve_crypto::primitive::public_key;
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;

use crate::chain::{SignedHead, head_to_sign};
use crate::signing_key::PublicKey;

/// What precedes a PKCS#1 `RSAPublicKey` of 2048 bits with exponent 65537 (270 bytes) in a SubjectPublicKeyInfo:
/// SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING }. RFC 8017 A.1, RFC 5280 §4.1.2.7.
const SPKI_HEAD: [u8; 24] = [
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
    0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
];

/// What a signature turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature {
    /// By the key that it names.
    Right,
    /// Not by the key that it names.
    Wrong,
    /// By a key that is not among those given.
    UnknownKey,
}

/// Keys by fingerprint.
#[derive(Debug, Default)]
pub struct Keys(BTreeMap<String, public_key::PublicKey>);

impl Keys {
    /// Of these keys; `None` when one is not an RSA key of 2048 bits. Fingerprints are computed, not believed.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Option<Self> {
        let open = |key: &PublicKey| {
            let spki = [SPKI_HEAD.as_slice(), &key.pkcs1].concat();
            let fingerprint = PublicKey::of_spki(&spki)?.fingerprint;
            Some((fingerprint, public_key::PublicKey::from_spki(KeySpec::Rsa2048, &spki).ok()?))
        };
        keys.into_iter().map(open).collect::<Option<_>>().map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Looks at a signature (in hex) of the key with that fingerprint.
    pub fn check(&self, fingerprint: &str, message: &str, signature: &str) -> Signature {
        let Some(key) = self.0.get(fingerprint) else { return Signature::UnknownKey };
        let Ok(signature) = hex::decode(signature) else { return Signature::Wrong };
        let algorithm = SigningAlgorithm::RsassaPkcs1V15Sha256;
        match key.verify(algorithm, MessageType::Raw, message.as_bytes(), &signature) {
            Ok(()) => Signature::Right,
            Err(_) => Signature::Wrong,
        }
    }

    /// Looks at the signature of a head.
    pub fn check_head(&self, head: &SignedHead) -> Signature {
        let message = head_to_sign(head.place, &head.hash, head.time);
        self.check(&head.fingerprint, &message, &head.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Place;
    use crate::signing_key::SigningKey;
    use keyreeve_model::timestamp::Timestamp;

    #[test]
    fn a_signature_is_right_wrong_or_of_a_stranger() {
        let open = || SigningKey::open(&SigningKey::generate().unwrap()).unwrap();
        let (key, stranger) = (open(), open());
        let keys = Keys::new([key.public()]).unwrap();
        let time = Timestamp::from_millis(1);
        let head = key.sign_head(Place(4), &[7; 32], time).unwrap();
        assert_eq!(keys.check_head(&head), Signature::Right);
        let moved = SignedHead { place: Place(5), ..head.clone() };
        assert_eq!(keys.check_head(&moved), Signature::Wrong);
        let other = stranger.sign_head(Place(4), &[7; 32], time).unwrap();
        assert_eq!(keys.check_head(&other), Signature::UnknownKey);
        let disguised = SignedHead { fingerprint: head.fingerprint, ..other };
        assert_eq!(keys.check_head(&disguised), Signature::Wrong);
        let broken = PublicKey { pkcs1: vec![1, 2, 3], fingerprint: String::new() };
        assert!(Keys::new([&broken]).is_none());
    }
}
