//! SHA-256 of public things, as short names for them, and its HMAC for names that strangers cannot guess. Not for secrets.

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;

/// SHA-256 of the parts, each behind its length (u64be), so that no two lists of parts give the same bytes.
#[must_use]
pub fn sha256_of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    finish(context)
}

/// HMAC-SHA-256 of the parts, each behind its length (u64be), under a key of any length.
#[must_use]
pub fn hmac_sha256_of_parts<'a>(key: &[u8], parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut tag = [0; 32];
    tag.iter_mut().zip(context.sign().as_ref()).for_each(|(to, from)| *to = *from);
    tag
}

/// SHA-256 of the bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    finish(context)
}

/// SHA-256 of bytes that come in pieces.
#[derive(Clone)]
pub struct Sha256(Context);

impl Sha256 {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    /// The next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        finish(self.0)
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256")
    }
}

fn finish(context: Context) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4's example, and parts that differ only in where they are cut.
    #[test]
    fn the_digest_is_sha_256_and_knows_where_parts_end() {
        assert_eq!(sha256(b"abc").first_chunk::<4>(), Some(&[0xba, 0x78, 0x16, 0xbf]));
        let parts = |cut: usize| sha256_of_parts([&b"abc"[..cut], &b"abc"[cut..]]);
        assert_ne!(parts(1), parts(2));
        assert_ne!(sha256_of_parts([&b"abc"[..]]), sha256(b"abc"));
        let mut pieces = Sha256::new();
        [&b"a"[..], b"bc"].iter().for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.finish(), sha256(b"abc"));
    }
}
