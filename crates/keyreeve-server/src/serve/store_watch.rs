//! Whether the store answers and its disk takes more: looked at once a second on a thread of its own, which may block,
//! so that readiness itself never does. A look that hangs is a store that does not answer.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use keyreeve_service::records::path as rows;
use keyreeve_store::{SqliteStore, Store as _, StoreError};
use rustix::fs::StatVfsMountFlags;

use crate::observe::{Readiness, Ready};

/// Time between two looks.
const INTERVAL: Duration = Duration::from_secs(1);
/// A last look older than this says that the store hangs.
const STALE: Duration = Duration::from_secs(5);
/// Free space below which no more requests should come, in bytes: the store's log may grow by this much at a time.
const FREE_BYTES_MIN: u64 = 64 * 1024 * 1024;

/// The latest look.
#[derive(Debug, Clone)]
pub(super) struct StoreWatch(Arc<Mutex<Look>>);

#[derive(Debug)]
struct Look {
    at: Option<Instant>,
    reasons: Vec<String>,
}

impl StoreWatch {
    /// Before the store is open.
    pub(super) fn starting() -> Self {
        let reasons = vec!["starting: the root key is not unsealed yet".to_owned()];
        Self(Arc::new(Mutex::new(Look { at: None, reasons })))
    }

    /// Looks at the store now, and from now on for as long as somebody else holds it.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn begin(&self, store: &Arc<SqliteStore>, data: &Path) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (watch, store, data) = (self.clone(), Arc::downgrade(store), data.to_owned());
        let look = move || {
            while let Some(reasons) = runtime.block_on(look(&store, &data)) {
                watch.note(reasons);
                std::thread::sleep(INTERVAL);
            }
        };
        std::thread::Builder::new().name("keyreeve-health".to_owned()).spawn(look).map(drop)
    }

    fn note(&self, reasons: Vec<String>) {
        let mut look = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if look.reasons != reasons {
            match reasons.is_empty() {
                true => tracing::info!("ready: the store answers"),
                false => tracing::error!(reasons = reasons.join("; "), "not ready"),
            }
        }
        *look = Look { at: Some(Instant::now()), reasons };
    }
}

impl Ready for StoreWatch {
    fn readiness(&self) -> Readiness {
        let look = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut reasons = look.reasons.clone();
        if look.at.is_some_and(|at| at.elapsed() > STALE) {
            reasons.push(format!("the store has not answered for {} s", STALE.as_secs()));
        }
        if reasons.is_empty() { Readiness::Ready } else { Readiness::NotReady(reasons) }
    }
}

/// What is wrong; `None` once the store is closed.
async fn look(store: &Weak<SqliteStore>, data: &Path) -> Option<Vec<String>> {
    let store = store.upgrade()?;
    let mut reasons = Vec::new();
    match rows::keyring() {
        Ok(keyring) => match store.get(&[keyring]).await {
            Ok(snapshot) if snapshot.rows.iter().any(Option::is_some) => {}
            Ok(_) => reasons.push("the store has no keyring any more".to_owned()),
            Err(StoreError::Unavailable { reason }) => reasons.push(reason.to_string()),
            Err(error @ StoreError::TooManyPaths { .. }) => reasons.push(error.to_string()),
        },
        Err(error) => reasons.push(error.to_string()),
    }
    reasons.extend(disk_fault(data, FREE_BYTES_MIN));
    Some(reasons)
}

/// What keeps the folder's file system from taking more.
fn disk_fault(data: &Path, free_bytes_min: u64) -> Option<String> {
    let shown = data.display();
    match rustix::fs::statvfs(data) {
        Err(error) => Some(format!("{shown} cannot be looked at ({error}): is its file system mounted?")),
        Ok(disk) if disk.f_flag.contains(StatVfsMountFlags::RDONLY) => {
            Some(format!("{shown} is on a file system that is mounted read-only"))
        }
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let mib = |bytes: u64| bytes / (1024 * 1024);
            (free < free_bytes_min).then(|| {
                format!(
                    "{} MiB are free on the disk of {shown}, at least {} are needed",
                    mib(free),
                    mib(free_bytes_min)
                )
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_not_ready_before_its_first_look_and_after_a_stale_one() {
        let watch = StoreWatch::starting();
        assert!(
            matches!(watch.readiness(), Readiness::NotReady(reasons) if reasons[0].starts_with("starting"))
        );
        watch.note(Vec::new());
        assert_eq!(watch.readiness(), Readiness::Ready);
        let long_ago = Instant::now().checked_sub(STALE * 2);
        watch.0.lock().unwrap().at = long_ago;
        assert!(long_ago.is_none() || matches!(watch.readiness(), Readiness::NotReady(_)));
        watch.note(vec!["the disk is full".to_owned()]);
        assert_eq!(watch.readiness(), Readiness::NotReady(vec!["the disk is full".to_owned()]));
    }

    #[test]
    fn a_disk_that_is_full_or_gone_is_a_fault() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(disk_fault(folder.path(), 0), None);
        assert!(disk_fault(folder.path(), u64::MAX).unwrap().contains("are needed"));
        assert!(disk_fault(&folder.path().join("absent"), 0).unwrap().contains("mounted?"));
    }
}
