//! The account as a whole: its alias, and how much of everything it has. Its entities in full are `account_details.rs`.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html>

use std::collections::BTreeMap;

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::holder::NamedHolder;
use super::paging::{PageEnd, Paging};
use super::shapes;
use crate::desk::Desk;
use crate::identity::{
    ACCESS_KEYS_PER_USER_MAX, AccountIam, AuthorizedIam, DOCUMENT_CHARACTERS_MAX, Entity,
    GROUPS_PER_USER_MAX, Group, IamResource, InstanceProfile, ManagedPolicy, OIDC_PROVIDER, PolicyHolder,
    Role, TRUST_CHARACTERS_MAX, User, VERSIONS_MAX,
};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};

pub(crate) static ALIAS: Structure =
    Structure { members: &[Member::required("AccountAlias", &shapes::ACCOUNT_ALIAS)] };

pub(crate) struct CreateAccountAlias;

impl Operation for CreateAccountAlias {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("AccountAlias")
    }

    fn names(_: &String) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        alias: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        proof.open(desk).set_account_alias(alias, desk.now).await?;
        Ok(Empty)
    }
}

pub(crate) struct DeleteAccountAlias;

impl Operation for DeleteAccountAlias {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("AccountAlias")
    }

    fn names(_: &String) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        alias: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        proof.open(desk).remove_account_alias(alias, desk.now).await?;
        Ok(Empty)
    }
}

pub(crate) static LIST_ALIASES: Structure = Structure {
    members: &[Member::optional("Marker", &shapes::MARKER), Member::optional("MaxItems", &shapes::MAX_ITEMS)],
};

pub(crate) struct ListAccountAliases;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AliasesReply {
    account_aliases: Vec<String>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListAccountAliases {
    type Request = Paging;
    type Proof = AuthorizedIam<Self>;
    type Reply = AliasesReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Paging, KmsError> {
        Paging::parse(input)
    }

    fn names(_: &Paging) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        paging: &'a Paging,
        proof: AuthorizedIam<Self>,
    ) -> Result<AliasesReply, KmsError> {
        let alias = proof.open(desk).account_alias().await?;
        let (account_aliases, end) = paging.cut(alias.into_iter().collect(), |alias: &String| alias.as_str());
        Ok(AliasesReply { account_aliases, end })
    }
}

pub(crate) static SUMMARY: Structure = Structure { members: &[] };

pub(crate) struct GetAccountSummary;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SummaryReply {
    summary_map: BTreeMap<&'static str, usize>,
}

/// What an account may have at most.
/// AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const QUOTAS: &[(&str, usize)] = &[
    ("AccessKeysPerUserQuota", ACCESS_KEYS_PER_USER_MAX),
    ("AssumeRolePolicySizeQuota", TRUST_CHARACTERS_MAX),
    ("AttachedPoliciesPerGroupQuota", Group::ATTACHED_MAX),
    ("AttachedPoliciesPerRoleQuota", Role::ATTACHED_MAX),
    ("AttachedPoliciesPerUserQuota", User::ATTACHED_MAX),
    ("GroupPolicySizeQuota", Group::INLINE_CHARACTERS_MAX),
    ("GroupsPerUserQuota", GROUPS_PER_USER_MAX),
    ("GroupsQuota", Group::NOUN.quota),
    ("InstanceProfilesQuota", InstanceProfile::NOUN.quota),
    ("PoliciesQuota", ManagedPolicy::NOUN.quota),
    ("PolicySizeQuota", DOCUMENT_CHARACTERS_MAX),
    ("PolicyVersionsInUseQuota", 10_000),
    ("RolePolicySizeQuota", Role::INLINE_CHARACTERS_MAX),
    ("RolesQuota", Role::NOUN.quota),
    ("ServerCertificatesQuota", 20),
    ("SigningCertificatesPerUserQuota", 2),
    ("UserPolicySizeQuota", User::INLINE_CHARACTERS_MAX),
    ("UsersQuota", User::NOUN.quota),
    ("VersionsPerPolicyQuota", VERSIONS_MAX),
];

/// What does not exist here, so that no account has any. Session tokens are valid in every Region, which AWS calls
/// version 2.
const CONSTANTS: &[(&str, usize)] = &[
    ("AccountMFAEnabled", 0),
    ("AccountPasswordPresent", 0),
    ("AccountSigningCertificatesPresent", 0),
    ("GlobalEndpointTokenVersion", 2),
    ("MFADevices", 0),
    ("MFADevicesInUse", 0),
    ("ServerCertificates", 0),
];

async fn counted(iam: &AccountIam<'_>) -> Result<[(&'static str, usize); 8], KmsError> {
    let policies = iam.all::<ManagedPolicy>("/").await?;
    Ok([
        ("AccountAccessKeysPresent", usize::from(iam.root_access_keys().await? > 0)),
        ("Groups", iam.count(Group::NOUN.segment).await?),
        ("InstanceProfiles", iam.count(InstanceProfile::NOUN.segment).await?),
        ("Policies", policies.len()),
        ("PolicyVersionsInUse", policies.iter().map(|policy| policy.versions.len()).sum()),
        ("Providers", iam.count(OIDC_PROVIDER).await?),
        ("Roles", iam.count(Role::NOUN.segment).await?),
        ("Users", iam.count(User::NOUN.segment).await?),
    ])
}

impl Operation for GetAccountSummary {
    type Request = ();
    type Proof = AuthorizedIam<Self>;
    type Reply = SummaryReply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        (): &'a (),
        proof: AuthorizedIam<Self>,
    ) -> Result<SummaryReply, KmsError> {
        let counted = counted(&proof.open(desk)).await?;
        let all = counted.into_iter().chain(QUOTAS.iter().copied()).chain(CONSTANTS.iter().copied());
        Ok(SummaryReply { summary_map: all.collect() })
    }
}
