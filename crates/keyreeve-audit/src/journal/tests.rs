//! The whole journal on a real folder: what is acknowledged is there, in order and chained, through restarts, full disks,
//! failing syncs, and files that somebody removes.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};

use keyreeve_model::region::{AccountId, Region};

use super::disk::{Call, Fault};
use super::*;
use crate::chain::{BEGINNING, Hash, link};
use crate::segment::{self, Next, Opening, SegmentReader};

/// So short that a test does not wait for it.
const TEST_BEAT: Duration = Duration::from_millis(5);

fn options(folder: &Path, durability: Durability) -> JournalOptions {
    JournalOptions {
        folder: folder.join("audit"),
        durability,
        segment_bytes: SEGMENT_BYTES_MIN,
        reserve_bytes: 0,
    }
}

fn open(folder: &Path) -> Journal {
    open_on(folder, Disk::default())
}

fn open_on(folder: &Path, disk: Disk) -> Journal {
    Journal::open_on(&options(folder, Durability::Durable), disk, TEST_BEAT, true).unwrap()
}

fn entry(id: u128, bytes: usize) -> Entry {
    Entry {
        id: Uuid::from_u128(id),
        time: Timestamp::from_millis(1_790_000_000_000),
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        event: vec![b'x'; bytes],
        rows: Vec::new(),
    }
}

/// All ids in the log, by its reader, a few at a time.
fn read_all(journal: &Journal) -> Vec<u128> {
    let (mut ids, mut after) = (Vec::new(), Place(0));
    loop {
        let frames = journal.read(after, 2000).unwrap();
        let Some(last) = frames.last() else { return ids };
        assert!(frames.is_sorted_by(|a, b| a.number < b.number));
        after = last.number;
        ids.extend(frames.iter().filter_map(id_of));
    }
}

fn id_of(frame: &Frame) -> Option<u128> {
    (frame.kind == FrameKind::Entry).then(|| Entry::from_payload(&frame.payload).unwrap().id.as_u128())
}

/// All ids in the files, whose chain must hold from the first opening to the clean end of the last segment.
fn verify(folder: &Path) -> Vec<u128> {
    let (mut ids, mut last, mut hash): (_, _, Hash) = (Vec::new(), Place(0), BEGINNING);
    for file in segment::list(&folder.join("audit")).unwrap() {
        let mut reader = SegmentReader::open(&file.path).unwrap();
        while let Next::Frame { frame, offset } = reader.next_frame().unwrap() {
            if offset == 0 {
                let opening = Opening::of(&frame).unwrap();
                assert_eq!((opening.after, opening.before_hash().unwrap()), (last, hash), "{file:?}");
            } else {
                assert_eq!(frame.number.0, last.0 + 1);
                assert_eq!(link(&hash, frame.number, frame.kind, &frame.payload), frame.hash);
            }
            (last, hash) = (frame.number, frame.hash);
            ids.extend(id_of(&frame));
        }
        assert_eq!(reader.last_nonzero().unwrap(), None, "{file:?}");
    }
    ids
}

