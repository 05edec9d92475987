//! Which key is meant: a key id, an ARN, an alias, or the header of a ciphertext becomes a key, found or missing.
//! What is found stays sealed until the gatehouse has judged.

use std::sync::Arc;

use keyreeve_model::arn::{AliasArn, KeyArn, KeyRef};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::region::AccountId;

use super::{KeyAccess, KeyEntry};
use crate::desk::Desk;
use crate::records::path;

/// How a request names a key.
#[derive(Debug, Clone)]
pub(crate) enum KeyName {
    /// By reference.
    Ref(KeyRef),
    /// By the header of a symmetric ciphertext.
    Ciphertext(KeyId),
}

/// A key that was looked for. Only the gatehouse opens it.
#[derive(Debug)]
pub(super) enum UnjudgedKey {
    Found {
        entry: Arc<KeyEntry>,
    },
    MissingKey(KeyArn),
    MissingAlias(AliasArn),
    /// The ciphertext names a key that does not exist in this Region.
    MissingCiphertextKey,
}

impl UnjudgedKey {
    /// Whether both are the same key.
    pub(super) fn is(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Found { entry: a }, Self::Found { entry: b }) if a.arn == b.arn)
    }
}

impl KeyAccess {
    /// Resolves a name. Whether aliases are allowed is the row's affair.
    pub(super) async fn resolve(
        &self,
        desk: &Desk<'_>,
        name: &KeyName,
        aliases: bool,
    ) -> Result<UnjudgedKey, KmsError> {
        match name {
            KeyName::Ref(reference) if reference.is_alias() && !aliases => Err(KmsError::AliasesNotSupported),
            KeyName::Ref(KeyRef::Id(id)) => self.resolve_arn(desk, desk.key_arn(*id)).await,
            KeyName::Ref(KeyRef::Arn(arn)) => self.resolve_arn(desk, arn.clone()).await,
            KeyName::Ref(KeyRef::Alias(name)) => self.resolve_alias(desk, desk.alias_arn(name.clone())).await,
            KeyName::Ref(KeyRef::AliasArn(arn)) => self.resolve_alias(desk, arn.clone()).await,
            KeyName::Ciphertext(id) => match self.owner(desk, *id).await? {
                Some(account) => {
                    let arn = KeyArn { region: desk.caller.region.clone(), account, key_id: *id };
                    match self.resolve_arn(desk, arn).await? {
                        found @ UnjudgedKey::Found { .. } => Ok(found),
                        UnjudgedKey::MissingKey(_)
                        | UnjudgedKey::MissingAlias(_)
                        | UnjudgedKey::MissingCiphertextKey => Ok(UnjudgedKey::MissingCiphertextKey),
                    }
                }
                None => Ok(UnjudgedKey::MissingCiphertextKey),
            },
        }
    }

    async fn resolve_arn(&self, desk: &Desk<'_>, arn: KeyArn) -> Result<UnjudgedKey, KmsError> {
        if arn.region != desk.caller.region {
            return Err(KmsError::InvalidArnRegion(arn.region.as_str().to_owned()));
        }
        // A key whose waiting period has passed is gone for everyone, whether or not its rows were removed yet.
        match self.entry(&arn).await?.filter(|entry| !entry.record.is_expired(desk.now)) {
            Some(entry) => Ok(UnjudgedKey::Found { entry }),
            None => Ok(UnjudgedKey::MissingKey(arn)),
        }
    }

    async fn resolve_alias(&self, desk: &Desk<'_>, arn: AliasArn) -> Result<UnjudgedKey, KmsError> {
        if arn.region != desk.caller.region {
            return Err(KmsError::InvalidArnRegion(arn.region.as_str().to_owned()));
        }
        let Some(alias) = self.alias(&arn).await? else { return Ok(UnjudgedKey::MissingAlias(arn)) };
        let target = KeyArn { region: arn.region.clone(), account: arn.account, key_id: alias.record.target };
        match self.resolve_arn(desk, target).await? {
            found @ UnjudgedKey::Found { .. } => Ok(found),
            UnjudgedKey::MissingKey(_) | UnjudgedKey::MissingAlias(_) | UnjudgedKey::MissingCiphertextKey => {
                Ok(UnjudgedKey::MissingAlias(arn))
            }
        }
    }

    /// The account that owns a key id in the caller's Region.
    pub(super) async fn owner(&self, desk: &Desk<'_>, id: KeyId) -> Result<Option<AccountId>, KmsError> {
        let place = (desk.caller.region.clone(), id);
        if let Some(known) = self.owners.get(&place) {
            return Ok(known);
        }
        let ticket = self.owners.ticket(&place);
        let row = self.records.read::<AccountId>(&path::key_owner(&place.0, id)?).await?;
        let account = row.map(|row| row.value);
        self.owners.fill(place, ticket, account);
        Ok(account)
    }
}
