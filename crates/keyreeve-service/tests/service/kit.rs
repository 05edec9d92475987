//! One key of each usage, and one valid request for each operation.

use keyreeve_model::algorithm::KeyUsage;
use keyreeve_service::catalogue::{Api, CATALOGUE, Row, Scope};
use serde_json::{Value, json};

use crate::importing::{import_token, wrapped};
use crate::rig::{ACCOUNT, REGION, Rig, b64, text};

/// The material of the kit's imported key.
pub(crate) const IMPORTED: [u8; 32] = [0x17; 32];

/// Rows of the KMS API.
pub(crate) fn kms_rows() -> impl Iterator<Item = &'static Row> {
    CATALOGUE.iter().filter(|row| row.api == Api::Kms)
}

/// Rows that act on a key that exists.
pub(crate) fn key_rows() -> impl Iterator<Item = &'static Row> {
    kms_rows().filter(|row| matches!(row.scope, Scope::Key { .. }))
}

/// The member that names the key that a request is about.
pub(crate) fn key_member(row: &Row) -> &'static str {
    match row.name {
        "CreateAlias" | "UpdateAlias" => "TargetKeyId",
        "ReEncrypt" => "DestinationKeyId",
        _ => "KeyId",
    }
}

/// Keys of the root user, and what they made.
pub(crate) struct Kit {
    pub(crate) symmetric: String,
    /// A second symmetric key, with the alias `alias/kit`.
    pub(crate) other: String,
    pub(crate) signer: String,
    pub(crate) hmac: String,
    pub(crate) agreement: String,
    pub(crate) kem: String,
    /// A symmetric key with imported material.
    pub(crate) imported: String,
    /// A multi-Region key.
    pub(crate) global: String,
    /// Ids of two grants on the first key, to root users.
    pub(crate) grants: [String; 2],
    made: Value,
}

impl Kit {
    pub(crate) fn new(rig: &Rig) -> Self {
        Self::of(rig, false)
    }

    /// With multi-Region keys.
    pub(crate) fn multi_region(rig: &Rig) -> Self {
        Self::of(rig, true)
    }

    fn of(rig: &Rig, multi_region: bool) -> Self {
        let key = |spec: &str, usage: &str| {
            rig.key(json!({"KeySpec": spec, "KeyUsage": usage, "MultiRegion": multi_region}))
        };
        let symmetric = key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
        let other = key("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT");
        let signer = key("ECC_NIST_P256", "SIGN_VERIFY");
        let hmac = key("HMAC_256", "GENERATE_VERIFY_MAC");
        let agreement = key("ECC_NIST_P256", "KEY_AGREEMENT");
        let kem = key("ML_KEM_512", "ENCAPSULATE_DECAPSULATE");
        let global = rig.key(json!({"MultiRegion": true}));
        rig.ok("CreateAlias", json!({"AliasName": "alias/kit", "TargetKeyId": other}));
        let imported = rig.key(json!({"Origin": "EXTERNAL", "MultiRegion": multi_region}));
        let grants = ["Decrypt", "Encrypt"].map(|operation| grant(rig, &symmetric, operation));
        let mut kit = Self {
            symmetric,
            other,
            signer,
            hmac,
            agreement,
            kem,
            imported,
            global,
            grants,
            made: json!({}),
        };
        let answer = |operation| rig.ok(operation, kit.body(operation));
        kit.made = json!({
            "ciphertext": answer("Encrypt")["CiphertextBlob"],
            "signature": answer("Sign")["Signature"],
            "mac": answer("GenerateMac")["Mac"],
            "kem": answer("Encapsulate")["SharedSecretCiphertextBlob"],
            "token": import_token(rig, &kit.imported),
            "wrapped": wrapped(IMPORTED),
            "peer": text(&rig.ok("GetPublicKey", json!({"KeyId": kit.agreement})), "/PublicKey"),
        });
        rig.ok("ImportKeyMaterial", kit.body("ImportKeyMaterial"));
        kit
    }

    /// The key of the usage that a row asks for.
    pub(crate) fn key(&self, row: &Row) -> &str {
        match row.usage {
            Some(KeyUsage::SignVerify) => &self.signer,
            Some(KeyUsage::GenerateVerifyMac) => &self.hmac,
            Some(KeyUsage::KeyAgreement) => &self.agreement,
            Some(KeyUsage::EncapsulateDecapsulate) => &self.kem,
            None if row.name == "GetPublicKey" => &self.signer,
            None if row.origin.is_some() => &self.imported,
            None if matches!(row.name, "ReplicateKey" | "UpdatePrimaryRegion") => &self.global,
            Some(KeyUsage::EncryptDecrypt) | None => &self.symmetric,
        }
    }

    /// Every key.
    pub(crate) fn keys(&self) -> [&str; 8] {
        let Self { symmetric, other, signer, hmac, agreement, kem, imported, global, .. } = self;
        [symmetric, other, signer, hmac, agreement, kem, imported, global]
    }

    /// The keys that a row's valid request is about.
    pub(crate) fn keys_of(&self, row: &Row) -> Vec<&str> {
        match row.name {
            "ReEncrypt" => vec![&self.symmetric, &self.other],
            _ => vec![self.key(row)],
        }
    }

    /// The valid request, about another key.
    pub(crate) fn body_for(&self, row: &Row, key: &str) -> Value {
        let mut body = self.body(row.name);
        body[key_member(row)] = json!(key);
        body
    }

