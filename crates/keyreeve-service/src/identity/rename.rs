//! Renaming users and groups: the row moves, and every row that knows the old name learns the new one, in one commit.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateUser.html>

use std::collections::BTreeSet;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use serde::{Deserialize, Serialize};

use super::entity::{Attachments, Entity, Found, Move, PolicyHolder};
use super::{AccountIam, Group, Identity, PolicyArn, User};
use crate::records::{Draft, path};

/// Rows of users and policies that a group's rename can write: each costs two operations of the 96 that a store takes, the
/// group itself four and the keyring one.
const GROUP_NEIGHBOURS_MAX: usize = 45;

/// The row of a user that was renamed, by its id: what was sealed with an earlier name finds the user here. Access keys
/// learn the new name; session tokens cannot.
#[derive(Debug, Serialize, Deserialize)]
struct LaterName {
    name: String,
}

impl Identity {
    /// The name of the user of this id, if it was ever renamed.
    pub(super) async fn later_name(&self, account: AccountId, id: &str) -> Result<Option<String>, KmsError> {
        let row = self.records.read::<LaterName>(&path::renamed_user(account, id)?).await?;
        Ok(row.map(|row| row.value.name))
    }
}

impl AccountIam<'_> {
    async fn draft_later_name(&self, draft: Draft, user: &User) -> Result<Draft, KmsError> {
        let place = path::renamed_user(self.account, &user.naming.id)?;
        let before = self.identity.records.read::<LaterName>(&place).await?;
        draft.put(&place, before.map(|row| row.stamp), &LaterName { name: user.naming.name.clone() })
    }

    /// Adds to the removal of a user that it is not found under a later name either.
    pub(crate) async fn draft_without_later_name(
        &self,
        draft: Draft,
        user: &User,
    ) -> Result<Draft, KmsError> {
        let place = path::renamed_user(self.account, &user.naming.id)?;
        let row = self.identity.records.read::<LaterName>(&place).await?;
        Ok(match row {
            Some(row) => draft.delete(&place, row.stamp),
            None => draft,
        })
    }

    /// Gives a user another name or path. Its id, keys, policies and groups stay.
    ///
    /// # Errors
    /// NoSuchEntity, EntityAlreadyExists.
    pub(crate) async fn move_user(&self, change: &Move) -> Result<(), KmsError> {
        let found = self.find::<User>(&change.name).await?;
        let row = User { naming: change.applied(&found.row.naming), ..found.row.clone() };
        let mut draft = self.draft_moved(self.draft()?, &found, &row).await?;
        let (old, new) = (&found.row.naming.name, &row.naming.name);
        if old == new {
            return self.commit(draft).await;
        }
        draft = self.draft_relabelled(draft, &found.row, &row).await?;
        draft = self.draft_keys_of_renamed(draft, &row).await?;
        if !old.eq_ignore_ascii_case(new) {
            draft = self.draft_later_name(draft, &row).await?;
            for name in &row.groups {
                let Some(group) = self.look::<Group>(name).await? else { continue };
                let mut members = group.row.clone();
                replace(&mut members.users, old, new);
                draft = self.draft_changed(draft, &group, &members)?;
            }
        }
        let keys: Vec<String> = row.access_keys.iter().cloned().collect();
        self.commit_keys(draft, &keys).await
    }

    /// Gives a group another name or path. Its id, policies and users stay.
    ///
    /// # Errors
    /// NoSuchEntity, EntityAlreadyExists; LimitExceeded when more rows know its name than one commit can change.
    pub(crate) async fn move_group(&self, change: &Move) -> Result<(), KmsError> {
        let found = self.find::<Group>(&change.name).await?;
        let row = Group { naming: change.applied(&found.row.naming), ..found.row.clone() };
        let mut draft = self.draft_moved(self.draft()?, &found, &row).await?;
        let (old, new) = (&found.row.naming.name, &row.naming.name);
        if old != new {
            draft = self.draft_relabelled(draft, &found.row, &row).await?;
        }
        if !old.eq_ignore_ascii_case(new) {
            let policies = row.attachments.managed.len();
            if row.users.len() + policies > GROUP_NEIGHBOURS_MAX {
                return Err(KmsError::Iam(IamError::LimitExceeded(format!(
                    "A group with more than {} users cannot be renamed.",
                    GROUP_NEIGHBOURS_MAX.saturating_sub(policies)
                ))));
            }
            for name in &row.users {
                let Some(user) = self.look::<User>(name).await? else { continue };
                let mut member = user.row.clone();
                replace(&mut member.groups, old, new);
                draft = self.draft_changed(draft, &user, &member)?;
            }
        }
        self.commit(draft).await
    }

    /// Adds to a change that an entity is now where its new name says.
    async fn draft_moved<E: Entity>(
        &self,
        draft: Draft,
        found: &Found<E>,
        row: &E,
    ) -> Result<Draft, KmsError> {
        let name = &row.naming().name;
        let place = path::entity(self.account, E::NOUN.segment, name)?;
        if found.row.naming().name.eq_ignore_ascii_case(name) {
            return draft.put(&place, Some(found.stamp), row);
        }
        if self.look::<E>(name).await?.is_some() {
            return Err(E::NOUN.exists(name));
        }
        self.draft_removed(draft, found)?.put(&place, None, row)
    }

    /// Adds to a change that managed policies know a holder by its new name. A policy that is attached and the boundary
    /// too is one row.
    async fn draft_relabelled<E: PolicyHolder>(
        &self,
        mut draft: Draft,
        before: &E,
        after: &E,
    ) -> Result<Draft, KmsError> {
        let Attachments { managed, boundary, .. } = before.attachments();
        let arns: BTreeSet<&String> = managed.iter().chain(boundary).collect();
        for arn in arns {
            let Some(PolicyArn::Customer(found)) = self.policy_of(arn).await? else { continue };
            let mut policy = found.row.clone();
            for labels in [&mut policy.attached_to, &mut policy.boundary_of] {
                if labels.remove(&before.label()) {
                    labels.insert(after.label());
                }
            }
            draft = self.draft_changed(draft, &found, &policy)?;
        }
        Ok(draft)
    }
}

