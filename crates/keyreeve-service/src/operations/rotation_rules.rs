//! Which keys rotate: as EnableKeyRotation, DisableKeyRotation and RotateKeyOnDemand share it.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html>, and captures of 2026-09.

use keyreeve_model::algorithm::Origin;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::limits::{ON_DEMAND_BEFORE_AUTOMATIC_SECONDS, ON_DEMAND_ROTATIONS_MAX};
use keyreeve_model::timestamp::Timestamp;

/// Keys that may have a schedule: symmetric, with material that was generated here, and primaries.
pub(super) fn check_schedulable(key: &KeyArn, record: &KeyRecord) -> Result<(), KmsError> {
    match record.origin {
        _ if record.spec != KeySpec::SymmetricDefault => Err(KmsError::Unsupported),
        Origin::AwsKms => check_primary(key, record),
        Origin::External | Origin::AwsCloudHsm | Origin::ExternalKeyStore => {
            Err(KmsError::UnsupportedOrigin(key.clone(), record.origin))
        }
    }
}

/// Keys that rotate on demand: symmetric, with material that was generated here or imported, and primaries.
pub(super) fn check_rotatable(key: &KeyArn, record: &KeyRecord) -> Result<(), KmsError> {
    match record.origin {
        _ if record.spec != KeySpec::SymmetricDefault => Err(KmsError::Unsupported),
        Origin::AwsKms | Origin::External => check_primary(key, record),
        Origin::AwsCloudHsm | Origin::ExternalKeyStore => {
            Err(KmsError::UnsupportedOrigin(key.clone(), record.origin))
        }
    }
}

fn check_primary(key: &KeyArn, record: &KeyRecord) -> Result<(), KmsError> {
    if record.is_replica_in(&key.region) { Err(KmsError::NotPrimary(key.clone())) } else { Ok(()) }
}

/// Whether another rotation on demand may begin.
pub(super) fn check_on_demand(key: &KeyArn, record: &KeyRecord, now: Timestamp) -> Result<(), KmsError> {
    if record.on_demand.count >= ON_DEMAND_ROTATIONS_MAX {
        return Err(KmsError::OnDemandLimit(key.clone()));
    }
    let soon = now.plus_seconds(ON_DEMAND_BEFORE_AUTOMATIC_SECONDS);
    if record.rotation.is_some_and(|schedule| schedule.next <= soon) {
        return Err(KmsError::RotationSoon(key.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use keyreeve_model::algorithm::KeyUsage;
    use keyreeve_model::key_id::KeyId;
    use keyreeve_model::multi_region::MultiRegion;
    use keyreeve_model::region::{AccountId, Region};

    use super::*;

    #[test]
    fn only_primaries_rotate_and_only_what_was_generated_here_has_a_schedule() {
        let region = |name: &str| Region::parse(name).unwrap();
        let key = KeyArn {
            region: region("eu-central-1"),
            account: AccountId::ZERO,
            key_id: KeyId::new([7; 16], true),
        };
        let now = Timestamp::from_millis(1_790_000_000_000);
        let record = |origin, primary: Option<&str>| KeyRecord {
            multi_region: primary.map(|name| MultiRegion::first(region(name))),
            ..KeyRecord::new(KeySpec::SymmetricDefault, KeyUsage::EncryptDecrypt, origin, now)
        };
        let replica = || Err(KmsError::NotPrimary(key.clone()));
        let origin = |origin| Err(KmsError::UnsupportedOrigin(key.clone(), origin));
        for (record, schedulable, rotatable) in [
            (record(Origin::AwsKms, None), Ok(()), Ok(())),
            (record(Origin::AwsKms, Some("eu-central-1")), Ok(()), Ok(())),
            (record(Origin::AwsKms, Some("eu-west-1")), replica(), replica()),
            (record(Origin::External, None), origin(Origin::External), Ok(())),
            (record(Origin::External, Some("eu-west-1")), origin(Origin::External), replica()),
            (record(Origin::AwsCloudHsm, None), origin(Origin::AwsCloudHsm), origin(Origin::AwsCloudHsm)),
        ] {
            assert_eq!(check_schedulable(&key, &record), schedulable, "{record:?}");
            assert_eq!(check_rotatable(&key, &record), rotatable, "{record:?}");
        }
    }
}
