//! Key material from a file: raw bytes, hex or base64; PKCS#8 of a private key as DER or PEM.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::key_spec::{KeyClass, KeySpec};
use zeroize::{Zeroize as _, Zeroizing};

use super::described::DescribedKey;

/// Longest file: PKCS#8 of an RSA key of 4096 bits is 2,374 bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// How the file holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The bytes themselves.
    Raw,
    /// Hexadecimal digits.
    Hex,
    /// Base64, of raw bytes or of DER.
    Base64,
    /// PKCS#8, DER.
    Der,
    /// PKCS#8, PEM.
    Pem,
}

/// Key material: zeroised, never printed.
pub struct Material(SecretBytes);

impl Material {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn expose_secret(&self) -> &[u8] {
        self.0.expose_secret()
    }

    #[cfg(test)]
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Material({} bytes)", self.len())
    }
}

/// Why a file holds no material for the key.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// It cannot be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is longer than any key.
    #[error("longer than any key material ({FILE_BYTES_MAX} bytes)")]
    TooLong,
    /// Not what the format says.
    #[error("it is not {0}")]
    NotSo(&'static str),
    /// Not as long as the key wants it.
    #[error("{spec} takes {wanted} of key material; the file holds {found} bytes")]
    Length {
        /// The key's spec.
        spec: KeySpec,
        /// What it takes.
        wanted: String,
        /// What was found, as raw bytes.
        found: usize,
    },
    /// It could be read in more than one way, each as long as the key wants it.
    #[error("it could be {0}: say which by --format")]
    Ambiguous(String),
    /// A PEM of something else.
    #[error(
        "it holds `{label}`, and what is imported is PKCS#8 that is not encrypted: convert it by\n  openssl pkey -in FILE -out pkcs8.pem"
    )]
    Label {
        /// What stands behind `BEGIN`.
        label: String,
    },
}

/// Reads the material of the key from a file. The second answer is whether others than its owner may read the file.
///
/// # Errors
/// [`MaterialError`].
pub fn read(
    path: &Path,
    key: &DescribedKey,
    format: Option<Format>,
) -> Result<(Material, bool), MaterialError> {
    let mut file = File::open(path)?;
    let open_to_others = file.metadata()?.mode() & 0o077 != 0;
    // As long as can be from the start: growing would leave copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(FILE_BYTES_MAX as usize + 1));
    file.by_ref().take(FILE_BYTES_MAX + 1).read_to_end(&mut content)?;
    if content.len() as u64 > FILE_BYTES_MAX {
        return Err(MaterialError::TooLong);
    }
    Ok((Material(parse(&content, key, format)?), open_to_others))
}

fn parse(content: &[u8], key: &DescribedKey, format: Option<Format>) -> Result<SecretBytes, MaterialError> {
    match lengths(key) {
        Some(lengths) => secret_key(content, key.spec, lengths, format),
        None => private_key(content, format),
    }
}

/// The lengths that a symmetric key takes, in bytes; `None` for private keys.
/// AWS: "Requirements for imported key material".
fn lengths(key: &DescribedKey) -> Option<&'static [std::ops::RangeInclusive<usize>]> {
    match (key.spec, key.spec.row().class) {
        (KeySpec::SymmetricDefault, _) if key.in_china => Some(&[16..=16]),
        (KeySpec::SymmetricDefault, _) => Some(&[32..=32]),
        (KeySpec::Hmac224, _) => Some(&[28..=128]),
        (KeySpec::Hmac256, _) => Some(&[32..=128]),
        (KeySpec::Hmac384, _) => Some(&[48..=128]),
        (KeySpec::Hmac512, _) => Some(&[64..=128]),
        (_, KeyClass::Asymmetric | KeyClass::Symmetric | KeyClass::Hmac) => None,
    }
}

