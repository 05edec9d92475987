//! `ReplicateKey`: a replica of a multi-Region primary key in another Region.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html>

use keyreeve_model::arn::{KeyArn, KeyRef};
use keyreeve_model::error::{KmsError, ReplicaRegionFault};
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::region::Region;
use keyreeve_model::tag::Tags;
use keyreeve_policy::key_policy::default_key_policy;
use serde::Serialize;

use super::key_metadata::KeyMetadata;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, CheckedPolicy, KeyName};
use crate::operation::Operation;
use crate::regions::message::keys::Birth;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("ReplicaRegion", &shapes::REGION),
        Member::optional("Policy", &shapes::POLICY),
        Member::optional("BypassPolicyLockoutSafetyCheck", &shapes::BOOLEAN),
        Member::optional("Description", &shapes::DESCRIPTION),
        Member::optional("Tags", &shapes::TAGS),
    ],
};

pub(crate) struct ReplicateKey;

pub(crate) struct Request {
    key: KeyRef,
    to: Region,
    /// Absent for AWS's default.
    policy: Option<String>,
    bypass_lockout_check: bool,
    description: String,
    tags: Tags,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    replica_key_metadata: KeyMetadata,
    replica_policy: String,
    replica_tags: Vec<Tag>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    tag_key: String,
    tag_value: String,
}

impl Operation for ReplicateKey {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let region = input.required_text("ReplicaRegion")?;
        Ok(Request {
            key: input.required_key_ref("KeyId")?,
            // The shape was checked to be a Region's name.
            to: Region::parse(&region).ok_or(KmsError::Internal)?,
            policy: input.text("Policy"),
            bypass_lockout_check: input.flag("BypassPolicyLockoutSafetyCheck"),
            description: input.text("Description").unwrap_or_default(),
            tags: Tags::parse(input.tags("Tags")).map_err(KmsError::Tag)?,
        })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        check_region(desk, key.arn(), key.record(), &request.to)?;
        key.permit_in(desk, &request.to, request.tags.iter().next().is_some())?;
        let arn = KeyArn { region: request.to.clone(), ..key.arn().clone() };
        let policy = match &request.policy {
            Some(text) => CheckedPolicy::check(desk, &arn, text, request.bypass_lockout_check).await?,
            None => CheckedPolicy::built_in(default_key_policy(arn.region.partition(), arn.account)),
        };
        let birth = Birth {
            created: desk.now,
            policy: policy.text,
            policy_pins: policy.pins,
            description: request.description.clone(),
            tags: request.tags.clone(),
        };
        let (arn, record) = key.replicate(desk, &request.to, birth).await?;
        // So that whoever looks for it next finds it; what does not succeed now is done by and by.
        if let Err(error) = desk.service.push_now(key.arn(), &request.to).await {
            tracing::debug!(key = %key.arn(), %error, "a replica is made later");
        }
        let tag = |(key, value): (&String, &String)| Tag { tag_key: key.clone(), tag_value: value.clone() };
        Ok(Reply {
            replica_key_metadata: KeyMetadata::new(&arn, &record, desk.now),
            replica_policy: record.policy.clone(),
            replica_tags: record.tags.iter().map(tag).collect(),
        })
    }
}

/// Whether the key can get a replica there.
fn check_region(desk: &Desk<'_>, arn: &KeyArn, record: &KeyRecord, to: &Region) -> Result<(), KmsError> {
    if !arn.key_id.is_multi_region() || record.is_replica_in(&arn.region) {
        return Err(KmsError::NotPrimary(arn.clone()));
    }
    let refuse = |fault| Err(KmsError::InvalidReplicaRegion(to.clone(), fault));
    if *to == arn.region {
        return refuse(ReplicaRegionFault::HasPrimary);
    }
    if to.partition() != arn.region.partition() {
        return refuse(ReplicaRegionFault::OtherPartition);
    }
    if !desk.service.may_replicate_to(to) {
        return refuse(ReplicaRegionFault::Unknown);
    }
    if record.multi_region.as_ref().is_some_and(|regions| regions.replica(to).is_some()) {
        return Err(KmsError::ReplicaExists);
    }
    Ok(())
}
