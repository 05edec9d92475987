//! Wycheproof vectors (<https://github.com/C2SP/wycheproof>) for RSA PKCS#1 v1.5, PSS and OAEP.

use keyreeve_crypto::open_key::{OpenKey, PublicKey};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;
use wycheproof::{HashFunction, TestResult, rsa_oaep, rsa_pkcs1_verify, rsa_pss_verify};

fn spec(bits: usize) -> Option<KeySpec> {
    [KeySpec::Rsa2048, KeySpec::Rsa3072, KeySpec::Rsa4096]
        .into_iter()
        .find(|spec| spec.rsa_modulus_len() == Some(bits / 8))
}

#[test]
fn pkcs1_v1_5_verification() {
    use SigningAlgorithm as S;
    use rsa_pkcs1_verify::TestName as T;
    let mut tried = 0;
    for (name, algorithm) in [
        (T::Rsa2048Sha256, S::RsassaPkcs1V15Sha256),
        (T::Rsa2048Sha384, S::RsassaPkcs1V15Sha384),
        (T::Rsa2048Sha512, S::RsassaPkcs1V15Sha512),
        (T::Rsa3072Sha256, S::RsassaPkcs1V15Sha256),
        (T::Rsa3072Sha384, S::RsassaPkcs1V15Sha384),
        (T::Rsa3072Sha512, S::RsassaPkcs1V15Sha512),
        (T::Rsa4096Sha256, S::RsassaPkcs1V15Sha256),
        (T::Rsa4096Sha384, S::RsassaPkcs1V15Sha384),
        (T::Rsa4096Sha512, S::RsassaPkcs1V15Sha512),
    ] {
        for group in &rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let Ok(key) = PublicKey::from_spki(spec(group.key_size).unwrap(), &group.der) else {
                assert_ne!(group.key.e.as_slice(), [1, 0, 1], "only odd exponents are refused");
                continue;
            };
            for test in &group.tests {
                tried += 1;
                let verified = key.verify(algorithm, MessageType::Raw, &test.msg, &test.sig).is_ok();
                // "Acceptable" marks a signature whose padding omits the NULL: either answer is allowed.
                if test.result != TestResult::Acceptable {
                    let valid = test.result == TestResult::Valid;
                    assert_eq!(verified, valid, "{name:?} {}: {}", test.tc_id, test.comment);
                }
            }
        }
    }
    assert_eq!(tried, 2325);
}

#[test]
fn pss_verification() {
    use SigningAlgorithm as S;
    use rsa_pss_verify::TestName as T;
    let mut tried = 0;
    for (name, algorithm) in [
        (T::RsaPss2048Sha256Mgf1SaltLen32, S::RsassaPssSha256),
        (T::RsaPss2048Sha384Mgf1SaltLen48, S::RsassaPssSha384),
        (T::RsaPss3072Sha256Mgf1SaltLen32, S::RsassaPssSha256),
        (T::RsaPss4096Sha256Mgf1SaltLen32, S::RsassaPssSha256),
        (T::RsaPss4096Sha384Mgf1SaltLen48, S::RsassaPssSha384),
        (T::RsaPss4096Sha512Mgf1SaltLen64, S::RsassaPssSha512),
    ] {
        for group in &rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_spki(spec(group.key_size).unwrap(), &group.der).unwrap();
            for test in &group.tests {
                tried += 1;
                let verified = key.verify(algorithm, MessageType::Raw, &test.msg, &test.sig);
                assert_eq!(
                    verified.is_ok(),
                    !test.result.must_fail(),
                    "{name:?} {}: {}",
                    test.tc_id,
                    test.comment
                );
            }
        }
    }
    assert_eq!(tried, 785);
}

#[test]
fn pss_with_a_salt_that_is_not_as_long_as_the_digest_is_refused() {
    use rsa_pss_verify::TestName as T;
    let mut tried = 0;
    for name in [T::RsaPss2048Sha256Mgf1SaltLen0, T::RsaPss4096Sha512Mgf1SaltLen32] {
        for group in &rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_spki(spec(group.key_size).unwrap(), &group.der).unwrap();
            // Among the invalid ones are signatures with our own salt length.
            for test in group.tests.iter().filter(|test| !test.result.must_fail()) {
                tried += 1;
                for algorithm in [SigningAlgorithm::RsassaPssSha256, SigningAlgorithm::RsassaPssSha512] {
                    let verified = key.verify(algorithm, MessageType::Raw, &test.msg, &test.sig);
                    assert!(verified.is_err(), "{name:?} {}", test.tc_id);
                }
            }
        }
    }
    assert_eq!(tried, 193);
}

#[test]
fn oaep_decryption() {
    use rsa_oaep::TestName as T;
    let mut tried = 0;
    for name in [
        T::Rsa2048Sha1Mgf1Sha1,
        T::Rsa2048Sha256Mgf1Sha256,
        T::Rsa3072Sha256Mgf1Sha256,
        T::Rsa4096Sha256Mgf1Sha256,
        T::RsaMisc,
    ] {
        for group in &rsa_oaep::TestSet::load(name).unwrap().test_groups {
            let algorithm = match (&group.hash, &group.mgf_hash) {
                (HashFunction::Sha1, HashFunction::Sha1) => EncryptionAlgorithm::RsaesOaepSha1,
                (HashFunction::Sha2_256, HashFunction::Sha2_256) => EncryptionAlgorithm::RsaesOaepSha256,
                _ => continue,
            };
            let Some(spec) = spec(group.key_size) else { continue };
            let material = KeyMaterial::from(SecretBytes::from(group.pkcs8.to_vec()));
            let Ok(key) = OpenKey::open(spec, &material) else {
                assert_ne!(group.key.e.as_slice(), [1, 0, 1], "only odd exponents are refused");
                continue;
            };
            for test in &group.tests {
                tried += 1;
                // AWS KMS has no label, so a ciphertext with one does not decrypt.
                let valid = test.label.is_empty() && !test.result.must_fail();
                let plaintext = key.decrypt(algorithm, &test.ct);
                assert_eq!(plaintext.is_ok(), valid, "{name:?} {}: {}", test.tc_id, test.comment);
                if let Ok(plaintext) = plaintext {
                    assert_eq!(plaintext.expose_secret(), test.pt.as_slice(), "{name:?} {}", test.tc_id);
                }
            }
        }
    }
    assert_eq!(tried, 165);
}
