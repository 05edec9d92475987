//! No change without its record: what a crash between the store's commit and the log leaves behind.

use keyreeve_audit::Place;
use keyreeve_store::Store as _;
use serde_json::json;

use crate::rig::Rig;

impl Rig {
    fn outbox(&self) -> usize {
        self.block_on(self.store.scan("audit/outbox/", None, 1000)).unwrap().rows.len()
    }

    /// As if the records after this place had never reached the log: another log, and the store as it is.
    fn forget_audit_but_outbox(&self) -> Self {
        self.with_new_log()
    }
}

#[test]
fn a_record_waits_in_the_store_until_a_head_is_committed() {
    let rig = Rig::new();
    rig.key(json!({}));
    assert_eq!(rig.outbox(), 1);
    rig.commit_head();
    assert_eq!(rig.outbox(), 0);
    // What changes nothing leaves nothing in the store.
    rig.ok("ListKeys", json!({}));
    assert_eq!(rig.outbox(), 0);
}

#[test]
fn a_record_that_a_crash_left_in_the_outbox_gets_into_the_log_once() {
    let rig = Rig::new();
    let key = rig.key(json!({}));
    // The log lost it: the power went between the two.
    let after = rig.forget_audit_but_outbox();
    after.commit_head();
    let of_creation = |rig: &Rig| {
        let records = rig.records_after(Place(0));
        records.into_iter().filter(|record| record["eventName"] == "CreateKey").collect::<Vec<_>>()
    };
    let records = of_creation(&after);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["resources"][0]["ARN"], key.as_str());
    assert_eq!(after.outbox(), 0);
    after.commit_head();
    assert_eq!(of_creation(&after).len(), 1);
    // The log has it already: the power went before the head was committed.
    let again = rig.restarted();
    again.commit_head();
    assert_eq!(of_creation(&again).len(), 1);
}

#[test]
fn further_changes_of_one_request_have_their_rows_in_the_log_too() {
    let rig = Rig::new();
    let before = rig.log_end();
    // An AWS managed key is made on first use, by a request that reads.
    rig.ok("DescribeKey", json!({"KeyId": "alias/aws/s3"}));
    let entries = rig.entries_after(before);
    let rows: usize = entries.iter().map(|entry| entry.rows.len()).sum();
    assert_eq!((entries.len(), rows), (1, 6));
}
