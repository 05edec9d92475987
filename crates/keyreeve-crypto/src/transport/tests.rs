//! Nothing opens but what was sealed, whole, to this key, with this binding.

use super::*;
use aws_lc_rs::hmac;
use proptest::prelude::*;
use std::sync::LazyLock;

static MINE: LazyLock<TransportSecret> = LazyLock::new(|| TransportKeyPair::generate().unwrap());
static OTHER: LazyLock<TransportSecret> = LazyLock::new(|| TransportKeyPair::generate().unwrap());

fn pair(secret: &TransportSecret) -> TransportKeyPair {
    TransportKeyPair::parse(secret).unwrap()
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::from(bytes.to_vec())
}

fn shared(bytes: std::ops::Range<u8>) -> SharedSecret {
    SecretBytes::from(bytes.collect::<Vec<u8>>()).into()
}

/// The private key with the ML-KEM half of one and the P-384 half of the other.
fn spliced(lattice: &TransportSecret, curve: &TransportSecret) -> TransportSecret {
    let (lattice, curve) = (lattice.expose_secret(), curve.expose_secret());
    SecretBytes::from([&lattice[..=LATTICE_SEED_LEN], &curve[1 + LATTICE_SEED_LEN..]].concat()).into()
}

#[test]
fn keys_have_the_documented_form_and_a_fingerprint_of_their_own() {
    let (mine, other) = (pair(&MINE), pair(&OTHER));
    assert_eq!(mine.public().as_bytes().len(), 1327);
    assert_eq!(TransportPublicKey::parse(mine.public().as_bytes()).as_ref(), Ok(mine.public()));
    assert_eq!(mine.public().fingerprint(), hex::encode(sha256(mine.public().as_bytes())));
    assert_ne!(mine.public().fingerprint(), other.public().fingerprint());
    assert_eq!(pair(&MINE).public(), mine.public());
    assert!(!format!("{:?}{:?}", mine, *MINE).contains(&hex::encode(MINE.expose_secret())));
}

#[test]
fn public_keys_of_any_other_form_are_refused() {
    let mine = pair(&MINE);
    let bytes = mine.public().as_bytes();
    for len in [0, 1, 120, 121, 1326] {
        assert_eq!(TransportPublicKey::parse(&bytes[..len]), Err(Unspecified), "length {len}");
    }
    assert_eq!(TransportPublicKey::parse(&[bytes, &[0]].concat()), Err(Unspecified));
    // The version, the algorithm and a coordinate of P-384, the algorithm of ML-KEM.
    for index in [0, 12, 60, 135] {
        let mut forged = bytes.to_vec();
        forged[index] ^= 1;
        assert_eq!(TransportPublicKey::parse(&forged), Err(Unspecified), "byte {index}");
    }
}

#[test]
fn every_flipped_bit_and_every_other_length_is_refused() {
    let mine = pair(&MINE);
    let sealed = mine.public().seal(b"binding", &secret(b"material")).unwrap();
    assert_eq!(mine.open(b"binding", &sealed).unwrap().expose_secret(), b"material");
    for bit in 0..sealed.len() * 8 {
        let mut forged = sealed.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert!(mine.open(b"binding", &forged).is_err(), "bit {bit}");
    }
    for len in (0..sealed.len()).step_by(7).chain([sealed.len() - 1]) {
        assert!(mine.open(b"binding", &sealed[..len]).is_err(), "length {len}");
    }
    assert!(mine.open(b"binding", &[&sealed[..], &[0]].concat()).is_err());
}

