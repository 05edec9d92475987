//! Managed policies: CreatePolicy, GetPolicy, DeletePolicy. Lists are in `policy_list.rs`, versions in `policy_version.rs`.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Policy.html>

use std::collections::{BTreeMap, BTreeSet};

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use keyreeve_policy::policy::{Grammar, characters_without_whitespace};
use serde::Serialize;

use super::tags::{self, Tag};
use super::{policy_document, shapes};
use crate::desk::Desk;
use crate::identity::{
    AccountIam, Attachments, AuthorizedIam, AwsManagedPolicy, DOCUMENT_CHARACTERS_MAX, Entity, Found, Group,
    IamResource, ManagedPolicy, Naming, PolicyArn, PolicyHolder, PolicyVersion, Role, User,
};
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::operation::{Empty, Operation};
use crate::reply::IsoTime;

/// A managed policy as IAM shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyView {
    policy_name: String,
    policy_id: String,
    arn: String,
    pub(super) path: String,
    default_version_id: String,
    pub(super) attachment_count: usize,
    pub(super) permissions_boundary_usage_count: usize,
    is_attachable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    create_date: IsoTime,
    update_date: IsoTime,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

impl PolicyView {
    /// A policy of the account, as lists show it: without description and tags.
    pub(crate) fn brief(policy: &ManagedPolicy, account: AccountId) -> Self {
        let naming = &policy.naming;
        Self {
            policy_name: naming.name.clone(),
            policy_id: naming.id.clone(),
            arn: policy.arn(account),
            path: naming.path.clone(),
            default_version_id: version_id(policy.default_version),
            attachment_count: policy.attached_to.len(),
            permissions_boundary_usage_count: policy.boundary_of.len(),
            is_attachable: true,
            description: None,
            create_date: IsoTime(naming.created),
            update_date: IsoTime(policy.updated),
            tags: Vec::new(),
        }
    }

    /// A policy of the account, as GetPolicy shows it.
    fn full(policy: &ManagedPolicy, account: AccountId) -> Self {
        Self {
            description: policy.description.clone(),
            tags: tags::view(&policy.naming.tags),
            ..Self::brief(policy, account)
        }
    }

    /// A policy of AWS, as lists show it.
    pub(crate) fn of_aws(policy: &AwsManagedPolicy, usage: &AwsUsage) -> Self {
        let arn = policy.arn();
        Self {
            policy_name: policy.name.to_owned(),
            policy_id: policy.id.to_owned(),
            path: policy.path.to_owned(),
            default_version_id: version_id(AWS_VERSION),
            attachment_count: usage.attached.get(&arn).copied().unwrap_or(0),
            permissions_boundary_usage_count: usage.boundaries.get(&arn).copied().unwrap_or(0),
            is_attachable: true,
            description: None,
            create_date: IsoTime(policy.created),
            update_date: IsoTime(policy.created),
            tags: Vec::new(),
            arn,
        }
    }
}

/// The one version that every policy of AWS has here.
pub(crate) const AWS_VERSION: u32 = 1;

/// A version's number as IAM shows it.
pub(crate) fn version_id(number: u32) -> String {
    format!("v{number}")
}

/// How often the account uses policies of AWS, by ARN. They have no row that could know it, so it is counted.
#[derive(Debug, Default)]
pub(crate) struct AwsUsage {
    attached: BTreeMap<String, usize>,
    boundaries: BTreeMap<String, usize>,
}

impl AwsUsage {
    pub(crate) async fn count(iam: &AccountIam<'_>) -> Result<Self, KmsError> {
        let mut usage = Self::default();
        usage.add(&iam.all::<User>("/").await?);
        usage.add(&iam.all::<Group>("/").await?);
        usage.add(&iam.all::<Role>("/").await?);
        Ok(usage)
    }

    fn add<E: PolicyHolder>(&mut self, holders: &[E]) {
        for Attachments { managed, boundary, .. } in holders.iter().map(PolicyHolder::attachments) {
            for arn in managed {
                *self.attached.entry(arn.clone()).or_default() += 1;
            }
            if let Some(arn) = boundary {
                *self.boundaries.entry(arn.clone()).or_default() += 1;
            }
        }
    }
}

/// The managed policy of an ARN.
///
/// # Errors
/// NoSuchEntity; InvalidInput for what is no ARN of a policy.
pub(crate) async fn existing(iam: &AccountIam<'_>, arn: &str) -> Result<PolicyArn, KmsError> {
    if let Some(found) = iam.policy_of(arn).await? {
        return Ok(found);
    }
    let names_a_policy = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(':'))
        .is_some_and(|(_, resource)| resource.starts_with("policy/"));
    Err(KmsError::Iam(if names_a_policy {
        IamError::NoSuchEntity(format!("Policy {arn} was not found."))
    } else {
        IamError::InvalidInput(format!("ARN {arn} is not valid."))
    }))
}

/// The policy of an ARN, to be changed.
///
/// # Errors
/// As [`existing`]; AccessDenied for a policy of AWS, which nobody can change.
pub(crate) async fn changeable(
    desk: &Desk<'_>,
    iam: &AccountIam<'_>,
    arn: &str,
) -> Result<Box<Found<ManagedPolicy>>, KmsError> {
    match existing(iam, arn).await? {
        PolicyArn::Customer(found) => Ok(found),
        PolicyArn::Aws(_) => Err(KmsError::AccessDenied(format!(
            "User: {} is not authorized to perform: {} on resource: policy {arn}",
            desk.caller.principal,
            desk.row.actions.first().copied().unwrap_or_default(),
        ))),
    }
}

