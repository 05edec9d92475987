//! Sealing of what leaves the records: tokens for clients, credentials of identities, sections of backups.

use super::{Keyring, Kind, Purpose, Sealed};
use crate::error::Unspecified;
use crate::secret::SecretBytes;

/// The epoch of the credential key that sealed these bytes, as they claim.
///
/// # Errors
/// [`Unspecified`] when they are no sealed credential.
pub fn epoch_of_credential(sealed: &[u8]) -> Result<u32, Unspecified> {
    Ok(Sealed::parse(sealed, Kind::Credential)?.stamp.epoch)
}

impl Keyring {
    /// Seals a token that a client brings back. `purpose` names its one use ("ListKeys marker"); what it is good for
    /// (account, operation, expiry) belongs into `content`.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator fails.
    pub fn seal_token(&self, purpose: &'static str, content: &[u8]) -> Result<Vec<u8>, Unspecified> {
        self.seal(Purpose::Token, 0, 0, purpose.as_bytes(), content)
    }

    /// Opens a token of the same purpose.
    ///
    /// # Errors
    /// [`Unspecified`] for every other input.
    pub fn open_token(&self, purpose: &'static str, token: &[u8]) -> Result<SecretBytes, Unspecified> {
        self.open_bound(Purpose::Token, Kind::Token, purpose.as_bytes(), token)
    }

    /// Seals a secret access key, bound to its access key id.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator fails.
    pub fn seal_credential(&self, access_key_id: &str, secret: &SecretBytes) -> Result<Vec<u8>, Unspecified> {
        self.seal(Purpose::Credential, 0, 0, access_key_id.as_bytes(), secret.expose_secret())
    }

    /// Opens the secret of this access key id.
    ///
    /// # Errors
    /// [`Unspecified`] when it was altered, belongs to another id, or its epoch is gone.
    pub fn open_credential(&self, access_key_id: &str, sealed: &[u8]) -> Result<SecretBytes, Unspecified> {
        self.open_bound(Purpose::Credential, Kind::Credential, access_key_id.as_bytes(), sealed)
    }

    /// Seals section number `sequence` of the backup that `name` identifies.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator fails.
    pub fn seal_backup(&self, name: &str, sequence: u64, content: &[u8]) -> Result<Vec<u8>, Unspecified> {
        self.seal(Purpose::Backup, 0, sequence, name.as_bytes(), content)
    }

    /// Opens section number `sequence` of that backup.
    ///
    /// # Errors
    /// [`Unspecified`] when it was altered, is another section, or its epoch is gone.
    pub fn open_backup(&self, name: &str, sequence: u64, sealed: &[u8]) -> Result<SecretBytes, Unspecified> {
        if Sealed::parse(sealed, Kind::Backup)?.stamp.sequence != sequence {
            return Err(Unspecified);
        }
        self.open_bound(Purpose::Backup, Kind::Backup, name.as_bytes(), sealed)
    }

    fn open_bound(
        &self,
        purpose: Purpose,
        kind: Kind,
        binding: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, Unspecified> {
        let sealed = Sealed::parse(sealed, kind)?;
        sealed.open(self.key_of(purpose, &sealed)?, binding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyreeve_model::timestamp::Timestamp;

    fn keyring() -> Keyring {
        Keyring::generate(Timestamp::from_millis(0)).unwrap()
    }

    #[test]
    fn a_token_opens_for_its_purpose_only() {
        let keyring = keyring();
        let token = keyring.seal_token("ListKeys marker", b"key 7").unwrap();
        assert_eq!(keyring.open_token("ListKeys marker", &token).unwrap().expose_secret(), b"key 7");
        assert_eq!(keyring.open_token("ListAliases marker", &token).unwrap_err(), Unspecified);
        assert_eq!(keyring.open_token("ListKeys marker", b"").unwrap_err(), Unspecified);
        for bit in 0..token.len() * 8 {
            let mut forged = token.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(keyring.open_token("ListKeys marker", &forged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_credential_opens_for_its_access_key_only() {
        let keyring = keyring();
        let secret = SecretBytes::from(b"wJalrXUtnFEMI".to_vec());
        let sealed = keyring.seal_credential("AKIA1", &secret).unwrap();
        assert!(keyring.open_credential("AKIA1", &sealed).unwrap().ct_eq(&secret));
        assert_eq!(keyring.open_credential("AKIA2", &sealed).unwrap_err(), Unspecified);
        assert_eq!(keyring.open_token("AKIA1", &sealed).unwrap_err(), Unspecified);
        assert_eq!(keyring.open_record("AKIA1", &sealed).unwrap_err(), Unspecified);
    }

    #[test]
    fn a_credential_names_its_epoch_and_other_bytes_name_none() {
        let keyring = keyring();
        let rotated = keyring.rotated(Purpose::Credential, Timestamp::from_millis(1)).unwrap();
        let seal = |keyring: &Keyring| {
            keyring.seal_credential("AKIA1", &SecretBytes::from(b"secret".to_vec())).unwrap()
        };
        assert_eq!(
            (epoch_of_credential(&seal(&keyring)), epoch_of_credential(&seal(&rotated))),
            (Ok(1), Ok(2))
        );
        assert_eq!(epoch_of_credential(b"nonsense"), Err(Unspecified));
        let record = keyring.seal_record("kms/a", 1, 1, b"value").unwrap();
        assert_eq!(epoch_of_credential(&record), Err(Unspecified));
        assert_eq!(super::super::epoch_of_record(&record), Ok(1));
    }

    #[test]
    fn sections_of_a_backup_do_not_trade_places() {
        let keyring = keyring();
        let section = keyring.seal_backup("2026-11-25", 1, b"rows").unwrap();
        assert_eq!(keyring.open_backup("2026-11-25", 1, &section).unwrap().expose_secret(), b"rows");
        assert_eq!(keyring.open_backup("2026-11-25", 2, &section).unwrap_err(), Unspecified);
        assert_eq!(keyring.open_backup("2026-11-26", 1, &section).unwrap_err(), Unspecified);
    }
}
