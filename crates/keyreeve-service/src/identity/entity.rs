//! What users, roles, groups, managed policies and instance profiles have in common: a name that is unique in its
//! account whatever its letter case, a path, an unique id, tags; and for the first three, attached policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::unique_id::IdKind;
use crate::records::Stamp;

/// Words and facts of a kind of entity.
#[derive(Debug)]
pub(crate) struct Noun {
    /// Part of paths and ARNs: `user`.
    pub(crate) segment: &'static str,
    /// At the beginning of a sentence: `User`.
    pub(crate) title: &'static str,
    /// Prefix of the unique id.
    pub(crate) id: IdKind,
    /// Most of them in an account.
    /// AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
    pub(crate) quota: usize,
}

impl Noun {
    /// As quotas name it: `Users`, `Policies`.
    pub(crate) fn plural(&self) -> String {
        let title = self.title;
        title.strip_suffix('y').map_or_else(|| format!("{title}s"), |stem| format!("{stem}ies"))
    }

    /// AWS's words for a name that names nothing.
    pub(crate) fn missing(&self, name: &str) -> KmsError {
        KmsError::Iam(IamError::NoSuchEntity(match self.id {
            IdKind::InstanceProfile => format!("Instance Profile {name} cannot be found."),
            IdKind::User
            | IdKind::Role
            | IdKind::Group
            | IdKind::ManagedPolicy
            | IdKind::AccessKey
            | IdKind::TemporaryAccessKey => format!("The {} with name {name} cannot be found.", self.segment),
        }))
    }

    /// AWS's words for a name that is taken.
    pub(crate) fn exists(&self, name: &str) -> KmsError {
        KmsError::Iam(IamError::EntityAlreadyExists(match self.id {
            IdKind::InstanceProfile => format!("Instance Profile {name} already exists."),
            IdKind::User
            | IdKind::Role
            | IdKind::Group
            | IdKind::ManagedPolicy
            | IdKind::AccessKey
            | IdKind::TemporaryAccessKey => format!("{} with name {name} already exists.", self.title),
        }))
    }
}

/// The part of a row that every entity has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Naming {
    pub(crate) name: String,
    /// `/` or `/division/`.
    pub(crate) path: String,
    /// `AIDA…`.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Naming {
    /// A new entity's, with a fresh id.
    pub(crate) fn new(
        noun: &Noun,
        name: String,
        path: Option<String>,
        tags: BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<Self, KmsError> {
        let path = path.unwrap_or_else(|| "/".to_owned());
        Ok(Self { name, path, id: noun.id.fresh()?, created: now, tags })
    }
}

/// A new name, a new path, or both, for the entity of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Move {
    pub(crate) name: String,
    pub(crate) new_name: Option<String>,
    pub(crate) new_path: Option<String>,
}

impl Move {
    /// What the entity is called afterwards; its id stays.
    pub(crate) fn applied(&self, before: &Naming) -> Naming {
        Naming {
            name: self.new_name.clone().unwrap_or_else(|| before.name.clone()),
            path: self.new_path.clone().unwrap_or_else(|| before.path.clone()),
            ..before.clone()
        }
    }
}

/// Policies of a user, a role or a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attachments {
    /// Inline policies: name and document.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) inline: BTreeMap<String, String>,
    /// ARNs of attached managed policies.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) managed: BTreeSet<String>,
    /// ARN of the permissions boundary; groups have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) boundary: Option<String>,
}

/// A row of IAM.
pub(crate) trait Entity: Serialize + DeserializeOwned + Clone + Debug + Send + Sync + 'static {
    /// Its words and facts.
    const NOUN: Noun;

    fn naming(&self) -> &Naming;
    fn naming_mut(&mut self) -> &mut Naming;

    /// `arn:aws:iam::<account>:<segment><path><name>`.
    fn arn(&self, account: AccountId) -> String {
        let Naming { name, path, .. } = self.naming();
        arn_of(account, Self::NOUN.segment, path, name)
    }

    /// As managed policies know what they are attached to: `user/<name>`.
    fn label(&self) -> String {
        format!("{}/{}", Self::NOUN.segment, self.naming().name)
    }
}

/// The ARN of an entity. IAM has no Region, and its partition is `aws` in every Region but the Chinese and
/// governmental ones, which a deployment does not mix with others.
pub(crate) fn arn_of(account: AccountId, segment: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:{segment}{path}{name}")
}

/// An entity that has policies of its own.
pub(crate) trait PolicyHolder: Entity {
    fn attachments(&self) -> &Attachments;
    fn attachments_mut(&mut self) -> &mut Attachments;
    /// Most characters, white space not counted, of all its inline policies together.
    const INLINE_CHARACTERS_MAX: usize;
}

/// An entity that was read.
#[derive(Debug, Clone)]
pub(crate) struct Found<E> {
    pub(crate) row: E,
    pub(crate) stamp: Stamp,
}
