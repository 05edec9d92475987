//! Deletion: after its date a key is gone for everyone, and its aliases are free.

use keyreeve_store::{Commit, CommitId, Path, Store};
use serde_json::{Value, json};

use crate::kit::{Kit, key_member, kms_rows};
use crate::meddling::Meddling;
use crate::rig::{ACCOUNT, REGION, Rig, START_SECONDS, b64, id_of, text};

const DAY: i64 = 86_400;

#[test]
fn the_waiting_period_is_seven_to_thirty_days() {
    let rig = Rig::new();
    for (days, expected) in [(json!(7), 7), (json!(29), 29), (json!(30), 30), (Value::Null, 30)] {
        let key = rig.key(json!({}));
        let answer = rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": days}));
        let date = START_SECONDS + expected * DAY;
        let wanted = json!({"KeyId": key, "DeletionDate": date, "KeyState": "PendingDeletion", "PendingWindowInDays": expected});
        assert_eq!(answer, wanted);
        assert_eq!(rig.ok("DescribeKey", json!({"KeyId": key}))["KeyMetadata"]["DeletionDate"], json!(date));
    }
    for days in [1, 6, 31, 365] {
        let body = json!({"KeyId": rig.key(json!({})), "PendingWindowInDays": days});
        let text = "PendingWindowInDays must be between 7 and 30 days.";
        rig.refuses("ScheduleKeyDeletion", body, "ValidationException", text);
    }
}

fn expired(rig: &Rig, kit: &Kit) {
    for key in kit.keys() {
        rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    }
    rig.pass_days(7);
}

#[test]
fn until_its_date_it_can_be_saved_and_from_then_on_it_is_gone_for_every_operation() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": kit.symmetric, "PendingWindowInDays": 7}));
    rig.pass_days(7);
    rig.pass_millis(-1);
    rig.ok("CancelKeyDeletion", json!({"KeyId": kit.symmetric}));
    rig.ok("EnableKey", json!({"KeyId": kit.symmetric}));
    expired(&rig, &kit);
    for rig in [&rig, &rig.restarted()] {
        for row in kms_rows().filter(|row| kit.body(row.name).get(key_member(row)).is_some()) {
            if row.name == "ReEncrypt" {
                continue;
            }
            let key = kit.body(row.name)[key_member(row)].as_str().unwrap().to_owned();
            let text = format!("Key '{key}' does not exist");
            rig.refuses(row.name, kit.body(row.name), "NotFoundException", &text);
        }
        rig.refuses(
            "ListAliases",
            json!({"KeyId": kit.other}),
            "NotFoundException",
            &format!("Key '{}' does not exist", kit.other),
        );
        assert_eq!(rig.ok("ListKeys", json!({}))["Keys"], json!([]));
    }
}

