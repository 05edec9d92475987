//! Encryption context whose values may not stand in the clear: they are replaced by a keyed hash, so that equal values
//! can still be found.

use std::fmt;

use keyreeve_crypto::secret::SecretBytes;

/// The keys whose values are hashed.
pub(crate) struct HashedContextKeys {
    keys: Vec<String>,
    secret: SecretBytes,
}

impl HashedContextKeys {
    /// These keys of encryption contexts, hashed under this secret.
    pub(crate) const fn new(keys: Vec<String>, secret: SecretBytes) -> Self {
        Self { keys, secret }
    }

    /// What stands in place of a value; `None` where the value itself does.
    pub(super) fn hash(&self, key: &str, value: &str) -> Option<String> {
        if !self.keys.iter().any(|known| known == key) {
            return None;
        }
        let digest = keyreeve_crypto::digest::hmac_sha256_of_parts(
            self.secret.expose_secret(),
            [key.as_bytes(), value.as_bytes()],
        );
        Some(format!("hmac-sha256:{}", hex::encode(digest)))
    }
}

impl fmt::Debug for HashedContextKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashedContextKeys").field("keys", &self.keys).finish_non_exhaustive()
    }
}
