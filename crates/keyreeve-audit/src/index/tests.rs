//! Indexes of real logs: how large they are, and that what is found through them is what a naive search finds.

use std::collections::BTreeMap;
use std::path::Path;

use keyreeve_model::timestamp::Timestamp;
use uuid::Uuid;

use super::lookup::{Continuation, Found, Lookup, Page, Query};
use super::*;
use crate::entry::Entry;
use crate::frame::{Frame, FrameKind};
use crate::journal::Journal;
use crate::segment::{self, SegmentFile};
use crate::trail::{Chance, EPOCH, account, block_on, entry, fill, journal, region, signing_key};

const SEGMENT_BYTES: u64 = 64 * 1024;

fn query(attribute: Option<(Attribute, &str)>) -> Query {
    Query {
        account: account(0),
        region: region(),
        attribute: attribute.map(|(attribute, value)| (attribute, value.to_owned())),
        start: None,
        end: None,
        limit: 50,
        after: None,
    }
}

/// Every page, and that none but the last is short.
fn pages(lookup: &Lookup, mut query: Query) -> Vec<Found> {
    let mut all = Vec::new();
    loop {
        let Page { events, next } = lookup.find(&query, Place(u64::MAX)).unwrap();
        assert!(next.is_none() || events.len() == query.limit);
        all.extend(events);
        match next {
            Some(next) => query.after = Some(next),
            None => return all,
        }
    }
}

fn entries(journal: &Journal) -> Vec<(Place, Entry)> {
    let (mut after, mut all) = (Place(0), Vec::new());
    loop {
        let frames = journal.read(after, 1 << 20).unwrap();
        let Some(last) = frames.last() else { return all };
        after = last.number;
        let entries = frames.iter().filter(|frame| frame.kind == FrameKind::Entry);
        all.extend(entries.map(|frame| (frame.number, Entry::from_payload(&frame.payload).unwrap())));
    }
}

/// What a search through everything finds: the first of each id, newest first.
fn naive(all: &[(Place, Entry)], query: &Query) -> Vec<Uuid> {
    let mut seen = std::collections::HashSet::new();
    let firsts = all.iter().filter(|(_, entry)| seen.insert(entry.id));
    let mut found: Vec<_> = firsts
        .filter(|(_, entry)| {
            let event: serde_json::Value = serde_json::from_slice(&entry.event).unwrap();
            let value = query.attribute.as_ref().is_none_or(|(attribute, value)| match attribute {
                Attribute::Username => event["userIdentity"]["userName"] == **value,
                Attribute::EventId => event["eventID"] == **value,
                Attribute::EventName => event["eventName"] == **value,
                Attribute::ReadOnly => event["readOnly"] == (value == "true"),
                Attribute::ResourceName => event["resources"][0]["ARN"].as_str().unwrap().ends_with(value),
                Attribute::AccessKeyId => event["userIdentity"]["accessKeyId"] == **value,
                Attribute::EventSource => event["eventSource"] == **value,
                Attribute::ResourceType => event["resources"][0]["type"] == **value,
            });
            value
                && query.start.is_none_or(|start| entry.time >= start)
                && query.end.is_none_or(|end| entry.time <= end)
                && entry.account == query.account
        })
        .map(|(_, entry)| entry.id)
        .collect();
    found.reverse();
    found
}

#[test]
fn what_is_found_is_what_a_naive_search_finds_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let key = signing_key();
    block_on(async {
        let journal = journal(folder.path(), SEGMENT_BYTES);
        fill(&journal, &key, 0..300, 50).await;
        // A crash had some entries appended twice, one of them over the end of a segment.
        for number in [295, 299, 3] {
            journal.append(vec![entry(1, number)]).await.unwrap();
        }
        fill(&journal, &key, 300..700, 50).await;
        let made = keep(&journal, folder.path()).await.unwrap();
        assert!(made > 5, "{made}");
        assert_eq!(keep(&journal, folder.path()).await.unwrap(), 0);
        // Segments without an index yet, and the open one.
        fill(&journal, &key, 700..900, 50).await;
        // Entry 3 stands too far from its copy for a search by page to know; that does not happen in one start.
        let all: Vec<_> = entries(&journal);
        let time = |number: i64| Some(Timestamp::from_millis(EPOCH + number * 10));
        let (lookup, one) = (Lookup::new(folder.path().to_owned()), entry(1, 77).id.to_string());
        for attribute in [
            Some((Attribute::Username, "user-7")),
            Some((Attribute::Username, "nobody")),
            Some((Attribute::EventName, "CreateAlias")),
            Some((Attribute::ReadOnly, "true")),
            Some((Attribute::EventId, one.as_str())),
            Some((Attribute::ResourceName, "00000000-0000-0001-0000-000000000011")),
            Some((Attribute::ResourceType, "AWS::KMS::Key")),
            Some((Attribute::EventSource, "kms.amazonaws.com")),
            Some((Attribute::AccessKeyId, "AKIA0000000000000007")),
            None,
        ] {
            for (start, end) in [(None, None), (time(20), time(450)), (time(880), None), (None, time(19))] {
                for limit in [7, 50] {
                    let query = Query { start, end, limit, ..query(attribute) };
                    let mut found: Vec<_> =
                        pages(&lookup, query.clone()).into_iter().map(|found| found.id).collect();
                    let mut wanted = naive(&all, &query);
                    let far = entry(1, 3).id;
                    found.retain(|id| *id != far);
                    wanted.retain(|id| *id != far);
                    assert_eq!(found, wanted, "{attribute:?} {start:?} {end:?} {limit}");
                }
            }
        }
        // What is not durable is not shown; nor is what another account did.
        let newest = lookup.find(&query(None), Place(200)).unwrap().events;
        assert!(newest.iter().all(|found| found.place <= Place(200)) && newest.len() == 50);
        let stranger = Query { account: account(5), ..query(None) };
        assert_eq!(lookup.find(&stranger, Place(u64::MAX)).unwrap(), Page::default());
        let past = Query { after: Some(Continuation(Place(1))), ..query(None) };
        assert_eq!(lookup.find(&past, Place(u64::MAX)).unwrap(), Page::default());
    });
}

