//! `KeyMetadata`, as CreateKey and DescribeKey answer it; what is present follows captures of AWS.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html>

use keyreeve_model::algorithm::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeyManager, KeyUsage, MacAlgorithm,
    Origin, SigningAlgorithm,
};
use keyreeve_model::arn::KeyArn;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::region::AccountId;
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
    origin: Origin,
    key_manager: KeyManager,
    customer_master_key_spec: KeySpec,
    key_spec: KeySpec,
    #[serde(flatten)]
    algorithms: Algorithms,
    multi_region: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    multi_region_configuration: Option<MultiRegionConfiguration>,
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
    replica_keys: [MultiRegionKey; 0],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct MultiRegionKey {
    arn: String,
    region: String,
}

impl KeyMetadata {
    pub(super) fn new(arn: &KeyArn, record: &KeyRecord) -> Self {
        let multi_region = arn.key_id.is_multi_region();
        Self {
            aws_account_id: arn.account,
            key_id: arn.key_id.to_string(),
            arn: arn.to_string(),
            creation_date: Epoch(record.created),
            enabled: record.state == KeyState::Enabled,
            description: record.description.clone(),
            key_usage: record.usage,
            key_state: record.state,
            deletion_date: record.deletion.map(Epoch),
            origin: record.origin,
            key_manager: record.manager,
            customer_master_key_spec: record.spec,
            key_spec: record.spec,
            algorithms: Algorithms::of(record),
            multi_region,
            // A key becomes a primary when it is made; replicas come with ReplicateKey.
            multi_region_configuration: multi_region.then(|| MultiRegionConfiguration {
                multi_region_key_type: "PRIMARY",
                primary_key: MultiRegionKey { arn: arn.to_string(), region: arn.region.to_string() },
                replica_keys: [],
            }),
            current_key_material_id: record.current_material,
        }
    }
}
