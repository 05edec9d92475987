//! NIST SP 800-108r1 key derivation in counter mode with HMAC-SHA256: <https://doi.org/10.6028/NIST.SP.800-108r1-upd1>.
//! Fixed input: `label || 00 || context || [L]32`, a 32-bit counter before it (§4.1). Labels are registered elsewhere.

use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};

use crate::error::Unspecified;

/// Derives `out.len()` bytes from `key`. The length is part of the input, so a shorter output is no prefix of a longer.
///
/// # Errors
/// [`Unspecified`] when `key` or `out` is empty, or the output is 2^29 bytes or longer ([L]32 counts bits).
pub fn derive(key: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) -> Result<(), Unspecified> {
    let bits = out.len().checked_mul(8).and_then(|bits| u32::try_from(bits).ok()).ok_or(Unspecified)?;
    let mut fixed_input = Vec::with_capacity(label.len() + 1 + context.len() + 4);
    fixed_input.extend_from_slice(label);
    fixed_input.push(0);
    fixed_input.extend_from_slice(context);
    fixed_input.extend_from_slice(&bits.to_be_bytes());
    derive_with_fixed_input(key, &fixed_input, out)
}

fn derive_with_fixed_input(key: &[u8], fixed_input: &[u8], out: &mut [u8]) -> Result<(), Unspecified> {
    let algorithm = get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256).ok_or(Unspecified)?;
    Ok(kbkdf_ctr_hmac(algorithm, key, fixed_input, out)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::hmac;

    /// NIST CAVP, SP 800-108 `KDFCTR_gen.rsp`: [PRF=HMAC_SHA256] [CTRLOCATION=BEFORE_FIXED] [RLEN=32_BITS], L = 128,
    /// COUNT = 0.
    #[test]
    fn the_first_cavp_vector_comes_out() {
        let key = hex::decode("dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0").unwrap();
        let fixed_input = hex::decode(
            "01322b96b30acd197979444e468e1c5c6859bf1b1cf951b7e725303e237e46b864a145fab25e517b08f8683d0315bb29\
             11d80a0e8aba17f3b413faac",
        )
        .unwrap();
        let mut out = [0; 16];
        derive_with_fixed_input(&key, &fixed_input, &mut out).unwrap();
        assert_eq!(hex::encode(out), "10621342bfb0fd40046c0e29f2cfdbf0");
    }

    /// The formula of §4.1 over an HMAC written out by hand.
    #[test]
    fn each_block_is_the_hmac_of_counter_and_fixed_input() {
        let mut out = [0; 40];
        derive(b"key", b"keyreeve/v1/enc", b"context", &mut out).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"key");
        let block = |counter: u32| {
            let length = 320_u32.to_be_bytes();
            let input = [&counter.to_be_bytes()[..], b"keyreeve/v1/enc", &[0], b"context", &length].concat();
            hmac::sign(&key, &input)
        };
        assert_eq!(out[..32], *block(1).as_ref());
        assert_eq!(out[32..], block(2).as_ref()[..8]);
    }

    #[test]
    fn label_context_and_length_separate() {
        let derive = |label: &[u8], context: &[u8]| {
            let mut out = [0; 32];
            derive(b"key", label, context, &mut out).unwrap();
            out
        };
        assert_ne!(derive(b"ab", b"c"), derive(b"a", b"bc"));
        let mut short = [0; 16];
        super::derive(b"key", b"ab", b"c", &mut short).unwrap();
        assert_ne!(short, derive(b"ab", b"c")[..16]);
    }

    #[test]
    fn empty_keys_and_outputs_are_refused() {
        assert_eq!(super::derive(b"", b"label", b"", &mut [0; 32]), Err(Unspecified));
        assert_eq!(super::derive(b"key", b"label", b"", &mut []), Err(Unspecified));
    }
}
