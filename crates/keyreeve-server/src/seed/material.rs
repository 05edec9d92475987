//! Key material as people write it: hexadecimal or base64 bytes, PEM. What comes out is what is stored: raw bytes, or
//! PKCS#8 DER (RFC 5208); RFC 5915 (`EC PRIVATE KEY`) and RFC 8017 (`RSA PRIVATE KEY`) are put into it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::open_key::OpenKey;
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::key_spec::{KeyClass, KeySpec};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

/// AlgorithmIdentifier of rsaEncryption (RFC 8017 A.1).
const RSA_ENCRYPTION: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// AlgorithmIdentifier of an elliptic curve's keys (RFC 5480 §2.1.1).
const fn curve(spec: KeySpec) -> Option<&'static [u8]> {
    match spec {
        KeySpec::EccNistP256 => {
            Some(b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")
        }
        KeySpec::EccNistP384 => {
            Some(b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22")
        }
        KeySpec::EccNistP521 => {
            Some(b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x23")
        }
        KeySpec::EccSecgP256k1 => {
            Some(b"\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x0a")
        }
        KeySpec::SymmetricDefault
        | KeySpec::Hmac224
        | KeySpec::Hmac256
        | KeySpec::Hmac384
        | KeySpec::Hmac512
        | KeySpec::Rsa2048
        | KeySpec::Rsa3072
        | KeySpec::Rsa4096
        | KeySpec::EccNistEdwards25519
        | KeySpec::Sm2
        | KeySpec::MlDsa44
        | KeySpec::MlDsa65
        | KeySpec::MlDsa87
        | KeySpec::MlKem512
        | KeySpec::MlKem768
        | KeySpec::MlKem1024 => None,
    }
}

/// Reads material for a spec. Whether it is a key of that spec is checked when the key is created.
pub(super) fn read(spec: KeySpec, text: String) -> Result<SecretBytes, String> {
    let text = Zeroizing::new(text);
    match spec.row().class {
        KeyClass::Symmetric | KeyClass::Hmac => {
            bytes(&text).ok_or_else(|| "bytes in hexadecimal or base64 are needed".to_owned())
        }
        KeyClass::Asymmetric if text.contains("-----BEGIN") => pkcs8(spec, &text),
        KeyClass::Asymmetric => {
            base64(&text).ok_or_else(|| "a private key as PEM, or PKCS#8 DER in base64, is needed".to_owned())
        }
    }
}

/// The one of these specs that the PEM is a key of.
pub(super) fn recognise(specs: &[KeySpec], pem: &str) -> Result<(KeySpec, SecretBytes), String> {
    let mut problem = "it is a private key of none of the kinds that belong here".to_owned();
    for spec in specs {
        match pkcs8(*spec, pem) {
            Ok(der) => {
                let material = KeyMaterial::from(SecretBytes::from(der.expose_secret().to_vec()));
                if OpenKey::open(*spec, &material).is_ok() {
                    return Ok((*spec, der));
                }
            }
            Err(what) => problem = what,
        }
    }
    Err(problem)
}

/// Hexadecimal before base64: 64 digits are 32 bytes.
fn bytes(text: &str) -> Option<SecretBytes> {
    let text = text.trim();
    hex::decode(text).ok().map(SecretBytes::from).or_else(|| base64(text))
}

fn base64(text: &str) -> Option<SecretBytes> {
    let packed: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    STANDARD.decode(packed.as_bytes()).ok().map(SecretBytes::from)
}

/// The private key of a PEM text as PKCS#8 DER.
fn pkcs8(spec: KeySpec, pem: &str) -> Result<SecretBytes, String> {
    let unreadable =
        "it is no private key in PEM, or an encrypted one: openssl pkey -in FILE writes it plain";
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| unreadable.to_owned())?;
    let (algorithm, inner) = match &key {
        PrivateKeyDer::Pkcs8(der) => return Ok(SecretBytes::from(der.secret_pkcs8_der().to_vec())),
        PrivateKeyDer::Pkcs1(der) => (Some(RSA_ENCRYPTION), der.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(der) => (curve(spec), der.secret_sec1_der()),
        _ => (None, &[][..]),
    };
    let algorithm = algorithm.ok_or_else(|| "it is a private key of another kind".to_owned())?;
    let content = Zeroizing::new([b"\x02\x01\x00", algorithm, &der(0x04, inner)].concat());
    Ok(SecretBytes::from(der(0x30, &content).to_vec()))
}

/// One DER value (X.690 §8.1).
fn der(tag: u8, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut value = Zeroizing::new(Vec::with_capacity(content.len() + 6));
    value.push(tag);
    let len = content.len().to_be_bytes();
    let significant = len.iter().position(|byte| *byte != 0).unwrap_or(len.len() - 1);
    let len = len.get(significant..).unwrap_or_default();
    match len {
        [short @ 0..=0x7f] => value.push(*short),
        long => {
            // At most eight bytes.
            value.push(0x80 | u8::try_from(long.len()).unwrap_or(8));
            value.extend_from_slice(long);
        }
    }
    value.extend_from_slice(content);
    value
}
