//! Wycheproof vectors (<https://github.com/C2SP/wycheproof>) for ML-DSA and ML-KEM, through keys in seed form.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use keyreeve_crypto::open_key::{OpenKey, PublicKey};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;
use wycheproof::{mldsa_sign, mldsa_verify, mlkem};

const ML_DSA: SigningAlgorithm = SigningAlgorithm::MlDsaShake256;

/// 2.16.840.1.101.3.4.`arc`.`set`, the prefix of every NIST algorithm here.
fn oid(arc: u8, set: u8) -> [u8; 11] {
    [0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, arc, set]
}

/// PKCS#8 in seed form (RFC 9881 §6, RFC 9935 §6).
fn seed_form(oid: [u8; 11], seed: &[u8]) -> KeyMaterial {
    let len = u8::try_from(seed.len()).unwrap();
    let head = [0x30, len + 20, 0x02, 0x01, 0x00, 0x30, 0x0b];
    SecretBytes::from([&head, &oid[..], &[0x04, len + 2, 0x80, len], seed].concat()).into()
}

#[test]
fn ml_dsa_verification() {
    let mut tried = 0;
    for (name, spec) in [
        (mldsa_verify::TestName::MlDsa44Verify, KeySpec::MlDsa44),
        (mldsa_verify::TestName::MlDsa65Verify, KeySpec::MlDsa65),
        (mldsa_verify::TestName::MlDsa87Verify, KeySpec::MlDsa87),
    ] {
        for group in &mldsa_verify::TestSet::load(name).unwrap().test_groups {
            let key = PublicKey::from_spki(spec, &group.der);
            for test in &group.tests {
                tried += 1;
                // AWS KMS has no context, so a signature with one does not verify.
                let valid = test.ctx.as_ref().is_none_or(|ctx| ctx.is_empty()) && !test.result.must_fail();
                let verified = key
                    .as_ref()
                    .is_ok_and(|key| key.verify(ML_DSA, MessageType::Raw, &test.msg, &test.sig).is_ok());
                assert_eq!(verified, valid, "{spec} {}: {}", test.tc_id, test.comment);
            }
        }
    }
    assert_eq!(tried, 631);
}

#[test]
fn ml_dsa_keys_in_seed_form_and_mu() {
    let mut tried = 0;
    for (name, spec, set) in [
        (mldsa_sign::TestName::MlDsa44SignSeed, KeySpec::MlDsa44, 17),
        (mldsa_sign::TestName::MlDsa65SignSeed, KeySpec::MlDsa65, 18),
        (mldsa_sign::TestName::MlDsa87SignSeed, KeySpec::MlDsa87, 19),
    ] {
        for group in &mldsa_sign::TestSet::load(name).unwrap().test_groups {
            let Some(seed) = group.privseed.as_ref().filter(|seed| seed.len() == 32) else { continue };
            let material = seed_form(oid(3, set), seed);
            if let Some(pkcs8) = &group.privkey_pkcs8 {
                assert_eq!(material.expose_secret(), pkcs8.as_slice(), "{spec}");
            }
            let key = OpenKey::open(spec, &material).unwrap();
            if let Some(public) = &group.pubkey {
                assert!(key.public_key().unwrap().ends_with(public), "{spec}");
            }
            for test in group.tests.iter().filter(|test| !test.result.must_fail()) {
                tried += interchangeable(&key, test);
            }
        }
    }
    assert_eq!(tried, 275);
}

/// The vector's signature, and ours over its message and its mu, verify over both.
fn interchangeable(key: &OpenKey, test: &mldsa_sign::Test) -> usize {
    let Some(mu) = test.mu.as_ref() else { return 0 };
    key.verify(ML_DSA, MessageType::ExternalMu, mu, &test.sig).unwrap();
    let ours = key.sign(ML_DSA, MessageType::ExternalMu, mu).unwrap();
    key.verify(ML_DSA, MessageType::ExternalMu, mu, &ours).unwrap();
    let without_context = test.ctx.as_ref().is_none_or(|ctx| ctx.is_empty());
    if let Some(message) = test.msg.as_ref().filter(|_| without_context) {
        key.verify(ML_DSA, MessageType::Raw, message, &test.sig).unwrap();
        key.verify(ML_DSA, MessageType::Raw, message, &ours).unwrap();
        let ours = key.sign(ML_DSA, MessageType::Raw, message).unwrap();
        key.verify(ML_DSA, MessageType::ExternalMu, mu, &ours).unwrap();
    }
    1
}

