//! Trails: CreateTrail, UpdateTrail, DeleteTrail.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::trail_error::TrailFault;
use serde::Serialize;

use super::{shapes, tags};
use crate::cloudtrail::{
    AuthorizedTrail, TRAILS_PER_REGION, Trail, TrailId, TrailResource, Trails, check_bucket, check_prefix,
};
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::Operation;

/// The input of an operation that takes nothing but the name of a trail.
pub(crate) static NAME: Structure = Structure { members: &[Member::required("Name", &shapes::TEXT)] };

/// The trail that `Name` names.
pub(super) fn named(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<TrailId, KmsError> {
    TrailId::of(&input.required_text("Name")?, desk.caller.account(), &desk.caller.region)
}

/// What policies are asked about.
pub(super) fn about(id: &TrailId) -> TrailResource {
    TrailResource::Trails(vec![id.clone()])
}

/// The members by which a trail differs from what every trail is; absent ones leave it as it is.
#[derive(Debug)]
pub(crate) struct Wishes {
    id: TrailId,
    bucket: Option<String>,
    prefix: Option<Option<String>>,
    global_events: Option<bool>,
    multi_region: Option<bool>,
    validation: Option<bool>,
}

impl Wishes {
    fn parse(input: &mut Input<'_>, id: TrailId) -> Result<Self, KmsError> {
        for (name, what) in [
            ("IsOrganizationTrail", "Trails of organizations are"),
            ("RecursiveLogging", "Recursive logging is"),
        ] {
            if input.flag(name) {
                let text = format!("{what} not supported by this version of Keyreeve.");
                return Err(TrailFault::Unsupported.because(text).into());
            }
        }
        let bucket = input.text("S3BucketName");
        bucket.as_deref().map(check_bucket).transpose()?;
        Ok(Self {
            id,
            bucket,
            prefix: input.text("S3KeyPrefix").map(|prefix| check_prefix(&prefix)).transpose()?,
            global_events: input.optional_flag("IncludeGlobalServiceEvents"),
            multi_region: input.optional_flag("IsMultiRegionTrail"),
            validation: input.optional_flag("EnableLogFileValidation"),
        })
    }

    /// A trail as it shall be.
    ///
    /// # Errors
    /// InvalidParameterCombinationException.
    fn applied(&self, trail: &Trail) -> Result<Trail, KmsError> {
        let mut trail = trail.clone();
        if let Some(bucket) = &self.bucket {
            trail.bucket.clone_from(bucket);
        }
        if let Some(prefix) = &self.prefix {
            trail.prefix.clone_from(prefix);
        }
        trail.global_events = self.global_events.unwrap_or(trail.global_events);
        trail.multi_region = self.multi_region.unwrap_or(trail.multi_region);
        trail.validation = self.validation.unwrap_or(trail.validation);
        if trail.multi_region && !trail.global_events {
            let text = "Multi-Region trail must include global service events.";
            return Err(TrailFault::InvalidParameterCombination.because(text).into());
        }
        Ok(trail)
    }
}

/// Whether something can be delivered to a bucket: asked of whoever may make trails only.
fn reachable(trails: &Trails, bucket: &str) -> Result<(), KmsError> {
    if trails.has_bucket(bucket) {
        return Ok(());
    }
    Err(TrailFault::NoSuchBucket.because(format!("S3 bucket {bucket} does not exist!")).into())
}

/// A trail as CreateTrail and UpdateTrail answer it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TrailReply {
    name: String,
    #[serde(rename = "S3BucketName")]
    bucket: String,
    #[serde(rename = "S3KeyPrefix", skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
    include_global_service_events: bool,
    is_multi_region_trail: bool,
    #[serde(rename = "TrailARN")]
    arn: String,
    log_file_validation_enabled: bool,
    is_organization_trail: bool,
}

impl TrailReply {
    pub(super) fn of(trail: &Trail) -> Self {
        Self {
            name: trail.id.name.clone(),
            bucket: trail.bucket.clone(),
            prefix: trail.prefix.clone(),
            include_global_service_events: trail.global_events,
            is_multi_region_trail: trail.multi_region,
            arn: trail.id.to_string(),
            log_file_validation_enabled: trail.validation,
            is_organization_trail: false,
        }
    }
}

pub(crate) static CREATE: Structure = Structure {
    members: &[
        Member::required("Name", &shapes::TEXT),
        Member::required("S3BucketName", &shapes::TEXT),
        Member::optional("S3KeyPrefix", &shapes::TEXT),
        Member::not_honoured("SnsTopicName", &shapes::TEXT),
        Member::optional("IncludeGlobalServiceEvents", &shapes::BOOLEAN),
        Member::optional("IsMultiRegionTrail", &shapes::BOOLEAN),
        Member::optional("EnableLogFileValidation", &shapes::BOOLEAN),
        Member::not_honoured("CloudWatchLogsLogGroupArn", &shapes::TEXT),
        Member::not_honoured("CloudWatchLogsRoleArn", &shapes::TEXT),
        Member::not_honoured("KmsKeyId", &shapes::TEXT),
        Member::optional("IsOrganizationTrail", &shapes::BOOLEAN),
        Member::optional("TagsList", &shapes::TAGS),
        Member::optional("RecursiveLogging", &shapes::BOOLEAN),
    ],
};

