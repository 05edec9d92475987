//! The list of a key's rotations, and of its materials, page by page.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeyRotations.html>

use keyreeve_model::algorithm::Origin;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::rotation::{IncludeKeyMaterial, MaterialEntry};

use super::AuthorizedKey;
use super::list::Listed;
use crate::desk::Desk;
use crate::operations::list_key_rotations::ListKeyRotations;

impl AuthorizedKey<ListKeyRotations> {
    /// Whether some Region lacks the imported material that waits for its rotation, as far as the primary knows.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn awaits_imports(&self, desk: &Desk<'_>) -> Result<bool, KmsError> {
        match self.record().pending_material {
            Some(id) if self.record().origin == Origin::External => {
                desk.service.keys.lacks_import(self.entry(), Some(&id)).await
            }
            Some(_) | None => Ok(false),
        }
    }

    /// A page of the key's materials, oldest first: those that a rotation made current, or all.
    ///
    /// # Errors
    /// [`KmsError::InvalidMarker`]; store errors.
    pub(crate) async fn list_materials(
        &self,
        desk: &Desk<'_>,
        include: IncludeKeyMaterial,
        limit: usize,
        marker: Option<&str>,
    ) -> Result<Listed<MaterialEntry>, KmsError> {
        let keys = &desk.service.keys;
        let list = format!("rotations/{include}/{}", self.arn());
        // Materials keep their place in the history, so that a rotation between two pages moves none.
        let first = match marker {
            Some(marker) => {
                keys.open_marker(&list, marker)?.parse::<usize>().map_err(|_| KmsError::InvalidMarker)?
            }
            None => 0,
        };
        if self.record().spec != KeySpec::SymmetricDefault {
            return Ok(Listed { items: Vec::new(), next_marker: None });
        }
        let history = keys.materials_of(self.arn(), self.record()).await?;
        let asked =
            |entry: &MaterialEntry| include == IncludeKeyMaterial::AllKeyMaterial || entry.rotated.is_some();
        let mut rest = history.0.into_iter().enumerate().skip(first).filter(|(_, entry)| asked(entry));
        let items = rest.by_ref().take(limit).map(|(_, entry)| entry).collect();
        let next_marker = rest.next().map(|(place, _)| keys.marker(&list, &place.to_string())).transpose()?;
        Ok(Listed { items, next_marker })
    }
}
