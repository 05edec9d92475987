//! The gatehouse: policy, then key state, then key usage. Only here is a proof made, and only here is it decided
//! whether a caller hears NotFound or AccessDenied.

use std::sync::Arc;

use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::{AliasArn, KeyArn, KeyRef};
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_model::grant::GrantOperation;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::DAY_MILLIS;
use keyreeve_policy::grant::GrantUse;
use keyreeve_policy::verdict::{Denial, Verdict};

use super::authorized::{Granted, Permit};
use super::resolve::UnjudgedKey;
use super::{AliasEntry, AuthorizedAlias, AuthorizedCall, AuthorizedKey, AuthorizedPair, KeyEntry, KeyName};
use crate::catalogue::Scope;
use crate::desk::Desk;
use crate::input::Facts;
use crate::judgement::{KeyNaming, Question, Subject};
use crate::operation::{Operation, Proof};
use crate::operations::replicate_key::ReplicateKey;
use crate::operations::update_primary_region::UpdatePrimaryRegion;
use crate::regions::KeyThere;

/// An action of the operation, by its place in the row.
pub(super) fn action(desk: &Desk<'_>, index: usize) -> Result<&'static str, KmsError> {
    desk.row.actions.get(index).copied().ok_or(KmsError::Internal)
}

/// The alias that a request used for a key.
const fn alias_in(name: &KeyName) -> Option<&AliasName> {
    match name {
        KeyName::Ref(KeyRef::Alias(name)) => Some(name),
        KeyName::Ref(KeyRef::AliasArn(arn)) => Some(&arn.name),
        KeyName::Ref(KeyRef::Id(_) | KeyRef::Arn(_)) | KeyName::Ciphertext(_) => None,
    }
}

/// Whether policies allow the action on a thing that has no policy of its own.
fn permit(desk: &Desk<'_>, action: &'static str, subject: Subject<'_>) -> Result<(), KmsError> {
    Question::new(desk, action, subject).permit()
}

/// What allows the action on a key: policies, or grants.
async fn permit_key<'a>(
    desk: &'a Desk<'a>,
    action: &'static str,
    entry: &'a KeyEntry,
    naming: KeyNaming<'a>,
) -> Result<Permit, KmsError> {
    let mut question = Question::new(desk, action, Subject::Key(entry));
    question.context().naming = naming;
    learn_days_without_usage(&mut question, desk, action, entry).await;
    let why = match question.verdict(None) {
        Verdict::Allow(_) => return Ok(Permit::Policy),
        Verdict::Deny(why @ Denial::Explicit(_)) => return Err(question.denied(&why)),
        Verdict::Deny(why) => why,
    };
    let Some(operation) = GrantOperation::of_action(action) else { return Err(question.denied(&why)) };
    let (principal, mut grants) = (&desk.caller.principal, Vec::new());
    for grant in desk.service.keys.grants_to(entry, principal).await? {
        let covering = GrantUse::by(&grant, principal).filter(|_| question.covered_by(&grant, operation));
        if covering.is_some_and(|grant| question.verdict(Some(&grant)).is_allow()) {
            // Only what CreateGrant passes on depends on the grant that allows it.
            if operation != GrantOperation::CreateGrant {
                return Ok(Permit::Grant);
            }
            grants.push(grant);
        }
    }
    let denied = question.denied(&why);
    if grants.is_empty() {
        Err(denied)
    } else {
        Ok(Permit::Passing(Box::new(Granted { grants, otherwise: denied })))
    }
}

/// Learns how long the key was not used, where a policy in play asks for it: no other decision depends on what is stored of
/// uses, and on the log.
pub(super) async fn learn_days_without_usage(
    question: &mut Question<'_>,
    desk: &Desk<'_>,
    action: &str,
    entry: &KeyEntry,
) {
    let possible = matches!(action, "kms:DisableKey" | "kms:ScheduleKeyDeletion");
    if !possible || !question.asks_for_days_without_usage() {
        return;
    }
    let last = match desk.service.keys.last_use(desk, entry).await {
        Ok(tracked) => tracked.last.map_or(entry.record.created, |last| last.at),
        Err(error) => {
            tracing::error!(key = %entry.arn, %error, "when a key was used is not known: it is judged as used now");
            desk.now
        }
    };
    let days = desk.now.as_millis().saturating_sub(last.as_millis()).max(0) / DAY_MILLIS;
    question.context().naming.days_without_usage = Some(days);
}

