//! Under which key and material a ciphertext shall be, and whether it is already. Each key is described once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use keyreeve_crypto::ciphertext_blob::Header;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::material_id::MaterialId;
use serde_json::{Value, json};

use super::Plan;
use super::renewal::Trouble;
use crate::error::CallError;
use crate::kms::Call;

/// A key as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyNow {
    pub(super) arn: String,
    /// `CurrentKeyMaterialId`; absent where the key has one material for life.
    pub(super) material_id: Option<String>,
    id: Option<KeyId>,
}

/// Where a ciphertext shall go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    /// As ReEncrypt is asked.
    pub(super) key: String,
    /// What is known about it; nothing where nobody may describe it.
    pub(super) now: Option<KeyNow>,
}

/// What DescribeKey said of each key that was asked for.
#[derive(Debug, Default)]
pub(super) struct Destinations(Mutex<HashMap<String, Result<Option<KeyNow>, String>>>);

impl Destinations {
    /// The destination of a ciphertext.
    pub(super) fn of(&self, call: &mut impl Call, plan: &Plan, blob: &[u8]) -> Result<Destination, Trouble> {
        let named = plan.to_key.clone().or_else(|| plan.source_key.clone());
        let key =
            named.or_else(|| Some(Header::parse(blob).ok()?.key_id().to_string())).ok_or_else(|| {
                Trouble::One(
                    "it does not say its key (it is no ciphertext of Keyreeve): name it by --key-id"
                        .to_owned(),
                )
            })?;
        // Held while asking, so that threads which need the same key do not all ask.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&key) {
            return found.clone().map(|now| Destination { key, now }).map_err(Trouble::One);
        }
        let found = match call.call("DescribeKey", &json!({"KeyId": key})) {
            Ok(answer) => Ok(Some(KeyNow::read(&answer)?)),
            Err(error) if error.concerns_all() || error.is_passing() => return Err(error.into()),
            // Who may re-encrypt need not be allowed to describe.
            Err(error) if error.code() == Some("AccessDeniedException") => Ok(None),
            Err(error) => Err(error.to_string()),
        };
        known.insert(key.clone(), found.clone());
        found.map(|now| Destination { key, now }).map_err(Trouble::One)
    }
}

impl KeyNow {
    #[cfg(test)]
    pub(super) fn test(arn: &str, material_id: &str) -> Self {
        Self { arn: arn.to_owned(), material_id: Some(material_id.to_owned()), id: None }
    }

    fn read(answer: &Value) -> Result<Self, CallError> {
        let metadata = answer.get("KeyMetadata").unwrap_or(&Value::Null);
        let text = |name| metadata.get(name).and_then(Value::as_str);
        let arn = text("Arn")
            .ok_or(CallError::Incomplete { operation: "DescribeKey", member: "KeyMetadata.Arn" })?;
        Ok(Self {
            arn: arn.to_owned(),
            material_id: text("CurrentKeyMaterialId").map(str::to_owned),
            id: text("KeyId").and_then(KeyId::parse),
        })
    }
}

impl Destination {
    /// Whether the ciphertext says that it is under this key and its newest material. Only ours say so, and nobody checked
    /// it: a forged one is as useless after the sweep as before.
    pub(super) fn is_of(&self, blob: &[u8]) -> bool {
        let (Some(now), Ok(header)) = (&self.now, Header::parse(blob)) else { return false };
        let newest = now.material_id.as_deref().and_then(MaterialId::parse);
        now.id == Some(header.key_id()) && newest.is_some_and(|id| id.prefix() == *header.material_prefix())
    }

    /// Whether what was once under this key and material still is where it shall be; `None` where the key is the right one
    /// and nobody may see its newest material.
    pub(super) fn is_still(&self, arn: &str, material_id: Option<&str>) -> Option<bool> {
        match &self.now {
            Some(now) => Some(now.arn == arn && now.material_id.as_deref() == material_id),
            None if arn == self.key || arn.rsplit_once('/').is_some_and(|(_, id)| id == self.key) => None,
            // An alias that nobody may look up may have moved.
            None => Some(false),
        }
    }
}
