//! Judgement: gathers the evidence of one question and asks the policy engine. Every gatehouse asks here, so that there is one
//! place where a request meets policies.

mod context;

use keyreeve_model::error::KmsError;
use keyreeve_model::grant::{Grant, GrantOperation};
use keyreeve_model::region::AccountId;
use keyreeve_policy::evaluate::evaluate;
use keyreeve_policy::evidence::{Evidence, NamedPolicy, Resource};
use keyreeve_policy::explain::{Explanation, explain};
use keyreeve_policy::grant::GrantUse;
use keyreeve_policy::verdict::{Denial, Verdict};

use crate::desk::Desk;
use crate::key_access::KeyEntry;

pub(crate) use context::{KeyNaming, RequestContext};

/// What a question is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// No resource of its own: `*`.
    Everything,
    /// A key.
    Key(&'a KeyEntry),
    /// A key or alias that does not exist.
    Missing { arn: &'a str, owner: AccountId },
    /// A thing without a policy of its own: an alias, an entity of IAM.
    Owned { arn: &'a str, owner: AccountId },
    /// A role that is to be assumed.
    Role { arn: &'a str, owner: AccountId, trust: &'a NamedPolicy },
    /// The deployment.
    Deployment,
}

impl<'a> Subject<'a> {
    /// As messages name it.
    fn name(&self) -> &'a str {
        match self {
            Self::Everything | Self::Deployment => "*",
            Self::Key(entry) => &entry.text,
            Self::Missing { arn, .. } | Self::Owned { arn, .. } | Self::Role { arn, .. } => arn,
        }
    }

    fn resource(&self) -> Resource<'a> {
        match *self {
            Self::Everything => Resource::Everything,
            Self::Deployment => Resource::Deployment,
            Self::Key(entry) => {
                Resource::Key { arn: &entry.text, owner: entry.arn.account, policy: &entry.policy }
            }
            Self::Missing { arn, owner } => Resource::Missing { arn, owner },
            Self::Owned { arn, owner } => Resource::Owned { arn, owner },
            Self::Role { arn, owner, trust } => Resource::Role { arn, owner, trust },
        }
    }
}

/// One question: may this caller do this to that?
#[derive(Debug)]
pub(crate) struct Question<'a> {
    desk: &'a Desk<'a>,
    action: &'static str,
    subject: Subject<'a>,
    context: RequestContext<'a>,
}

impl<'a> Question<'a> {
    /// A question with no more evidence than the request itself.
    pub(crate) fn new(desk: &'a Desk<'a>, action: &'static str, subject: Subject<'a>) -> Self {
        Self { desk, action, subject, context: RequestContext::new(desk, action, subject) }
    }

    /// What is known about the request, for the gatehouse to add to.
    pub(crate) const fn context(&mut self) -> &mut RequestContext<'a> {
        &mut self.context
    }

    /// Whether the constraints of a grant admit the request.
    pub(crate) fn covered_by(&self, grant: &Grant, operation: GrantOperation) -> bool {
        self.context.covered_by(grant, operation)
    }

    fn evidence<'q>(&'q self, grant: Option<&'q GrantUse<'q>>) -> Evidence<'q> {
        let caller = self.desk.caller;
        Evidence {
            principal: &caller.principal,
            action: self.action,
            resource: self.subject.resource(),
            context: &self.context,
            guards: &caller.profile.guards,
            identity: &caller.profile.identity,
            boundary: caller.profile.boundary.as_ref(),
            sessions: caller.session.as_ref().and_then(|session| session.policies.as_deref()),
            grant,
            other_accounts: self.desk.row.other_accounts,
        }
    }

    /// Whether a policy in play asks how long the key was not used.
    pub(crate) fn asks_for_days_without_usage(&self) -> bool {
        match self.verdict(None) {
            Verdict::Allow(_) | Verdict::Deny(_) => self.context.asks_for_days_without_usage(),
        }
    }

    /// The decision, with a grant that covers the request or without.
    pub(crate) fn verdict<'q>(&'q self, grant: Option<&'q GrantUse<'q>>) -> Verdict<'q> {
        evaluate(&self.evidence(grant))
    }

    /// The decision with everything that led to it.
    pub(crate) fn explain<'q>(&'q self, grant: Option<&'q GrantUse<'q>>) -> Explanation {
        explain(&self.evidence(grant))
    }

    /// Denied, in AWS's words.
    pub(crate) fn denied(&self, why: &Denial<'_>) -> KmsError {
        self.desk.notes.denied(why);
        KmsError::AccessDenied(why.message(&self.desk.caller.principal, self.action, self.subject.name()))
    }

    /// Whether policies allow it.
    ///
    /// # Errors
    /// [`KmsError::AccessDenied`].
    pub(crate) fn permit(&self) -> Result<(), KmsError> {
        match self.verdict(None) {
            Verdict::Allow(_) => Ok(()),
            Verdict::Deny(why) => Err(self.denied(&why)),
        }
    }
}
