//! The job between Regions: drives pushes, promotions and news of deleted replicas from rows, so that a kill anywhere is
//! resumed. No request waits for it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use super::ask::ANSWER_MAX;
use crate::key_access::{NextPush, Task};
use crate::regions::{PeerFault, PeerReply, PeerRequest};
use crate::service::Service;

/// Keys that are looked at in one page.
const PAGE: usize = 500;
/// Keys about which one Region is asked at once.
const KEYS_AT_ONCE: usize = 4;
/// Pushes of one key in a row: a key has many materials.
const PUSHES_MAX: usize = 200;
/// How long a Region may take for one answer.
const WITHIN: Duration = Duration::from_secs(10);

/// Why work stops for now.
#[derive(Debug)]
enum Pause {
    /// The Region does not answer.
    Away(PeerFault),
    /// Something here: a conflict, the store.
    Here(KmsError),
}

impl From<KmsError> for Pause {
    fn from(error: KmsError) -> Self {
        Self::Here(error)
    }
}

fn unexpected(reply: &PeerReply) -> Pause {
    Pause::Away(PeerFault::Refused(format!("an answer to another question: {reply:?}")))
}

impl Service {
    /// Does what is left to do between Regions. To be called every second, and after [`Self::regions_stirred`]; may be
    /// called again while it runs.
    pub async fn tend_regions(&self) {
        let mut after = None;
        loop {
            let page = self.keys.region_work(after.as_ref(), PAGE).await;
            match page {
                Ok((keys, next)) => {
                    self.tend_keys_between_regions(keys).await;
                    after = next;
                }
                Err(error) => {
                    tracing::warn!(%error, "work between Regions could not be done yet");
                    return;
                }
            }
            if after.is_none() {
                return;
            }
        }
    }

    /// Waits until there may be something new to do.
    pub async fn regions_stirred(&self) {
        self.keys.stirred().await;
    }

    async fn tend_keys_between_regions(&self, keys: Vec<KeyArn>) {
        let now = self.clock().now();
        let mut pairs: BTreeMap<(Region, Region), Vec<(KeyArn, Task)>> = BTreeMap::new();
        for arn in keys {
            match self.keys.region_tasks(&arn, now).await {
                Ok(tasks) => {
                    for task in tasks {
                        let pair = (arn.region.clone(), task.region().clone());
                        pairs.entry(pair).or_default().push((arn.clone(), task));
                    }
                }
                Err(error) => {
                    tracing::warn!(key = %arn, %error, "what other Regions are to hear of a key waits");
                }
            }
        }
        let pairs = stream::iter(pairs);
        pairs.for_each_concurrent(None, |(pair, tasks)| self.tend_pair(pair, tasks, now)).await;
    }

    /// Everything that one Region has to say to another.
    async fn tend_pair(&self, pair: (Region, Region), mut tasks: Vec<(KeyArn, Task)>, now: Timestamp) {
        let stuck = &self.regions().stuck;
        let keys: Vec<KeyArn> = tasks.iter().map(|(arn, _)| arn.clone()).collect();
        tasks.retain(|(arn, _)| !stuck.waits(&pair.1, arn, now));
        if tasks.is_empty() {
            return;
        }
        let Some(turn) = self.regions().pace.begin(&pair, now) else { return };
        let mut outcomes = stream::iter(tasks)
            .map(|(arn, task)| async move {
                let outcome = self.perform(&arn, &task, now).await;
                (arn, outcome)
            })
            .buffer_unordered(KEYS_AT_ONCE);
        while let Some((arn, outcome)) = outcomes.next().await {
            match outcome {
                Ok(()) => {
                    turn.answered();
                    stuck.went_well(&pair.1, &arn);
                }
                Err(Pause::Here(error)) => tracing::debug!(key = %arn, %error, "work between Regions waits"),
                Err(Pause::Away(fault)) => {
                    tracing::warn!(key = %arn, region = %pair.1, %fault, "a Region is not told of a key yet");
                    drop(self.keys.note_behind(&arn, &pair.1, now).await);
                    match fault {
                        // It answered: nothing is said of other keys.
                        PeerFault::NotNow(_) | PeerFault::Refused(_) => {
                            turn.answered();
                            stuck.failed(&pair.1, &arn, now);
                        }
                        PeerFault::Unreachable(_) => {
                            turn.failed(now);
                            for arn in &keys {
                                drop(self.keys.note_behind(arn, &pair.1, now).await);
                            }
                            return;
                        }
                    }
                }
            }
        }
    }

