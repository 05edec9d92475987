//! The rules of imported material, without effects: what an import, a deletion or an expiry makes of a key's row and of
//! the history of its materials.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys-import-key-material.html>

use keyreeve_crypto::import::MaterialIdentity;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::{Invalid, KmsError, MaterialMismatch};
use keyreeve_model::import::{ImportType, takes_several};
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::rotation::{ImportedMaterial, MaterialEntry, MaterialHistory};
use keyreeve_model::timestamp::Timestamp;

/// What a request says of the material that it imports.
#[derive(Debug, Clone)]
pub(crate) struct ImportTerms {
    /// `None` for AWS's default: new where the key never had a material, existing otherwise.
    pub(crate) kind: Option<ImportType>,
    /// The id that the material must have.
    pub(crate) expected: Option<MaterialId>,
    /// When it expires; `None` for never.
    pub(crate) valid_to: Option<Timestamp>,
    /// Replaces the description that it had.
    pub(crate) description: Option<String>,
}

/// A key, and the history of its materials.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct KeyAndHistory {
    pub(super) record: KeyRecord,
    pub(super) history: MaterialHistory,
}

impl KeyAndHistory {
    /// Takes in a material; answers whether its bytes were not here.
    ///
    /// # Errors
    /// As AWS refuses what is not the material that the key had, and what it cannot take in now.
    pub(super) fn import(
        &mut self,
        arn: &KeyArn,
        identity: &MaterialIdentity,
        terms: &ImportTerms,
        now: Timestamp,
    ) -> Result<bool, KmsError> {
        let first = self.history.0.is_empty();
        let default = if first { ImportType::NewKeyMaterial } else { ImportType::ExistingKeyMaterial };
        let missing = match terms.kind.unwrap_or(default) {
            ImportType::NewKeyMaterial => self.add(arn, identity, terms, now).map(|()| true)?,
            ImportType::ExistingKeyMaterial => self.renew(arn, identity, terms)?,
        };
        let waits = identity.id().is_some() && identity.id() == self.record.pending_material;
        refresh(&mut self.record, &self.history);
        // AWS enables also a key that was disabled; material that waits for its rotation changes nothing.
        let idle = matches!(self.record.state, KeyState::PendingImport | KeyState::Disabled);
        if idle && !waits && self.record.is_complete_at(now) {
            self.record.state = KeyState::Enabled;
        }
        Ok(missing)
    }

    fn add(
        &mut self,
        arn: &KeyArn,
        identity: &MaterialIdentity,
        terms: &ImportTerms,
        now: Timestamp,
    ) -> Result<(), KmsError> {
        if terms.expected.is_some() {
            return Err(KmsError::Invalid(Invalid::MaterialIdOfNewMaterial));
        }
        let regions = self.record.multi_region.as_ref();
        if regions.is_some_and(|regions| *regions.primary() != arn.region) {
            return Err(KmsError::NotPrimary(arn.clone()));
        }
        let first = self.history.0.is_empty();
        if !first && !takes_several(self.record.spec) {
            return Err(KmsError::Unsupported);
        }
        let id = identity.id();
        if let Some(id) = id.filter(|id| self.history.find(Some(id)).is_some()) {
            return Err(KmsError::IncorrectMaterial(arn.clone(), MaterialMismatch::AlreadyAssociated(id)));
        }
        if let (Some(new), Some(pending)) = (id, self.record.pending_material) {
            return Err(KmsError::MaterialPending {
                key: arn.clone(),
                new_and_pending: Box::new((new, pending)),
            });
        }
        let imported = ImportedMaterial {
            present: true,
            valid_to: terms.valid_to,
            description: terms.description.clone(),
            fingerprint: fingerprint(identity),
        };
        self.history.0.push(MaterialEntry { id, created: now, rotated: None, imported: Some(imported) });
        let place = if first { &mut self.record.current_material } else { &mut self.record.pending_material };
        *place = id;
        Ok(())
    }

