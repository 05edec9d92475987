//! Every spec with every algorithm and message type, by the model's table. Known answers are in `tests/vectors_*.rs` and
//! `tests/wycheproof_*.rs`.

use keyreeve_model::key_spec::KeyClass;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::*;
use crate::secret::SecretBytes;

mod forged;

/// Every spec that opens, generated once: RSA generation is slow.
static MATERIAL: LazyLock<HashMap<KeySpec, KeyMaterial>> = LazyLock::new(|| {
    KeySpec::ALL.iter().filter(|spec| opens(**spec)).map(|spec| (*spec, generate(*spec).unwrap())).collect()
});
static KEYS: LazyLock<HashMap<KeySpec, OpenKey>> =
    LazyLock::new(|| MATERIAL.iter().map(|(spec, m)| (*spec, OpenKey::open(*spec, m).unwrap())).collect());

fn opens(spec: KeySpec) -> bool {
    spec != KeySpec::SymmetricDefault
}

fn material(bytes: &[u8]) -> KeyMaterial {
    SecretBytes::from(bytes.to_vec()).into()
}

/// Bytes of a message that the type takes, where the algorithm takes the type.
fn message(algorithm: SigningAlgorithm, message_type: MessageType) -> Option<Vec<u8>> {
    match message_type {
        MessageType::Raw => {
            (algorithm != SigningAlgorithm::Ed25519PhSha512).then(|| b"attack at dawn".to_vec())
        }
        MessageType::Digest => algorithm.digest_len().map(|len| vec![7; len]),
        MessageType::ExternalMu => (algorithm == SigningAlgorithm::MlDsaShake256).then(|| vec![7; 64]),
    }
}

#[test]
fn generated_material_has_the_documented_length() {
    assert_eq!(generate(KeySpec::SymmetricDefault).unwrap().len(), 32);
    for (spec, len) in [
        (KeySpec::Hmac224, 28),
        (KeySpec::Hmac256, 32),
        (KeySpec::Hmac384, 48),
        (KeySpec::Hmac512, 64),
        (KeySpec::EccNistP256, 138),
        (KeySpec::EccNistP384, 185),
        (KeySpec::EccNistP521, 241),
        (KeySpec::EccNistEdwards25519, 48),
        (KeySpec::MlDsa44, 54),
        (KeySpec::MlDsa65, 54),
        (KeySpec::MlDsa87, 54),
        (KeySpec::MlKem512, 86),
        (KeySpec::MlKem768, 86),
        (KeySpec::MlKem1024, 86),
    ] {
        assert_eq!(MATERIAL[&spec].len(), len, "{spec}");
    }
}

#[test]
fn material_opens_as_its_own_spec_only() {
    for (spec, bytes) in MATERIAL.iter() {
        for other in KeySpec::ALL {
            // An HMAC key is bare bytes: anything of an allowed length is one.
            if other.row().class != KeyClass::Hmac {
                assert_eq!(OpenKey::open(*other, bytes).is_ok(), spec == other, "{spec} as {other}");
            }
        }
    }
}

#[test]
fn a_key_pair_has_an_spki_and_hmac_has_none() {
    for (spec, key) in KEYS.iter() {
        let Some(spki) = key.public_key() else {
            assert_eq!(spec.row().class, KeyClass::Hmac);
            continue;
        };
        for other in KeySpec::ALL {
            assert_eq!(PublicKey::from_spki(*other, spki).is_ok(), spec == other, "{spec} as {other}");
        }
        assert!(PublicKey::from_spki(*spec, &[spki, &[0]].concat()).is_err(), "{spec} with a tail");
        assert!(PublicKey::from_spki(*spec, &spki[..spki.len() - 1]).is_err(), "{spec} cut");
    }
}

#[test]
fn a_key_signs_exactly_with_its_algorithms_and_message_types() {
    for (spec, key) in KEYS.iter() {
        for algorithm in SigningAlgorithm::ALL {
            for message_type in MessageType::ALL {
                let right = message(*algorithm, *message_type);
                let taken = right.is_some() && spec.row().signing.contains(algorithm);
                let bytes = right.unwrap_or_else(|| vec![7; 64]);
                let signature = key.sign(*algorithm, *message_type, &bytes);
                assert_eq!(signature.is_ok(), taken, "{spec} {algorithm} {message_type}");
                if let Ok(signature) = signature {
                    refuses_changes(key, *algorithm, *message_type, &bytes, &signature);
                } else {
                    assert!(key.verify(*algorithm, *message_type, &bytes, &[0; 64]).is_err());
                }
            }
        }
    }
}

