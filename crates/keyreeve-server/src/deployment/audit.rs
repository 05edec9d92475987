//! How a deployment writes its audit log.

use keyreeve_audit::{Durability, JournalOptions};

use super::{Folder, Mode};

/// What is settled before the log is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// When an append answers; `serve` has no other way than durably.
    pub durability: Durability,
    /// Size of a segment file.
    pub segment_bytes: u64,
    /// Space that is kept ready, so that a full disk leaves time to make room.
    pub reserve_bytes: u64,
    /// Keys of encryption contexts whose values are hashed in records.
    pub hashed_context_keys: Vec<String>,
}

impl AuditSettings {
    /// Records for which space is kept ready where nothing else is configured.
    pub const RECORDS_PER_SECOND: u64 = 20;
    /// Size of a segment file where nothing else is configured.
    pub const SEGMENT_BYTES: u64 = 16 << 20;
    /// Size of a record with its frame, roughly.
    const RECORD_BYTES: u64 = 1_500;

    /// Space for an hour of records.
    pub const fn reserve_bytes(records_per_second: u64) -> u64 {
        records_per_second.saturating_mul(3_600 * Self::RECORD_BYTES)
    }

    /// Where nothing is configured: `dev` keeps no space, as it comes and goes on laptops and in tests.
    pub const fn of(mode: Mode) -> Self {
        let reserve_bytes = match mode {
            Mode::Dev => 0,
            Mode::Serve => Self::reserve_bytes(Self::RECORDS_PER_SECOND),
        };
        Self {
            durability: Durability::Durable,
            segment_bytes: Self::SEGMENT_BYTES,
            reserve_bytes,
            hashed_context_keys: Vec::new(),
        }
    }

    pub(super) fn options(&self, folder: &Folder) -> JournalOptions {
        JournalOptions {
            folder: folder.audit(),
            durability: self.durability,
            segment_bytes: self.segment_bytes,
            reserve_bytes: self.reserve_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use keyreeve_audit::{Entry, Place};
    use keyreeve_model::region::{AccountId, Region};
    use keyreeve_service::caller::{Caller, Principal};
    use keyreeve_service::catalogue::{Api, find};
    use serde_json::{Value, json};

    use super::*;
    use crate::clock::SystemClock;
    use crate::deployment::{Deployment, Secret, Unsealing};

    /// What the record of an Encrypt says of its encryption context.
    async fn recorded_context(deployment: &Deployment) -> Value {
        let service = &deployment.service;
        let region = Region::parse("us-east-1").unwrap();
        let caller = Caller::bare(Principal::Root(AccountId::ZERO), region, uuid::Uuid::nil());
        let created = service.call(&caller, find(Api::Kms, "CreateKey").unwrap(), b"{}").await.unwrap();
        let created: Value = serde_json::from_slice(&created).unwrap();
        let context = json!({ "PatientId": "4711", "Ward": "3" });
        let input = json!({ "KeyId": created["KeyMetadata"]["KeyId"], "Plaintext": "eA==", "EncryptionContext": context });
        let encrypt = find(Api::Kms, "Encrypt").unwrap();
        service.call(&caller, encrypt, input.to_string().as_bytes()).await.unwrap();
        let frames = service.audit().read(Place(0), usize::MAX).unwrap();
        let entries = frames.iter().filter_map(|frame| Entry::from_payload(&frame.payload));
        let mut records = entries.filter_map(|entry| serde_json::from_slice::<Value>(&entry.event).ok());
        records.rfind(|record| record["eventName"] == "Encrypt").unwrap()["requestParameters"]["encryptionContext"].clone()
    }

    #[test]
    fn configured_context_keys_are_hashed_alike_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::new(folder.path().join("data"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let open = |keys: &[&str]| {
            let hashed_context_keys = keys.iter().map(|key| (*key).to_owned()).collect();
            let audit = AuditSettings { hashed_context_keys, ..AuditSettings::of(Mode::Dev) };
            let unsealing = Unsealing::or_create(Secret::KeyFile(None));
            runtime.block_on(async {
                let clock = Arc::new(SystemClock);
                let opened = Deployment::open_audited(&folder, Mode::Dev, &unsealing, clock, &audit).await;
                recorded_context(&opened.unwrap()).await
            })
        };
        assert_eq!(open(&[]), json!({ "PatientId": "4711", "Ward": "3" }));
        let hashed = open(&["PatientId"]);
        assert_eq!(hashed["Ward"], "3");
        assert!(hashed["PatientId"].as_str().unwrap().starts_with("hmac-sha256:"), "{hashed}");
        assert_eq!(open(&["PatientId"]), hashed);
    }
}
