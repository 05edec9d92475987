//! The gatehouse of IAM: whether the caller may do this to an entity of its own account. Only here is a proof made, and a
//! proof opens the account that it was made for.

use std::marker::PhantomData;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;

use super::access_key::is_access_key_id;
use super::entity::{Entity, Move, arn_of};
use super::inventory::AccountIam;
use super::{Group, InstanceProfile, Role, User};
use crate::audit::Cause;
use crate::catalogue::Effect;
use crate::desk::Desk;
use crate::judgement::{Question, Subject};
use crate::operation::{Operation, Proof};

/// What a request of IAM is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IamResource {
    /// `*`: lists, and the account as a whole.
    Everything,
    /// A user, by name.
    User(String),
    /// A group, by name.
    Group(String),
    /// A role, by name.
    Role(String),
    /// An instance profile, by name.
    InstanceProfile(String),
    /// Two things, one for each action of the operation's row.
    Both(Box<[IamResource; 2]>),
    /// A user that shall have another ARN: allowed for both.
    MovedUser(Move),
    /// A group that shall have another ARN: allowed for both.
    MovedGroup(Move),
    /// The user that has this access key.
    OwnerOf(String),
    /// What has this ARN, or shall have it.
    Arn(String),
    /// What shall be made: segment, path and name of its ARN in the caller's account.
    New { segment: &'static str, path: String, name: String },
}

impl IamResource {
    /// An entity that shall be made.
    pub(crate) fn new<E: Entity>(entity: &E) -> Self {
        let naming = entity.naming();
        Self::New { segment: E::NOUN.segment, path: naming.path.clone(), name: naming.name.clone() }
    }

    /// The ARNs that policies are asked about, all of which must be allowed; none is `*`.
    async fn arns(&self, iam: &AccountIam<'_>) -> Result<Vec<String>, KmsError> {
        Ok(match self {
            Self::Everything => Vec::new(),
            Self::User(name) => vec![existing::<User>(iam, name).await?],
            Self::Group(name) => vec![existing::<Group>(iam, name).await?],
            Self::Role(name) => vec![existing::<Role>(iam, name).await?],
            Self::InstanceProfile(name) => vec![existing::<InstanceProfile>(iam, name).await?],
            // Judged one by one.
            Self::Both(_) => return Err(KmsError::Internal),
            Self::MovedUser(change) => moved::<User>(iam, change).await?,
            Self::MovedGroup(change) => moved::<Group>(iam, change).await?,
            Self::OwnerOf(key) => owner_of_key(iam, key).await?.into_iter().collect(),
            Self::Arn(arn) => vec![arn.clone()],
            Self::New { segment, path, name } => vec![arn_of(iam.account, segment, path, name)],
        })
    }
}

/// The ARN of the entity of a name. A name that names nothing has the path `/`: whoever may not ask learns nothing.
async fn existing<E: Entity>(iam: &AccountIam<'_>, name: &str) -> Result<String, KmsError> {
    let found = iam.look::<E>(name).await?;
    Ok(found
        .map_or_else(|| arn_of(iam.account, E::NOUN.segment, "/", name), |found| found.row.arn(iam.account)))
}

/// The ARN before and the ARN after.
async fn moved<E: Entity>(iam: &AccountIam<'_>, change: &Move) -> Result<Vec<String>, KmsError> {
    let segment = E::NOUN.segment;
    Ok(match iam.look::<E>(&change.name).await? {
        Some(found) => {
            let after = change.applied(found.row.naming());
            vec![found.row.arn(iam.account), arn_of(iam.account, segment, &after.path, &after.name)]
        }
        None => vec![arn_of(iam.account, segment, "/", &change.name)],
    })
}

/// The ARN of the user that has an access key; none for root's, for another account's, and for none at all.
async fn owner_of_key(iam: &AccountIam<'_>, id: &str) -> Result<Option<String>, KmsError> {
    if !is_access_key_id(id) {
        return Ok(None);
    }
    let key = iam.identity.access_key(id).await?;
    match key.filter(|key| key.value.account == iam.account).and_then(|key| key.value.user) {
        Some(user) => existing::<User>(iam, &user.name).await.map(Some),
        None => Ok(None),
    }
}

/// Policy allows the operation `O` in this account.
#[derive(Debug)]
pub(crate) struct AuthorizedIam<O> {
    account: AccountId,
    operation: PhantomData<fn() -> O>,
}

impl<O> AuthorizedIam<O> {
    /// The account's IAM.
    pub(crate) fn open<'a>(&self, desk: &'a Desk<'a>) -> AccountIam<'a> {
        AccountIam { identity: desk.service.identity(), account: self.account, cause: Cause::Request(desk) }
    }
}

impl<O: Operation> Proof<O> for AuthorizedIam<O> {
    type Names = IamResource;

    async fn judge<'a>(desk: &'a Desk<'a>, resource: IamResource) -> Result<Self, KmsError> {
        let account = desk.caller.account();
        let iam = AccountIam { identity: desk.service.identity(), account, cause: Cause::Request(desk) };
        if let IamResource::Both(resources) = &resource {
            let [first, second] = desk.row.actions else { return Err(KmsError::Internal) };
            for (action, resource) in [first, second].into_iter().zip(resources.iter()) {
                permit(desk, &iam, action, resource).await?;
            }
        } else {
            for action in desk.row.actions {
                permit(desk, &iam, action, &resource).await?;
            }
        }
        // After the verdict: whoever may not ask learns nothing of other Regions.
        if desk.row.effect == Effect::Changes {
            iam.identity.check_kept_here(iam.cause)?;
        }
        Ok(Self { account, operation: PhantomData })
    }
}

/// Whether policy allows one action on everything that one resource stands for.
async fn permit(
    desk: &Desk<'_>,
    iam: &AccountIam<'_>,
    action: &'static str,
    resource: &IamResource,
) -> Result<(), KmsError> {
    let arns = resource.arns(iam).await?;
    if arns.is_empty() {
        return Question::new(desk, action, Subject::Everything).permit();
    }
    for arn in &arns {
        // An ARN of another account is judged as what it is: nothing of the caller's.
        let subject = Subject::Owned { arn, owner: owner_of(arn).unwrap_or(iam.account) };
        Question::new(desk, action, subject).permit()?;
    }
    Ok(())
}

/// The account in an ARN.
fn owner_of(arn: &str) -> Option<AccountId> {
    AccountId::parse(arn.split(':').nth(4)?)
}
