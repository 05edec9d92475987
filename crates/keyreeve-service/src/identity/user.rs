//! Users.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_User.html>

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::entity::{Attachments, Entity, Naming, Noun, PolicyHolder};
use super::unique_id::IdKind;

/// The row of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) naming: Naming,
    #[serde(default)]
    pub(crate) attachments: Attachments,
    /// Names of its groups, in lower case.
    #[serde(default)]
    pub(crate) groups: BTreeSet<String>,
    /// Ids of its access keys.
    #[serde(default)]
    pub(crate) access_keys: BTreeSet<String>,
}

/// Most access keys of a user.
pub(crate) const ACCESS_KEYS_PER_USER_MAX: usize = 2;
/// Most groups of a user.
pub(crate) const GROUPS_PER_USER_MAX: usize = 10;

impl Entity for User {
    const NOUN: Noun = Noun { segment: "user", title: "User", id: IdKind::User, quota: 5_000 };

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn naming_mut(&mut self) -> &mut Naming {
        &mut self.naming
    }
}

impl PolicyHolder for User {
    const INLINE_CHARACTERS_MAX: usize = 2_048;

    fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    fn attachments_mut(&mut self) -> &mut Attachments {
        &mut self.attachments
    }
}
