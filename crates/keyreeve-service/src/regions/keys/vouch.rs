//! Who vouches for a primary that this Region never heard of and that shows no material which it knows: the Regions that it
//! knows to have the key are asked whose word counts.

use futures_util::future::join_all;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;

use super::ask::ANSWER_MAX;
use crate::regions::message::keys::KeyOfAll;
use crate::regions::message::reunion::{KeyTerm, Reunion};
use crate::regions::{PeerReply, PeerRequest};
use crate::service::Service;

impl Service {
    /// Whether a Region of the key names another primary than this Region knows. One that does not answer vouches for nobody.
    ///
    /// # Errors
    /// Store errors.
    pub(super) async fn is_vouched_for(
        &self,
        own: &Region,
        stranger: &Region,
        key: KeyOfAll,
    ) -> Result<bool, KmsError> {
        let Some((at, members)) = self.keys.members_of(own, &key).await? else { return Ok(false) };
        let said = Reunion { home: self.regions().home_term(), keys: vec![KeyTerm { key, at }] };
        let request = &PeerRequest::Reunion(Box::new(said));
        let asked = members.iter().filter(|member| *member != stranger);
        let answers = asked
            .map(|member| async move { (member, self.ask_within(own, member, request, ANSWER_MAX).await) });
        let mut vouched = false;
        for (member, answer) in join_all(answers).await {
            let Ok(PeerReply::Reunion(mut answer)) = answer else { continue };
            answer.newer.retain(|newer| newer.key == key);
            vouched |= self.keys.hear_terms(own, member, &answer.newer, self.clock().now()).await?;
        }
        Ok(vouched)
    }
}