#[tokio::test]
async fn appends_run_on_through_segments_and_restarts() {
    for durability in [Durability::Durable, Durability::Buffered] {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..3 {
            let journal =
                Journal::open_on(&options(folder.path(), durability), Disk::default(), TEST_BEAT, true);
            let journal = journal.unwrap();
            for id in round * 40..(round + 1) * 40 {
                journal.append(vec![entry(id, 900)]).await.unwrap();
            }
            assert_eq!(read_all(&journal), (0..(round + 1) * 40).collect::<Vec<_>>());
            assert!(journal.segments().len() > 2 * usize::try_from(round).unwrap());
        }
        assert_eq!(verify(folder.path()), (0..120).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn many_who_append_at_once_share_batches_and_an_append_stands_in_one_piece() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let appends: Vec<Appended> =
        (0..200).map(|id| journal.append(vec![entry(2 * id, 300), entry(2 * id + 1, 300)])).collect();
    for append in appends {
        append.await.unwrap();
    }
    let figures = journal.figures();
    assert!(figures.syncs < 200, "{figures:?}");
    assert_eq!(verify(folder.path()), (0..400).collect::<Vec<_>>());
    for file in segment::list(&folder.path().join("audit")).unwrap() {
        let mut reader = SegmentReader::open(&file.path).unwrap();
        let mut ids = Vec::new();
        while let Next::Frame { frame, .. } = reader.next_frame().unwrap() {
            ids.extend(id_of(&frame));
        }
        assert_eq!(ids.len() % 2, 0, "an append was divided between segments");
    }
}

#[tokio::test]
async fn an_append_that_nobody_waits_for_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    drop(journal.append(vec![entry(1, 10)]));
    drop(journal);
    assert_eq!(verify(folder.path()), [1]);
}

#[tokio::test]
async fn a_record_larger_than_a_segment_gets_one_of_its_own_and_one_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let sizes = [10, 100_000, 10, 2_000_000, 10];
    for (id, bytes) in (0..).zip(sizes) {
        journal.append(vec![entry(id, bytes)]).await.unwrap();
    }
    assert!(journal.append(vec![entry(9, PAYLOAD_BYTES_MAX)]).await.is_err());
    assert_eq!(journal.writable(), Ok(()));
    assert_eq!(read_all(&journal), [0, 1, 2, 3, 4]);
    assert_eq!(verify(folder.path()), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn a_head_vouches_for_the_frame_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let key = SigningKey::open(&SigningKey::generate().unwrap()).unwrap();
    for id in 0..3 {
        journal.append(vec![entry(id, 10)]).await.unwrap();
        let head = journal.seal(&key, Timestamp::from_millis(7)).await.unwrap();
        let frames = journal.read(Place(0), usize::MAX).unwrap();
        let [.., vouched, holder] = &frames[..] else { panic!() };
        assert_eq!((head.place, &head.hash), (vouched.number, &hex::encode(vouched.hash)));
        assert_eq!(serde_json::from_slice::<SignedHead>(&holder.payload).unwrap(), head);
    }
}

#[tokio::test]
async fn readers_wait_for_what_comes_and_find_ids_behind_a_frame() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(open(folder.path()));
    let before = journal.durable();
    let waiting = tokio::spawn({
        let journal = Arc::clone(&journal);
        async move { journal.grown(before).await }
    });
    for id in 0..60 {
        journal.append(vec![entry(id, 900)]).await.unwrap();
    }
    assert!(waiting.await.unwrap() > before);
    let asked: HashSet<Uuid> = [3, 50, 99].map(Uuid::from_u128).into();
    let after = |place| {
        let mut found: Vec<u128> =
            journal.contains(&asked, place).unwrap().iter().map(|id| id.as_u128()).collect();
        found.sort_unstable();
        found
    };
    assert_eq!(after(before), [3, 50]);
    assert_eq!(after(Place(before.0 + 20)), [50]);
    assert!(after(journal.durable()).is_empty());
}

#[test]
fn a_second_process_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let again = || Journal::open(&options(folder.path(), Durability::Durable));
    assert!(matches!(again(), Err(JournalError::Unwritable(reason)) if reason.contains("another process")));
    drop(journal);
    assert!(again().is_ok());
}

#[tokio::test]
async fn a_log_of_the_process_is_gone_with_it() {
    let journal = Journal::ephemeral().unwrap();
    for id in 0..20 {
        journal.append(vec![entry(id, 900)]).await.unwrap();
    }
    assert_eq!(read_all(&journal), (0..20).collect::<Vec<_>>());
    let folder = journal.segments()[0].path.parent().unwrap().to_owned();
    drop(journal);
    assert!(!folder.exists());
}

