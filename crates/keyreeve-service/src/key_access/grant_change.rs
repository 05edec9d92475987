//! Making and removing grants: a grant, the copies by which it is found, and its name change in one commit.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html>

use keyreeve_crypto::digest::{sha256, sha256_of_parts};
use keyreeve_model::arn::KeyArn;
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::{KmsError, Quota};
use keyreeve_model::grant::{Grant, GrantConstraints, GrantOperation};
use keyreeve_model::limits::GRANTS_PER_KEY_MAX;
use keyreeve_policy::delegation::may_pass_on;
use keyreeve_store::Path;

use super::authorized::Permit;
use super::{AuthorizedKey, GrantId, KeyAccess, KeyEntry};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::operation::DryRun;
use crate::operations::create_grant::CreateGrant;
use crate::operations::revoke_grant::RevokeGrant;
use crate::records::{Draft, Stamped, path};

/// Rows counted at once.
const COUNT_PAGE: usize = 1000;
/// Grants removed in one commit: each has four rows, and a row costs two of the 96 operations that a store takes.
const GRANTS_PER_COMMIT: usize = 10;

/// What follows from how the caller came by its permission to create a grant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Passing<'a> {
    /// A policy permits it: any grant may be created.
    Freely,
    /// It passes on what this grant gives it.
    From(&'a Grant),
}

impl AuthorizedKey<CreateGrant> {
    /// By what a grant of these operations and constraints may be created. Any of several grants will do.
    ///
    /// # Errors
    /// [`KmsError::AccessDenied`] when only grants permit it, and none of them covers the new one.
    pub(crate) fn passing(
        &self,
        operations: &[GrantOperation],
        constraints: &GrantConstraints,
    ) -> Result<Passing<'_>, KmsError> {
        match self.permit() {
            Permit::Policy => Ok(Passing::Freely),
            // The gatehouse never makes it for CreateGrant.
            Permit::Grant => Err(KmsError::Internal),
            Permit::Passing(granted) => granted
                .grants
                .iter()
                .find(|parent| may_pass_on(parent, operations, constraints))
                .map(|parent| Passing::From(parent))
                .ok_or_else(|| granted.otherwise.clone()),
        }
    }

    /// Makes the grant, unless an earlier request with the same name and parameters did; answers its id.
    ///
    /// # Errors
    /// [`KmsError::Limit`]; [`KmsError::DryRun`].
    pub(crate) async fn create_grant(
        &self,
        desk: &Desk<'_>,
        grant: Grant,
        passing: Passing<'_>,
        dry_run: DryRun,
    ) -> Result<String, KmsError> {
        let (keys, arn) = (&desk.service.keys, self.arn());
        if let Some(place) = name_path(arn, &grant)?
            && let Some(row) = keys.records.read::<String>(&place).await?
        {
            dry_run.before_effect()?;
            return Ok(row.value);
        }
        keys.within_grant_quota(arn).await?;
        dry_run.before_effect()?;
        keys.add_grant(self.entry(), &grant, passing, Cause::Request(desk)).await?;
        Ok(grant.id)
    }
}

impl AuthorizedKey<RevokeGrant> {
    /// Removes a grant; it permits nothing any more once this answers.
    ///
    /// # Errors
    /// [`KmsError::GrantNotFound`]; [`KmsError::DryRun`].
    pub(crate) async fn revoke(
        &self,
        desk: &Desk<'_>,
        id: &GrantId,
        dry_run: DryRun,
    ) -> Result<(), KmsError> {
        let keys = &desk.service.keys;
        let found = keys.grant(self.arn(), id.as_str()).await?;
        let grant = found.ok_or_else(|| KmsError::GrantNotFound(id.as_str().to_owned()))?;
        dry_run.before_effect()?;
        keys.remove_grants(self.arn(), &[grant], Cause::Request(desk)).await
    }
}

/// Where the id of a grant of this name and these parameters stands; a grant without a name has no such place.
fn name_path(key: &KeyArn, grant: &Grant) -> Result<Option<Path>, KmsError> {
    let Some(name) = &grant.name else { return Ok(None) };
    path::grant_name(key, &parameters_digest(name, grant)).map(Some)
}

