//! Delivery: what trails have asked for goes to their buckets, which are folders and S3 buckets elsewhere. The log of the
//! deployment waits for none of it: a delivery reads what is durable already, at its own pace, and goes on where it was,
//! through restarts and outages.
//!
//! `collector.rs` picks a trail's records out of the log, `job.rs` decides what is next and keeps the order that loses and
//! doubles nothing, `destination.rs` knows where buckets are.

mod backlog;
mod chain;
mod collector;
mod credentials;
mod destination;
mod directory;
mod exchange;
mod finish;
mod job;
mod role;
mod s3;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyreeve_service::Service;
use keyreeve_service::cloudtrail::TrailId;
use tokio::task::JoinHandle;

pub use backlog::{Backlog, Backlogs};
pub use credentials::CredentialsSource;
pub use destination::{Destination, DestinationFault, Destinations, S3_REGION, S3Destination};
use job::{Job, Step};
pub use role::RoleSource;

/// How fast trails are delivered.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long the first record of a log file waits for others.
    pub gather: Duration,
    /// Bytes of records that make a log file at once.
    pub file_bytes: usize,
    /// How often it is looked whether something is to do.
    pub look: Duration,
    /// The pause after a failure; it doubles with each.
    pub retry: Duration,
    /// The longest pause.
    pub retry_max: Duration,
}

/// AWS delivers after about five minutes.
impl Default for Pace {
    fn default() -> Self {
        Self {
            gather: Duration::from_secs(300),
            file_bytes: 16 << 20,
            look: Duration::from_secs(1),
            retry: Duration::from_secs(1),
            retry_max: Duration::from_secs(60),
        }
    }
}

/// Every delivery of a deployment.
#[derive(Debug)]
pub struct Deliveries {
    service: Arc<Service>,
    destinations: Arc<Destinations>,
    pace: Pace,
    backlogs: Backlogs,
}

impl Deliveries {
    /// Deliveries to these destinations; trails can be made for their buckets from now on.
    pub fn new(service: Arc<Service>, destinations: Destinations, pace: Pace) -> Self {
        let destinations = Arc::new(destinations);
        service.trails().deliver_to(Arc::clone(&destinations) as _);
        Self { service, destinations, pace, backlogs: Backlogs::default() }
    }

    /// What waits for its delivery, for metrics.
    pub const fn backlogs(&self) -> &Backlogs {
        &self.backlogs
    }

    /// Delivers for ever: to be polled beside serving, and dropped at the stop. What is being delivered then is delivered
    /// after the next start.
    pub async fn run(self) {
        let mut jobs = Jobs(HashMap::new());
        loop {
            match self.due().await {
                Ok(trails) => {
                    for id in trails {
                        if jobs.0.get(&id).is_none_or(JoinHandle::is_finished) {
                            jobs.0.insert(id.clone(), tokio::spawn(repeat(self.job(id), self.pace)));
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "trails cannot be read: nothing is delivered"),
            }
            jobs.0.retain(|_, job| !job.is_finished());
            tokio::time::sleep(self.pace.look).await;
        }
    }

    fn job(&self, id: TrailId) -> Job {
        let (service, destinations) = (Arc::clone(&self.service), Arc::clone(&self.destinations));
        Job::new(service, destinations, self.pace, id, self.backlogs.clone())
    }

    /// Trails that log, and those that have something left.
    async fn due(&self) -> Result<Vec<TrailId>, keyreeve_model::error::KmsError> {
        let trails = self.service.trails();
        let logging =
            trails.all().await?.into_iter().filter(|trail| trail.run.is_some()).map(|trail| trail.id);
        let mut due: Vec<TrailId> = logging.collect();
        let left = trails.deliveries().await?.into_iter();
        due.extend(left.filter(|row| !row.complete).map(|row| row.trail.id));
        due.sort_unstable();
        due.dedup();
        Ok(due)
    }
}

/// Jobs end with whoever started them.
#[derive(Debug)]
struct Jobs(HashMap<TrailId, JoinHandle<()>>);

impl Drop for Jobs {
    fn drop(&mut self) {
        self.0.values().for_each(JoinHandle::abort);
    }
}

/// One trail's delivery, until there is nothing left to deliver.
async fn repeat(mut job: Job, pace: Pace) {
    let mut pause = pace.retry;
    loop {
        match job.step().await {
            Step::Worked => pause = pace.retry,
            Step::Idle => tokio::time::sleep(pace.look).await,
            Step::Failed => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(pace.retry_max);
            }
            Step::Over => return,
        }
    }
}

#[cfg(test)]
mod tests;
