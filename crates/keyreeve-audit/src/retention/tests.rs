//! Purging real logs, whole and interrupted.

use std::path::Path;
use std::time::Duration;

use keyreeve_model::timestamp::Timestamp;

use super::*;
use crate::chain::Place;
use crate::frame::FrameKind;
use crate::index::{self, IndexFile, index_name, merged};
use crate::segment;
use crate::trail::{EPOCH, block_on, fill, journal, signing_key};
use crate::verify::{Input, Keys, Note, verify};

const SEGMENT_BYTES: u64 = 16 * 1024;

fn check(folder: &Path, keys: Keys, head: crate::SignedHead) -> crate::verify::Report {
    let input = Input { folder: folder.to_owned(), keys: Some(keys), anchor: Some(head) };
    verify(&input, &mut |_, _| {}).unwrap()
}

fn all_rows(folder: &Path) -> Vec<crate::WrittenRow> {
    let files = segment::list(folder).unwrap();
    let open = files.len() - 1;
    let closed = files.into_iter().take(open);
    let mut sources: Vec<_> = base(folder).unwrap().map(|(_, rows)| rows).into_iter().collect();
    sources.extend(closed.map(|file| {
        let index = file.path.with_file_name(index_name(file.first));
        IndexFile::open(&index).unwrap().rows().unwrap()
    }));
    merged(sources).collect::<std::io::Result<_>>().unwrap()
}

#[test]
fn the_oldest_go_by_age_and_by_size_and_nothing_that_is_not_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let key = signing_key();
    block_on(async {
        let journal = journal(folder.path(), SEGMENT_BYTES);
        fill(&journal, &key, 0..60, 10).await;
        journal.close();
    });
    let files = segment::list(folder.path()).unwrap();
    assert!(files.len() > 3, "{}", files.len());
    let far = Timestamp::from_millis(EPOCH * 2);
    let planned = |age, total_bytes, delivered| {
        let policy = Policy { age, total_bytes, delivered: Place(delivered) };
        plan(folder.path(), far, &policy).unwrap().len()
    };
    let (day, closed) = (Some(Duration::from_secs(86_400)), files.len() - 1);
    assert_eq!(planned(None, None, u64::MAX), 0);
    assert_eq!(planned(day, None, u64::MAX), closed);
    assert_eq!(planned(Some(Duration::from_secs(1 << 40)), None, u64::MAX), 0);
    assert_eq!(planned(None, Some(0), u64::MAX), closed);
    assert_eq!(planned(None, Some(2 * SEGMENT_BYTES), u64::MAX), closed - 1);
    assert_eq!(planned(day, None, 0), 0);
    assert_eq!(planned(day, None, files[2].first.0 - 1), 2);
}

#[test]
fn a_purge_leaves_a_log_that_verifies_and_the_last_word_on_every_row() {
    let (folder, export) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let key = signing_key();
    let keys = || Keys::new([key.public()]).unwrap();
    let now = Timestamp::from_millis(EPOCH);
    let head = block_on(async {
        let journal = journal(folder.path(), SEGMENT_BYTES);
        let mut head = fill(&journal, &key, 0..80, 10).await;
        index::keep(&journal, folder.path()).await.unwrap();
        let before = all_rows(folder.path());
        // Twice: the second purge carries on what the first left.
        for _ in 0..2 {
            let segments: Vec<_> = segment::list(folder.path()).unwrap().into_iter().take(2).collect();
            let gone = segments.clone();
            let purging = Purge {
                folder: folder.path().to_owned(),
                segments,
                export: Some(export.path().to_owned()),
                now,
            };
            let tombstone = purge(&journal, &key, &keys(), purging).await.unwrap().unwrap();
            assert_eq!(tombstone.segments.len(), 2);
            for file in gone {
                assert!(!file.path.exists());
                assert!(export.path().join(file.path.file_name().unwrap()).exists());
                assert!(export.path().join(index_name(file.first)).exists());
            }
            assert_eq!(all_rows(folder.path()), before);
            head = journal.seal(&key, now).await.unwrap();
        }
        assert_eq!(super::record::records(folder.path()).unwrap().len(), 1);
        journal.close();
        head
    });
    let report = check(folder.path(), keys(), head);
    assert_eq!(report.finding, None);
    assert!(report.notes.iter().any(|note| matches!(note, Note::Purged { .. })), "{:?}", report.notes);
    // The exported segments are a log of their own, from the beginning.
    let input = Input { folder: export.path().to_owned(), keys: Some(keys()), anchor: None };
    assert_eq!(verify(&input, &mut |_, _| {}).unwrap().finding, None);
}

#[test]
fn a_crash_within_a_purge_is_finished_or_taken_back() {
    let key = signing_key();
    let now = Timestamp::from_millis(EPOCH);
    for tombstone_written in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let keys = || Keys::new([key.public()]).unwrap();
        let head = block_on(async {
            let journal = journal(folder.path(), SEGMENT_BYTES);
            fill(&journal, &key, 0..50, 10).await;
            index::keep(&journal, folder.path()).await.unwrap();
            let files = segment::list(folder.path()).unwrap();
            let kept: Vec<_> = files[..2]
                .iter()
                .map(|file| (file.path.clone(), std::fs::read(&file.path).unwrap()))
                .collect();
            let segments = files[..2].to_vec();
            let purging = Purge { folder: folder.path().to_owned(), segments, export: None, now };
            let after = journal.durable();
            let tombstone = purge(&journal, &key, &keys(), purging).await.unwrap().unwrap();
            // As it was when the process was killed: the files are there.
            for (path, bytes) in &kept {
                std::fs::write(path, bytes).unwrap();
            }
            let record = super::record::purge_name(tombstone.to);
            if !tombstone_written {
                // The log without it: the record says that it is looked for behind all there is.
                let late = PurgeRecord { after: journal.durable(), tombstone: tombstone.clone() };
                std::fs::write(folder.path().join(&record), serde_json::to_vec(&late).unwrap()).unwrap();
            }
            resume(&journal, folder.path()).unwrap();
            assert_eq!(kept[0].0.exists(), !tombstone_written);
            assert_eq!(folder.path().join(&record).exists(), tombstone_written);
            assert_eq!(folder.path().join(&tombstone.rows_base.name).exists(), tombstone_written);
            assert!(
                journal.read(after, 1 << 20).unwrap().iter().any(|frame| frame.kind == FrameKind::Tombstone)
            );
            let head = journal.seal(&key, now).await.unwrap();
            journal.close();
            head
        });
        if tombstone_written {
            assert_eq!(check(folder.path(), keys(), head).finding, None);
        }
    }
}

#[test]
fn rows_that_were_altered_since_the_last_purge_are_not_carried_on() {
    let folder = tempfile::tempdir().unwrap();
    let key = signing_key();
    let keys = Keys::new([key.public()]).unwrap();
    block_on(async {
        let journal = journal(folder.path(), SEGMENT_BYTES);
        fill(&journal, &key, 0..60, 10).await;
        let next = || {
            let segments = segment::list(folder.path()).unwrap().into_iter().take(1).collect();
            let now = Timestamp::from_millis(EPOCH);
            Purge { folder: folder.path().to_owned(), segments, export: None, now }
        };
        let tombstone = purge(&journal, &key, &keys, next()).await.unwrap().unwrap();
        let path = folder.path().join(&tombstone.rows_base.name);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let refused = purge(&journal, &key, &keys, next()).await.unwrap_err();
        assert!(matches!(refused, RetentionError::Unfit(_)), "{refused}");
    });
}
