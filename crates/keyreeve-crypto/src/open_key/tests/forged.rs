//! Forged bytes in every place that takes bytes from outside: nothing panics, and nothing wrong is accepted.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

#[test]
fn one_changed_byte_of_material_is_refused_or_another_key() {
    for (spec, good) in MATERIAL.iter().filter(|(spec, _)| spec.row().class == KeyClass::Asymmetric) {
        let good = good.expose_secret();
        let version = if good[1] < 0x80 { 4 } else { usize::from(good[1] & 0x7f) + 4 };
        for position in (0..good.len()).step_by(if good.len() > 300 { 23 } else { 1 }) {
            let mut bytes = good.to_vec();
            bytes[position] ^= 1;
            // The second half of an ML-KEM seed is z, which only chooses the secrets of forged ciphertexts; version 1
            // of PKCS#8 differs from version 0 in what may follow.
            let same_public = position == version || (!spec.row().encapsulation.is_empty() && position >= 54);
            if let Ok(key) = OpenKey::open(*spec, &material(&bytes)) {
                assert_eq!(key.public_key() == KEYS[spec].public_key(), same_public, "{spec} at {position}");
            }
        }
    }
}

/// Bytes that overwrite a stretch of a valid encoding: the frame stays, so parsers get further than with noise.
#[derive(Debug, Clone)]
struct Damage {
    at: prop::sample::Index,
    with: Vec<u8>,
}

fn damage() -> impl Strategy<Value = Damage> {
    (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..24))
        .prop_map(|(at, with)| Damage { at, with })
}

impl Damage {
    fn apply(&self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        let at = self.at.index(bytes.len());
        bytes.iter_mut().skip(at).zip(&self.with).for_each(|(byte, with)| *byte = *with);
        bytes
    }
}

type Sample = (String, Vec<u8>, Box<dyn Fn(&[u8]) -> bool + Send + Sync>);

/// A valid signature or ciphertext of every algorithm, with a function that says whether one is refused.
static SAMPLES: LazyLock<Vec<Sample>> = LazyLock::new(|| {
    let mut samples: Vec<Sample> = Vec::new();
    for (spec, key) in KEYS.iter() {
        for (algorithm, message_type) in
            spec.row().signing.iter().flat_map(|a| MessageType::ALL.iter().map(move |t| (*a, *t)))
        {
            let Some(message) = message(algorithm, message_type) else { continue };
            let signature = key.sign(algorithm, message_type, &message).unwrap();
            samples.push((
                format!("{spec} {algorithm} {message_type}"),
                signature,
                Box::new(move |bytes| key.verify(algorithm, message_type, &message, bytes).is_err()),
            ));
        }
        for algorithm in spec.row().encryption {
            let ciphertext = key.encrypt(*algorithm, b"attack at dawn").unwrap();
            let refused = move |bytes: &[u8]| key.decrypt(*algorithm, bytes).is_err();
            samples.push((format!("{spec} {algorithm}"), ciphertext, Box::new(refused)));
        }
    }
    samples
});

/// Random bytes behind a start that parsers know.
fn forged(start: &[u8]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let start = start.to_vec();
    (0..=start.len(), prop::collection::vec(any::<u8>(), 0..300))
        .prop_map(move |(kept, tail)| [&start[..kept], &tail[..]].concat())
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::with_cases(24)
    })]

    #[test]
    fn material_with_an_overwritten_stretch_is_refused_or_a_whole_key(damage in damage()) {
        for (spec, good) in MATERIAL.iter().filter(|(spec, _)| spec.row().class == KeyClass::Asymmetric) {
            let bytes = damage.apply(good.expose_secret());
            if let Ok(key) = OpenKey::open(*spec, &material(&bytes)) {
                prop_assert!(key.public_key().is_some(), "{}", spec);
            }
        }
    }

    #[test]
    fn a_signature_or_ciphertext_with_an_overwritten_stretch_is_refused(damage in damage()) {
        for (name, good, refused) in SAMPLES.iter() {
            let bytes = damage.apply(good);
            prop_assert_eq!(refused(&bytes), bytes != *good, "{}", name);
        }
    }

    #[test]
    fn a_public_key_with_an_overwritten_stretch_never_panics(damage in damage()) {
        for (spec, key) in KEYS.iter() {
            let Some(spki) = key.public_key() else { continue };
            if let Ok(public) = PublicKey::from_spki(*spec, &damage.apply(spki)) {
                // What parses must also work: the wrong key verifies nothing.
                for algorithm in spec.row().signing {
                    prop_assert!(public.verify(*algorithm, MessageType::Raw, b"message", &[7; 64]).is_err());
                }
            }
        }
    }

    #[test]
    fn random_bytes_are_no_signature_and_no_plaintext(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for (spec, key) in KEYS.iter() {
            for algorithm in spec.row().signing {
                for message_type in MessageType::ALL {
                    prop_assert_eq!(key.verify(*algorithm, *message_type, &[7; 64], &bytes), Err(Unspecified));
                }
            }
            for algorithm in spec.row().encryption {
                prop_assert!(key.decrypt(*algorithm, &bytes).is_err());
            }
            for algorithm in spec.row().mac {
                prop_assert_eq!(key.verify_mac(*algorithm, b"message", &bytes), Err(Unspecified));
            }
            if !spec.row().encapsulation.is_empty() {
                prop_assert!(key.decapsulate(&bytes).is_err());
            }
        }
    }

    #[test]
    fn random_bytes_are_no_peer(bytes in forged(KEYS[&KeySpec::EccNistP256].public_key().unwrap())) {
        let whole = KEYS[&KeySpec::EccNistP256].public_key().unwrap() == bytes;
        for (spec, key) in KEYS.iter() {
            prop_assert_eq!(key.agree(&bytes).is_ok(), whole && *spec == KeySpec::EccNistP256);
            prop_assert_eq!(PublicKey::from_spki(*spec, &bytes).is_ok(), whole && *spec == KeySpec::EccNistP256);
        }
    }
}
