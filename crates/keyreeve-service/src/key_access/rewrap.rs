//! Key material under newer domain keys. What it means is unchanged, so no cache is told.

use keyreeve_crypto::keyring::{Keyring, Purpose};
use keyreeve_crypto::wrap::epoch_of;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_record::{KeyRecord, MaterialSlot};

use super::KeyAccess;
use super::material::binding;
use crate::records::path;

impl KeyAccess {
    /// The material of a slot under the active domain key of this keyring; `None` where it is already.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when it does not unwrap, or its key is missing; store errors.
    pub(crate) async fn rewrap(
        &self,
        keyring: &Keyring,
        slot: &MaterialSlot,
        wrapped: &[u8],
    ) -> Result<Option<Vec<u8>>, KmsError> {
        let epoch = epoch_of(wrapped).map_err(|_| KmsError::Internal)?;
        if epoch == keyring.active_epoch(Purpose::Domain).number {
            return Ok(None);
        }
        let key = self.records.read::<KeyRecord>(&path::key(&slot.key)?).await?.ok_or(KmsError::Internal)?;
        let rewrapped = keyring.rewrap_material(wrapped, &binding(slot, &key.value));
        rewrapped.map(Some).map_err(|_| KmsError::Internal)
    }
}
