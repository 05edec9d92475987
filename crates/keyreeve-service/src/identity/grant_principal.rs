//! Principals as grants name them: accounts, users, roles, sessions, unique ids. They must exist.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;

use super::{IdKind, Identity};

/// What a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// A whole account.
    Account,
    /// A unique id, alone or with a session: whose it is cannot be asked for.
    UniqueId,
    /// A user, a role or a session, by its ARN.
    Named,
    /// An ARN of something that can be no grantee.
    Other,
}

impl Identity {
    /// The unique id of a principal that a grant may name; `None` for an account, and for what is a unique id itself.
    ///
    /// # Errors
    /// [`KmsError::MalformedArn`]; [`KmsError::NoSuchPrincipal`]; store errors.
    pub(crate) async fn grant_principal(&self, text: &str) -> Result<Option<String>, KmsError> {
        let missing = || KmsError::NoSuchPrincipal(text.to_owned());
        match form_of(text) {
            None => Err(KmsError::MalformedArn(text.to_owned())),
            Some(Form::Account | Form::UniqueId) => Ok(None),
            Some(Form::Named) => self.unique_id_of(text).await?.map(Some).ok_or_else(missing),
            Some(Form::Other) => Err(missing()),
        }
    }
}

fn form_of(text: &str) -> Option<Form> {
    if is_unique_id(text) {
        return Some(Form::UniqueId);
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let &[_, partition, service, region, account, resource] = parts.as_slice() else { return None };
    if !text.starts_with("arn:") || partition.is_empty() || service.is_empty() || resource.is_empty() {
        return None;
    }
    let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
    let known = partition == "aws" && region.is_empty() && AccountId::parse(account).is_some();
    Some(match (service, kind) {
        _ if !known => Form::Other,
        ("iam", "root") if rest.is_empty() => Form::Account,
        ("iam", "user" | "role") | ("sts", "assumed-role") => Form::Named,
        _ => Form::Other,
    })
}

/// `AIDA…`, `AROA…`, `AROA…:<session>`.
fn is_unique_id(text: &str) -> bool {
    let (id, session) = text.split_once(':').map_or((text, None), |(id, session)| (id, Some(session)));
    let digits = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    let form = (16..=128).contains(&id.len()) && id.bytes().all(digits);
    let role = id.starts_with(IdKind::Role.prefix());
    form && match session {
        None => role || id.starts_with(IdKind::User.prefix()),
        Some(session) => role && (2..=64).contains(&session.len()) && !session.contains([':', '/']),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_have_their_forms() {
        for (text, form) in [
            ("arn:aws:iam::111122223333:root", Some(Form::Account)),
            ("arn:aws:iam::111122223333:user/Alice", Some(Form::Named)),
            ("arn:aws:iam::111122223333:user/a/b/Alice", Some(Form::Named)),
            ("arn:aws:iam::111122223333:role/R", Some(Form::Named)),
            ("arn:aws:sts::111122223333:assumed-role/R/s", Some(Form::Named)),
            ("AIDAEXAMPLEALICE0001", Some(Form::UniqueId)),
            ("AROAEXAMPLEROLE00001:session", Some(Form::UniqueId)),
            ("AIDAEXAMPLEALICE0001:session", None),
            ("AGPAEXAMPLEGROUP0001", None),
            ("arn:aws:iam::111122223333:group/G", Some(Form::Other)),
            ("arn:aws:sts::111122223333:federated-user/F", Some(Form::Other)),
            ("arn:aws:iam::1:root", Some(Form::Other)),
            ("arn:aws:s3:::bucket", Some(Form::Other)),
            ("arn:other:iam::111122223333:root", Some(Form::Other)),
            ("x:aws:iam::111122223333:user/Alice", None),
            ("arn:aws:iam", None),
            ("111122223333", None),
            ("Alice", None),
        ] {
            assert_eq!(form_of(text), form, "{text}");
        }
    }
}
