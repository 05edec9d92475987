//! Retention of the audit log: once an hour what is older or more than is configured is exported and purged, and never what
//! a trail has still to deliver.

use std::sync::Arc;
use std::time::Duration;

use keyreeve_audit::Place;
use keyreeve_audit::retention::{Policy, Purge, RetentionError, Tombstone, plan, purge};
use keyreeve_audit::verify::Keys;
use keyreeve_model::error::KmsError;
use keyreeve_service::Service;
use tokio::runtime::Handle;

use crate::config::Retention;

/// How often.
const INTERVAL: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Why nothing was purged.
#[derive(Debug, thiserror::Error)]
enum PurgeError {
    #[error(transparent)]
    Service(#[from] KmsError),
    #[error(transparent)]
    Retention(#[from] RetentionError),
    #[error("the log cannot be read: {0}")]
    Plan(#[from] std::io::Error),
    #[error("a signing key in the store is none")]
    Keys,
    #[error("the purge was interrupted")]
    Interrupted,
}

/// For ever. Does nothing where everything is kept.
pub(crate) async fn tend(service: Arc<Service>, retention: Retention) {
    while retention.days.is_some() || retention.bytes.is_some() {
        match purge_once(&service, &retention).await {
            Ok(None) => {}
            Ok(Some(tombstone)) => {
                let (from, to) = (tombstone.from.0, tombstone.to.0);
                tracing::info!(from, to, "records of the audit log were purged, as configured");
            }
            Err(error) => tracing::error!(%error, "the audit log could not be purged"),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

async fn purge_once(service: &Arc<Service>, retention: &Retention) -> Result<Option<Tombstone>, PurgeError> {
    let policy = Policy {
        age: retention.days.map(|days| DAY * days),
        total_bytes: retention.bytes,
        delivered: service.trails().delivered_by_all().await?.unwrap_or(Place(u64::MAX)),
    };
    let (journal, now) = (Arc::clone(service.audit()), service.clock().now());
    let folder = journal.folder().to_owned();
    let segments = plan(&folder, now, &policy)?;
    let published = service.published_keys().await?;
    let keys = Keys::new(published.iter().map(|published| &published.key)).ok_or(PurgeError::Keys)?;
    let key = service.signing_key().await?;
    let what = Purge { folder, segments, export: retention.export_folder.clone(), now };
    // It reads and hashes whole segments between its awaits.
    let runtime = Handle::current();
    let purging = tokio::task::spawn_blocking(move || runtime.block_on(purge(&journal, &key, &keys, what)));
    Ok(purging.await.map_err(|_| PurgeError::Interrupted)??)
}

#[cfg(test)]
mod tests {
    use keyreeve_audit::verify::{Input, verify};
    use keyreeve_audit::{Durability, Entry, Journal, JournalOptions};
    use keyreeve_crypto::keyring::Keyring;
    use keyreeve_model::region::{AccountId, Region};
    use keyreeve_service::ServiceParts;
    use keyreeve_service::clock::Clock as _;
    use keyreeve_store::MemoryStore;
    use uuid::Uuid;

    use super::*;
    use crate::clock::SystemClock;

    /// A service over a log of several small segments.
    fn service(folder: &std::path::Path) -> Arc<Service> {
        let options = JournalOptions {
            folder: folder.to_owned(),
            durability: Durability::Buffered,
            segment_bytes: 64 << 10,
            reserve_bytes: 0,
        };
        let audit = Arc::new(Journal::open(&options).unwrap());
        let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(SystemClock));
        let keyring = Keyring::generate(clock.now()).unwrap();
        Arc::new(Service::new(ServiceParts { store, keyring, clock, audit }))
    }

    async fn fill(service: &Service) {
        let region = Region::parse("eu-central-1").unwrap();
        for _ in 0..40 {
            let entry = Entry {
                id: Uuid::new_v4(),
                time: service.clock().now(),
                account: AccountId::ZERO,
                region: region.clone(),
                event: vec![b' '; 8 << 10],
                rows: Vec::new(),
            };
            service.audit().append(vec![entry]).await.unwrap();
        }
        service.commit_head(&region).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_more_than_configured_is_exported_and_purged_and_the_rest_verifies() {
        let (log, export) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let service = service(log.path());
        fill(&service).await;
        let everything = Retention::default();
        assert!(purge_once(&service, &everything).await.unwrap().is_none());
        let export_folder = Some(export.path().to_owned());
        let little = Retention { days: None, bytes: Some(100 << 10), export_folder };
        let tombstone = purge_once(&service, &little).await.unwrap().expect("there is more than 100 KiB");
        let exported = std::fs::read_dir(export.path()).unwrap().count();
        assert!(exported >= tombstone.segments.len(), "{exported}");
        let published = service.published_keys().await.unwrap();
        let keys = Keys::new(published.iter().map(|published| &published.key));
        let input = Input { folder: log.path().to_owned(), keys, anchor: None };
        let report = verify(&input, &mut |_, _| {}).unwrap();
        assert!(report.finding.is_none(), "{report:?}");
        assert_eq!(report.first.0, tombstone.to.0 + 1);
    }
}