/// Replaces a name in a set of names, which are in lower case there.
fn replace(names: &mut BTreeSet<String>, old: &str, new: &str) {
    if names.remove(&old.to_ascii_lowercase()) {
        names.insert(new.to_ascii_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use crate::audit::{Cause, Ledger};
    use std::sync::Arc;

    use keyreeve_crypto::keyring::Keyring;
    use keyreeve_model::timestamp::Timestamp;
    use keyreeve_store::MemoryStore;

    use super::*;
    use crate::identity::{ManagedPolicy, Naming, PolicyVersion};
    use crate::records::Records;

    const NOW: Timestamp = Timestamp::from_millis(0);

    fn naming<E: Entity>(name: &str) -> Naming {
        Naming::new(&E::NOUN, name.to_owned(), None, Default::default(), NOW).unwrap()
    }

    fn policy(name: &str, attached: &[&str], boundary: &[&str]) -> ManagedPolicy {
        let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
        let version = PolicyVersion { document: String::new(), created: NOW };
        ManagedPolicy {
            naming: naming::<ManagedPolicy>(name),
            description: None,
            updated: NOW,
            default_version: 1,
            versions: [(1, version)].into(),
            next_version: 2,
            attached_to: labels(attached),
            boundary_of: labels(boundary),
        }
    }

    /// Ada in group Staff; `both` is attached to her and her boundary, and attached to the group too.
    async fn store(iam: &AccountIam<'_>) {
        let arn = |name: &str| format!("arn:aws:iam::{}:policy/{name}", AccountId::ZERO);
        let holds = |boundary: Option<String>| Attachments {
            managed: [arn("both"), arn("one")].into(),
            boundary,
            ..Attachments::default()
        };
        let user = User {
            naming: naming::<User>("Ada"),
            attachments: holds(Some(arn("both"))),
            groups: ["staff".to_owned()].into(),
            access_keys: Default::default(),
        };
        let group = Group {
            naming: naming::<Group>("Staff"),
            attachments: holds(None),
            users: ["ada".to_owned()].into(),
        };
        let both = policy("both", &["user/Ada", "group/Staff", "user/Bea"], &["user/Ada", "user/Bea"]);
        let mut draft = iam.draft().unwrap();
        draft = iam.draft_new(draft, &both).await.unwrap();
        draft = iam.draft_new(draft, &policy("one", &["user/Ada", "group/Staff"], &[])).await.unwrap();
        draft = iam.draft_new(draft, &user).await.unwrap();
        iam.commit(iam.draft_new(draft, &group).await.unwrap()).await.unwrap();
    }

    async fn labels(iam: &AccountIam<'_>, name: &str) -> (Vec<String>, Vec<String>) {
        let policy = iam.find::<ManagedPolicy>(name).await.unwrap().row;
        (policy.attached_to.into_iter().collect(), policy.boundary_of.into_iter().collect())
    }

    #[tokio::test]
    async fn managed_policies_learn_the_new_names_of_their_holders() {
        let keyring = Keyring::generate(NOW).unwrap();
        let identity =
            Identity::new(Arc::new(Records::new(Arc::new(MemoryStore::new()), keyring, Ledger::ephemeral())));
        let iam = AccountIam {
            identity: &identity,
            account: AccountId::ZERO,
            cause: Cause::Upkeep(Timestamp::from_millis(0)),
        };
        store(&iam).await;
        let rename = |name: &str, new: &str| Move {
            name: name.to_owned(),
            new_name: Some(new.to_owned()),
            new_path: None,
        };
        iam.move_user(&rename("ada", "Cleo")).await.unwrap();
        iam.move_group(&rename("staff", "Crew")).await.unwrap();
        let (attached, boundary) = labels(&iam, "both").await;
        assert_eq!(attached, ["group/Crew", "user/Bea", "user/Cleo"]);
        assert_eq!(boundary, ["user/Bea", "user/Cleo"]);
        assert_eq!(labels(&iam, "one").await.0, ["group/Crew", "user/Cleo"]);
        assert!(iam.find::<User>("Cleo").await.unwrap().row.groups.contains("crew"));
        assert!(iam.find::<Group>("Crew").await.unwrap().row.users.contains("cleo"));
        // A change of letter case alone is a change of the labels too.
        iam.move_user(&rename("cleo", "CLEO")).await.unwrap();
        assert_eq!(labels(&iam, "one").await.0, ["group/Crew", "user/CLEO"]);
    }
}
