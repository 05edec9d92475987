//! Access keys: made, listed, switched off, deleted, and when they signed last.

use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_policy::principal::Principal;
use keyreeve_service::caller::Caller;
use keyreeve_service::catalogue::{Api, find};
use keyreeve_store::{Commit, CommitId, Store as _};
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, REGION, Rig, root, root_of, stranger, text};

fn ids(answer: &Value) -> Vec<&str> {
    let keys = answer["AccessKeyMetadata"].as_array().unwrap();
    keys.iter().map(|key| key["AccessKeyId"].as_str().unwrap()).collect()
}

/// Whether a signature by this key would be checked against this secret.
fn signs(rig: &Rig, id: &str, secret: &str) -> bool {
    let credential = rig.block_on(rig.service.identity().credential(id)).unwrap();
    credential.is_some_and(|known| known.active && known.secret.expose_secret() == secret.as_bytes())
}

#[test]
fn a_key_signs_from_its_making_to_its_end_and_shows_its_secret_once() {
    let rig = Rig::new();
    rig.iam("CreateUser", json!({"UserName": "Alice"}));
    let made = rig.iam("CreateAccessKey", json!({"UserName": "alice"}));
    let (id, secret) = (text(&made, "/AccessKey/AccessKeyId"), text(&made, "/AccessKey/SecretAccessKey"));
    assert!(id.starts_with("AKIA") && id.len() == 20, "{id}");
    assert_eq!(secret.len(), 40);
    assert_eq!(text(&made, "/AccessKey/UserName"), "Alice");
    assert!(signs(&rig, &id, &secret));

    let listed = rig.iam("ListAccessKeys", json!({"UserName": "Alice"}));
    let expected = json!([{
        "UserName": "Alice", "AccessKeyId": id, "Status": "Active", "CreateDate": "2026-01-01T00:00:00Z",
    }]);
    assert_eq!(listed["AccessKeyMetadata"], expected);

    let mut update = json!({"UserName": "Alice", "AccessKeyId": id, "Status": "Inactive"});
    rig.iam("UpdateAccessKey", update.clone());
    assert!(!signs(&rig, &id, &secret));
    update["Status"] = json!("Active");
    rig.iam("UpdateAccessKey", update.clone());
    assert!(signs(&rig, &id, &secret));
    update["Status"] = json!("Expired");
    let refusal = "The status of an access key cannot be set to Expired.";
    rig.iam_refuses("UpdateAccessKey", update, "InvalidInput", refusal);

    let conflict = "Cannot delete entity, must delete access keys first.";
    rig.iam_refuses("DeleteUser", json!({"UserName": "Alice"}), "DeleteConflict", conflict);
    rig.iam("DeleteAccessKey", json!({"UserName": "Alice", "AccessKeyId": id}));
    assert!(!signs(&rig, &id, &secret));
    assert!(!signs(&rig.restarted(), &id, &secret));
    rig.iam("DeleteUser", json!({"UserName": "Alice"}));
}

#[test]
fn two_keys_are_the_most() {
    let rig = Rig::new();
    rig.iam("CreateUser", json!({"UserName": "alice"}));
    for body in [json!({"UserName": "alice"}), json!({})] {
        rig.iam("CreateAccessKey", body.clone());
        rig.iam("CreateAccessKey", body.clone());
        let text = "Cannot exceed quota for AccessKeysPerUser: 2";
        rig.iam_refuses("CreateAccessKey", body, "LimitExceeded", text);
    }
}

#[test]
fn a_key_is_changed_only_as_its_owners() {
    let rig = Rig::new();
    for user in ["alice", "bob"] {
        rig.iam("CreateUser", json!({"UserName": user}));
    }
    let made = rig.iam("CreateAccessKey", json!({"UserName": "alice"}));
    let id = text(&made, "/AccessKey/AccessKeyId");
    let text = format!("The Access Key with id {id} cannot be found.");
    for owner in [json!({"UserName": "bob"}), json!({})] {
        let mut body = owner.clone();
        body["AccessKeyId"] = json!(id);
        rig.iam_refuses("DeleteAccessKey", body.clone(), "NoSuchEntity", &text);
        body["Status"] = json!("Inactive");
        rig.iam_refuses("UpdateAccessKey", body, "NoSuchEntity", &text);
    }
    let error = rig.try_iam_as(&stranger(), "GetAccessKeyLastUsed", &json!({"AccessKeyId": id})).unwrap_err();
    assert_eq!((error.code, error.message.as_deref()), ("NoSuchEntity", Some(text.as_str())));
}

