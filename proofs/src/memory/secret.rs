//! The secrets that are looked for, where each may be, and the forms that it may take.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use keyreeve_model::key_spec::KeySpec;

/// A fragment of this many bytes is found as well as the whole: no two secrets share one.
const FRAGMENT: usize = 24;

/// Where in memory a secret may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// Nowhere: it is not needed any more.
    Nowhere,
    /// The locked arena.
    Arena,
    /// The locked arena, where it must be found: the control of the scanner.
    ArenaCertainly,
    /// Parsed handles of AWS-LC, which lie on the heap, in their form there (raw, or a number with the least significant
    /// byte first) and in no more copies than the handles hold. It must be found: the control of the scanner.
    Handles { form: &'static str, copies: usize },
}

/// One secret.
#[derive(Debug, Clone)]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) home: Home,
    pub(crate) bytes: Vec<u8>,
}

/// One way in which a secret's bytes may lie in memory or in a file.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    /// Index of the secret.
    pub(crate) secret: usize,
    pub(crate) form: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Secret {
    pub(crate) fn new(name: &str, home: Home, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), home, bytes: bytes.to_vec() }
    }

    /// Its forms: raw, reversed (numbers of AWS-LC begin with the least significant byte), hexadecimal, base64 at each
    /// of the three alignments.
    fn needles(&self, secret: usize) -> Vec<Needle> {
        let fragment = self.bytes.get(..FRAGMENT).unwrap_or(&self.bytes);
        let needle = |form, bytes| Needle { secret, form, bytes };
        let reversed = fragment.iter().rev().copied().collect();
        let mut needles = vec![
            needle("raw", fragment.to_vec()),
            needle("reversed", reversed),
            needle("hex", hex::encode(fragment).into_bytes()),
            needle("HEX", hex::encode_upper(fragment).into_bytes()),
        ];
        for before in 0..3 {
            let padded = [vec![0; before], fragment.to_vec()].concat();
            let text = STANDARD_NO_PAD.encode(&padded).into_bytes();
            let (from, to) = ((8 * before).div_ceil(6), 8 * padded.len() / 6);
            needles.push(needle("base64", text.get(from..to).unwrap_or_default().to_vec()));
        }
        needles
    }
}

/// The needles of all secrets.
pub(crate) fn needles(secrets: &[Secret]) -> Vec<Needle> {
    secrets.iter().enumerate().flat_map(|(number, secret)| secret.needles(number)).collect()
}

/// A parsed key has two handles: to sign and to agree, to sign and to decrypt, to sign messages and digests.
const SEEDS: Home = Home::Handles { form: "raw", copies: 2 };
const SCALARS: Home = Home::Handles { form: "reversed", copies: 2 };
/// A handle that was used holds each number once more, prepared for computing.
const RSA_NUMBERS: Home = Home::Handles { form: "reversed", copies: 4 };

/// The secret parts of key material in its stored form. Of symmetric and HMAC keys only the keyed HMAC state is kept.
pub(crate) fn parts(key: &str, spec: KeySpec, material: &[u8]) -> Vec<Secret> {
    let secret = |part: &str, home, bytes: &[u8]| {
        Secret::new(&format!("{} {part} of {key}", spec.as_str()), home, bytes)
    };
    let last = material.get(material.len().saturating_sub(32)..).unwrap_or_default();
    match spec.as_str() {
        "SYMMETRIC_DEFAULT" => vec![secret("key", Home::Nowhere, material)],
        text if text.starts_with("HMAC_") => vec![secret("key", Home::Nowhere, material)],
        text if text.starts_with("RSA_") => {
            let numbers = rsa_numbers(material).unwrap_or_default();
            let names = [(3, "d"), (4, "p"), (5, "q")];
            let number =
                |(at, name)| numbers.get(at).map(|number: &Vec<u8>| secret(name, RSA_NUMBERS, number));
            names.into_iter().filter_map(number).collect()
        }
        text if text.starts_with("ECC_NIST_P") => {
            ec_scalar(material).map(|scalar| secret("scalar", SCALARS, scalar)).into_iter().collect()
        }
        text if text.starts_with("ML_DSA") || text == "ECC_NIST_EDWARDS25519" => {
            vec![secret("seed", SEEDS, last)]
        }
        _ => Vec::new(),
    }
}

/// The scalar of an ECPrivateKey (RFC 5915): version 1, then an octet string.
fn ec_scalar(pkcs8: &[u8]) -> Option<&[u8]> {
    let at = pkcs8.windows(4).position(|window| window == [2, 1, 1, 4])?;
    let len = usize::from(*pkcs8.get(at + 4)?);
    pkcs8.get(at + 5..at + 5 + len)
}

/// The integers of an RSAPrivateKey (RFC 8017 A.1.2) inside PKCS#8, without leading zeros.
fn rsa_numbers(pkcs8: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (outer, _) = element(pkcs8)?;
    let (_version, rest) = element(outer)?;
    let (_algorithm, rest) = element(rest)?;
    let (octets, _) = element(rest)?;
    let (mut inner, _) = element(octets)?;
    let mut numbers = Vec::new();
    while let Some((number, rest)) = element(inner) {
        numbers.push(number.iter().copied().skip_while(|byte| *byte == 0).collect());
        inner = rest;
    }
    Some(numbers)
}

/// Content of the first DER element, and what follows it.
fn element(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[_tag, first], rest) = der.split_first_chunk::<2>()?;
    if first < 0x80 {
        return rest.split_at_checked(usize::from(first));
    }
    let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
    rest.split_at_checked(len.iter().fold(0, |len, byte| (len << 8) | usize::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyreeve_crypto::open_key::generate;

    #[test]
    fn every_form_is_found_in_text_that_holds_the_secret() {
        let secret =
            Secret::new("s", Home::Nowhere, &std::array::from_fn::<u8, 32, _>(|at| at as u8 * 7 + 3));
        let needles = needles(std::slice::from_ref(&secret));
        let has = |text: &[u8]| {
            needles.iter().any(|needle| text.windows(needle.bytes.len()).any(|window| window == needle.bytes))
        };
        for before in 0..6 {
            let inside = [vec![b'x'; before], secret.bytes.clone(), vec![b'y'; 5]].concat();
            assert!(has(STANDARD_NO_PAD.encode(&inside).as_bytes()), "base64 after {before} bytes");
            assert!(has(hex::encode(&inside).as_bytes()) && has(hex::encode_upper(&inside).as_bytes()));
            assert!(has(&inside) && has(&inside.iter().rev().copied().collect::<Vec<_>>()));
        }
        assert!(!has(&[0; 100]));
    }

    #[test]
    fn the_parts_of_each_kind_of_key_are_found_and_long_enough_to_be_unique() {
        for (spec, count, len) in [
            (KeySpec::SymmetricDefault, 1, 32),
            (KeySpec::Hmac256, 1, 32),
            (KeySpec::EccNistP256, 1, 32),
            (KeySpec::EccNistP384, 1, 48),
            (KeySpec::EccNistEdwards25519, 1, 32),
            (KeySpec::MlDsa44, 1, 32),
            (KeySpec::Rsa2048, 3, 120),
        ] {
            let material = generate(spec).unwrap();
            let parts = parts("key", spec, material.expose_secret());
            assert_eq!(parts.len(), count, "{spec:?}");
            assert!(parts.iter().all(|part| part.bytes.len() >= len), "{spec:?}");
        }
    }
}
