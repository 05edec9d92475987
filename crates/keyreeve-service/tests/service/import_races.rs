//! Imported material that goes while another request is under way, or that was lost: requests hear what is so, and an
//! import is acknowledged only if the bytes are there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use keyreeve_store::{
    ChangeItem, Commit, CommitError, CommitId, MemoryStore, Page, Path, Revision, Snapshot, Store, StoreError,
};
use serde_json::{Value, json};

use crate::importing::{external_symmetric, import_body};
use crate::rig::{Rig, b64, call_bytes, id_of, root};

const MATERIAL: [u8; 32] = [9; 32];

/// What happens meanwhile.
type Meanwhile = BoxFuture<'static, ()>;

/// A store in which something else happens before a material is read.
#[derive(Default)]
struct Busy {
    inner: Arc<MemoryStore>,
    before_read: Mutex<VecDeque<Meanwhile>>,
}

impl std::fmt::Debug for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Busy").finish_non_exhaustive()
    }
}

impl Store for Busy {
    fn get<'a>(&'a self, paths: &'a [Path]) -> BoxFuture<'a, Result<Snapshot, StoreError>> {
        Box::pin(async move {
            if paths.iter().any(|path| path.as_str().contains("/material/")) {
                let next = self.before_read.lock().unwrap().pop_front();
                if let Some(next) = next {
                    next.await;
                }
            }
            self.inner.get(paths).await
        })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a Path>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.inner.scan(prefix, after, limit)
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

fn busy() -> (Rig, Arc<Busy>) {
    let mut kept = None;
    let rig = Rig::over(|inner| {
        let store = Arc::new(Busy { inner, ..Busy::default() });
        kept = Some(Arc::clone(&store));
        store
    });
    (rig, kept.unwrap())
}

fn request(rig: &Rig, operation: &'static str, body: Value) -> Meanwhile {
    let service = Arc::clone(&rig.service);
    Box::pin(async move {
        call_bytes(&service, &root(), operation, &body.to_string().into_bytes()).await.unwrap();
    })
}

fn encrypt(key: &str) -> Value {
    json!({"KeyId": key, "Plaintext": b64("x")})
}

#[test]
fn a_request_whose_material_is_deleted_once_it_was_judged_is_judged_anew() {
    let (rig, store) = busy();
    let key = external_symmetric(&rig);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, MATERIAL));
    let delete = request(&rig, "DeleteImportedKeyMaterial", json!({"KeyId": key}));
    store.before_read.lock().unwrap().push_back(delete);
    let text = format!("{key} is pending import.");
    rig.refuses("Encrypt", encrypt(&key), "KMSInvalidStateException", &text);
    assert!(store.before_read.lock().unwrap().is_empty());
}

#[test]
fn an_import_whose_material_is_deleted_before_it_is_read_back_was_one() {
    let (rig, store) = busy();
    let key = external_symmetric(&rig);
    let mut import = import_body(&rig, &key, MATERIAL);
    import["ImportType"] = json!("NEW_KEY_MATERIAL");
    // The first look at the row is before the commit, the second after it.
    let delete = request(&rig, "DeleteImportedKeyMaterial", json!({"KeyId": key}));
    store.before_read.lock().unwrap().extend([Box::pin(std::future::ready(())) as Meanwhile, delete]);
    rig.ok("ImportKeyMaterial", import);
    assert!(store.before_read.lock().unwrap().is_empty());
    assert_eq!(rig.state(&key), "PendingImport");
}

/// The key's material is gone from the store, or is another's.
fn damage(rig: &Rig, key: &str, by: Option<&[u8]>) {
    let rows = rig.block_on(rig.store.scan("kms/", None, 1000)).unwrap().rows;
    let place = format!("/material/{}/", id_of(key));
    let (path, _) = rows.into_iter().find(|(path, _)| path.as_str().contains(&place)).unwrap();
    let commit = Commit::new(CommitId::new([0xee; 16]));
    let commit = match by {
        Some(bytes) => commit.put(path, bytes.to_vec()),
        None => commit.delete(path),
    };
    rig.block_on(rig.store.commit(commit)).unwrap();
}

#[test]
fn importing_material_again_restores_bytes_that_were_lost() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, MATERIAL));
    damage(&rig, &key, None);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, MATERIAL));
    rig.restarted().ok("Encrypt", encrypt(&key));
}

#[test]
fn importing_material_again_is_not_acknowledged_over_a_row_that_was_altered() {
    let rig = Rig::new();
    let key = external_symmetric(&rig);
    rig.ok("ImportKeyMaterial", import_body(&rig, &key, MATERIAL));
    damage(&rig, &key, Some(b"altered"));
    let again = import_body(&rig, &key, MATERIAL);
    rig.refuses("ImportKeyMaterial", again, "KMSInternalException", "An internal error occurred.");
}
