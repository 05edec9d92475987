//! Which operations a grant may permit on which kind of key: a table, never branches.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html#terms-grant-operations>

use crate::algorithm::KeyUsage;
use crate::grant::GrantOperation;
use crate::key_spec::KeyClass;

/// Operations of a grant on the keys of one class and usage.
#[derive(Debug)]
pub struct GrantableRow {
    /// Symmetric, HMAC, or a key pair.
    pub class: KeyClass,
    /// What the key is for.
    pub usage: KeyUsage,
    /// In the order in which AWS lists them.
    pub operations: &'static [GrantOperation],
}

use GrantOperation as G;

/// One row for each class and usage that a key can have.
pub const GRANTABLE: &[GrantableRow] = &[
    GrantableRow {
        class: KeyClass::Symmetric,
        usage: KeyUsage::EncryptDecrypt,
        operations: &[
            G::CreateGrant,
            G::RetireGrant,
            G::DescribeKey,
            G::Encrypt,
            G::Decrypt,
            G::GenerateDataKey,
            G::GenerateDataKeyWithoutPlaintext,
            G::GenerateDataKeyPair,
            G::GenerateDataKeyPairWithoutPlaintext,
            G::ReEncryptFrom,
            G::ReEncryptTo,
        ],
    },
    GrantableRow {
        class: KeyClass::Hmac,
        usage: KeyUsage::GenerateVerifyMac,
        operations: &[G::CreateGrant, G::RetireGrant, G::DescribeKey, G::GenerateMac, G::VerifyMac],
    },
    GrantableRow {
        class: KeyClass::Asymmetric,
        usage: KeyUsage::EncryptDecrypt,
        operations: &[
            G::CreateGrant,
            G::RetireGrant,
            G::DescribeKey,
            G::GetPublicKey,
            G::Encrypt,
            G::Decrypt,
            G::ReEncryptFrom,
            G::ReEncryptTo,
        ],
    },
    GrantableRow {
        class: KeyClass::Asymmetric,
        usage: KeyUsage::SignVerify,
        operations: &[G::CreateGrant, G::RetireGrant, G::DescribeKey, G::GetPublicKey, G::Sign, G::Verify],
    },
    GrantableRow {
        class: KeyClass::Asymmetric,
        usage: KeyUsage::KeyAgreement,
        operations: &[G::CreateGrant, G::RetireGrant, G::DescribeKey, G::GetPublicKey, G::DeriveSharedSecret],
    },
    GrantableRow {
        class: KeyClass::Asymmetric,
        usage: KeyUsage::EncapsulateDecapsulate,
        operations: &[
            G::CreateGrant,
            G::RetireGrant,
            G::DescribeKey,
            G::GetPublicKey,
            G::Encapsulate,
            G::Decapsulate,
        ],
    },
];

/// The operations that a grant may permit on a key of this class and usage; none where no key is so.
pub fn grantable(class: KeyClass, usage: KeyUsage) -> &'static [GrantOperation] {
    let row = GRANTABLE.iter().find(|row| row.class == class && row.usage == usage);
    row.map_or(&[], |row| row.operations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key_spec::KeySpec;

    #[test]
    fn every_key_that_can_be_has_operations_and_every_operation_has_a_key() {
        for spec in KeySpec::ALL {
            for usage in spec.row().usages {
                assert!(grantable(spec.row().class, *usage).len() > 3, "{spec} {usage}");
            }
        }
        for operation in GrantOperation::ALL {
            assert!(GRANTABLE.iter().any(|row| row.operations.contains(operation)), "{operation}");
        }
        assert_eq!(grantable(KeyClass::Hmac, KeyUsage::SignVerify), &[]);
    }
}