#[test]
fn roots_keys_are_its_own_and_those_of_before_the_list_are_found() {
    let rig = Rig::new();
    let mut operator = root();
    operator.principal = Principal::Operator(0);
    let create = find(Api::Operator, "CreateAccount").unwrap();
    let answer = rig.block_on(rig.service.call(&operator, create, br#"{"AccountName":"x"}"#)).unwrap();
    let made: Value = serde_json::from_slice(&answer).unwrap();
    let (account, first) = (made["AccountId"].as_str().unwrap(), made["AccessKeyId"].as_str().unwrap());
    let owner = root_of(account, REGION);

    // A deployment of before there was a list: the row is not there.
    let place =
        keyreeve_service::records::path::root_access_keys(AccountId::parse(account).unwrap()).unwrap();
    rig.block_on(async {
        let found = rig.store.get(std::slice::from_ref(&place)).await.unwrap();
        assert!(found.rows[0].is_some(), "new accounts have the list");
        rig.store.commit(Commit::new(CommitId::new([7; 16])).delete(place)).await.unwrap();
    });
    let listed = rig.try_iam_as(&owner, "ListAccessKeys", &json!({})).unwrap();
    assert_eq!(ids(&listed), [first]);
    assert_eq!(listed["AccessKeyMetadata"][0]["UserName"], "root");

    let second = rig.try_iam_as(&owner, "CreateAccessKey", &json!({})).unwrap();
    let second = text(&second, "/AccessKey/AccessKeyId");
    let listed = rig.try_iam_as(&owner, "ListAccessKeys", &json!({})).unwrap();
    let mut expected = [first, second.as_str()];
    expected.sort_unstable_by_key(|id| id.to_ascii_lowercase());
    assert_eq!(ids(&listed), expected);
    rig.try_iam_as(&owner, "DeleteAccessKey", &json!({"AccessKeyId": first})).unwrap();
    let listed = rig.try_iam_as(&owner, "ListAccessKeys", &json!({})).unwrap();
    assert_eq!(ids(&listed), [second.as_str()]);
    // Nothing of it is the other account's.
    assert_eq!(ids(&rig.iam("ListAccessKeys", json!({}))), Vec::<&str>::new());
}

#[test]
fn a_caller_that_is_no_user_must_name_one() {
    let rig = Rig::new();
    let session = keyreeve_policy::principal::RoleSession {
        account: AccountId::parse(ACCOUNT).unwrap(),
        arn: "arn:aws:sts::111122223333:assumed-role/r/s".into(),
        role_arn: "arn:aws:iam::111122223333:role/r".into(),
        role_name: "r".into(),
        role_id: "AROAAAAAAAAAAAAAAAAA".into(),
        name: "s".into(),
    };
    let caller = Caller { principal: Principal::Session(session.into()), ..root() };
    for operation in ["CreateAccessKey", "ListAccessKeys", "GetUser", "ListMFADevices"] {
        let error = rig.try_iam_as(&caller, operation, &json!({})).unwrap_err();
        let text = "Must specify userName when calling with non-User credentials";
        assert_eq!((error.code, error.message.as_deref()), ("ValidationError", Some(text)), "{operation}");
    }
}

#[test]
fn the_last_use_is_told_before_and_after_it_is_written() {
    let rig = Rig::new();
    rig.iam("CreateUser", json!({"UserName": "alice"}));
    let made = rig.iam("CreateAccessKey", json!({"UserName": "alice"}));
    let id = text(&made, "/AccessKey/AccessKeyId");
    let ask = |rig: &Rig| rig.iam("GetAccessKeyLastUsed", json!({"AccessKeyId": id}));
    let never = json!({"UserName": "alice", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}});
    assert_eq!(ask(&rig), never);

    let used = |rig: &Rig, when: Timestamp| rig.service.identity().note_key_use(&id, "kms", REGION, when);
    used(&rig, rig.service.clock().now());
    let last = json!({
        "LastUsedDate": "2026-01-01T00:00:00Z", "ServiceName": "kms", "Region": REGION,
    });
    assert_eq!(ask(&rig)["AccessKeyLastUsed"], last);
    assert_eq!(ask(&rig.restarted()), never, "it was not written yet");
    rig.block_on(rig.service.flush_usage());
    assert_eq!(ask(&rig.restarted())["AccessKeyLastUsed"], last);
    // An older use that is written later changes nothing.
    let other = rig.restarted();
    used(&other, Timestamp::from_millis(0));
    other.block_on(other.service.flush_usage());
    assert_eq!(ask(&rig.restarted())["AccessKeyLastUsed"], last);

    // A deleted key leaves no trace, even when its last use is written after it.
    rig.iam("DeleteAccessKey", json!({"UserName": "alice", "AccessKeyId": id}));
    used(&rig, rig.service.clock().now());
    rig.block_on(rig.service.flush_usage());
    let place = keyreeve_service::records::path::access_key_usage(&id).unwrap();
    assert!(rig.block_on(rig.service.records().read::<Value>(&place)).unwrap().is_none());
    let text = format!("The Access Key with id {id} cannot be found.");
    rig.iam_refuses("GetAccessKeyLastUsed", json!({"AccessKeyId": id}), "NoSuchEntity", &text);
}