    async fn perform(&self, arn: &KeyArn, task: &Task, now: Timestamp) -> Result<(), Pause> {
        match task {
            Task::Push(to) => self.push(arn, to, WITHIN).await?,
            Task::Promote(to) => self.hand_over(arn, to).await?,
            Task::TellGone(to) => self.tell_gone(arn, to).await?,
        }
        // What the answer made possible is done at once.
        let tasks = self.keys.region_tasks(arn, now).await?;
        if tasks.contains(&Task::Promote(task.region().clone())) {
            return self.hand_over(arn, task.region()).await;
        }
        Ok(())
    }

    /// Tells a replica at once, if it answers.
    ///
    /// # Errors
    /// Of this Region, when it could not note the answer; [`KmsError::Conflict`] when that may be tried again.
    pub(crate) async fn push_now(&self, arn: &KeyArn, to: &Region) -> Result<(), KmsError> {
        let now = self.clock().now();
        let outcome = tokio::time::timeout(ANSWER_MAX, self.push_once(arn, to, &[], ANSWER_MAX)).await;
        match outcome {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(Pause::Away(_))) | Err(_) => {
                drop(self.keys.note_behind(arn, to, now).await);
                Ok(())
            }
            Ok(Err(Pause::Here(error))) => Err(error),
        }
    }

    async fn push(&self, arn: &KeyArn, to: &Region, within: Duration) -> Result<(), Pause> {
        let mut lacks = Vec::new();
        for _ in 0..PUSHES_MAX {
            match self.push_once(arn, to, &lacks, within).await? {
                // It was given them, and asks for them again: not in this turn.
                NextPush::Again(next) if !next.is_empty() && next == lacks => return Ok(()),
                NextPush::Again(next) => lacks = next,
                NextPush::Done => return Ok(()),
            }
        }
        Ok(())
    }

    async fn push_once(
        &self,
        arn: &KeyArn,
        to: &Region,
        lacks: &[Option<keyreeve_model::material_id::MaterialId>],
        within: Duration,
    ) -> Result<NextPush, Pause> {
        let now = self.clock().now();
        let message = self.keys.push_message(self.regions(), arn, to, lacks, now).await?;
        let Some(message) = message else { return Ok(NextPush::Done) };
        let told = message.shared.at.clone();
        let request = PeerRequest::Synchronize(Box::new(message));
        let reply = self.ask_within(&arn.region, to, &request, within).await.map_err(Pause::Away)?;
        let PeerReply::Synchronize(answer) = reply else { return Err(unexpected(&reply)) };
        Ok(self.keys.pushed(self.regions(), arn, (to, &told), *answer, now).await?)
    }

    async fn hand_over(&self, arn: &KeyArn, to: &Region) -> Result<(), Pause> {
        let Some(message) = self.keys.promote_message(arn, to).await? else { return Ok(()) };
        let told = message.shared.at.clone();
        let request = PeerRequest::Promote(Box::new(message));
        let now = self.clock().now();
        let reply = self.ask_within(&arn.region, to, &request, WITHIN).await.map_err(Pause::Away)?;
        let PeerReply::Promote(answer) = reply else { return Err(unexpected(&reply)) };
        Ok(self.keys.promotion_answered(self.regions(), arn, (to, &told), *answer, now).await?)
    }

    async fn tell_gone(&self, arn: &KeyArn, to: &Region) -> Result<(), Pause> {
        let Some(message) = self.keys.gone_message(arn).await? else { return Ok(()) };
        let now = self.clock().now();
        let request = PeerRequest::ReplicaGone(message);
        let reply = self.ask_within(&arn.region, to, &request, WITHIN).await.map_err(Pause::Away)?;
        let PeerReply::ReplicaGone(answer) = reply else { return Err(unexpected(&reply)) };
        Ok(self.keys.gone_told(arn, to, answer, now).await?)
    }
}

impl Task {
    /// Whom it concerns.
    const fn region(&self) -> &Region {
        match self {
            Self::Push(region) | Self::Promote(region) | Self::TellGone(region) => region,
        }
    }
}
