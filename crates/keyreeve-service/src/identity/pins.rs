//! Pins: the unique ids that the users and roles named in a policy have when it is put, so that a later namesake is
//! somebody else.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use std::collections::BTreeMap;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_policy::policy::Policy;
use keyreeve_policy::principal_pattern::PrincipalPattern;
use serde_json::Value;

use super::entity::Entity;
use super::{Identity, Role, User};

impl Identity {
    /// The pins of a policy's principals; `None` when one of them does not exist.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn pins(&self, policy: &Policy) -> Result<Option<BTreeMap<String, String>>, KmsError> {
        Ok(self.pins_or_missing(policy).await?.ok())
    }

    /// The pins of a policy's principals, or the first of these that does not exist.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn pins_or_missing(
        &self,
        policy: &Policy,
    ) -> Result<Result<BTreeMap<String, String>, String>, KmsError> {
        let mut pins = BTreeMap::new();
        for pattern in policy.principals() {
            let Some(arn) = named(pattern) else { continue };
            match self.unique_id_of(arn).await? {
                Some(id) => pins.insert(arn.to_owned(), id),
                None => return Ok(Err(arn.to_owned())),
            };
        }
        Ok(Ok(pins))
    }

    /// A policy as it is shown: an ARN whose user or role is gone, or is a later namesake, stands as the unique id that
    /// it had; that of a user who was renamed, as the present one. A policy without such an ARN is shown as it was put, to the letter.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn shown(
        &self,
        text: &str,
        pins: &BTreeMap<String, String>,
    ) -> Result<String, KmsError> {
        let mut gone = BTreeMap::new();
        for (arn, id) in pins {
            // The ARN of a session matches by its text alone, whatever the id of its role.
            let is_session = Parts::of(arn).is_some_and(|parts| parts.segment == "assumed-role");
            if !is_session && self.unique_id_of(arn).await?.as_ref() != Some(id) {
                let shown = self.moved_to(arn, id).await?.unwrap_or_else(|| id.clone());
                gone.insert(arn.as_str(), shown);
            }
        }
        if gone.is_empty() { Ok(text.to_owned()) } else { with_ids(text, &gone) }
    }

    /// The ARN that the user of this id has since it was given another name or path; roles keep theirs.
    async fn moved_to(&self, arn: &str, id: &str) -> Result<Option<String>, KmsError> {
        let Some(parts) = Parts::of(arn).filter(|parts| parts.segment == "user") else { return Ok(None) };
        let name = parts.rest.rsplit('/').next().unwrap_or(parts.rest);
        for name in [Some(name.to_owned()), self.later_name(parts.account, id).await?].into_iter().flatten() {
            let found = self.entity::<User>(parts.account, &name).await?;
            if let Some(found) = found.filter(|found| found.row.naming.id == id) {
                return Ok(Some(found.row.arn(parts.account)));
            }
        }
        Ok(None)
    }

    /// The unique id of the user or role that an ARN names now, or whose session it names.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn unique_id_of(&self, arn: &str) -> Result<Option<String>, KmsError> {
        let Some(parts) = Parts::of(arn) else { return Ok(None) };
        match parts.segment {
            "user" => self.id_at::<User>(&parts).await,
            "role" => self.id_at::<Role>(&parts).await,
            // Of a session: the ARN has the role's name without its path.
            "assumed-role" => {
                let Some((role, _)) = parts.rest.split_once('/') else { return Ok(None) };
                let found = self.entity::<Role>(parts.account, role).await?;
                Ok(found
                    .map(|found| found.row.naming)
                    .filter(|naming| naming.name == role)
                    .map(|naming| naming.id))
            }
            _ => Ok(None),
        }
    }

    async fn id_at<E: Entity>(&self, parts: &Parts<'_>) -> Result<Option<String>, KmsError> {
        let (path, name) = parts.rest.rsplit_once('/').map_or(("/", parts.rest), |(path, name)| (path, name));
        let path = if path == "/" { "/".to_owned() } else { format!("/{path}/") };
        let found = self.entity::<E>(parts.account, name).await?;
        let same = |row: &E| row.naming().name == name && row.naming().path == path;
        Ok(found.filter(|found| same(&found.row)).map(|found| found.row.naming().id.clone()))
    }
}

