//! Which materials of a key are still used for decryption: who re-encrypts everything sees here when it is done.

use std::collections::BTreeMap;

use keyreeve_model::arn::{KeyArn, KeyRef};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::material_id::MaterialId;
use keyreeve_model::rotation::KeyMaterialState;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AuthorizedCall, KeyAccess};
use crate::desk::Desk;
use crate::operations::operator::describe_key_usage::DescribeKeyUsage;
use crate::records::path;
use crate::usage::MaterialUse;

/// The row: the last use of each material that ever decrypted since tracking began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct MaterialUsage(BTreeMap<MaterialId, MaterialUse>);

impl MaterialUsage {
    /// Adds uses where none is known that is later; answers whether that changed something.
    pub(super) fn add(&mut self, uses: &[(MaterialId, MaterialUse)]) -> bool {
        let mut changed = false;
        for (material, used) in uses {
            let known = self.0.get(material);
            if known.is_none_or(|known| known.at <= used.at && known != used) {
                self.0.insert(*material, used.clone());
                changed = true;
            }
        }
        changed
    }
}

/// One material of a key.
#[derive(Debug)]
pub(crate) struct UsedMaterial {
    pub(crate) id: MaterialId,
    pub(crate) state: KeyMaterialState,
    /// `None` if it was not used since tracking began.
    pub(crate) last_decrypt: Option<MaterialUse>,
}

/// The materials of a key.
#[derive(Debug)]
pub(crate) struct UsedMaterials {
    pub(crate) key: KeyArn,
    /// Oldest first; none for keys whose material has no id.
    pub(crate) materials: Vec<UsedMaterial>,
    pub(crate) tracking_since: Timestamp,
}

impl AuthorizedCall<DescribeKeyUsage> {
    /// The materials of a key of any account, and when each last decrypted.
    pub(crate) async fn used_materials(
        &self,
        desk: &Desk<'_>,
        key: &KeyRef,
    ) -> Result<UsedMaterials, KmsError> {
        let keys = &desk.service.keys;
        let entry = keys.of_any_account(desk, key).await?;
        keys.used_materials(desk, &entry.arn, &entry.record).await
    }
}

impl KeyAccess {
    async fn used_materials(
        &self,
        desk: &Desk<'_>,
        arn: &KeyArn,
        record: &KeyRecord,
    ) -> Result<UsedMaterials, KmsError> {
        let usage = &desk.service.usage;
        let since = self.uses_known_since(usage, desk.now).await?;
        let row = self.records.read::<MaterialUsage>(&path::material_usage(arn)?).await?;
        let mut known = row.map(|row| row.value).unwrap_or_default();
        if let Some(recent) = usage.recent(arn) {
            known.add(&recent.decrypted);
        }
        let history = self.materials_of(arn, record).await?;
        let materials = history.0.iter().filter_map(|entry| entry.id).map(|id| UsedMaterial {
            id,
            state: record.material_state(&id),
            last_decrypt: known.0.get(&id).cloned(),
        });
        let tracking_since = since.max(record.created);
        Ok(UsedMaterials { key: arn.clone(), materials: materials.collect(), tracking_since })
    }
}
