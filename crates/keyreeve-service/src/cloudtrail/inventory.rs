//! The rows of trails and of their deliveries.

use std::sync::{Arc, OnceLock};

use keyreeve_audit::Place;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::trail_error::TrailFault;

use super::buckets::Buckets;
use super::delivery::Delivery;
use super::trail::{Run, Trail, TrailId};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::records::{Draft, Records, Stamp, Stamped, path};

/// Rows that are read at a time.
const PAGE: usize = 1000;

/// Every trail of the deployment.
#[derive(Debug)]
pub struct Trails {
    records: Arc<Records>,
    buckets: OnceLock<Arc<dyn Buckets>>,
}

impl Trails {
    pub(crate) fn new(records: Arc<Records>) -> Self {
        Self { records, buckets: OnceLock::new() }
    }

    /// Delivers to these buckets, unless something was given before; without any, no trail can be made.
    pub fn deliver_to(&self, buckets: Arc<dyn Buckets>) {
        drop(self.buckets.set(buckets));
    }

    pub(crate) fn has_bucket(&self, bucket: &str) -> bool {
        self.buckets.get().is_some_and(|buckets| buckets.exists(bucket))
    }

    /// Every trail, in the order of Regions, accounts and names.
    ///
    /// # Errors
    /// Store errors.
    pub async fn all(&self) -> Result<Vec<Trail>, KmsError> {
        self.rows(path::TRAILS_PREFIX).await
    }

    /// Every delivery, also of trails that were deleted and have something left.
    ///
    /// # Errors
    /// Store errors.
    pub async fn deliveries(&self) -> Result<Vec<Delivery>, KmsError> {
        self.rows(path::TRAIL_DELIVERIES_PREFIX).await
    }

    /// The trails of an account whose home is this Region.
    pub(crate) async fn of(&self, account: AccountId, home: &Region) -> Result<Vec<Trail>, KmsError> {
        self.rows(&path::trails_prefix(home, account)).await
    }

    /// The trails of an account, wherever their home is.
    pub(crate) async fn of_account(&self, account: AccountId) -> Result<Vec<Trail>, KmsError> {
        let mut trails = self.all().await?;
        trails.retain(|trail| trail.id.account == account);
        Ok(trails)
    }

    async fn rows<T: serde::de::DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>, KmsError> {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = self.records.page::<T>(prefix, after.as_ref(), PAGE).await?;
            all.extend(page.rows.into_iter().map(|(_, row)| row));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// A trail.
    ///
    /// # Errors
    /// Store errors.
    pub async fn look(&self, id: &TrailId) -> Result<Option<Stamped<Trail>>, KmsError> {
        self.records.read(&path::trail(id)?).await
    }

    /// A trail that must be there.
    ///
    /// # Errors
    /// TrailNotFoundException.
    pub(crate) async fn find(&self, id: &TrailId) -> Result<Stamped<Trail>, KmsError> {
        self.look(id).await?.ok_or_else(|| {
            let text = format!("Unknown trail: {id} for the user: {}", id.account);
            TrailFault::TrailNotFound.because(text).into()
        })
    }

    /// Writes a trail: a new one, or in place of the one that was read.
    pub(crate) async fn put(
        &self,
        desk: &Desk<'_>,
        before: Option<Stamp>,
        trail: &Trail,
    ) -> Result<(), KmsError> {
        let draft = self.records.draft()?.put(&path::trail(&trail.id)?, before, trail)?;
        self.change(desk, draft).await
    }

    /// Commits what a request changes.
    async fn change(&self, desk: &Desk<'_>, draft: Draft) -> Result<(), KmsError> {
        self.records.commit(draft, Cause::Request(desk)).await
    }

    /// Commits what the delivery writes down for itself: a place in the log, of which the log says nothing.
    async fn note(&self, draft: Draft) -> Result<(), KmsError> {
        self.records.commit_unrecorded(draft).await
    }

    /// Removes a trail. What it had still to deliver, up to now, is delivered all the same.
    pub(crate) async fn delete(&self, desk: &Desk<'_>, found: &Stamped<Trail>) -> Result<(), KmsError> {
        let (trail, now) = (&found.value, desk.now);
        let mut draft = self.records.draft()?.delete(&path::trail(&trail.id)?, found.stamp);
        let delivery = self.delivery(&trail.id).await?;
        let before = delivery.as_ref().map(|row| row.stamp);
        if let Some(done) = delivery.as_ref().filter(|row| row.value.complete && trail.run.is_none()) {
            return self.change(desk, draft.delete(&path::trail_delivery(&trail.id)?, done.stamp)).await;
        }
        // A trail that was started and not seen by the delivery yet has something to deliver too.
        let begun = || trail.run.clone().map(|run| Delivery::beginning(trail.clone(), run));
        if let Some(mut row) = delivery.map(|row| row.value).or_else(begun) {
            row.deleted = Some(trail.run.as_ref().map_or(trail.stopped.unwrap_or(now), |_| now));
            draft = draft.put(&path::trail_delivery(&trail.id)?, before, &row)?;
        }
        self.change(desk, draft).await
    }

    /// How far the delivery of a trail has come.
    ///
    /// # Errors
    /// Store errors.
    pub async fn delivery(&self, id: &TrailId) -> Result<Option<Stamped<Delivery>>, KmsError> {
        self.records.read(&path::trail_delivery(id)?).await
    }

    /// The newest frame that every delivery has passed: what comes after it must not be purged yet. `None` when none
    /// waits for anything.
    ///
    /// # Errors
    /// Store errors.
    pub async fn delivered_by_all(&self) -> Result<Option<Place>, KmsError> {
        let rows = self.deliveries().await?;
        // A run that the delivery has not seen yet has its place too.
        let unseen = |run: &Run| rows.iter().all(|row| row.run != *run);
        let begun = self.all().await?.into_iter().filter_map(|trail| trail.run).filter(unseen);
        let waiting = rows.iter().filter(|row| !row.complete).map(|row| row.cursor);
        Ok(waiting.chain(begun.map(|run| run.after)).min())
    }

    /// Writes how far a delivery has come.
    ///
    /// # Errors
    /// [`KmsError::Conflict`] when it was written by somebody else meanwhile.
    pub async fn put_delivery(&self, before: Option<Stamp>, row: &Delivery) -> Result<(), KmsError> {
        let path = path::trail_delivery(&row.trail.id)?;
        self.note(self.records.draft()?.put(&path, before, row)?).await
    }

    /// Removes the row of a delivery that is complete.
    ///
    /// # Errors
    /// As [`Self::put_delivery`].
    pub async fn end_delivery(&self, row: &Stamped<Delivery>) -> Result<(), KmsError> {
        let path = path::trail_delivery(&row.value.trail.id)?;
        self.note(self.records.draft()?.delete(&path, row.stamp)).await
    }
}
