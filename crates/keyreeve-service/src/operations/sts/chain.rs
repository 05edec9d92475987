//! Role chaining: what a session hands on to the next one. Tags that were marked as transitive and the source identity go
//! on and cannot be changed on the way.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_policy::principal::Principal;

use crate::desk::Desk;
use crate::identity::Session;
use crate::input::Input;

/// Most tags of a session, inherited ones among them.
const TAGS_MAX: usize = 50;

/// Tags of a session.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct SessionTags {
    pub(super) tags: Vec<(String, String)>,
    pub(super) transitive: Vec<String>,
}

/// Whether the caller is itself in a session of a role.
pub(super) fn is_chained(desk: &Desk<'_>) -> bool {
    matches!(desk.caller.principal, Principal::Session(_) | Principal::Service(_))
}

/// From `Tags` and `TransitiveTagKeys`, with what the caller's own session hands on.
///
/// # Errors
/// ValidationError.
pub(super) fn tags(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<SessionTags, KmsError> {
    let (asked, transitive) = (input.tags("Tags"), input.texts("TransitiveTagKeys"));
    check_keys(&asked, &transitive)?;
    join(desk.caller.session.as_deref(), asked, transitive)
}

fn check_keys(asked: &[(String, String)], transitive: &[String]) -> Result<(), KmsError> {
    for (index, (key, _)) in asked.iter().enumerate() {
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid("Tag keys beginning with aws: are reserved for system use."));
        }
        if asked.iter().take(index).any(|(known, _)| same(known, key)) {
            return Err(invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
    }
    if transitive.iter().any(|key| !asked.iter().any(|(known, _)| same(known, key))) {
        return Err(invalid("The specified transitive tag key must be included in the requested tags."));
    }
    Ok(())
}

fn join(
    session: Option<&Session>,
    asked: Vec<(String, String)>,
    transitive: Vec<String>,
) -> Result<SessionTags, KmsError> {
    let kept = session.map(|session| session.transitive_tags.as_slice()).unwrap_or_default();
    let is_kept = |key: &str| kept.iter().any(|kept| same(kept, key));
    if asked.iter().any(|(key, _)| is_kept(key)) {
        return Err(invalid(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
             from the calling session.",
        ));
    }
    let own = session.map(|session| session.tags.as_slice()).unwrap_or_default();
    let inherited = own.iter().filter(|(key, _)| is_kept(key)).cloned();
    let tags: Vec<_> = inherited.chain(asked).collect();
    if tags.len() > TAGS_MAX {
        return Err(invalid("The number of session tags has reached the maximum limit of 50."));
    }
    Ok(SessionTags { tags, transitive: kept.iter().cloned().chain(transitive).collect() })
}

/// Keys of tags are the same whatever their letter case.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// From `SourceIdentity`, or that of the caller's own session.
///
/// # Errors
/// AccessDenied: whoever has one keeps it.
pub(super) fn source_identity(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Option<String>, KmsError> {
    let asked = input.text("SourceIdentity");
    let own = desk.caller.session.as_ref().and_then(|session| session.source_identity.clone());
    match (asked, own) {
        (Some(asked), Some(own)) if asked != own => Err(KmsError::AccessDenied(
            "The source identity of a session cannot be changed when it assumes another role.".to_owned(),
        )),
        (asked, own) => Ok(own.or(asked)),
    }
}

fn invalid(text: &str) -> KmsError {
    KmsError::Iam(IamError::ValidationError(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use keyreeve_model::timestamp::Timestamp;

    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn session(tags: &[(&str, &str)], transitive: &[&str]) -> Session {
        Session {
            issued: Timestamp::from_millis(0),
            expires: Timestamp::from_millis(0),
            policies: None,
            tags: pairs(tags),
            transitive_tags: transitive.iter().map(|key| (*key).to_owned()).collect(),
            source_identity: None,
            federated_provider: None,
        }
    }

    #[test]
    fn transitive_tags_go_on_and_others_end() {
        let first = session(&[("Team", "red"), ("Job", "7")], &["team"]);
        let joined = join(Some(&first), pairs(&[("Stage", "test")]), vec!["Stage".to_owned()]).unwrap();
        assert_eq!(joined.tags, pairs(&[("Team", "red"), ("Stage", "test")]));
        assert_eq!(joined.transitive, ["team", "Stage"]);
        assert!(join(Some(&first), pairs(&[("TEAM", "blue")]), Vec::new()).is_err());
        assert!(join(Some(&first), pairs(&[("job", "8")]), Vec::new()).is_ok());
    }

    #[test]
    fn keys_are_unique_whatever_their_case_and_transitive_ones_are_given() {
        for (asked, transitive, valid) in [
            (&[("a", "1"), ("b", "2")] as &[_], &["B"] as &[&str], true),
            (&[("a", "1"), ("A", "2")], &[], false),
            (&[("a", "1")], &["b"], false),
            (&[("AWS:x", "1")], &[], false),
        ] {
            let transitive: Vec<_> = transitive.iter().map(|key| (*key).to_owned()).collect();
            assert_eq!(check_keys(&pairs(asked), &transitive).is_ok(), valid, "{asked:?}");
        }
    }
}
