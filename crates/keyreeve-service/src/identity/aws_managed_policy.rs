//! The AWS managed policies that tools attach by their well-known ARNs, as far as they say anything about the services
//! that exist here. <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html>

use keyreeve_model::timestamp::Timestamp;

/// One policy that every account has and none can change.
#[derive(Debug)]
pub(crate) struct AwsManagedPolicy {
    pub(crate) name: &'static str,
    /// `ANPA…`, the same in every account.
    pub(crate) id: &'static str,
    pub(crate) path: &'static str,
    /// When AWS made it.
    pub(crate) created: Timestamp,
    pub(crate) description: &'static str,
    pub(crate) document: &'static str,
}

/// What their ARNs begin with.
pub(crate) const ARN_PREFIX: &str = "arn:aws:iam::aws:policy";

/// The table, by name.
pub(crate) static AWS_MANAGED_POLICIES: &[AwsManagedPolicy] = &[
    AwsManagedPolicy {
        name: "AWSKeyManagementServicePowerUser",
        id: "ANPAJNPP7PPPPMJRV2SA4",
        path: "/",
        // 2015-02-06T18:40:40Z
        created: Timestamp::from_millis(1_423_248_040_000),
        description: "Provides access to AWS Key Management Service (KMS).",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:CreateAlias","kms:CreateKey","kms:DeleteAlias","kms:Describe*","kms:GenerateRandom","kms:Get*","kms:List*","kms:TagResource","kms:UntagResource","iam:ListGroups","iam:ListRoles","iam:ListUsers"],"Resource":"*"}]}"#,
    },
    AwsManagedPolicy {
        name: "AdministratorAccess",
        id: "ANPAIWMBCKSKIEE64ZLYK",
        path: "/",
        // 2015-02-06T18:39:46Z
        created: Timestamp::from_millis(1_423_247_986_000),
        description: "Provides full access to AWS services and resources.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    },
    AwsManagedPolicy {
        name: "IAMFullAccess",
        id: "ANPAI7XKCFMBPM3QQRRVQ",
        path: "/",
        // 2015-02-06T18:40:38Z
        created: Timestamp::from_millis(1_423_248_038_000),
        description: "Provides full access to IAM via the AWS Management Console.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:*"],"Resource":"*"}]}"#,
    },
    AwsManagedPolicy {
        name: "IAMReadOnlyAccess",
        id: "ANPAJKSO7NDY4T57MWDSQ",
        path: "/",
        // 2015-02-06T18:40:39Z
        created: Timestamp::from_millis(1_423_248_039_000),
        description: "Provides read only access to IAM via the AWS Management Console.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:Get*","iam:List*","iam:Simulate*"],"Resource":"*"}]}"#,
    },
    AwsManagedPolicy {
        name: "IAMUserChangePassword",
        id: "ANPAJ4L4MM2A7QIEB56MS",
        path: "/",
        // 2016-11-15T00:25:16Z
        created: Timestamp::from_millis(1_479_169_516_000),
        description: "Provides the ability for an IAM user to change their own password.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:ChangePassword"],"Resource":["arn:aws:iam::*:user/${aws:username}"]},{"Effect":"Allow","Action":["iam:GetAccountPasswordPolicy"],"Resource":"*"}]}"#,
    },
    AwsManagedPolicy {
        name: "PowerUserAccess",
        id: "ANPAJYRXTHIB4FOVS3ZXS",
        path: "/",
        // 2015-02-06T18:39:47Z
        created: Timestamp::from_millis(1_423_247_987_000),
        description: "Provides full access to AWS services and resources, but does not allow management of Users and groups.",
        document: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"}]}"#,
    },
];

impl AwsManagedPolicy {
    /// `arn:aws:iam::aws:policy/<name>`.
    pub(crate) fn arn(&self) -> String {
        format!("{ARN_PREFIX}{}{}", self.path, self.name)
    }
}

/// The policy of an ARN.
pub(crate) fn find(arn: &str) -> Option<&'static AwsManagedPolicy> {
    let rest = arn.strip_prefix(ARN_PREFIX)?;
    AWS_MANAGED_POLICIES
        .iter()
        .find(|policy| rest.strip_prefix(policy.path).is_some_and(|name| name == policy.name))
}
