//! Lists of grants: of one key, and of one principal that may retire them, on keys of whatever account.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html>

use std::marker::PhantomData;

use keyreeve_crypto::digest::sha256;
use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::KmsError;
use keyreeve_model::grant::Grant;
use keyreeve_model::region::AccountId;

use super::gatehouse::action;
use super::list::Listed;
use super::{AuthorizedKey, GrantId, GrantPrincipal};
use crate::desk::Desk;
use crate::judgement::{Question, Subject};
use crate::operation::{Operation, Proof};
use crate::operations::list_grants::ListGrants;
use crate::records::path;

/// Which grants of a key are asked for.
#[derive(Debug, Default)]
pub(crate) struct GrantFilter {
    pub(crate) id: Option<GrantId>,
    pub(crate) grantee: Option<GrantPrincipal>,
}

impl AuthorizedKey<ListGrants> {
    /// A page of the key's grants, in the order of their ids.
    pub(crate) async fn list_grants(
        &self,
        desk: &Desk<'_>,
        filter: &GrantFilter,
        limit: usize,
        marker: Option<&str>,
    ) -> Result<Listed<Grant>, KmsError> {
        let (keys, arn) = (&desk.service.keys, self.arn());
        let prefix = match &filter.grantee {
            Some(grantee) => path::grantee_prefix(arn, &sha256(grantee.as_str().as_bytes())),
            None => path::grants_prefix(arn),
        };
        let after = keys.path_of_marker(&prefix, marker)?;
        if let Some(id) = &filter.id {
            let found = keys.grant(arn, id.as_str()).await?.map(|row| row.value);
            let is_asked = |grant: &Grant| {
                filter.grantee.as_ref().is_none_or(|grantee| grantee.as_str() == grant.grantee)
            };
            return Ok(Listed { items: found.into_iter().filter(is_asked).collect(), next_marker: None });
        }
        let page = keys.records.page::<Grant>(&prefix, after.as_ref(), limit).await?;
        let next_marker = page.next.map(|next| keys.marker(&prefix, next.as_str())).transpose()?;
        Ok(Listed { items: page.rows.into_iter().map(|(_, grant)| grant).collect(), next_marker })
    }
}

/// Policy allows the operation `O` on this principal.
#[derive(Debug)]
pub(crate) struct AuthorizedRetirer<O> {
    principal: GrantPrincipal,
    /// Its account, where it is written as an ARN: the caller's.
    account: Option<AccountId>,
    operation: PhantomData<fn() -> O>,
}

impl<O: Operation> Proof<O> for AuthorizedRetirer<O> {
    type Names = GrantPrincipal;

    /// The resource is the principal, and it must be of the caller's account.
    async fn judge<'a>(desk: &'a Desk<'a>, principal: GrantPrincipal) -> Result<Self, KmsError> {
        let account = principal.as_str().split(':').nth(4).and_then(AccountId::parse);
        let owner = account.unwrap_or_else(|| desk.caller.account());
        Question::new(desk, action(desk, 0)?, Subject::Owned { arn: principal.as_str(), owner }).permit()?;
        Ok(Self { principal, account, operation: PhantomData })
    }
}

/// Which rows under a retiring principal's prefix a caller is shown.
struct Shown {
    /// The unique id that the principal has now; grants to an earlier namesake are not its own.
    pin: Option<String>,
    /// The account whose keys alone are shown, where it is not known whose the principal is.
    only: Option<AccountId>,
}

impl Shown {
    fn includes(&self, key: &KeyArn, grant: &Grant) -> bool {
        let own = grant.retiring_id.is_none() || grant.retiring_id == self.pin;
        own && self.only.is_none_or(|account| account == key.account)
    }
}

impl<O> AuthorizedRetirer<O> {
    /// A page of the grants in the Region that the principal may retire.
    ///
    /// # Errors
    /// [`KmsError::NoSuchPrincipal`], [`KmsError::MalformedArn`].
    pub(crate) async fn list(
        &self,
        desk: &Desk<'_>,
        limit: usize,
        marker: Option<&str>,
    ) -> Result<Listed<(KeyArn, Grant)>, KmsError> {
        let (keys, region) = (&desk.service.keys, &desk.caller.region);
        let shown = self.shown(desk).await?;
        let prefix = path::retiring_prefix(region, &sha256(self.principal.as_str().as_bytes()));
        let list = format!("{prefix}{}", desk.caller.account());
        let mut after = keys.path_of_marker(&list, marker)?;
        let mut items = Vec::new();
        loop {
            let page = keys.records.page::<Grant>(&prefix, after.as_ref(), limit - items.len()).await?;
            for (place, grant) in page.rows {
                let Some(key) = path::retiring_key(&place, &prefix, region) else { continue };
                // Grants of a key that is gone are gone with it, whether or not their rows were removed yet.
                let lives = keys.entry(&key).await?.is_some_and(|key| !key.record.is_expired(desk.now));
                if lives && shown.includes(&key, &grant) {
                    items.push((key, grant));
                }
            }
            match page.next {
                None => return Ok(Listed { items, next_marker: None }),
                Some(next) if items.len() >= limit => {
                    let next_marker = Some(keys.marker(&list, next.as_str())?);
                    return Ok(Listed { items, next_marker });
                }
                Some(next) => after = Some(next),
            }
        }
    }

    async fn shown(&self, desk: &Desk<'_>) -> Result<Shown, KmsError> {
        let pin = self.principal.unique_id(desk).await?;
        // The service itself asks: nobody else may by a service's name.
        if self.principal.is_service() {
            return Ok(Shown { pin, only: None });
        }
        // A unique id does not tell its account.
        let only = if self.account.is_some() { None } else { Some(desk.caller.account()) };
        Ok(Shown { pin, only })
    }
}
