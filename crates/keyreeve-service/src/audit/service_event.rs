//! Events that nobody asked for: what Keyreeve does to keys by itself, and what it notices about itself.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/logging-using-cloudtrail.html>

use std::collections::BTreeSet;

use keyreeve_audit::Entry;
use keyreeve_crypto::root_key::SlotKind;
use keyreeve_model::algorithm::Origin;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::rotation::RotationType;
use keyreeve_model::timestamp::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::record::{EVENT_VERSION, OPERATOR_SOURCE, Record, ResourceElement};
use super::user_identity::{INTERNAL, MULTI_REGION_SERVICE, UserIdentity};
use crate::catalogue::Api;
use crate::regions::{HomeTerm, Signer};

/// An event of Keyreeve's own.
#[derive(Debug, Clone)]
pub(crate) struct ServiceEvent {
    id: Uuid,
    at: Timestamp,
    name: &'static str,
    source: &'static str,
    account: AccountId,
    region: Region,
    key: Option<String>,
    read_only: bool,
    details: Value,
    /// Whether the service-linked role of multi-Region keys does it.
    by_role: bool,
}

/// How gone a deleted key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// When its rows were removed.
    pub(crate) deleted: Timestamp,
    /// What opens older copies of the root key; with none of it left, nothing brings the key back.
    pub(crate) secrets: BTreeSet<SlotKind>,
}

impl End {
    fn sentence(&self) -> String {
        let gone = "The material of the key is gone from this deployment, and so is every domain key that wrapped it";
        if self.secrets.is_empty() {
            return format!("{gone}. Nothing is left that opens an older copy: the key cannot be recovered.");
        }
        let secrets: Vec<String> = self.secrets.iter().map(|kind| format!("the {kind}")).collect();
        format!(
            "{gone}. An older copy of the disk, or a backup, together with {} of that time can still recover the key.",
            secrets.join(" or ")
        )
    }
}

/// What a forced promotion was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forced<'a> {
    pub(crate) lost: &'a Region,
    /// Of the promotion.
    pub(crate) epoch: u64,
    /// Names of the operators who confirmed it.
    pub(crate) signers: &'a [String],
    /// Of the operators' command, which has a record of its own.
    pub(crate) request_id: Uuid,
}

/// What a rotation was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rotated {
    pub(crate) kind: RotationType,
    pub(crate) origin: Origin,
    pub(crate) previous: MaterialId,
    pub(crate) current: MaterialId,
}

impl ServiceEvent {
    fn of_key(name: &'static str, key: &KeyArn, at: Timestamp, mut details: Value) -> Self {
        if let Value::Object(members) = &mut details {
            members.insert("keyId".to_owned(), Value::from(key.key_id.to_string()));
        }
        Self {
            id: Uuid::new_v4(),
            at,
            name,
            source: Api::Kms.event_source(),
            account: key.account,
            region: key.region.clone(),
            key: Some(key.to_string()),
            read_only: false,
            details,
            by_role: false,
        }
    }

    /// The waiting period of a key has passed, and it is gone.
    pub(crate) fn delete_key(key: &KeyArn, at: Timestamp) -> Self {
        Self::of_key("DeleteKey", key, at, json!({}))
    }

    /// The last key of Keyreeve's that wrapped the material of a deleted key is gone.
    pub(crate) fn end_of_key(key: &KeyArn, at: Timestamp, end: &End) -> Self {
        let name = if end.secrets.is_empty() { "KeyShredded" } else { "KeyDeleted" };
        let secrets: Vec<String> = end.secrets.iter().map(ToString::to_string).collect();
        let details = json!({
            "message": end.sentence(),
            "deletionDate": end.deleted.to_iso_8601(),
            "recoverableWith": secrets,
        });
        Self { source: OPERATOR_SOURCE, ..Self::of_key(name, key, at, details) }
    }

    /// An imported material has expired, and its bytes are gone.
    pub(crate) fn delete_expired_key_material(key: &KeyArn, id: Option<MaterialId>, at: Timestamp) -> Self {
        let details = id.map_or_else(|| json!({}), |id| json!({"keyMaterialId": id}));
        Self::of_key("DeleteExpiredKeyMaterial", key, at, details)
    }

