//! Credentials that do not exist here: passwords for a console, MFA devices, signing certificates, SSH keys and
//! credentials of other services. Nobody has any, and none can be made; tools that look for them before they delete a user
//! find none.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html>

use std::marker::PhantomData;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::paging::Paging;
use super::shapes;
use crate::desk::Desk;
use crate::identity::{AuthorizedIam, IamResource, Whose};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::input::shapes::BOOLEAN;
use crate::operation::{Empty, Operation};

/// A kind of credential that nobody has.
pub(crate) trait Absent: Send + Sync + 'static {
    /// The member of the answer that lists them.
    const LIST: &'static str;
    /// Whose are asked for.
    const INPUT: &'static Structure;
    /// Whether `AllUsers` may stand for a user.
    const ALL_USERS: bool = false;
}

pub(crate) struct MfaDevices;
pub(crate) struct SigningCertificates;
pub(crate) struct SshPublicKeys;
pub(crate) struct ServiceSpecificCredentials;

static OF_USER_128: Structure = Structure {
    members: &[
        Member::optional("UserName", &shapes::NAME_128),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};
static OF_USER_64: Structure = Structure {
    members: &[
        Member::optional("UserName", &shapes::NEW_USER_NAME),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};
static OF_SERVICE: Structure = Structure {
    members: &[
        Member::optional("UserName", &shapes::NEW_USER_NAME),
        Member::optional("ServiceName", &shapes::SERVICE_NAME),
        Member::optional("AllUsers", &BOOLEAN),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

impl Absent for MfaDevices {
    const LIST: &'static str = "MFADevices";
    const INPUT: &'static Structure = &OF_USER_128;
}

impl Absent for SigningCertificates {
    const LIST: &'static str = "Certificates";
    const INPUT: &'static Structure = &OF_USER_128;
}

impl Absent for SshPublicKeys {
    const LIST: &'static str = "SSHPublicKeys";
    const INPUT: &'static Structure = &OF_USER_64;
}

impl Absent for ServiceSpecificCredentials {
    const LIST: &'static str = "ServiceSpecificCredentials";
    const INPUT: &'static Structure = &OF_SERVICE;
    const ALL_USERS: bool = true;
}

/// `ListMFADevices` and its kin: empty for whoever exists.
pub(crate) struct ListAbsent<A>(PhantomData<A>);

impl<A: Absent> ListAbsent<A> {
    pub(crate) const INPUT: &'static Structure = A::INPUT;
}

/// An empty list.
#[derive(Debug)]
pub(crate) struct EmptyList {
    name: &'static str,
}

impl Serialize for EmptyList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(2))?;
        members.serialize_entry(self.name, &[(); 0])?;
        members.serialize_entry("IsTruncated", &false)?;
        members.end()
    }
}

impl<A: Absent> Operation for ListAbsent<A> {
    /// Nobody when all users are asked for.
    type Request = Option<Whose>;
    type Proof = AuthorizedIam<Self>;
    type Reply = EmptyList;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Option<Whose>, KmsError> {
        // A marker that is not ours is refused, even though no list here has a second page.
        Paging::parse(input)?;
        if A::ALL_USERS && input.flag("AllUsers") {
            return Ok(None);
        }
        Whose::named_or(&desk.caller.principal, input.text("UserName")).map(Some)
    }

    fn names(whose: &Option<Whose>) -> IamResource {
        whose.as_ref().map_or(IamResource::Everything, Whose::resource)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        whose: &'a Option<Whose>,
        proof: AuthorizedIam<Self>,
    ) -> Result<EmptyList, KmsError> {
        if let Some(whose) = whose {
            whose.shown(&proof.open(desk)).await?;
        }
        Ok(EmptyList { name: A::LIST })
    }
}

pub(crate) static LOGIN_PROFILE: Structure =
    Structure { members: &[Member::optional("UserName", &shapes::NEW_USER_NAME)] };

/// What AWS says of a user without a password.
fn no_login_profile(user: &str) -> KmsError {
    KmsError::Iam(IamError::NoSuchEntity(format!("Login Profile for User {user} cannot be found.")))
}

pub(crate) struct GetLoginProfile;

impl Operation for GetLoginProfile {
    type Request = Whose;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Whose, KmsError> {
        Whose::named_or(&desk.caller.principal, input.text("UserName"))
    }

    fn names(whose: &Whose) -> IamResource {
        whose.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        whose: &'a Whose,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        Err(no_login_profile(&whose.shown(&proof.open(desk)).await?))
    }
}

pub(crate) struct DeleteLoginProfile;

impl Operation for DeleteLoginProfile {
    type Request = Whose;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Whose, KmsError> {
        Whose::named_or(&desk.caller.principal, input.text("UserName"))
    }

    fn names(whose: &Whose) -> IamResource {
        whose.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        whose: &'a Whose,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        Err(no_login_profile(&whose.shown(&proof.open(desk)).await?))
    }
}