    /// The same material again: it is there anew, until another time.
    fn renew(
        &mut self,
        arn: &KeyArn,
        identity: &MaterialIdentity,
        terms: &ImportTerms,
    ) -> Result<bool, KmsError> {
        let wrong = |mismatch| Err(KmsError::IncorrectMaterial(arn.clone(), mismatch));
        if let Some(expected) = terms.expected.filter(|expected| identity.id() != Some(*expected)) {
            return wrong(MaterialMismatch::Expected(expected));
        }
        let only = if let [only] = self.history.0.as_slice() { only.id } else { None };
        let known = self.history.0.iter_mut().find(|entry| is(entry, identity));
        let Some(imported) = known.and_then(|entry| entry.imported.as_mut()) else {
            return wrong(match (only, identity) {
                (Some(only), _) => MaterialMismatch::Expected(only),
                (None, MaterialIdentity::Id(id)) => MaterialMismatch::Unknown(*id),
                (None, MaterialIdentity::Fingerprint(_)) => MaterialMismatch::Other,
            });
        };
        let missing = !imported.present;
        imported.present = true;
        imported.valid_to = terms.valid_to;
        if terms.description.is_some() {
            imported.description.clone_from(&terms.description);
        }
        Ok(missing)
    }

    /// Forgets that the bytes of a material are here; answers whether they were. One that waits for its rotation is no
    /// longer the key's; at a replica it still is, as the primary says.
    pub(super) fn remove(&mut self, arn: &KeyArn, id: Option<&MaterialId>) -> bool {
        let entry = self.history.find_mut(id).and_then(|entry| entry.imported.as_mut());
        let Some(imported) = entry.filter(|imported| imported.present) else { return false };
        imported.present = false;
        imported.valid_to = None;
        let decides = !self.record.is_replica_in(&arn.region);
        if decides && id.is_some() && self.record.pending_material.as_ref() == id {
            let pending = self.record.pending_material.take();
            self.history.0.retain(|entry| !waits(entry, pending));
        }
        refresh(&mut self.record, &self.history);
        let used = matches!(self.record.state, KeyState::Enabled | KeyState::Disabled);
        if used && !self.record.has_material {
            self.record.state = KeyState::PendingImport;
        }
        true
    }

    /// The first material that has expired and whose bytes are here. One that waits for its rotation does not expire.
    pub(super) fn expired(&self, now: Timestamp) -> Option<Option<MaterialId>> {
        let pending = self.record.pending_material;
        let expired = |entry: &&MaterialEntry| {
            let imported = entry.imported.as_ref().filter(|imported| imported.present);
            !waits(entry, pending)
                && imported.and_then(|imported| imported.valid_to).is_some_and(|date| date <= now)
        };
        self.history.0.iter().find(expired).map(|entry| entry.id)
    }
}

/// Brings what the key's row says of its materials in step with their history. To be called as well by whoever makes a
/// pending material current. The key cannot be without what ever encrypted; a material of which another Region told that
/// it would, and never did, is no loss.
pub(super) fn refresh(record: &mut KeyRecord, history: &MaterialHistory) {
    let (first, pending) = (history.0.first(), record.pending_material);
    let encrypted = |entry: &&MaterialEntry| {
        entry.rotated.is_some() || entry.id == record.current_material || first == Some(*entry)
    };
    let mut needed = history.0.iter().filter(encrypted).map(|entry| entry.imported.as_ref()).peekable();
    let here = |imported: Option<&ImportedMaterial>| imported.is_some_and(|imported| imported.present);
    record.has_material = needed.peek().is_some() && needed.all(here);
    let present = history.0.iter().filter(|entry| !waits(entry, pending));
    let present = present.filter_map(|entry| entry.imported.as_ref()).filter(|imported| imported.present);
    record.material_expiry = present.filter_map(|imported| imported.valid_to).min();
}

/// Whether a material has not encrypted yet and does so after the next rotation.
pub(super) fn waits(entry: &MaterialEntry, pending: Option<MaterialId>) -> bool {
    entry.id.is_some() && entry.id == pending && entry.rotated.is_none()
}

fn fingerprint(identity: &MaterialIdentity) -> Option<String> {
    match identity {
        MaterialIdentity::Id(_) => None,
        MaterialIdentity::Fingerprint(text) => Some(text.clone()),
    }
}

fn is(entry: &MaterialEntry, identity: &MaterialIdentity) -> bool {
    match identity {
        MaterialIdentity::Id(id) => entry.id.as_ref() == Some(id),
        MaterialIdentity::Fingerprint(text) => {
            entry.imported.as_ref().and_then(|imported| imported.fingerprint.as_ref()) == Some(text)
        }
    }
}

#[cfg(test)]
mod tests;
