//! The delivery of one trail, step by step. What is to be put is fixed in the store first, with its name and the stretch of
//! the log that it holds; then it is put; then the store learns that it was. A kill between any two of these is made good by
//! doing the second and third once more, which changes nothing.

use std::sync::Arc;

use keyreeve_audit::delivery::{DeliveredBy, digest_key, log_key};
use keyreeve_audit::{JournalError, Place};
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::Service;
use keyreeve_service::cloudtrail::{Chain, Delivery, Pending, PendingLog, Trail, TrailId};
use keyreeve_service::records::Stamped;

use super::Pace;
use super::backlog::Backlogs;
use super::chain::{begin_chain, end_of_digest, succeeding};
use super::collector::Collector;
use super::destination::{Destinations, PutFault};

/// Log files that one digest lists at the most: the row that holds them has to fit the store.
const LOGS_PER_DIGEST: usize = 200;
const LOGS_PER_ROW: usize = 400;
/// How long after the end of logging records of before it may still become durable.
const LATE_SECONDS: i64 = 5;
/// Frames without a record for the trail, after which the store learns that they were looked at.
const LOOKED_AT_MAX: u64 = 50_000;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Something was done; the next step may do more.
    Worked,
    /// There is nothing to do yet.
    Idle,
    /// Something could not be done: once more after a pause.
    Failed,
    /// There is nothing left to do.
    Over,
}

/// Why a step failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The store.
    Store(KmsError),
    /// The log.
    Log(JournalError),
    /// The destination.
    Put { digest: bool, fault: PutFault },
    /// The key, or a thread.
    Internal,
}

impl From<KmsError> for Trouble {
    fn from(error: KmsError) -> Self {
        Self::Store(error)
    }
}

/// A trail's delivery.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) service: Arc<Service>,
    pub(super) destinations: Arc<Destinations>,
    pace: Pace,
    pub(super) id: TrailId,
    pub(super) backlogs: Backlogs,
    pub(super) collector: Option<Collector>,
    /// When the first record was picked that waits for others.
    gathering_since: Option<Timestamp>,
}

impl Job {
    pub(super) const fn new(
        service: Arc<Service>,
        destinations: Arc<Destinations>,
        pace: Pace,
        id: TrailId,
        backlogs: Backlogs,
    ) -> Self {
        Self { service, destinations, pace, id, backlogs, collector: None, gathering_since: None }
    }

    /// Does what is next.
    pub(super) async fn step(&mut self) -> Step {
        match self.next().await {
            Ok(Step::Over) => {
                self.backlogs.end(&self.id);
                Step::Over
            }
            Ok(step) => step,
            // Somebody changed the trail meanwhile: look again.
            Err(Trouble::Store(KmsError::Conflict)) => Step::Worked,
            Err(trouble) => {
                self.collector = None;
                self.complain(&trouble).await;
                Step::Failed
            }
        }
    }

    async fn next(&mut self) -> Result<Step, Trouble> {
        let (service, now) = (Arc::clone(&self.service), self.service.clock().now());
        let trails = service.trails();
        let trail = trails.look(&self.id).await?.map(|found| found.value);
        let Some(mut found) = trails.delivery(&self.id).await? else { return self.begin(trail).await };
        if let Some(pending) = found.value.pending.clone() {
            self.finish(found, pending, now).await?;
            return Ok(Step::Worked);
        }
        let ended = found.value.ended(trail.as_ref());
        if found.value.complete {
            return self.after_the_end(found, trail).await;
        }
        if let (None, Some(trail)) = (ended, trail)
            && found.value.trail != trail
        {
            found.value.trail = trail;
            return self.write(found).await;
        }
        self.collect(&found.value, ended).await?;
        self.tell_backlog(&found.value);
        let due = self.due_logs(&found.value, ended, now);
        if let Some(pending) = due.or_else(|| self.due_digest(&found.value, ended, now)) {
            found.value.pending = Some(pending);
            return self.write(found).await;
        }
        if ended.is_some_and(|ended| self.all_is_picked(ended, now)) && found.value.chains.is_empty() {
            found.value.complete = true;
            return self.write(found).await;
        }
        if found.value.trail.validation && found.value.chains.is_empty() && ended.is_none() {
            begin_chain(&mut found.value, now, self.id.home.as_str());
            return self.write(found).await;
        }
        self.note_what_was_looked_at(found).await
    }

