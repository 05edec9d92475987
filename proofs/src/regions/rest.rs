//! What must hold once everything is healed and has come to rest: one primary, where an acknowledged promotion put it; equal
//! replicas; every acknowledged ciphertext, rotation, replica and deletion.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::installation::{Installation, Outcome};
use super::ledger::{Ciphertext, KeyBook};
use super::tally::{Done, Tally};
use super::view::{View, views};
use crate::failure::Failure;

/// How long the Regions may take from healing to rest: connections are made anew, and jobs wait before they try again.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);
/// How a Region says that it does not have the material of a ciphertext, and never will.
const OTHER_MATERIAL: &str = "InvalidCiphertextException";

/// Waits until a key is at rest, and checks all that was acknowledged of it.
pub(super) async fn check(
    installation: &mut Installation,
    key: &mut KeyBook,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let views = loop {
        let trouble = match views(installation, key).await? {
            Ok(views) => match judge(key, &views) {
                Ok(()) => break views,
                Err(why) => format!("{why}: {views:?}"),
            },
            Err(trouble) => trouble,
        };
        if begun.elapsed() > PATIENCE {
            return Err(Failure::Broken(format!(
                "{} is not at rest {PATIENCE:?} after healing: {trouble}\n{key:?}",
                key.id
            )));
        }
        tokio::time::sleep(POLL).await;
    };
    tally.longest_healing_ms = tally.longest_healing_ms.max(begun.elapsed().as_millis());
    decrypt_all(installation, key, &views, tally).await?;
    settle(key, &views, tally);
    Ok(())
}

/// What is so is booked as certain, so that a later look holds it to that.
fn settle(key: &mut KeyBook, views: &BTreeMap<&'static str, View>, tally: &mut Tally) {
    let known: BTreeSet<_> = key.copies.union(&key.maybe).copied().collect();
    let gone = known.iter().filter(|name| !views.contains_key(*name) && key.may_have_died(name)).count();
    (0..gone).for_each(|_| tally.add_if(Done::DeletedReplicas, !views.is_empty()));
    tally.add_if(Done::DeletedKeys, views.is_empty() && gone > 0);
    key.maybe.clear();
    key.doomed.clear();
    key.copies = views.keys().copied().collect();
    if let Some((home, _)) = views.iter().find(|(_, view)| view.is_primary()) {
        key.primary.settled(home);
    }
    let lives = |ciphertext: &Ciphertext| {
        views
            .values()
            .any(|view| ciphertext.material.as_ref().is_none_or(|id| view.materials.contains_key(id)))
    };
    key.ciphertexts.retain(lives);
}

async fn decrypt_all(
    installation: &mut Installation,
    key: &KeyBook,
    views: &BTreeMap<&'static str, View>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    for ciphertext in &key.ciphertexts {
        for (region, view) in views {
            let input = json!({"KeyId": key.id, "CiphertextBlob": ciphertext.blob});
            let outcome = installation.call(region, "Decrypt", &input).await?;
            let right = |reply: &Value| {
                reply.get("Plaintext").and_then(Value::as_str) == Some(ciphertext.plaintext.as_str())
            };
            match &outcome {
                Outcome::Done(reply) if right(reply) => tally.add(Done::Decrypted),
                // Imported material that this Region was never told of does not cross by itself.
                Outcome::Refused(error)
                    if error == OTHER_MATERIAL
                        && ciphertext
                            .material
                            .as_ref()
                            .is_some_and(|id| !view.materials.contains_key(id)) => {}
                Outcome::Done(_) | Outcome::Refused(_) | Outcome::Unknown => {
                    return Err(Failure::Broken(format!(
                        "a ciphertext that {} made under {} does not decrypt in {region}: {outcome:?}; {ciphertext:?} {view:?}",
                        ciphertext.made_in, key.id
                    )));
                }
            }
        }
        // The Region that made it keeps what it can do, as long as it has the key.
        let made_in = views.get(ciphertext.made_in).filter(|_| !key.doomed.contains_key(ciphertext.made_in));
        if let (Some(view), Some(id)) = (made_in, &ciphertext.material)
            && !view.materials.contains_key(id)
        {
            let place = ciphertext.made_in;
            return Err(Failure::Broken(format!("{place} has forgotten material {id}: {view:?}")));
        }
    }
    Ok(())
}

fn judge(key: &KeyBook, views: &BTreeMap<&'static str, View>) -> Result<(), String> {
    if let Some(alive) = views.keys().find(|name| key.must_be_gone(name)) {
        return Err(format!("the waiting period of the copy in {alive} has passed, and it is there"));
    }
    let Some((_, first)) = views.first_key_value() else {
        return if key.may_be_gone() { Ok(()) } else { Err("nobody has it".to_owned()) };
    };
    let primaries: Vec<_> = views.iter().filter(|(_, view)| view.is_primary()).collect();
    let [(home, primary)] = primaries.as_slice() else { return Err("not one primary".to_owned()) };
    if !key.primary.may_be(home) {
        return Err(format!("the primary is in {home}, where no acknowledged promotion put it"));
    }
    members(key, views, home, primary)?;
    for (name, view) in views {
        if !view.agrees(first, key.imported.is_some()) || view.state != "Enabled" || view.is_rotating() {
            return Err(format!("{name} differs, is not enabled or is still rotating"));
        }
        if !view.materials.contains_key(&view.current) {
            return Err(format!("{name} does not list its current material"));
        }
    }
    rotations(key, first.on_demand)
}

fn members(
    key: &KeyBook,
    views: &BTreeMap<&'static str, View>,
    home: &str,
    primary: &View,
) -> Result<(), String> {
    let have: BTreeSet<String> = views.keys().map(|name| (*name).to_owned()).collect();
    let mut listed = primary.replicas.clone();
    listed.insert(home.to_owned());
    if have != listed || primary.primary != home {
        return Err("the primary lists other Regions than have the key".to_owned());
    }
    let mut known = key.copies.union(&key.maybe);
    if let Some(lost) = known.clone().find(|name| key.must_be_there(name) && !views.contains_key(*name)) {
        return Err(format!("the copy in {lost} was acknowledged and is not there"));
    }
    match views.keys().find(|name| !known.any(|known| known == *name)) {
        Some(odd) if !key.copies.contains(odd) && !key.maybe.contains(odd) => {
            Err(format!("nobody asked for a copy in {odd}"))
        }
        Some(_) | None => Ok(()),
    }
}

/// A primary that was replaced by force may have acknowledged rotations that nobody else heard of: their materials are kept,
/// and not made current.
fn rotations(key: &KeyBook, seen: usize) -> Result<(), String> {
    let least = if key.ever_forced { 0 } else { key.rotations };
    if (least..=key.rotations + key.maybe_rotations).contains(&seen) {
        Ok(())
    } else {
        Err(format!(
            "{seen} rotations on demand, but {} acknowledged and {} without an answer",
            key.rotations, key.maybe_rotations
        ))
    }
}