/// What is done to the newest segment of a stopped log of 5 entries, and how many of them chain on afterwards.
#[tokio::test]
async fn a_torn_tail_is_cut_off_and_put_aside_and_damage_is_left_alone() {
    type Harm = fn(&mut Vec<u8>, usize);
    let rows: [(&str, Harm, u128, bool); 5] = [
        ("garbage behind the end", |bytes, end| bytes[end..end + 100].fill(7), 5, true),
        ("a later page without the one before", |bytes, end| bytes[end + 5000] = 1, 5, true),
        ("half of the last frame", |bytes, end| bytes[end - 20..end].fill(0), 4, true),
        ("the file ends within the last frame", |bytes, end| bytes.truncate(end - 20), 4, true),
        ("an altered opening", |bytes, _| bytes[60] ^= 1, 0, false),
    ];
    for (what, harm, left, torn) in rows {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(folder.path());
        for id in 0..5 {
            journal.append(vec![entry(id, 100)]).await.unwrap();
        }
        let path = journal.segments()[0].path.clone();
        drop(journal);
        let mut bytes = fs::read(&path).unwrap();
        let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        harm(&mut bytes, end);
        fs::write(&path, &bytes).unwrap();
        let journal = open(folder.path());
        let recovered = journal.recovered().clone();
        assert_eq!(recovered.last.0, if torn { u64::try_from(left).unwrap() + 1 } else { 0 }, "{what}");
        assert_eq!(recovered.torn_bytes > 0, torn, "{what}");
        assert_eq!(recovered.damaged.is_empty(), torn, "{what}");
        assert_eq!(journal.alarms().is_empty(), torn, "{what}");
        journal.append(vec![entry(77, 100)]).await.unwrap();
        let expected: Vec<u128> = (0..left).chain([77]).collect();
        assert_eq!(read_all(&journal), expected, "{what}");
        drop(journal);
        if torn {
            assert_eq!(verify(folder.path()), expected, "{what}");
            assert!(fs::metadata(recovered.torn_copy.unwrap()).unwrap().len() == recovered.torn_bytes);
        } else {
            assert_eq!(fs::read(&path).unwrap(), bytes, "{what}");
        }
    }
}

