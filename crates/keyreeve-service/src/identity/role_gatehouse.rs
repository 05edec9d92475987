//! The gatehouse of roles: whether a caller, or somebody whom an identity provider vouches for, may assume one. Its proofs
//! carry the role as it was judged.
//!
//! A row of such an operation has three actions: for assuming, for passing tags, for setting a source identity. The last
//! two are asked only where a request does so.

use std::marker::PhantomData;
use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_policy::evidence::{NamedPolicy, PolicyKind};
use keyreeve_policy::policy::{Grammar, Policy};
use keyreeve_policy::principal::{Principal, WebIdentity};
use keyreeve_policy::verdict::Denial;

use super::entity::{Entity as _, Naming};
use super::web_identity::VerifiedIdentity;
use super::{AccountIam, Identity, Role, SessionOwner};
use crate::audit::Cause;
use crate::caller::Caller;
use crate::desk::Desk;
use crate::judgement::{Question, Subject};
use crate::operation::{Operation, Proof};

/// `arn:aws:iam::<account>:role<path><name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoleArn {
    pub(crate) account: AccountId,
    /// `/` or `/division/`.
    path: String,
    name: String,
    text: String,
}

/// Longest name of a role.
const ROLE_NAME_MAX: usize = 64;

impl RoleArn {
    /// Parses the ARN of a role, of whatever partition.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (Some("arn"), Some(_), Some("iam"), Some("")) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let account = AccountId::parse(parts.next()?)?;
        let rest = parts.next()?.strip_prefix("role/")?;
        let (path, name) = match rest.rsplit_once('/') {
            Some((path, name)) => (format!("/{path}/"), name),
            None => ("/".to_owned(), rest),
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
        let valid = !name.is_empty() && name.len() <= ROLE_NAME_MAX && name.bytes().all(plain);
        valid.then(|| Self { account, path, name: name.to_owned(), text: text.to_owned() })
    }

    fn names(&self, naming: &Naming) -> bool {
        naming.name == self.name && naming.path == self.path
    }
}

/// What AssumeRole asks for.
#[derive(Debug, Clone)]
pub(crate) struct RoleNames {
    pub(crate) role: RoleArn,
    /// Whether the session shall have tags.
    pub(crate) tagged: bool,
    /// Whether it shall have a source identity.
    pub(crate) source_identity: bool,
}

/// Trust policy, and for other accounts the caller's own policies, allow the operation `O` on this role.
#[derive(Debug)]
pub(crate) struct AuthorizedRole<O> {
    pub(crate) account: AccountId,
    pub(crate) role: Role,
    operation: PhantomData<fn() -> O>,
}

impl<O> AuthorizedRole<O> {
    /// The owner of a session of this name.
    pub(crate) fn session_owner(&self, session: &str) -> SessionOwner {
        let Naming { name, id, .. } = self.role.naming();
        let (account, session) = (self.account, session.to_owned());
        SessionOwner::Role { account, name: name.clone(), id: id.clone(), session }
    }

    /// The IAM of the role's account.
    pub(crate) fn iam<'a>(&self, desk: &'a Desk<'a>) -> AccountIam<'a> {
        AccountIam { identity: desk.service.identity(), account: self.account, cause: Cause::Request(desk) }
    }
}

/// A role with its trust policy, compiled.
struct Trusting {
    role: Role,
    trust: NamedPolicy,
}

impl Identity {
    async fn trusting(&self, arn: &RoleArn) -> Result<Option<Trusting>, KmsError> {
        let profile = self.role_profile(arn.account, &arn.name).await?;
        let role = profile.as_ref().and_then(|profile| profile.role.as_ref());
        let Some(role) = role.filter(|role| arn.names(role.naming())) else { return Ok(None) };
        let policy = Policy::parse_pinned(&role.trust, Grammar::TrustPolicy, &role.trust_pins);
        let policy = policy.map_err(|error| {
            tracing::error!(role = %arn.text, %error, "a stored trust policy does not parse");
            KmsError::Internal
        })?;
        let trust = NamedPolicy {
            kind: PolicyKind::TrustPolicy,
            name: "trust policy".into(),
            policy: Arc::new(policy),
        };
        Ok(Some(Trusting { role: role.clone(), trust }))
    }
}

