//! Who asks.

use std::fmt;

use keyreeve_model::region::AccountId;

/// An authenticated principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// The root user of an account.
    Root(AccountId),
    /// A process on the server's own machine, through the admin socket; the number is its Unix user id.
    Operator(u32),
}

impl Principal {
    /// The account whose resources the principal names without an ARN; operators have none.
    pub const fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root(account) => Some(*account),
            Self::Operator(_) => None,
        }
    }
}

/// The principal's ARN, as AWS prints it in messages and records.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(account) => write!(f, "arn:aws:iam::{account}:root"),
            Self::Operator(uid) => write!(f, "arn:keyreeve:operator:::uid/{uid}"),
        }
    }
}
