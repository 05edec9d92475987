//! Asking another Region about a key, within a time; and what a request asks before it changes anything.

use std::time::Duration;

use keyreeve_model::alias::AliasName;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::aws_region::is_aws_region;
use keyreeve_model::error::{KmsError, Quota};
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::region::Region;

use crate::regions::message::keys::{KeyOfAll, MayPromote, MayReplicate, Room};
use crate::regions::{PeerFault, PeerReply, PeerRequest};
use crate::service::Service;

/// How long an answer may take where a request waits for it.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(3);

/// A key as another Region says that it is there.
#[derive(Debug)]
pub(crate) struct KeyThere {
    pub(crate) record: KeyRecord,
    pub(crate) aliases: Vec<AliasName>,
}

impl Service {
    /// Whether a key may get a replica there: in a Region of this process that AWS has too where it serves every one, or in
    /// one that it serves or trusts by name.
    pub(crate) fn may_replicate_to(&self, region: &Region) -> bool {
        if self.regions().serves_every() {
            return is_aws_region(region);
        }
        self.regions().is_local(region) || self.peer_regions().contains(region)
    }

    /// Asks, and takes silence for an answer.
    pub(in crate::regions) async fn ask_within(
        &self,
        from: &Region,
        to: &Region,
        request: &PeerRequest,
        within: Duration,
    ) -> Result<PeerReply, PeerFault> {
        tokio::time::timeout(within, self.ask_region(from, to, request))
            .await
            .unwrap_or_else(|_| Err(PeerFault::Unreachable(format!("{to} did not answer in time"))))
    }

    /// Asks a Region whether its quota of keys lets a replica be made there. One that does not answer makes it when it is
    /// back.
    ///
    /// # Errors
    /// [`KmsError::Limit`].
    pub(crate) async fn ask_for_room(&self, arn: &KeyArn, to: &Region) -> Result<(), KmsError> {
        let key = KeyOfAll { account: arn.account, key_id: arn.key_id };
        let request = PeerRequest::MayReplicate(MayReplicate { key });
        match self.ask_within(&arn.region, to, &request, ANSWER_MAX).await {
            Ok(PeerReply::MayReplicate(Room::Full)) => Err(KmsError::Limit(Quota::KeysPerAccount)),
            Ok(PeerReply::MayReplicate(Room::Free)) => Ok(()),
            answer => {
                tracing::debug!(key = %arn, region = %to, ?answer, "a Region does not say whether there is room");
                Ok(())
            }
        }
    }

    /// What the Region that shall become primary says of the key; `None` when it is not there.
    ///
    /// # Errors
    /// [`KmsError::RegionAway`].
    pub(crate) async fn ask_for_promotion(
        &self,
        arn: &KeyArn,
        to: &Region,
    ) -> Result<Option<KeyThere>, KmsError> {
        let key = KeyOfAll { account: arn.account, key_id: arn.key_id };
        let request = PeerRequest::MayPromote(Box::new(MayPromote { key }));
        match self.ask_within(&arn.region, to, &request, ANSWER_MAX).await {
            Ok(PeerReply::MayPromote(verdict)) => {
                let aliases = verdict.aliases;
                Ok(verdict.record.map(|record| KeyThere { record: *record, aliases }))
            }
            answer => {
                tracing::warn!(key = %arn, region = %to, ?answer, "a Region does not say whether it may become primary");
                Err(KmsError::RegionAway(to.clone()))
            }
        }
    }
}
