//! The term of the home of the identities. The first home is lost for good, and two operators make another Region the home:
//! their signatures go from Region to Region, each holds them against the keys that are registered with it, and follows.
//! The old home too, when it returns: there are never two whose word counts. Terms are compared by epoch and name.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::CopyRecord;
use crate::audit::{Cause, ServiceEvent};
use crate::desk::Desk;
use crate::records::path;
use crate::regions::message::identities::Position;
use crate::regions::{Confirmation, Confirmed, Regions, Signature, Signer};
use crate::service::Service;

/// How often what was heard is looked at anew when others change the same rows at the same moment.
const ATTEMPTS_MAX: usize = 8;

/// A home of the identities that took the place of a lost one, and the proof that it is: the row and the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeTerm {
    /// The first home is that of epoch 1.
    pub epoch: u64,
    /// The Region.
    pub home: Region,
    /// What operators signed.
    pub request: Confirmation,
    /// Their signatures.
    pub signatures: Vec<Signature>,
}

impl HomeTerm {
    /// Of two homes that know nothing of each other, the order of the names decides, everywhere alike. The first home of
    /// all has no name here.
    fn rank(term: Option<&Self>) -> (u64, Option<&Region>) {
        term.map_or((1, None), |term| (term.epoch, Some(&term.home)))
    }
}

/// Homes that other Regions name and that could not be proved here, by who names them.
pub(super) type Claims = BTreeMap<Region, String>;

impl Regions {
    /// The newest term of the home that is known here; `None` while it is the first.
    pub(in crate::regions) fn home_term(&self) -> Option<HomeTerm> {
        self.identities.term.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The epoch of the home.
    pub(crate) fn home_epoch(&self) -> u64 {
        HomeTerm::rank(self.home_term().as_ref()).0
    }

    /// Reads the term from the store.
    pub(in crate::regions) async fn load_home_term(&self) -> Result<(), KmsError> {
        // Until the home is asked, what was known before the restart counts. A row that was altered says nothing: whoever
        // follows the home tells of it.
        if let Ok(Some(row)) = self.records.read::<CopyRecord>(&path::region_identities()?).await {
            let home = self.home().filter(|home| home.region.as_str() == row.value.home);
            self.identities.note(|seen| {
                seen.agreed = home.and(row.value.agreed);
                seen.replaced.clone_from(&row.value.replaced);
            });
        }
        let stored = self.records.read::<HomeTerm>(&path::region_home()?).await?.map(|row| row.value);
        *self.identities.term.write().unwrap_or_else(PoisonError::into_inner) = stored;
        Ok(())
    }

    fn remember_home_term(&self, term: HomeTerm) {
        *self.identities.term.write().unwrap_or_else(PoisonError::into_inner) = Some(term);
        self.identities.claims.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.reunions.part();
    }

    /// What other Regions say of a home that could not be proved here; of trusted ones.
    pub(crate) fn home_in_doubt(&self) -> Option<String> {
        let claims = self.identities.claims.read().unwrap_or_else(PoisonError::into_inner);
        claims.iter().find(|(by, _)| self.peer(by).is_some()).map(|(_, sentence)| sentence.clone())
    }

    fn refuse_changes(&self, by: &Region, said: &HomeTerm) {
        let mut claims = self.identities.claims.write().unwrap_or_else(PoisonError::into_inner);
        claims.insert(by.clone(), format!("the identities have their home in {} from now on", said.home));
    }

    fn note_claim(&self, by: &Region, sentence: Option<String>) {
        let mut claims = self.identities.claims.write().unwrap_or_else(PoisonError::into_inner);
        if claims.get(by) != sentence.as_ref()
            && let Some(sentence) = &sentence
        {
            tracing::error!(region = %by, "{sentence}");
        }
        match sentence {
            Some(sentence) => claims.insert(by.clone(), sentence),
            None => claims.remove(by),
        };
    }
}

impl Service {
    /// The epoch in which this Region would be the home in place of a lost one, for the request that operators sign.
    ///
    /// # Errors
    /// [`KmsError::Refused`] where the lost Region is not the home, or its identities never arrived here.
    pub(crate) async fn epoch_to_take_home(&self, lost: &Region) -> Result<u64, KmsError> {
        let refused = |text: String| Err(KmsError::Refused(text));
        match self.regions().home() {
            None => return refused("the identities are kept here already".to_owned()),
            Some(home) if home.region != *lost => {
                return refused(format!("the identities are kept in {}, not in {lost}", home.region));
            }
            Some(_) => {}
        }
        let copy = self.records().read::<CopyRecord>(&path::region_identities()?).await?;
        if copy.is_none_or(|row| row.value.home != lost.as_str() || row.value.agreed.is_none()) {
            return refused(format!(
                "not all identities of {lost} have ever arrived here: take another Region"
            ));
        }
        match self.regions().home_epoch().checked_add(1) {
            Some(next) => Ok(next),
            None => refused("there is no further term".to_owned()),
        }
    }

