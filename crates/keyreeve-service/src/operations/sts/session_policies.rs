//! The session policies of a request: a document and the ARNs of managed policies, which together limit a session.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>

use keyreeve_model::error::{KmsError, PolicyFault};
use keyreeve_model::iam_error::IamError;
use keyreeve_policy::policy::{Grammar, Policy};

use crate::desk::Desk;
use crate::identity::{AuthorizedRole, SessionPolicies};
use crate::input::Input;

/// Most characters of the document. AWS's model no longer says it for AssumeRole, its guide does.
const DOCUMENT_CHARACTERS_MAX: usize = 2048;
/// Most managed policies.
const MANAGED_MAX: usize = 10;

/// From `Policy` and `PolicyArns`.
///
/// # Errors
/// MalformedPolicyDocument; ValidationError.
pub(super) fn parse(input: &mut Input<'_>) -> Result<SessionPolicies, KmsError> {
    let document = input.text("Policy");
    let managed = input.structures("PolicyArns").into_iter();
    let managed: Vec<_> = managed.filter_map(|mut descriptor| descriptor.text("arn")).collect();
    let mut violations = Vec::new();
    if document.as_ref().is_some_and(|text| text.chars().count() > DOCUMENT_CHARACTERS_MAX) {
        violations.push(too_long("policy", DOCUMENT_CHARACTERS_MAX));
    }
    if managed.len() > MANAGED_MAX {
        violations.push(too_long("policyArns", MANAGED_MAX));
    }
    if !violations.is_empty() {
        return Err(KmsError::Violations(violations));
    }
    if let Some(text) = &document {
        Policy::parse(text, Grammar::Identity).map_err(malformed)?;
    }
    Ok(SessionPolicies { document, managed })
}

fn too_long(member: &str, max: usize) -> String {
    format!(
        "Value at '{member}' failed to satisfy constraint: Member must have length less than or equal to {max}"
    )
}

fn malformed(fault: PolicyFault) -> KmsError {
    KmsError::Iam(IamError::MalformedPolicyDocument(match fault {
        PolicyFault::Grammar(place) => place,
        PolicyFault::Principal | PolicyFault::Lockout => {
            "Policy document should not specify a principal.".to_owned()
        }
    }))
}

/// Holds that the managed policies are there, in the account of the role.
///
/// # Errors
/// ValidationError.
pub(super) async fn check_exist<O: Send + Sync>(
    desk: &Desk<'_>,
    proof: &AuthorizedRole<O>,
    policies: &SessionPolicies,
) -> Result<(), KmsError> {
    let iam = proof.iam(desk);
    for arn in &policies.managed {
        if iam.policy_of(arn).await?.is_none() {
            let text = format!("The policy {arn} does not exist in the account of the role.");
            return Err(KmsError::Iam(IamError::ValidationError(text)));
        }
    }
    Ok(())
}