/// A call that fails once it was made so often; then the disk is well again.
#[tokio::test]
async fn after_any_failing_call_requests_fail_and_the_log_mends_itself() {
    type Picked = fn(Call<'_>) -> bool;
    let rows: [(&str, Picked, i32, usize, &str); 6] = [
        ("a write that fails", |call| matches!(call, Call::Write { .. }), 5, 0, "check the disk"),
        ("a write cut short", |call| matches!(call, Call::Write { .. }), 28, 700, "free space"),
        ("a sync that fails", |call| call == Call::Sync, 5, 0, "check the disk"),
        ("a read-only disk", |call| matches!(call, Call::Write { .. } | Call::Create(_)), 30, 0, "mount it"),
        ("a rename that fails", |call| matches!(call, Call::Rename(_)), 5, 0, "check the disk"),
        ("a folder's sync that fails", |call| call == Call::SyncFolder, 5, 0, "check the disk"),
    ];
    for (what, picked, errno, kept, advice) in rows {
        let folder = tempfile::tempdir().unwrap();
        let broken = Arc::new(AtomicI32::new(0));
        let disk = Disk::failing({
            let broken = Arc::clone(&broken);
            move |call| {
                let errno = broken.load(Ordering::SeqCst);
                (errno != 0 && picked(call)).then_some(Fault { errno, kept })
            }
        });
        let journal = open_on(folder.path(), disk);
        let mut acknowledged = Vec::new();
        journal.append(vec![entry(0, 900)]).await.unwrap();
        acknowledged.push(0);
        broken.store(errno, Ordering::SeqCst);
        let mut refused = None;
        for id in 1..100 {
            match journal.append(vec![entry(id, 900)]).await {
                Ok(()) => acknowledged.push(id),
                Err(error) => {
                    refused = Some(error.to_string());
                    break;
                }
            }
        }
        let refused = refused.unwrap();
        assert!(refused.contains(advice), "{what}: {refused}");
        broken.store(0, Ordering::SeqCst);
        journal.until_writable().await;
        for id in 200..220 {
            journal.append(vec![entry(id, 900)]).await.unwrap();
            acknowledged.push(id);
        }
        assert_eq!(journal.writable(), Ok(()));
        let read = read_all(&journal);
        drop(journal);
        assert_eq!(verify(folder.path()), read, "{what}");
        assert_eq!(read, acknowledged, "{what}");
    }
}

/// Calls fail by chance, those of the mending among them. What was acknowledged is there, in order; what was not may be. The
/// chain holds, where the frames behind the one that the next opening names do not count.
#[tokio::test]
async fn under_failures_by_chance_nothing_acknowledged_is_lost() {
    for seed in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let (calls, failing) = (AtomicUsize::new(seed * 1000), Arc::new(AtomicBool::new(false)));
        let disk = Disk::failing({
            let failing = Arc::clone(&failing);
            move |_| {
                let call = calls.fetch_add(1, Ordering::SeqCst).to_be_bytes();
                let chance = keyreeve_crypto::digest::sha256(&call);
                let fails = failing.load(Ordering::SeqCst) && chance[0] < 20;
                let errno = if chance[1] < 128 { 5 } else { 28 };
                fails.then_some(Fault { errno, kept: usize::from(chance[2]) * 8 })
            }
        });
        let journal = open_on(folder.path(), disk);
        failing.store(true, Ordering::SeqCst);
        let mut acknowledged = Vec::new();
        for id in 0..60 {
            if journal.append(vec![entry(id, 900)]).await.is_ok() {
                acknowledged.push(id);
            } else {
                journal.until_writable().await;
            }
        }
        failing.store(false, Ordering::SeqCst);
        journal.until_writable().await;
        journal.append(vec![entry(100, 900)]).await.unwrap();
        acknowledged.push(100);
        let held = |journal: &Journal| {
            let read = read_all(journal);
            assert!(read.is_sorted(), "seed {seed}: {read:?}");
            assert!(acknowledged.iter().all(|id| read.contains(id)), "seed {seed}: {read:?}");
            assert_eq!(journal.alarms(), [], "seed {seed}");
        };
        held(&journal);
        drop(journal);
        verify_openings(folder.path());
        held(&open(folder.path()));
    }
}

/// A sync fails, and then what it was for cannot be wiped: it stays in the file, counts for nothing, and its number is not
/// given again.
#[tokio::test]
async fn what_failed_and_cannot_be_wiped_counts_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Arc::new(AtomicUsize::new(0));
    let disk = Disk::failing({
        let stage = Arc::clone(&stage);
        move |call| {
            let fails = match stage.load(Ordering::SeqCst) {
                1 if call == Call::Sync => stage.swap(2, Ordering::SeqCst) == 1,
                2 => matches!(call, Call::Write { offset: 1.., .. }),
                _ => false,
            };
            fails.then_some(Fault { errno: 5, kept: 0 })
        }
    });
    let journal = open_on(folder.path(), disk);
    while journal.figures().reserve_bytes == 0 {
        tokio::task::yield_now().await;
    }
    journal.append(vec![entry(0, 900)]).await.unwrap();
    stage.store(1, Ordering::SeqCst);
    assert!(journal.append(vec![entry(1, 900)]).await.is_err());
    journal.until_writable().await;
    stage.store(0, Ordering::SeqCst);
    journal.append(vec![entry(2, 900)]).await.unwrap();
    assert_eq!(read_all(&journal), [0, 2]);
    assert_eq!(journal.segments()[1].first, Place(4));
    drop(journal);
    verify_openings(folder.path());
    let journal = open(folder.path());
    assert_eq!(read_all(&journal), [0, 2]);
    assert_eq!(journal.alarms(), []);
}