fn secret_key(
    content: &[u8],
    spec: KeySpec,
    lengths: &[std::ops::RangeInclusive<usize>],
    format: Option<Format>,
) -> Result<SecretBytes, MaterialError> {
    let fits = |len: usize| lengths.iter().any(|range| range.contains(&len));
    let readings = readings(content, format)?;
    let mut fitting: Vec<_> = readings.into_iter().filter(|(_, bytes)| fits(bytes.len())).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some((_, bytes)), true) => Ok(bytes),
        (Some((last, _)), false) => {
            let mut names: Vec<_> = fitting.iter().map(|(name, _)| *name).collect();
            names.push(last);
            Err(MaterialError::Ambiguous(names.join(" or ")))
        }
        (None, _) => Err(MaterialError::Length { spec, wanted: spelled(lengths), found: content.len() }),
    }
}

fn spelled(lengths: &[std::ops::RangeInclusive<usize>]) -> String {
    let spell = |range: &std::ops::RangeInclusive<usize>| match (range.start(), range.end()) {
        (least, most) if least == most => format!("{least} bytes"),
        (least, most) => format!("{least} to {most} bytes"),
    };
    lengths.iter().map(spell).collect::<Vec<_>>().join(" or ")
}

/// Every way to read the bytes of a secret key: one, where the format is known or they are no text.
fn readings(
    content: &[u8],
    format: Option<Format>,
) -> Result<Vec<(&'static str, SecretBytes)>, MaterialError> {
    let raw = || ("raw", SecretBytes::from(content.to_vec()));
    let hex = || hex_of(content).map(|bytes| ("hex", bytes));
    let base64 = || base64_of(content).map(|bytes| ("base64", bytes));
    match format {
        Some(Format::Raw) => Ok(vec![raw()]),
        Some(Format::Hex) => Ok(vec![hex().ok_or(MaterialError::NotSo("hexadecimal"))?]),
        Some(Format::Base64) => Ok(vec![base64().ok_or(MaterialError::NotSo("base64"))?]),
        Some(Format::Der | Format::Pem) => Err(MaterialError::NotSo(
            "a private key: the key takes secret bytes, --format raw, hex or base64",
        )),
        None if content.is_ascii() => Ok([Some(raw()), hex(), base64()].into_iter().flatten().collect()),
        None => Ok(vec![raw()]),
    }
}

fn private_key(content: &[u8], format: Option<Format>) -> Result<SecretBytes, MaterialError> {
    let der = |bytes: &[u8]| bytes.first() == Some(&0x30);
    let is_pem =
        content.starts_with(b"-----BEGIN ") || content.windows(12).any(|part| part == b"\n-----BEGIN ");
    let (bytes, wanted) = match format {
        Some(Format::Pem) => (Some(pem(content)?), "PEM"),
        None if is_pem => (Some(pem(content)?), "PEM"),
        Some(Format::Base64) => (base64_of(content), "base64 of DER"),
        Some(Format::Hex) => (hex_of(content), "hexadecimal of DER"),
        Some(Format::Der | Format::Raw) => (Some(content.to_vec().into()), "DER"),
        None if der(content) => (Some(content.to_vec().into()), "DER"),
        None => (base64_of(content), "a private key in PKCS#8, as PEM or DER"),
    };
    bytes.filter(|bytes| der(bytes.expose_secret())).ok_or(MaterialError::NotSo(wanted))
}

/// RFC 7468 §10: the only label of PKCS#8 that is not encrypted.
const LABEL: &str = "PRIVATE KEY";

fn pem(content: &[u8]) -> Result<SecretBytes, MaterialError> {
    let not_so = MaterialError::NotSo("PEM");
    let Some((_, rest)) = std::str::from_utf8(content).ok().and_then(|text| text.split_once("-----BEGIN "))
    else {
        return Err(not_so);
    };
    let Some((label, rest)) = rest.split_once("-----") else { return Err(not_so) };
    if label != LABEL {
        return Err(MaterialError::Label {
            label: label.chars().filter(|letter| !letter.is_control()).collect(),
        });
    }
    let body = rest.split_once("-----END ").and_then(|(body, _)| base64_of(body.as_bytes()));
    body.ok_or(not_so)
}

