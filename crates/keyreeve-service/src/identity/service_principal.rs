//! Service principals: roles that an operator registered as a service. Their sessions act as the service, and may speak
//! for others.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use serde::{Deserialize, Serialize};

use super::{AccountIam, Identity, Role};
use crate::audit::Cause;
use crate::records::{Stamped, path};

/// The row of a registered service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceRecord {
    /// Account of the role.
    pub(crate) account: AccountId,
    /// Name of the role.
    pub(crate) role: String,
}

impl Identity {
    /// Makes the sessions of a role act as a service; a role that was the service before no longer is.
    ///
    /// # Errors
    /// NoSuchEntity; store errors.
    pub(crate) async fn register_service(
        &self,
        name: &str,
        account: AccountId,
        role: &str,
        cause: Cause<'_>,
    ) -> Result<(), KmsError> {
        let before = self.service(name).await?;
        if let Some(row) = &before
            && (row.value.account != account || !row.value.role.eq_ignore_ascii_case(role))
        {
            self.unregister_service(name, cause).await?;
            return Err(KmsError::Conflict);
        }
        let iam = AccountIam { identity: self, account, cause };
        let found = iam.find::<Role>(role).await?;
        let mut row = found.row.clone();
        if let Some(other) = row.service.as_deref().filter(|other| *other != name) {
            return Err(KmsError::Refused(format!(
                "The role {role} is the service {other} already: unregister that one first."
            )));
        }
        row.service = Some(name.to_owned());
        let record = ServiceRecord { account, role: row.naming.name.clone() };
        let draft = iam.draft_changed(self.records.draft()?, &found, &row)?;
        let draft = draft.put(&path::service(name)?, before.map(|row| row.stamp), &record)?;
        self.commit(account, draft, cause).await
    }

    /// Makes nobody the service any more.
    ///
    /// # Errors
    /// [`KmsError::Refused`] when nobody was; store errors.
    pub(crate) async fn unregister_service(&self, name: &str, cause: Cause<'_>) -> Result<(), KmsError> {
        let Some(record) = self.service(name).await? else {
            return Err(KmsError::Refused(format!("No service {name} is registered.")));
        };
        let account = record.value.account;
        let iam = AccountIam { identity: self, account, cause };
        let mut draft = self.records.draft()?.delete(&path::service(name)?, record.stamp);
        // The role may have been deleted since.
        if let Some(found) = iam.look::<Role>(&record.value.role).await?
            && found.row.service.as_deref() == Some(name)
        {
            let mut row = found.row.clone();
            row.service = None;
            draft = iam.draft_changed(draft, &found, &row)?;
        }
        self.commit(account, draft, cause).await
    }

    async fn service(&self, name: &str) -> Result<Option<Stamped<ServiceRecord>>, KmsError> {
        self.records.read(&path::service(name)?).await
    }

    /// Every registered service with its role, by name.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn services(&self) -> Result<Vec<(String, ServiceRecord)>, KmsError> {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page =
                self.records.page::<ServiceRecord>(path::SERVICES_PREFIX, after.as_ref(), 1000).await?;
            all.extend(page.rows.into_iter().filter_map(|(path, record)| {
                Some((path.as_str().strip_prefix(path::SERVICES_PREFIX)?.to_owned(), record))
            }));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }
}
