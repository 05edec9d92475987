//! The table: one row for every key of KMS, every global key, and those of STS that trust policies use.
//! Sources: AWS's service authorisation reference and the list of global keys of the IAM guide.

use ValueKind::{Arn, Bool, Date, Ip, Numeric, String};

use super::source::{
    CallerFact, ClockFact, ConnectionFact, ForwardingFact, GrantFact, KeyFact, RequestFact, Source, TrustFact,
};
use super::{Actions, ConditionKeyRow, ValueKind};

const fn row(name: &'static str, kind: ValueKind, actions: Actions, source: Source) -> ConditionKeyRow {
    ConditionKeyRow { name, kind, multivalued: false, part: None, numbered: None, actions, source }
}

impl ConditionKeyRow {
    const fn many(mut self) -> Self {
        self.multivalued = true;
        self
    }

    const fn with_part(mut self, separator: char) -> Self {
        self.part = Some(separator);
        self
    }

    const fn numbered_to(mut self, last: u8) -> Self {
        self.numbered = Some(last);
        self
    }
}

/// A member of one name in every action.
macro_rules! member {
    ($name:literal) => {
        Source::Member { names: &[("", $name)], default: None }
    };
    ($name:literal, $default:literal) => {
        Source::Member { names: &[("", $name)], default: Some($default) }
    };
}

const ENCRYPTION_ALGORITHM: Source = Source::Member {
    names: &[
        ("kms:ReEncryptFrom", "SourceEncryptionAlgorithm"),
        ("kms:ReEncryptTo", "DestinationEncryptionAlgorithm"),
        ("", "EncryptionAlgorithm"),
    ],
    default: Some("SYMMETRIC_DEFAULT"),
};

const ENCRYPTING: &[&str] = &[
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
];

const WITH_CONTEXT: &[&str] = &[
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:RetireGrant",
];

const WITH_RECIPIENT: &[&str] = &[
    "kms:Decrypt",
    "kms:DeriveSharedSecret",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateRandom",
];

const BY_ALIAS: &[&str] = &[
    "kms:Decapsulate",
    "kms:Decrypt",
    "kms:DeriveSharedSecret",
    "kms:DescribeKey",
    "kms:Encapsulate",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateMac",
    "kms:GetPublicKey",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:Sign",
    "kms:Verify",
    "kms:VerifyMac",
];

/// Passing tags and setting a source identity are actions of their own in the same request.
const ASSUMING: &[&str] =
    &["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:SetSourceIdentity", "sts:TagSession"];

