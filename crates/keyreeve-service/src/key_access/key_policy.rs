//! A key policy on its way into a key: its grammar, its principals, and whether its putter can put another one.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>

use std::collections::BTreeMap;

use keyreeve_model::arn::KeyArn;
use keyreeve_model::error::{KmsError, PolicyFault, Quota};
use keyreeve_model::limits::POLICY_BYTES_MAX;
use keyreeve_policy::context::Context;
use keyreeve_policy::evaluate::keeps_control;
use keyreeve_policy::policy::{Grammar, Policy};
use keyreeve_policy::principal::Principal;

use crate::desk::Desk;
use crate::identity::Identity;
use crate::judgement::{Question, Subject};

/// A policy that may be put on its key.
#[derive(Debug, Clone)]
pub(crate) struct CheckedPolicy {
    /// As it was put.
    pub(crate) text: String,
    /// Unique ids of the users and roles that it names.
    pub(crate) pins: BTreeMap<String, String>,
}

impl CheckedPolicy {
    /// A policy that Keyreeve wrote itself.
    pub(crate) const fn built_in(text: String) -> Self {
        Self { text, pins: BTreeMap::new() }
    }

    /// Checks a policy that the caller puts on a key.
    ///
    /// # Errors
    /// [`KmsError::Limit`], [`KmsError::MalformedPolicy`].
    pub(crate) async fn check(
        desk: &Desk<'_>,
        key: &KeyArn,
        text: &str,
        bypass_lockout_check: bool,
    ) -> Result<Self, KmsError> {
        let checked = Self::parse(desk.service.identity(), text).await?;
        if !bypass_lockout_check {
            let arn = key.to_string();
            let subject = Subject::Missing { arn: &arn, owner: key.account };
            let mut question = Question::new(desk, "kms:PutKeyPolicy", subject);
            checked.leaves_control_to(&desk.caller.principal, key, question.context())?;
        }
        Ok(checked)
    }

    /// Checks the grammar and finds the principals.
    pub(super) async fn parse(identity: &Identity, text: &str) -> Result<Self, KmsError> {
        if text.len() > POLICY_BYTES_MAX {
            return Err(KmsError::Limit(Quota::PolicyBytes));
        }
        let policy = Policy::parse(text, Grammar::KeyPolicy).map_err(KmsError::MalformedPolicy)?;
        let pins = identity.pins(&policy).await?.ok_or(KmsError::MalformedPolicy(PolicyFault::Principal))?;
        Ok(Self { text: text.to_owned(), pins })
    }

    /// The lockout check.
    pub(super) fn leaves_control_to(
        &self,
        principal: &Principal,
        key: &KeyArn,
        context: &dyn Context,
    ) -> Result<(), KmsError> {
        let policy = Policy::parse_pinned(&self.text, Grammar::KeyPolicy, &self.pins);
        let policy = policy.map_err(KmsError::MalformedPolicy)?;
        if keeps_control(principal, key.account, &key.to_string(), &policy, context) {
            Ok(())
        } else {
            Err(KmsError::MalformedPolicy(PolicyFault::Lockout))
        }
    }
}
