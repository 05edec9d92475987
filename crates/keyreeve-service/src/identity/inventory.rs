//! One account's IAM: entities are found, listed, created and changed here, never those of another account.

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use serde::de::IgnoredAny;

use super::aws_managed_policy::{self, AwsManagedPolicy};
use super::entity::{Entity, Found};
use super::{Identity, ManagedPolicy};
use crate::audit::Cause;
use crate::records::{Draft, path};

/// The IAM of the account that a proof was made for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AccountIam<'a> {
    pub(super) identity: &'a Identity,
    pub(crate) account: AccountId,
    /// Why its rows would be changed.
    pub(super) cause: Cause<'a>,
}

/// Rows that are read at a time.
const PAGE: usize = 1000;

impl<'a> AccountIam<'a> {
    /// The identities behind it.
    pub(crate) const fn identity(&self) -> &'a Identity {
        self.identity
    }

    /// The entity of this name, whatever its letter case; the name must have been checked to be one.
    pub(crate) async fn look<E: Entity>(&self, name: &str) -> Result<Option<Found<E>>, KmsError> {
        self.identity.entity(self.account, name).await
    }

    /// The entity of this name.
    ///
    /// # Errors
    /// NoSuchEntity in AWS's words.
    pub(crate) async fn find<E: Entity>(&self, name: &str) -> Result<Found<E>, KmsError> {
        self.look(name).await?.ok_or_else(|| E::NOUN.missing(name))
    }

    /// Every entity of its kind whose path begins so, in the order of their names.
    pub(crate) async fn all<E: Entity>(&self, path_prefix: &str) -> Result<Vec<E>, KmsError> {
        let prefix = path::entities_prefix(self.account, E::NOUN.segment);
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = self.identity.records.page::<E>(&prefix, after.as_ref(), PAGE).await?;
            all.extend(
                page.rows
                    .into_iter()
                    .map(|(_, row)| row)
                    .filter(|row| row.naming().path.starts_with(path_prefix)),
            );
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// How many entities of a kind there are.
    pub(crate) async fn count(&self, segment: &str) -> Result<usize, KmsError> {
        let prefix = path::entities_prefix(self.account, segment);
        let (mut after, mut count) = (None, 0);
        loop {
            let page = self.identity.records.page::<IgnoredAny>(&prefix, after.as_ref(), PAGE).await?;
            count += page.rows.len();
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(count),
            }
        }
    }

    /// Begins a change.
    pub(crate) fn draft(&self) -> Result<Draft, KmsError> {
        self.identity.records.draft()
    }

    /// Adds a new entity to a change.
    ///
    /// # Errors
    /// EntityAlreadyExists, LimitExceeded.
    pub(crate) async fn draft_new<E: Entity>(&self, draft: Draft, row: &E) -> Result<Draft, KmsError> {
        let name = &row.naming().name;
        if self.look::<E>(name).await?.is_some() {
            return Err(E::NOUN.exists(name));
        }
        if self.all::<E>("/").await?.len() >= E::NOUN.quota {
            return Err(KmsError::Iam(IamError::LimitExceeded(format!(
                "Cannot exceed quota for {}PerAccount: {}",
                E::NOUN.plural(),
                E::NOUN.quota
            ))));
        }
        draft.put(&path::entity(self.account, E::NOUN.segment, name)?, None, row)
    }

    /// Adds an entity in place of the one that was found to a change; the name stays.
    pub(crate) fn draft_changed<E: Entity>(
        &self,
        draft: Draft,
        found: &Found<E>,
        row: &E,
    ) -> Result<Draft, KmsError> {
        draft.put(
            &path::entity(self.account, E::NOUN.segment, &found.row.naming().name)?,
            Some(found.stamp),
            row,
        )
    }

    /// Adds a removal to a change.
    pub(crate) fn draft_removed<E: Entity>(&self, draft: Draft, found: &Found<E>) -> Result<Draft, KmsError> {
        Ok(draft.delete(&path::entity(self.account, E::NOUN.segment, &found.row.naming().name)?, found.stamp))
    }

    /// Commits a change; no request is judged by what was before, once this answers.
    ///
    /// # Errors
    /// [`KmsError::Conflict`]: the corridor starts again.
    pub(crate) async fn commit(&self, draft: Draft) -> Result<(), KmsError> {
        self.identity.commit(self.account, draft, self.cause).await
    }

    /// Changes one entity.
    pub(crate) async fn change<E: Entity>(
        &self,
        found: &Found<E>,
        change: impl FnOnce(&mut E) -> Result<(), KmsError>,
    ) -> Result<(), KmsError> {
        let mut row = found.row.clone();
        change(&mut row)?;
        let draft = self.draft_changed(self.draft()?, found, &row)?;
        self.commit(draft).await
    }
}

impl Identity {
    pub(crate) async fn entity<E: Entity>(
        &self,
        account: AccountId,
        name: &str,
    ) -> Result<Option<Found<E>>, KmsError> {
        let row = self.records.read::<E>(&path::entity(account, E::NOUN.segment, name)?).await?;
        Ok(row.map(|row| Found { row: row.value, stamp: row.stamp }))
    }
}

/// What the ARN of a managed policy names.
#[derive(Debug)]
pub(crate) enum PolicyArn {
    /// A policy of the account.
    Customer(Box<Found<ManagedPolicy>>),
    /// One that every account has.
    Aws(&'static AwsManagedPolicy),
}

impl PolicyArn {
    /// The document in force.
    pub(crate) fn document(&self) -> Option<&str> {
        match self {
            Self::Customer(found) => found.row.document(),
            Self::Aws(policy) => Some(policy.document),
        }
    }
}

impl AccountIam<'_> {
    /// The managed policy of an ARN: the account's own, or AWS's. Other accounts' policies are not there for it.
    pub(crate) async fn policy_of(&self, arn: &str) -> Result<Option<PolicyArn>, KmsError> {
        if let Some(known) = aws_managed_policy::find(arn) {
            return Ok(Some(PolicyArn::Aws(known)));
        }
        let Some(name) = policy_name(self.account, arn) else { return Ok(None) };
        let found = self.look::<ManagedPolicy>(name).await?;
        Ok(found
            .filter(|found| found.row.arn(self.account) == arn)
            .map(|found| PolicyArn::Customer(Box::new(found))))
    }
}

/// The name in the ARN of a policy of this account.
fn policy_name(account: AccountId, arn: &str) -> Option<&str> {
    let rest = arn.strip_prefix(&format!("arn:aws:iam::{account}:policy/"))?;
    let name = rest.rsplit('/').next()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (!name.is_empty() && name.len() <= 128 && name.bytes().all(plain)).then_some(name)
}
