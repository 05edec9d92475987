//! The gatehouse: policy, then key state, then key usage. Only here is a proof made, and only here is it decided
//! whether a caller hears NotFound or AccessDenied.

use std::sync::Arc;

use keyreeve_model::arn::{AliasArn, KeyArn, KeyRef};
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_policy::evaluate::evaluate;
use keyreeve_policy::evidence::{Evidence, Resource};
use keyreeve_policy::verdict::{Denial, Verdict};

use super::resolve::UnjudgedKey;
use super::{AliasEntry, AuthorizedAlias, AuthorizedCall, AuthorizedKey, AuthorizedPair, KeyEntry, KeyName};
use crate::catalogue::{Row, Scope};
use crate::desk::Desk;
use crate::operation::{Operation, Proof};

/// A row's action, by its place in the row.
fn action(row: &'static Row, index: usize) -> Result<&'static str, KmsError> {
    row.actions.get(index).copied().ok_or(KmsError::Internal)
}

/// What to say of a resource in a denial.
enum Subject<'a> {
    Everything,
    Key(&'a KeyArn),
    Alias(&'a AliasArn),
}

fn permit(
    desk: &Desk<'_>,
    row: &'static Row,
    action: &'static str,
    resource: Resource,
    subject: &Subject<'_>,
) -> Result<(), KmsError> {
    let principal = &desk.caller.principal;
    let evidence =
        Evidence { principal, action, effect: row.effect, resource, other_accounts: row.other_accounts };
    match evaluate(&evidence) {
        Verdict::Allow { .. } => Ok(()),
        Verdict::Deny { why } => Err(KmsError::AccessDenied(denial_text(desk, action, why, subject))),
    }
}

/// AWS's words. <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
fn denial_text(desk: &Desk<'_>, action: &'static str, why: Denial, subject: &Subject<'_>) -> String {
    let head = format!("User: {} is not authorized to perform: {action}", desk.caller.principal);
    let on = match subject {
        Subject::Everything => "*".to_owned(),
        Subject::Key(arn) => arn.to_string(),
        Subject::Alias(arn) => arn.to_string(),
    };
    match why {
        Denial::OtherAccount => format!(
            "{head} on this resource because the resource does not exist in this Region, no resource-based policies \
             allow access, or a resource-based policy explicitly denies access"
        ),
        Denial::NoResourcePolicy => {
            format!("{head} on resource: {on} because no resource-based policy allows the {action} action")
        }
        Denial::NoIdentityPolicy => {
            format!("{head} on resource: {on} because no identity-based policy allows the {action} action")
        }
    }
}

fn key_resource(entry: &KeyEntry) -> Resource {
    Resource::Key { owner: entry.arn.account, manager: entry.record.manager }
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

/// Opens an unjudged key, if policy, state and usage allow the row's action.
fn admit(
    desk: &Desk<'_>,
    row: &'static Row,
    action: &'static str,
    name: &KeyName,
    key: UnjudgedKey,
) -> Result<Arc<KeyEntry>, KmsError> {
    match key {
        UnjudgedKey::Found { entry } => {
            let foreign = entry.arn.account != desk.caller.account();
            let permitted = permit(desk, row, action, key_resource(&entry), &Subject::Key(&entry.arn));
            match name {
                KeyName::Ciphertext(_) if foreign => permitted.map_err(|_| ciphertext_denied())?,
                KeyName::Ciphertext(_) | KeyName::Ref(_) => permitted?,
            }
            row.states
                .check(entry.record.state)
                .map_err(|refusal| KmsError::State(entry.arn.clone(), refusal))?;
            match row.usage {
                Some(usage) if usage != entry.record.usage => {
                    let (key, usage) = (entry.arn.clone(), entry.record.usage);
                    Err(KmsError::Usage { key, usage, operation: row.name })
                }
                Some(_) | None => Ok(entry),
            }
        }
        UnjudgedKey::MissingKey(arn) => {
            permit(desk, row, action, Resource::Missing { owner: arn.account }, &Subject::Key(&arn))?;
            Err(KmsError::KeyNotFound(arn))
        }
        UnjudgedKey::MissingAlias(arn) => {
            permit(desk, row, action, Resource::Missing { owner: arn.account }, &Subject::Alias(&arn))?;
            Err(KmsError::AliasNotFound(arn))
        }
        UnjudgedKey::MissingCiphertextKey => Err(ciphertext_denied()),
    }
}

impl<O: Operation> Proof<O> for AuthorizedCall<O> {
    type Names = ();

    async fn judge<'a>(desk: &'a Desk<'a>, row: &'static Row, (): ()) -> Result<Self, KmsError> {
        let resource = match row.scope {
            Scope::Deployment => Resource::Deployment,
            Scope::Account | Scope::Key { .. } | Scope::Alias => Resource::Everything,
        };
        permit(desk, row, action(row, 0)?, resource, &Subject::Everything)?;
        Ok(Self::new())
    }
}

impl<O: Operation> Proof<O> for AuthorizedKey<O> {
    type Names = KeyName;

    async fn judge<'a>(desk: &'a Desk<'a>, row: &'static Row, name: KeyName) -> Result<Self, KmsError> {
        let keys = &desk.service.keys;
        let mut unjudged = keys.resolve(desk, &name, row.scope.takes_aliases()).await?;
        if let (UnjudgedKey::MissingAlias(alias), true) = (&unjudged, row.scope.makes_managed_keys()) {
            permit(
                desk,
                row,
                action(row, 0)?,
                Resource::Missing { owner: alias.account },
                &Subject::Alias(alias),
            )?;
            if super::managed::make(desk, alias).await? {
                keys.aliases.forget(alias);
                unjudged = keys.resolve(desk, &name, true).await?;
            }
        }
        Ok(Self::new(admit(desk, row, action(row, 0)?, &name, unjudged)?))
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

    async fn judge<'a>(desk: &'a Desk<'a>, row: &'static Row, names: PairNames) -> Result<Self, KmsError> {
        let keys = &desk.service.keys;
        let source = keys.resolve(desk, &names.source, row.scope.takes_aliases()).await?;
        let source = AuthorizedKey::new(admit(desk, row, action(row, 0)?, &names.source, source)?);
        let destination = keys.resolve(desk, &names.destination, row.scope.takes_aliases()).await?;
        let destination =
            AuthorizedKey::new(admit(desk, row, action(row, 1)?, &names.destination, destination)?);
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

    async fn judge<'a>(desk: &'a Desk<'a>, row: &'static Row, names: AliasNames) -> Result<Self, KmsError> {
        let action = action(row, 0)?;
        let resource = Resource::Alias { owner: names.alias.account };
        permit(desk, row, action, resource, &Subject::Alias(&names.alias))?;
        let target = match names.target {
            Some(reference) if reference.is_alias() => return Err(KmsError::Invalid(Invalid::AliasToAlias)),
            Some(reference) => {
                let name = KeyName::Ref(reference);
                let unjudged = desk.service.keys.resolve(desk, &name, false).await?;
                Some(AuthorizedKey::new(admit(desk, row, action, &name, unjudged)?))
            }
            None => None,
        };
        let current = desk.service.keys.alias(&names.alias).await?;
        let present = match &current {
            Some(alias) => present_target(desk, row, action, alias, &names.alias).await?,
            None => None,
        };
        Ok(Self { alias: names.alias, current, present, target })
    }
}

/// The key that the alias points to now needs permission too; its state does not matter.
async fn present_target(
    desk: &Desk<'_>,
    row: &'static Row,
    action: &'static str,
    alias: &AliasEntry,
    arn: &AliasArn,
) -> Result<Option<Arc<KeyEntry>>, KmsError> {
    let key = KeyArn { region: arn.region.clone(), account: arn.account, key_id: alias.record.target };
    let entry = desk.service.keys.entry(&key).await?;
    if let Some(entry) = &entry {
        permit(desk, row, action, key_resource(entry), &Subject::Key(&entry.arn))?;
    }
    Ok(entry)
}
