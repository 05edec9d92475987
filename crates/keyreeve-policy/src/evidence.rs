//! What the decision is made from: the question, and everything that is known about the resource.

use keyreeve_model::algorithm::KeyManager;
use keyreeve_model::region::AccountId;

use crate::principal::Principal;

/// What the resource of an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// No resource of its own (`*`): creating and listing.
    Everything,
    /// A key that exists.
    Key {
        /// Account that owns it.
        owner: AccountId,
        /// Who manages it.
        manager: KeyManager,
    },
    /// A key or alias that does not exist, in the account that was asked.
    Missing {
        /// Account that would own it.
        owner: AccountId,
    },
    /// An alias.
    Alias {
        /// Account that owns it.
        owner: AccountId,
    },
    /// The deployment itself: accounts, backup, root key.
    Deployment,
}

/// Whether an action changes or uses anything: what AWS managed keys allow to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Describes or lists.
    Reads,
    /// Uses key material.
    Uses,
    /// Changes stored state.
    Changes,
}

/// A question with its evidence.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The IAM action, such as `kms:Encrypt`.
    pub action: &'static str,
    /// What the action does.
    pub effect: Effect,
    /// On what.
    pub resource: Resource,
    /// Whether AWS lets other accounts call the operation at all.
    pub other_accounts: bool,
}
