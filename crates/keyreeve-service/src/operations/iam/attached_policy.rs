//! Managed policies of users, roles and groups: Attach and Detach {User,Role,Group}Policy, ListAttached…Policies.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachUserPolicy.html>

use std::marker::PhantomData;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::Serialize;

use super::holder::NamedHolder;
use super::paging::{PageEnd, Paging};
use super::shapes;
use crate::desk::Desk;
use crate::identity::{AccountIam, AuthorizedIam, Found, IamResource, PolicyArn};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};
use crate::records::Draft;

const USER: Member = Member::required("UserName", &shapes::NEW_USER_NAME);
const ROLE: Member = Member::required("RoleName", &shapes::ROLE_NAME);
const GROUP: Member = Member::required("GroupName", &shapes::NAME_128);
const ARN: Member = Member::required("PolicyArn", &shapes::ARN);
const PATH_PREFIX: Member = Member::optional("PathPrefix", &shapes::POLICY_PATH);
const MARKER: Member = Member::optional("Marker", &shapes::MARKER);
const MAX_ITEMS: Member = Member::optional("MaxItems", &shapes::MAX_ITEMS);

/// Of AttachUserPolicy and DetachUserPolicy.
pub(crate) static USER_AND_ARN: Structure = Structure { members: &[USER, ARN] };
/// Of AttachRolePolicy and DetachRolePolicy.
pub(crate) static ROLE_AND_ARN: Structure = Structure { members: &[ROLE, ARN] };
/// Of AttachGroupPolicy and DetachGroupPolicy.
pub(crate) static GROUP_AND_ARN: Structure = Structure { members: &[GROUP, ARN] };
pub(crate) static LIST_USER: Structure = Structure { members: &[USER, PATH_PREFIX, MARKER, MAX_ITEMS] };
pub(crate) static LIST_ROLE: Structure = Structure { members: &[ROLE, PATH_PREFIX, MARKER, MAX_ITEMS] };
pub(crate) static LIST_GROUP: Structure = Structure { members: &[GROUP, PATH_PREFIX, MARKER, MAX_ITEMS] };

/// The ARN of a managed policy in a request.
///
/// # Errors
/// InvalidInput for what is no ARN.
fn policy_arn(input: &mut Input<'_>) -> Result<String, KmsError> {
    let arn = input.required_text("PolicyArn")?;
    if arn.starts_with("arn:") && arn.splitn(6, ':').count() == 6 {
        return Ok(arn);
    }
    Err(KmsError::Iam(IamError::InvalidInput(format!("ARN {arn} is not valid."))))
}

/// A holder and a managed policy.
pub(crate) struct Names {
    holder: String,
    arn: String,
}

impl Names {
    fn parse<E: NamedHolder>(input: &mut Input<'_>) -> Result<Self, KmsError> {
        Ok(Self { holder: input.required_text(E::MEMBER.name)?, arn: policy_arn(input)? })
    }
}

/// Adds to a change that a policy of the account is attached to a holder, or no more. AWS's policies do not know where
/// they are attached.
fn draft_policy<E: NamedHolder>(
    iam: &AccountIam<'_>,
    draft: Draft,
    policy: &PolicyArn,
    holder: &Found<E>,
    attached: bool,
) -> Result<Draft, KmsError> {
    let PolicyArn::Customer(found) = policy else { return Ok(draft) };
    let mut policy = found.row.clone();
    let label = holder.row.label();
    if attached {
        policy.attached_to.insert(label);
    } else {
        policy.attached_to.remove(&label);
    }
    iam.draft_changed(draft, found, &policy)
}

/// Attaches a managed policy; one that is attached stays so.
pub(crate) struct Attach<E>(PhantomData<fn() -> E>);

impl<E: NamedHolder> Operation for Attach<E> {
    type Request = Names;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Names, KmsError> {
        Names::parse::<E>(input)
    }

