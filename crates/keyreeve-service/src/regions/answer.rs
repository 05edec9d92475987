//! What this Region answers to another: one match over everything that can be asked.

use keyreeve_model::region::Region;

use super::message::hello::{Greeting, Hello};
use super::{PeerAnswer, PeerFault, PeerReply, PeerRequest};
use crate::service::Service;

impl Service {
    /// Answers what the Region `from` asks the Region `to`. Whoever calls has authenticated `from`.
    ///
    /// # Errors
    /// [`PeerFault::Refused`] for what this Region will not do; [`PeerFault::NotNow`] when it cannot now.
    pub fn answer_peer<'a>(
        &'a self,
        from: &'a Region,
        to: &'a Region,
        request: PeerRequest,
    ) -> PeerAnswer<'a> {
        Box::pin(async move {
            if from == to || !self.regions().is_local(to) {
                return Err(PeerFault::Unreachable(format!("the Region {to} is not served there")));
            }
            self.heard_of(from);
            match request {
                PeerRequest::Hello(Hello {}) => Ok(PeerReply::Hello(self.greet(to))),
                PeerRequest::Reunion(said) => self.answer_reunion(from, to, &said).await,
                PeerRequest::Identities(ask) => {
                    let page = self.hand_out_identities(from, to, ask).await?;
                    Ok(PeerReply::Identities(Box::new(page)))
                }
                PeerRequest::Synchronize(said) => self.answer_synchronize(from, to, &said).await,
                PeerRequest::Pull(asked) => self.answer_pull(from, to, &asked).await,
                PeerRequest::MayReplicate(asked) => self.answer_may_replicate(to, &asked).await,
                PeerRequest::MayPromote(asked) => self.answer_may_promote(from, to, &asked).await,
                PeerRequest::Promote(said) => self.answer_promote(from, to, &said).await,
                PeerRequest::ReplicaGone(said) => self.answer_replica_gone(from, to, &said).await,
                PeerRequest::Forward(_) => {
                    Err(PeerFault::Refused(format!("{to} cannot answer {} yet", request.name())))
                }
            }
        })
    }

    fn greet(&self, region: &Region) -> Greeting {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let identities = Some(self.identities_for_others(region));
        Greeting { region: region.clone(), now: self.clock().now(), version, identities }
    }
}
