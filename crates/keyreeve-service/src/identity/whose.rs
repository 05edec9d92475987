//! The user, or the root user, that a request of IAM means: the one it names, else the caller itself.

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_policy::principal::Principal;

use super::{AccountIam, IamResource, User};

/// Whose credentials a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The account's root user; no request can name it.
    Root,
    /// The user of this name.
    User(String),
}

impl Whose {
    /// From the name in a request, if it has one, and the caller.
    ///
    /// # Errors
    /// ValidationError when a caller that is no user names none.
    pub(crate) fn named_or(caller: &Principal, name: Option<String>) -> Result<Self, KmsError> {
        match (name, caller) {
            (Some(name), _) => Ok(Self::User(name)),
            (None, Principal::User(user)) => Ok(Self::User(user.name.to_string())),
            (None, Principal::Root(_)) => Ok(Self::Root),
            (
                None,
                Principal::Session(_)
                | Principal::Service(_)
                | Principal::Federated(_)
                | Principal::Operator(_),
            ) => Err(KmsError::Iam(IamError::ValidationError(
                "Must specify userName when calling with non-User credentials".to_owned(),
            ))),
        }
    }

    /// What policies are asked about.
    pub(crate) fn resource(&self) -> IamResource {
        match self {
            Self::Root => IamResource::Everything,
            Self::User(name) => IamResource::User(name.clone()),
        }
    }

    /// The name that answers show: as the user's row spells it, `root` for the root user.
    ///
    /// # Errors
    /// NoSuchEntity when the user does not exist.
    pub(crate) async fn shown(&self, iam: &AccountIam<'_>) -> Result<String, KmsError> {
        match self {
            Self::Root => Ok("root".to_owned()),
            Self::User(name) => Ok(iam.find::<User>(name).await?.row.naming.name),
        }
    }
}