/// The parameters, whatever the order of the operations. The unique ids are among them: a grant to a user that was deleted
/// is none to a namesake.
fn parameters_digest(name: &str, grant: &Grant) -> path::Digest {
    let mut operations: Vec<&str> = grant.operations.iter().map(|operation| operation.as_str()).collect();
    operations.sort_unstable();
    let (operations, account) = (operations.join(","), grant.issuing_account.to_string());
    let bytes = |text: &Option<String>| text.clone().unwrap_or_default().into_bytes();
    // One byte tells an absent context from an empty one.
    let context = |context: &Option<EncryptionContext>| {
        context
            .as_ref()
            .map_or_else(Vec::new, |context| [&[1], context.canonical_bytes().as_slice()].concat())
    };
    let constraints = &grant.constraints;
    let parts = [
        name.as_bytes().to_vec(),
        grant.grantee.clone().into_bytes(),
        bytes(&grant.grantee_id),
        bytes(&grant.retiring),
        bytes(&grant.retiring_id),
        operations.into_bytes(),
        context(&constraints.equals),
        context(&constraints.subset),
        bytes(&constraints.source_arn),
        account.into_bytes(),
    ];
    sha256_of_parts(parts.iter().map(Vec::as_slice))
}

impl KeyAccess {
    async fn add_grant(
        &self,
        key: &KeyEntry,
        grant: &Grant,
        passing: Passing<'_>,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let arn = &key.arn;
        let grantee = sha256(grant.grantee.as_bytes());
        // The policy and state that were judged still hold at the commit.
        let mut draft = self
            .records
            .draft()?
            .expect(&path::key(arn)?, Some(key.stamp))
            .put(&path::grant(arn, &grant.id)?, None, grant)?
            .put(&path::grantee(arn, &grantee, &grant.id)?, None, grant)?;
        if let Some(retiring) = &grant.retiring {
            draft = draft.put(&path::retiring(arn, &sha256(retiring.as_bytes()), &grant.id)?, None, grant)?;
        }
        if let Some(place) = name_path(arn, grant)? {
            draft = draft.put(&place, None, &grant.id)?;
        }
        if let Passing::From(parent) = passing {
            draft = self.expect_parent(draft, arn, parent).await?;
        }
        let outcome = self.records.commit(draft, cause).await;
        self.forget_grants_to(arn, &grant.grantee);
        if outcome.is_err() {
            // A conflict may mean that the cached row of the key is old.
            self.forget_key(arn);
        }
        outcome?;
        self.grant_counts.adjust(arn, 1);
        Ok(())
    }

    /// The grant that permits it is still there at the commit.
    async fn expect_parent(&self, draft: Draft, key: &KeyArn, parent: &Grant) -> Result<Draft, KmsError> {
        let Some(row) = self.grant(key, &parent.id).await? else {
            self.forget_grants_to(key, &parent.grantee);
            return Err(KmsError::Conflict);
        };
        Ok(draft.expect(&path::grant(key, &parent.id)?, Some(row.stamp)))
    }

    /// Removes grants on one key, at most [`GRANTS_PER_COMMIT`].
    pub(super) async fn remove_grants(
        &self,
        key: &KeyArn,
        grants: &[Stamped<Grant>],
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let mut draft = self.records.draft()?;
        for Stamped { value: grant, stamp } in grants {
            draft = draft.delete(&path::grant(key, &grant.id)?, *stamp);
            let grantee = path::grantee(key, &sha256(grant.grantee.as_bytes()), &grant.id)?;
            draft = self.records.remove(draft, &grantee).await?;
            if let Some(retiring) = &grant.retiring {
                let place = path::retiring(key, &sha256(retiring.as_bytes()), &grant.id)?;
                draft = self.records.remove(draft, &place).await?;
            }
            if let Some(place) = name_path(key, grant)? {
                draft = self.records.remove(draft, &place).await?;
            }
        }
        let outcome = self.records.commit(draft, cause).await;
        // Also after a failure: an unknown outcome may have been written.
        grants.iter().for_each(|grant| self.forget_grants_to(key, &grant.value.grantee));
        outcome?;
        self.grant_counts.adjust(key, -i64::try_from(grants.len()).unwrap_or(0));
        Ok(())
    }

