//! Imported material: what a customer wrapped, and tokens whose seal is right and whose content is anything. Nothing
//! panics, what is altered brings no material, and what comes out is a whole key of its spec or refused.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::import::{WrappingKey, identify, unwrap};
use keyreeve_crypto::keyring::Keyring;
use keyreeve_crypto::open_key::{self, PublicKey};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::EncryptionAlgorithm;
use keyreeve_model::import::{WrappingAlgorithm, WrappingKeySpec};
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_spec::{KeyClass, KeySpec};
use keyreeve_service::catalogue::{Api, find};
use serde_json::{Value, json};

use crate::rig::Rig;
use crate::tape::Tape;

const SPEC: WrappingKeySpec = WrappingKeySpec::Rsa2048;
const MATERIAL: [u8; 32] = [9; 32];
const KEY: KeyId = KeyId::new([7; 16], false);
/// The middle key and the second part of the second example of RFC 5649 section 6.
const AES_KEY: [u8; 24] = [
    0x58, 0x40, 0xdf, 0x6e, 0x29, 0xb0, 0x2a, 0xf1, 0xab, 0x49, 0x3b, 0x70, 0x5b, 0xf1, 0x6e, 0xa1, 0xae,
    0x83, 0x38, 0xf4, 0xdc, 0xc1, 0x76, 0xa8,
];
const WRAPPED: [u8; 16] =
    [0xaf, 0xbe, 0xb0, 0xf0, 0x7d, 0xfb, 0xf5, 0x41, 0x92, 0x00, 0xf2, 0xcc, 0xb5, 0x0b, 0xb2, 0x4f];

static WRAPPING: LazyLock<WrappingKey> = LazyLock::new(|| WrappingKey::generate(SPEC).unwrap());

fn encrypted(bytes: &[u8]) -> Vec<u8> {
    let key = PublicKey::from_spki(SPEC.key_spec(), &WRAPPING.public).unwrap();
    key.encrypt(EncryptionAlgorithm::RsaesOaepSha256, bytes).unwrap()
}

fn token(keyring: &Keyring, content: &[u8]) -> String {
    STANDARD.encode(keyring.seal_token("import token", content).unwrap())
}

/// What the service seals into a token, with this line before the private key.
fn content(line: &str) -> Vec<u8> {
    [line.as_bytes(), b"\n", WRAPPING.private.expose_secret()].concat()
}

fn line(key: &str) -> String {
    let terms = json!({"version": 1, "key": key, "algorithm": WrappingAlgorithm::RsaesOaepSha256, "spec": SPEC,
                       "expires": i64::MAX});
    terms.to_string()
}

/// Bodies that are answered.
pub(crate) fn examples(keyring: &Keyring, key: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("ImportKeyMaterial", body(key, &token(keyring, &content(&line(key))), &encrypted(&MATERIAL))),
        (
            "GetParametersForImport",
            json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_1", "WrappingKeySpec": "RSA_2048"}),
        ),
        ("DeleteImportedKeyMaterial", json!({"KeyId": key})),
    ]
}

fn body(key: &str, token: &str, wrapped: &[u8]) -> Value {
    json!({"KeyId": key, "ImportToken": token, "EncryptedKeyMaterial": STANDARD.encode(wrapped),
           "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"})
}

target!(wrapped_material, 1500, {
    let wrapped = [
        (WrappingAlgorithm::RsaesOaepSha256, encrypted(&MATERIAL)),
        (WrappingAlgorithm::RsaAesKeyWrapSha256, [&encrypted(&AES_KEY)[..], &WRAPPED].concat()),
    ];
    move |tape: &mut Tape<'_>| {
        let (own, wrapped) = tape.pick(&wrapped);
        let algorithm = if tape.once_in(4) { *tape.pick(WrappingAlgorithm::ALL) } else { *own };
        let altered = if tape.once_in(4) { tape.rest().to_vec() } else { tape.mutated(wrapped) };
        assert!(unwrap(algorithm, SPEC, &WRAPPING.private, &altered).is_err(), "{algorithm}");
    }
});

target!(material_that_was_unwrapped, 1500, {
    let importable = |spec: &&KeySpec| spec.row().importable && spec.row().class == KeyClass::Asymmetric;
    let slow = [KeySpec::Rsa3072, KeySpec::Rsa4096];
    let specs: Vec<_> = KeySpec::ALL.iter().filter(importable).filter(|spec| !slow.contains(spec)).collect();
    let samples: Vec<_> = specs.iter().map(|spec| (**spec, open_key::generate(**spec).unwrap())).collect();
    move |tape: &mut Tape<'_>| {
        let (spec, sample) = tape.pick(&samples);
        let bytes = tape.mutated(sample.expose_secret());
        let material = KeyMaterial::from(SecretBytes::from(bytes));
        // Attributes and the like may differ: then it is the same key, or a whole other one.
        if let Ok(identity) = identify(*spec, KEY, &material) {
            assert_eq!(identify(*spec, KEY, &material), Ok(identity));
        }
        let other = *tape.pick(KeySpec::ALL);
        let _ = identify(other, KEY, &material);
    }
});

target!(token_contents, 1500, {
    let rig = Rig::new();
    let key = rig.external();
    let row = find(Api::Kms, "ImportKeyMaterial").unwrap();
    let (line, wrapped) = (line(&key), encrypted(&MATERIAL));
    move |tape: &mut Tape<'_>| {
        let altered = match tape.below(3) {
            0 => tape.rest().to_vec(),
            1 => content(&String::from_utf8_lossy(&tape.mutated(line.as_bytes()))),
            _ => tape.mutated(&content(&line)),
        };
        let body = body(&key, &token(&rig.keyring(), &altered), &wrapped);
        rig.send(row, body.to_string().as_bytes());
    }
});
