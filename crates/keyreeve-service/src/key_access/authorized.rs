//! Proofs. Their fields are private and only the gatehouse makes them, so that an operation that was not judged does
//! not compile, nor one that uses another operation's proof.

use std::marker::PhantomData;
use std::sync::Arc;

use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::KmsError;
use keyreeve_model::grant::Grant;
use keyreeve_model::key_record::KeyRecord;

use super::{AliasEntry, KeyEntry, Material};
use crate::audit::Cause;
use crate::desk::Desk;

/// Policy allows the operation `O`, which names no key.
#[derive(Debug)]
pub(crate) struct AuthorizedCall<O>(PhantomData<fn() -> O>);

impl<O> AuthorizedCall<O> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// What allowed an action on a key.
#[derive(Debug)]
pub(super) enum Permit {
    /// A statement of a policy.
    Policy,
    /// A grant.
    Grant,
    /// Grants alone allow CreateGrant.
    Passing(Box<Granted>),
}

/// All grants that allow CreateGrant, each of them alone.
#[derive(Debug)]
pub(super) struct Granted {
    pub(super) grants: Vec<Arc<Grant>>,
    /// What a caller without them would hear.
    pub(super) otherwise: KmsError,
}

/// Policy, key state and key usage allow the operation `O` on this key.
#[derive(Debug)]
pub(crate) struct AuthorizedKey<O> {
    entry: Arc<KeyEntry>,
    permit: Permit,
    operation: PhantomData<fn() -> O>,
}

impl<O> AuthorizedKey<O> {
    pub(super) const fn new(entry: Arc<KeyEntry>, permit: Permit) -> Self {
        Self { entry, permit, operation: PhantomData }
    }

    /// The key's ARN.
    pub(crate) fn arn(&self) -> &KeyArn {
        &self.entry.arn
    }

    /// The key's ARN as text.
    pub(crate) fn arn_text(&self) -> String {
        self.entry.text.as_ref().to_owned()
    }

    /// What is known about the key.
    pub(crate) fn record(&self) -> &KeyRecord {
        &self.entry.record
    }

    /// The material that the key uses now.
    pub(crate) async fn material(&self, desk: &Desk<'_>) -> Result<Arc<Material>, KmsError> {
        let material = desk.service.keys.current_material(&self.entry).await?;
        note(desk, &material);
        Ok(material)
    }

    /// The material that a ciphertext names, if this key has it.
    pub(crate) async fn material_named(
        &self,
        desk: &Desk<'_>,
        prefix: &[u8; 16],
    ) -> Result<Option<Arc<Material>>, KmsError> {
        let material = match desk.service.keys.material_named(&self.entry, prefix).await? {
            Some(material) => Some(material),
            None => desk.service.pull_material(&self.entry, prefix).await?,
        };
        if let Some(material) = &material {
            note(desk, material);
        }
        Ok(material)
    }

    /// Writes the key's row in place of the one that was judged.
    pub(crate) async fn replace(&self, desk: &Desk<'_>, record: &KeyRecord) -> Result<(), KmsError> {
        desk.service.keys.replace(&self.entry, record, Cause::Request(desk)).await
    }

    /// What allowed it.
    pub(super) const fn permit(&self) -> &Permit {
        &self.permit
    }

    pub(super) fn entry(&self) -> &KeyEntry {
        &self.entry
    }
}

/// The record of the request names the material.
fn note(desk: &Desk<'_>, material: &Material) {
    if let Material::Symmetric(key) = material {
        desk.notes.material(key.material_id());
    }
}

/// Both keys of ReEncrypt are allowed, each for its own action.
#[derive(Debug)]
pub(crate) struct AuthorizedPair<O> {
    pub(crate) source: AuthorizedKey<O>,
    pub(crate) destination: AuthorizedKey<O>,
}

/// The alias, the key it points to and the key it shall point to are allowed.
#[derive(Debug)]
pub(crate) struct AuthorizedAlias<O> {
    pub(super) alias: AliasArn,
    pub(super) current: Option<Arc<AliasEntry>>,
    /// The key that it points to now.
    pub(super) present: Option<Arc<KeyEntry>>,
    pub(super) target: Option<AuthorizedKey<O>>,
}
