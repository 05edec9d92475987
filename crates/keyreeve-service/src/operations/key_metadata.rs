//! `KeyMetadata`, as CreateKey and DescribeKey answer it; what is present follows captures of AWS.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>

use keyreeve_model::algorithm::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeyManager, KeyUsage, MacAlgorithm,
    Origin, SigningAlgorithm,
};
use keyreeve_model::arn::KeyArn;
use keyreeve_model::import::ExpirationModel;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::multi_region::MultiRegion;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use serde::Serialize;

use crate::reply::Epoch;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyMetadata {
    #[serde(rename = "AWSAccountId")]
    aws_account_id: AccountId,
    key_id: String,
    arn: String,
    creation_date: Epoch,
    enabled: bool,
    description: String,
    key_usage: KeyUsage,
    key_state: KeyState,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Epoch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    valid_to: Option<Epoch>,
    origin: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration_model: Option<ExpirationModel>,
    key_manager: KeyManager,
    customer_master_key_spec: KeySpec,
    key_spec: KeySpec,
    #[serde(flatten)]
    algorithms: Algorithms,
    multi_region: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_region_configuration: Option<MultiRegionConfiguration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending_deletion_window_in_days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_key_material_id: Option<MaterialId>,
}

/// The one list that fits the key's usage.
#[derive(Serialize, Default)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Algorithms {
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    encryption_algorithms: &'static [EncryptionAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    signing_algorithms: &'static [SigningAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    mac_algorithms: &'static [MacAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    key_agreement_algorithms: &'static [KeyAgreementAlgorithm],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    encapsulation_algorithms: &'static [EncapsulationAlgorithm],
}

impl Algorithms {
    pub(super) fn of(record: &KeyRecord) -> Self {
        let (row, none) = (record.spec.row(), Self::default());
        match record.usage {
            KeyUsage::EncryptDecrypt => Self { encryption_algorithms: row.encryption, ..none },
            KeyUsage::SignVerify => Self { signing_algorithms: row.signing, ..none },
            KeyUsage::GenerateVerifyMac => Self { mac_algorithms: row.mac, ..none },
            KeyUsage::KeyAgreement => Self { key_agreement_algorithms: row.agreement, ..none },
            KeyUsage::EncapsulateDecapsulate => Self { encapsulation_algorithms: row.encapsulation, ..none },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MultiRegionConfiguration {
    multi_region_key_type: &'static str,
    primary_key: MultiRegionKey,
    replica_keys: Vec<MultiRegionKey>,
}

impl MultiRegionConfiguration {
    /// While the role of the primary is handed over, the two have changed places already.
    fn of(arn: &KeyArn, record: &KeyRecord) -> Self {
        let regions = record.multi_region.clone().unwrap_or_else(|| MultiRegion::first(arn.region.clone()));
        let handed_to = regions.demoting.as_ref().map(|demotion| &demotion.to);
        let primary = handed_to.unwrap_or_else(|| regions.primary());
        let replicas = regions.replicas.iter().map(|replica| match handed_to {
            Some(to) if *to == replica.region => regions.primary(),
            Some(_) | None => &replica.region,
        });
        let key = |region: &Region| MultiRegionKey {
            arn: KeyArn { region: region.clone(), ..arn.clone() }.to_string(),
            region: region.to_string(),
        };
        Self {
            multi_region_key_type: if *primary == arn.region { "PRIMARY" } else { "REPLICA" },
            primary_key: key(primary),
            replica_keys: replicas.map(key).collect(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MultiRegionKey {
    arn: String,
    region: String,
}

impl KeyMetadata {
    pub(super) fn new(arn: &KeyArn, record: &KeyRecord, now: Timestamp) -> Self {
        let state = record.state_at(now);
        // The first of those that the key cannot be without counts; nothing is said while one is missing.
        let imported = record.origin == Origin::External && record.is_complete_at(now);
        let valid_to = record.material_expiry.filter(|_| imported);
        let multi_region = arn.key_id.is_multi_region();
        Self {
            aws_account_id: arn.account,
            key_id: arn.key_id.to_string(),
            arn: arn.to_string(),
            creation_date: Epoch(record.created),
            enabled: state == KeyState::Enabled,
            description: record.description.clone(),
            key_usage: record.usage,
            key_state: state,
            deletion_date: record.deletion.map(Epoch),
            valid_to: valid_to.map(Epoch),
            origin: record.origin,
            expiration_model: imported.then_some(match valid_to {
                Some(_) => ExpirationModel::KeyMaterialExpires,
                None => ExpirationModel::KeyMaterialDoesNotExpire,
            }),
            key_manager: record.manager,
            customer_master_key_spec: record.spec,
            key_spec: record.spec,
            algorithms: Algorithms::of(record),
            multi_region,
            multi_region_configuration: multi_region.then(|| MultiRegionConfiguration::of(arn, record)),
            pending_deletion_window_in_days: record.pending_window_days,
            current_key_material_id: record.current_material,
        }
    }
}
