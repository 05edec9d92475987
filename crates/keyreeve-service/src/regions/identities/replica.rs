//! A Region that is not the home asks it for rows, once a second, and begins where it was when it was stopped.

use std::collections::BTreeSet;
use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use tokio::sync::MutexGuard;

use super::CopyRecord;
use super::arrival::{Arrival, Arrived, Pair, open};
use super::crossing::{Crossing, PREFIX, crossing};
use crate::audit::Cause;
use crate::records::path;
use crate::regions::message::identities::{Identities, IdentitiesPage, Position, Span};
use crate::regions::{Peer, PeerFault, PeerReply, PeerRequest};
use crate::service::Service;

/// Rows looked at at once.
const PAGE: usize = 500;
/// Rows that stand in the way of joining and are named.
const NAMED_MAX: usize = 8;

/// Why home and copy do not agree now.
enum Fault {
    /// A sentence for operators.
    Said(String),
    Store(KmsError),
}

impl From<KmsError> for Fault {
    fn from(error: KmsError) -> Self {
        Self::Store(error)
    }
}

impl Fault {
    fn sentence(self) -> String {
        match self {
            Self::Said(text) | Self::Store(KmsError::Refused(text)) => text,
            Self::Store(error) => {
                format!(
                    "the store of this Region does not take what arrived ({error:?}): see its log, and its disk"
                )
            }
        }
    }
}

impl Service {
    /// Does what is to be done about identities: at their home, makes the keys of session tokens; elsewhere, fetches what
    /// changed, in the name of the Region `own`, which is served here. To be called every second.
    pub async fn tend_identities(&self, own: &Region) {
        let now = self.clock().now();
        let Some(home) = self.regions().home() else {
            self.regions().identities.note(|seen| *seen = super::Seen::default());
            if let Err(error) = self.identity().tend_token_keys(now).await {
                tracing::warn!(%error, "keys of session tokens could not be tended yet");
            }
            return;
        };
        let outcome = self.follow(own, &home).await;
        let fault = outcome.err().map(Fault::sentence);
        let identities = &self.regions().identities;
        let since = identities.seen().since;
        if fault.is_some() != since.is_some() {
            identities.note(|seen| seen.since = fault.is_some().then_some(now));
        }
        if identities.seen().fault != fault {
            match &fault {
                Some(sentence) => {
                    tracing::warn!(home = %home.region, "the identities cannot be brought up to date: {sentence}")
                }
                None => tracing::info!(home = %home.region, "the identities are up to date again"),
            }
            identities.note(|seen| seen.fault = fault);
        }
    }

    /// Whether the identities of another Region can be taken over here: only where there are none.
    ///
    /// # Errors
    /// [`KmsError::Refused`]: names what is there, and what to do. Store errors.
    pub(crate) async fn check_no_identities(&self) -> Result<(), KmsError> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.records().stored_below(PREFIX, after.as_ref(), PAGE).await?;
            let places = page.rows.into_iter().map(|(path, _)| path).collect::<Vec<_>>();
            let own = |place: &&keyreeve_store::Path| {
                crossing(place.as_str()) != Crossing::Stays
                    && !place.as_str().starts_with(path::SESSION_TOKEN_KEYS_PREFIX)
            };
            found.extend(places.iter().filter(own).map(ToString::to_string));
            after = places.last().cloned();
            if !page.more || found.len() > NAMED_MAX {
                break;
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let more = if found.len() > NAMED_MAX { ", and more" } else { "" };
        found.truncate(NAMED_MAX);
        Err(KmsError::Refused(format!(
            "this Region has identities of its own, which those of the home would replace: {}{more}. Join with a \
             deployment that has no accounts yet, or trust the other Region without --home.",
            found.join(", ")
        )))
    }

    /// Makes ready to follow a home: a copy that is here is compared with it from the start, as what was changed while
    /// nobody was followed is in no history of the home.
    ///
    /// # Errors
    /// As [`Self::check_no_identities`].
    pub(crate) async fn prepare_to_follow(&self) -> Result<(), KmsError> {
        let mut following = self.regions().identities.following.lock().await;
        let Some(row) = self.records().read::<CopyRecord>(&path::region_identities()?).await? else {
            return self.check_no_identities().await;
        };
        let anew = CopyRecord { incarnation: String::new(), position: Position::Begin, ..row.value };
        self.note_copy(&anew, self.clock().now()).await?;
        *following = Some(anew);
        Ok(())
    }