    /// Makes the Region of the request the home, as operators confirmed; answers when its copy last was what the lost home
    /// had. From then on identities are changed here.
    ///
    /// # Errors
    /// As [`Self::epoch_to_take_home`]; [`KmsError::Refused`] where another Region became the home meanwhile.
    pub(crate) async fn take_home(
        &self,
        desk: &Desk<'_>,
        confirmed: &Confirmed,
        (lost, term): (&Region, HomeTerm),
    ) -> Result<Option<Timestamp>, KmsError> {
        let regions = self.regions();
        // Nothing of the lost home's arrives from here on.
        let mut following = regions.identities.following.lock().await;
        let _alone = regions.changing.lock().await;
        let next = self.epoch_to_take_home(lost).await?;
        if next != term.epoch {
            return Err(KmsError::Refused(
                "another Region became the home since this request was made: print another one".to_owned(),
            ));
        }
        let (copy_place, term_place) = (path::region_identities()?, path::region_home()?);
        let copy = self.records().read::<CopyRecord>(&copy_place).await?;
        let before = self.records().read::<HomeTerm>(&term_place).await?.map(|row| row.stamp);
        let draft = confirmed.spend(self.records().draft()?)?.put(&term_place, before, &term)?;
        let (mut draft, peers) = regions.draft_home(draft, None).await?;
        let mut agreed = None;
        if let Some(row) = copy {
            agreed = row.value.agreed;
            draft = draft.delete(&copy_place, row.stamp);
        }
        self.records().commit(draft, Cause::Request(desk)).await?;
        peers.into_iter().for_each(|peer| regions.remember(&peer.region.clone(), Some(peer)));
        *following = None;
        regions.identities.note(|seen| *seen = super::Seen::default());
        tracing::warn!(%lost, epoch = term.epoch, "this Region is the home of the identities from now on");
        regions.remember_home_term(term);
        Ok(agreed)
    }

