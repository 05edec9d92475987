//! The scrub beside requests: a row that changes between the looks of the scrub is no finding.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use keyreeve_model::region::Region;
use keyreeve_store::{
    ChangeItem, Commit, CommitError, CommitId, MemoryStore, Page, Path, Revision, Snapshot, Store, StoreError,
};
use serde_json::{Value, json};

use crate::rig::{REGION, Rig, call_bytes, root};

const ALIAS: &str = "alias/fleeting";

/// What happens meanwhile.
type Meanwhile = BoxFuture<'static, ()>;

/// A store in which something else happens before a scan, and after the alias was looked at.
#[derive(Default)]
struct Busy {
    inner: Arc<MemoryStore>,
    before_scan: Mutex<VecDeque<Meanwhile>>,
    after_look: Mutex<VecDeque<Meanwhile>>,
}

impl std::fmt::Debug for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Busy").finish_non_exhaustive()
    }
}

async fn next(of: &Mutex<VecDeque<Meanwhile>>) {
    let next = of.lock().unwrap().pop_front();
    if let Some(next) = next {
        next.await;
    }
}

impl Store for Busy {
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        Box::pin(async move {
            let found = self.inner.get(paths).await;
            if paths.iter().any(|path| path.as_str().ends_with(ALIAS)) {
                next(&self.after_look).await;
            }
            found
        })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            next(&self.before_scan).await;
            self.inner.scan(prefix, after, limit).await
        })
    }

    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Revision, CommitError>> {
        self.inner.commit(commit)
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

/// The scrub reads the log, then the rows, among which the alias is new; it looks at the alias again, which is deleted at
/// once; and then it reads what was written meanwhile, which is newer than what it saw of the row.
#[test]
fn a_row_that_is_deleted_between_two_looks_was_not_brought_back() {
    let mut kept = None;
    let rig = Rig::over(|inner| {
        let store = Arc::new(Busy { inner, ..Busy::default() });
        kept = Some(Arc::clone(&store));
        store
    });
    let (store, key, home) = (kept.unwrap(), rig.key(json!({})), Region::parse(REGION).unwrap());
    rig.block_on(rig.service.commit_head(&home)).unwrap();
    let request = |operation: &'static str, body: Value| -> Meanwhile {
        let service = Arc::clone(&rig.service);
        Box::pin(async move {
            call_bytes(&service, &root(), operation, &body.to_string().into_bytes()).await.unwrap();
        })
    };
    let create = request("CreateAlias", json!({"AliasName": ALIAS, "TargetKeyId": key}));
    let delete = request("DeleteAlias", json!({"AliasName": ALIAS}));
    let later = Arc::clone(&store);
    store.before_scan.lock().unwrap().push_back(Box::pin(async move {
        create.await;
        later.after_look.lock().unwrap().push_back(delete);
    }));
    let findings = rig.block_on(rig.service.scrub(&home)).unwrap();
    assert!(store.before_scan.lock().unwrap().is_empty() && store.after_look.lock().unwrap().is_empty());
    assert_eq!(findings, []);
}
