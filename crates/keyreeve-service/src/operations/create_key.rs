//! `CreateKey`: a KMS key of any of the 20 specs, with AWS KMS or external origin, in one Region or multi-Region.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>

use keyreeve_crypto::open_key;
use keyreeve_crypto::secret::KeyMaterial;
use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::multi_region::MultiRegion;
use keyreeve_model::tag::Tags;
use keyreeve_policy::key_policy::default_key_policy;
use serde::Serialize;

use super::key_metadata::KeyMetadata;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedCall, CheckedPolicy, NewKey, material_id, new_key_id};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("Policy", &shapes::POLICY),
        Member::optional("Description", &shapes::DESCRIPTION),
        Member::optional("KeyUsage", &shapes::KEY_USAGE),
        Member::optional("CustomerMasterKeySpec", &shapes::CUSTOMER_MASTER_KEY_SPEC),
        Member::optional("KeySpec", &shapes::KEY_SPEC),
        Member::optional("Origin", &shapes::ORIGIN),
        Member::not_honoured("CustomKeyStoreId", &shapes::CUSTOM_KEY_STORE_ID),
        Member::optional("BypassPolicyLockoutSafetyCheck", &shapes::BOOLEAN),
        Member::optional("Tags", &shapes::TAGS),
        Member::optional("MultiRegion", &shapes::BOOLEAN),
        Member::not_honoured("XksKeyId", &shapes::XKS_KEY_ID),
    ],
};

pub(crate) struct CreateKey;

pub(crate) struct Request {
    /// Absent for AWS's default.
    policy: Option<String>,
    bypass_lockout_check: bool,
    description: String,
    spec: KeySpec,
    usage: KeyUsage,
    origin: Origin,
    tags: Tags,
    multi_region: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    key_metadata: KeyMetadata,
}

impl Operation for CreateKey {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        let spec = parse_spec(input)?;
        let usage = parse_usage(input, spec)?;
        if !spec.offered_in(desk.caller.region.as_str()) {
            return Err(KmsError::SpecNotOffered(spec));
        }
        Ok(Request {
            policy: input.text("Policy"),
            bypass_lockout_check: input.flag("BypassPolicyLockoutSafetyCheck"),
            description: input.text("Description").unwrap_or_default(),
            spec,
            usage,
            origin: parse_origin(input, spec)?,
            tags: Tags::parse(input.tags("Tags")).map_err(KmsError::Tag)?,
            multi_region: input.flag("MultiRegion"),
        })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        call: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let arn = desk.key_arn(new_key_id(request.multi_region)?);
        let policy = match &request.policy {
            Some(text) => CheckedPolicy::check(desk, &arn, text, request.bypass_lockout_check).await?,
            None => CheckedPolicy::built_in(default_key_policy(arn.region.partition(), arn.account)),
        };
        let material = match request.origin {
            Origin::AwsKms => Some(generate(desk, request.spec).await?),
            Origin::External | Origin::AwsCloudHsm | Origin::ExternalKeyStore => None,
        };
        let mut record = request.record(desk, policy, material.is_some());
        if let Some(material) = &material {
            record.current_material = material_id(&arn, &record, material)?;
        }
        let key = NewKey { arn, record, material };
        call.create_key(desk, &key).await?;
        if request.multi_region
            && let Err(error) = desk.service.identity().keep_multi_region_role(desk).await
        {
            // The key is there; the role means something to who looks for it only.
            tracing::warn!(%error, "the service-linked role of multi-Region keys is not made");
        }
        Ok(Reply { key_metadata: KeyMetadata::new(&key.arn, &key.record, desk.now) })
    }
}

impl Request {
    fn record(&self, desk: &Desk<'_>, policy: CheckedPolicy, has_material: bool) -> KeyRecord {
        KeyRecord {
            description: self.description.clone(),
            state: if has_material { KeyState::Enabled } else { KeyState::PendingImport },
            policy: policy.text,
            policy_pins: policy.pins,
            tags: self.tags.clone(),
            has_material,
            multi_region: self.multi_region.then(|| MultiRegion::first(desk.caller.region.clone())),
            ..KeyRecord::new(self.spec, self.usage, self.origin, desk.now)
        }
    }
}

/// Key generation is slow for most specs.
async fn generate(desk: &Desk<'_>, spec: KeySpec) -> Result<KeyMaterial, KmsError> {
    desk.off_thread(move || open_key::generate(spec).map_err(|_| KmsError::Internal)).await
}

fn parse_spec(input: &mut Input<'_>) -> Result<KeySpec, KmsError> {
    match (input.choice("KeySpec", KeySpec::parse), input.choice("CustomerMasterKeySpec", KeySpec::parse)) {
        (Some(_), Some(_)) => Err(KmsError::Invalid(Invalid::KeySpecTwice)),
        (Some(spec), None) | (None, Some(spec)) => Ok(spec),
        (None, None) => Ok(KeySpec::SymmetricDefault),
    }
}

fn parse_usage(input: &mut Input<'_>, spec: KeySpec) -> Result<KeyUsage, KmsError> {
    match input.choice("KeyUsage", KeyUsage::parse) {
        Some(usage) if spec.row().usages.contains(&usage) => Ok(usage),
        Some(usage) => Err(KmsError::Invalid(Invalid::UsageSpec(usage, spec))),
        None if spec == KeySpec::SymmetricDefault => Ok(KeyUsage::EncryptDecrypt),
        None => Err(KmsError::Invalid(Invalid::UsageRequired)),
    }
}

fn parse_origin(input: &mut Input<'_>, spec: KeySpec) -> Result<Origin, KmsError> {
    match input.choice("Origin", Origin::parse).unwrap_or(Origin::AwsKms) {
        Origin::AwsKms => Ok(Origin::AwsKms),
        Origin::External if spec.row().importable => Ok(Origin::External),
        Origin::External => Err(KmsError::Invalid(Invalid::OriginSpec(Origin::External, spec))),
        Origin::AwsCloudHsm | Origin::ExternalKeyStore => Err(KmsError::NotHonoured { member: "Origin" }),
    }
}
