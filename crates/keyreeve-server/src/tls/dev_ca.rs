//! A private certificate authority for `keyreeve dev`: it lives in a folder, issues one server certificate, and renews
//! that before clients would refuse it. Its certificate is what `AWS_CA_BUNDLE` points at. Not for production.

use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{TlsError, TlsServer};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The authority outlives any development machine: replacing it would break every client that trusts it.
const CA_LIFETIME: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Apple's limit for server certificates is 398 days (<https://support.apple.com/en-us/102028>); clients of private
/// authorities are exempt today, but nothing is gained by more.
const SERVER_LIFETIME: Duration = Duration::from_secs(397 * 24 * 60 * 60);

/// A certificate that a client would refuse this long from now is renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const CA_NAME: &str = "Keyreeve development CA";
const CA_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca-key.pem";
const SERVER_FILE: &str = "server.pem";
const SERVER_KEY_FILE: &str = "server-key.pem";

/// Why the development authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DevCaError {
    /// A file of the folder cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A certificate cannot be made, for instance because a name is not a DNS name.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// A development authority in its folder, with a server certificate that is valid now.
#[derive(Debug)]
pub struct DevCa {
    folder: PathBuf,
}

impl DevCa {
    /// Opens the authority in `folder`, making it if it is not there; then makes sure that its server certificate is
    /// good for `localhost`, `127.0.0.1`, `::1` and `names` (DNS names or IP addresses) at `now` and for 30 days more.
    /// Folder 0700, key files 0600.
    ///
    /// # Errors
    /// When a file cannot be read or written, or a name cannot stand in a certificate.
    pub fn open(folder: &Path, names: &[String], now: SystemTime) -> Result<Self, DevCaError> {
        let ca = Self { folder: folder.to_owned() };
        let names = all_names(names);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| DevCaError::File { path: folder.to_owned(), source })?;
        let key = ca.ca_key(now)?;
        if !ca.accepted(&names, now + RENEW_BEFORE) {
            ca.issue(&key, names, now)?;
        }
        Ok(ca)
    }

    /// The authority's certificate, for `AWS_CA_BUNDLE`.
    pub fn ca_path(&self) -> PathBuf {
        self.folder.join(CA_FILE)
    }

    /// The server's certificate.
    pub fn certificate_path(&self) -> PathBuf {
        self.folder.join(SERVER_FILE)
    }

    /// The server's private key.
    pub fn key_path(&self) -> PathBuf {
        self.folder.join(SERVER_KEY_FILE)
    }

    /// TLS with the server certificate.
    ///
    /// # Errors
    /// As [`TlsServer::from_pem_files`].
    pub fn server(&self) -> Result<TlsServer, TlsError> {
        TlsServer::from_pem_files(&self.certificate_path(), &self.key_path())
    }

    /// The authority's key; authority and key are made if one of them is missing.
    fn ca_key(&self, now: SystemTime) -> Result<KeyPair, DevCaError> {
        let present = self.ca_path().exists();
        match fs::read_to_string(self.folder.join(CA_KEY_FILE)) {
            Ok(pem) if present => return Ok(KeyPair::from_pem(&pem)?),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(DevCaError::File { path: self.folder.join(CA_KEY_FILE), source }),
        }
        let key = KeyPair::generate()?;
        let mut params = ca_params();
        params.not_before = (now - DAY).into();
        params.not_after = (now + CA_LIFETIME).into();
        let certificate = params.self_signed(&key)?;
        self.write(CA_KEY_FILE, &key.serialize_pem(), 0o600)?;
        self.write(CA_FILE, &certificate.pem(), 0o644)?;
        Ok(key)
    }

    /// Whether a client that trusts the authority would accept the server certificate under every name at `then`.
    fn accepted(&self, names: &[String], then: SystemTime) -> bool {
        let Ok(authority) = CertificateDer::from_pem_file(self.ca_path()) else { return false };
        let Ok(server) = CertificateDer::from_pem_file(self.certificate_path()) else { return false };
        let mut roots = RootCertStore::empty();
        let provider = Arc::new(aws_lc_rs::default_provider());
        if roots.add(authority).is_err() || self.server().is_err() {
            return false;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let Ok(verifier) = verifier else { return false };
        let then =
            UnixTime::since_unix_epoch(then.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        names.iter().all(|name| {
            ServerName::try_from(name.as_str())
                .is_ok_and(|name| verifier.verify_server_cert(&server, &[], &name, &[], then).is_ok())
        })
    }

    fn issue(&self, ca_key: &KeyPair, names: Vec<String>, now: SystemTime) -> Result<(), DevCaError> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "Keyreeve development server");
        // A day back: the clock of a container or a virtual machine may lag.
        params.not_before = (now - DAY).into();
        params.not_after = (now + SERVER_LIFETIME).into();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &Issuer::new(ca_params(), ca_key))?;
        // A crash between the two leaves a pair that does not match; `accepted` notices and issues again.
        self.write(SERVER_KEY_FILE, &key.serialize_pem(), 0o600)?;
        self.write(SERVER_FILE, &certificate.pem(), 0o644)
    }

    /// Writes a whole file or nothing: under another name first, never readable by others if `mode` says so.
    fn write(&self, name: &str, text: &str, mode: u32) -> Result<(), DevCaError> {
        let path = self.folder.join(name);
        let unfinished = self.folder.join(format!("{name}.{}", std::process::id()));
        let write = || {
            match fs::remove_file(&unfinished) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)
        };
        write().map_err(|source| DevCaError::File { path: path.clone(), source })
    }
}

fn all_names(given: &[String]) -> Vec<String> {
    let mut names =
        vec!["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()];
    for name in given {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The authority apart from its validity. Issuing needs nothing else than this and the key, so the certificate is
/// never parsed.
fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, CA_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn files(ca: &DevCa) -> [Vec<u8>; 2] {
        [ca.ca_path(), ca.certificate_path()].map(|path| fs::read(path).unwrap())
    }

    /// Whether the authority and the server certificate are new when the folder is opened again.
    fn reopened(names: &[&str], later: Duration) -> [bool; 2] {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let before = files(&DevCa::open(folder.path(), &[], now).unwrap());
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let after = files(&DevCa::open(folder.path(), &names, now + later).unwrap());
        [before[0] != after[0], before[1] != after[1]]
    }

    #[test]
    fn the_server_certificate_is_renewed_when_needed_and_the_authority_stays() {
        assert_eq!(reopened(&[], Duration::ZERO), [false, false]);
        assert_eq!(reopened(&["localhost"], 300 * DAY), [false, false]);
        assert_eq!(reopened(&[], 368 * DAY), [false, true]);
        assert_eq!(reopened(&[], 500 * DAY), [false, true]);
        assert_eq!(reopened(&["kms.test"], Duration::ZERO), [false, true]);
        assert_eq!(reopened(&["192.0.2.7"], Duration::ZERO), [false, true]);
    }

    #[test]
    fn keys_are_private_and_a_broken_pair_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let ca = DevCa::open(folder.path(), &[], now).unwrap();
        for key in [folder.path().join(CA_KEY_FILE), ca.key_path()] {
            assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
        }
        ca.server().unwrap();
        fs::write(ca.key_path(), KeyPair::generate().unwrap().serialize_pem()).unwrap();
        ca.server().unwrap_err();
        DevCa::open(folder.path(), &[], now).unwrap().server().unwrap();
    }

    #[test]
    fn a_name_that_no_certificate_can_hold_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(DevCa::open(folder.path(), &["bücher".to_owned()], SystemTime::now()).is_err());
    }
}
