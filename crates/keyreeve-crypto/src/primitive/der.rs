//! The outer frame of DER keys. Not a parser: the parsers behind do the rest, but aws-lc-rs lets bytes after a key
//! pass, and AWS-LC lets a curve be spelled out instead of named.
//! ITU-T X.690 §8.1.3 and §10.1 (definite lengths, in as few bytes as possible).

use crate::error::Unspecified;

/// Checks that `der` is one SEQUENCE and nothing after it, and answers what is in it.
///
/// Raw points, raw keys and keys with a tail are refused here, whatever the parser behind would make of them.
pub(super) fn one_sequence(der: &[u8]) -> Result<&[u8], Unspecified> {
    let [0x30, first, rest @ ..] = der else { return Err(Unspecified) };
    let (len, body) = match (*first, rest) {
        (0..=0x7f, body) => (usize::from(*first), body),
        (0x81, [a, body @ ..]) if *a >= 0x80 => (usize::from(*a), body),
        (0x82, [a, b, body @ ..]) if *a != 0 => (usize::from(u16::from_be_bytes([*a, *b])), body),
        _ => return Err(Unspecified),
    };
    if body.len() == len { Ok(body) } else { Err(Unspecified) }
}

/// Checks that an SPKI has exactly this `AlgorithmIdentifier`.
pub(super) fn spki_of(algorithm_identifier: &[u8], spki: &[u8]) -> Result<(), Unspecified> {
    if one_sequence(spki)?.starts_with(algorithm_identifier) { Ok(()) } else { Err(Unspecified) }
}

/// First octets of a point (SEC 1 §2.3.3): the hybrid forms, 06 and 07, are nowhere accepted.
pub(super) const UNCOMPRESSED: &[u8] = &[0x04];
/// As [`UNCOMPRESSED`], and the two compressed forms.
pub(super) const UNCOMPRESSED_OR_COMPRESSED: &[u8] = &[0x02, 0x03, 0x04];

/// Checks that an SPKI has exactly this `AlgorithmIdentifier` and a point of one of these forms (RFC 5480 §2.2): AWS-LC
/// would take the hybrid form of the same point too.
pub(super) fn spki_with_point(
    algorithm_identifier: &[u8],
    forms: &[u8],
    spki: &[u8],
) -> Result<(), Unspecified> {
    let bits = one_sequence(spki)?.strip_prefix(algorithm_identifier).ok_or(Unspecified)?;
    match bits {
        [0x03, 0x00..=0x7f, 0x00, form, ..] | [0x03, 0x81, _, 0x00, form, ..] if forms.contains(form) => {
            Ok(())
        }
        _ => Err(Unspecified),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sequence(header: &[u8], len: usize) -> Vec<u8> {
        [header, &vec![0; len]].concat()
    }

    #[test]
    fn the_length_must_be_minimal_and_cover_everything() {
        for (der, good) in [
            (sequence(&[0x30, 0], 0), true),
            (sequence(&[0x30, 0x7f], 0x7f), true),
            (sequence(&[0x30, 0x81, 0x80], 0x80), true),
            (sequence(&[0x30, 0x82, 1, 0], 0x100), true),
            (sequence(&[0x30, 0x7f], 0x80), false),
            (sequence(&[0x30, 0x7f], 0x7e), false),
            (sequence(&[0x30, 0x81, 0x7f], 0x7f), false),
            (sequence(&[0x30, 0x82, 0, 0x80], 0x80), false),
            (sequence(&[0x30, 0x80], 2), false),
            (sequence(&[0x31, 0], 0), false),
            (vec![0x30], false),
            (vec![], false),
        ] {
            assert_eq!(one_sequence(&der).is_ok(), good, "{:02x?}", &der[..der.len().min(4)]);
        }
    }
}
