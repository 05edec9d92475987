//! Keys, public keys, signatures and ciphertexts as DER or bytes from outside: nothing panics, what is altered is
//! refused, and a key that opens is whole.

use std::sync::LazyLock;

use keyreeve_crypto::open_key::{OpenKey, PublicKey, generate};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;

use crate::tape::Tape;

/// A key of one spec, and what it made.
struct Sample {
    spec: KeySpec,
    material: KeyMaterial,
    key: OpenKey,
    /// Over `MESSAGE`.
    signatures: Vec<(SigningAlgorithm, Vec<u8>)>,
    ciphertexts: Vec<(EncryptionAlgorithm, Vec<u8>)>,
}

const MESSAGE: &[u8] = b"message";
const TYPES: [MessageType; 3] = [MessageType::Raw, MessageType::Digest, MessageType::ExternalMu];

/// One of every spec but those whose generation takes seconds; their code is that of RSA_2048.
static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let slow = [KeySpec::Rsa3072, KeySpec::Rsa4096, KeySpec::SymmetricDefault];
    KeySpec::ALL.iter().filter(|spec| !slow.contains(spec)).map(|spec| Sample::new(*spec)).collect()
});

impl Sample {
    fn new(spec: KeySpec) -> Self {
        let material = generate(spec).unwrap();
        let key = OpenKey::open(spec, &material).unwrap();
        let signature = |algorithm: &SigningAlgorithm| {
            // The pre-hashed form of Ed25519 signs digests only.
            let made = TYPES.iter().find_map(|kind| key.sign(*algorithm, *kind, MESSAGE).ok());
            made.map(|signature| (*algorithm, signature))
        };
        let signatures = spec.row().signing.iter().filter_map(signature).collect();
        let encryption = spec.row().encryption.iter();
        let ciphertexts =
            encryption.map(|algorithm| (*algorithm, key.encrypt(*algorithm, MESSAGE).unwrap())).collect();
        Self { spec, material, key, signatures, ciphertexts }
    }
}

/// Arbitrary bytes or altered ones.
fn altered(tape: &mut Tape<'_>, bytes: &[u8]) -> Vec<u8> {
    if tape.once_in(8) { tape.rest().to_vec() } else { tape.mutated(bytes) }
}

/// Uses a key in every way; where it signs or encrypts, the other half must agree.
fn exercise(spec: KeySpec, key: &OpenKey) {
    for algorithm in spec.row().signing {
        if let Ok(signature) = key.sign(*algorithm, MessageType::Raw, MESSAGE) {
            key.verify(*algorithm, MessageType::Raw, MESSAGE, &signature).unwrap();
        }
    }
    for algorithm in spec.row().encryption {
        let ciphertext = key.encrypt(*algorithm, MESSAGE).unwrap();
        assert_eq!(key.decrypt(*algorithm, &ciphertext).unwrap().expose_secret(), MESSAGE);
    }
    if !spec.row().encapsulation.is_empty() {
        let (secret, ciphertext) = key.encapsulate().unwrap();
        assert!(key.decapsulate(&ciphertext).unwrap().ct_eq(&secret));
    }
}

target!(private_keys, 1500, |tape: &mut Tape<'_>| {
    let sample = tape.pick(SAMPLES.as_slice());
    let spec = if tape.once_in(8) { *tape.pick(KeySpec::ALL) } else { sample.spec };
    let der = altered(tape, sample.material.expose_secret());
    if let Ok(key) = OpenKey::open(spec, &KeyMaterial::from(SecretBytes::from(der))) {
        exercise(spec, &key);
    }
});

target!(public_keys, 2500, |tape: &mut Tape<'_>| {
    let sample = tape.pick(SAMPLES.as_slice());
    let spki = altered(tape, sample.key.public_key().unwrap_or(b""));
    let spec = if tape.once_in(8) { *tape.pick(KeySpec::ALL) } else { sample.spec };
    if let Ok(key) = PublicKey::from_spki(spec, &spki) {
        assert_eq!(key.spki(), spki);
        for (algorithm, signature) in &sample.signatures {
            let verdict = key.verify(*algorithm, MessageType::Raw, MESSAGE, signature);
            assert!(verdict.is_err(), "{algorithm} by the altered key {spki:02x?}");
        }
        for algorithm in spec.row().encryption {
            let _ = key.encrypt(*algorithm, MESSAGE);
        }
        let _ = key.encapsulate();
    }
    let _ = sample.key.agree(&spki);
});

target!(signatures, 2500, |tape: &mut Tape<'_>| {
    let sample = tape.pick(SAMPLES.as_slice());
    for (algorithm, signature) in &sample.signatures {
        let changed = altered(tape, signature);
        let len = tape.below(80);
        let message = if tape.once_in(4) { tape.bytes(len) } else { MESSAGE.to_vec() };
        for kind in TYPES {
            assert!(sample.key.verify(*algorithm, kind, &message, &changed).is_err(), "{algorithm}");
        }
    }
});

target!(ciphertexts, 1500, |tape: &mut Tape<'_>| {
    let sample = tape.pick(SAMPLES.as_slice());
    for (algorithm, ciphertext) in &sample.ciphertexts {
        assert!(sample.key.decrypt(*algorithm, &altered(tape, ciphertext)).is_err(), "{algorithm}");
    }
    if let Ok((secret, ciphertext)) = sample.key.encapsulate() {
        let changed = altered(tape, &ciphertext);
        match sample.key.decapsulate(&changed) {
            // Implicit rejection: another secret (FIPS 203 §6.3).
            Ok(other) => assert!(changed.len() == ciphertext.len() && !other.ct_eq(&secret)),
            Err(_) => assert_ne!(changed.len(), ciphertext.len()),
        }
    }
});