    fn names(names: &Names) -> IamResource {
        E::resource(names.holder.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        names: &'a Names,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = iam.find::<E>(&names.holder).await?;
        found.row.check_modifiable()?;
        let policy = iam.policy_of(&names.arn).await?.ok_or_else(|| {
            KmsError::Iam(IamError::NoSuchEntity(format!(
                "Policy {} does not exist or is not attachable.",
                names.arn
            )))
        })?;
        let mut row = found.row.clone();
        if !row.attachments_mut().managed.insert(names.arn.clone()) {
            return Ok(Empty);
        }
        if row.attachments().managed.len() > E::ATTACHED_MAX {
            return Err(KmsError::Iam(IamError::LimitExceeded(format!(
                "Cannot exceed quota for PoliciesPer{}: {}",
                E::NOUN.title,
                E::ATTACHED_MAX
            ))));
        }
        let draft = iam.draft_changed(iam.draft()?, &found, &row)?;
        iam.commit(draft_policy(&iam, draft, &policy, &found, true)?).await?;
        Ok(Empty)
    }
}

/// Detaches a managed policy.
pub(crate) struct Detach<E>(PhantomData<fn() -> E>);

impl<E: NamedHolder> Operation for Detach<E> {
    type Request = Names;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Names, KmsError> {
        Names::parse::<E>(input)
    }

    fn names(names: &Names) -> IamResource {
        E::resource(names.holder.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        names: &'a Names,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = iam.find::<E>(&names.holder).await?;
        found.row.check_modifiable()?;
        let mut row = found.row.clone();
        if !row.attachments_mut().managed.remove(&names.arn) {
            return Err(KmsError::Iam(IamError::NoSuchEntity(format!(
                "Policy {} was not found.",
                names.arn
            ))));
        }
        let draft = iam.draft_changed(iam.draft()?, &found, &row)?;
        // What is gone already needs no change of its own: the attachment goes all the same.
        let draft = match iam.policy_of(&names.arn).await? {
            Some(policy) => draft_policy(&iam, draft, &policy, &found, false)?,
            None => draft,
        };
        iam.commit(draft).await?;
        Ok(Empty)
    }
}

/// A managed policy as lists of attachments show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachedPolicy {
    policy_name: String,
    policy_arn: String,
    /// Unique and short, as markers are: AWS's policies may have the names of the account's.
    #[serde(skip)]
    key: String,
}

impl AttachedPolicy {
    /// Of an ARN, if the path of the policy begins so.
    fn of(arn: &str, path_prefix: &str) -> Option<Self> {
        let (owner, resource) = arn.split_once(":policy/")?;
        let (path, name) = resource
            .rsplit_once('/')
            .map_or((String::new(), resource), |(path, name)| (format!("{path}/"), name));
        if !format!("/{path}").starts_with(path_prefix) {
            return None;
        }
        let owner = owner.rsplit(':').next().unwrap_or_default();
        Some(Self {
            policy_name: name.to_owned(),
            policy_arn: arn.to_owned(),
            key: format!("{name} {owner}"),
        })
    }
}

/// Lists attached policies.
pub(crate) struct ListAttached<E>(PhantomData<fn() -> E>);

/// A request of `ListAttached`.
pub(crate) struct ListRequest {
    holder: String,
    path_prefix: String,
    paging: Paging,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    attached_policies: Vec<AttachedPolicy>,
    #[serde(flatten)]
    end: PageEnd,
}

impl<E: NamedHolder> Operation for ListAttached<E> {
    type Request = ListRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<ListRequest, KmsError> {
        Ok(ListRequest {
            holder: input.required_text(E::MEMBER.name)?,
            path_prefix: input.text("PathPrefix").unwrap_or_else(|| "/".to_owned()),
            paging: Paging::parse(input)?,
        })
    }

    fn names(request: &ListRequest) -> IamResource {
        E::resource(request.holder.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ListRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let holder = proof.open(desk).find::<E>(&request.holder).await?.row;
        let managed = holder.attachments().managed.iter();
        let attached = managed.filter_map(|arn| AttachedPolicy::of(arn, &request.path_prefix)).collect();
        let (attached_policies, end) =
            request.paging.cut(attached, |policy: &AttachedPolicy| policy.key.as_str());
        Ok(ListReply { attached_policies, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attached_policies_are_found_by_the_path_in_their_arn() {
        let arn = "arn:aws:iam::111122223333:policy/team/a/P";
        for (arn, prefix, name) in [
            (arn, "/", Some("P")),
            (arn, "/team/", Some("P")),
            (arn, "/team/a/", Some("P")),
            (arn, "/other/", None),
            ("arn:aws:iam::aws:policy/AdministratorAccess", "/", Some("AdministratorAccess")),
            ("arn:aws:iam::aws:policy/AdministratorAccess", "/team/", None),
        ] {
            let found = AttachedPolicy::of(arn, prefix).map(|policy| policy.policy_name);
            assert_eq!(found.as_deref(), name, "{arn} {prefix}");
        }
    }
}