fn without_whitespace(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bare = Zeroizing::new(Vec::with_capacity(content.len()));
    bare.extend(content.iter().filter(|byte| !byte.is_ascii_whitespace()));
    bare
}

fn hex_of(content: &[u8]) -> Option<SecretBytes> {
    let bare = without_whitespace(content);
    SecretBytes::try_init_with(bare.len() / 2, |bytes| hex::decode_to_slice(&*bare, bytes)).ok()
}

fn base64_of(content: &[u8]) -> Option<SecretBytes> {
    let bare = without_whitespace(content);
    let mut bytes = vec![0; bare.len() / 4 * 3 + 3];
    match STANDARD.decode_slice(&*bare, &mut bytes) {
        Ok(len) => {
            bytes.truncate(len);
            Some(bytes.into())
        }
        Err(_) => {
            bytes.zeroize();
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(spec: KeySpec) -> DescribedKey {
        let (arn, state) = (String::new(), String::new());
        DescribedKey { arn, spec, in_china: false, current_material_id: None, state }
    }

    fn parsed(spec: KeySpec, content: &[u8], format: Option<Format>) -> Result<Vec<u8>, String> {
        let parsed = parse(content, &key(spec), format);
        parsed.map(|bytes| bytes.expose_secret().to_vec()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_key_is_read_in_the_one_way_that_fits() {
        let bytes: Vec<u8> = (200..232).collect();
        let (hex, base64) = (format!("{}\n", hex::encode(&bytes)), format!("{}\n", STANDARD.encode(&bytes)));
        for content in [bytes.as_slice(), hex.as_bytes(), base64.as_bytes()] {
            assert_eq!(parsed(KeySpec::SymmetricDefault, content, None), Ok(bytes.clone()));
        }
        // 65 characters are raw bytes of an HMAC key too.
        assert_eq!(
            parsed(KeySpec::Hmac256, hex.as_bytes(), None),
            Err("it could be raw or hex or base64: say which by --format".to_owned())
        );
        assert_eq!(parsed(KeySpec::Hmac256, hex.as_bytes(), Some(Format::Hex)), Ok(bytes.clone()));
        assert_eq!(parsed(KeySpec::Hmac256, hex.as_bytes(), Some(Format::Raw)), Ok(hex.clone().into_bytes()));
        for (content, format, error) in [
            (&bytes[..31], None, "SYMMETRIC_DEFAULT takes 32 bytes of key material; the file holds 31 bytes"),
            (b"xyz", Some(Format::Hex), "it is not hexadecimal"),
            (&bytes, Some(Format::Base64), "it is not base64"),
        ] {
            assert_eq!(parsed(KeySpec::SymmetricDefault, content, format), Err(error.to_owned()));
        }
    }

    #[test]
    fn a_private_key_is_pkcs_8_in_pem_or_der() {
        let der = [0x30, 3, 2, 1, 0];
        let text = STANDARD.encode(der);
        let pem = |label: &str| {
            format!("# mine\n-----BEGIN {label}-----\n{text}\n-----END {label}-----\n").into_bytes()
        };
        for content in [der.to_vec(), pem("PRIVATE KEY"), text.clone().into_bytes()] {
            assert_eq!(parsed(KeySpec::Rsa2048, &content, None), Ok(der.to_vec()));
        }
        for label in ["RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "PUBLIC KEY"] {
            let error = parsed(KeySpec::EccNistP256, &pem(label), None).unwrap_err();
            assert!(error.contains(label) && error.contains("openssl pkey"), "{error}");
        }
        assert!(parsed(KeySpec::Rsa2048, b"neither", None).is_err());
    }

    #[test]
    fn a_file_that_others_may_read_is_noticed() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [7; 32]).unwrap();
        for (mode, noticed) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let (material, open) = read(file.path(), &key(KeySpec::SymmetricDefault), None).unwrap();
            assert_eq!((open, format!("{material:?}").as_str()), (noticed, "Material(32 bytes)"));
        }
    }
}
