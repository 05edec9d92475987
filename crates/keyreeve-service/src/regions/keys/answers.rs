//! What a Region answers about multi-Region keys.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;

use crate::regions::message::keys::{
    MayPromote, MayReplicate, Promote, Pull, ReplicaGone, Synchronize, Synchronized,
};
use crate::regions::{PeerFault, PeerReply};
use crate::service::Service;

/// How often an answer starts over when others change the same rows at the same moment.
const ATTEMPTS_MAX: usize = 8;

/// Runs again what met a conflict.
macro_rules! persistently {
    ($attempt:expr) => {{
        let mut outcome = Err(KmsError::Conflict);
        for _ in 0..ATTEMPTS_MAX {
            outcome = $attempt.await;
            if !matches!(outcome, Err(KmsError::Conflict)) {
                break;
            }
        }
        outcome.map_err(fault)
    }};
}

/// What was refused is refused for good; everything else may be asked again.
fn fault(error: KmsError) -> PeerFault {
    if let KmsError::Refused(why) = error {
        return PeerFault::Refused(why);
    }
    PeerFault::NotNow(format!("the Region answered, but not now: {}", error.wire().code))
}

impl Service {
    pub(in crate::regions) async fn answer_synchronize(
        &self,
        from: &Region,
        to: &Region,
        said: &Synchronize,
    ) -> Result<PeerReply, PeerFault> {
        let now = self.clock().now();
        let mut answer = persistently!(self.keys.synchronize(self.regions(), to, from, said, now))?;
        if let Synchronized::Stranger(asked) = &answer
            && (asked.is_empty() || !said.materials.is_empty())
            && self.is_vouched_for(to, from, said.shared.key).await.map_err(fault)?
        {
            answer = persistently!(self.keys.synchronize(self.regions(), to, from, said, now))?;
        }
        Ok(PeerReply::Synchronize(Box::new(answer)))
    }

    pub(in crate::regions) async fn answer_pull(
        &self,
        from: &Region,
        to: &Region,
        asked: &Pull,
    ) -> Result<PeerReply, PeerFault> {
        let now = self.clock().now();
        let answer = self.keys.pull(self.regions(), to, from, asked, now).await.map_err(fault)?;
        Ok(PeerReply::Pull(Box::new(answer)))
    }

    pub(in crate::regions) async fn answer_may_replicate(
        &self,
        to: &Region,
        asked: &MayReplicate,
    ) -> Result<PeerReply, PeerFault> {
        self.keys.room_for(to, asked).await.map(PeerReply::MayReplicate).map_err(fault)
    }

    pub(in crate::regions) async fn answer_may_promote(
        &self,
        from: &Region,
        to: &Region,
        asked: &MayPromote,
    ) -> Result<PeerReply, PeerFault> {
        let answer = self.keys.may_promote(to, from, asked).await.map_err(fault)?;
        Ok(PeerReply::MayPromote(Box::new(answer)))
    }

    pub(in crate::regions) async fn answer_promote(
        &self,
        from: &Region,
        to: &Region,
        said: &Promote,
    ) -> Result<PeerReply, PeerFault> {
        let now = self.clock().now();
        persistently!(self.keys.promote(self.regions(), to, from, said, now))
            .map(|answer| PeerReply::Promote(Box::new(answer)))
    }

    pub(in crate::regions) async fn answer_replica_gone(
        &self,
        from: &Region,
        to: &Region,
        said: &ReplicaGone,
    ) -> Result<PeerReply, PeerFault> {
        let now = self.clock().now();
        persistently!(self.keys.replica_gone(to, from, said, now)).map(PeerReply::ReplicaGone)
    }
}