    async fn begin(&self, trail: Option<Trail>) -> Result<Step, Trouble> {
        let Some((trail, run)) = trail.and_then(|trail| trail.run.clone().map(|run| (trail, run))) else {
            return Ok(Step::Over);
        };
        let mut row = Delivery::beginning(trail, run.clone());
        begin_chain(&mut row, run.started, self.id.home.as_str());
        self.service.trails().put_delivery(None, &row).await?;
        Ok(Step::Worked)
    }

    async fn write(&self, row: Stamped<Delivery>) -> Result<Step, Trouble> {
        self.service.trails().put_delivery(Some(row.stamp), &row.value).await?;
        Ok(Step::Worked)
    }

    /// Everything of a run was delivered: another may have begun.
    async fn after_the_end(
        &mut self,
        found: Stamped<Delivery>,
        trail: Option<Trail>,
    ) -> Result<Step, Trouble> {
        let trails = self.service.trails();
        let begun = trail.and_then(|trail| trail.run.clone().map(|run| (trail, run)));
        match begun.filter(|(_, run)| *run != found.value.run) {
            Some((trail, run)) => {
                let row = succeeding(&found.value, trail, run, &self.id);
                trails.put_delivery(Some(found.stamp), &row).await?;
                self.collector = None;
                Ok(Step::Worked)
            }
            None if found.value.deleted.is_some() => {
                trails.end_delivery(&found).await?;
                Ok(Step::Worked)
            }
            None => Ok(Step::Over),
        }
    }

    async fn collect(&mut self, row: &Delivery, ended: Option<Timestamp>) -> Result<(), Trouble> {
        self.pick(row, ended, None, self.pace.file_bytes).await
    }

    /// Picks records up to a frame, or as many as are there.
    pub(super) async fn pick(
        &mut self,
        row: &Delivery,
        until: Option<Timestamp>,
        upto: Option<Place>,
        bytes: usize,
    ) -> Result<(), Trouble> {
        let kept = self.collector.take().filter(|kept| {
            kept.picks(&row.trail, until, row.cursor) && upto.is_none_or(|upto| kept.read() <= upto)
        });
        let mut collector = kept.unwrap_or_else(|| Collector::new(row.trail.clone(), until, row.cursor));
        let journal = Arc::clone(self.service.audit());
        let picked =
            tokio::task::spawn_blocking(move || collector.advance(&journal, upto, bytes).map(|()| collector));
        self.collector = Some(picked.await.map_err(|_| Trouble::Internal)?.map_err(Trouble::Log)?);
        Ok(())
    }

    /// Whether nothing of before the end can come any more.
    fn all_is_picked(&self, ended: Timestamp, now: Timestamp) -> bool {
        let Some(collector) = &self.collector else { return false };
        let late =
            now > ended.plus_seconds(LATE_SECONDS) && collector.read() >= self.service.audit().durable();
        collector.is_past() || late
    }

    fn due_logs(&mut self, row: &Delivery, ended: Option<Timestamp>, now: Timestamp) -> Option<Pending> {
        let collector = self.collector.as_ref().filter(|collector| !collector.is_empty());
        let Some(collector) = collector else {
            self.gathering_since = None;
            return None;
        };
        let since = *self.gathering_since.get_or_insert(now);
        let gathered = i64::try_from(self.pace.gather.as_millis()).unwrap_or(i64::MAX);
        // The age of the oldest record counts too, so that a restart does not begin to wait anew.
        let waited = now.as_millis() - since.as_millis() >= gathered
            || collector.oldest().is_some_and(|oldest| now.as_millis() - oldest.as_millis() >= gathered);
        let full = collector.bytes() >= self.pace.file_bytes;
        if !(waited || full || ended.is_some_and(|ended| self.all_is_picked(ended, now))) {
            return None;
        }
        let file = |region: &str| {
            let region = Region::parse(region)?;
            let object = log_key(&delivered_by(&row.trail, &region), now, row.cursor);
            Some(PendingLog { region: region.to_string(), bucket: row.trail.bucket.clone(), object })
        };
        let files = collector.regions().filter_map(file).collect();
        self.gathering_since = None;
        Some(Pending::Logs { upto: collector.read(), until: ended, files })
    }

