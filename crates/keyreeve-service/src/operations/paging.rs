//! `Limit`, `Marker`, `NextMarker`, `Truncated`: the same on every list.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/limits.html>

use keyreeve_model::error::KmsError;
use serde::Serialize;

use crate::input::Input;

/// How many a list gives: AWS's default and greatest number.
pub(super) struct PageSize {
    pub(super) default: usize,
    pub(super) max: usize,
}

/// Keys and policies.
pub(super) const LARGE: PageSize = PageSize { default: 100, max: 1000 };
/// Aliases.
pub(super) const SMALL: PageSize = PageSize { default: 50, max: 100 };
/// Tags.
pub(super) const TAGS: PageSize = PageSize { default: 50, max: 50 };

/// Which page is asked for.
pub(crate) struct Paging {
    pub(super) limit: usize,
    pub(super) marker: Option<String>,
}

impl Paging {
    /// From `Limit` and `Marker`. A limit above the list's own is refused as the model's bound would be.
    pub(super) fn parse(input: &mut Input<'_>, size: &PageSize) -> Result<Self, KmsError> {
        let limit = match input.integer("Limit") {
            None => size.default,
            Some(limit) => match usize::try_from(limit) {
                Ok(fitting) if fitting <= size.max => fitting,
                Ok(_) | Err(_) => {
                    let rule = format!("Member must have value less than or equal to {}", size.max);
                    return Err(KmsError::Violations(vec![format!(
                        "Value '{limit}' at 'limit' failed to satisfy constraint: {rule}"
                    )]));
                }
            },
        };
        Ok(Self { limit, marker: input.text("Marker") })
    }
}

/// The end of every list's answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PageEnd {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_marker: Option<String>,
    truncated: bool,
}

impl PageEnd {
    pub(super) const fn new(next_marker: Option<String>) -> Self {
        let truncated = next_marker.is_some();
        Self { next_marker, truncated }
    }
}
