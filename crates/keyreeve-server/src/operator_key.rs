//! Operator keys on an operator's own machine: making one, and signing what a Region asks to be confirmed. Ed25519 in PEM,
//! as OpenSSL reads it too. No server is needed.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::open_key::{OpenKey, PublicKey, generate};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_service::regions::{
    Confirmation, ConfirmationFault, PUBLIC_KEY_SPEC, Signature, fingerprint_of_key,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};
use zeroize::Zeroizing;

/// Why an operator key is not made or used.
#[derive(Debug, thiserror::Error)]
pub enum OperatorKeyError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{} holds no {what}: `keyreeve region operator-key new` makes one", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// `Ed25519 private key`.
        what: &'static str,
    },
    /// There is no randomness.
    #[error("an operator key cannot be made: {0}")]
    Make(#[from] Unspecified),
    /// What is to be signed is not a request, or the key does not sign.
    #[error(transparent)]
    Sign(#[from] ConfirmationFault),
}

/// The public half of an operator key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorPublicKey {
    spki: Vec<u8>,
}

impl OperatorPublicKey {
    /// Reads a public key in PEM.
    ///
    /// # Errors
    /// [`OperatorKeyError`].
    pub fn read(path: &Path) -> Result<Self, OperatorKeyError> {
        let spki = SubjectPublicKeyInfoDer::from_pem_slice(&read(path)?).ok();
        let spki = spki.filter(|spki| PublicKey::from_spki(PUBLIC_KEY_SPEC, spki).is_ok());
        let what = "Ed25519 public key in PEM";
        let spki = spki.ok_or_else(|| OperatorKeyError::Content { path: path.to_owned(), what })?;
        Ok(Self { spki: spki.to_vec() })
    }

    /// SHA-256 of the key, in hexadecimal.
    pub fn fingerprint(&self) -> String {
        fingerprint_of_key(&self.spki)
    }

    /// `SubjectPublicKeyInfo` in base64, as commands take it.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.spki)
    }

    /// `-----BEGIN PUBLIC KEY-----`.
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki).to_string()
    }
}

/// Makes a key; its private half goes to a new file, mode 0600, and nowhere else.
///
/// # Errors
/// [`OperatorKeyError`]; an existing file is never touched.
pub fn make(path: &Path) -> Result<OperatorPublicKey, OperatorKeyError> {
    let material = generate(PUBLIC_KEY_SPEC)?;
    let open = OpenKey::open(PUBLIC_KEY_SPEC, &material)?;
    let spki = open.public_key().ok_or(Unspecified)?.to_vec();
    let text = pem("PRIVATE KEY", material.expose_secret());
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|source| OperatorKeyError::File { path: path.to_owned(), source })?;
    Ok(OperatorPublicKey { spki })
}

/// The fingerprint of a key as a request holds it, `SubjectPublicKeyInfo` in hexadecimal; `None` where it is none.
pub fn fingerprint_in_request(spki: &str) -> Option<String> {
    Some(fingerprint_of_key(&hex::decode(spki).ok()?))
}

/// Signs a request with the private key in a file. What is signed is answered too: whoever signs shall read it.
///
/// # Errors
/// [`OperatorKeyError`].
pub fn sign(request: &str, key: &Path) -> Result<(Confirmation, Signature), OperatorKeyError> {
    let request = Confirmation::parse(request)?;
    let text = read(key)?;
    let what = "Ed25519 private key in PEM";
    let pkcs8 = PrivatePkcs8KeyDer::from_pem_slice(&text)
        .map_err(|_| OperatorKeyError::Content { path: key.to_owned(), what })?;
    let der = pkcs8.secret_pkcs8_der();
    let material = KeyMaterial::from(SecretBytes::init_with(der.len(), |copy| copy.copy_from_slice(der)));
    let signature = request.sign(&material)?;
    Ok((request, signature))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, OperatorKeyError> {
    let text = std::fs::read(path);
    text.map(Zeroizing::new).map_err(|source| OperatorKeyError::File { path: path.to_owned(), source })
}

/// RFC 7468: lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    const LINE: usize = 64;
    let body = Zeroizing::new(STANDARD.encode(der));
    let lines = body.as_bytes().chunks(LINE).map(|line| std::str::from_utf8(line).unwrap_or_default());
    let mut text = Zeroizing::new(String::with_capacity(body.len() * 2 + 128));
    text.push_str(&format!("-----BEGIN {label}-----\n"));
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_private_its_public_half_is_read_back_and_no_file_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (private, public) = (folder.path().join("alice.key"), folder.path().join("alice.pub"));
        let made = make(&private).unwrap();
        assert_eq!(std::fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&public, made.to_pem()).unwrap();
        assert_eq!(OperatorPublicKey::read(&public).unwrap(), made);
        assert!(matches!(OperatorPublicKey::read(&private), Err(OperatorKeyError::Content { .. })));
        let before = std::fs::read(&private).unwrap();
        assert!(matches!(make(&private), Err(OperatorKeyError::File { .. })));
        assert_eq!(std::fs::read(&private).unwrap(), before);
    }

    #[test]
    fn only_requests_are_signed() {
        let folder = tempfile::tempdir().unwrap();
        let private = folder.path().join("alice.key");
        make(&private).unwrap();
        assert!(matches!(sign("{}", &private), Err(OperatorKeyError::Sign(_))));
    }
}
