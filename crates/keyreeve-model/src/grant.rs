//! Grants: permissions on one key for one principal, kept beside the key policy.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>

use crate::encryption_context::EncryptionContext;
use crate::region::AccountId;
use crate::timestamp::Timestamp;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What a grant may permit.
    /// AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html>
    GrantOperation {
        Decrypt = "Decrypt",
        Encrypt = "Encrypt",
        GenerateDataKey = "GenerateDataKey",
        GenerateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext",
        ReEncryptFrom = "ReEncryptFrom",
        ReEncryptTo = "ReEncryptTo",
        Sign = "Sign",
        Verify = "Verify",
        GetPublicKey = "GetPublicKey",
        CreateGrant = "CreateGrant",
        RetireGrant = "RetireGrant",
        DescribeKey = "DescribeKey",
        GenerateDataKeyPair = "GenerateDataKeyPair",
        GenerateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext",
        GenerateMac = "GenerateMac",
        VerifyMac = "VerifyMac",
        DeriveSharedSecret = "DeriveSharedSecret",
        Encapsulate = "Encapsulate",
        Decapsulate = "Decapsulate",
    }
}

impl GrantOperation {
    /// The operation of an IAM action such as `kms:Decrypt`; none for management actions.
    pub fn of_action(action: &str) -> Option<Self> {
        Self::parse(action.strip_prefix("kms:")?)
    }

    /// Whether encryption context constraints bear on it: not on DescribeKey and RetireGrant, which have none.
    pub const fn obeys_context_constraints(self) -> bool {
        !matches!(self, Self::DescribeKey | Self::RetireGrant)
    }
}

/// Under which encryption contexts, and for whose sake, a grant applies. AWS takes at most one of the two contexts.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct GrantConstraints {
    /// The request's context must be exactly this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub equals: Option<EncryptionContext>,
    /// The request's context must hold all these pairs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subset: Option<EncryptionContext>,
    /// ARN of the resource for which a service principal acts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source_arn: Option<String>,
}

/// One grant on one key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Grant {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Name that makes CreateGrant idempotent; absent when none was given.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Who may use it: an ARN, a unique id, or a service's name.
    pub grantee: String,
    /// Unique id of the grantee when the grant was made: a later namesake does not match.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub grantee_id: Option<String>,
    /// Whether the grantee is a service principal.
    #[serde(default)]
    pub grantee_service: bool,
    /// Who may retire it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retiring: Option<String>,
    /// Unique id of the retiring principal when the grant was made.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retiring_id: Option<String>,
    /// What it permits; not empty, without duplicates.
    pub operations: Vec<GrantOperation>,
    /// When it applies.
    #[serde(default)]
    pub constraints: GrantConstraints,
    /// Account whose principal made it.
    pub issuing_account: AccountId,
    /// When it was made.
    pub created: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_grant_comes_back_as_it_was_written() {
        let context = BTreeMap::from([("Department".to_owned(), "Finance".to_owned())]);
        let grant = Grant {
            id: "0".repeat(64),
            name: None,
            grantee: "arn:aws:iam::111122223333:user/Alice".to_owned(),
            grantee_id: Some("AIDAEXAMPLEALICE0001".to_owned()),
            grantee_service: false,
            retiring: None,
            retiring_id: None,
            operations: vec![GrantOperation::Decrypt, GrantOperation::RetireGrant],
            constraints: GrantConstraints {
                subset: Some(EncryptionContext::new(context).unwrap()),
                ..GrantConstraints::default()
            },
            issuing_account: AccountId::ZERO,
            created: Timestamp::from_millis(1),
        };
        let text = serde_json::to_string(&grant).unwrap();
        assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), grant, "{text}");
    }

    #[test]
    fn operations_are_those_of_the_service_model() {
        assert_eq!(GrantOperation::ALL.len(), 19);
        assert_eq!(GrantOperation::of_action("kms:ReEncryptTo"), Some(GrantOperation::ReEncryptTo));
        assert_eq!(GrantOperation::of_action("kms:PutKeyPolicy"), None);
        assert_eq!(GrantOperation::of_action("Decrypt"), None);
    }
}