    /// A valid request, with the fewest members.
    pub(crate) fn body(&self, operation: &str) -> Value {
        let made = &self.made;
        let message = b64("message");
        match operation {
            "CreateKey" | "ListKeys" | "ListAliases" => json!({}),
            "CreateAlias" => json!({"AliasName": "alias/new", "TargetKeyId": self.symmetric}),
            "UpdateAlias" => json!({"AliasName": "alias/kit", "TargetKeyId": self.symmetric}),
            "DeleteAlias" => json!({"AliasName": "alias/kit"}),
            "Encrypt" => json!({"KeyId": self.symmetric, "Plaintext": message}),
            "Decrypt" => json!({"KeyId": self.symmetric, "CiphertextBlob": made["ciphertext"]}),
            "ReEncrypt" => json!({"CiphertextBlob": made["ciphertext"], "DestinationKeyId": self.other}),
            "GenerateDataKey" | "GenerateDataKeyWithoutPlaintext" => {
                json!({"KeyId": self.symmetric, "KeySpec": "AES_256"})
            }
            "GenerateDataKeyPair" | "GenerateDataKeyPairWithoutPlaintext" => {
                json!({"KeyId": self.symmetric, "KeyPairSpec": "ECC_NIST_P256"})
            }
            "GenerateRandom" => json!({"NumberOfBytes": 8}),
            "Sign" => json!({"KeyId": self.signer, "Message": message, "SigningAlgorithm": "ECDSA_SHA_256"}),
            "Verify" => json!({"KeyId": self.signer, "Message": message, "SigningAlgorithm": "ECDSA_SHA_256",
                               "Signature": made["signature"]}),
            "GenerateMac" => json!({"KeyId": self.hmac, "Message": message, "MacAlgorithm": "HMAC_SHA_256"}),
            "VerifyMac" => json!({"KeyId": self.hmac, "Message": message, "MacAlgorithm": "HMAC_SHA_256",
                                  "Mac": made["mac"]}),
            "DeriveSharedSecret" => json!({"KeyId": self.agreement, "KeyAgreementAlgorithm": "ECDH",
                                           "PublicKey": made["peer"]}),
            "Encapsulate" => json!({"KeyId": self.kem, "EncapsulationAlgorithm": "ML_KEM"}),
            "Decapsulate" => json!({"KeyId": self.kem, "EncapsulationAlgorithm": "ML_KEM",
                                    "SharedSecretCiphertextBlob": made["kem"]}),
            "GetPublicKey" => json!({"KeyId": self.signer}),
            "PutKeyPolicy" => json!({"KeyId": self.symmetric, "Policy": OPEN_POLICY}),
            "TagResource" => json!({"KeyId": self.symmetric, "Tags": [{"TagKey": "a", "TagValue": "b"}]}),
            "UntagResource" => json!({"KeyId": self.symmetric, "TagKeys": ["a"]}),
            "UpdateKeyDescription" => json!({"KeyId": self.symmetric, "Description": "d"}),
            "CreateGrant" => {
                json!({"KeyId": self.symmetric, "GranteePrincipal": GRANTEE, "Operations": ["Decrypt"]})
            }
            "ListRetirableGrants" => json!({"RetiringPrincipal": format!("arn:aws:iam::{ACCOUNT}:root")}),
            "RetireGrant" => json!({"KeyId": self.symmetric, "GrantId": self.grants[0]}),
            "RevokeGrant" => json!({"KeyId": self.symmetric, "GrantId": self.grants[1]}),
            "GetParametersForImport" => {
                json!({"KeyId": self.imported, "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
                                               "WrappingKeySpec": "RSA_2048"})
            }
            "ImportKeyMaterial" => json!({"KeyId": self.imported, "ImportToken": made["token"],
                                          "EncryptedKeyMaterial": made["wrapped"],
                                          "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}),
            "DeleteImportedKeyMaterial" => json!({"KeyId": self.imported}),
            "ReplicateKey" => json!({"KeyId": self.global, "ReplicaRegion": "eu-west-1"}),
            // Where it is.
            "UpdatePrimaryRegion" => json!({"KeyId": self.global, "PrimaryRegion": REGION}),
            "CancelKeyDeletion"
            | "DescribeKey"
            | "DisableKey"
            | "DisableKeyRotation"
            | "EnableKey"
            | "EnableKeyRotation"
            | "GetKeyLastUsage"
            | "GetKeyPolicy"
            | "GetKeyRotationStatus"
            | "ListGrants"
            | "ListKeyPolicies"
            | "ListKeyRotations"
            | "ListResourceTags"
            | "RotateKeyOnDemand"
            | "ScheduleKeyDeletion" => json!({"KeyId": self.symmetric}),
            unknown => panic!("give {unknown} a valid request here"),
        }
    }
}

/// Whom the kit's grants are for.
pub(crate) const GRANTEE: &str = "arn:aws:iam::777788889999:root";

fn grant(rig: &Rig, key: &str, operation: &str) -> String {
    let body = json!({"KeyId": key, "GranteePrincipal": GRANTEE, "Operations": [operation]});
    text(&rig.ok("CreateGrant", body), "/GrantId")
}

/// A policy that lets its owner go on.
pub(crate) const OPEN_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}]}"#;