/// The document of a managed policy, checked.
///
/// # Errors
/// MalformedPolicyDocument, LimitExceeded.
pub(crate) fn document(input: &mut Input<'_>) -> Result<String, KmsError> {
    let text = input.required_text("PolicyDocument")?;
    policy_document::parse(&text, Grammar::Identity)?;
    let too_long = characters_without_whitespace(&text) > DOCUMENT_CHARACTERS_MAX;
    if too_long || stored_bytes(&text) > STORED_BYTES_MAX {
        let quota = format!("Cannot exceed quota for PolicySize: {DOCUMENT_CHARACTERS_MAX}");
        return Err(KmsError::Iam(IamError::LimitExceeded(quota)));
    }
    Ok(text)
}

/// Most bytes that one document takes in its row, white space counted: five of them, and the names of what the policy is
/// attached to, must fit into it. The longest document, indented, has about half as many.
const STORED_BYTES_MAX: usize = 24 * 1024;

/// Bytes of a text as JSON.
fn stored_bytes(text: &str) -> usize {
    text.len() + text.bytes().filter(|b| matches!(b, b'"' | b'\\' | b'\n' | b'\r' | b'\t')).count()
}

/// An answer that shows one policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyReply {
    policy: PolicyView,
}

/// `policyDescriptionType`.
static DESCRIPTION: Kind = Kind::Text { min: 0, max: 1000, pattern: None };

pub(crate) static CREATE: Structure = Structure {
    members: &[
        Member::required("PolicyName", &shapes::NAME_128),
        Member::optional("Path", &shapes::POLICY_PATH),
        Member::required("PolicyDocument", &shapes::POLICY_DOCUMENT),
        Member::optional("Description", &DESCRIPTION),
        Member::optional("Tags", &shapes::TAGS),
    ],
};

pub(crate) struct CreatePolicy;

impl Operation for CreatePolicy {
    type Request = ManagedPolicy;
    type Proof = AuthorizedIam<Self>;
    type Reply = PolicyReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<ManagedPolicy, KmsError> {
        let (name, path) = (input.required_text("PolicyName")?, input.text("Path"));
        let first = PolicyVersion { document: document(input)?, created: desk.now };
        let tags = tags::parse(input)?;
        Ok(ManagedPolicy {
            naming: Naming::new(&ManagedPolicy::NOUN, name, path, tags, desk.now)?,
            description: input.text("Description"),
            updated: desk.now,
            default_version: 1,
            versions: BTreeMap::from([(1, first)]),
            next_version: 2,
            attached_to: BTreeSet::new(),
            boundary_of: BTreeSet::new(),
        })
    }

    fn names(policy: &ManagedPolicy) -> IamResource {
        IamResource::new(policy)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        policy: &'a ManagedPolicy,
        proof: AuthorizedIam<Self>,
    ) -> Result<PolicyReply, KmsError> {
        let iam = proof.open(desk);
        let name = &policy.naming.name;
        if iam.look::<ManagedPolicy>(name).await?.is_some() {
            let text = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            return Err(KmsError::Iam(IamError::EntityAlreadyExists(text)));
        }
        let draft = iam.draft_new(iam.draft()?, policy).await?;
        iam.commit(draft).await?;
        let tags = tags::view(&policy.naming.tags);
        Ok(PolicyReply { policy: PolicyView { tags, ..PolicyView::brief(policy, iam.account) } })
    }
}

/// The input of an operation that takes nothing but the ARN of a policy.
pub(crate) static POLICY_ARN: Structure =
    Structure { members: &[Member::required("PolicyArn", &shapes::ARN)] };

pub(crate) struct GetPolicy;

impl Operation for GetPolicy {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = PolicyReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("PolicyArn")
    }

    fn names(arn: &String) -> IamResource {
        IamResource::Arn(arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        arn: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<PolicyReply, KmsError> {
        let iam = proof.open(desk);
        let policy = match existing(&iam, arn).await? {
            PolicyArn::Customer(found) => PolicyView::full(&found.row, iam.account),
            PolicyArn::Aws(policy) => PolicyView {
                description: Some(policy.description.to_owned()),
                ..PolicyView::of_aws(policy, &AwsUsage::count(&iam).await?)
            },
        };
        Ok(PolicyReply { policy })
    }
}

pub(crate) struct DeletePolicy;

impl Operation for DeletePolicy {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("PolicyArn")
    }

    fn names(arn: &String) -> IamResource {
        IamResource::Arn(arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        arn: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let policy = changeable(desk, &iam, arn).await?;
        let ManagedPolicy { attached_to, boundary_of, versions, .. } = &policy.row;
        let blocked = [
            (
                !attached_to.is_empty() || !boundary_of.is_empty(),
                "Cannot delete a policy attached to entities.",
            ),
            (
                versions.len() > 1,
                "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                 versions. The default version is deleted with the policy.",
            ),
        ];
        if let Some((_, why)) = blocked.iter().find(|(blocked, _)| *blocked) {
            return Err(KmsError::Iam(IamError::DeleteConflict((*why).to_owned())));
        }
        iam.commit(iam.draft_removed(iam.draft()?, &policy)?).await?;
        Ok(Empty)
    }
}