#[test]
fn its_alias_is_gone_with_it_and_free_for_another_key() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    expired(&rig, &kit);
    let next = rig.key(json!({}));
    let text = format!("Alias arn:aws:kms:{REGION}:{ACCOUNT}:alias/kit is not found.");
    rig.refuses("DescribeKey", json!({"KeyId": "alias/kit"}), "NotFoundException", &text);
    rig.refuses(
        "UpdateAlias",
        json!({"AliasName": "alias/kit", "TargetKeyId": next}),
        "NotFoundException",
        &text,
    );
    rig.refuses("DeleteAlias", json!({"AliasName": "alias/kit"}), "NotFoundException", &text);
    let names = || {
        let answer = rig.ok("ListAliases", json!({"Limit": 100}));
        let aliases = answer["Aliases"].as_array().unwrap().clone();
        aliases
            .into_iter()
            .filter(|alias| !alias["AliasName"].as_str().unwrap().starts_with("alias/aws/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), Vec::<Value>::new());
    rig.ok("CreateAlias", json!({"AliasName": "alias/kit", "TargetKeyId": next}));
    assert_eq!(names()[0]["TargetKeyId"], json!(id_of(&next)));
    assert_eq!(rig.ok("ListAliases", json!({"KeyId": next}))["Aliases"].as_array().unwrap().len(), 1);
    assert_eq!(rig.ok("DescribeKey", json!({"KeyId": "alias/kit"}))["KeyMetadata"]["Arn"], json!(next));
}

#[test]
fn gone_keys_and_aliases_leave_no_gap_in_pages() {
    let rig = Rig::new();
    for number in 0..12 {
        let key = rig.key(json!({}));
        rig.ok("CreateAlias", json!({"AliasName": format!("alias/{number:02}"), "TargetKeyId": key}));
        if number % 3 != 0 {
            rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
        }
    }
    rig.pass_days(8);
    let mut marker = Value::Null;
    let mut keys = 0;
    loop {
        let answer = rig.ok("ListKeys", json!({"Limit": 2, "Marker": marker}));
        keys += answer["Keys"].as_array().unwrap().len();
        marker = answer["NextMarker"].clone();
        if marker.is_null() {
            break;
        }
    }
    assert_eq!(keys, 4);
    let answer = rig.ok("ListAliases", json!({"Limit": 4}));
    let names: Vec<_> =
        answer["Aliases"].as_array().unwrap().iter().map(|alias| text(alias, "/AliasName")).collect();
    assert_eq!(names, ["alias/00", "alias/03", "alias/06", "alias/09"]);
}

/// Paths of the store that name the key.
fn paths_of(rig: &Rig, key: &str) -> Vec<String> {
    let page = rig.block_on(rig.store.scan("", None, 1000)).unwrap();
    let paths = page.rows.into_iter().map(|(path, _)| path.as_str().to_owned());
    paths.filter(|path| path.contains(id_of(key))).collect()
}

#[test]
fn the_rows_of_a_gone_key_are_removed_and_those_of_others_stay() {
    let rig = Rig::new();
    let (gone, saved, later) = (rig.key(json!({})), rig.key(json!({})), rig.key(json!({})));
    for key in [&gone, &saved, &later] {
        for number in 0..25 {
            let name = format!("alias/{}/{number}", id_of(key));
            rig.ok("CreateAlias", json!({"AliasName": name, "TargetKeyId": key}));
        }
        rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
        rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    }
    rig.block_on(rig.service.flush_usage());
    for key in [&saved, &later] {
        rig.ok("CancelKeyDeletion", json!({"KeyId": key}));
    }
    rig.ok("ScheduleKeyDeletion", json!({"KeyId": later, "PendingWindowInDays": 8}));
    let before = paths_of(&rig, &saved);
    rig.block_on(rig.service.tend_keys());
    assert!(paths_of(&rig, &gone).len() > 25, "not before its date");
    rig.pass_days(7);
    rig.block_on(rig.service.tend_keys());
    assert_eq!(paths_of(&rig, &gone), Vec::<String>::new());
    assert_eq!(paths_of(&rig, &saved), before);
    assert_eq!(rig.state(&later), "PendingDeletion");
    let text = format!("Key '{gone}' does not exist");
    rig.refuses("DescribeKey", json!({"KeyId": gone}), "NotFoundException", &text);
    assert_eq!(rig.ok("ListAliases", json!({"KeyId": saved}))["Aliases"].as_array().unwrap().len(), 25);
}

#[test]
fn an_alias_made_anew_survives_the_removal_of_its_old_key() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    expired(&rig, &kit);
    let next = rig.key(json!({}));
    rig.ok("CreateAlias", json!({"AliasName": "alias/kit", "TargetKeyId": next}));
    rig.block_on(rig.service.tend_keys());
    for rig in [&rig, &rig.restarted()] {
        assert_eq!(rig.ok("DescribeKey", json!({"KeyId": "alias/kit"}))["KeyMetadata"]["Arn"], json!(next));
    }
}

#[test]
fn a_damaged_key_keeps_no_other_from_being_removed() {
    let rig = Rig::new();
    let keys: Vec<_> = (0..6).map(|_| rig.key(json!({}))).collect();
    for key in &keys {
        rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
    }
    let damaged = keys.iter().min().unwrap();
    let path = paths_of(&rig, damaged).into_iter().find(|path| path.contains("/key/")).unwrap();
    let commit = Commit::new(CommitId::new([7; 16])).put(Path::parse(&path).unwrap(), vec![0; 100]);
    rig.block_on(rig.store.commit(commit)).unwrap();
    rig.pass_days(7);
    let restarted = rig.restarted();
    restarted.block_on(restarted.service.tend_keys());
    for key in keys.iter().filter(|key| *key != damaged) {
        assert_eq!(paths_of(&rig, key), Vec::<String>::new());
    }
}

#[test]
fn a_damaged_row_beside_an_expired_key_keeps_neither_it_nor_its_material() {
    let kinds = ["/key-id/", "/last-usage/", "/material-usage/", "/material-history/", "/material/", "due/"];
    for kind in kinds {
        let rig = Rig::new();
        let key = rig.key(json!({}));
        crate::rotation::rotate(&rig, &key);
        let sealed = rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
        rig.ok("Decrypt", json!({"CiphertextBlob": sealed["CiphertextBlob"]}));
        rig.block_on(rig.service.flush_usage());
        rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": 7}));
        let path = paths_of(&rig, &key).into_iter().find(|path| path.contains(kind)).expect(kind);
        let commit = Commit::new(CommitId::new([7; 16])).put(Path::parse(&path).unwrap(), vec![0; 100]);
        rig.block_on(rig.store.commit(commit)).unwrap();
        rig.pass_days(7);
        let restarted = rig.restarted();
        restarted.block_on(restarted.service.tend_keys());
        assert_eq!(paths_of(&rig, &key), Vec::<String>::new(), "{kind}");
    }
}

#[test]
fn a_store_that_cannot_forget_yet_holds_up_nothing_that_is_due() {
    let (rig, store) = Meddling::rig();
    let (gone, next) = (rig.key(json!({})), rig.key(json!({})));
    for (key, days) in [(&gone, 7), (&next, 8)] {
        rig.ok("ScheduleKeyDeletion", json!({"KeyId": key, "PendingWindowInDays": days}));
    }
    rig.block_on(async {
        let tending = async {
            rig.pass_days(7);
            rig.service.tend_keys().await;
            assert_eq!(store.walks(), 1, "what the first deletion left is being removed");
            rig.pass_days(1);
            rig.service.tend_keys().await;
        };
        tokio::select! {
            biased;
            () = rig.service.forget_deleted_material() => panic!("nobody let it"),
            () = tending => {}
        }
    });
    assert_eq!([paths_of(&rig, &gone), paths_of(&rig, &next)], [Vec::<String>::new(), Vec::new()]);
    store.let_forget();
    rig.block_on(rig.service.forget_deleted_material());
    assert_eq!(store.walks(), 2);
}

#[test]
fn ciphertexts_of_a_gone_key_do_not_open() {
    let rig = Rig::new();
    let kit = Kit::new(&rig);
    let ciphertext =
        rig.ok("Encrypt", json!({"KeyId": kit.symmetric, "Plaintext": b64("x")}))["CiphertextBlob"].clone();
    expired(&rig, &kit);
    let text = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";
    rig.refuses("Decrypt", json!({"CiphertextBlob": ciphertext}), "AccessDeniedException", text);
}
