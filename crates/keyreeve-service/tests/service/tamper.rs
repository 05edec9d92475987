//! Rows that were changed in the store: the key that they belong to answers an internal error without details, and
//! every other key goes on working.

use keyreeve_store::{Commit, CommitId, Path, Store};
use serde_json::{Value, json};

use crate::kit::Kit;
use crate::rig::{Rig, b64, id_of, root};

/// Every row of the store.
fn rows(rig: &Rig) -> Vec<(Path, Vec<u8>)> {
    let page = rig.block_on(rig.store.scan("", None, 1000)).unwrap();
    assert!(!page.more);
    page.rows.into_iter().map(|(path, row)| (path, row.value.to_vec())).collect()
}

/// A store with the same rows, but one; opened by a process that has just started.
fn with_row(rig: &Rig, path: &Path, value: &[u8], number: u64) -> Rig {
    let changed = rig.restarted();
    let mut id = [0xee; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    let commit = Commit::new(CommitId::new(id)).put(path.clone(), value.to_vec());
    changed.block_on(changed.store.commit(commit)).unwrap();
    changed
}

/// Requests that need every kind of row of the first key, and of the second.
fn requests(kit: &Kit, key: &str, alias: &str, ciphertext: &Value) -> Vec<(&'static str, Value)> {
    vec![
        // First: after a use it is answered from memory.
        ("GetKeyLastUsage", json!({"KeyId": key})),
        ("DescribeKey", json!({"KeyId": key})),
        ("DescribeKey", json!({"KeyId": alias})),
        ("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")})),
        ("Decrypt", json!({"CiphertextBlob": ciphertext})),
        ("ListAliases", json!({"KeyId": key})),
        ("ReEncrypt", json!({"CiphertextBlob": ciphertext, "DestinationKeyId": key})),
        ("ListGrants", json!({"KeyId": key, "GrantId": kit.grants[0]})),
        ("ListGrants", json!({"KeyId": key, "GrantId": kit.grants[1]})),
        ("Sign", if key == kit.symmetric { kit.body("Sign") } else { json!(null) }),
        ("GenerateMac", if key == kit.symmetric { kit.body("GenerateMac") } else { json!(null) }),
        ("Encapsulate", if key == kit.symmetric { kit.body("Encapsulate") } else { json!(null) }),
    ]
    .into_iter()
    .filter(|(_, body)| !body.is_null())
    .collect()
}

/// Damages of one row: flipped, cut, emptied, and replaced by each row of the same kind.
fn damages(value: &[u8], twins: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for index in [0, 1, value.len() / 2, value.len() - 1] {
        let mut flipped = value.to_vec();
        flipped[index] ^= 1;
        found.push(flipped);
        found.push(value[..index].to_vec());
    }
    found.push([value, &[0]].concat());
    found.extend(twins.iter().filter(|twin| *twin != value).cloned());
    found
}

#[test]
fn a_changed_row_stops_its_own_key_and_no_other() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    rig.ok("CreateAlias", json!({"AliasName": "alias/first", "TargetKeyId": kit.symmetric}));
    let ciphertext =
        |key: &str| rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}))["CiphertextBlob"].clone();
    let (first, second) = (ciphertext(&kit.symmetric), ciphertext(&kit.other));
    rig.block_on(rig.service.flush_usage());
    let own = requests(&kit, &kit.symmetric, "alias/first", &first);
    let others = requests(&kit, &kit.other, "alias/kit", &second);
    let rows = rows(&rig);
    let (mut number, mut missed) = (0, Vec::new());
    for (path, value) in &rows {
        if path.as_str().contains(id_of(&kit.other)) || path.as_str().ends_with("alias/kit") {
            continue;
        }
        let kind = |path: &Path| path.as_str().split('/').nth(3).map(str::to_owned);
        let twins = rows.iter().filter(|(twin, _)| kind(twin) == kind(path)).map(|(_, value)| value.clone());
        let twins: Vec<_> = twins.collect();
        for damaged in damages(value, &twins) {
            number += 1;
            let changed = with_row(&rig, path, &damaged, number);
            if faults(&changed, path, &own) == 0 && is_needed(&kit, path) {
                missed.push(path.clone());
            }
            for (operation, body) in &others {
                changed.ok(operation, body.clone());
            }
            changed.ok("ListKeys", json!({}));
            changed.ok("ListAliases", json!({}));
            // Written behind, so that the next process learns nothing of last uses from the log.
            number += 1;
            let mended = with_row(&rig, path, value, number);
            mended.block_on(mended.service.flush_usage());
        }
    }
    assert!(number > 150, "{number}");
    assert_eq!(missed, Vec::<Path>::new());
}

/// How many of the requests are refused; each with an internal error that tells nothing.
fn faults(rig: &Rig, path: &Path, requests: &[(&'static str, Value)]) -> usize {
    let errors = requests.iter().filter_map(|(operation, body)| rig.try_as(&root(), operation, body).err());
    let checked = errors.map(|error| {
        let text = error.message.unwrap_or_default();
        assert_eq!(
            (error.code, text.as_str()),
            ("KMSInternalException", "An internal error occurred."),
            "{path}"
        );
    });
    checked.count()
}

/// Whether the requests need this row: those about the first key need all of its rows but the copies of grants, which are
/// as good as absent when they were changed; those about key pairs the key
/// and its material; the agreement key is asked for nothing.
fn is_needed(kit: &Kit, path: &Path) -> bool {
    let path = path.as_str();
    let used = [&kit.signer, &kit.hmac, &kit.kem].iter().any(|key| path.contains(id_of(key)));
    let rows = path.contains("/key/") || path.contains("/material/");
    let copy = path.contains("/grantee/");
    (path.contains(id_of(&kit.symmetric)) && !copy) || path.ends_with("alias/first") || (used && rows)
}

#[test]
fn changes_on_a_damaged_key_are_refused_and_write_nothing() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    let (path, value) = rows(&rig).into_iter().find(|(path, _)| path.as_str().contains("/key/")).unwrap();
    let mut damaged = value;
    damaged[20] ^= 1;
    let changed = with_row(&rig, &path, &damaged, 1);
    for (operation, body) in [
        ("DisableKey", json!({"KeyId": key})),
        ("TagResource", json!({"KeyId": key, "Tags": []})),
        ("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key})),
        ("ScheduleKeyDeletion", json!({"KeyId": key})),
    ] {
        changed.refuses(operation, body, "KMSInternalException", "An internal error occurred.");
    }
    assert!(rows(&changed).iter().any(|(at, value)| *at == path && *value == damaged));
    let kept = rows(&changed).into_iter().filter(|(path, _)| !path.as_str().starts_with("audit/"));
    assert_eq!(kept.count(), 3);
}

#[test]
fn missing_material_is_an_internal_error() {
    let rig = Rig::new();
    let (key, other) = (rig.key(json!({})), rig.key(json!({})));
    let (path, _) = rows(&rig)
        .into_iter()
        .find(|(path, _)| path.as_str().contains(&format!("material/{}", id_of(&key))))
        .unwrap();
    let commit = Commit::new(CommitId::new([9; 16])).delete(path);
    rig.block_on(rig.store.commit(commit)).unwrap();
    let started = rig.restarted();
    let body = json!({"KeyId": key, "Plaintext": b64("x")});
    started.refuses("Encrypt", body, "KMSInternalException", "An internal error occurred.");
    started.ok("Encrypt", json!({"KeyId": other, "Plaintext": b64("x")}));
}
