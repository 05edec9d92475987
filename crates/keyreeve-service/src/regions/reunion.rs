//! Regions that meet, or meet again after one did not answer, first tell each other whose word counts: who is the home of
//! the identities, and who is the primary of each key. So a Region that was replaced while it was away hears of it before
//! it acts on what it believes; where nobody answers, it goes on as it was.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use tokio::sync::Notify;

use super::keys::Pace;
use super::message::hello::Hello;
use super::message::reunion::{Reunion, Reunited};
use super::{PeerFault, PeerReply, PeerRequest, Regions};
use crate::service::Service;

/// Seconds after which a Region that said nothing is asked whether it is there.
const BEAT_SECONDS: i64 = 5;
/// The longest pause between two tries to meet a Region, in seconds.
const PAUSE_SECONDS: i64 = 2;
/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(10);

/// How this process and another Region stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contact {
    /// It did not answer.
    Lost,
    /// It is there, and what it knows was not asked yet.
    Heard,
    /// Each knows what the other one knew.
    Together,
}

/// Whom this process is in touch with. In memory: a start meets everybody anew.
#[derive(Debug)]
pub(super) struct Reunions {
    contacts: RwLock<HashMap<Region, Contact>>,
    /// How often what this Region knows has changed.
    news: AtomicU64,
    pace: Pace,
    stir: Notify,
}

impl Default for Reunions {
    fn default() -> Self {
        Self {
            contacts: RwLock::default(),
            news: AtomicU64::new(0),
            pace: Pace::up_to(PAUSE_SECONDS),
            stir: Notify::new(),
        }
    }
}

impl Reunions {
    fn contact(&self, region: &Region) -> Contact {
        let contacts = self.contacts.read().unwrap_or_else(PoisonError::into_inner);
        contacts.get(region).copied().unwrap_or(Contact::Lost)
    }

    /// Notes how it stands; answers how it stood.
    fn set(&self, region: &Region, contact: Contact) -> Contact {
        let mut contacts = self.contacts.write().unwrap_or_else(PoisonError::into_inner);
        contacts.insert(region.clone(), contact).unwrap_or(Contact::Lost)
    }

    /// What this Region knows has changed: everybody is to hear it, and asked anew.
    pub(super) fn part(&self) {
        self.news.fetch_add(1, Ordering::AcqRel);
        let mut contacts = self.contacts.write().unwrap_or_else(PoisonError::into_inner);
        contacts.values_mut().filter(|contact| **contact == Contact::Together).for_each(|contact| {
            *contact = Contact::Heard;
        });
        drop(contacts);
        self.pace.forgive_all();
        self.stir.notify_one();
    }
}

impl Regions {
    /// A Region asked, or answered. Whether it had not before.
    pub(super) fn is_back(&self, region: &Region) -> bool {
        if self.reunions.contact(region) != Contact::Lost {
            return false;
        }
        self.reunions.set(region, Contact::Heard);
        self.reunions.pace.forgive(region);
        self.pace.forgive(region);
        self.stuck.forgive(region);
        self.reunions.stir.notify_one();
        true
    }

    /// What a Region says cannot be believed yet: it is asked again until it can.
    pub(super) fn is_doubted(&self, region: &Region) {
        self.reunions.set(region, Contact::Heard);
    }

    /// A Region did not answer whether it is there.
    pub(super) fn is_lost(&self, region: &Region) {
        if self.reunions.set(region, Contact::Lost) == Contact::Together {
            tracing::warn!(%region, "a Region does not answer any more");
        }
    }
}

impl Service {
    /// Meets the trusted Regions that this one is not in touch with, in the name of the Region `own`, which is served here;
    /// and asks whether the others are there. To be called before the first request, every second, and after
    /// [`Self::peers_stirred`]; may be called again while it runs. No request waits for it.
    pub async fn tend_peers(&self, own: &Region) {
        let trusted = self.regions().trusted();
        join_all(trusted.iter().map(|peer| self.tend_peer(own, &peer.region))).await;
    }

    /// Waits until there may be somebody to meet.
    pub async fn peers_stirred(&self) {
        self.regions().reunions.stir.notified().await;
    }

    async fn tend_peer(&self, own: &Region, other: &Region) {
        let (regions, now) = (self.regions(), self.clock().now());
        let Some(turn) = regions.reunions.pace.begin(&(own.clone(), other.clone()), now) else { return };
        if regions.reunions.contact(other) == Contact::Together {
            let silent = |last: Timestamp| {
                last.plus_seconds(BEAT_SECONDS) <= now || last > now.plus_seconds(BEAT_SECONDS)
            };
            if regions.last_contact(other).is_none_or(silent) {
                drop(self.ask_within(own, other, &PeerRequest::Hello(Hello {}), WITHIN).await);
            }
            return;
        }
        let news = regions.reunions.news.load(Ordering::Acquire);
        match self.meet(own, other).await {
            // What became known meanwhile, it was not told.
            Ok(true) if regions.reunions.news.load(Ordering::Acquire) != news => {
                regions.reunions.stir.notify_one();
            }
            Ok(true) => {
                turn.answered();
                regions.reunions.set(other, Contact::Together);
                tracing::debug!(region = %other, "a Region and this one know what each other knew");
            }
            Ok(false) => turn.failed(now),
            Err(error) => {
                tracing::debug!(region = %other, %error, "a Region cannot be met yet");
                turn.failed(now);
            }
        }
    }

    /// Whether each then knows what the other one knew.
    async fn meet(&self, own: &Region, other: &Region) -> Result<bool, KmsError> {
        let mut after = None;
        loop {
            let (keys, next) = self.keys.terms_to_ask(own, other, after.as_ref()).await?;
            let said = Reunion { home: self.regions().home_term(), keys };
            let request = PeerRequest::Reunion(Box::new(said));
            let answer = match self.ask_within(own, other, &request, WITHIN).await {
                Ok(PeerReply::Reunion(answer)) => *answer,
                Ok(_) => return Ok(false),
                Err(fault) => {
                    tracing::debug!(region = %other, %fault, "a Region does not answer");
                    return Ok(false);
                }
            };
            let now = self.clock().now();
            let believed = self.hear_of_home(own, other, answer.home.as_ref()).await?;
            if self.keys.hear_terms(own, other, &answer.newer, now).await? {
                self.regions().reunions.part();
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(believed),
            }
        }
    }

    /// What another Region says when it meets this one, and what this one knows better.
    pub(super) async fn answer_reunion(
        &self,
        from: &Region,
        to: &Region,
        said: &Reunion,
    ) -> Result<PeerReply, PeerFault> {
        let fault = |error: KmsError| {
            PeerFault::NotNow(format!("the Region answered, but not now: {}", error.wire().code))
        };
        self.hear_of_home(to, from, said.home.as_ref()).await.map_err(fault)?;
        let now = self.clock().now();
        let (newer, heard) = self.keys.compare_terms(to, from, &said.keys, now).await.map_err(fault)?;
        if heard {
            self.regions().reunions.part();
        }
        Ok(PeerReply::Reunion(Box::new(Reunited { home: self.regions().home_term(), newer })))
    }
}