const ML_KEM: [(KeySpec, u8); 3] = [(KeySpec::MlKem512, 1), (KeySpec::MlKem768, 2), (KeySpec::MlKem1024, 3)];

#[test]
fn ml_kem_decapsulation() {
    use mlkem::TestName as T;
    let mut tried = 0;
    for (name, (spec, set)) in [T::MlKem512, T::MlKem768, T::MlKem1024].into_iter().zip(ML_KEM) {
        for group in &mlkem::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let seed = test.seed.as_ref().unwrap();
                let Ok(key) = OpenKey::open(spec, &seed_form(oid(4, set), seed)) else {
                    assert!(test.result.must_fail(), "{spec} {}: {}", test.tc_id, test.comment);
                    continue;
                };
                tried += 1;
                let secret = key.decapsulate(test.ct.as_ref().unwrap());
                assert_eq!(
                    secret.is_ok(),
                    !test.result.must_fail(),
                    "{spec} {}: {}",
                    test.tc_id,
                    test.comment
                );
                if let Ok(secret) = secret {
                    assert_eq!(secret.expose_secret(), test.shared_secret.as_ref().unwrap().as_slice());
                    assert!(key.public_key().unwrap().ends_with(test.encaps_key.as_ref().unwrap()));
                }
            }
        }
    }
    assert_eq!(tried, 543);
}

#[test]
fn ml_kem_keys_in_seed_form() {
    use mlkem::TestName as T;
    let mut tried = 0;
    let names = [T::MlKem512KeyGenSeed, T::MlKem768KeyGenSeed, T::MlKem1024KeyGenSeed];
    for (name, (spec, set)) in names.into_iter().zip(ML_KEM) {
        for group in &mlkem::TestSet::load(name).unwrap().test_groups {
            for test in group.tests.iter().filter(|test| !test.result.must_fail()) {
                tried += 1;
                let key = OpenKey::open(spec, &seed_form(oid(4, set), test.seed.as_ref().unwrap())).unwrap();
                let spki = ml_kem_spki(set, test.encaps_key.as_ref().unwrap());
                assert_eq!(key.public_key().unwrap(), spki);
            }
        }
    }
    assert_eq!(tried, 300);
}

/// SPKI of an ML-KEM encapsulation key (RFC 9935 §4), written out by hand.
fn ml_kem_spki(set: u8, key: &[u8]) -> Vec<u8> {
    let bits = u16::try_from(key.len() + 1).unwrap().to_be_bytes();
    let body = u16::try_from(key.len() + 1 + 4 + 13).unwrap().to_be_bytes();
    [&[0x30, 0x82], &body[..], &[0x30, 0x0b], &oid(4, set), &[0x03, 0x82], &bits, &[0x00], key].concat()
}

#[test]
fn ml_kem_encapsulation_keys_with_unreduced_coefficients_are_refused() {
    use mlkem::TestName as T;
    let (mut good, mut refused) = (0, 0);
    let names = [T::MlKem512Encaps, T::MlKem768Encaps, T::MlKem1024Encaps];
    for (name, (spec, set)) in names.into_iter().zip(ML_KEM) {
        for group in &mlkem::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let spki = ml_kem_spki(set, test.encaps_key.as_ref().unwrap());
                let encapsulated = PublicKey::from_spki(spec, &spki).and_then(|key| key.encapsulate());
                assert_eq!(encapsulated.is_ok(), !test.result.must_fail(), "{spec} {}", test.tc_id);
                if encapsulated.is_ok() { good += 1 } else { refused += 1 }
            }
        }
    }
    assert_eq!((good, refused), (399, 396));
}
