//! SHA-256 of public things, as short names for them. Not for secrets, and no message authentication.

use aws_lc_rs::digest::{Context, SHA256};

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

/// SHA-256 of the bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(bytes);
    finish(context)
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
    }
}
