//! The audit log on a disk that strangers may have written to: whatever stands there, the verifier, the index and the
//! lookups end with an answer, and nothing that was changed passes for intact.

use std::path::{Path, PathBuf};

use keyreeve_audit::index::lookup::{Lookup, Query};
use keyreeve_audit::index::{self, IndexFile};
use keyreeve_audit::reading::Reading;
use keyreeve_audit::segment::{self, file_name};
use keyreeve_audit::signing_key::SigningKey;
use keyreeve_audit::verify::{Input, Keys, verify};
use keyreeve_audit::{Durability, Entry, Journal, JournalOptions, Place, SignedHead, WrittenRow};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;

use crate::tape::Tape;

struct Log {
    _folder: tempfile::TempDir,
    at: PathBuf,
    keys: Option<Keys>,
    head: SignedHead,
    files: Vec<(PathBuf, Vec<u8>)>,
}

fn place() -> (AccountId, Region) {
    (AccountId::ZERO, Region::parse("us-east-1").unwrap())
}

fn entry(number: u64) -> Entry {
    let (account, region) = place();
    let event =
        format!("{{\"eventID\": \"{number}\", \"eventName\": \"Decrypt\", \"x\": \"{}\"}}", "y".repeat(600));
    let rows = vec![WrittenRow(format!("kms/{}", number % 7), number, Some("ab".repeat(32)))];
    let (id, time) = (uuid::Uuid::from_u64_pair(1, number), Timestamp::from_millis(1));
    Entry { id, time, account, region, event: event.into_bytes(), rows }
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().to_owned();
        let key = SigningKey::open(&SigningKey::generate().unwrap()).unwrap();
        let options = JournalOptions {
            folder: at.clone(),
            durability: Durability::Buffered,
            segment_bytes: 16 * 1024,
            reserve_bytes: 0,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let head = runtime.block_on(async {
            let journal = Journal::open(&options).unwrap();
            for number in 0..40 {
                journal.append(vec![entry(number)]).await.unwrap();
            }
            index::keep(&journal, &at).await.unwrap();
            let head = journal.seal(&key, Timestamp::from_millis(1)).await.unwrap();
            journal.close();
            head
        });
        let mut paths: Vec<_> = std::fs::read_dir(&at).unwrap().map(|file| file.unwrap().path()).collect();
        paths.retain(|path| path.file_name().unwrap().to_str().unwrap().starts_with("segment-"));
        paths.sort();
        let files = paths.into_iter().map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect();
        Self { _folder: folder, at, keys: Keys::new([key.public()]), head, files }
    }

    /// Everything that reads the folder, to its end; whether the log is intact.
    fn read(&mut self) -> bool {
        let (account, region) = place();
        let query =
            Query { account, region, attribute: None, start: None, end: None, limit: 50, after: None };
        drop(Lookup::new(self.at.clone()).find(&query, Place(u64::MAX)));
        let mut reading = Reading::new(self.at.clone());
        while let Ok(Some(_)) = reading.next_frame() {}
        for (path, _) in &self.files {
            if let Ok(rows) = IndexFile::open(path).and_then(|index| index.rows()) {
                rows.for_each(drop);
            }
        }
        let input =
            Input { folder: self.at.clone(), keys: self.keys.take(), anchor: Some(self.head.clone()) };
        let report = verify(&input, &mut |_, _| {}).unwrap();
        self.keys = input.keys;
        report.finding.is_none()
    }
}

fn data_len(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

target!(what_was_changed_never_passes_for_intact, 150, {
    let mut log = Log::new();
    assert!(log.read());
    move |tape: &mut Tape<'_>| {
        let (path, good) = tape.pick(&log.files).clone();
        let changed = tape.mutated(&good);
        // Zeros more or fewer behind the last frame are nothing.
        let same = changed[..data_len(&changed)] == good[..data_len(&good)];
        std::fs::write(&path, &changed).unwrap();
        let intact = log.read();
        std::fs::write(&path, &good).unwrap();
        assert!(same || !intact, "{}", path.display());
    }
});

target!(arbitrary_files_end_with_an_answer, 300, {
    let folder = tempfile::tempdir().unwrap();
    let at: PathBuf = Path::new(folder.path()).to_owned();
    move |tape: &mut Tape<'_>| {
        let _ = &folder;
        for file in segment::list(&at).unwrap() {
            std::fs::remove_file(file.path).unwrap();
        }
        for _ in 0..=tape.below(3) {
            let number = [0, 1, 2, u64::MAX][tape.below(4)];
            let len = tape.below(200);
            std::fs::write(at.join(file_name(Place(number))), tape.bytes(len)).unwrap();
        }
        let input = Input { folder: at.clone(), keys: None, anchor: None };
        drop(verify(&input, &mut |_, _| {}).unwrap());
        let mut reading = Reading::new(at.clone());
        while let Ok(Some(_)) = reading.next_frame() {}
    }
});
