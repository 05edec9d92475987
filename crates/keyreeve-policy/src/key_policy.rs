//! The key policies that Keyreeve itself writes: the default one, and those of AWS managed keys.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>

use keyreeve_model::region::AccountId;

/// The default policy of a key, printed as AWS prints it.
/// AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html>
pub fn default_key_policy(partition: &str, account: AccountId) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:{partition}:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// The policy of an AWS managed key: its account may look, its service may use.
/// AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk>
pub fn aws_managed_key_policy(partition: &str, region: &str, account: AccountId, service: &str) -> String {
    let document = serde_json::json!({
        "Version": "2012-10-17",
        "Id": format!("auto-{service}"),
        "Statement": [
            {
                "Sid": format!("Allow access through {service} for all principals in the account that are authorized to use it"),
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:CreateGrant", "kms:DescribeKey"],
                "Resource": "*",
                "Condition": {"StringEquals": {
                    "kms:CallerAccount": account.as_str(),
                    "kms:ViaService": format!("{service}.{region}.amazonaws.com"),
                }},
            },
            {
                "Sid": "Allow direct access to key metadata to the account",
                "Effect": "Allow",
                "Principal": {"AWS": format!("arn:{partition}:iam::{account}:root")},
                "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
                "Resource": "*",
            },
        ],
    });
    format!("{document:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Grammar, Policy};

    #[test]
    fn the_policies_that_keyreeve_writes_are_policies() {
        for text in [
            default_key_policy("aws", AccountId::ZERO),
            default_key_policy("aws-cn", AccountId::ZERO),
            aws_managed_key_policy("aws", "us-east-1", AccountId::ZERO, "s3"),
        ] {
            assert!(Policy::parse(&text, Grammar::KeyPolicy).is_ok(), "{text}");
        }
    }
}
