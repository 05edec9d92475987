//! What must hold once everything is healed and has come to rest: one primary, equal replicas, every acknowledged ciphertext,
//! rotation and replica.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::installation::{Installation, NAMES, Outcome};
use super::ledger::{KeyBook, Tally};
use crate::failure::Failure;

/// How long the Regions may take from healing to rest: connections are made anew, and jobs wait before they try again.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(200);
const NOT_FOUND: &str = "NotFoundException";

/// Waits until a key is at rest, and checks all that was acknowledged of it.
pub(super) async fn check(
    installation: &mut Installation,
    key: &KeyBook,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let regions = loop {
        match at_rest(installation, key).await? {
            Ok(regions) => break regions,
            Err(trouble) if begun.elapsed() > PATIENCE => {
                return Err(Failure::Broken(format!(
                    "{} is not at rest {PATIENCE:?} after healing: {trouble}",
                    key.id
                )));
            }
            Err(_) => tokio::time::sleep(POLL).await,
        }
    };
    tally.longest_healing_ms = tally.longest_healing_ms.max(begun.elapsed().as_millis());
    for ciphertext in &key.ciphertexts {
        for region in &regions {
            let input = json!({"KeyId": key.id, "CiphertextBlob": ciphertext.blob});
            let outcome = installation.call(region, "Decrypt", &input).await?;
            let right = |reply: &Value| {
                reply.get("Plaintext").and_then(Value::as_str) == Some(ciphertext.plaintext.as_str())
            };
            if !matches!(&outcome, Outcome::Done(reply) if right(reply)) {
                let made = ciphertext.made_in;
                return Err(Failure::Broken(format!(
                    "a ciphertext that {made} made under {} does not decrypt in {region}: {outcome:?}",
                    key.id
                )));
            }
            tally.decrypted += 1;
        }
    }
    Ok(())
}

/// What one Region says of the key.
#[derive(Debug, PartialEq, Eq)]
struct View {
    kind: String,
    primary: String,
    replicas: BTreeSet<String>,
    state: String,
    current: String,
    /// Materials with their states.
    materials: BTreeMap<String, String>,
    on_demand: usize,
}

/// The Regions that have the key, or what is not as it shall be yet.
async fn at_rest(
    installation: &mut Installation,
    key: &KeyBook,
) -> Result<Result<Vec<&'static str>, String>, Failure> {
    let mut views = BTreeMap::new();
    for name in NAMES {
        match view(installation, key, name).await? {
            Ok(Some(view)) => drop(views.insert(name, view)),
            Ok(None) => {}
            Err(trouble) => return Ok(Err(trouble)),
        }
    }
    Ok(judge(key, &views)
        .map(|()| views.keys().copied().collect())
        .map_err(|why| format!("{why}: {views:?}")))
}

fn judge(key: &KeyBook, views: &BTreeMap<&'static str, View>) -> Result<(), String> {
    let Some((_, first)) = views.first_key_value() else { return Err("nobody has it".to_owned()) };
    let primaries: Vec<_> = views.iter().filter(|(_, view)| view.kind == "PRIMARY").collect();
    let [(home, primary)] = primaries.as_slice() else { return Err("not one primary".to_owned()) };
    let have: BTreeSet<String> = views.keys().map(|name| (*name).to_owned()).collect();
    let mut listed = primary.replicas.clone();
    listed.insert((**home).to_owned());
    if have != listed || primary.primary != **home {
        return Err("the primary lists other Regions than have the key".to_owned());
    }
    if let Some(lost) = key.copies.iter().find(|name| !views.contains_key(*name)) {
        return Err(format!("the copy in {lost} was acknowledged and is not there"));
    }
    let known: BTreeSet<_> = key.copies.union(&key.maybe).copied().collect();
    if let Some(odd) = views.keys().find(|name| !known.contains(*name)) {
        return Err(format!("nobody asked for a copy in {odd}"));
    }
    for (name, view) in views {
        let same = (&view.primary, &view.replicas, &view.current, &view.materials)
            == (&first.primary, &first.replicas, &first.current, &first.materials);
        if !same || view.state != "Enabled" || view.materials.values().any(|state| state.contains("PENDING"))
        {
            return Err(format!("{name} differs, is not enabled or is still rotating"));
        }
        if !view.materials.contains_key(&view.current) {
            return Err(format!("{name} does not list its current material"));
        }
    }
    if (key.rotations..=key.rotations + key.maybe_rotations).contains(&first.on_demand) {
        Ok(())
    } else {
        Err(format!("{} rotations acknowledged, {} without an answer", key.rotations, key.maybe_rotations))
    }
}

/// What a Region says; `None` where the key is not.
async fn view(
    installation: &mut Installation,
    key: &KeyBook,
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
    let text = |path: &str| reply.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let state = text("/KeyMetadata/KeyState");
    if state.starts_with("Pending") {
        // Scheduled in this history, or by a request that got no answer.
        installation.call(name, "CancelKeyDeletion", &input).await?;
    }
    if matches!(state.as_str(), "Disabled" | "PendingDeletion" | "PendingReplicaDeletion") {
        installation.call(name, "EnableKey", &input).await?;
    }
    let list = json!({"KeyId": key.id, "IncludeKeyMaterial": "ALL_KEY_MATERIAL", "Limit": 1000});
    let rotations = match installation.call(name, "ListKeyRotations", &list).await? {
        Outcome::Done(rotations) => rotations,
        other @ (Outcome::Refused(_) | Outcome::Unknown) => {
            return Ok(Err(format!("ListKeyRotations in {name}: {other:?}")));
        }
    };
    let rotations = rotations.get("Rotations").and_then(Value::as_array).cloned().unwrap_or_default();
    let member =
        |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let configuration = "/KeyMetadata/MultiRegionConfiguration";
    let replicas = reply.pointer(&format!("{configuration}/ReplicaKeys")).and_then(Value::as_array);
    Ok(Ok(Some(View {
        kind: text(&format!("{configuration}/MultiRegionKeyType")),
        primary: text(&format!("{configuration}/PrimaryKey/Region")),
        replicas: replicas.into_iter().flatten().map(|replica| member(replica, "Region")).collect(),
        state,
        current: text("/KeyMetadata/CurrentKeyMaterialId"),
        materials: rotations
            .iter()
            .map(|entry| (member(entry, "KeyMaterialId"), member(entry, "KeyMaterialState")))
            .collect(),
        on_demand: rotations.iter().filter(|entry| member(entry, "RotationType") == "ON_DEMAND").count(),
    })))
}
