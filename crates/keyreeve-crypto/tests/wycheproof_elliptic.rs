//! Wycheproof vectors (<https://github.com/C2SP/wycheproof>) for ECDSA, Ed25519 and ECDH.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use keyreeve_crypto::open_key::{OpenKey, PublicKey};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;
use wycheproof::{TestResult, ecdh, ecdsa, eddsa};

#[test]
fn ecdsa_verification() {
    let mut tried = 0;
    for (name, spec, algorithm) in [
        (ecdsa::TestName::EcdsaSecp256r1Sha256, KeySpec::EccNistP256, SigningAlgorithm::EcdsaSha256),
        (ecdsa::TestName::EcdsaSecp384r1Sha384, KeySpec::EccNistP384, SigningAlgorithm::EcdsaSha384),
        (ecdsa::TestName::EcdsaSecp521r1Sha512, KeySpec::EccNistP521, SigningAlgorithm::EcdsaSha512),
        (ecdsa::TestName::EcdsaSecp256k1Sha256, KeySpec::EccSecgP256k1, SigningAlgorithm::EcdsaSha256),
    ] {
        for group in &ecdsa::TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_spki(spec, &group.der).unwrap();
            for test in &group.tests {
                tried += 1;
                let verified = key.verify(algorithm, MessageType::Raw, &test.msg, &test.sig);
                assert_eq!(
                    verified.is_ok(),
                    !test.result.must_fail(),
                    "{spec} {}: {}",
                    test.tc_id,
                    test.comment
                );
            }
        }
    }
    assert_eq!(tried, 2006);
}

#[test]
fn ed25519_verification() {
    let mut tried = 0;
    for group in &eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = PublicKey::from_spki(KeySpec::EccNistEdwards25519, &group.der).unwrap();
        for test in &group.tests {
            tried += 1;
            let verified =
                key.verify(SigningAlgorithm::Ed25519Sha512, MessageType::Raw, &test.msg, &test.sig);
            assert_eq!(verified.is_ok(), !test.result.must_fail(), "{}: {}", test.tc_id, test.comment);
        }
    }
    assert_eq!(tried, 151);
}

/// A PKCS#8 document without the public key, as some tools export it (RFC 5915, RFC 5958).
fn pkcs8(curve_oid: &[u8], field_len: usize, scalar: &[u8]) -> Option<KeyMaterial> {
    fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(body.len()).unwrap()], body].concat()
    }
    let scalar = scalar.strip_prefix(&[0]).unwrap_or(scalar);
    let padded = [vec![0; field_len.checked_sub(scalar.len())?], scalar.to_vec()].concat();
    let private = tlv(0x30, &[tlv(0x02, &[1]), tlv(0x04, &padded)].concat());
    let ec_public_key = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    let algorithm = tlv(0x30, &[tlv(0x06, &ec_public_key), tlv(0x06, curve_oid)].concat());
    let document = tlv(0x30, &[tlv(0x02, &[0]), algorithm, tlv(0x04, &private)].concat());
    Some(SecretBytes::from(document).into())
}

#[test]
fn ecdh_agreement() {
    let (mut agreed, mut refused) = (0, 0);
    for (name, spec, oid, field_len) in [
        (
            ecdh::TestName::EcdhSecp256r1,
            KeySpec::EccNistP256,
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07].as_slice(),
            32,
        ),
        (ecdh::TestName::EcdhSecp384r1, KeySpec::EccNistP384, &[0x2b, 0x81, 0x04, 0x00, 0x22], 48),
        (ecdh::TestName::EcdhSecp521r1, KeySpec::EccNistP521, &[0x2b, 0x81, 0x04, 0x00, 0x23], 66),
    ] {
        for group in &ecdh::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let key = OpenKey::open(spec, &pkcs8(oid, field_len, &test.private_key).unwrap()).unwrap();
                let secret = key.agree(&test.public_key);
                // "Acceptable" marks compressed points and the like: either answer is allowed, but no wrong secret.
                if test.result != TestResult::Acceptable {
                    let valid = test.result == TestResult::Valid;
                    assert_eq!(secret.is_ok(), valid, "{spec} {}: {}", test.tc_id, test.comment);
                }
                if let Ok(secret) = secret {
                    agreed += 1;
                    assert_eq!(
                        secret.expose_secret(),
                        test.shared_secret.as_slice(),
                        "{spec} {}",
                        test.tc_id
                    );
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert_eq!((agreed, refused), (1736, 839));
}
