//! Floods, and what the log has of them.

use std::net::Ipv4Addr;

use keyreeve_audit::Place;
use keyreeve_model::region::AccountId;

use super::*;

const BEGIN_MS: i64 = 1_790_000_000_000;

fn region() -> Region {
    Region::parse("eu-central-1").unwrap()
}

fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn entries(journal: &Journal) -> Vec<Entry> {
    let frames = journal.read(Place(0), usize::MAX).unwrap();
    frames.iter().filter_map(|frame| Entry::from_payload(&frame.payload)).collect()
}

/// The `n`th request of a flood whose every source and access key id is another one, as long as they get.
fn nth(n: u32) -> (IpAddr, String) {
    (IpAddr::V4(Ipv4Addr::from_bits(u32::MAX - n)), format!("{n:\"<1000}"))
}

#[test]
fn a_flood_costs_one_bounded_record_a_second_and_no_append_a_request() {
    let (strangers, journal) = (Strangers::default(), Journal::ephemeral().unwrap());
    let (seconds, per_second) = (20_u32, 5_000_u32);
    on_a_runtime(async {
        for second in 0..seconds {
            let before = journal.durable();
            let now = Timestamp::from_millis(BEGIN_MS).plus_seconds(i64::from(second));
            for n in 0..per_second {
                let (ip, id) = nth(second * per_second + n);
                let code = ["SignatureDoesNotMatch", "InvalidClientTokenId"][n as usize % 2];
                strangers.note(&Failure { source: Some(ip), access_key_id: Some(&id), code }, now);
            }
            assert_eq!(journal.durable(), before, "a failed request wrote to the log");
            strangers.report(&journal, &region()).await;
            // Nothing failed since: nothing is written.
            strangers.report(&journal, &region()).await;
        }
    });
    let entries = entries(&journal);
    assert_eq!(entries.len(), seconds as usize);
    let bytes: usize = entries.iter().map(|entry| entry.to_payload().len()).sum();
    assert!(bytes < seconds as usize * 10_000, "{bytes}");
    let record: Value = serde_json::from_slice(&entries[19].event).unwrap();
    let details = &record["serviceEventDetails"];
    assert_eq!(details["count"], per_second);
    assert_eq!(details["sources"].as_array().unwrap().len(), NAMED_MAX);
    assert_eq!(details["accessKeyIds"].as_array().unwrap().len(), NAMED_MAX);
    assert_eq!(details["others"], json!({ "sources": 4_936, "accessKeyIds": 4_936 }));
    assert_eq!(
        details["errorCodes"],
        json!([{ "code": "InvalidClientTokenId", "count": 2_500 }, { "code": "SignatureDoesNotMatch", "count": 2_500 }])
    );
    let id = details["accessKeyIds"][0]["id"].as_str().unwrap();
    assert!(id.len() == ID_CHARS_MAX && id.ends_with('?'), "{id}");
}

#[test]
fn in_each_second_the_first_unsigned_calls_are_recorded_unless_they_are_long() {
    let strangers = Strangers::default();
    for second in 0..3 {
        let now = Timestamp::from_millis(BEGIN_MS).plus_seconds(second);
        assert!(!strangers.are_recorded(RECORDED_BYTES_MAX + 1, now));
        let recorded = (0..1_000).filter(|_| strangers.are_recorded(RECORDED_BYTES_MAX, now)).count();
        assert_eq!(recorded, RECORDED_PER_SECOND_MAX as usize);
    }
}

#[test]
fn a_summary_is_a_service_event_that_names_its_span() {
    let (strangers, journal) = (Strangers::default(), Journal::ephemeral().unwrap());
    let failure = Failure { source: None, access_key_id: None, code: "MissingAuthenticationToken" };
    strangers.note(&failure, Timestamp::from_millis(BEGIN_MS));
    strangers.note(&failure, Timestamp::from_millis(BEGIN_MS + 1_000));
    on_a_runtime(strangers.report(&journal, &region()));
    let entry = entries(&journal).remove(0);
    assert_eq!((entry.account, entry.region.as_str()), (AccountId::ZERO, "eu-central-1"));
    let record: Value = serde_json::from_slice(&entry.event).unwrap();
    for (pointer, expected) in [
        ("/eventID", json!(entry.id)),
        ("/eventType", json!("AwsServiceEvent")),
        ("/eventSource", json!("admin.keyreeve")),
        ("/eventName", json!("AuthenticationFailures")),
        ("/recipientAccountId", json!("000000000000")),
        ("/eventTime", json!("2026-09-21T14:13:21Z")),
        ("/serviceEventDetails/from", json!("2026-09-21T14:13:20Z")),
        ("/serviceEventDetails/to", json!("2026-09-21T14:13:21Z")),
        ("/serviceEventDetails/sources", json!([{ "ip": "unknown", "count": 2 }])),
        ("/serviceEventDetails/accessKeyIds", json!([])),
    ] {
        assert_eq!(record.pointer(pointer), Some(&expected), "{pointer}");
    }
}

#[test]
fn what_could_not_be_told_is_added_to_what_came_since() {
    let tally = |ip: u32, millis: i64| {
        let strangers = Strangers::default();
        let source = Some(IpAddr::V4(Ipv4Addr::from_bits(ip)));
        let failure = Failure { source, access_key_id: Some("AKIA"), code: "SignatureDoesNotMatch" };
        strangers.note(&failure, Timestamp::from_millis(millis));
        strangers.tally.into_inner().unwrap()
    };
    let mut newer = tally(2, 9_000);
    newer.take_in(tally(1, 1_000));
    assert_eq!(newer.count, 2);
    assert_eq!(newer.span, Some((Timestamp::from_millis(1_000), Timestamp::from_millis(9_000))));
    assert_eq!(newer.sources.counts.len(), 2);
    assert_eq!(newer.access_key_ids.counts.get("AKIA"), Some(&2));
    assert_eq!(newer.codes.get("SignatureDoesNotMatch"), Some(&2));
}