    /// Another Region says who the home is, or that it knows of none but the first; follows it if that is news, and proved.
    /// Whether nothing is left to be cleared up between the two Regions.
    ///
    /// # Errors
    /// Store errors.
    pub(in crate::regions) async fn hear_of_home(
        &self,
        own: &Region,
        by: &Region,
        said: Option<&HomeTerm>,
    ) -> Result<bool, KmsError> {
        let regions = self.regions();
        let Some(said) =
            said.filter(|said| HomeTerm::rank(Some(said)) > HomeTerm::rank(regions.home_term().as_ref()))
        else {
            regions.note_claim(by, None);
            return Ok(true);
        };
        match self.proved(own, said).await {
            Ok(signers) => {
                // First, so that no change is accepted that the new home will not see.
                regions.refuse_changes(by, said);
                self.follow_home(own, said, &signers).await?;
                regions.note_claim(by, None);
                Ok(true)
            }
            // An operator named it, whose word is enough.
            Err(KmsError::Refused(_)) if regions.home().is_some_and(|home| home.region == said.home) => {
                regions.note_claim(by, None);
                Ok(true)
            }
            Err(KmsError::Refused(why)) => {
                regions.note_claim(
                    by,
                    Some(format!("{by} says that the identities have their home in {}: {why}", said.home)),
                );
                regions.is_doubted(by);
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Who signed for a home.
    async fn proved(&self, own: &Region, said: &HomeTerm) -> Result<Vec<Signer>, KmsError> {
        let refused = |text: String| Err(KmsError::Refused(text));
        let home = &said.home;
        if home == own {
            return refused(
                "that is this Region, which does not know of it: was an old backup restored? `keyreeve region take-home` \
                 makes it so, or another Region the home"
                    .to_owned(),
            );
        }
        let Some(peer) = self.regions().peer(home) else {
            return refused(
                "it is not trusted here, so changes of identities are refused. `keyreeve region trust FILE` with its \
                 introduction makes this Region follow it"
                    .to_owned(),
            );
        };
        let (keys, deployment) = (self.regions().operator_keys().await?, peer.transport_key.fingerprint());
        let about = (home, deployment.as_str(), said.epoch);
        said.request.signers_of_home(about, &said.signatures, &keys).map_err(|error| {
            let KmsError::Refused(why) = error else { return error };
            KmsError::Refused(format!(
                "the operators' signatures do not prove it here ({why}), so changes of identities are refused. Register the \
                 keys of the operators who signed (`keyreeve region operator-key add`), or untrust the Region that says it"
            ))
        })
    }

    async fn follow_home(&self, own: &Region, said: &HomeTerm, signers: &[Signer]) -> Result<(), KmsError> {
        for _ in 0..ATTEMPTS_MAX {
            match self.try_to_follow(own, said, signers).await {
                Err(KmsError::Conflict) => {}
                outcome => return outcome,
            }
        }
        Err(KmsError::Conflict)
    }

    async fn try_to_follow(&self, own: &Region, said: &HomeTerm, signers: &[Signer]) -> Result<(), KmsError> {
        let (regions, now) = (self.regions(), self.clock().now());
        let _alone = regions.changing.lock().await;
        if HomeTerm::rank(Some(said)) <= HomeTerm::rank(regions.home_term().as_ref()) {
            return Ok(());
        }
        let was_home = regions.home().is_none();
        let (copy_place, term_place) = (path::region_identities()?, path::region_home()?);
        let before = self.records().read::<HomeTerm>(&term_place).await?.map(|row| row.stamp);
        let (copy, copy_stamp) =
            self.records().read::<CopyRecord>(&copy_place).await?.map(|row| (row.value, row.stamp)).unzip();
        let draft = self.records().draft()?.put(&term_place, before, said)?;
        // Before the first row arrives: a crash then finds a copy, and knows whether what differs in it is lost.
        let anew = CopyRecord {
            home: said.home.as_str().to_owned(),
            incarnation: String::new(),
            position: Position::Begin,
            agreed: None,
            was_home: was_home || copy.as_ref().is_some_and(|copy| copy.was_home),
            replaced: copy.and_then(|copy| copy.replaced).filter(|_| !was_home),
        };
        let draft = draft.put(&copy_place, copy_stamp, &anew)?;
        let (draft, peers) = regions.draft_new_home(draft, &said.home).await?;
        let event = ServiceEvent::home_moved(own, now, said, signers);
        self.records().commit(draft, Cause::Event(&event)).await?;
        peers.into_iter().for_each(|peer| regions.remember(&peer.region.clone(), Some(peer)));
        let text = if was_home {
            "this Region is not the home of the identities any more"
        } else {
            "the identities have another home"
        };
        tracing::warn!(home = %said.home, epoch = said.epoch, "{text}");
        regions.remember_home_term(said.clone());
        Ok(())
    }
}