#[test]
fn another_key_and_another_half_of_either_kind_are_refused() {
    let mine = pair(&MINE);
    let sealed = mine.public().seal(b"binding", &secret(b"material")).unwrap();
    assert!(pair(&spliced(&MINE, &MINE)).open(b"binding", &sealed).is_ok());
    let wrong = [spliced(&OTHER, &OTHER), spliced(&OTHER, &MINE), spliced(&MINE, &OTHER)];
    for (case, wrong) in wrong.iter().enumerate() {
        assert_eq!(pair(wrong).open(b"binding", &sealed).unwrap_err(), Unspecified, "case {case}");
        // Even where it claims the public key that was sealed to: the secrets themselves must be right.
        let disguised = TransportKeyPair { public: mine.public().clone(), ..pair(wrong) };
        assert_eq!(disguised.open(b"binding", &sealed).unwrap_err(), Unspecified, "case {case}");
    }
}

#[test]
fn private_keys_of_any_other_form_are_refused() {
    let bytes = MINE.expose_secret();
    for len in [0, 1, 86, 87, bytes.len() - 1] {
        let cut: TransportSecret = secret(&bytes[..len]).into();
        assert!(TransportKeyPair::parse(&cut).is_err(), "length {len}");
    }
    let other_version: TransportSecret = secret(&[&[0xC2], &bytes[1..]].concat()).into();
    assert!(TransportKeyPair::parse(&other_version).is_err());
}

/// From another library: PyPI cryptography 48.0.1, HKDF with SHA-384, no salt, 44 bytes; secret 00..4f, transcript 80..af.
#[test]
fn the_derivation_gives_the_known_answer_of_another_library() {
    let transcript: Vec<u8> = (0x80..0xb0).collect();
    let okm = derive_bytes(&shared(0..48), &shared(48..80), &transcript).unwrap();
    assert_eq!(
        hex::encode(*okm),
        "f562e2bf54be332bdc578a954f890acce3ef69ba02c83e184f0fa406fb4edf0b9622776ce0d10c1afffd9ac4"
    );
}

/// RFC 5869 §2, written out.
#[test]
fn the_derivation_is_hkdf_by_its_formula() {
    let (agreed, encapsulated, transcript) = (shared(3..51), shared(90..122), [7; 48]);
    let mac = |key: &[u8], parts: &[&[u8]]| {
        hmac::sign(&hmac::Key::new(hmac::HMAC_SHA384, key), &parts.concat()).as_ref().to_vec()
    };
    let extracted = mac(&[0; 48], &[agreed.expose_secret(), encapsulated.expose_secret()]);
    let expanded = mac(&extracted, &[b"keyreeve/v1/transport", &[0], &transcript, &[1]]);
    assert_eq!(derive_bytes(&agreed, &encapsulated, &transcript).unwrap()[..], expanded[..44]);
}

#[test]
fn each_secret_and_the_transcript_change_the_key() {
    let base = derive_bytes(&shared(0..48), &shared(0..32), &[1; 48]).unwrap();
    for (agreed, encapsulated, transcript) in
        [(1..49, 0..32, [1; 48]), (0..48, 1..33, [1; 48]), (0..48, 0..32, [2; 48])]
    {
        assert_ne!(base, derive_bytes(&shared(agreed), &shared(encapsulated), &transcript).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_sealed_opens_with_its_binding_alone(
        content in proptest::collection::vec(any::<u8>(), 0..300),
        binding in proptest::collection::vec(any::<u8>(), 0..60),
        other in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let mine = pair(&MINE);
        let sealed = mine.public().seal(&binding, &secret(&content)).unwrap();
        prop_assert_eq!(sealed.len(), content.len() + OVERHEAD_LEN);
        let opened = mine.open(&binding, &sealed).unwrap();
        prop_assert_eq!(opened.expose_secret(), &content[..]);
        prop_assert_eq!(mine.open(&other, &sealed).is_ok(), other == binding);
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1400)) {
        prop_assert!(pair(&MINE).open(b"", &bytes).is_err());
        prop_assert!(TransportPublicKey::parse(&bytes).is_err());
        let framed = [&[SEALED_VERSION][..], &bytes].concat();
        prop_assert!(pair(&MINE).open(b"", &framed).is_err());
    }
}
