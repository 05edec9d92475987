//! What the Regions say of a key, and what is done so that it comes to rest: deletions are cancelled, and material that was
//! imported is imported where it is lacking.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::imports;
use super::installation::{Installation, NAMES, Outcome};
use super::ledger::KeyBook;
use crate::failure::Failure;

const NOT_FOUND: &str = "NotFoundException";
const CONFIGURATION: &str = "/KeyMetadata/MultiRegionConfiguration";

/// What one Region says of the key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct View {
    kind: String,
    pub(super) primary: String,
    pub(super) replicas: BTreeSet<String>,
    pub(super) state: String,
    pub(super) current: String,
    /// Materials with their states.
    pub(super) materials: BTreeMap<String, String>,
    /// Whether imported material is lacking.
    lacks: bool,
    pub(super) on_demand: usize,
}

impl View {
    pub(super) fn is_primary(&self) -> bool {
        self.kind == "PRIMARY"
    }

    /// Whether it says what another Region says. Material that was imported for a rotation waits in each Region for itself.
    pub(super) fn agrees(&self, other: &Self, imported: bool) -> bool {
        let shared = (&self.primary, &self.replicas, &self.current)
            == (&other.primary, &other.replicas, &other.current);
        shared
            && if imported {
                self.materials.keys().eq(other.materials.keys()) && !self.lacks
            } else {
                self.materials == other.materials
            }
    }

    /// Whether something waits that ends by itself. Imported material that is everywhere may wait for its rotation for ever;
    /// that it is everywhere, only the primary knows.
    pub(super) fn is_rotating(&self) -> bool {
        let waits = |state: &String| match state.as_str() {
            "PENDING_MULTI_REGION_IMPORT_AND_ROTATION" => self.is_primary(),
            "PENDING_ROTATION" | "CURRENT" | "NON_CURRENT" => false,
            _ => true,
        };
        self.materials.values().any(waits)
    }
}

/// What the Regions that have the key say of it; or what is in the way.
pub(super) async fn views(
    installation: &mut Installation,
    key: &mut KeyBook,
) -> Result<Result<BTreeMap<&'static str, View>, String>, Failure> {
    let mut views = BTreeMap::new();
    for name in NAMES {
        match view(installation, key, name).await? {
            Ok(Some(view)) => drop(views.insert(name, view)),
            Ok(None) => {}
            Err(trouble) => return Ok(Err(trouble)),
        }
    }
    Ok(Ok(views))
}

/// What a Region says; `None` where the key is not.
async fn view(
    installation: &mut Installation,
    key: &mut KeyBook,
    name: &'static str,
) -> Result<Result<Option<View>, String>, Failure> {
    let input = json!({"KeyId": key.id});
    let reply = match installation.call(name, "DescribeKey", &input).await? {
        Outcome::Done(reply) => reply,
        Outcome::Refused(error) if error == NOT_FOUND => return Ok(Ok(None)),
        other @ (Outcome::Refused(_) | Outcome::Unknown) => {
            return Ok(Err(format!("DescribeKey in {name}: {other:?}")));
        }
    };
    let list = json!({"KeyId": key.id, "IncludeKeyMaterial": "ALL_KEY_MATERIAL", "Limit": 1000});
    let rotations = match installation.call(name, "ListKeyRotations", &list).await? {
        Outcome::Done(rotations) => rotations,
        other @ (Outcome::Refused(_) | Outcome::Unknown) => {
            return Ok(Err(format!("ListKeyRotations in {name}: {other:?}")));
        }
    };
    let seen = seen(&reply, &rotations);
    if !key.must_be_gone(name) {
        bring_to_rest(installation, key, name, &seen).await?;
    }
    Ok(Ok(Some(seen)))
}

fn seen(reply: &Value, rotations: &Value) -> View {
    let text = |path: &str| reply.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rotations = rotations.get("Rotations").and_then(Value::as_array).cloned().unwrap_or_default();
    let member =
        |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let replicas = reply.pointer(&format!("{CONFIGURATION}/ReplicaKeys")).and_then(Value::as_array);
    View {
        kind: text(&format!("{CONFIGURATION}/MultiRegionKeyType")),
        primary: text(&format!("{CONFIGURATION}/PrimaryKey/Region")),
        replicas: replicas.into_iter().flatten().map(|replica| member(replica, "Region")).collect(),
        state: text("/KeyMetadata/KeyState"),
        current: text("/KeyMetadata/CurrentKeyMaterialId"),
        materials: rotations
            .iter()
            .map(|entry| (member(entry, "KeyMaterialId"), member(entry, "KeyMaterialState")))
            .collect(),
        lacks: rotations.iter().any(|entry| member(entry, "ImportState") == "PENDING_IMPORT"),
        on_demand: rotations.iter().filter(|entry| member(entry, "RotationType") == "ON_DEMAND").count(),
    }
}

/// What nobody will do by itself: what was scheduled is cancelled, by an answer or without one; what is lacking imported.
async fn bring_to_rest(
    installation: &mut Installation,
    key: &mut KeyBook,
    name: &'static str,
    seen: &View,
) -> Result<(), Failure> {
    let input = json!({"KeyId": key.id});
    if matches!(seen.state.as_str(), "PendingDeletion" | "PendingReplicaDeletion") {
        installation.call(name, "CancelKeyDeletion", &input).await?;
    }
    if key.imported.is_some() && (seen.lacks || seen.state == "PendingImport") {
        let nothing_yet = seen.is_primary() && seen.materials.is_empty();
        imports::complete(installation, key, name, nothing_yet).await?;
    }
    if matches!(seen.state.as_str(), "Disabled" | "PendingDeletion" | "PendingReplicaDeletion") {
        installation.call(name, "EnableKey", &input).await?;
    }
    Ok(())
}
