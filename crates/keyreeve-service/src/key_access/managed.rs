//! AWS managed keys: `alias/aws/<service>` and its key appear on first use.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk>

use keyreeve_crypto::open_key;
use keyreeve_model::algorithm::{KeyManager, KeyUsage, Origin};
use keyreeve_model::alias::AWS_MANAGED_SERVICES;
use keyreeve_model::arn::AliasArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::limits::ROTATION_PERIOD_DAYS_DEFAULT;
use keyreeve_model::rotation::RotationSchedule;
use keyreeve_policy::key_policy::aws_managed_key_policy;

use super::NewKey;
use crate::audit::Cause;
use crate::desk::Desk;

/// The service whose managed key the alias names.
fn service_of(alias: &AliasArn) -> Option<&'static str> {
    let name = alias.name.as_str().strip_prefix("alias/aws/")?;
    AWS_MANAGED_SERVICES.iter().copied().find(|service| *service == name)
}

/// Makes the managed key that this alias of the caller's account names. Answers whether there is one to be made;
/// that another request made it at the same moment is as good.
pub(super) async fn make(desk: &Desk<'_>, alias: &AliasArn) -> Result<bool, KmsError> {
    let Some(service) = service_of(alias) else { return Ok(false) };
    let region = &alias.region;
    let arn = desk.key_arn(super::create::new_key_id(false)?);
    let mut record = KeyRecord {
        manager: KeyManager::Aws,
        description: format!("Default key that protects my {service} data when no other key is defined"),
        state: KeyState::Enabled,
        policy: aws_managed_key_policy(region.partition(), region.as_str(), alias.account, service),
        has_material: true,
        rotation: Some(RotationSchedule::starting(ROTATION_PERIOD_DAYS_DEFAULT, desk.now)),
        ..KeyRecord::new(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt, Origin::AwsKms, desk.now)
    };
    let material = open_key::generate(record.spec).map_err(|_| KmsError::Internal)?;
    record.current_material = super::material::material_id(&arn, &record, &material)?;
    let key = NewKey { arn, record, material: Some(material) };
    match desk.service.keys.create(&key, Some(alias), desk.now, Cause::Request(desk)).await {
        Ok(()) | Err(KmsError::Conflict) => Ok(true),
        Err(error) => Err(error),
    }
}
