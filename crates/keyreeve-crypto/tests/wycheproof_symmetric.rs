//! Wycheproof vectors (<https://github.com/C2SP/wycheproof>) for AES-256-GCM and HMAC.

use keyreeve_crypto::open_key::OpenKey;
use keyreeve_crypto::primitive::aes_gcm::{Aes256Gcm, KEY_LEN, NONCE_LEN, TAG_LEN};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::MacAlgorithm;
use keyreeve_model::key_spec::KeySpec;
use wycheproof::{aead, mac};

#[test]
fn aes_256_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut tried = 0;
    for group in &set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (8 * KEY_LEN, 8 * NONCE_LEN, 8 * TAG_LEN) {
            continue;
        }
        for test in &group.tests {
            tried += 1;
            let key = Aes256Gcm::new(test.key.as_slice().try_into().unwrap()).unwrap();
            let nonce = test.nonce.as_slice().try_into().unwrap();
            let tag: [u8; TAG_LEN] = test.tag.as_slice().try_into().unwrap();
            let mut opened = vec![0; test.ct.len()];
            let open = key.open(nonce, &test.aad, &test.ct, &tag, &mut opened);
            assert_eq!(open.is_ok(), !test.result.must_fail(), "{}: {}", test.tc_id, test.comment);
            if open.is_ok() {
                assert_eq!(opened, test.pt.as_slice(), "{}", test.tc_id);
                assert_eq!(key.seal(nonce, &test.aad, &mut opened).unwrap(), tag, "{}", test.tc_id);
                assert_eq!(opened, test.ct.as_slice(), "{}", test.tc_id);
            }
        }
    }
    assert_eq!(tried, 66);
}

#[test]
fn hmac() {
    let mut tried = 0;
    for (name, spec, algorithm) in [
        (mac::TestName::HmacSha224, KeySpec::Hmac224, MacAlgorithm::HmacSha224),
        (mac::TestName::HmacSha256, KeySpec::Hmac256, MacAlgorithm::HmacSha256),
        (mac::TestName::HmacSha384, KeySpec::Hmac384, MacAlgorithm::HmacSha384),
        (mac::TestName::HmacSha512, KeySpec::Hmac512, MacAlgorithm::HmacSha512),
    ] {
        for group in &mac::TestSet::load(name).unwrap().test_groups {
            for test in &group.tests {
                let material = KeyMaterial::from(SecretBytes::from(test.key.to_vec()));
                // Shorter keys than the digest, and longer ones than AWS imports, are no material.
                let Ok(key) = OpenKey::open(spec, &material) else { continue };
                tried += 1;
                let whole = group.tag_size == 8 * key.mac(algorithm, b"").unwrap().len();
                let valid = whole && !test.result.must_fail();
                let verified = key.verify_mac(algorithm, &test.msg, &test.tag);
                assert_eq!(verified.is_ok(), valid, "{spec} {}: {}", test.tc_id, test.comment);
            }
        }
    }
    assert_eq!(tried, 658);
}