    /// Removes every grant on a key that is being deleted.
    pub(super) async fn delete_grants(&self, key: &KeyArn, cause: Cause<'_>) -> Result<(), KmsError> {
        let (prefix, mut after) = (path::grants_prefix(key), None);
        loop {
            let page = self.records.page::<Grant>(&prefix, after.as_ref(), GRANTS_PER_COMMIT).await?;
            let mut grants = Vec::with_capacity(page.rows.len());
            for (_, grant) in &page.rows {
                grants.extend(self.grant(key, &grant.id).await?);
            }
            if !grants.is_empty() {
                self.remove_grants(key, &grants, cause).await?;
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        self.grant_counts.forget(key);
        Ok(())
    }

    async fn within_grant_quota(&self, key: &KeyArn) -> Result<(), KmsError> {
        if self.grant_counts.get(key).is_none() {
            let count = self.count_grants(key).await?;
            self.grant_counts.set(key.clone(), count);
        }
        match self.grant_counts.get(key) {
            Some(count) if count >= GRANTS_PER_KEY_MAX => Err(KmsError::Limit(Quota::GrantsPerKey)),
            Some(_) | None => Ok(()),
        }
    }

    async fn count_grants(&self, key: &KeyArn) -> Result<u64, KmsError> {
        let (prefix, mut after, mut count) = (path::grants_prefix(key), None, 0);
        loop {
            let page = self.records.page::<Grant>(&prefix, after.as_ref(), COUNT_PAGE).await?;
            count += page.rows.len() as u64;
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(count),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyreeve_crypto::keyring::Keyring;
    use keyreeve_model::key_id::KeyId;
    use keyreeve_model::region::{AccountId, Region};
    use keyreeve_model::timestamp::Timestamp;
    use keyreeve_store::MemoryStore;

    use super::*;
    use crate::audit::Ledger;
    use crate::records::Records;

    fn grant() -> Grant {
        Grant {
            id: "0".repeat(64),
            name: Some("n".to_owned()),
            grantee: "arn:aws:iam::111122223333:user/Alice".to_owned(),
            grantee_id: Some("AIDAEXAMPLEALICE0001".to_owned()),
            grantee_service: false,
            retiring: None,
            retiring_id: None,
            operations: vec![GrantOperation::Decrypt, GrantOperation::Encrypt],
            constraints: GrantConstraints::default(),
            issuing_account: AccountId::ZERO,
            created: Timestamp::from_millis(0),
        }
    }

    /// The digest stands in paths of stores: it must never change.
    #[test]
    fn the_digest_of_parameters_is_fixed_and_tells_all_of_them_apart() {
        let digest = |grant: &Grant| hex::encode(parameters_digest("n", grant));
        let known = digest(&grant());
        assert_eq!(known, "c40114e900d95874467245b04fb5fddaa114df85fdfc100e41b3a92fe870a5e4");
        let mut same = grant();
        same.operations.reverse();
        same.id = "1".repeat(64);
        same.created = Timestamp::from_millis(1);
        assert_eq!(digest(&same), known);
        let changes: [fn(&mut Grant); 9] = [
            |grant| grant.grantee.push('x'),
            |grant| grant.grantee_id = None,
            |grant| grant.retiring = Some("x".to_owned()),
            |grant| grant.retiring_id = Some("x".to_owned()),
            |grant| grant.operations.truncate(1),
            |grant| grant.constraints.equals = Some(EncryptionContext::default()),
            |grant| grant.constraints.subset = Some(EncryptionContext::default()),
            |grant| grant.constraints.source_arn = Some("x".to_owned()),
            |grant| grant.issuing_account = AccountId::parse("111122223333").unwrap(),
        ];
        let mut seen = std::collections::BTreeSet::from([known]);
        for change in changes {
            let mut other = grant();
            change(&mut other);
            assert!(seen.insert(digest(&other)), "{other:?}");
        }
    }

    /// Filling a key with 50,000 grants would take longer than all other tests.
    #[tokio::test]
    async fn a_key_has_a_bounded_number_of_grants_counted_from_the_store() {
        let keyring = Keyring::generate(Timestamp::from_millis(0)).unwrap();
        let keys = KeyAccess::new(Arc::new(Records::new(
            Arc::new(MemoryStore::new()),
            keyring,
            Ledger::ephemeral(),
        )));
        let key = |byte| KeyArn {
            region: Region::parse("eu-central-1").unwrap(),
            account: AccountId::ZERO,
            key_id: KeyId::new([byte; 16], false),
        };
        let mut draft = keys.records.draft().unwrap();
        for digit in ["1", "2", "3"] {
            draft = draft.put(&path::grant(&key(1), &digit.repeat(64)).unwrap(), None, &grant()).unwrap();
        }
        keys.records.commit(draft, Cause::Upkeep(Timestamp::from_millis(0))).await.unwrap();
        assert_eq!(keys.within_grant_quota(&key(1)).await, Ok(()));
        assert_eq!(keys.grant_counts.get(&key(1)), Some(3));
        keys.grant_counts.adjust(&key(1), -3);
        for (count, verdict) in [(49_999, Ok(())), (1, Err(KmsError::Limit(Quota::GrantsPerKey)))] {
            keys.grant_counts.adjust(&key(1), count);
            assert_eq!(keys.within_grant_quota(&key(1)).await, verdict);
        }
        assert_eq!(keys.within_grant_quota(&key(2)).await, Ok(()), "of another key");
    }
}