/// Each segment chains from its opening on, and each opening to the frame that it names.
fn verify_openings(folder: &Path) {
    let mut hashes = std::collections::HashMap::from([(Place(0), BEGINNING)]);
    for file in segment::list(&folder.join("audit")).unwrap() {
        let mut reader = SegmentReader::open(&file.path).unwrap();
        let mut last: Option<(Place, Hash)> = None;
        while let Next::Frame { frame, .. } = reader.next_frame().unwrap() {
            if let Some((number, hash)) = last {
                if link(&hash, Place(number.0 + 1), frame.kind, &frame.payload) != frame.hash {
                    break;
                }
            } else {
                let opening = Opening::of(&frame).unwrap();
                assert!(!hashes.contains_key(&frame.number), "{file:?}: a number is given twice");
                assert_eq!(hashes[&opening.after], opening.before_hash().unwrap(), "{file:?}");
            }
            last = Some((frame.number, frame.hash));
            hashes.insert(frame.number, frame.hash);
        }
    }
}

/// Spare segments cannot be made; the log goes on with what is ready, and stops with the last of it.
#[tokio::test]
async fn a_full_disk_uses_up_the_reserve_and_recovers_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let full = Arc::new(AtomicUsize::new(0));
    let disk = Disk::failing({
        let full = Arc::clone(&full);
        move |call| {
            let fails = full.load(Ordering::SeqCst) == 1 && matches!(call, Call::Create(_));
            fails.then_some(Fault { errno: 28, kept: 0 })
        }
    });
    let journal = open_on(folder.path(), disk);
    while journal.figures().reserve_bytes == 0 {
        tokio::task::yield_now().await;
    }
    full.store(1, Ordering::SeqCst);
    let mut id = 0;
    let refused = loop {
        match journal.append(vec![entry(id, 900)]).await {
            Ok(()) => id += 1,
            Err(error) => break error.to_string(),
        }
    };
    assert!(id > 20, "the spare was not used: {id}");
    assert!(refused.contains("the disk is full") && refused.contains("free space at"), "{refused}");
    full.store(0, Ordering::SeqCst);
    journal.until_writable().await;
    journal.append(vec![entry(id, 900)]).await.unwrap();
    assert!(journal.alarms().is_empty());
    drop(journal);
    assert_eq!(verify(folder.path()), (0..=id).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_that_somebody_touches_is_an_alarm_and_the_log_goes_on_behind_it() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 5] = [
        ("deleted", |path| fs::remove_file(path).unwrap()),
        ("renamed", |path| fs::rename(path, path.with_extension("moved")).unwrap()),
        ("cut short", |path| fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1000).unwrap()),
        ("replaced", |path| {
            let copy = path.with_extension("copy");
            fs::copy(path, &copy).unwrap();
            fs::rename(copy, path).unwrap();
        }),
        ("renamed with its folder", |path| {
            let folder = path.parent().unwrap();
            fs::rename(folder, folder.with_extension("moved")).unwrap();
        }),
    ];
    for (what, harm) in harms {
        // The oldest, which is closed, or the open one.
        for oldest in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let journal = open(folder.path());
            for id in 0..40 {
                journal.append(vec![entry(id, 900)]).await.unwrap();
            }
            let segments = journal.segments();
            let victim = if oldest { segments.first() } else { segments.last() }.unwrap();
            let (tip, begun) = (journal.durable(), segments.len());
            harm(&victim.path);
            // What is appended meanwhile may fail; the watch notices without it, too.
            while journal.alarms().is_empty() || journal.segments().len() == begun {
                tokio::task::yield_now().await;
            }
            journal.until_writable().await;
            journal.append(vec![entry(100, 900)]).await.unwrap();
            assert_eq!(read_all(&journal).last(), Some(&100), "{what}");
            assert_eq!(journal.writable(), Ok(()));
            let alarms = journal.alarms();
            let named = alarms.iter().any(|alarm| alarm.sentence.contains(victim.path.to_str().unwrap()));
            assert!(named, "{what}: {alarms:?}");
            let last = journal.segments().last().unwrap().path.clone();
            let opening = match SegmentReader::open(&last).unwrap().next_frame().unwrap() {
                Next::Frame { frame, .. } => Opening::of(&frame).unwrap(),
                Next::Zeros { .. } | Next::EndOfFile { .. } | Next::Garbage { .. } => panic!("{what}"),
            };
            assert!(opening.after >= tip, "{what}");
            let rescued = last.with_file_name(format!("rescued-{}", segment::file_name(victim.first)));
            assert_eq!(rescued.exists(), !oldest && what != "cut short", "{what}");
        }
    }
}