    fn due_digest(&self, row: &Delivery, ended: Option<Timestamp>, now: Timestamp) -> Option<Pending> {
        let last = (ended.is_some_and(|ended| self.all_is_picked(ended, now)) || !row.trail.validation)
            && self.collector.as_ref().is_none_or(|collector| ended.is_none() || collector.is_empty());
        let crowded = row.chains.values().map(|chain| chain.logs.len()).sum::<usize>() >= LOGS_PER_ROW;
        let due = |chain: &Chain| {
            chain.end <= now || chain.logs.len() >= LOGS_PER_DIGEST || (crowded && !chain.logs.is_empty())
        };
        let (name, chain) = row.chains.iter().find(|(_, chain)| last || due(chain))?;
        let end = end_of_digest(chain, last.then(|| ended.unwrap_or(now)), now);
        let region = Region::parse(name)?;
        Some(Pending::Digest {
            object: digest_key(&delivered_by(&row.trail, &region), end),
            region: region.to_string(),
            bucket: row.trail.bucket.clone(),
            end,
            // What ends before the run does is an hour like others.
            last: last && end >= ended.unwrap_or(now),
        })
    }

    /// Not at each look: it is written only after many frames without a record for this trail.
    async fn note_what_was_looked_at(&mut self, mut found: Stamped<Delivery>) -> Result<Step, Trouble> {
        let Some(collector) = self.collector.as_mut().filter(|collector| collector.is_empty()) else {
            return Ok(Step::Idle);
        };
        if collector.read().0 < found.value.cursor.0 + LOOKED_AT_MAX {
            return Ok(Step::Idle);
        }
        found.value.cursor = collector.read();
        self.service.trails().put_delivery(Some(found.stamp), &found.value).await?;
        collector.delivered();
        Ok(Step::Worked)
    }

    fn tell_backlog(&self, row: &Delivery) {
        let Some(collector) = &self.collector else { return };
        let looked_at = if collector.is_empty() { collector.read() } else { row.cursor };
        let frames = self.service.audit().durable().0.saturating_sub(looked_at.0);
        self.backlogs.change(&self.id, |backlog| {
            backlog.frames = frames;
            backlog.oldest = collector.oldest();
        });
    }

    /// Says why; into the row only what was not there, as each write of it is a commit.
    async fn complain(&self, trouble: &Trouble) {
        let why = match trouble {
            Trouble::Put { fault, .. } => fault.why.clone(),
            Trouble::Store(error) => error.to_string(),
            Trouble::Log(error) => error.to_string(),
            Trouble::Internal => "an internal error occurred".to_owned(),
        };
        tracing::warn!(trail = %self.id, why, "a delivery failed and is tried again");
        let durable = self.service.audit().durable();
        self.backlogs.change(&self.id, |backlog| backlog.error = Some(why.clone()));
        let Trouble::Put { digest, fault } = trouble else { return };
        let Ok(Some(mut found)) = self.service.trails().delivery(&self.id).await else { return };
        let frames = durable.0.saturating_sub(found.value.cursor.0);
        self.backlogs.change(&self.id, |backlog| backlog.frames = frames);
        let status = &mut found.value.status;
        let told = if *digest { &mut status.digest_error } else { &mut status.error };
        if told.as_ref() == Some(&fault.code) {
            return;
        }
        *told = Some(fault.code.clone());
        status.tried = Some(self.service.clock().now());
        if let Err(error) = self.service.trails().put_delivery(Some(found.stamp), &found.value).await {
            tracing::warn!(%error, "why a delivery failed could not be stored");
        }
    }
}

fn delivered_by<'a>(trail: &'a Trail, region: &'a Region) -> DeliveredBy<'a> {
    DeliveredBy {
        prefix: trail.prefix.as_deref(),
        account: trail.id.account,
        region,
        trail: &trail.id.name,
        home: &trail.id.home,
    }
}
