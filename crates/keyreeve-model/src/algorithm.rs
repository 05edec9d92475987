//! Names of usages, origins and algorithms, as the API spells them.
//! Source: the KMS service model 2014-11-01 (`model/kms.json`), checked by the model oracle.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// What a KMS key may be used for (`KeyUsageType`).
    KeyUsage {
        SignVerify = "SIGN_VERIFY",
        EncryptDecrypt = "ENCRYPT_DECRYPT",
        GenerateVerifyMac = "GENERATE_VERIFY_MAC",
        KeyAgreement = "KEY_AGREEMENT",
        EncapsulateDecapsulate = "ENCAPSULATE_DECAPSULATE",
    }
}

wire_enum! {
    /// Where the key material came from (`OriginType`).
    Origin {
        AwsKms = "AWS_KMS",
        External = "EXTERNAL",
        AwsCloudHsm = "AWS_CLOUDHSM",
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

wire_enum! {
    /// Who manages a key (`KeyManagerType`).
    KeyManager { Aws = "AWS", Customer = "CUSTOMER" }
}

wire_enum! {
    /// `EncryptionAlgorithmSpec`.
    EncryptionAlgorithm {
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        Sm2Pke = "SM2PKE",
    }
}

wire_enum! {
    /// `SigningAlgorithmSpec`.
    SigningAlgorithm {
        RsassaPssSha256 = "RSASSA_PSS_SHA_256",
        RsassaPssSha384 = "RSASSA_PSS_SHA_384",
        RsassaPssSha512 = "RSASSA_PSS_SHA_512",
        RsassaPkcs1V15Sha256 = "RSASSA_PKCS1_V1_5_SHA_256",
        RsassaPkcs1V15Sha384 = "RSASSA_PKCS1_V1_5_SHA_384",
        RsassaPkcs1V15Sha512 = "RSASSA_PKCS1_V1_5_SHA_512",
        EcdsaSha256 = "ECDSA_SHA_256",
        EcdsaSha384 = "ECDSA_SHA_384",
        EcdsaSha512 = "ECDSA_SHA_512",
        Sm2Dsa = "SM2DSA",
        MlDsaShake256 = "ML_DSA_SHAKE_256",
        Ed25519Sha512 = "ED25519_SHA_512",
        Ed25519PhSha512 = "ED25519_PH_SHA_512",
    }
}

impl SigningAlgorithm {
    /// Bytes that `MessageType` DIGEST must hold, or `None` where the algorithm takes no digest.
    /// SM2DSA signs e = SM3(Z || M), 32 bytes (GM/T 0003.2).
    pub const fn digest_len(self) -> Option<usize> {
        match self {
            Self::RsassaPssSha256 | Self::RsassaPkcs1V15Sha256 | Self::EcdsaSha256 | Self::Sm2Dsa => Some(32),
            Self::RsassaPssSha384 | Self::RsassaPkcs1V15Sha384 | Self::EcdsaSha384 => Some(48),
            Self::RsassaPssSha512
            | Self::RsassaPkcs1V15Sha512
            | Self::EcdsaSha512
            | Self::Ed25519PhSha512 => Some(64),
            Self::MlDsaShake256 | Self::Ed25519Sha512 => None,
        }
    }
}

wire_enum! {
    /// `MacAlgorithmSpec`.
    MacAlgorithm {
        HmacSha224 = "HMAC_SHA_224",
        HmacSha256 = "HMAC_SHA_256",
        HmacSha384 = "HMAC_SHA_384",
        HmacSha512 = "HMAC_SHA_512",
    }
}

wire_enum! {
    /// `KeyAgreementAlgorithmSpec`.
    KeyAgreementAlgorithm { Ecdh = "ECDH" }
}

wire_enum! {
    /// `EncapsulationAlgorithmSpec`.
    EncapsulationAlgorithm { MlKem = "ML_KEM" }
}

wire_enum! {
    /// What the `Message` of Sign and Verify holds (`MessageType`).
    MessageType { Raw = "RAW", Digest = "DIGEST", ExternalMu = "EXTERNAL_MU" }
}

wire_enum! {
    /// Length of a generated data key (`DataKeySpec`).
    DataKeySpec { Aes256 = "AES_256", Aes128 = "AES_128" }
}

impl DataKeySpec {
    /// Length in bytes.
    pub const fn byte_len(self) -> usize {
        match self {
            Self::Aes256 => 32,
            Self::Aes128 => 16,
        }
    }
}

wire_enum! {
    /// `DryRunModifierType`.
    DryRunModifier { IgnoreCiphertext = "IGNORE_CIPHERTEXT" }
}