/// Asks about one action of the row after another.
fn permit(
    desk: &Desk<'_>,
    names: &RoleNames,
    found: &Trusting,
    claims: &[(String, String)],
) -> Result<(), KmsError> {
    let arn = found.role.arn(names.role.account);
    let subject = Subject::Role { arn: &arn, owner: names.role.account, trust: &found.trust };
    let wanted = [true, names.tagged, names.source_identity];
    for (action, _) in desk.row.actions.iter().zip(wanted).filter(|(_, wanted)| *wanted) {
        let mut question = Question::new(desk, action, subject);
        question.context().claims = claims;
        question.permit()?;
    }
    Ok(())
}

fn note_role(desk: &Desk<'_>, role: &RoleArn) {
    desk.notes.resource(role.account, "AWS::IAM::Role", role.text.clone());
}

/// Nobody learns whether a role exists: the words are those of a trust policy that does not allow.
fn missing(desk: &Desk<'_>, arn: &RoleArn) -> Result<KmsError, KmsError> {
    let action = desk.row.actions.first().ok_or(KmsError::Internal)?;
    let denial = Denial::Implicit(PolicyKind::TrustPolicy);
    Ok(KmsError::AccessDenied(denial.message(&desk.caller.principal, action, &arn.text)))
}

impl<O: Operation> Proof<O> for AuthorizedRole<O> {
    type Names = RoleNames;

    async fn judge<'a>(desk: &'a Desk<'a>, names: RoleNames) -> Result<Self, KmsError> {
        if let Principal::Root(_) = desk.caller.principal {
            return Err(KmsError::AccessDenied("Roles may not be assumed by root accounts.".to_owned()));
        }
        let Some(found) = desk.service.identity().trusting(&names.role).await? else {
            return Err(missing(desk, &names.role)?);
        };
        permit(desk, &names, &found, &[])?;
        note_role(desk, &names.role);
        Ok(Self { account: names.role.account, role: found.role, operation: PhantomData })
    }
}

/// What AssumeRoleWithWebIdentity asks for.
#[derive(Debug, Clone)]
pub(crate) struct WebIdentityNames {
    pub(crate) role: RoleArn,
    /// The provider's token, as it came.
    pub(crate) token: String,
}

/// A provider of the role's account vouches for the caller, and the trust policy allows the operation `O` to it.
#[derive(Debug)]
pub(crate) struct AuthorizedWebIdentity<O> {
    pub(crate) role: AuthorizedRole<O>,
    pub(crate) identity: VerifiedIdentity,
}

impl<O: Operation> Proof<O> for AuthorizedWebIdentity<O> {
    type Names = WebIdentityNames;

    async fn judge<'a>(desk: &'a Desk<'a>, names: WebIdentityNames) -> Result<Self, KmsError> {
        let WebIdentityNames { role, token } = names;
        let verified = desk.service.identity().verify(role.account, &token, desk.now).await?;
        let identity = Arc::new(WebIdentity {
            provider: verified.provider.as_str().into(),
            subject: verified.subject.as_str().into(),
        });
        let principal = Principal::Federated(Arc::clone(&identity));
        let caller = Caller { principal, ..desk.caller.clone() };
        desk.notes.web_identity(identity, role.account);
        let desk = Desk { caller: &caller, ..*desk };
        let Some(found) = desk.service.identity().trusting(&role).await? else {
            return Err(missing(&desk, &role)?);
        };
        let names = RoleNames { role, tagged: false, source_identity: false };
        permit(&desk, &names, &found, &verified.claims)?;
        note_role(&desk, &names.role);
        let role = AuthorizedRole { account: names.role.account, role: found.role, operation: PhantomData };
        Ok(Self { role, identity: verified })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_of_roles_have_account_path_and_name() {
        for (text, expected) in [
            ("arn:aws:iam::111122223333:role/R", Some(("/", "R"))),
            ("arn:aws:iam::111122223333:role/a/b/R", Some(("/a/b/", "R"))),
            ("arn:aws-cn:iam::111122223333:role/R", Some(("/", "R"))),
            ("arn:aws:iam::111122223333:role/", None),
            ("arn:aws:iam::111122223333:role/a/", None),
            ("arn:aws:iam::111122223333:role/R*", None),
            ("arn:aws:iam::111122223333:user/R", None),
            ("arn:aws:iam:eu-central-1:111122223333:role/R", None),
            ("arn:aws:sts::111122223333:assumed-role/R/s", None),
            ("arn:aws:iam::1:role/R", None),
            ("R", None),
        ] {
            let arn = RoleArn::parse(text);
            let parts = arn.as_ref().map(|arn| (arn.path.as_str(), arn.name.as_str()));
            assert_eq!(parts, expected, "{text}");
        }
    }
}
