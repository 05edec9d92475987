//! ReplicateKey at the primary: the replica is listed, and told of, in one commit.

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::multi_region::Replica;
use keyreeve_model::region::Region;

use super::progress::Progress;
use super::regions_of;
use crate::audit::Cause;
use crate::desk::Desk;
use crate::key_access::{AuthorizedKey, KeyAccess};
use crate::operations::replicate_key::ReplicateKey;
use crate::regions::message::keys::{Birth, MayReplicate, Room};

impl KeyAccess {
    /// Whether the account may have this key beside those that it has in the Region.
    pub(crate) async fn room_for(&self, own: &Region, asked: &MayReplicate) -> Result<Room, KmsError> {
        match self.within_quota(&asked.key.in_region(own)).await {
            Ok(()) => Ok(Room::Free),
            Err(KmsError::Limit(_)) => Ok(Room::Full),
            Err(error) => Err(error),
        }
    }
}

impl AuthorizedKey<ReplicateKey> {
    /// Lists the replica; answers it as it will be made.
    pub(crate) async fn replicate(
        &self,
        desk: &Desk<'_>,
        to: &Region,
        birth: Birth,
    ) -> Result<(KeyArn, KeyRecord), KmsError> {
        let (keys, entry) = (&desk.service.keys, self.entry());
        let arn = &entry.arn;
        let replica_arn = KeyArn { region: to.clone(), ..arn.clone() };
        desk.service.ask_for_room(arn, to).await?;
        let (mut record, mut regions) = (entry.record.clone(), regions_of(arn, &entry.record));
        regions.at = regions.at.next();
        regions.gone.remove(to);
        regions.replicas.push(Replica { region: to.clone(), since: regions.at.clone() });
        record.multi_region = Some(regions.clone());
        let mut replication = keys.replication(arn).await?;
        let progress = Progress { birth: Some(birth.clone()), ..Progress::default() };
        replication.replication.0.insert(to.clone(), progress);
        let draft = keys.redraft_plain(keys.records.draft()?, entry, &record).await?;
        let draft = KeyAccess::draft_replication(draft, arn, &replication)?;
        let draft = keys.draft_work(draft, arn).await?;
        keys.commit_key(draft, entry, Cause::Request(desk)).await?;
        let made = KeyRecord {
            state: KeyState::Creating,
            description: birth.description,
            policy: birth.policy,
            policy_pins: birth.policy_pins,
            tags: birth.tags,
            multi_region: Some(regions),
            ..KeyRecord::new(record.spec, record.usage, record.origin, birth.created)
        };
        Ok((replica_arn, made))
    }
}
