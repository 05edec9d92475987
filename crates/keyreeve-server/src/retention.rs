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