#[tokio::test]
async fn released_segments_are_neither_read_nor_missed() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    for id in 0..40 {
        journal.append(vec![entry(id, 900)]).await.unwrap();
    }
    let second = journal.segments()[1].clone();
    let released = journal.release(Place(second.first.0 - 1));
    assert_eq!(released.len(), 1);
    fs::remove_file(&released[0].path).unwrap();
    watch::look(&journal.shared);
    assert!(journal.alarms().is_empty());
    assert_eq!(journal.read(Place(0), 1).unwrap()[0].number, second.first);
}

/// Where the second frame of a segment begins.
fn end_of_opening(path: &Path) -> u64 {
    let mut reader = SegmentReader::open(path).unwrap();
    drop(reader.next_frame().unwrap());
    reader.offset()
}

/// A middle segment that is missing, and bytes that were altered in a closed and in the open one.
#[tokio::test]
async fn readers_pass_over_damage_and_it_is_an_alarm() {
    for (victim, delete) in [(1, true), (1, false), (usize::MAX, false)] {
        let folder = tempfile::tempdir().unwrap();
        let journal = open(folder.path());
        for id in 0..70 {
            journal.append(vec![entry(id, 900)]).await.unwrap();
        }
        let segments = journal.segments();
        let victim = segments.get(victim).unwrap_or_else(|| segments.last().unwrap()).clone();
        drop(journal);
        if delete {
            fs::remove_file(&victim.path).unwrap();
        }
        let journal = open(folder.path());
        if !delete {
            let file = fs::OpenOptions::new().write(true).open(&victim.path).unwrap();
            file.write_all_at(&[0xff; 4], end_of_opening(&victim.path)).unwrap();
        }
        // What is damaged in the open segment is passed over once the writer has left it.
        drop(journal.read(Place(0), usize::MAX));
        drop(journal.read(victim.first, usize::MAX));
        journal.until_writable().await;
        journal.append(vec![entry(100, 900)]).await.unwrap();
        let read: Vec<u128> = read_all(&journal);
        assert!(read.len() > 15 && read.len() < 70, "{}", read.len());
        assert_eq!((read.first(), read.last()), (Some(&0), Some(&100)));
        assert_eq!(journal.alarms().len(), 1, "{:?}", journal.alarms());
    }
}

#[tokio::test]
async fn a_log_that_ends_before_what_the_store_knows_gives_no_number_twice() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..2 {
        let journal = open(folder.path());
        if round == 0 {
            journal.append(vec![entry(0, 900)]).await.unwrap();
            journal.go_on_behind(journal.durable(), [1; 32]).await.unwrap();
            assert!(journal.alarms().is_empty());
            journal.go_on_behind(Place(500), [2; 32]).await.unwrap();
            journal.append(vec![entry(1, 900)]).await.unwrap();
            assert_eq!(journal.durable(), Place(502));
        }
        assert_eq!(read_all(&journal), [0, 1]);
        assert_eq!(journal.alarms().len(), 1);
    }
}