/// One answer for a ciphertext whose key does not exist and for one whose key is another account's: whoever makes up
/// headers learns no key ids.
fn ciphertext_denied() -> KmsError {
    KmsError::AccessDenied(
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you \
         are not allowed to access."
            .to_owned(),
    )
}

/// Opens an unjudged key, if policy, state and usage allow the action.
async fn admit<O>(
    desk: &Desk<'_>,
    action: &'static str,
    name: &KeyName,
    same_key: Option<bool>,
    key: UnjudgedKey,
) -> Result<AuthorizedKey<O>, KmsError> {
    let row = desk.row;
    match key {
        UnjudgedKey::Found { entry } => {
            let foreign = entry.arn.account != desk.caller.account();
            let naming = KeyNaming { alias: alias_in(name), same_key, ..KeyNaming::default() };
            let permitted = permit_key(desk, action, &entry, naming).await;
            // Whoever may not use a key of another account is not told that it exists.
            if permitted.is_ok() || !foreign {
                desk.notes.key(&entry);
            }
            let permit = match name {
                KeyName::Ciphertext(_) if foreign => permitted.map_err(|_| ciphertext_denied())?,
                KeyName::Ciphertext(_) | KeyName::Ref(_) => permitted?,
            };
            if row.origin.is_some_and(|origin| origin != entry.record.origin) {
                return Err(KmsError::UnsupportedOrigin(entry.arn.clone(), entry.record.origin));
            }
            row.states
                .check(entry.record.state_at(desk.now))
                .map_err(|refusal| KmsError::State(entry.arn.clone(), refusal))?;
            match row.usage {
                Some(usage) if usage != entry.record.usage => {
                    let (key, usage) = (entry.arn.clone(), entry.record.usage);
                    Err(KmsError::Usage { key, usage, operation: row.name })
                }
                Some(_) | None => Ok(AuthorizedKey::new(entry, permit)),
            }
        }
        UnjudgedKey::MissingKey(arn) => {
            permit(desk, action, Subject::Missing { arn: &arn.to_string(), owner: arn.account })?;
            Err(KmsError::KeyNotFound(arn))
        }
        UnjudgedKey::MissingAlias(arn) => {
            permit(desk, action, Subject::Missing { arn: &arn.to_string(), owner: arn.account })?;
            Err(KmsError::AliasNotFound(arn))
        }
        UnjudgedKey::MissingCiphertextKey => Err(ciphertext_denied()),
    }
}

impl<O: Operation> Proof<O> for AuthorizedCall<O> {
    type Names = ();

    async fn judge<'a>(desk: &'a Desk<'a>, (): ()) -> Result<Self, KmsError> {
        let subject = match desk.row.scope {
            Scope::Deployment => Subject::Deployment,
            Scope::Account | Scope::Key { .. } | Scope::Alias => Subject::Everything,
        };
        for action in desk.row.actions {
            permit(desk, action, subject)?;
        }
        if let Some(action) = desk.row.tagging
            && Facts::read(desk.row.input, desk.body).pairs("Tags").is_some_and(|tags| !tags.is_empty())
        {
            permit(desk, action, subject)?;
        }
        Ok(Self::new())
    }
}

impl<O: Operation> Proof<O> for AuthorizedKey<O> {
    type Names = KeyName;

    async fn judge<'a>(desk: &'a Desk<'a>, name: KeyName) -> Result<Self, KmsError> {
        let (keys, scope, action) = (&desk.service.keys, desk.row.scope, action(desk, 0)?);
        let mut unjudged = keys.resolve(desk, &name, scope.takes_aliases()).await?;
        if let (UnjudgedKey::MissingAlias(alias), true) = (&unjudged, scope.makes_managed_keys()) {
            permit(desk, action, Subject::Missing { arn: &alias.to_string(), owner: alias.account })?;
            if super::managed::make(desk, alias).await? {
                keys.aliases.forget(alias);
                unjudged = keys.resolve(desk, &name, true).await?;
            }
        }
        admit(desk, action, &name, None, unjudged).await
    }
}

