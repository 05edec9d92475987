//! What was fixed is put, and the store learns of it.

use keyreeve_audit::Place;
use keyreeve_audit::delivery::{DeliveredLog, Digest, PreviousDigest, SIGNATURE_ALGORITHM, log_file};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::cloudtrail::{Chain, Delivery, Pending, PendingLog};
use keyreeve_service::records::{Stamp, Stamped};

use crate::audit::HEAD_METADATA;

use super::chain::{HOUR_SECONDS, begin_chain};
use super::collector::Collected;
use super::destination::Object;
use super::job::{Job, Trouble};

impl Job {
    /// Puts what is pending.
    pub(super) async fn finish(
        &mut self,
        found: Stamped<Delivery>,
        pending: Pending,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        match pending {
            Pending::Logs { upto, until, files } => self.finish_logs(found, upto, until, files, now).await,
            Pending::Digest { region, bucket, object, end, last } => {
                self.finish_digest(found, region, PendingDigest { bucket, object, end, last }, now).await
            }
        }
    }

    async fn finish_logs(
        &mut self,
        found: Stamped<Delivery>,
        upto: Place,
        until: Option<Timestamp>,
        files: Vec<PendingLog>,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let Stamped { value: mut row, stamp } = found;
        self.pick(&row, until, Some(upto), usize::MAX).await?;
        let mut collector = self.collector.take().ok_or(Trouble::Internal)?;
        for file in files {
            let Some(collected) = collector.take_region(&file.region) else {
                tracing::error!(object = file.object, "records were purged before they were delivered");
                continue;
            };
            let delivered = self.put_log(&file, collected).await?;
            if row.trail.validation {
                begin_chain(&mut row, now, &file.region);
            }
            if let Some(chain) = row.chains.get_mut(&file.region) {
                chain.logs.push(delivered);
            }
        }
        row.cursor = upto;
        row.pending = None;
        row.status.delivered = Some(now);
        row.status.tried = Some(now);
        row.status.error = None;
        self.stored(stamp, &row).await?;
        collector.delivered();
        self.collector = Some(collector);
        Ok(())
    }

    async fn put_log(&self, file: &PendingLog, collected: Collected) -> Result<DeliveredLog, Trouble> {
        let Collected { records, oldest, newest } = collected;
        let made = tokio::task::spawn_blocking(move || log_file(records.iter().map(Vec::as_slice))).await;
        let made = made.map_err(|_| Trouble::Internal)?;
        let object = Object {
            bucket: file.bucket.clone(),
            key: file.object.clone(),
            body: made.gzip,
            metadata: Vec::new(),
        };
        self.destinations.put(object).await.map_err(|fault| Trouble::Put { digest: false, fault })?;
        let (oldest, newest) = oldest.zip(newest).ok_or(Trouble::Internal)?;
        let PendingLog { bucket, object, .. } = file.clone();
        Ok(DeliveredLog { bucket, object, hash: made.hash, newest, oldest })
    }

    async fn finish_digest(
        &self,
        found: Stamped<Delivery>,
        region: String,
        digest: PendingDigest,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let Stamped { value: mut row, stamp } = found;
        let PendingDigest { bucket, object, end, last } = digest;
        if let Some(chain) = row.chains.remove(&region) {
            let key = self.service.signing_key().await?;
            let signed = Digest {
                account: row.trail.id.account,
                start: chain.start,
                end,
                bucket: &bucket,
                object: &object,
                previous: chain.previous.as_ref(),
                logs: &chain.logs,
            };
            let signed = signed.sign(&key).map_err(|_| Trouble::Internal)?;
            let mut metadata = vec![
                ("signature", signed.signature.clone()),
                ("signature-algorithm", SIGNATURE_ALGORITHM.to_owned()),
            ];
            // With it whoever has the bucket can tell that log and store were rolled back together.
            if let Some(head) = self.service.committed_head().await? {
                metadata.push((HEAD_METADATA, serde_json::to_string(&head).unwrap_or_default()));
            }
            let put = Object { bucket: bucket.clone(), key: object.clone(), body: signed.gzip, metadata };
            self.destinations.put(put).await.map_err(|fault| Trouble::Put { digest: true, fault })?;
            if !last {
                let previous =
                    PreviousDigest { bucket, object, hash: signed.hash, signature: signed.signature };
                let next = Chain {
                    start: end,
                    end: end.plus_seconds(HOUR_SECONDS),
                    previous: Some(previous),
                    logs: Vec::new(),
                };
                row.chains.insert(region, next);
            }
        }
        row.pending = None;
        row.newest_digest_end = row.newest_digest_end.max(Some(end));
        row.status.digest_delivered = Some(now);
        row.status.digest_error = None;
        self.stored(stamp, &row).await
    }

    async fn stored(&self, before: Stamp, row: &Delivery) -> Result<(), Trouble> {
        self.backlogs.change(&self.id, |backlog| backlog.error = None);
        Ok(self.service.trails().put_delivery(Some(before), row).await?)
    }
}

/// The digest that is being delivered.
struct PendingDigest {
    bucket: String,
    object: String,
    end: Timestamp,
    last: bool,
}
