//! Temporary credentials at the door: the token says whose they are, and the rows whether that still holds.

use keyreeve_service::Service;
use keyreeve_service::identity::OpenedSession;
use keyreeve_sigv4::SigV4Error;

use super::authenticate::{Signer, Unauthenticated};

/// Who signed with temporary credentials whose signature holds.
///
/// # Errors
/// Expired; unknown, when the role or user is gone; store errors.
pub(super) async fn signer(service: &Service, opened: &OpenedSession) -> Result<Signer, Unauthenticated> {
    if opened.is_over(service.clock().now()) {
        return Err(Unauthenticated::Signature(SigV4Error::SessionExpired));
    }
    let found = service.identity().session_signer(opened).await.map_err(Unauthenticated::Service)?;
    let found = found.ok_or(Unauthenticated::Signature(SigV4Error::UnknownAccessKey))?;
    Ok(Signer { principal: found.principal, profile: found.profile, session: Some(found.session) })
}

#[cfg(test)]
mod tests;
