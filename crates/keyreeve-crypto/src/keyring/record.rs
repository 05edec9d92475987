//! Sealing of stored records: bound to their full path, format version and row number.

use super::{Keyring, Kind, Purpose, Sealed};
use crate::error::Unspecified;
use crate::secret::SecretBytes;

/// A record that was authenticated.
#[derive(Debug)]
pub struct OpenedRecord {
    /// Format version of the value.
    pub format: u8,
    /// Row number of this write.
    pub sequence: u64,
    /// The value.
    pub value: SecretBytes,
}

/// The epoch of the record key that sealed these bytes, as they claim.
///
/// # Errors
/// [`Unspecified`] when they are no sealed record.
pub fn epoch_of_record(sealed: &[u8]) -> Result<u32, Unspecified> {
    Ok(Sealed::parse(sealed, Kind::Record)?.stamp.epoch)
}

impl Keyring {
    /// Seals the value of the row at `path`, 60 bytes longer than `value`.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator fails.
    pub fn seal_record(
        &self,
        path: &str,
        format: u8,
        sequence: u64,
        value: &[u8],
    ) -> Result<Vec<u8>, Unspecified> {
        self.seal(Purpose::Record, format, sequence, path.as_bytes(), value)
    }

    /// Opens the value of the row at `path`.
    ///
    /// # Errors
    /// [`Unspecified`] when the row was altered, stood at another path, or its epoch is gone.
    pub fn open_record(&self, path: &str, sealed: &[u8]) -> Result<OpenedRecord, Unspecified> {
        let sealed = Sealed::parse(sealed, Kind::Record)?;
        let value = sealed.open(self.key_of(Purpose::Record, &sealed)?, path.as_bytes())?;
        Ok(OpenedRecord { format: sealed.stamp.format, sequence: sealed.stamp.sequence, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyreeve_model::timestamp::Timestamp;
    use proptest::prelude::*;

    fn keyring() -> Keyring {
        Keyring::generate(Timestamp::from_millis(0)).unwrap()
    }

    #[test]
    fn a_record_opens_at_its_path_with_its_format_and_sequence() {
        let keyring = keyring();
        let sealed = keyring.seal_record("kms/eu-west-1/key/1", 2, u64::MAX, b"value").unwrap();
        let opened = keyring.open_record("kms/eu-west-1/key/1", &sealed).unwrap();
        assert_eq!((opened.format, opened.sequence), (2, u64::MAX));
        assert_eq!(opened.value.expose_secret(), b"value");
    }

    #[test]
    fn swapped_rows_other_paths_and_other_keyrings_are_refused() {
        let keyring = keyring();
        let a = keyring.seal_record("kms/a", 1, 1, b"value").unwrap();
        let b = keyring.seal_record("kms/b", 1, 1, b"value").unwrap();
        for (path, sealed) in [("kms/a", &b), ("kms/b", &a), ("kms/a/", &a), ("", &a)] {
            assert_eq!(keyring.open_record(path, sealed).unwrap_err(), Unspecified, "{path}");
        }
        assert!(self::keyring().open_record("kms/a", &a).is_err());
    }

    #[test]
    fn parts_of_two_records_do_not_combine() {
        let keyring = keyring();
        let a = keyring.seal_record("kms/a", 1, 1, b"value").unwrap();
        let b = keyring.seal_record("kms/a", 1, 2, b"other").unwrap();
        for cut in 1..a.len() {
            let spliced = [&a[..cut], &b[cut..]].concat();
            if spliced != a && spliced != b {
                assert!(keyring.open_record("kms/a", &spliced).is_err(), "cut at {cut}");
            }
        }
    }

    proptest! {
        #[test]
        fn random_damage_is_refused(
            value in proptest::collection::vec(any::<u8>(), 0..80),
            at in any::<proptest::sample::Index>(),
            xor in 1_u8..,
        ) {
            let keyring = keyring();
            let mut sealed = keyring.seal_record("kms/a", 1, 1, &value).unwrap();
            let at = at.index(sealed.len());
            sealed[at] ^= xor;
            prop_assert!(keyring.open_record("kms/a", &sealed).is_err());
        }
    }
}
