//! Key encodings against the examples of their RFCs, and Ed25519ph as AWS KMS runs it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::open_key::{self, OpenKey};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::{MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;

/// RFC 8410 §10.1 and §10.3: one key with and without attributes and public key.
const ED25519_PUBLIC: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
const ED25519_V1: &str = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
const ED25519_V2: &str = "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhCoB8wHQYKKoZIhvcNAQkJFDEP\
                          DA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";

fn open(spec: KeySpec, pkcs8: &[u8]) -> Option<OpenKey> {
    OpenKey::open(spec, &KeyMaterial::from(SecretBytes::from(pkcs8.to_vec()))).ok()
}

#[test]
fn the_ed25519_examples_of_rfc_8410_open() {
    for private in [ED25519_V1, ED25519_V2] {
        let key = open(KeySpec::EccNistEdwards25519, &STANDARD.decode(private).unwrap()).unwrap();
        assert_eq!(STANDARD.encode(key.public_key().unwrap()), ED25519_PUBLIC);
    }
}

#[test]
fn an_ed25519_key_with_a_foreign_public_key_is_refused() {
    let mut der = STANDARD.decode(ED25519_V2).unwrap();
    *der.last_mut().unwrap() ^= 1;
    assert!(open(KeySpec::EccNistEdwards25519, &der).is_none());
}

/// AWS: what is given as a digest is the message of Ed25519ph, which hashes it again.
#[test]
fn ed25519ph_hashes_the_digest_again() {
    let material = open_key::generate(KeySpec::EccNistEdwards25519).unwrap();
    let key = OpenKey::open(KeySpec::EccNistEdwards25519, &material).unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, b"message");
    let signature =
        key.sign(SigningAlgorithm::Ed25519PhSha512, MessageType::Digest, digest.as_ref()).unwrap();
    let (_, public) = key.public_key().unwrap().split_last_chunk().unwrap();
    keyreeve_native::ed25519ph::verify(public, digest.as_ref(), &signature).unwrap();
    assert!(keyreeve_native::ed25519ph::verify(public, b"message", &signature).is_err());
}

/// The frames that RFC 5480 and RFC 8017 give a public key, up to the key itself.
#[test]
fn every_spki_starts_as_its_standard_says() {
    for (spec, head, len) in [
        (KeySpec::Rsa2048, "30820122300d06092a864886f70d01010105000382010f003082010a0282010100", 294),
        (KeySpec::EccNistP256, "3059301306072a8648ce3d020106082a8648ce3d03010703420004", 91),
        (KeySpec::EccNistP384, "3076301006072a8648ce3d020106052b8104002203620004", 120),
        (KeySpec::EccNistP521, "30819b301006072a8648ce3d020106052b810400230381860004", 158),
        (KeySpec::EccSecgP256k1, "3056301006072a8648ce3d020106052b8104000a03420004", 88),
        (KeySpec::EccNistEdwards25519, "302a300506032b6570032100", 44),
        (KeySpec::MlDsa44, "30820532300b06096086480165030403110382052100", 1334),
        (KeySpec::MlDsa65, "308207b2300b0609608648016503040312038207a100", 1974),
        (KeySpec::MlDsa87, "30820a32300b060960864801650304031303820a2100", 2614),
        (KeySpec::MlKem512, "30820332300b06096086480165030404010382032100", 822),
        (KeySpec::MlKem768, "308204b2300b0609608648016503040402038204a100", 1206),
        (KeySpec::MlKem1024, "30820632300b06096086480165030404030382062100", 1590),
    ] {
        let key = OpenKey::open(spec, &open_key::generate(spec).unwrap()).unwrap();
        let spki = key.public_key().unwrap();
        assert!(hex::encode(spki).starts_with(head), "{spec}: {}", hex::encode(&spki[..30]));
        assert_eq!(spki.len(), len, "{spec}");
    }
}

/// RFC 9935 appendix C.1.2.1, the seed form of the ML-KEM-512 key.
#[test]
fn the_ml_kem_example_of_rfc_9935_opens() {
    let pkcs8 = "MFQCAQAwCwYJYIZIAWUDBAQBBEKAQAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJicoKSorLC0uLzAx\
                 MjM0NTY3ODk6Ozw9Pj8=";
    let key = open(KeySpec::MlKem512, &STANDARD.decode(pkcs8).unwrap()).unwrap();
    let (secret, ciphertext) = key.encapsulate().unwrap();
    assert!(key.decapsulate(&ciphertext).unwrap().ct_eq(&secret));
}

#[test]
fn material_with_bytes_after_it_is_refused() {
    for spec in
        [KeySpec::Rsa2048, KeySpec::EccNistP256, KeySpec::EccNistEdwards25519, KeySpec::MlDsa44, KeySpec::Sm2]
    {
        let material = open_key::generate(spec).unwrap();
        assert!(open(spec, material.expose_secret()).is_some());
        assert!(open(spec, &[material.expose_secret(), &[0]].concat()).is_none(), "{spec}");
    }
}
