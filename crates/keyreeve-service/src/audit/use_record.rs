//! What a record of the log says of the use of keys: read when a crash lost what was to be written of them behind.

use std::borrow::Cow;

use keyreeve_audit::Entry;
use keyreeve_model::arn::{KeyArn, KeyRef};
use keyreeve_model::material_id::MaterialId;
use serde::Deserialize;
use serde::de::IgnoredAny;
use uuid::Uuid;

use crate::catalogue::{Api, Effect, find};
use crate::usage::{KeyUse, LastUse};

/// The members of a record that tell of a use.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UseRecord<'a> {
    #[serde(borrow)]
    user_identity: Identity<'a>,
    #[serde(borrow)]
    event_source: Cow<'a, str>,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
    error_code: Option<IgnoredAny>,
    #[serde(borrow)]
    request_parameters: Option<Parameters<'a>>,
    additional_event_data: Option<Materials>,
    #[serde(rename = "requestID")]
    request_id: Option<Uuid>,
    #[serde(borrow, default)]
    resources: Vec<Resource<'a>>,
}

#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters<'a> {
    #[serde(borrow)]
    source_encryption_algorithm: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Materials {
    key_material_id: Option<MaterialId>,
    source_key_material_id: Option<MaterialId>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "ARN", borrow)]
    arn: Cow<'a, str>,
}

impl UseRecord<'_> {
    /// The material that decrypted. The record of ReEncrypt names one alone where one of the keys is a key pair.
    fn decrypted_with(&self) -> Option<MaterialId> {
        let materials = self.additional_event_data.as_ref()?;
        let source = || self.request_parameters.as_ref()?.source_encryption_algorithm.as_deref();
        match &*self.event_name {
            "Decrypt" => materials.key_material_id,
            "ReEncrypt" if source() == Some("SYMMETRIC_DEFAULT") => {
                materials.source_key_material_id.or(materials.key_material_id)
            }
            _ => None,
        }
    }
}

/// The uses of keys that an entry tells of: none for most calls, and none for those that failed.
pub(crate) fn uses_of(entry: &Entry) -> Vec<(KeyArn, KeyUse)> {
    let Ok(record) = serde_json::from_slice::<UseRecord<'_>>(&entry.event) else { return Vec::new() };
    let operation = find(Api::Kms, &record.event_name).filter(|row| row.effect == Effect::Uses);
    // The copy for the owner of a foreign key tells of the same use once more.
    let copy = record.user_identity.kind.as_deref() == Some("AWSAccount");
    let ours = record.event_source == Api::Kms.event_source() && record.error_code.is_none() && !copy;
    let (Some(row), Some(request_id), true) = (operation, record.request_id, ours) else {
        return Vec::new();
    };
    let mut decrypted_with = record.decrypted_with();
    let keys = record.resources.iter().filter(|resource| resource.kind == "AWS::KMS::Key");
    let uses = keys.filter_map(|resource| {
        let Ok(KeyRef::Arn(arn)) = KeyRef::parse(&resource.arn) else { return None };
        let operation = Cow::Borrowed(row.name);
        let last = LastUse { operation, at: entry.time, request_id, event_id: Some(entry.id) };
        // The source of ReEncrypt comes first.
        Some((arn, KeyUse { last, decrypted_with: decrypted_with.take() }))
    });
    uses.collect()
}