    async fn follow(&self, own: &Region, home: &Peer) -> Result<(), Fault> {
        let mut following = self.regions().identities.following.lock().await;
        if self.regions().home().is_none_or(|now| now.region != home.region) {
            // Another Region became the home meanwhile.
            return Ok(());
        }
        self.take_up(&mut following, home).await?;
        let pair = self.regions().transport_key(own, self.clock().now()).await?;
        let mut begun = false;
        loop {
            let Some(at) = following.clone() else { return Err(KmsError::Internal.into()) };
            // What the home answers is at least as new as the question.
            let asked = self.clock().now();
            let page = self.ask_home(own, home, &at).await?;
            let complete = page.complete;
            // What was told is forgotten before the rest is asked for: not to be tried for ever in one turn.
            let again = !page.spans.is_empty() && matches!(at.position, Position::After(_));
            if again && std::mem::replace(&mut begun, true) {
                let text = format!("{} forgets what changed sooner than all of it can be told", home.region);
                return Err(Fault::Said(text));
            }
            let (next, changed) = self.take_in(own, home, &pair, page, &at).await?;
            let next = CopyRecord {
                agreed: if complete { Some(asked) } else { at.agreed },
                // From here on what changes was changed at the home.
                was_home: next.was_home && !complete,
                ..next
            };
            let every = self.regions().identities.note_every_seconds();
            let stale = at.agreed.is_none_or(|agreed| agreed.plus_seconds(every) <= asked);
            let listing = next.was_home != at.was_home
                || matches!(at.position, Position::Listing { .. } | Position::Begin);
            // Between two notes the copy only repeats what it did already.
            let noted = if changed > 0 || listing || (complete && stale) {
                self.note_copy(&next, asked).await?;
                next.agreed
            } else {
                at.agreed
            };
            *following = Some(CopyRecord { agreed: noted, ..next.clone() });
            if complete {
                self.regions().identities.note(|seen| seen.agreed = Some(asked));
                return Ok(());
            }
        }
    }

    /// Where the copy is; a new one begins only where there are no identities.
    async fn take_up(
        &self,
        following: &mut MutexGuard<'_, Option<CopyRecord>>,
        home: &Peer,
    ) -> Result<(), Fault> {
        if following.as_ref().is_some_and(|copy| copy.home == home.region.as_str()) {
            return Ok(());
        }
        let stored =
            self.records().read::<CopyRecord>(&path::region_identities()?).await?.map(|row| row.value);
        if stored.is_none() {
            self.check_no_identities().await?;
        }
        let copy = match stored {
            Some(copy) if copy.home == home.region.as_str() => copy,
            // A copy of another home's: what it has beyond this one's goes with the listing.
            Some(_) | None => {
                let copy = CopyRecord {
                    home: home.region.as_str().to_owned(),
                    incarnation: String::new(),
                    position: Position::Begin,
                    agreed: None,
                    was_home: false,
                    replaced: None,
                };
                // Before the first row: a crash then finds a copy, not identities of this Region's own.
                self.note_copy(&copy, self.clock().now()).await?;
                copy
            }
        };
        self.regions().identities.note(|seen| {
            (seen.agreed, seen.replaced) = (copy.agreed, copy.replaced.clone());
        });
        **following = Some(copy);
        Ok(())
    }

    async fn ask_home(&self, own: &Region, home: &Peer, at: &CopyRecord) -> Result<IdentitiesPage, Fault> {
        let ask = Identities { incarnation: at.incarnation.clone(), position: at.position.clone() };
        match self.ask_region(own, &home.region, &PeerRequest::Identities(ask)).await {
            Ok(PeerReply::Identities(page)) => Ok(*page),
            Ok(_) => Err(Fault::Said(format!("{} answers in words of another version", home.region))),
            Err(PeerFault::Unreachable(why)) => Err(Fault::Said(format!(
                "{0} does not answer ({why}). What is changed there does not count here meanwhile. Restore the link or {0}; \
                 if it is lost for good, two operators make this Region the home (`keyreeve region home-request --lost {0}`)",
                home.region
            ))),
            Err(PeerFault::NotNow(why)) => Err(Fault::Said(format!(
                "{} cannot hand them out now ({why}): it is asked again. If that lasts, see its log",
                home.region
            ))),
            Err(PeerFault::Refused(why)) => Err(Fault::Said(format!(
                "{} refuses to hand them out ({why}). Name the Region that is their home: `keyreeve region trust FILE --home`",
                home.region
            ))),
        }
    }