/// The document with ids in place of ARNs where it names principals; the order of its members stays.
fn with_ids(text: &str, ids: &BTreeMap<&str, String>) -> Result<String, KmsError> {
    let mut document: Value = serde_json::from_str(text).map_err(|_| KmsError::Internal)?;
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(statements)) => statements.as_mut_slice(),
        Some(statement) => std::slice::from_mut(statement),
        None => &mut [],
    };
    for statement in statements {
        for element in ["Principal", "NotPrincipal"] {
            let named = match statement.get_mut(element).and_then(|principal| principal.get_mut("AWS")) {
                Some(Value::Array(named)) => named.as_mut_slice(),
                Some(named) => std::slice::from_mut(named),
                None => continue,
            };
            for principal in named {
                if let Some(id) = principal.as_str().and_then(|arn| ids.get(arn)) {
                    *principal = Value::String(id.clone());
                }
            }
        }
    }
    serde_json::to_string(&document).map_err(|_| KmsError::Internal)
}

/// The ARN of a user, a role or a session.
struct Parts<'a> {
    account: AccountId,
    segment: &'a str,
    /// Path and name without the first slash.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(arn: &'a str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let account = AccountId::parse(parts.nth(4)?)?;
        let (segment, rest) = parts.next()?.split_once('/')?;
        let plain = |b: u8| b.is_ascii_graphic();
        (!rest.is_empty() && rest.bytes().all(plain)).then_some(Self { account, segment, rest })
    }
}

/// The ARN that a principal is written with, if it names one user, role or session.
fn named(pattern: &PrincipalPattern) -> Option<&str> {
    match pattern {
        PrincipalPattern::User { arn, .. }
        | PrincipalPattern::Role { arn, .. }
        | PrincipalPattern::Session { arn, .. } => Some(arn),
        PrincipalPattern::Everyone
        | PrincipalPattern::Account(_)
        | PrincipalPattern::FederatedUser { .. }
        | PrincipalPattern::UniqueId(_)
        | PrincipalPattern::Service(_)
        | PrincipalPattern::Federated(_)
        | PrincipalPattern::CanonicalUser(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::entity::arn_of;

    #[test]
    fn ids_stand_where_principals_are_named_and_nowhere_else() {
        let (alice, role) = ("arn:aws:iam::111122223333:user/Alice", "arn:aws:iam::111122223333:role/R");
        let ids = BTreeMap::from([(alice, "AIDA1".to_owned()), (role, "AROA1".to_owned())]);
        let policy = |alice: &str, role: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"z","Principal":{{"AWS":"{alice}"}},"Effect":"Allow","Condition":{{"ArnEquals":{{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/Alice"}}}}}},{{"NotPrincipal":{{"Service":"a","AWS":["{role}","*"]}},"Effect":"Deny"}}]}}"#
            )
        };
        let shown = with_ids(&policy(alice, role), &ids).unwrap();
        assert_eq!(shown, policy("AIDA1", "AROA1"));
        let single = format!(r#"{{"Statement":{{"Principal":{{"AWS":"{alice}"}}}}}}"#);
        assert_eq!(with_ids(&single, &ids).unwrap(), r#"{"Statement":{"Principal":{"AWS":"AIDA1"}}}"#);
    }

    #[test]
    fn arns_of_identities_have_parts() {
        for (arn, expected) in [
            ("arn:aws:iam::111122223333:user/a/b/Alice", Some(("user", "a/b/Alice"))),
            ("arn:aws:sts::111122223333:assumed-role/R/s", Some(("assumed-role", "R/s"))),
            ("arn:aws:iam::111122223333:root", None),
            ("arn:aws:iam::x:user/Alice", None),
            ("AIDA", None),
        ] {
            let parts = Parts::of(arn).map(|parts| (parts.segment, parts.rest));
            assert_eq!(parts, expected, "{arn}");
        }
        assert_eq!(arn_of(AccountId::ZERO, "user", "/a/", "b"), "arn:aws:iam::000000000000:user/a/b");
    }
}
