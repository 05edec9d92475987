//! Grants: kept beside their key, found by their grantee. A decision reads them through a cache that no acknowledged
//! change leaves behind, so that a revoked grant never works again.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/grants.html>

use std::sync::Arc;

use keyreeve_crypto::digest::sha256;
use keyreeve_model::arn::{KeyArn, KeyRef};
use keyreeve_model::error::KmsError;
use keyreeve_model::grant::Grant;
use keyreeve_policy::grant::grantee_names;
use keyreeve_policy::principal::Principal;

use super::{KeyAccess, KeyEntry};
use crate::desk::Desk;
use crate::records::{Stamped, path};

/// Bytes of a grant's id.
const ID_BYTES: usize = 32;

/// The id of a grant: 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrantId(String);

impl GrantId {
    /// An id from its text.
    ///
    /// # Errors
    /// [`KmsError::InvalidGrantId`].
    pub(crate) fn parse(text: &str) -> Result<Self, KmsError> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 2 * ID_BYTES && text.bytes().all(digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(KmsError::InvalidGrantId)
        }
    }

    /// A fresh id.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when there is no randomness.
    pub(crate) fn fresh() -> Result<Self, KmsError> {
        let random: [u8; ID_BYTES] = keyreeve_crypto::random::array().map_err(|_| KmsError::Internal)?;
        Ok(Self(hex::encode(random)))
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As text.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// How a request names a grant that it wants away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GrantName {
    pub(crate) key: KeyRef,
    pub(crate) id: GrantId,
    /// A token says so: whoever has it knows already that there was such a grant.
    pub(crate) by_token: bool,
}

/// A grantee or retiring principal, as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GrantPrincipal {
    /// An ARN or a unique id.
    Principal(String),
    /// A service's name.
    Service(String),
}

/// A principal and a service were named for one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NamedTwice;

impl GrantPrincipal {
    /// From the two members that may name it, of which a request has one at most.
    pub(crate) fn one_of(
        principal: Option<String>,
        service: Option<String>,
    ) -> Result<Option<Self>, NamedTwice> {
        match (principal, service) {
            (Some(_), Some(_)) => Err(NamedTwice),
            (principal, service) => Ok(principal.map(Self::Principal).or(service.map(Self::Service))),
        }
    }

    /// As it is written.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Principal(text) | Self::Service(text) => text,
        }
    }

    /// Whether it is a service.
    pub(crate) const fn is_service(&self) -> bool {
        matches!(self, Self::Service(_))
    }

    /// The unique id that it has now; accounts, services and unique ids have none beside their name.
    ///
    /// # Errors
    /// [`KmsError::MalformedArn`]; [`KmsError::NoSuchPrincipal`].
    pub(crate) async fn unique_id(&self, desk: &Desk<'_>) -> Result<Option<String>, KmsError> {
        match self {
            Self::Principal(text) => desk.service.identity().grant_principal(text).await,
            Self::Service(_) => Ok(None),
        }
    }
}

/// Whether a stored principal is a service: ARNs and unique ids with a session have colons, other unique ids no dots.
pub(crate) fn is_service(principal: &str) -> bool {
    principal.contains('.') && !principal.contains(':')
}

/// Whose grants on which key: the digest of the grantee as it was written.
pub(super) type GrantPlace = (KeyArn, path::Digest);
/// Grants to one grantee on one key.
pub(super) type Grants = Arc<[Arc<Grant>]>;

/// Rows read at once.
const PAGE: usize = 1000;

impl KeyAccess {
    /// The grants on a key whose grantee is written as one of the caller's names.
    pub(super) async fn grants_to(
        &self,
        entry: &KeyEntry,
        principal: &Principal,
    ) -> Result<Vec<Arc<Grant>>, KmsError> {
        let mut found = Vec::new();
        for name in grantee_names(principal) {
            found.extend(self.grants_of((entry.arn.clone(), sha256(name.as_bytes()))).await?.iter().cloned());
        }
        Ok(found)
    }

    async fn grants_of(&self, place: GrantPlace) -> Result<Grants, KmsError> {
        if let Some(known) = self.grants.get(&place) {
            return Ok(known);
        }
        let ticket = self.grants.ticket(&place);
        let prefix = path::grantee_prefix(&place.0, &place.1);
        let (mut after, mut all) = (None, Vec::new());
        loop {
            // A row that was altered is left out: what it says is permitted to nobody.
            let page = self.records.page::<Grant>(&prefix, after.as_ref(), PAGE).await?;
            all.extend(page.rows.into_iter().map(|(_, grant)| Arc::new(grant)));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let grants: Grants = all.into();
        self.grants.fill(place, ticket, Arc::clone(&grants));
        Ok(grants)
    }

    /// To be called after a change of a grant is durable and before it is acknowledged.
    pub(super) fn forget_grants_to(&self, key: &KeyArn, grantee: &str) {
        self.grants.forget(&(key.clone(), sha256(grantee.as_bytes())));
    }

    /// One grant on a key.
    pub(super) async fn grant(&self, key: &KeyArn, id: &str) -> Result<Option<Stamped<Grant>>, KmsError> {
        self.records.read(&path::grant(key, id)?).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_64_hexadecimal_digits_in_lower_case() {
        assert!(GrantId::parse(GrantId::fresh().unwrap().as_str()).is_ok());
        for bad in ["", "x", &"a".repeat(63), &"a".repeat(65), &"A".repeat(64), &"g".repeat(64)] {
            assert_eq!(GrantId::parse(bad), Err(KmsError::InvalidGrantId), "{bad}");
        }
    }

    #[test]
    fn services_are_told_from_other_principals() {
        for (principal, service) in [
            ("s3.amazonaws.com", true),
            ("s3.eu-central-1.amazonaws.com", true),
            ("arn:aws:iam::111122223333:user/a.b", false),
            ("AROAEXAMPLEROLE00001:session.1", false),
            ("AIDAEXAMPLEALICE0001", false),
        ] {
            assert_eq!(is_service(principal), service, "{principal}");
        }
    }
}
