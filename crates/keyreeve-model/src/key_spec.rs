//! The table of key specs: usages, algorithms, limits. Nothing else in the code matches on a spec to learn a fact.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html>

use crate::algorithm::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeyUsage, MacAlgorithm,
    SigningAlgorithm,
};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// The 20 key specs (`KeySpec`).
    KeySpec {
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
        EccNistP256 = "ECC_NIST_P256",
        EccNistP384 = "ECC_NIST_P384",
        EccNistP521 = "ECC_NIST_P521",
        EccSecgP256k1 = "ECC_SECG_P256K1",
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        Hmac224 = "HMAC_224",
        Hmac256 = "HMAC_256",
        Hmac384 = "HMAC_384",
        Hmac512 = "HMAC_512",
        Sm2 = "SM2",
        MlDsa44 = "ML_DSA_44",
        MlDsa65 = "ML_DSA_65",
        MlDsa87 = "ML_DSA_87",
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
        MlKem512 = "ML_KEM_512",
        MlKem768 = "ML_KEM_768",
        MlKem1024 = "ML_KEM_1024",
    }
}

wire_enum! {
    /// Specs of generated data key pairs (`DataKeyPairSpec`).
    DataKeyPairSpec {
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
        EccNistP256 = "ECC_NIST_P256",
        EccNistP384 = "ECC_NIST_P384",
        EccNistP521 = "ECC_NIST_P521",
        EccSecgP256k1 = "ECC_SECG_P256K1",
        Sm2 = "SM2",
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
        MlKem512 = "ML_KEM_512",
        MlKem768 = "ML_KEM_768",
        MlKem1024 = "ML_KEM_1024",
    }
}

impl DataKeyPairSpec {
    /// The key spec of the same name.
    pub const fn key_spec(self) -> KeySpec {
        match self {
            Self::Rsa2048 => KeySpec::Rsa2048,
            Self::Rsa3072 => KeySpec::Rsa3072,
            Self::Rsa4096 => KeySpec::Rsa4096,
            Self::EccNistP256 => KeySpec::EccNistP256,
            Self::EccNistP384 => KeySpec::EccNistP384,
            Self::EccNistP521 => KeySpec::EccNistP521,
            Self::EccSecgP256k1 => KeySpec::EccSecgP256k1,
            Self::Sm2 => KeySpec::Sm2,
            Self::EccNistEdwards25519 => KeySpec::EccNistEdwards25519,
            Self::MlKem512 => KeySpec::MlKem512,
            Self::MlKem768 => KeySpec::MlKem768,
            Self::MlKem1024 => KeySpec::MlKem1024,
        }
    }
}

/// What kind of key a spec is; aliases may move only within one class (and one usage).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyClass {
    /// AES-256, encrypts under itself.
    Symmetric,
    /// HMAC.
    Hmac,
    /// A key pair.
    Asymmetric,
}

/// How long one private operation takes: decides whether it may run on an I/O thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cost {
    /// Tens of microseconds at most.
    Quick,
    /// Up to milliseconds (RSA, post-quantum), or unbounded (RSA key generation).
    Slow,
}

/// Where a spec is offered: SM2 exists in AWS's China Regions only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offered {
    /// Every Region.
    Everywhere,
    /// `cn-*` Regions.
    ChinaRegions,
}

/// One row of the table of key specs.
#[derive(Debug)]
pub struct KeySpecRow {
    /// The spec that the row is about.
    pub spec: KeySpec,
    /// Symmetric, HMAC, or a key pair.
    pub class: KeyClass,
    /// Allowed usages.
    pub usages: &'static [KeyUsage],
    /// Algorithms with usage ENCRYPT_DECRYPT, as DescribeKey lists them.
    pub encryption: &'static [EncryptionAlgorithm],
    /// Algorithms with usage SIGN_VERIFY.
    pub signing: &'static [SigningAlgorithm],
    /// Algorithms with usage GENERATE_VERIFY_MAC.
    pub mac: &'static [MacAlgorithm],
    /// Algorithms with usage KEY_AGREEMENT.
    pub agreement: &'static [KeyAgreementAlgorithm],
    /// Algorithms with usage ENCAPSULATE_DECAPSULATE.
    pub encapsulation: &'static [EncapsulationAlgorithm],
    /// Cost of one private operation.
    pub cost: Cost,
    /// Regions that offer the spec.
    pub offered: Offered,
    /// Whether CreateKey accepts Origin EXTERNAL.
    pub importable: bool,
}

