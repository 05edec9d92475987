//! Imported key material: how it may be wrapped on its way here, and what an import may say of it.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-get-public-key-and-token.html>

use crate::key_spec::{KeyClass, KeySpec};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// How the material is wrapped (`AlgorithmSpec`).
    WrappingAlgorithm {
        RsaesPkcs1V15 = "RSAES_PKCS1_V1_5",
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        RsaAesKeyWrapSha1 = "RSA_AES_KEY_WRAP_SHA_1",
        RsaAesKeyWrapSha256 = "RSA_AES_KEY_WRAP_SHA_256",
        Sm2Pke = "SM2PKE",
    }
}

wire_enum! {
    /// What the material is wrapped under (`WrappingKeySpec`).
    WrappingKeySpec {
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
        Sm2 = "SM2",
    }
}

wire_enum! {
    /// Whether a material is new to its key (`ImportType`).
    ImportType {
        NewKeyMaterial = "NEW_KEY_MATERIAL",
        ExistingKeyMaterial = "EXISTING_KEY_MATERIAL",
    }
}

wire_enum! {
    /// Whether a material expires (`ExpirationModelType`).
    ExpirationModel {
        KeyMaterialExpires = "KEY_MATERIAL_EXPIRES",
        KeyMaterialDoesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
}

impl WrappingKeySpec {
    /// The key spec that a wrapping key has.
    pub const fn key_spec(self) -> KeySpec {
        match self {
            Self::Rsa2048 => KeySpec::Rsa2048,
            Self::Rsa3072 => KeySpec::Rsa3072,
            Self::Rsa4096 => KeySpec::Rsa4096,
            Self::Sm2 => KeySpec::Sm2,
        }
    }
}

use WrappingAlgorithm as A;
use WrappingKeySpec as W;

const OAEP: &[A] = &[A::RsaesOaepSha1, A::RsaesOaepSha256];
const RSA_AES: &[A] = &[A::RsaAesKeyWrapSha1, A::RsaAesKeyWrapSha256];
const RSA: &[W] = &[W::Rsa2048, W::Rsa3072, W::Rsa4096];
/// Too small for some private keys under OAEP.
const LARGER_RSA: &[W] = &[W::Rsa3072, W::Rsa4096];
const SM2: (&[A], &[W]) = (&[A::Sm2Pke], &[W::Sm2]);

/// Short secrets: OAEP takes them under every key.
const SECRET: &[(&[A], &[W])] = &[(OAEP, RSA), SM2];
/// Longer than OAEP takes.
const LONG_KEY: &[(&[A], &[W])] = &[(RSA_AES, RSA)];
const CURVE: &[(&[A], &[W])] = &[(OAEP, RSA), (RSA_AES, RSA), SM2];
/// Its PKCS#8 does not fit, or AWS does not let it (Ed25519, captured 2026-09).
const CURVE_NOT_UNDER_2048: &[(&[A], &[W])] = &[(OAEP, LARGER_RSA), (RSA_AES, RSA), SM2];
const SM2_KEY: &[(&[A], &[W])] = &[SM2];

/// Which wrappings a spec takes: algorithms, each with each of these wrapping keys. RSAES_PKCS1_V1_5 is modelled and
/// nowhere possible: AWS no longer takes it.
const fn wrappings(spec: KeySpec) -> &'static [(&'static [A], &'static [W])] {
    match spec {
        KeySpec::SymmetricDefault
        | KeySpec::Hmac224
        | KeySpec::Hmac256
        | KeySpec::Hmac384
        | KeySpec::Hmac512 => SECRET,
        KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096 => LONG_KEY,
        KeySpec::EccNistP256 | KeySpec::EccNistP384 | KeySpec::EccSecgP256k1 => CURVE,
        KeySpec::EccNistP521 | KeySpec::EccNistEdwards25519 => CURVE_NOT_UNDER_2048,
        KeySpec::Sm2 => SM2_KEY,
        KeySpec::MlDsa44
        | KeySpec::MlDsa65
        | KeySpec::MlDsa87
        | KeySpec::MlKem512
        | KeySpec::MlKem768
        | KeySpec::MlKem1024 => &[],
    }
}

/// Whether material of this spec can be wrapped so.
pub fn can_wrap(algorithm: WrappingAlgorithm, wrapping: WrappingKeySpec, spec: KeySpec) -> bool {
    let fits =
        |(algorithms, keys): &(&[A], &[W])| algorithms.contains(&algorithm) && keys.contains(&wrapping);
    wrappings(spec).iter().any(fits)
}

/// Whether a key of the spec may have several materials, each with an id: then new material can be imported beside that
/// which is there, for the next rotation.
pub fn takes_several(spec: KeySpec) -> bool {
    spec.row().class == KeyClass::Symmetric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_imported_has_a_wrapping_and_nothing_else_has() {
        for spec in KeySpec::ALL {
            assert_eq!(!wrappings(*spec).is_empty(), spec.row().importable, "{spec}");
        }
    }

    #[test]
    fn pkcs1_v1_5_wraps_nothing_and_algorithms_keep_to_their_keys() {
        for spec in KeySpec::ALL {
            for wrapping in WrappingKeySpec::ALL {
                assert!(!can_wrap(A::RsaesPkcs1V15, *wrapping, *spec));
                for algorithm in WrappingAlgorithm::ALL {
                    let apart = (*algorithm == A::Sm2Pke) != (*wrapping == W::Sm2);
                    assert!(!(apart && can_wrap(*algorithm, *wrapping, *spec)), "{algorithm} {wrapping}");
                }
            }
        }
    }

    #[test]
    fn long_keys_take_the_two_step_wrapping_and_short_secrets_do_not() {
        for (spec, algorithm, wrapping, can) in [
            (KeySpec::SymmetricDefault, A::RsaesOaepSha256, W::Rsa2048, true),
            (KeySpec::SymmetricDefault, A::RsaAesKeyWrapSha256, W::Rsa2048, false),
            (KeySpec::Hmac512, A::RsaesOaepSha1, W::Rsa4096, true),
            (KeySpec::Hmac512, A::RsaAesKeyWrapSha1, W::Rsa4096, false),
            (KeySpec::Rsa2048, A::RsaesOaepSha256, W::Rsa4096, false),
            (KeySpec::Rsa4096, A::RsaAesKeyWrapSha1, W::Rsa2048, true),
            (KeySpec::EccNistP384, A::RsaesOaepSha256, W::Rsa2048, true),
            (KeySpec::EccNistP521, A::RsaesOaepSha1, W::Rsa2048, false),
            (KeySpec::EccNistP521, A::RsaesOaepSha256, W::Rsa3072, true),
            (KeySpec::EccNistEdwards25519, A::RsaesOaepSha256, W::Rsa2048, false),
            (KeySpec::EccNistEdwards25519, A::RsaAesKeyWrapSha256, W::Rsa2048, true),
            (KeySpec::Sm2, A::Sm2Pke, W::Sm2, true),
            (KeySpec::Sm2, A::RsaAesKeyWrapSha256, W::Rsa4096, false),
            (KeySpec::MlDsa44, A::RsaesOaepSha256, W::Rsa4096, false),
        ] {
            assert_eq!(can_wrap(algorithm, wrapping, spec), can, "{algorithm} {wrapping} {spec}");
        }
    }
}
