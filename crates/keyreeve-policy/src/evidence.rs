//! What the decision is made from: the question, and everything that is known about it.

use std::fmt;
use std::sync::Arc;

use keyreeve_model::region::AccountId;

use crate::context::Context;
use crate::grant::GrantUse;
use crate::policy::Policy;
use crate::principal::Principal;

/// What a policy is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyKind {
    /// The guard of an account, as a service control policy is on AWS.
    Guard,
    /// The policy of a KMS key.
    KeyPolicy,
    /// The trust policy of a role.
    TrustPolicy,
    /// A managed or inline policy of a user, group or role.
    Identity,
    /// A permissions boundary.
    Boundary,
    /// A session policy.
    Session,
}

/// A compiled policy with what it is called.
#[derive(Debug, Clone)]
pub struct NamedPolicy {
    /// What it is attached to.
    pub kind: PolicyKind,
    /// ARN of a managed policy, name of an inline policy, or `key policy`.
    pub name: Box<str>,
    /// The policy.
    pub policy: Arc<Policy>,
}

/// On what.
#[derive(Debug, Clone, Copy)]
pub enum Resource<'a> {
    /// No resource of its own (`*`): creating and listing.
    Everything,
    /// A key that exists.
    Key {
        /// Its ARN.
        arn: &'a str,
        /// Account that owns it.
        owner: AccountId,
        /// Its key policy.
        policy: &'a NamedPolicy,
    },
    /// A role that is to be assumed.
    Role {
        /// Its ARN, with the path.
        arn: &'a str,
        /// Account that owns it.
        owner: AccountId,
        /// Its trust policy.
        trust: &'a NamedPolicy,
    },
    /// Something that an account owns and that has no policy of its own: an alias, an IAM entity.
    Owned {
        /// Its ARN.
        arn: &'a str,
        /// Account that owns it.
        owner: AccountId,
    },
    /// A key or alias that does not exist.
    Missing {
        /// The ARN that it would have.
        arn: &'a str,
        /// Account that would own it.
        owner: AccountId,
    },
    /// The deployment itself: accounts, backup, root key.
    Deployment,
}

impl<'a> Resource<'a> {
    /// The ARN, or `*`.
    pub const fn arn(&self) -> &'a str {
        match self {
            Self::Everything | Self::Deployment => "*",
            Self::Key { arn, .. }
            | Self::Role { arn, .. }
            | Self::Owned { arn, .. }
            | Self::Missing { arn, .. } => arn,
        }
    }

    /// The account that owns it; none for `*` and the deployment.
    pub const fn owner(&self) -> Option<AccountId> {
        match self {
            Self::Everything | Self::Deployment => None,
            Self::Key { owner, .. }
            | Self::Role { owner, .. }
            | Self::Owned { owner, .. }
            | Self::Missing { owner, .. } => Some(*owner),
        }
    }

    /// The policy that is attached to it.
    pub const fn policy(&self) -> Option<&'a NamedPolicy> {
        match self {
            Self::Key { policy, .. } => Some(policy),
            Self::Role { trust, .. } => Some(trust),
            Self::Everything | Self::Owned { .. } | Self::Missing { .. } | Self::Deployment => None,
        }
    }
}

/// A question with its evidence.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The IAM action, such as `kms:Encrypt`.
    pub action: &'a str,
    /// On what.
    pub resource: Resource<'a>,
    /// What is known about the request.
    pub context: &'a dyn Context,
    /// Guards of the caller's account: all must allow; empty for none.
    pub guards: &'a [NamedPolicy],
    /// Policies of the caller: user and groups, or role.
    pub identity: &'a [NamedPolicy],
    /// The caller's permissions boundary.
    pub boundary: Option<&'a NamedPolicy>,
    /// Session policies, one of which must allow (so an empty list allows nothing); `None` for a session without.
    pub sessions: Option<&'a [NamedPolicy]>,
    /// A grant that covers the request.
    pub grant: Option<&'a GrantUse<'a>>,
    /// Whether AWS lets other accounts call the operation at all.
    pub other_accounts: bool,
}

impl fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("principal", &self.principal)
            .field("action", &self.action)
            .field("resource", &self.resource)
            .field("grant", &self.grant)
            .finish_non_exhaustive()
    }
}