    /// Writes a page down; answers where the copy is then, and how many rows differed.
    async fn take_in(
        &self,
        own: &Region,
        home: &Peer,
        pair: &Pair,
        mut page: IdentitiesPage,
        at: &CopyRecord,
    ) -> Result<(CopyRecord, usize), Fault> {
        let kept: BTreeSet<String> = page.rows.iter().map(|row| row.path.clone()).collect();
        let (pair, from, to) = (Arc::clone(pair), home.region.clone(), own.clone());
        let opened =
            tokio::task::spawn_blocking(move || -> Result<(IdentitiesPage, Vec<Arrived>), String> {
                let arrived = open(&mut page, &pair, &from, &to)?;
                Ok((page, arrived))
            });
        let (page, mut arrived) = opened.await.map_err(|_| KmsError::Internal)?.map_err(Fault::Said)?;
        let arrival = Arrival { identity: self.identity(), now: self.clock().now() };
        arrival.add_absent(&page.spans, &mut arrived, &kept).await?;
        if lost_all_accounts(&page.spans, &arrived, &kept) {
            return Err(Fault::Said(format!(
                "{0} has no account, and this Region has some: {0} was made anew, and what is here may be the only copy. Let \
                 two operators make this Region the home (`keyreeve region home-request --lost {0}`)",
                home.region
            )));
        }
        let at = match page.spans.is_empty() {
            true => at.clone(),
            false => self.note_lost(arrival, &arrived, at).await?,
        };
        // This Region may have become the home, or follow another, while the answer was on its way.
        let counts = || self.regions().home().is_some_and(|now| now.region == home.region);
        let changed = arrival.write(&arrived, !page.spans.is_empty(), counts).await?;
        let IdentitiesPage { incarnation, next, .. } = page;
        Ok((CopyRecord { incarnation, position: next, ..at }, changed))
    }

    /// Notes what this Region had as the home and the present one has not, before it is written over.
    async fn note_lost(
        &self,
        arrival: Arrival<'_>,
        arrived: &[Arrived],
        at: &CopyRecord,
    ) -> Result<CopyRecord, Fault> {
        if !at.was_home {
            return Ok(at.clone());
        }
        let lost = arrival.differing(arrived).await?;
        if lost.is_empty() {
            return Ok(at.clone());
        }
        for path in &lost {
            tracing::warn!(home = %at.home, %path, "what was kept here differs from what the home has: it is replaced");
        }
        let replaced = at.replaced.clone().unwrap_or_default().and(&lost);
        self.regions().identities.note(|seen| seen.replaced = Some(replaced.clone()));
        let at = CopyRecord { replaced: Some(replaced), ..at.clone() };
        self.note_copy(&at, arrival.now).await?;
        Ok(at)
    }

    async fn note_copy(&self, copy: &CopyRecord, now: Timestamp) -> Result<(), KmsError> {
        let place = path::region_identities()?;
        let before = self.records().read::<CopyRecord>(&place).await?.map(|row| row.stamp);
        let draft = self.records().draft()?.put(&place, before, copy)?;
        match self.records().commit(draft, Cause::Upkeep(now)).await {
            // A rotation sealed it anew at this moment: the next page notes as much.
            Err(KmsError::Conflict) => Ok(()),
            outcome => outcome,
        }
    }
}

/// Whether a listing says that there are no accounts, where there were some. None is ever deleted: such a home is another one.
fn lost_all_accounts(spans: &[Span], arrived: &[Arrived], kept: &BTreeSet<String>) -> bool {
    let begins = |span: &Span| span.prefix == path::ACCOUNTS_PREFIX && span.after.is_none();
    spans.iter().any(begins)
        && !kept.iter().any(|path| path.starts_with(path::ACCOUNTS_PREFIX))
        && arrived.iter().any(|row| row.is_gone_below(path::ACCOUNTS_PREFIX))
}