/// Frames of a segment as large as a server makes them, in memory.
fn indexed(numbers: std::ops::Range<u64>) -> (u64, Vec<u8>) {
    let (mut builder, mut offset) = (Builder::default(), 0);
    for number in numbers {
        let payload = entry(1, number).to_payload();
        let frame = Frame { number: Place(number + 1), kind: FrameKind::Entry, hash: [0; 32], payload };
        builder.add(offset, &frame).unwrap();
        offset += (crate::frame::FRAME_HEAD_BYTES + frame.payload.len()) as u64;
    }
    (offset, builder.finish().unwrap())
}

#[test]
fn an_index_is_at_most_15_percent_of_its_segment() {
    for count in [500, 10_000] {
        let (log, index) = indexed(0..count);
        let share = index.len() as f64 / log as f64;
        println!("{count} records of {} bytes: the index is {:.1} % of the log", log / count, share * 100.0);
        assert!(share <= 0.15, "{share}");
    }
}

#[test]
fn the_last_word_on_rows_is_the_highest_number_of_each_path() {
    let folder = tempfile::tempdir().unwrap();
    let (_, bytes) = indexed(0..2_000);
    let path = folder.path().join("index");
    std::fs::write(&path, bytes).unwrap();
    let rows: Vec<_> =
        IndexFile::open(&path).unwrap().rows().unwrap().collect::<std::io::Result<_>>().unwrap();
    let mut wanted = BTreeMap::new();
    for row in (0..2_000).flat_map(|number| entry(1, number).rows) {
        wanted.insert(row.0.clone(), row);
    }
    assert_eq!(rows, wanted.into_values().collect::<Vec<_>>());
}

#[test]
fn a_damaged_index_hides_at_most_and_never_invents() {
    let folder = tempfile::tempdir().unwrap();
    let key = signing_key();
    let all = block_on(async {
        let journal = journal(folder.path(), SEGMENT_BYTES);
        fill(&journal, &key, 0..150, 50).await;
        keep(&journal, folder.path()).await.unwrap();
        entries(&journal)
    });
    let file: SegmentFile = segment::list(folder.path()).unwrap().swap_remove(0);
    let path = file.path.with_file_name(index_name(file.first));
    let good = std::fs::read(&path).unwrap();
    let mut chance = Chance(7);
    let queries = [query(Some((Attribute::Username, "user-7"))), query(None)];
    let wanted: Vec<_> = queries.iter().map(|query| naive(&all, query)).collect();
    for round in 0..400 {
        let mut bytes = good.clone();
        if round % 4 == 0 {
            bytes.truncate(chance.below(good.len()));
        } else {
            let at = chance.below(good.len());
            bytes[at] ^= 1 + chance.below(255) as u8;
        }
        std::fs::write(&path, bytes).unwrap();
        let lookup = Lookup::new(folder.path().to_owned());
        for (query, wanted) in queries.iter().zip(&wanted) {
            // An error is an answer, too.
            let found = lookup.find(query, Place(u64::MAX)).unwrap_or_default();
            assert!(found.events.iter().all(|event| wanted.contains(&event.id)), "{round}");
        }
        if let Ok(rows) = IndexFile::open(&path).and_then(|index| index.rows()) {
            rows.for_each(drop);
        }
    }
}

#[test]
fn the_same_segment_gives_the_same_index() {
    assert_eq!(indexed(0..300).1, indexed(0..300).1);
    assert_eq!(Path::new(&index_name(Place(5))).extension().unwrap(), "index");
}
