//! `Constraints` of a grant.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html>

use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_model::grant::GrantConstraints;
use keyreeve_model::limits::{CONSTRAINT_PAIRS_MAX, CONSTRAINT_VALUE_CHARACTERS_MAX};
use serde::Serialize;

use crate::input::Input;

/// From the member.
///
/// # Errors
/// ValidationException: both contexts, too many pairs, too long a value.
pub(super) fn parse(input: &mut Input<'_>) -> Result<GrantConstraints, KmsError> {
    let Some(mut members) = input.structure("Constraints") else { return Ok(GrantConstraints::default()) };
    let constraints = GrantConstraints {
        equals: members.optional_context("EncryptionContextEquals")?,
        subset: members.optional_context("EncryptionContextSubset")?,
        source_arn: members.text("SourceArn"),
    };
    if constraints.equals.is_some() && constraints.subset.is_some() {
        return Err(KmsError::Invalid(Invalid::GrantConstraints));
    }
    constraints.equals.iter().chain(&constraints.subset).try_for_each(check_size)?;
    Ok(constraints)
}

fn check_size(context: &EncryptionContext) -> Result<(), KmsError> {
    if context.entries().len() > CONSTRAINT_PAIRS_MAX {
        return Err(KmsError::Invalid(Invalid::GrantConstraintPairs));
    }
    let too_long = |value: &String| value.chars().count() > CONSTRAINT_VALUE_CHARACTERS_MAX;
    if context.entries().values().any(too_long) {
        return Err(KmsError::Invalid(Invalid::GrantConstraintValue));
    }
    Ok(())
}

/// As lists show them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConstraintsView {
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_context_subset: Option<EncryptionContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_context_equals: Option<EncryptionContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_arn: Option<String>,
}

impl ConstraintsView {
    /// `None` where there are none.
    pub(super) fn new(constraints: GrantConstraints) -> Option<Self> {
        let GrantConstraints { equals, subset, source_arn } = constraints;
        let any = equals.is_some() || subset.is_some() || source_arn.is_some();
        any.then_some(Self {
            encryption_context_subset: subset,
            encryption_context_equals: equals,
            source_arn,
        })
    }
}
