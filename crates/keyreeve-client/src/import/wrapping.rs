//! Which algorithm wraps which material. AWS: "Selecting a wrapping algorithm",
//! <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html>

use keyreeve_crypto::error::Unspecified;
use keyreeve_crypto::import::wrapping;
use keyreeve_model::key_spec::KeySpec;

use super::described::DescribedKey;
use super::material::Material;

/// A wrapping algorithm and the spec of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapping {
    /// What fits under RSA alone.
    Oaep,
    /// What does not, and RSA keys always.
    RsaAes,
    /// SM2 keys and SM4 keys, in China Regions.
    Sm2,
}

/// The strongest RSA key that wraps.
const RSA: KeySpec = KeySpec::Rsa4096;

impl Wrapping {
    /// The one for this key and this material.
    pub(super) fn of(key: &DescribedKey, material: &Material) -> Self {
        let fits = wrapping::oaep_sha_256_max(RSA).is_some_and(|most| material.len() <= most);
        let is_rsa = key.spec.rsa_modulus_len().is_some();
        let is_chinese = key.spec == KeySpec::Sm2 || (key.in_china && key.spec == KeySpec::SymmetricDefault);
        match (is_chinese, is_rsa, fits) {
            (true, _, _) => Self::Sm2,
            (false, false, true) => Self::Oaep,
            (false, true, _) | (false, false, false) => Self::RsaAes,
        }
    }

    /// `WrappingAlgorithm`.
    pub(super) const fn algorithm(self) -> &'static str {
        match self {
            Self::Oaep => "RSAES_OAEP_SHA_256",
            Self::RsaAes => "RSA_AES_KEY_WRAP_SHA_256",
            Self::Sm2 => "SM2PKE",
        }
    }

    /// `WrappingKeySpec`.
    pub(super) const fn key_spec(self) -> &'static str {
        match self {
            Self::Oaep | Self::RsaAes => RSA.as_str(),
            Self::Sm2 => KeySpec::Sm2.as_str(),
        }
    }

    /// Wraps the material under the public key of this SPKI.
    pub(super) fn wrap(self, spki: &[u8], material: &Material) -> Result<Vec<u8>, Unspecified> {
        let material = material.expose_secret();
        match self {
            Self::Oaep => wrapping::oaep_sha_256(RSA, spki, material),
            Self::RsaAes => wrapping::rsa_aes_key_wrap_sha_256(RSA, spki, material),
            Self::Sm2 => wrapping::sm2pke(spki, material),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spec_the_length_and_the_region_choose_the_algorithm() {
        for (spec, in_china, len, wrapping) in [
            (KeySpec::SymmetricDefault, false, 32, Wrapping::Oaep),
            (KeySpec::SymmetricDefault, true, 16, Wrapping::Sm2),
            (KeySpec::Hmac512, false, 128, Wrapping::Oaep),
            (KeySpec::EccNistP521, false, 241, Wrapping::Oaep),
            (KeySpec::EccNistP521, false, 447, Wrapping::RsaAes),
            (KeySpec::EccNistEdwards25519, false, 48, Wrapping::Oaep),
            (KeySpec::Rsa2048, false, 1_217, Wrapping::RsaAes),
            (KeySpec::Rsa2048, true, 400, Wrapping::RsaAes),
            (KeySpec::Sm2, true, 150, Wrapping::Sm2),
        ] {
            let arn = String::new();
            let state = String::new();
            let key = DescribedKey { arn, spec, in_china, current_material_id: None, state };
            assert_eq!(Wrapping::of(&key, &Material::of(vec![7; len])), wrapping, "{spec} {len}");
        }
    }
}
