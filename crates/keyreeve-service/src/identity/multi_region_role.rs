//! The service-linked role of multi-Region keys: an account has it from its first such key on.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-auth-slr.html>

use keyreeve_model::error::KmsError;

use super::entity::Entity as _;
use super::inventory::AccountIam;
use super::{Identity, Role};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::operations::iam::service_linked_role::multi_region_role;

impl Identity {
    /// Makes the role, unless it is there. Where identities are kept elsewhere, it is made by hand there.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn keep_multi_region_role(&self, desk: &Desk<'_>) -> Result<(), KmsError> {
        if desk.service.regions().home().is_some() {
            return Ok(());
        }
        let Some(role) = multi_region_role(desk.now)? else { return Ok(()) };
        let iam = AccountIam { identity: self, account: desk.caller.account(), cause: Cause::Request(desk) };
        if iam.look::<Role>(&role.naming().name).await?.is_some() {
            return Ok(());
        }
        let draft = iam.draft_new(iam.draft()?, &role).await?;
        match iam.commit(draft).await {
            // Another request was first.
            Ok(()) | Err(KmsError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