use EncryptionAlgorithm::{RsaesOaepSha1, RsaesOaepSha256, Sm2Pke, SymmetricDefault};
use KeyUsage::{EncapsulateDecapsulate, EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify};
use SigningAlgorithm as S;

const OAEP: &[EncryptionAlgorithm] = &[RsaesOaepSha1, RsaesOaepSha256];
const RSA_SIGNING: &[SigningAlgorithm] = &[
    S::RsassaPkcs1V15Sha256,
    S::RsassaPkcs1V15Sha384,
    S::RsassaPkcs1V15Sha512,
    S::RsassaPssSha256,
    S::RsassaPssSha384,
    S::RsassaPssSha512,
];
const ECDH: &[KeyAgreementAlgorithm] = &[KeyAgreementAlgorithm::Ecdh];

/// A row that offers nothing; the real rows override it.
const fn row(spec: KeySpec, class: KeyClass, usages: &'static [KeyUsage], cost: Cost) -> KeySpecRow {
    KeySpecRow {
        spec,
        class,
        usages,
        encryption: &[],
        signing: &[],
        mac: &[],
        agreement: &[],
        encapsulation: &[],
        cost,
        offered: Offered::Everywhere,
        importable: true,
    }
}

const fn rsa(spec: KeySpec) -> KeySpecRow {
    KeySpecRow {
        encryption: OAEP,
        signing: RSA_SIGNING,
        ..row(spec, KeyClass::Asymmetric, &[EncryptDecrypt, SignVerify], Cost::Slow)
    }
}

const fn nist_curve(spec: KeySpec, signing: &'static [SigningAlgorithm], cost: Cost) -> KeySpecRow {
    KeySpecRow {
        signing,
        agreement: ECDH,
        ..row(spec, KeyClass::Asymmetric, &[SignVerify, KeyAgreement], cost)
    }
}

const fn hmac(spec: KeySpec, mac: &'static [MacAlgorithm]) -> KeySpecRow {
    KeySpecRow { mac, ..row(spec, KeyClass::Hmac, &[GenerateVerifyMac], Cost::Quick) }
}

const fn ml_dsa(spec: KeySpec) -> KeySpecRow {
    KeySpecRow {
        signing: &[S::MlDsaShake256],
        importable: false, // captured refusal on AWS, 2026-09
        ..row(spec, KeyClass::Asymmetric, &[SignVerify], Cost::Slow)
    }
}

const fn ml_kem(spec: KeySpec) -> KeySpecRow {
    KeySpecRow {
        encapsulation: &[EncapsulationAlgorithm::MlKem],
        importable: false, // undetermined on AWS; refused until it is known
        ..row(spec, KeyClass::Asymmetric, &[EncapsulateDecapsulate], Cost::Quick)
    }
}

/// One row a spec, in the order of [`KeySpec::ALL`].
pub static KEY_SPECS: [KeySpecRow; 20] = [
    rsa(KeySpec::Rsa2048),
    rsa(KeySpec::Rsa3072),
    rsa(KeySpec::Rsa4096),
    nist_curve(KeySpec::EccNistP256, &[S::EcdsaSha256], Cost::Quick),
    nist_curve(KeySpec::EccNistP384, &[S::EcdsaSha384], Cost::Slow),
    nist_curve(KeySpec::EccNistP521, &[S::EcdsaSha512], Cost::Slow),
    KeySpecRow {
        signing: &[S::EcdsaSha256],
        ..row(KeySpec::EccSecgP256k1, KeyClass::Asymmetric, &[SignVerify], Cost::Slow)
    },
    KeySpecRow {
        encryption: &[SymmetricDefault],
        ..row(KeySpec::SymmetricDefault, KeyClass::Symmetric, &[EncryptDecrypt], Cost::Quick)
    },
    hmac(KeySpec::Hmac224, &[MacAlgorithm::HmacSha224]),
    hmac(KeySpec::Hmac256, &[MacAlgorithm::HmacSha256]),
    hmac(KeySpec::Hmac384, &[MacAlgorithm::HmacSha384]),
    hmac(KeySpec::Hmac512, &[MacAlgorithm::HmacSha512]),
    KeySpecRow {
        encryption: &[Sm2Pke],
        signing: &[S::Sm2Dsa],
        agreement: ECDH,
        offered: Offered::ChinaRegions,
        ..row(KeySpec::Sm2, KeyClass::Asymmetric, &[EncryptDecrypt, SignVerify, KeyAgreement], Cost::Slow)
    },
    ml_dsa(KeySpec::MlDsa44),
    ml_dsa(KeySpec::MlDsa65),
    ml_dsa(KeySpec::MlDsa87),
    KeySpecRow {
        signing: &[S::Ed25519PhSha512, S::Ed25519Sha512],
        ..row(KeySpec::EccNistEdwards25519, KeyClass::Asymmetric, &[SignVerify], Cost::Quick)
    },
    ml_kem(KeySpec::MlKem512),
    ml_kem(KeySpec::MlKem768),
    ml_kem(KeySpec::MlKem1024),
];

