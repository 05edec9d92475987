//! Forwarding: a registered service says in signed headers for whom, or for what, it asks. Nobody else may.
//!
//! | header | value |
//! |---|---|
//! | `x-keyreeve-forwarded-principal` | ARN of a user, of a session of a role, or of a root user |
//! | `x-keyreeve-source-arn` | ARN of the resource for which the service asks: `aws:SourceArn` |
//! | `x-keyreeve-source-account` | its account: `aws:SourceAccount` |

use std::sync::Arc;

use hyper::HeaderMap;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_service::Service;
use keyreeve_service::caller::{Caller, Forwarding, Principal};
use keyreeve_service::identity::Profile;
use keyreeve_sigv4::Verified;

const PRINCIPAL: &str = "x-keyreeve-forwarded-principal";
const SOURCE_ARN: &str = "x-keyreeve-source-arn";
const SOURCE_ACCOUNT: &str = "x-keyreeve-source-account";

/// Longest ARN of AWS's models.
const ARN_MAX: usize = 2048;

/// The headers, as they came.
#[derive(Debug, Default, PartialEq, Eq)]
struct Forwarded<'h> {
    principal: Option<&'h str>,
    source_arn: Option<&'h str>,
    source_account: Option<AccountId>,
}

impl<'h> Forwarded<'h> {
    /// Reads the headers; each at most once, of its form, and signed.
    fn read(headers: &'h HeaderMap, signs: impl Fn(&str) -> bool) -> Result<Self, KmsError> {
        let one = |name: &'static str| -> Result<Option<&'h str>, KmsError> {
            let mut values = headers.get_all(name).iter();
            let Some(value) = values.next() else { return Ok(None) };
            if values.next().is_some() || !signs(name) {
                return Err(refused(&format!("The header {name} must be signed, and be there once.")));
            }
            let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= ARN_MAX);
            text.map(Some).ok_or_else(|| malformed(name))
        };
        let account = one(SOURCE_ACCOUNT)?;
        let account = account.map(|text| AccountId::parse(text).ok_or_else(|| malformed(SOURCE_ACCOUNT)));
        Ok(Self {
            principal: one(PRINCIPAL)?,
            source_arn: one(SOURCE_ARN)?,
            source_account: account.transpose()?,
        })
    }
}

/// The caller for whom a service asks; every other caller as it is.
///
/// # Errors
/// AccessDenied for headers that are not signed, not of a service, or name nobody; store errors.
pub(super) async fn apply(
    service: &Service,
    caller: Caller,
    headers: &HeaderMap,
    verified: &Verified<'_>,
) -> Result<Caller, KmsError> {
    let forwarded = Forwarded::read(headers, |name| verified.signs(name))?;
    if forwarded == Forwarded::default() {
        return Ok(caller);
    }
    let Principal::Service(speaker) = &caller.principal else {
        return Err(refused("Only a registered service may speak for others."));
    };
    let forwarding = Arc::new(Forwarding {
        service: speaker.name.clone(),
        on_behalf: forwarded.principal.is_some(),
        source_arn: forwarded.source_arn.map(Box::from),
        source_account: forwarded.source_account,
    });
    let Some(arn) = forwarded.principal else {
        return Ok(Caller { forwarding: Some(forwarding), ..caller });
    };
    let (principal, profile) = principal(service, arn)
        .await?
        .ok_or_else(|| refused(&format!("The principal {arn} cannot be spoken for, or does not exist.")))?;
    // The session is the service's own: what limits it does not limit the principal, nor say anything about it.
    Ok(Caller { principal, profile, session: None, forwarding: Some(forwarding), ..caller })
}

/// Whom a service may speak for: people and their sessions, and no other service.
async fn principal(service: &Service, arn: &str) -> Result<Option<(Principal, Arc<Profile>)>, KmsError> {
    if !is_spoken_for(arn) {
        return Ok(None);
    }
    let found = service.identity().principal_of(arn).await?;
    Ok(found.filter(|(principal, _)| match principal {
        Principal::Root(_) | Principal::User(_) | Principal::Session(_) => principal.to_string() == arn,
        Principal::Service(_) | Principal::Federated(_) | Principal::Operator(_) => false,
    }))
}

/// Whether the ARN has the form of one of a user, a session or a root user.
fn is_spoken_for(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_+=,.@-".contains(&b));
    match parts.as_slice() {
        ["arn", "aws", "iam", "", _, resource] => {
            *resource == "root" || resource.starts_with("user/") && plain(resource)
        }
        ["arn", "aws", "sts", "", _, resource] => resource.starts_with("assumed-role/") && plain(resource),
        _ => false,
    }
}

fn refused(text: &str) -> KmsError {
    KmsError::AccessDenied(text.to_owned())
}

fn malformed(name: &str) -> KmsError {
    refused(&format!("The value of the header {name} is malformed."))
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn headers_are_signed_single_and_of_their_form() {
        let user = "arn:aws:iam::111122223333:user/Alice";
        for (list, signed, valid) in [
            (&[(PRINCIPAL, user)] as &[_], true, true),
            (&[(PRINCIPAL, user)], false, false),
            (&[(PRINCIPAL, user), (PRINCIPAL, user)], true, false),
            (&[(PRINCIPAL, "")], true, false),
            (&[(SOURCE_ARN, "arn:aws:s3:::bucket"), (SOURCE_ACCOUNT, "111122223333")], true, true),
            (&[(SOURCE_ACCOUNT, "1")], true, false),
            (&[(SOURCE_ACCOUNT, "111122223333")], false, false),
            (&[], false, true),
        ] {
            let headers = headers(list);
            assert_eq!(Forwarded::read(&headers, |_| signed).is_ok(), valid, "{list:?} {signed}");
        }
    }

    #[test]
    fn only_users_sessions_and_root_users_are_spoken_for() {
        for (arn, expected) in [
            ("arn:aws:iam::111122223333:root", true),
            ("arn:aws:iam::111122223333:user/a/Alice", true),
            ("arn:aws:sts::111122223333:assumed-role/R/s", true),
            ("arn:aws:iam::111122223333:role/R", false),
            ("arn:aws:iam::111122223333:user/A\u{e9}", false),
            ("arn:aws:iam::111122223333:user/A*", false),
            ("s3.eu-central-1.amazonaws.com", false),
            ("arn:aws:kms::111122223333:user/Alice", false),
        ] {
            assert_eq!(is_spoken_for(arn), expected, "{arn}");
        }
    }
}
