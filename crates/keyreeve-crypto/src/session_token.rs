//! The keys that session tokens are sealed with. They are no keys of the keyring: the Regions of an installation share
//! them, so that a token of one opens in all others, each keeping them sealed under a keyring of its own.

use std::fmt;

use crate::derivation::DerivationKey;
use crate::error::Unspecified;
use crate::keyring::sealed::{Kind, Sealed, Stamp, seal};
use crate::random;
use crate::secret::SecretBytes;

/// Bytes of a session-token key.
pub const SESSION_TOKEN_KEY_LEN: usize = 32;

/// A session-token key with its number, which stands in every token that it sealed.
pub struct SessionTokenKey {
    number: u32,
    key: DerivationKey,
}

impl SessionTokenKey {
    /// The bytes of a new key.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator fails.
    pub fn generate() -> Result<SecretBytes, Unspecified> {
        random::secret(SESSION_TOKEN_KEY_LEN)
    }

    /// The key of these bytes.
    ///
    /// # Errors
    /// [`Unspecified`] when they are not [`SESSION_TOKEN_KEY_LEN`] bytes.
    pub fn new(number: u32, secret: &SecretBytes) -> Result<Self, Unspecified> {
        if secret.len() != SESSION_TOKEN_KEY_LEN {
            return Err(Unspecified);
        }
        Ok(Self { number, key: DerivationKey::new(secret.expose_secret()) })
    }

    /// Seals what a token says; `purpose` names its one use.
    ///
    /// # Errors
    /// [`Unspecified`] when the random generator fails.
    pub fn seal(&self, purpose: &'static str, content: &[u8]) -> Result<Vec<u8>, Unspecified> {
        seal(&self.key, Stamp::plain(Kind::SessionToken, self.number), purpose.as_bytes(), content)
    }

    /// Opens a token of the same purpose.
    ///
    /// # Errors
    /// [`Unspecified`] for every other input.
    pub fn open(&self, purpose: &'static str, token: &[u8]) -> Result<SecretBytes, Unspecified> {
        let sealed = Sealed::parse(token, Kind::SessionToken)?;
        if sealed.stamp != Stamp::plain(Kind::SessionToken, self.number) {
            return Err(Unspecified);
        }
        sealed.open(&self.key, purpose.as_bytes())
    }
}

impl fmt::Debug for SessionTokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionTokenKey").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The number of the key that sealed a token, as it claims.
///
/// # Errors
/// [`Unspecified`] when it is no token that a session-token key sealed.
pub fn number_of_session_token(token: &[u8]) -> Result<u32, Unspecified> {
    Ok(Sealed::parse(token, Kind::SessionToken)?.stamp.epoch)
}

#[cfg(test)]
mod tests {
    use keyreeve_model::timestamp::Timestamp;

    use super::*;
    use crate::keyring::Keyring;

    fn key(number: u32) -> SessionTokenKey {
        let secret = SecretBytes::from(vec![7; SESSION_TOKEN_KEY_LEN]);
        SessionTokenKey::new(number, &secret).unwrap()
    }

    #[test]
    fn a_token_opens_with_its_key_for_its_purpose_and_no_flipped_bit_does() {
        let token = key(3).seal("session", b"terms").unwrap();
        assert_eq!(number_of_session_token(&token), Ok(3));
        assert_eq!(key(3).open("session", &token).unwrap().expose_secret(), b"terms");
        assert!(key(3).open("marker", &token).is_err());
        assert!(key(4).open("session", &token).is_err());
        let other = SessionTokenKey::new(3, &SessionTokenKey::generate().unwrap()).unwrap();
        assert!(other.open("session", &token).is_err());
        for bit in 0..token.len() * 8 {
            let mut forged = token.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(key(3).open("session", &forged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn tokens_of_the_keyring_are_another_kind() {
        let keyring = Keyring::generate(Timestamp::from_millis(0)).unwrap();
        let old = keyring.seal_token("session", b"terms").unwrap();
        assert_eq!(number_of_session_token(&old), Err(Unspecified));
        assert!(key(1).open("session", &old).is_err());
        assert!(keyring.open_token("session", &key(1).seal("session", b"terms").unwrap()).is_err());
    }

    #[test]
    fn a_key_has_256_bits() {
        for len in [0, 16, 31, 33] {
            assert!(SessionTokenKey::new(1, &SecretBytes::from(vec![1; len])).is_err(), "{len}");
        }
        assert_eq!(SessionTokenKey::generate().unwrap().len(), SESSION_TOKEN_KEY_LEN);
    }
}