/// Verifies a signature and refuses it cut, extended, altered, empty, and for another message.
fn refuses_changes(
    key: &OpenKey,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &[u8],
    signature: &[u8],
) {
    let verify = |message: &[u8], signature: &[u8]| key.verify(algorithm, message_type, message, signature);
    verify(message, signature).unwrap();
    let mut altered = signature.to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let mut other_message = message.to_vec();
    other_message[0] ^= 1;
    for (message, signature) in [
        (message, &signature[1..]),
        (message, &signature[..signature.len() - 1]),
        (message, &[signature, &[0]].concat()),
        (message, &altered),
        (message, &[]),
        (&other_message, signature),
    ] {
        assert_eq!(verify(message, signature), Err(Unspecified), "{algorithm}");
    }
}

#[test]
fn a_digest_or_mu_of_the_wrong_length_is_refused() {
    for (spec, key) in KEYS.iter() {
        for algorithm in spec.row().signing {
            for message_type in [MessageType::Digest, MessageType::ExternalMu] {
                let Some(mut bytes) = message(*algorithm, message_type) else { continue };
                bytes.push(7);
                assert!(key.sign(*algorithm, message_type, &bytes).is_err(), "{spec} {algorithm}");
                bytes.truncate(bytes.len() - 2);
                assert!(key.sign(*algorithm, message_type, &bytes).is_err(), "{spec} {algorithm}");
                assert!(key.sign(*algorithm, message_type, &[]).is_err(), "{spec} {algorithm}");
            }
        }
    }
}

#[test]
fn a_digest_signature_verifies_over_the_message() {
    use aws_lc_rs::digest;
    for (spec, key) in KEYS.iter() {
        for algorithm in spec.row().signing {
            let hash = match algorithm.digest_len() {
                Some(32) if *algorithm != SigningAlgorithm::Sm2Dsa => &digest::SHA256,
                Some(48) => &digest::SHA384,
                Some(64) if *algorithm != SigningAlgorithm::Ed25519PhSha512 => &digest::SHA512,
                _ => continue,
            };
            let digest = digest::digest(hash, b"message");
            let signature = key.sign(*algorithm, MessageType::Digest, digest.as_ref()).unwrap();
            key.verify(*algorithm, MessageType::Raw, b"message", &signature).unwrap();
            let signature = key.sign(*algorithm, MessageType::Raw, b"message").unwrap();
            key.verify(*algorithm, MessageType::Digest, digest.as_ref(), &signature).unwrap();
        }
    }
}

#[test]
fn ed25519_is_deterministic_and_the_others_are_not() {
    for (spec, key) in KEYS.iter() {
        for algorithm in spec.row().signing {
            let message_type = if message(*algorithm, MessageType::Raw).is_some() {
                MessageType::Raw
            } else {
                MessageType::Digest
            };
            let bytes = message(*algorithm, message_type).unwrap();
            let sign = || key.sign(*algorithm, message_type, &bytes).unwrap();
            let deterministic = *spec == KeySpec::EccNistEdwards25519
                || matches!(
                    algorithm,
                    SigningAlgorithm::RsassaPkcs1V15Sha256
                        | SigningAlgorithm::RsassaPkcs1V15Sha384
                        | SigningAlgorithm::RsassaPkcs1V15Sha512
                );
            assert_eq!(sign() == sign(), deterministic, "{algorithm}");
        }
    }
}

#[test]
fn a_key_encrypts_exactly_with_its_algorithms_up_to_its_limit() {
    for (spec, key) in KEYS.iter() {
        for algorithm in EncryptionAlgorithm::ALL {
            let Some(max) = spec.plaintext_max(*algorithm) else {
                assert!(key.encrypt(*algorithm, b"x").is_err(), "{spec} {algorithm}");
                assert!(key.decrypt(*algorithm, &[0; 256]).is_err(), "{spec} {algorithm}");
                continue;
            };
            for len in [1, max] {
                let ciphertext = key.encrypt(*algorithm, &vec![9; len]).unwrap();
                assert_eq!(key.decrypt(*algorithm, &ciphertext).unwrap().expose_secret(), vec![9; len]);
                for position in [0, ciphertext.len() / 2, ciphertext.len() - 1] {
                    let mut altered = ciphertext.clone();
                    altered[position] ^= 1;
                    assert_eq!(key.decrypt(*algorithm, &altered).unwrap_err(), Unspecified);
                }
                assert!(key.decrypt(*algorithm, &ciphertext[1..]).is_err());
                assert!(key.decrypt(*algorithm, &[&ciphertext[..], &[0]].concat()).is_err());
                assert!(key.decrypt(*algorithm, &[]).is_err());
            }
            // SM2PKE has no limit of its own: that one is the service's.
            if *spec != KeySpec::Sm2 {
                assert!(key.encrypt(*algorithm, &vec![9; max + 1]).is_err(), "{spec} {algorithm}");
            }
        }
    }
}

