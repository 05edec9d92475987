//! Explaining a decision about a key without making it.

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use keyreeve_model::grant::GrantOperation;
use keyreeve_model::region::AccountId;
use keyreeve_policy::context::MapContext;
use keyreeve_policy::explain::Explanation;
use keyreeve_policy::grant::GrantUse;

use super::gatehouse::learn_days_without_usage;
use super::{AuthorizedCall, KeyName};
use crate::desk::Desk;
use crate::judgement::{Question, Subject};
use crate::key_access::resolve::UnjudgedKey;

impl<O> AuthorizedCall<O> {
    /// Why the caller of `asked` may or may not do this to a key, an alias, another thing with an ARN, or to `*`.
    pub(crate) async fn explain(
        &self,
        asked: &Desk<'_>,
        action: &'static str,
        resource: &str,
        given: &MapContext,
    ) -> Result<Explanation, KmsError> {
        let keys = &asked.service.keys;
        let unjudged = match KeyRef::parse(resource) {
            Ok(reference) => Some(keys.resolve(asked, &KeyName::Ref(reference), true).await?),
            Err(_) => None,
        };
        if let Some(UnjudgedKey::Found { entry }) = &unjudged {
            let mut question = Question::new(asked, action, Subject::Key(entry));
            question.context().given = Some(given);
            learn_days_without_usage(&mut question, asked, action, entry).await;
            if let Some(operation) = GrantOperation::of_action(action) {
                let principal = &asked.caller.principal;
                for grant in keys.grants_to(entry, principal).await? {
                    let covering =
                        GrantUse::by(&grant, principal).filter(|_| question.covered_by(&grant, operation));
                    if let Some(grant) = covering {
                        return Ok(question.explain(Some(&grant)));
                    }
                }
            }
            return Ok(question.explain(None));
        }
        let owner = resource.split(':').nth(4).and_then(AccountId::parse);
        let subject = match (resource, owner) {
            ("*", _) | (_, None) => Subject::Everything,
            (arn, Some(owner)) if unjudged.is_some() => Subject::Missing { arn, owner },
            (arn, Some(owner)) => Subject::Owned { arn, owner },
        };
        let mut question = Question::new(asked, action, subject);
        question.context().given = Some(given);
        Ok(question.explain(None))
    }
}
