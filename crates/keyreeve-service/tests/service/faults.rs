//! A store that does not answer, or whose outcome is unknown: the caller hears so, nothing is half done, and no cache
//! believes what did not happen.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use keyreeve_store::{
    ChangeItem, Commit, CommitError, CommitId, MemoryStore, Page, Path, Reason, Revision, Snapshot, Store,
    StoreError,
};
use serde_json::json;

use crate::kit::{Kit, kms_rows};
use crate::rig::{Rig, b64, root};

const TIMEOUT: &str = "The system timed out while trying to fulfill the request.";

/// What the store does at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Mood {
    Well,
    /// Neither reads nor writes.
    Away,
    /// Reads, and writes nothing.
    Full,
    /// Applies a commit and loses the answer.
    LosesAnswers,
    /// Loses the commit and cannot say so.
    LosesCommits,
}

const MOODS: [Mood; 5] = [Mood::Well, Mood::Away, Mood::Full, Mood::LosesAnswers, Mood::LosesCommits];

#[derive(Debug)]
struct MoodyStore {
    inner: Arc<MemoryStore>,
    mood: AtomicU8,
}

impl MoodyStore {
    fn mood(&self) -> Mood {
        MOODS[usize::from(self.mood.load(Ordering::SeqCst))]
    }

    fn reads(&self) -> Result<(), StoreError> {
        if self.mood() == Mood::Away { Err(StoreError::Unavailable { reason: reason() }) } else { Ok(()) }
    }
}

fn reason() -> Reason {
    Reason::DiskFull { path: "/secret/keyreeve.db".into() }
}

impl Store for MoodyStore {
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        Box::pin(async move {
            self.reads()?;
            self.inner.get(paths).await
        })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            self.reads()?;
            self.inner.scan(prefix, after, limit).await
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>> {
        Box::pin(async move {
            match self.mood() {
                Mood::Well => self.inner.commit(commit).await,
                Mood::Away | Mood::Full => Err(CommitError::Unavailable { reason: reason() }),
                Mood::LosesAnswers => {
                    self.inner.commit(commit).await?;
                    Err(CommitError::Unknown { reason: reason() })
                }
                Mood::LosesCommits => Err(CommitError::Unknown { reason: reason() }),
            }
        })
    }

    fn committed(&self, id: CommitId) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.inner.committed(id)
    }

    fn changes(&self, after: Revision) -> BoxStream<'_, ChangeItem> {
        self.inner.changes(after)
    }

    fn forget_deleted(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.inner.forget_deleted()
    }
}

struct Moody {
    rig: Rig,
    store: Arc<MoodyStore>,
}

impl Moody {
    fn new() -> Self {
        let mut kept = None;
        let rig = Rig::over(|inner| {
            let store = Arc::new(MoodyStore { inner, mood: AtomicU8::new(0) });
            kept = Some(store.clone());
            store
        });
        Self { rig, store: kept.unwrap() }
    }

    fn becomes(&self, mood: Mood) {
        self.store.mood.store(mood as u8, Ordering::SeqCst);
    }
}

#[test]
fn no_operation_that_changes_anything_succeeds_without_the_store_and_none_tells_why() {
    let moody = Moody::new();
    let kit = Kit::new(&moody.rig);
    moody.rig.ok("CreateAlias", json!({"AliasName": "alias/mine", "TargetKeyId": kit.other}));
    for mood in [Mood::Away, Mood::Full] {
        for (operation, body) in [
            ("CreateKey", json!({})),
            ("CreateAlias", kit.body("CreateAlias")),
            ("UpdateAlias", kit.body("UpdateAlias")),
            ("DeleteAlias", kit.body("DeleteAlias")),
            ("DisableKey", json!({"KeyId": kit.symmetric})),
            ("ScheduleKeyDeletion", json!({"KeyId": kit.symmetric})),
            ("TagResource", kit.body("TagResource")),
            ("UpdateKeyDescription", kit.body("UpdateKeyDescription")),
            ("PutKeyPolicy", kit.body("PutKeyPolicy")),
            ("DescribeKey", json!({"KeyId": "alias/aws/s3"})),
        ] {
            moody.becomes(mood);
            moody.rig.refuses(operation, body, "DependencyTimeoutException", TIMEOUT);
        }
    }
    moody.becomes(Mood::Well);
    assert_eq!(moody.rig.state(&kit.symmetric), "Enabled");
    for row in kms_rows().filter(|row| row.name != "CancelKeyDeletion") {
        let outcome = moody.rig.try_as(&root(), row.name, &kit.body(row.name));
        if let Err(error) = outcome {
            assert_ne!(error.code, "DependencyTimeoutException", "{} recovers by itself", row.name);
        }
    }
}

#[test]
fn keys_in_memory_go_on_working_while_the_store_is_away() {
    let moody = Moody::new();
    let kit = Kit::new(&moody.rig);
    let body = json!({"KeyId": kit.symmetric, "Plaintext": b64("x")});
    let made = moody.rig.ok("Encrypt", body.clone());
    moody.rig.ok("Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"]}));
    moody.becomes(Mood::Away);
    moody.rig.ok("Encrypt", body);
    moody.rig.ok("Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"]}));
    let unknown = json!({"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"});
    moody.rig.refuses("DescribeKey", unknown, "DependencyTimeoutException", TIMEOUT);
    moody.becomes(Mood::Well);
    let unknown = json!({"KeyId": "1234abcd-12ab-34cd-56ef-1234567890ab"});
    assert_eq!(moody.rig.try_as(&root(), "DescribeKey", &unknown).unwrap_err().code, "NotFoundException");
}

#[test]
fn a_lost_answer_is_settled_by_asking() {
    let moody = Moody::new();
    let key = moody.rig.key(json!({}));
    moody.becomes(Mood::LosesAnswers);
    moody.rig.ok("DisableKey", json!({"KeyId": key}));
    assert_eq!(moody.rig.state(&key), "Disabled");
    let made = moody.rig.key(json!({}));
    moody.rig.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": made}));
    moody.becomes(Mood::Well);
    assert_eq!(moody.rig.restarted().state("alias/a"), "Enabled");
    assert_eq!(moody.rig.restarted().state(&key), "Disabled");
}

#[test]
fn a_lost_commit_is_not_acknowledged_and_not_believed() {
    let moody = Moody::new();
    let key = moody.rig.key(json!({}));
    moody.becomes(Mood::LosesCommits);
    for (operation, body) in [
        ("DisableKey", json!({"KeyId": key})),
        ("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key})),
        ("CreateKey", json!({})),
    ] {
        moody.rig.refuses(operation, body, "DependencyTimeoutException", TIMEOUT);
    }
    moody.becomes(Mood::Well);
    assert_eq!(moody.rig.state(&key), "Enabled");
    moody.rig.ok("Encrypt", json!({"KeyId": key, "Plaintext": b64("x")}));
    moody.rig.ok("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key}));
    assert_eq!(moody.rig.ok("ListKeys", json!({}))["Keys"].as_array().unwrap().len(), 1);
}
