//! How requests name an entity: by the member that holds its name or its ARN. What is generic over entities (tags,
//! permissions boundaries) reads this.

use std::future::Future;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;

use super::holder::NamedHolder;
use super::shapes;
use crate::identity::{
    AccountIam, Entity, Found, Group, IamResource, InstanceProfile, ManagedPolicy, PolicyArn, Role, User,
};
use crate::input::shape::Member;

/// An entity that requests name.
pub(crate) trait Named: Entity {
    /// The member that names it.
    const MEMBER: Member;

    /// What policies are asked about.
    fn resource(text: String) -> IamResource;

    /// The entity, of the proof's account.
    ///
    /// # Errors
    /// NoSuchEntity in AWS's words.
    fn find<'a>(
        iam: &'a AccountIam<'a>,
        text: &'a str,
    ) -> impl Future<Output = Result<Found<Self>, KmsError>> + Send + 'a;
}

/// An entity that may have a permissions boundary.
pub(crate) trait Bounded: NamedHolder {
    /// The member that names it where its boundary is changed.
    const BOUNDED_MEMBER: Member;
}

impl Named for User {
    const MEMBER: Member = Member::required("UserName", &shapes::NAME_128);

    fn resource(name: String) -> IamResource {
        IamResource::User(name)
    }

    async fn find<'a>(iam: &'a AccountIam<'a>, name: &'a str) -> Result<Found<Self>, KmsError> {
        iam.find(name).await
    }
}

impl Bounded for User {
    const BOUNDED_MEMBER: Member = Member::required("UserName", &shapes::NEW_USER_NAME);
}

impl Named for Role {
    const MEMBER: Member = Member::required("RoleName", &shapes::ROLE_NAME);

    fn resource(name: String) -> IamResource {
        IamResource::Role(name)
    }

    async fn find<'a>(iam: &'a AccountIam<'a>, name: &'a str) -> Result<Found<Self>, KmsError> {
        iam.find(name).await
    }
}

impl Bounded for Role {
    const BOUNDED_MEMBER: Member = Member::required("RoleName", &shapes::ROLE_NAME);
}

impl Named for Group {
    const MEMBER: Member = Member::required("GroupName", &shapes::NAME_128);

    fn resource(name: String) -> IamResource {
        IamResource::Group(name)
    }

    async fn find<'a>(iam: &'a AccountIam<'a>, name: &'a str) -> Result<Found<Self>, KmsError> {
        iam.find(name).await
    }
}

impl Named for InstanceProfile {
    const MEMBER: Member = Member::required("InstanceProfileName", &shapes::NAME_128);

    fn resource(name: String) -> IamResource {
        IamResource::InstanceProfile(name)
    }

    async fn find<'a>(iam: &'a AccountIam<'a>, name: &'a str) -> Result<Found<Self>, KmsError> {
        iam.find(name).await
    }
}

impl Named for ManagedPolicy {
    const MEMBER: Member = Member::required("PolicyArn", &shapes::ARN);

    fn resource(arn: String) -> IamResource {
        IamResource::Arn(arn)
    }

    async fn find<'a>(iam: &'a AccountIam<'a>, arn: &'a str) -> Result<Found<Self>, KmsError> {
        match iam.policy_of(arn).await? {
            Some(PolicyArn::Customer(found)) => Ok(*found),
            // AWS's own policies have no tags, and none can be given them.
            Some(PolicyArn::Aws(_)) => {
                Err(KmsError::Iam(IamError::InvalidInput(format!("ARN {arn} is not valid."))))
            }
            None => Err(KmsError::Iam(IamError::NoSuchEntity(format!(
                "Policy {arn} does not exist or is not attachable."
            )))),
        }
    }
}