pub(crate) struct CreateTrail;

impl Operation for CreateTrail {
    type Request = Trail;
    type Proof = AuthorizedTrail<Self>;
    type Reply = TrailReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Trail, KmsError> {
        let name = input.required_text("Name")?;
        if name.starts_with("arn:") {
            let text = "A trail is created by its name, not by an ARN.";
            return Err(TrailFault::InvalidTrailName.because(text).into());
        }
        let id = TrailId::of(&name, desk.caller.account(), &desk.caller.region)?;
        let tags = tags::parse(input)?;
        let wishes = Wishes::parse(input, id.clone())?;
        wishes.applied(&Trail {
            id,
            bucket: String::new(),
            prefix: None,
            global_events: true,
            multi_region: false,
            validation: false,
            created: desk.now,
            tags: tags::merged(Default::default(), tags)?,
            run: None,
            started: None,
            stopped: None,
        })
    }

    fn names(trail: &Trail) -> TrailResource {
        about(&trail.id)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        trail: &'a Trail,
        proof: AuthorizedTrail<Self>,
    ) -> Result<TrailReply, KmsError> {
        let trails = proof.open(desk);
        reachable(trails, &trail.bucket)?;
        let (account, home) = (trail.id.account, &trail.id.home);
        let known = trails.of(account, home).await?;
        if known.iter().any(|known| known.id == trail.id) {
            let text = format!("Trail {} already exists for customer: {account}", trail.id.name);
            return Err(TrailFault::TrailExists.because(text).into());
        }
        if known.len() >= TRAILS_PER_REGION {
            let text = format!("User: {account} already has {TRAILS_PER_REGION} trails in {home}.");
            return Err(TrailFault::TooManyTrails.because(text).into());
        }
        trails.put(desk, None, trail).await?;
        Ok(TrailReply::of(trail))
    }
}

pub(crate) static UPDATE: Structure = Structure {
    members: &[
        Member::required("Name", &shapes::TEXT),
        Member::optional("S3BucketName", &shapes::TEXT),
        Member::optional("S3KeyPrefix", &shapes::TEXT),
        Member::not_honoured("SnsTopicName", &shapes::TEXT),
        Member::optional("IncludeGlobalServiceEvents", &shapes::BOOLEAN),
        Member::optional("IsMultiRegionTrail", &shapes::BOOLEAN),
        Member::optional("EnableLogFileValidation", &shapes::BOOLEAN),
        Member::not_honoured("CloudWatchLogsLogGroupArn", &shapes::TEXT),
        Member::not_honoured("CloudWatchLogsRoleArn", &shapes::TEXT),
        Member::not_honoured("KmsKeyId", &shapes::TEXT),
        Member::optional("IsOrganizationTrail", &shapes::BOOLEAN),
        Member::optional("RecursiveLogging", &shapes::BOOLEAN),
    ],
};

pub(crate) struct UpdateTrail;

impl Operation for UpdateTrail {
    type Request = Wishes;
    type Proof = AuthorizedTrail<Self>;
    type Reply = TrailReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Wishes, KmsError> {
        let id = named(input, desk)?;
        Wishes::parse(input, id)
    }

    fn names(wishes: &Wishes) -> TrailResource {
        about(&wishes.id)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        wishes: &'a Wishes,
        proof: AuthorizedTrail<Self>,
    ) -> Result<TrailReply, KmsError> {
        let found = proof.at_home(desk, &wishes.id).await?;
        let trail = wishes.applied(&found.value)?;
        if trail != found.value {
            reachable(proof.open(desk), &trail.bucket)?;
            proof.open(desk).put(desk, Some(found.stamp), &trail).await?;
        }
        Ok(TrailReply::of(&trail))
    }
}

/// An answer without members: `{}`.
#[derive(Debug, Serialize)]
pub(crate) struct Done {}

pub(crate) struct DeleteTrail;

impl Operation for DeleteTrail {
    type Request = TrailId;
    type Proof = AuthorizedTrail<Self>;
    type Reply = Done;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<TrailId, KmsError> {
        named(input, desk)
    }

    fn names(id: &TrailId) -> TrailResource {
        about(id)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        id: &'a TrailId,
        proof: AuthorizedTrail<Self>,
    ) -> Result<Done, KmsError> {
        let found = proof.at_home(desk, id).await?;
        proof.open(desk).delete(desk, &found).await?;
        Ok(Done {})
    }
}
