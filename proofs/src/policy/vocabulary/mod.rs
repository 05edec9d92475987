//! The few words that cases are made of. Few, so that they collide; some differ by letter case, a wildcard or a digit only.

mod keys;

use super::case::{Caller, Kind, Known};
pub(crate) use keys::{MAPPED_ADDRESS, PRINCIPAL_ARNS, Sort, WORDS, Word, operators};

/// The account of the key.
pub(crate) const OWNER: &str = "111122223333";
/// Another account.
pub(crate) const OTHER: &str = "444455556666";
/// The key.
pub(crate) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/// An alias of the caller's account; the account comes first.
pub(crate) const ALIAS_NAME: &str = "alias/team/red";

/// Everyone who may ask: kind, account, ARN, role ARN, unique id.
const CALLERS: &[(Kind, &str, &str, &str, &str)] = &[
    (Kind::Root, OWNER, "arn:aws:iam::111122223333:root", "", ""),
    (Kind::User, OWNER, "arn:aws:iam::111122223333:user/ops/alice", "", "AIDAALICE0000000OWNER"),
    (Kind::User, OWNER, "arn:aws:iam::111122223333:user/bob", "", "AIDABOB000000000OWNER"),
    (
        Kind::Session,
        OWNER,
        "arn:aws:sts::111122223333:assumed-role/app/s1",
        "arn:aws:iam::111122223333:role/svc/app",
        "AROAAPP000000000OWNER",
    ),
    (
        Kind::Session,
        OWNER,
        "arn:aws:sts::111122223333:assumed-role/app/s2",
        "arn:aws:iam::111122223333:role/svc/app",
        "AROAAPP000000000OWNER",
    ),
    (
        Kind::Session,
        OWNER,
        "arn:aws:sts::111122223333:assumed-role/audit/s1",
        "arn:aws:iam::111122223333:role/audit",
        "AROAAUDIT0000000OWNER",
    ),
    (Kind::Service, OWNER, "s3.amazonaws.com", "", ""),
    (Kind::Root, OTHER, "arn:aws:iam::444455556666:root", "", ""),
    (Kind::User, OTHER, "arn:aws:iam::444455556666:user/alice", "", "AIDAALICE0000000OTHER"),
    (
        Kind::Session,
        OTHER,
        "arn:aws:sts::444455556666:assumed-role/app/s1",
        "arn:aws:iam::444455556666:role/app",
        "AROAAPP000000000OTHER",
    ),
];

/// How many callers there are.
pub(crate) const CALLER_COUNT: usize = CALLERS.len();

/// The caller of this number.
pub(crate) fn caller(number: usize) -> Option<Caller> {
    let (kind, account, arn, role, id) = CALLERS.get(number)?;
    let own = |text: &&str| (*text).to_owned();
    Some(Caller { kind: *kind, account: own(account), arn: own(arn), role: own(role), id: own(id) })
}

/// Principals that are no caller's name, and nearly are.
pub(crate) const STRANGERS: &[&str] = &[
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:user/ops/Alice",
    "arn:aws:iam::111122223333:user/Bob",
    "arn:aws:iam::111122223333:role/svc/audit",
    "arn:aws:sts::111122223333:assumed-role/app/S1",
    "arn:aws:sts::111122223333:federated-user/bob",
    "777788889999",
    "AIDABOB000000000OTHER",
];
/// Service principals; the first asks now and then.
pub(crate) const SERVICES: &[&str] = &["s3.amazonaws.com", "logs.us-east-1.amazonaws.com"];

/// Actions on a key.
pub(crate) const ACTIONS: &[&str] = &[
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "kms:DescribeKey",
    "kms:ReEncryptFrom",
    "kms:PutKeyPolicy",
];
/// Actions of those that know an encryption context.
pub(crate) const WITH_CONTEXT: &[&str] =
    &["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom"];
/// Action of a resource of its own.
pub(crate) const EVERYTHING_ACTIONS: &[&str] = &["kms:CreateKey", "kms:ListKeys"];
/// Actions on an alias.
pub(crate) const ALIAS_ACTIONS: &[&str] = &["kms:CreateAlias", "kms:DeleteAlias"];
/// Action on a role.
pub(crate) const ROLE_ACTIONS: &[&str] = &["sts:AssumeRole"];
/// The role that is assumed.
pub(crate) const ROLE: &str = "arn:aws:iam::111122223333:role/svc/app";
/// What an Action or NotAction may say besides the very action.
pub(crate) const ACTION_PATTERNS: &[&str] = &[
    "*",
    "kms:*",
    "kms:*crypt",
    "kms:*crypt*",
    "KMS:DESCRIBE*",
    "kms:Encryp?",
    "kms:Decrypt?",
    "kms:?e*",
    "kms:Generate*",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:decrypt",
    "kms:Put*Policy",
    "kms:Create*",
    "kms:*Alias",
    "s3:*",
    "s3:GetObject",
    "sts:*",
    "sts:Assume*",
    "STS:assumerole?",
];

/// Resources of identity policies, boundaries, session policies and guards.
pub(crate) const RESOURCES: &[&str] = &[
    "*",
    "*",
    "arn:aws:kms:us-east-1:111122223333:key/*",
    "arn:aws:kms:*:*:key/*",
    "arn:aws:kms:*:111122223333:*",
    "arn:aws:kms:us-east-?:111122223333:key/1234abcd-*",
    "arn:aws:kms:us-east-1:111122223333:key/1234ABCD-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:us-west-2:111122223333:key/*",
    "arn:aws:kms:us-east-1:444455556666:key/*",
    "arn:aws:kms:*:*:alias/*",
    "arn:aws:kms:us-east-1:*:alias/team/${aws:PrincipalTag/team}",
    "arn:aws:kms:us-east-1:*:alias/team/${aws:PrincipalTag/team, 'red'}",
    "arn:aws:kms:us-east-1:111122223333:key/${aws:username}*",
    "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890a${?}",
    "arn:aws:kms:us-east-1:111122223333:key/${*}",
    "arn:aws:s3:::bucket/*",
    "arn:aws:kms:*",
    "arn:aws:kms:us-east-1:*",
    "arn:aws:kms:us-w*",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:iam::*:role/app",
];
/// Resources of key policies.
pub(crate) const KEY_RESOURCES: &[&str] = &[
    "arn:aws:kms:us-east-1:111122223333:key/*",
    "arn:aws:kms:*:*:key/*",
    "arn:aws:kms:us-east-1:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab",
    "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
];

/// What a request knows of its caller whatever else it knows.
pub(crate) fn about(caller: &Caller) -> Vec<(&'static str, Known)> {
    let arn = if caller.role.is_empty() { &caller.arn } else { &caller.role };
    if caller.kind == Kind::Service {
        return vec![("aws:PrincipalIsAWSService", Known::One("true".to_owned()))];
    }
    let mut known = vec![
        ("aws:PrincipalArn", Known::One(arn.clone())),
        ("aws:PrincipalAccount", Known::One(caller.account.clone())),
        ("kms:CallerAccount", Known::One(caller.account.clone())),
        ("aws:userid", Known::One(caller.user_id())),
    ];
    if caller.kind == Kind::User {
        known.push(("aws:username", Known::One(caller.name().to_owned())));
    }
    known
}
