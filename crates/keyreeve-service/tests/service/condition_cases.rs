//! One case for each condition key: who asks and how, which value the request then has, and a value that it has not.
//! `condition_keys.rs` walks it over every operation.

use keyreeve_service::catalogue::Api;
use serde_json::{Value, json};

use crate::condition_world::{Asked, ORGANIZATION, SERVICE, SOURCE_ARN, UNUSED_DAYS, Who};
use crate::rig::{ACCOUNT, OTHER_ACCOUNT, REGION, START_SECONDS};

/// A case of one condition key.
pub(crate) struct Case {
    /// The row's name.
    pub(crate) name: &'static str,
    /// What follows it: separator and part, or a number.
    pub(crate) part: &'static str,
    /// Who asks.
    pub(crate) who: Who,
    /// Changes the valid request, so that the key has a value.
    pub(crate) with: fn(&mut Asked<'_>),
    /// The value in that request.
    pub(crate) value: fn(&Asked<'_>) -> String,
    /// A value of the same kind that the request has not.
    pub(crate) other: &'static str,
}

const fn case(name: &'static str, value: fn(&Asked<'_>) -> String, other: &'static str) -> Case {
    Case { name, part: "", who: Who::User, with: |_| {}, value, other }
}

impl Case {
    const fn part(mut self, part: &'static str) -> Self {
        self.part = part;
        self
    }

