//! The worked example of GB/T 32918.5-2017 on the recommended curve: SM2DSA (annex A), SM2PKE (annex C).
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use keyreeve_crypto::open_key::{OpenKey, PublicKey};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::algorithm::{EncryptionAlgorithm, MessageType, SigningAlgorithm};
use keyreeve_model::key_spec::KeySpec;

const PRIVATE: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
const PUBLIC: &str = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
                      ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
/// `SEQUENCE { SEQUENCE { id-ecPublicKey, sm2p256v1 }, BIT STRING { 04` (RFC 5480, GM/T 0006).
const SPKI_HEAD: &str = "3059301306072a8648ce3d020106082a811ccf5501822d03420004";

const MESSAGE: &[u8] = b"message digest";
/// e = SM3(Z || M) with the identifier 1234567812345678.
const DIGEST: &str = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640";
const R: &str = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3";
const S: &str = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";

/// C1 = [k]G.
const C1: [&str; 2] = [
    "04ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73",
    "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0",
];
const C3: &str = "59983c18f809e262923c53aec295d30383b54e39d609d160afcb1908d0bd8766";
const C2: &str = "21886ca989ca9c7d58087307ca93092d651efa";
const PLAINTEXT: &[u8] = b"encryption standard";
/// x of [d]C1 = [k]P.
const X2: &str = "335e18d751e51f040e27d468138b7ab1dc86ad7f981d7d416222fd6ab3ed230d";

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

fn tlv(tag: u8, body: &[u8]) -> Vec<u8> {
    if body.len() < 0x80 {
        [&[tag, u8::try_from(body.len()).unwrap()], body].concat()
    } else {
        [&[tag, 0x81, u8::try_from(body.len()).unwrap()], body].concat()
    }
}

/// A positive INTEGER of 32 bytes.
fn integer(hex: &str) -> Vec<u8> {
    let digits = bytes(hex);
    let sign = if digits.first().is_some_and(|byte| *byte >= 0x80) { &[0][..] } else { &[] };
    let minimal: Vec<u8> = digits.iter().copied().skip_while(|byte| *byte == 0).collect();
    tlv(0x02, &[sign, &minimal].concat())
}

fn key() -> OpenKey {
    let private = tlv(0x30, &[tlv(0x02, &[1]), tlv(0x04, &bytes(PRIVATE))].concat());
    let algorithm = bytes("301306072a8648ce3d020106082a811ccf5501822d");
    let pkcs8 = tlv(0x30, &[tlv(0x02, &[0]), algorithm, tlv(0x04, &private)].concat());
    OpenKey::open(KeySpec::Sm2, &KeyMaterial::from(SecretBytes::from(pkcs8))).unwrap()
}

#[test]
fn the_public_key_of_the_example_comes_out_as_spki() {
    assert_eq!(hex::encode(key().public_key().unwrap()), format!("{SPKI_HEAD}{PUBLIC}"));
}

#[test]
fn the_signature_of_the_example_verifies_over_message_and_digest() {
    let signature = tlv(0x30, &[integer(R), integer(S)].concat());
    let key = PublicKey::from_spki(KeySpec::Sm2, &bytes(&format!("{SPKI_HEAD}{PUBLIC}"))).unwrap();
    key.verify(SigningAlgorithm::Sm2Dsa, MessageType::Raw, MESSAGE, &signature).unwrap();
    key.verify(SigningAlgorithm::Sm2Dsa, MessageType::Digest, &bytes(DIGEST), &signature).unwrap();
    let swapped = tlv(0x30, &[integer(S), integer(R)].concat());
    assert!(key.verify(SigningAlgorithm::Sm2Dsa, MessageType::Raw, MESSAGE, &swapped).is_err());
    let fixed = [bytes(R), bytes(S)].concat();
    assert!(key.verify(SigningAlgorithm::Sm2Dsa, MessageType::Raw, MESSAGE, &fixed).is_err());
}

#[test]
fn a_signature_over_the_digest_verifies_over_the_message() {
    let key = key();
    let signature = key.sign(SigningAlgorithm::Sm2Dsa, MessageType::Digest, &bytes(DIGEST)).unwrap();
    key.verify(SigningAlgorithm::Sm2Dsa, MessageType::Raw, MESSAGE, &signature).unwrap();
}

#[test]
fn the_ciphertext_of_the_example_decrypts() {
    let ciphertext =
        tlv(0x30, &[integer(C1[0]), integer(C1[1]), tlv(0x04, &bytes(C3)), tlv(0x04, &bytes(C2))].concat());
    let plaintext = key().decrypt(EncryptionAlgorithm::Sm2Pke, &ciphertext).unwrap();
    assert_eq!(plaintext.expose_secret(), PLAINTEXT);
}

#[test]
fn agreement_with_the_point_of_the_example_gives_its_shared_x() {
    let peer = bytes(&format!("{SPKI_HEAD}{}{}", C1[0], C1[1]));
    assert_eq!(key().agree(&peer).unwrap().expose_secret(), bytes(X2));
}
