//! Permissions boundaries of users and roles: `Put…PermissionsBoundary`, `Delete…PermissionsBoundary`.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>

use std::marker::PhantomData;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::Serialize;

use super::named::Bounded;
use super::shapes;
use crate::desk::Desk;
use crate::identity::{
    AccountIam, Attachments, AuthorizedIam, Entity, Found, IamResource, ManagedPolicy, PolicyArn,
};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};
use crate::records::Draft;

/// A boundary as IAM shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct AttachedBoundary {
    permissions_boundary_type: &'static str,
    permissions_boundary_arn: String,
}

impl AttachedBoundary {
    /// The boundary of an entity, if it has one.
    pub(crate) fn of(attachments: &Attachments) -> Option<Self> {
        attachments
            .boundary
            .clone()
            .map(|arn| Self { permissions_boundary_type: "Policy", permissions_boundary_arn: arn })
    }
}

/// Adds to a change that the boundary of an entity moves from one policy to another: the policies know what they are
/// the boundary of. The entity's own row is the caller's affair.
///
/// # Errors
/// NoSuchEntity when the new policy does not exist.
pub(crate) async fn draft_set<E: Entity>(
    iam: &AccountIam<'_>,
    mut draft: Draft,
    entity: &E,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<Draft, KmsError> {
    if before == after {
        return Ok(draft);
    }
    let label = entity.label();
    for (arn, set) in [(before, false), (after, true)] {
        let Some(arn) = arn else { continue };
        match iam.policy_of(arn).await? {
            Some(PolicyArn::Customer(found)) => {
                let mut policy: ManagedPolicy = found.row.clone();
                if set {
                    policy.boundary_of.insert(label.clone());
                } else {
                    policy.boundary_of.remove(&label);
                }
                draft = iam.draft_changed(draft, &found, &policy)?;
            }
            Some(PolicyArn::Aws(_)) => {}
            None if set => {
                return Err(KmsError::Iam(IamError::NoSuchEntity(format!(
                    "Scope ARN: {arn} does not exist or is not attachable."
                ))));
            }
            None => {}
        }
    }
    Ok(draft)
}

/// Gives an entity this boundary, or none.
///
/// # Errors
/// UnmodifiableEntity, NoSuchEntity.
async fn set<E: Bounded>(
    iam: &AccountIam<'_>,
    found: &Found<E>,
    boundary: Option<&str>,
) -> Result<(), KmsError> {
    found.row.check_modifiable()?;
    let before = found.row.attachments().boundary.as_deref();
    let mut row = found.row.clone();
    row.attachments_mut().boundary = boundary.map(ToOwned::to_owned);
    let draft = iam.draft_changed(iam.draft()?, found, &row)?;
    let draft = draft_set(iam, draft, &row, before, boundary).await?;
    iam.commit(draft).await
}

/// `PutUserPermissionsBoundary` and its kin.
pub(crate) struct PutBoundary<E>(PhantomData<E>);

impl<E: Bounded> PutBoundary<E> {
    pub(crate) const INPUT: &'static Structure =
        &Structure { members: &[E::BOUNDED_MEMBER, Member::required("PermissionsBoundary", &shapes::ARN)] };
}

/// A name, and the ARN of its boundary.
pub(crate) struct PutRequest {
    name: String,
    boundary: String,
}

impl<E: Bounded> Operation for PutBoundary<E> {
    type Request = PutRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<PutRequest, KmsError> {
        let name = input.required_text(E::BOUNDED_MEMBER.name)?;
        Ok(PutRequest { name, boundary: input.required_text("PermissionsBoundary")? })
    }

    fn names(request: &PutRequest) -> IamResource {
        E::resource(request.name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a PutRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = E::find(&iam, &request.name).await?;
        set(&iam, &found, Some(&request.boundary)).await?;
        Ok(Empty)
    }
}

/// `DeleteUserPermissionsBoundary` and its kin.
pub(crate) struct DeleteBoundary<E>(PhantomData<E>);

impl<E: Bounded> DeleteBoundary<E> {
    pub(crate) const INPUT: &'static Structure = &Structure { members: &[E::BOUNDED_MEMBER] };
}

impl<E: Bounded> Operation for DeleteBoundary<E> {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text(E::BOUNDED_MEMBER.name)
    }

    fn names(name: &String) -> IamResource {
        E::resource(name.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = E::find(&iam, name).await?;
        set(&iam, &found, None).await?;
        Ok(Empty)
    }
}
