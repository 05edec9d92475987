//! Who may retire a grant: its retiring principal, its grantee where it may, the root user of the key's account. The grant
//! decides; policies only deny.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html>

use std::marker::PhantomData;
use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::grant::{Grant, GrantOperation};
use keyreeve_model::region::AccountId;
use keyreeve_policy::evidence::PolicyKind;
use keyreeve_policy::grant::GrantUse;
use keyreeve_policy::principal::Principal;
use keyreeve_policy::verdict::{Denial, Verdict};

use serde_json::Value;

use super::gatehouse::action;
use super::resolve::UnjudgedKey;
use super::{GrantName, KeyEntry, KeyName, is_service};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::judgement::{Question, Subject};
use crate::operation::{Operation, Proof};
use crate::records::Stamped;

/// The caller may do away with this grant by the operation `O`.
#[derive(Debug)]
pub(crate) struct AuthorizedRetirement<O> {
    entry: Arc<KeyEntry>,
    grant: Stamped<Grant>,
    operation: PhantomData<fn() -> O>,
}

impl<O> AuthorizedRetirement<O> {
    /// Removes the grant; it permits nothing any more once this answers.
    pub(crate) async fn retire(self, desk: &Desk<'_>) -> Result<(), KmsError> {
        desk.service.keys.remove_grants(&self.entry.arn, &[self.grant], Cause::Request(desk)).await
    }
}

impl<O: Operation> Proof<O> for AuthorizedRetirement<O> {
    type Names = GrantName;

    async fn judge<'a>(desk: &'a Desk<'a>, name: GrantName) -> Result<Self, KmsError> {
        let (keys, action) = (&desk.service.keys, action(desk, 0)?);
        let own = |account: AccountId| desk.caller.principal.account() == Some(account);
        let entry = match keys.resolve(desk, &KeyName::Ref(name.key), false).await? {
            UnjudgedKey::Found { entry } => entry,
            UnjudgedKey::MissingKey(arn) => {
                let text = arn.to_string();
                let subject = Subject::Missing { arn: &text, owner: arn.account };
                not_denied(&Question::new(desk, action, subject), own(arn.account))?;
                return Err(KmsError::KeyNotFound(arn));
            }
            UnjudgedKey::MissingAlias(_) | UnjudgedKey::MissingCiphertextKey => {
                return Err(KmsError::Internal);
            }
        };
        let Some(grant) = keys.grant(&entry.arn, name.id.as_str()).await? else {
            let question = Question::new(desk, action, Subject::Key(&entry));
            not_denied(&question, own(entry.arn.account) || name.by_token)?;
            return Err(KmsError::GrantNotFound(name.id.into_text()));
        };
        may_retire(desk, action, &entry, &grant.value)?;
        desk.notes.key(&entry);
        desk.notes.additional("grantId", Value::from(grant.value.id.as_str()));
        Ok(Self { entry, grant, operation: PhantomData })
    }
}

/// Whether the caller may hear that there is no such key or grant: strangers hear the same as about those that exist.
fn not_denied(question: &Question<'_>, may_know: bool) -> Result<(), KmsError> {
    match question.verdict(None) {
        Verdict::Deny(why @ Denial::Explicit(_)) => Err(question.denied(&why)),
        Verdict::Allow(_) | Verdict::Deny(_) if may_know => Ok(()),
        Verdict::Allow(_) | Verdict::Deny(_) => Err(question.denied(&Denial::OtherAccount)),
    }
}

fn may_retire(
    desk: &Desk<'_>,
    action: &'static str,
    entry: &KeyEntry,
    grant: &Grant,
) -> Result<(), KmsError> {
    let mut question = Question::new(desk, action, Subject::Key(entry));
    question.context().grant = Some(grant);
    let Some(claim) = claim(grant, entry.arn.account, &desk.caller.principal) else {
        return Err(match question.verdict(None) {
            Verdict::Deny(why) => question.denied(&why),
            // Whatever policies allow: no grant says so.
            Verdict::Allow(_) => question.denied(&Denial::Implicit(PolicyKind::KeyPolicy)),
        });
    };
    match question.verdict(Some(&claim)) {
        Verdict::Allow(_) => Ok(()),
        Verdict::Deny(Denial::Implicit(kind)) if !claim.to_account && kind != PolicyKind::Guard => Ok(()),
        Verdict::Deny(why) => Err(question.denied(&why)),
    }
}

/// By what right the caller retires the grant. A principal of an account that is named as a whole needs its own policies
/// too.
fn claim<'a>(grant: &'a Grant, key_owner: AccountId, principal: &Principal) -> Option<GrantUse<'a>> {
    let whole = |to_account| GrantUse { id: &grant.id, to_account, to_session: true };
    if *principal == Principal::Root(key_owner) {
        return Some(whole(false));
    }
    let retirer = grant.retiring.as_ref().map(|name| Grant {
        grantee: name.clone(),
        grantee_id: grant.retiring_id.clone(),
        grantee_service: is_service(name),
        ..grant.clone()
    });
    let as_retirer = retirer.as_ref().and_then(|retirer| GrantUse::by(retirer, principal));
    let as_grantee =
        GrantUse::by(grant, principal).filter(|_| grant.operations.contains(&GrantOperation::RetireGrant));
    let claims = [as_retirer, as_grantee].map(|claim| claim.map(|claim| claim.to_account));
    let mut found = claims.into_iter().flatten();
    let first = found.next()?;
    Some(whole(first && found.next().unwrap_or(true)))
}