/// Assuming a role as somebody who signs.
const ASSUMING_SIGNED: &[&str] = &["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];

/// Requests that can have tags.
const TAGGING: &[&str] = &[
    "iam:CreateInstanceProfile",
    "iam:CreateOpenIDConnectProvider",
    "iam:CreatePolicy",
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:TagInstanceProfile",
    "iam:TagOpenIDConnectProvider",
    "iam:TagPolicy",
    "iam:TagRole",
    "iam:TagUser",
    "kms:CreateKey",
    "kms:TagResource",
    "sts:AssumeRole",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

/// Actions that give an identity a permissions boundary. AWS fills the key in other actions on an identity too, with the
/// boundary that it has: there it is absent here.
const SETTING_BOUNDARIES: &[&str] =
    &["iam:CreateRole", "iam:CreateUser", "iam:PutRolePermissionsBoundary", "iam:PutUserPermissionsBoundary"];

/// Actions that attach or detach a managed policy.
const ATTACHING: &[&str] = &[
    "iam:AttachGroupPolicy",
    "iam:AttachRolePolicy",
    "iam:AttachUserPolicy",
    "iam:DetachGroupPolicy",
    "iam:DetachRolePolicy",
    "iam:DetachUserPolicy",
];

/// Actions that put tags on something, and requests that can have keys of tags.
const NAMING_TAGS: &[&str] = &[
    "iam:CreateInstanceProfile",
    "iam:CreateOpenIDConnectProvider",
    "iam:CreatePolicy",
    "iam:CreateRole",
    "iam:CreateUser",
    "iam:TagInstanceProfile",
    "iam:TagOpenIDConnectProvider",
    "iam:TagPolicy",
    "iam:TagRole",
    "iam:TagUser",
    "iam:UntagInstanceProfile",
    "iam:UntagOpenIDConnectProvider",
    "iam:UntagPolicy",
    "iam:UntagRole",
    "iam:UntagUser",
    "kms:CreateKey",
    "kms:TagResource",
    "kms:UntagResource",
    "sts:AssumeRole",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

const NO_ASSUME_ROOT: &str = "AssumeRoot is not offered";
const NO_INSTANCES: &str = "roles are not delivered to machines of a cloud";
const NO_MCP: &str = "no request comes by AWS's MCP servers";
const NO_MFA: &str = "no second factor is ever asked for";
const NO_ORG_PATHS: &str = "organisations have no units, and so no paths";
const NO_SOURCE_ORG: &str = "services say of a resource its account, not its organisation";
const NO_OWNER_ORG: &str = "accounts of a deployment form no organisation with paths";
const NO_VPC: &str = "there are no VPCs and no VPC endpoints";
const OTHER_SERVICE: &str = "set by an AWS service that does not exist here";

/// The claim of an OpenID Connect provider, `<provider>:<claim>`: what [`super::ConditionKey::row`] gives for these names.
pub static WEB_IDENTITY_CLAIM: ConditionKeyRow = row(
    "<provider>",
    String,
    Actions::Only(&["sts:AssumeRoleWithWebIdentity"]),
    Source::Trust(TrustFact::Claim),
)
.with_part(':');

/// Every condition key, sorted by its name in lower case.
pub static CONDITION_KEYS: &[ConditionKeyRow] = &[
    row("aws:AssumedRoot", Bool, Actions::All, Source::Never(NO_ASSUME_ROOT)),
    row("aws:CalledVia", String, Actions::All, Source::Forwarding(ForwardingFact::CalledVia)).many(),
    row("aws:CalledViaAWSMCP", String, Actions::All, Source::Never(NO_MCP)),
    row("aws:CalledViaFirst", String, Actions::All, Source::Forwarding(ForwardingFact::CalledViaFirst)),
    row("aws:CalledViaLast", String, Actions::All, Source::Forwarding(ForwardingFact::CalledViaLast)),
    row("aws:ChatbotSourceArn", Arn, Actions::All, Source::Never(OTHER_SERVICE)),
    row("aws:CurrentTime", Date, Actions::All, Source::Clock(ClockFact::CurrentTime)),
    row("aws:Ec2InstanceSourcePrivateIPv4", Ip, Actions::All, Source::Never(NO_INSTANCES)),
    row("aws:Ec2InstanceSourceVpc", String, Actions::All, Source::Never(NO_INSTANCES)),
    row("aws:EpochTime", Date, Actions::All, Source::Clock(ClockFact::EpochTime)),
    row("aws:FederatedProvider", String, Actions::All, Source::Caller(CallerFact::FederatedProvider)),
    row("aws:IsMcpServiceAction", Bool, Actions::All, Source::Never(NO_MCP)),
    row("aws:MultiFactorAuthAge", Numeric, Actions::All, Source::Never(NO_MFA)),
    row("aws:MultiFactorAuthPresent", Bool, Actions::All, Source::Caller(CallerFact::MfaPresent)),
    row("aws:PrincipalAccount", String, Actions::All, Source::Caller(CallerFact::PrincipalAccount)),
    row("aws:PrincipalArn", Arn, Actions::All, Source::Caller(CallerFact::PrincipalArn)),
    row("aws:PrincipalIsAWSService", Bool, Actions::All, Source::Caller(CallerFact::IsAwsService)),
    row("aws:PrincipalOrgID", String, Actions::All, Source::Caller(CallerFact::OrgId)),
    row("aws:PrincipalOrgPaths", String, Actions::All, Source::Never(NO_ORG_PATHS)).many(),
    row("aws:PrincipalServiceName", String, Actions::All, Source::Caller(CallerFact::ServiceName)),
    row("aws:PrincipalServiceNamesList", String, Actions::All, Source::Caller(CallerFact::ServiceNames))
        .many(),
    row("aws:PrincipalTag", String, Actions::All, Source::Caller(CallerFact::Tag)).with_part('/'),
    row("aws:PrincipalType", String, Actions::All, Source::Caller(CallerFact::PrincipalType)),
    row("aws:referer", String, Actions::All, Source::Connection(ConnectionFact::Referer)),
    row("aws:RequestedRegion", String, Actions::All, Source::Request(RequestFact::Region)),
    row("aws:RequestTag", String, Actions::Only(TAGGING), Source::RequestTag).with_part('/'),
    row("aws:ResourceAccount", String, Actions::All, Source::Key(KeyFact::Account)),
    row("aws:ResourceOrgID", String, Actions::All, Source::Never(NO_OWNER_ORG)),
    row("aws:ResourceOrgPaths", String, Actions::All, Source::Never(NO_OWNER_ORG)).many(),
    row("aws:ResourceTag", String, Actions::OnKeys, Source::Key(KeyFact::Tag)).with_part('/'),
    row("aws:SecureTransport", Bool, Actions::All, Source::Connection(ConnectionFact::SecureTransport)),
    row("aws:SourceAccount", String, Actions::All, Source::Forwarding(ForwardingFact::SourceAccount)),
    row("aws:SourceArn", Arn, Actions::All, Source::Forwarding(ForwardingFact::SourceArn)),
    row("aws:SourceIdentity", String, Actions::All, Source::Caller(CallerFact::SourceIdentity)),
    row("aws:SourceIp", Ip, Actions::All, Source::Connection(ConnectionFact::SourceIp)),
    row("aws:SourceOrgID", String, Actions::All, Source::Never(NO_SOURCE_ORG)),
    row("aws:SourceOrgPaths", String, Actions::All, Source::Never(NO_ORG_PATHS)).many(),
    row("aws:SourceOwner", String, Actions::All, Source::Never(OTHER_SERVICE)),
    row("aws:SourceVpc", String, Actions::All, Source::Never(NO_VPC)),
    row("aws:SourceVpcArn", String, Actions::All, Source::Never(NO_VPC)),
    row("aws:SourceVpce", String, Actions::All, Source::Never(NO_VPC)),
    row("aws:TagKeys", String, Actions::Only(NAMING_TAGS), Source::TagKeys).many(),
    row("aws:TokenIssueTime", Date, Actions::All, Source::Caller(CallerFact::TokenIssueTime)),
    row("aws:UserAgent", String, Actions::All, Source::Connection(ConnectionFact::UserAgent)),
    row("aws:userid", String, Actions::All, Source::Caller(CallerFact::UserId)),
    row("aws:username", String, Actions::All, Source::Caller(CallerFact::UserName)),
    row("aws:ViaAWSMCPService", Bool, Actions::All, Source::Never(NO_MCP)),
    row("aws:ViaAWSService", Bool, Actions::All, Source::Forwarding(ForwardingFact::ViaAwsService)),
    row("aws:VpceAccount", String, Actions::All, Source::Never(NO_VPC)),
    row("aws:VpceOrgID", String, Actions::All, Source::Never(NO_VPC)),
    row("aws:VpceOrgPaths", String, Actions::All, Source::Never(NO_VPC)).many(),
    row("aws:VpcSourceIp", Ip, Actions::All, Source::Never(NO_VPC)),
    row("ec2:RoleDelivery", Numeric, Actions::All, Source::Never(NO_INSTANCES)),
    row("ec2:SourceInstanceArn", Arn, Actions::All, Source::Never(NO_INSTANCES)),
    row("glue:CredentialIssuingService", String, Actions::All, Source::Never(OTHER_SERVICE)),
    row("glue:RoleAssumedBy", String, Actions::All, Source::Never(OTHER_SERVICE)),
    row("iam:PermissionsBoundary", Arn, Actions::Only(SETTING_BOUNDARIES), member!("PermissionsBoundary")),
    row("iam:PolicyARN", Arn, Actions::Only(ATTACHING), member!("PolicyArn")),
    row("identitystore:UserId", String, Actions::All, Source::Never(OTHER_SERVICE)),
    row(
        "kms:BypassPolicyLockoutSafetyCheck",
        Bool,
        Actions::Only(&["kms:CreateKey", "kms:PutKeyPolicy"]),
        member!("BypassPolicyLockoutSafetyCheck", "false"),
    ),
    row("kms:CallerAccount", String, Actions::All, Source::Caller(CallerFact::Account)),
    row("kms:CustomerMasterKeySpec", String, Actions::OnKeys, Source::Key(KeyFact::Spec)),
    row("kms:CustomerMasterKeyUsage", String, Actions::OnKeys, Source::Key(KeyFact::Usage)),
    row(
        "kms:DataKeyPairSpec",
        String,
        Actions::Only(&["kms:GenerateDataKeyPair", "kms:GenerateDataKeyPairWithoutPlaintext"]),
        member!("KeyPairSpec"),
    ),
    row("kms:EncryptionAlgorithm", String, Actions::Only(ENCRYPTING), ENCRYPTION_ALGORITHM),
    row("kms:EncryptionContext", String, Actions::Only(WITH_CONTEXT), Source::EncryptionContext)
        .with_part(':'),
    row("kms:EncryptionContextKeys", String, Actions::Only(WITH_CONTEXT), Source::EncryptionContextKeys)
        .many(),
    row(
        "kms:ExpirationModel",
        String,
        Actions::Only(&["kms:ImportKeyMaterial"]),
        member!("ExpirationModel", "KEY_MATERIAL_EXPIRES"),
    ),
    row(
        "kms:GrantConstraintSourceArn",
        Arn,
        Actions::Only(&["kms:CreateGrant"]),
        Source::Grant(GrantFact::ConstraintSourceArn),
    ),
    row(
        "kms:GrantConstraintType",
        String,
        Actions::Only(&["kms:CreateGrant", "kms:RetireGrant"]),
        Source::Grant(GrantFact::ConstraintType),
    ),
    row(
        "kms:GranteePrincipal",
        String,
        Actions::Only(&["kms:CreateGrant"]),
        Source::Grant(GrantFact::GranteePrincipal),
    ),
    row(
        "kms:GranteeServicePrincipal",
        String,
        Actions::Only(&["kms:CreateGrant"]),
        Source::Grant(GrantFact::GranteeServicePrincipal),
    ),
    row(
        "kms:GrantIsForAWSResource",
        Bool,
        Actions::Only(&["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]),
        Source::Grant(GrantFact::IsForAwsResource),
    ),
    row(
        "kms:GrantOperations",
        String,
        Actions::Only(&["kms:CreateGrant"]),
        Source::Grant(GrantFact::Operations),
    )
    .many(),
    row(
        "kms:KeyAgreementAlgorithm",
        String,
        Actions::Only(&["kms:DeriveSharedSecret"]),
        member!("KeyAgreementAlgorithm"),
    ),
    row("kms:KeyOrigin", String, Actions::OnKeys, Source::Key(KeyFact::Origin)),
    row("kms:KeySpec", String, Actions::OnKeys, Source::Key(KeyFact::Spec)),
    row("kms:KeyUsage", String, Actions::OnKeys, Source::Key(KeyFact::Usage)),
    row(
        "kms:MacAlgorithm",
        String,
        Actions::Only(&["kms:GenerateMac", "kms:VerifyMac"]),
        member!("MacAlgorithm"),
    ),
    row("kms:MessageType", String, Actions::Only(&["kms:Sign", "kms:Verify"]), member!("MessageType", "RAW")),
    row("kms:MultiRegion", Bool, Actions::OnKeys, Source::Key(KeyFact::MultiRegion)),
    row("kms:MultiRegionKeyType", String, Actions::OnKeys, Source::Key(KeyFact::MultiRegionKeyType)),
    row("kms:PrimaryRegion", String, Actions::Only(&["kms:UpdatePrimaryRegion"]), member!("PrimaryRegion")),
    row(
        "kms:RecipientAttestation:ImageSha384",
        String,
        Actions::Only(WITH_RECIPIENT),
        Source::Request(RequestFact::Attestation),
    ),
    row(
        "kms:RecipientAttestation:NitroTPMPCR",
        String,
        Actions::Only(WITH_RECIPIENT),
        Source::Request(RequestFact::NitroTpmAttestation),
    )
    .numbered_to(23),
    row(
        "kms:RecipientAttestation:PCR",
        String,
        Actions::Only(WITH_RECIPIENT),
        Source::Request(RequestFact::Attestation),
    )
    .numbered_to(31),
    row(
        "kms:ReEncryptOnSameKey",
        Bool,
        Actions::Only(&["kms:ReEncryptFrom", "kms:ReEncryptTo"]),
        Source::Request(RequestFact::ReEncryptOnSameKey),
    ),
    row("kms:ReplicaRegion", String, Actions::Only(&["kms:ReplicateKey"]), member!("ReplicaRegion")),
    row("kms:RequestAlias", String, Actions::Only(BY_ALIAS), Source::Request(RequestFact::Alias)),
    row("kms:ResourceAliases", String, Actions::OnKeys, Source::Key(KeyFact::Aliases)).many(),
    row(
        "kms:RetiringPrincipal",
        String,
        Actions::Only(&["kms:CreateGrant"]),
        Source::Grant(GrantFact::RetiringPrincipal),
    ),
    row(
        "kms:RetiringServicePrincipal",
        String,
        Actions::Only(&["kms:CreateGrant"]),
        Source::Grant(GrantFact::RetiringServicePrincipal),
    ),
    row(
        "kms:RotationPeriodInDays",
        Numeric,
        Actions::Only(&["kms:EnableKeyRotation"]),
        member!("RotationPeriodInDays", "365"),
    ),
    row(
        "kms:ScheduleKeyDeletionPendingWindowInDays",
        Numeric,
        Actions::Only(&["kms:ScheduleKeyDeletion"]),
        member!("PendingWindowInDays", "30"),
    ),
    row(
        "kms:SigningAlgorithm",
        String,
        Actions::Only(&["kms:Sign", "kms:Verify"]),
        member!("SigningAlgorithm"),
    ),
    row(
        "kms:TrailingDaysWithoutKeyUsage",
        Numeric,
        Actions::Only(&["kms:DisableKey", "kms:ScheduleKeyDeletion"]),
        Source::Key(KeyFact::DaysWithoutUsage),
    ),
    row("kms:ValidTo", Date, Actions::Only(&["kms:ImportKeyMaterial"]), member!("ValidTo")),
    row("kms:ViaService", String, Actions::All, Source::Forwarding(ForwardingFact::ViaService)),
    row(
        "kms:WrappingAlgorithm",
        String,
        Actions::Only(&["kms:GetParametersForImport"]),
        member!("WrappingAlgorithm"),
    ),
    row(
        "kms:WrappingKeySpec",
        String,
        Actions::Only(&["kms:GetParametersForImport"]),
        member!("WrappingKeySpec"),
    ),
    row("lambda:SourceFunctionArn", Arn, Actions::All, Source::Never(OTHER_SERVICE)),
    row("ssm:SourceInstanceArn", Arn, Actions::All, Source::Never(NO_INSTANCES)),
    row("sts:DurationSeconds", Numeric, Actions::Only(ASSUMING), Source::Trust(TrustFact::DurationSeconds)),
    row("sts:ExternalId", String, Actions::Only(ASSUMING_SIGNED), Source::Trust(TrustFact::ExternalId)),
    row("sts:RoleSessionName", String, Actions::Only(ASSUMING), Source::Trust(TrustFact::RoleSessionName)),
    row(
        "sts:SourceIdentity",
        String,
        Actions::Only(ASSUMING_SIGNED),
        Source::Trust(TrustFact::SourceIdentity),
    ),
    row(
        "sts:TransitiveTagKeys",
        String,
        Actions::Only(ASSUMING_SIGNED),
        Source::Trust(TrustFact::TransitiveTagKeys),
    )
    .many(),
];