    const fn by(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    const fn with(mut self, with: fn(&mut Asked<'_>)) -> Self {
        self.with = with;
        self
    }
}

/// The value that always stands there.
macro_rules! always {
    ($text:expr) => {
        |_| $text.to_string()
    };
}

/// The text of a member that the valid request has.
macro_rules! member {
    ($name:literal) => {
        |asked| asked.text($name)
    };
}

/// A policy that every account has.
const READS: &str = "arn:aws:iam::aws:policy/IAMReadOnlyAccess";

fn now_seconds() -> i64 {
    START_SECONDS + UNUSED_DAYS * 24 * 3600
}

/// The pair of the encryption context that belongs to the action.
fn with_context(asked: &mut Asked<'_>) {
    match asked.row.name {
        "ReEncrypt" => {
            asked.body["CiphertextBlob"] = asked.world.in_context.clone();
            asked.body["SourceEncryptionContext"] = json!({"Stage": "test"});
            asked.body["DestinationEncryptionContext"] = json!({"Stage": "live"});
        }
        "CreateGrant" => asked.body["Constraints"] = json!({"EncryptionContextSubset": {"Stage": "test"}}),
        // The grant has it.
        "RetireGrant" => {}
        name => {
            if name == "Decrypt" {
                asked.body["CiphertextBlob"] = asked.world.in_context.clone();
            }
            asked.body["EncryptionContext"] = json!({"Stage": "test"});
        }
    }
}

fn context_value(asked: &Asked<'_>) -> String {
    if asked.action == "kms:ReEncryptTo" { "live" } else { "test" }.to_owned()
}

fn with_tags(asked: &mut Asked<'_>) {
    let names = if asked.row.api == Api::Kms { ["TagKey", "TagValue"] } else { ["Key", "Value"] };
    let tag: Value =
        names.into_iter().zip(["Team", "red"]).map(|(name, text)| (name.to_owned(), json!(text))).collect();
    asked.body["Tags"] = json!([tag]);
}

fn with_tag_keys(asked: &mut Asked<'_>) {
    if asked.row.input.members.iter().any(|member| member.name == "TagKeys") {
        asked.body["TagKeys"] = json!(["Team"]);
    } else {
        with_tags(asked);
    }
}

/// The key by the ARN of an alias; conditions see the name alone.
fn with_alias(asked: &mut Asked<'_>) {
    let member = match asked.action {
        "kms:ReEncryptFrom" => "SourceKeyId",
        "kms:ReEncryptTo" => "DestinationKeyId",
        _ => "KeyId",
    };
    asked.body[member] = json!(format!("arn:aws:kms:{REGION}:{ACCOUNT}:{}", asked.alias()));
}

fn with_owner_tag(asked: &mut Asked<'_>) {
    if asked.row.name == "CreateKey" {
        asked.body["Tags"] = json!([{"TagKey": "oWNER", "TagValue": "Carol"}]);
    }
}

fn with_multi_region(asked: &mut Asked<'_>) {
    if asked.row.name == "CreateKey" {
        asked.body["MultiRegion"] = json!(true);
    }
}

fn with_service_grantee(asked: &mut Asked<'_>) {
    asked.body.as_object_mut().unwrap().remove("GranteePrincipal");
    asked.body["GranteeServicePrincipal"] = json!(SERVICE);
    asked.body["RetiringServicePrincipal"] = json!("ec2.amazonaws.com");
    asked.body["Constraints"] = json!({"SourceArn": SOURCE_ARN});
}

/// The cases, in the order of the table of condition keys.
pub(crate) static CASES: &[Case] = &[
    case("aws:CalledVia", always!("s3.amazonaws.com"), "ec2.amazonaws.com").by(Who::Via),
    case("aws:CalledViaFirst", always!("s3.amazonaws.com"), "ec2.amazonaws.com").by(Who::Via),
    case("aws:CalledViaLast", always!("s3.amazonaws.com"), "ec2.amazonaws.com").by(Who::Via),
    case("aws:CurrentTime", |_| now_seconds().to_string(), "2026-01-09T23:59:59Z"),
    case("aws:EpochTime", always!("2026-01-10T00:00:00Z"), "1767225600"),
    case(
        "aws:FederatedProvider",
        always!("arn:aws:iam::111122223333:oidc-provider/id.example.com"),
        "arn:aws:iam::111122223333:oidc-provider/x.example.com",
    )
    .by(Who::Session),
    case("aws:MultiFactorAuthPresent", always!("false"), "true").by(Who::Session),
    case("aws:PrincipalAccount", always!(ACCOUNT), OTHER_ACCOUNT),
    case(
        "aws:PrincipalArn",
        always!("arn:aws:iam::111122223333:user/people/Alice"),
        "arn:aws:iam::111122223333:user/Alice",
    ),
    case("aws:PrincipalIsAWSService", always!("true"), "false").by(Who::Service),
    case("aws:PrincipalOrgID", always!(ORGANIZATION), "o-0000000000"),
    case("aws:PrincipalServiceName", always!(SERVICE), "ec2.amazonaws.com").by(Who::Service),
    case("aws:PrincipalServiceNamesList", always!("s3.amazonaws.com"), "ec2.amazonaws.com").by(Who::Service),
    case("aws:PrincipalTag", always!("payments"), "Payments").part("/dEPARTMENT"),
    case("aws:PrincipalType", always!("User"), "AssumedRole"),
    case("aws:referer", always!("https://console.example.com/"), "https://example.com/"),
    case("aws:RequestedRegion", always!(REGION), "us-east-1"),
    case("aws:RequestTag", always!("red"), "Red").part("/tEAM").with(with_tags),
    case("aws:ResourceAccount", always!(ACCOUNT), OTHER_ACCOUNT),
    case("aws:ResourceTag", always!("Carol"), "carol").part("/Owner").with(with_owner_tag),
    case("aws:SecureTransport", always!("true"), "false"),
    case("aws:SourceAccount", always!(OTHER_ACCOUNT), ACCOUNT).by(Who::Service),
    case("aws:SourceArn", always!(SOURCE_ARN), "arn:aws:s3:::other").by(Who::Service),
    case("aws:SourceIdentity", always!("Carol"), "Bob").by(Who::Session),
    case("aws:SourceIp", always!("203.0.113.0/28"), "203.0.113.16/28"),
    case("aws:TagKeys", always!("Team"), "Teams").with(with_tag_keys),
    case("aws:TokenIssueTime", always!(START_SECONDS), "2026-01-01T00:00:01Z").by(Who::Session),
    case("aws:UserAgent", always!("aws-cli/2.31"), "aws-cli/2.30"),
    case("aws:userid", |asked| asked.caller.principal.user_id().into_owned(), "AIDAEXAMPLE000000000"),
    case("aws:username", always!("Alice"), "alice"),
    case("aws:ViaAWSService", always!("true"), "false").by(Who::Via),
    case("iam:PermissionsBoundary", always!(READS), "arn:aws:iam::aws:policy/AdministratorAccess")
        .with(|asked| asked.body["PermissionsBoundary"] = json!(READS)),
    case("iam:PolicyARN", member!("PolicyArn"), "arn:aws:iam::aws:policy/AdministratorAccess"),
    case("kms:BypassPolicyLockoutSafetyCheck", always!("true"), "false").with(|asked| {
        asked.body["BypassPolicyLockoutSafetyCheck"] = json!(true);
    }),
    case("kms:CallerAccount", always!(ACCOUNT), OTHER_ACCOUNT),
    case("kms:CustomerMasterKeySpec", |asked| asked.of_key("KeySpec", "SYMMETRIC_DEFAULT"), "RSA_2048"),
    case("kms:CustomerMasterKeyUsage", |asked| asked.of_key("KeyUsage", "ENCRYPT_DECRYPT"), "NOTHING"),
    case("kms:DataKeyPairSpec", member!("KeyPairSpec"), "RSA_2048"),
    case("kms:EncryptionAlgorithm", always!("SYMMETRIC_DEFAULT"), "RSAES_OAEP_SHA_256"),
    case("kms:EncryptionContext", context_value, "Test").part(":sTAGE").with(with_context),
    case("kms:EncryptionContextKeys", always!("Stage"), "stage").with(with_context),
    case("kms:ExpirationModel", always!("KEY_MATERIAL_EXPIRES"), "KEY_MATERIAL_DOES_NOT_EXPIRE").with(
        |asked| {
            asked.body.as_object_mut().unwrap().remove("ExpirationModel");
            asked.body["ValidTo"] = json!(now_seconds() + 3600);
        },
    ),
    case("kms:GrantConstraintSourceArn", always!(SOURCE_ARN), "arn:aws:s3:::other")
        .with(with_service_grantee),
    case("kms:GrantConstraintType", always!("EncryptionContextSubset"), "EncryptionContextEquals")
        .with(with_context),
    case("kms:GranteePrincipal", member!("GranteePrincipal"), "arn:aws:iam::444455556666:user/Bob"),
    case("kms:GranteeServicePrincipal", always!(SERVICE), "ec2.amazonaws.com").with(with_service_grantee),
    case("kms:GrantIsForAWSResource", always!("true"), "false").by(Who::Via),
    case("kms:GrantOperations", always!("Decrypt"), "Encrypt"),
    case("kms:KeyAgreementAlgorithm", always!("ECDH"), "DH"),
    case("kms:KeyOrigin", |asked| asked.of_key("Origin", "AWS_KMS"), "AWS_CLOUDHSM"),
    case("kms:KeySpec", |asked| asked.of_key("KeySpec", "SYMMETRIC_DEFAULT"), "RSA_2048"),
    case("kms:KeyUsage", |asked| asked.of_key("KeyUsage", "ENCRYPT_DECRYPT"), "NOTHING"),
    case("kms:MacAlgorithm", always!("HMAC_SHA_256"), "HMAC_SHA_512"),
    case("kms:MessageType", always!("RAW"), "DIGEST"),
    case("kms:MultiRegion", always!("true"), "false").with(with_multi_region),
    case("kms:MultiRegionKeyType", always!("PRIMARY"), "REPLICA").with(with_multi_region),
    case("kms:PrimaryRegion", member!("PrimaryRegion"), "ap-south-2"),
    case("kms:ReEncryptOnSameKey", always!("false"), "true"),
    case("kms:ReplicaRegion", member!("ReplicaRegion"), "ap-south-2"),
    case("kms:RequestAlias", |asked| asked.alias(), "alias/other").with(with_alias),
    case("kms:ResourceAliases", |asked| asked.alias(), "alias/other"),
    case(
        "kms:RetiringPrincipal",
        always!("arn:aws:iam::111122223333:root"),
        "arn:aws:iam::444455556666:root",
    )
    .with(|asked| {
        asked.body["RetiringPrincipal"] = json!("arn:aws:iam::111122223333:root");
    }),
    case("kms:RetiringServicePrincipal", always!("ec2.amazonaws.com"), "s3.amazonaws.com")
        .with(with_service_grantee),
    case("kms:RotationPeriodInDays", always!("365"), "366"),
    case("kms:ScheduleKeyDeletionPendingWindowInDays", always!("30"), "7"),
    case("kms:SigningAlgorithm", always!("ECDSA_SHA_256"), "ECDSA_SHA_384"),
    case("kms:TrailingDaysWithoutKeyUsage", always!(UNUSED_DAYS), "8"),
    case("kms:ValidTo", always!("2026-02-01T00:00:00Z"), "2026-02-02T00:00:00Z").with(|asked| {
        asked.body.as_object_mut().unwrap().remove("ExpirationModel");
        asked.body["ValidTo"] = json!(1_769_904_000);
    }),
    case("kms:ViaService", always!(SERVICE), "s3.us-east-1.amazonaws.com").by(Who::Via),
    case("kms:WrappingAlgorithm", member!("WrappingAlgorithm"), "NONE"),
    case("kms:WrappingKeySpec", member!("WrappingKeySpec"), "NONE"),
    case("sts:DurationSeconds", always!("900"), "901"),
    case("sts:ExternalId", always!("x-17"), "x-18"),
    case("sts:RoleSessionName", always!("work"), "Work"),
    case("sts:SourceIdentity", always!("Carol"), "carol"),
    case("sts:TransitiveTagKeys", always!("Team"), "Teams"),
];
