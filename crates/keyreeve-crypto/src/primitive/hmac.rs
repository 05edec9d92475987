//! HMAC with SHA-224, -256, -384 and -512 (RFC 2104). Full tags only.

use aws_lc_rs::hmac;
use keyreeve_model::algorithm::MacAlgorithm;
use keyreeve_model::key_spec::KeySpec;
use std::ops::RangeInclusive;

use crate::error::Unspecified;

/// Facts about one HMAC key spec.
struct Row {
    spec: KeySpec,
    mac: MacAlgorithm,
    algorithm: &'static hmac::Algorithm,
    /// Bytes of material: what CreateKey generates, then the range that an import may have.
    /// AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-conceptual.html>
    lengths: (usize, RangeInclusive<usize>),
}

static ROWS: [Row; 4] = [
    row(KeySpec::Hmac224, MacAlgorithm::HmacSha224, &hmac::HMAC_SHA224, 28..=64),
    row(KeySpec::Hmac256, MacAlgorithm::HmacSha256, &hmac::HMAC_SHA256, 32..=64),
    row(KeySpec::Hmac384, MacAlgorithm::HmacSha384, &hmac::HMAC_SHA384, 48..=128),
    row(KeySpec::Hmac512, MacAlgorithm::HmacSha512, &hmac::HMAC_SHA512, 64..=128),
];

const fn row(
    spec: KeySpec,
    mac: MacAlgorithm,
    algorithm: &'static hmac::Algorithm,
    range: RangeInclusive<usize>,
) -> Row {
    Row { spec, mac, algorithm, lengths: (*range.start(), range) }
}

fn row_of(spec: KeySpec) -> Result<&'static Row, Unspecified> {
    ROWS.iter().find(|row| row.spec == spec).ok_or(Unspecified)
}

/// Bytes of material that a generated key has: the digest's length.
pub(crate) fn generated_len(spec: KeySpec) -> Result<usize, Unspecified> {
    Ok(row_of(spec)?.lengths.0)
}

/// A key ready for use.
pub(crate) struct HmacKey {
    key: hmac::Key,
    mac: MacAlgorithm,
}

impl HmacKey {
    /// Takes raw material of an allowed length.
    pub(crate) fn open(spec: KeySpec, material: &[u8]) -> Result<Self, Unspecified> {
        let row = row_of(spec)?;
        if !row.lengths.1.contains(&material.len()) {
            return Err(Unspecified);
        }
        Ok(Self { key: hmac::Key::new(*row.algorithm, material), mac: row.mac })
    }

    /// The tag of a message.
    pub(crate) fn mac(&self, algorithm: MacAlgorithm, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        self.check(algorithm)?;
        Ok(hmac::sign(&self.key, message).as_ref().to_vec())
    }

    /// Compares in constant time; a cut tag is a wrong one.
    pub(crate) fn verify(
        &self,
        algorithm: MacAlgorithm,
        message: &[u8],
        tag: &[u8],
    ) -> Result<(), Unspecified> {
        self.check(algorithm)?;
        Ok(hmac::verify(&self.key, message, tag)?)
    }

    fn check(&self, algorithm: MacAlgorithm) -> Result<(), Unspecified> {
        if algorithm == self.mac { Ok(()) } else { Err(Unspecified) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231 §4.2. Its key of 20 bytes is no material that AWS allows, so it goes in below the length rule.
    #[test]
    fn rfc_4231_case_1_comes_out() {
        let tags = [
            "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ];
        for (row, tag) in ROWS.iter().zip(tags) {
            let key = HmacKey { key: hmac::Key::new(*row.algorithm, &[0x0b; 20]), mac: row.mac };
            assert_eq!(hex::encode(key.mac(row.mac, b"Hi There").unwrap()), tag);
            key.verify(row.mac, b"Hi There", &hex::decode(tag).unwrap()).unwrap();
        }
    }

    #[test]
    fn only_the_whole_right_tag_verifies() {
        for row in &ROWS {
            let key = HmacKey::open(row.spec, &[7; 64]).unwrap();
            let tag = key.mac(row.mac, b"message").unwrap();
            assert_eq!(tag.len(), generated_len(row.spec).unwrap());
            key.verify(row.mac, b"message", &tag).unwrap();
            for cut in 0..tag.len() {
                assert_eq!(key.verify(row.mac, b"message", &tag[..cut]), Err(Unspecified));
                let mut wrong = tag.clone();
                wrong[cut] ^= 0x80;
                assert_eq!(key.verify(row.mac, b"message", &wrong), Err(Unspecified));
            }
            assert_eq!(key.verify(row.mac, b"message", &[&tag[..], &[0]].concat()), Err(Unspecified));
        }
    }

    #[test]
    fn material_outside_the_allowed_range_is_refused() {
        for row in &ROWS {
            let (start, end) = (*row.lengths.1.start(), *row.lengths.1.end());
            for (len, good) in [(start - 1, false), (start, true), (end, true), (end + 1, false)] {
                assert_eq!(HmacKey::open(row.spec, &vec![1; len]).is_ok(), good, "{} {len}", row.spec);
            }
        }
    }
}