    /// A key got new material.
    pub(crate) fn rotate_key(key: &KeyArn, at: Timestamp, rotated: &Rotated) -> Self {
        let details = json!({
            "rotationType": rotated.kind,
            "keyOrigin": rotated.origin,
            "previousKeyMaterialId": rotated.previous,
            "currentKeyMaterialId": rotated.current,
        });
        Self::of_key("RotateKey", key, at, details)
    }

    /// A Region of a multi-Region key took over what another one told it.
    pub(crate) fn synchronize(key: &KeyArn, at: Timestamp) -> Self {
        Self { by_role: true, ..Self::of_key("SynchronizeMultiRegionKey", key, at, json!({})) }
    }

    /// Two operators made a Region the primary of a key whose primary is lost: what the account of the key sees of it.
    pub(crate) fn force_promote(key: &KeyArn, at: Timestamp, forced: &Forced<'_>) -> Self {
        let details = json!({
            "lostRegion": forced.lost,
            "epoch": forced.epoch,
            "confirmedBy": forced.signers,
            "requestId": forced.request_id,
        });
        Self { source: OPERATOR_SOURCE, ..Self::of_key("ForcePromote", key, at, details) }
    }

    /// This Region follows another home of the identities, in a higher term.
    pub(crate) fn home_moved(region: &Region, at: Timestamp, term: &HomeTerm, signers: &[Signer]) -> Self {
        let names: Vec<&str> = signers.iter().map(|signer| signer.name.as_str()).collect();
        Self {
            id: Uuid::new_v4(),
            at,
            name: "IdentitiesHomeMoved",
            source: OPERATOR_SOURCE,
            account: AccountId::ZERO,
            region: region.clone(),
            key: None,
            read_only: false,
            details: json!({"home": term.home, "epoch": term.epoch, "confirmedBy": names}),
            by_role: false,
        }
    }

    /// Something is wrong with the log or the store: a sentence, and the path of the row, if it is one.
    pub(crate) fn integrity_alarm(region: Region, at: Timestamp, sentence: &str, path: Option<&str>) -> Self {
        Self {
            id: Uuid::new_v4(),
            at,
            name: "AuditIntegrityAlarm",
            source: OPERATOR_SOURCE,
            account: AccountId::ZERO,
            region,
            key: None,
            read_only: true,
            details: json!({"message": sentence, "path": path}),
            by_role: false,
        }
    }

    /// Its entry, without the rows of its change.
    pub(super) fn entry(&self) -> Entry {
        let account_id = self.account;
        let resource = |arn| ResourceElement { account_id, kind: "AWS::KMS::Key", arn };
        let service = if self.by_role { MULTI_REGION_SERVICE } else { INTERNAL };
        let record = Record {
            event_version: EVENT_VERSION,
            user_identity: if self.by_role {
                UserIdentity::multi_region_role(account_id)
            } else {
                UserIdentity::internal(account_id)
            },
            event_time: self.at.to_iso_8601(),
            event_source: self.source,
            event_name: self.name,
            aws_region: self.region.as_str(),
            source_ip_address: service.to_owned(),
            user_agent: Some(service),
            error_code: None,
            error_message: None,
            request_parameters: None,
            response_elements: Value::Null,
            additional_event_data: None,
            request_id: self.by_role.then(Uuid::new_v4),
            event_id: self.id,
            read_only: self.read_only,
            resources: self.key.as_deref().map(resource).into_iter().collect(),
            event_type: if self.by_role { "AwsApiCall" } else { "AwsServiceEvent" },
            management_event: true,
            recipient_account_id: account_id,
            shared_event_id: None,
            service_event_details: (!self.by_role).then(|| self.details.clone()),
            event_category: "Management",
            tls_details: None,
        };
        let event = record.to_json();
        let (account, region) = (self.account, self.region.clone());
        Entry { id: self.id, time: self.at, account, region, event, rows: Vec::new() }
    }
}

/// The entry of an event that sums up requests whose callers are not known: they are nobody's calls, and have no records
/// of their own.
pub fn authentication_failures(region: Region, at: Timestamp, details: Value) -> Entry {
    ServiceEvent {
        id: Uuid::new_v4(),
        at,
        name: "AuthenticationFailures",
        source: OPERATOR_SOURCE,
        account: AccountId::ZERO,
        region,
        key: None,
        read_only: true,
        details,
        by_role: false,
    }
    .entry()
}
