//! Groups.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Group.html>

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::entity::{Attachments, Entity, Naming, Noun, PolicyHolder};
use super::unique_id::IdKind;

/// The row of a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) naming: Naming,
    #[serde(default)]
    pub(crate) attachments: Attachments,
    /// Names of its users, in lower case.
    #[serde(default)]
    pub(crate) users: BTreeSet<String>,
}

impl Entity for Group {
    const NOUN: Noun = Noun { segment: "group", title: "Group", id: IdKind::Group, quota: 300 };

    fn naming(&self) -> &Naming {
        &self.naming
    }

    fn naming_mut(&mut self) -> &mut Naming {
        &mut self.naming
    }
}

impl PolicyHolder for Group {
    const INLINE_CHARACTERS_MAX: usize = 5_120;

    fn attachments(&self) -> &Attachments {
        &self.attachments
    }

    fn attachments_mut(&mut self) -> &mut Attachments {
        &mut self.attachments
    }
}