impl AuthorizedKey<ReplicateKey> {
    /// Whether the caller may create a key in the Region of the replica, and tag it.
    ///
    /// # Errors
    /// [`KmsError::AccessDenied`].
    pub(crate) fn permit_in(&self, desk: &Desk<'_>, region: &Region, tags: bool) -> Result<(), KmsError> {
        let tagging = desk.row.tagging.filter(|_| tags);
        for action in [desk.row.making, tagging].into_iter().flatten() {
            let mut question = Question::new(desk, action, Subject::Everything);
            question.context().naming = KeyNaming { region: Some(region), ..KeyNaming::default() };
            question.permit()?;
        }
        Ok(())
    }
}

impl AuthorizedKey<UpdatePrimaryRegion> {
    /// Whether the caller may make the replica the primary, by what its own Region says of it, and whether it may be.
    ///
    /// # Errors
    /// [`KmsError::AccessDenied`], [`KmsError::State`]; both name the replica.
    pub(crate) fn permit_at(
        &self,
        desk: &Desk<'_>,
        replica: KeyArn,
        there: KeyThere,
    ) -> Result<(), KmsError> {
        let entry = KeyEntry::elsewhere(replica, there)?;
        Question::new(desk, action(desk, 0)?, Subject::Key(&entry)).permit()?;
        let states = desk.row.states.check(entry.record.state);
        states.map_err(|refusal| KmsError::State(entry.arn.clone(), refusal))
    }
}

/// The keys of ReEncrypt.
#[derive(Debug, Clone)]
pub(crate) struct PairNames {
    pub(crate) source: KeyName,
    pub(crate) destination: KeyName,
}

impl<O: Operation> Proof<O> for AuthorizedPair<O> {
    type Names = PairNames;

    async fn judge<'a>(desk: &'a Desk<'a>, names: PairNames) -> Result<Self, KmsError> {
        let (keys, aliases) = (&desk.service.keys, desk.row.scope.takes_aliases());
        let source = keys.resolve(desk, &names.source, aliases).await?;
        let destination = keys.resolve(desk, &names.destination, aliases).await?;
        let same = Some(source.is(&destination));
        let source = admit(desk, action(desk, 0)?, &names.source, same, source).await?;
        let destination = admit(desk, action(desk, 1)?, &names.destination, same, destination).await?;
        Ok(Self { source, destination })
    }
}

/// The alias of an alias operation, and the key that it shall point to.
#[derive(Debug, Clone)]
pub(crate) struct AliasNames {
    pub(crate) alias: AliasArn,
    pub(crate) target: Option<KeyRef>,
}

impl<O: Operation> Proof<O> for AuthorizedAlias<O> {
    type Names = AliasNames;

    async fn judge<'a>(desk: &'a Desk<'a>, names: AliasNames) -> Result<Self, KmsError> {
        let action = action(desk, 0)?;
        let owner = names.alias.account;
        let alias = names.alias.to_string();
        desk.notes.resource(owner, "AWS::KMS::Alias", alias.clone());
        permit(desk, action, Subject::Owned { arn: &alias, owner })?;
        let target = match names.target {
            Some(reference) if reference.is_alias() => return Err(KmsError::Invalid(Invalid::AliasToAlias)),
            Some(reference) => {
                let name = KeyName::Ref(reference);
                let unjudged = desk.service.keys.resolve(desk, &name, false).await?;
                Some(admit(desk, action, &name, None, unjudged).await?)
            }
            None => None,
        };
        let current = desk.service.keys.alias(&names.alias).await?;
        let present = match &current {
            Some(alias) => present_target(desk, action, alias, &names.alias).await?,
            None => None,
        };
        Ok(Self { alias: names.alias, current, present, target })
    }
}

/// The key that the alias points to now needs permission too; its state does not matter.
async fn present_target(
    desk: &Desk<'_>,
    action: &'static str,
    alias: &AliasEntry,
    arn: &AliasArn,
) -> Result<Option<Arc<KeyEntry>>, KmsError> {
    let key = KeyArn { region: arn.region.clone(), account: arn.account, key_id: alias.record.target };
    let entry = desk.service.keys.entry(&key).await?;
    if let Some(entry) = &entry {
        permit_key(desk, action, entry, KeyNaming::default()).await?;
        desk.notes.key(entry);
    }
    Ok(entry)
}

#[cfg(test)]
mod tests;