#[test]
fn an_oaep_ciphertext_does_not_open_with_the_other_hash() {
    let key = &KEYS[&KeySpec::Rsa2048];
    let ciphertext = key.encrypt(EncryptionAlgorithm::RsaesOaepSha1, b"x").unwrap();
    assert!(key.decrypt(EncryptionAlgorithm::RsaesOaepSha256, &ciphertext).is_err());
}

#[test]
fn a_key_authenticates_exactly_with_its_mac_algorithm() {
    for (spec, key) in KEYS.iter() {
        for algorithm in MacAlgorithm::ALL {
            let tag = key.mac(*algorithm, b"message");
            assert_eq!(tag.is_ok(), spec.row().mac.contains(algorithm), "{spec} {algorithm}");
            let tag = tag.unwrap_or_default();
            assert_eq!(key.verify_mac(*algorithm, b"message", &tag).is_ok(), !tag.is_empty());
        }
    }
}

#[test]
fn two_keys_of_one_curve_agree_and_no_others_do() {
    for (spec, key) in KEYS.iter() {
        for (peer_spec, peer) in KEYS.iter() {
            let Some(spki) = peer.public_key() else { continue };
            let taken = spec == peer_spec && !spec.row().agreement.is_empty();
            assert_eq!(key.agree(spki).is_ok(), taken, "{spec} with {peer_spec}");
        }
    }
    for (spec, len) in [
        (KeySpec::EccNistP256, 32),
        (KeySpec::EccNistP384, 48),
        (KeySpec::EccNistP521, 66),
        (KeySpec::Sm2, 32),
    ] {
        let other = OpenKey::open(spec, &generate(spec).unwrap()).unwrap();
        let secret = KEYS[&spec].agree(other.public_key().unwrap()).unwrap();
        assert_eq!(secret.len(), len);
        assert!(secret.ct_eq(&other.agree(KEYS[&spec].public_key().unwrap()).unwrap()));
    }
}

#[test]
fn a_peer_given_as_a_bare_point_or_with_a_tail_is_refused() {
    for (spec, point_len) in [
        (KeySpec::EccNistP256, 65),
        (KeySpec::EccNistP384, 97),
        (KeySpec::EccNistP521, 133),
        (KeySpec::Sm2, 65),
    ] {
        let key = &KEYS[&spec];
        let spki = key.public_key().unwrap();
        let point = &spki[spki.len() - point_len..];
        assert_eq!(point[0], 0x04, "uncompressed");
        assert!(key.agree(point).is_err(), "{spec}");
        assert!(key.agree(&[spki, &[0]].concat()).is_err(), "{spec}");
    }
}

#[test]
fn an_encapsulated_secret_comes_back_and_an_altered_ciphertext_gives_another() {
    for (spec, key) in KEYS.iter() {
        if spec.row().encapsulation.is_empty() {
            assert!(key.encapsulate().is_err(), "{spec}");
            assert!(key.decapsulate(&[0; 768]).is_err(), "{spec}");
            continue;
        }
        let (secret, mut ciphertext) = key.encapsulate().unwrap();
        assert_eq!(secret.len(), 32);
        assert!(key.decapsulate(&ciphertext).unwrap().ct_eq(&secret));
        assert!(key.decapsulate(&ciphertext[1..]).is_err());
        assert!(key.decapsulate(&[&ciphertext[..], &[0]].concat()).is_err());
        ciphertext[0] ^= 1;
        assert!(!key.decapsulate(&ciphertext).unwrap().ct_eq(&secret), "implicit rejection");
    }
}

#[test]
fn rsa_keys_with_another_exponent_or_size_are_refused() {
    let spki = KEYS[&KeySpec::Rsa2048].public_key().unwrap();
    let mut exponent_three = spki.to_vec();
    *exponent_three.last_mut().unwrap() = 3;
    assert!(PublicKey::from_spki(KeySpec::Rsa2048, &exponent_three).is_err());
    assert!(PublicKey::from_spki(KeySpec::Rsa3072, spki).is_err());
}

#[test]
fn debug_shows_no_key() {
    for key in KEYS.values() {
        let text = format!("{key:?}");
        assert!(text.len() < 60 && text.ends_with(" .. }"), "{text}");
    }
}
