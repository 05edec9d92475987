//! The outcome of a decision, with the reason.

/// Allowed or denied, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The action may be done.
    Allow {
        /// What allowed it.
        by: Allowance,
    },
    /// The action may not be done.
    Deny {
        /// Why not.
        why: Denial,
    },
}

/// What allowed an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowance {
    /// The root user acts in its own account.
    AccountRoot,
    /// An operator acts on the deployment.
    Operator,
}

/// Why an action was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The resource belongs to another account, or does not exist there: AWS answers both alike.
    OtherAccount,
    /// No resource-based policy allows it (AWS managed keys, used directly).
    NoResourcePolicy,
    /// No identity-based policy allows it.
    NoIdentityPolicy,
}