impl KeySpec {
    /// The row of this spec.
    pub fn row(self) -> &'static KeySpecRow {
        #[expect(clippy::indexing_slicing, reason = "the table is declared in enum order; a test holds it")]
        &KEY_SPECS[self as usize]
    }

    /// Whether the spec is offered in a Region of this name.
    pub fn offered_in(self, region: &str) -> bool {
        match self.row().offered {
            Offered::Everywhere => true,
            Offered::ChinaRegions => region.starts_with("cn-"),
        }
    }

    /// The most bytes that this spec encrypts directly with the algorithm; `None` where it does not.
    ///
    /// RSA: modulus length - 2 * hash length - 2 (RFC 8017 §7.1.1). SM2PKE: 1024 (AWS developer guide).
    pub fn plaintext_max(self, algorithm: EncryptionAlgorithm) -> Option<usize> {
        if !self.row().encryption.contains(&algorithm) {
            return None;
        }
        let oaep = |hash_len: usize| self.rsa_modulus_len().map(|len| len - 2 * hash_len - 2);
        match algorithm {
            SymmetricDefault => Some(crate::limits::PLAINTEXT_BYTES_MAX),
            RsaesOaepSha1 => oaep(20),
            RsaesOaepSha256 => oaep(32),
            Sm2Pke => Some(1024),
        }
    }

    /// Modulus length in bytes of an RSA spec.
    pub const fn rsa_modulus_len(self) -> Option<usize> {
        match self {
            Self::Rsa2048 => Some(256),
            Self::Rsa3072 => Some(384),
            Self::Rsa4096 => Some(512),
            Self::EccNistP256
            | Self::EccNistP384
            | Self::EccNistP521
            | Self::EccSecgP256k1
            | Self::SymmetricDefault
            | Self::Hmac224
            | Self::Hmac256
            | Self::Hmac384
            | Self::Hmac512
            | Self::Sm2
            | Self::MlDsa44
            | Self::MlDsa65
            | Self::MlDsa87
            | Self::EccNistEdwards25519
            | Self::MlKem512
            | Self::MlKem768
            | Self::MlKem1024 => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spec_has_its_own_row_in_enum_order() {
        for spec in KeySpec::ALL {
            assert_eq!(spec.row().spec, *spec);
        }
    }

    #[test]
    fn a_usage_is_listed_exactly_when_the_row_has_algorithms_for_it() {
        for row in &KEY_SPECS {
            for (usage, has) in [
                (EncryptDecrypt, !row.encryption.is_empty()),
                (SignVerify, !row.signing.is_empty()),
                (GenerateVerifyMac, !row.mac.is_empty()),
                (KeyAgreement, !row.agreement.is_empty()),
                (EncapsulateDecapsulate, !row.encapsulation.is_empty()),
            ] {
                assert_eq!(row.usages.contains(&usage), has, "{} {usage}", row.spec);
            }
        }
    }

    #[test]
    fn oaep_limits_are_those_of_the_developer_guide() {
        for (spec, sha1, sha256) in
            [(KeySpec::Rsa2048, 214, 190), (KeySpec::Rsa3072, 342, 318), (KeySpec::Rsa4096, 470, 446)]
        {
            assert_eq!(spec.plaintext_max(RsaesOaepSha1), Some(sha1));
            assert_eq!(spec.plaintext_max(RsaesOaepSha256), Some(sha256));
        }
    }

    #[test]
    fn sm2_is_offered_in_china_only() {
        assert!(KeySpec::Sm2.offered_in("cn-north-1"));
        assert!(!KeySpec::Sm2.offered_in("us-east-1"));
    }
}
