//! The scrub against a store that somebody changes behind Keyreeve's back.

use keyreeve_model::region::Region;
use keyreeve_service::Disagreement;
use keyreeve_store::{Commit, CommitId, Path, Store as _};
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, REGION, Rig, root_of};

/// A rig whose log and store are in step.
fn settled() -> Rig {
    let rig = Rig::new();
    rig.user_of(ACCOUNT, "Alice");
    rig.key(json!({"Description": "first"}));
    rig.commit_head();
    rig
}

impl Rig {
    pub(crate) fn commit_head(&self) {
        self.block_on(self.service.commit_head(&home())).unwrap();
    }

    fn disagreements(&self) -> Vec<(String, Disagreement)> {
        let findings = self.block_on(self.service.scrub(&home())).unwrap();
        findings.into_iter().map(|finding| (finding.path, finding.disagreement)).collect()
    }

    /// A row of this kind, as it is stored.
    fn row_like(&self, part: &str) -> (Path, bytes::Bytes) {
        let page = self.block_on(self.store.scan("", None, 1000)).unwrap();
        let found = page.rows.into_iter().find(|(path, _)| path.as_str().contains(part));
        let (path, row) = found.unwrap_or_else(|| panic!("no row {part}"));
        (path, row.value)
    }

    /// Writes to the store as somebody does who has its file.
    fn behind_the_back(&self, path: &Path, value: Option<bytes::Bytes>) {
        let commit = Commit::new(CommitId::new(rand_id()));
        let commit = match value {
            Some(value) => commit.put(path.clone(), value),
            None => commit.delete(path.clone()),
        };
        self.block_on(self.store.commit(commit)).unwrap();
    }
}

fn rand_id() -> [u8; 16] {
    *uuid::Uuid::new_v4().as_bytes()
}

pub(crate) fn home() -> Region {
    Region::parse(REGION).unwrap()
}

fn alarms(records: &[Value]) -> Vec<&Value> {
    records.iter().filter(|record| record["eventName"] == "AuditIntegrityAlarm").collect()
}

#[test]
fn a_store_that_nobody_touched_agrees_with_the_log() {
    let rig = settled();
    assert_eq!(rig.disagreements(), []);
    // Also while records wait in the outbox.
    rig.key(json!({}));
    assert_eq!(rig.disagreements(), []);
}

#[test]
fn a_row_that_was_removed_put_back_or_brought_back_is_named_and_its_key_is_quarantined() {
    type Tamper = fn(&Rig, &str) -> (Path, Disagreement);
    let cases: [(&str, Tamper); 4] = [
        ("a key's row is removed", |rig, id| {
            let (path, _) = rig.row_like(&format!("/key/{id}"));
            rig.behind_the_back(&path, None);
            (path, Disagreement::Missing)
        }),
        ("an older policy of a key is put back", |rig, id| {
            let (path, before) = rig.row_like(&format!("/key/{id}"));
            rig.ok("UpdateKeyDescription", json!({"KeyId": id, "Description": "second"}));
            rig.commit_head();
            rig.behind_the_back(&path, Some(before));
            (path, Disagreement::Replaced)
        }),
        ("a revoked grant is brought back", |rig, id| {
            let grantee = format!("arn:aws:iam::{ACCOUNT}:user/Alice");
            let made = rig.ok(
                "CreateGrant",
                json!({"KeyId": id, "GranteePrincipal": grantee, "Operations": ["Decrypt"]}),
            );
            let (path, grant) = rig.row_like("/grantee/");
            rig.ok("RevokeGrant", json!({"KeyId": id, "GrantId": made["GrantId"]}));
            rig.commit_head();
            rig.behind_the_back(&path, Some(grant));
            (path, Disagreement::Resurrected)
        }),
        ("a row is copied to where none was", |rig, id| {
            let (path, value) = rig.row_like(&format!("/key/{id}"));
            let path = Path::parse(&path.as_str().replace("/key/", "/grant/")).unwrap();
            rig.behind_the_back(&path, Some(value));
            (path, Disagreement::Unknown)
        }),
    ];
    for (name, tamper) in cases {
        let rig = settled();
        let (path, _) = rig.row_like("/key/");
        let id = path.as_str().rsplit('/').next().unwrap().to_owned();
        let (path, expected) = tamper(&rig, &id);
        let (found, records) = rig.recorded(|| rig.disagreements());
        assert_eq!(found, [(path.as_str().to_owned(), expected)], "{name}");
        let alarms = alarms(&records);
        assert_eq!(alarms.len(), 1, "{name}");
        assert_eq!(alarms[0]["serviceEventDetails"]["path"], path.as_str(), "{name}");
        let error = rig.try_as(&root_of(ACCOUNT, REGION), "DescribeKey", &json!({"KeyId": id})).unwrap_err();
        let gone = expected == Disagreement::Missing;
        assert_eq!(error.code, if gone { "NotFoundException" } else { "KMSInternalException" }, "{name}");
        let restarted = rig.restarted();
        assert!(restarted.try_as(&root_of(ACCOUNT, REGION), "DescribeKey", &json!({"KeyId": id})).is_err());
    }
}

#[test]
fn a_key_is_released_once_its_rows_agree_again() {
    let rig = settled();
    let (path, value) = rig.row_like("/key/");
    let id = path.as_str().rsplit('/').next().unwrap().to_owned();
    let mut altered = value.to_vec();
    altered[30] ^= 1;
    rig.behind_the_back(&path, Some(altered.into()));
    assert_eq!(rig.disagreements().len(), 1);
    rig.behind_the_back(&path, Some(value));
    assert_eq!(rig.disagreements(), []);
    rig.ok("DescribeKey", json!({"KeyId": id}));
}

#[test]
fn rows_of_iam_are_compared_too() {
    let rig = settled();
    rig.user_policy(
        ACCOUNT,
        "Alice",
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#,
    );
    rig.commit_head();
    let (path, before) = rig.row_like("/user/alice");
    rig.user_policy(
        ACCOUNT,
        "Alice",
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#,
    );
    rig.commit_head();
    rig.behind_the_back(&path, Some(before));
    assert_eq!(rig.disagreements(), [(path.as_str().to_owned(), Disagreement::Replaced)]);
}

#[test]
fn a_store_that_was_filled_before_there_was_a_log_is_written_down_once() {
    let rig = settled();
    // The log of another deployment: this store's rows are not in it.
    let other = rig.with_new_log();
    assert_eq!(other.entries_after(keyreeve_audit::Place(0)).len(), 0);
    other.forget_audit();
    other.commit_head();
    assert_eq!(other.disagreements(), []);
    let entries = other.entries_after(keyreeve_audit::Place(0)).len();
    other.commit_head();
    assert_eq!(other.entries_after(keyreeve_audit::Place(0)).len(), entries);
}

#[test]
fn a_log_that_does_not_reach_the_committed_head_is_an_alarm() {
    let rig = settled();
    let other = rig.with_new_log();
    other.commit_head();
    let records = other.records_after(keyreeve_audit::Place(0));
    let alarms = alarms(&records);
    assert_eq!(alarms.len(), 1, "{records:#?}");
    let text = alarms[0]["serviceEventDetails"]["message"].as_str().unwrap();
    assert!(text.contains("the store knows of frame"), "{text}");
    // The rows are written down anew: a deployment that was restored from a backup has no log, and its keys are used.
    assert_eq!(other.disagreements(), []);
}
