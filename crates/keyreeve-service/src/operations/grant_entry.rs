//! `GrantListEntry`: a grant as lists show it.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantListEntry.html>

use keyreeve_model::arn::KeyArn;
use keyreeve_model::grant::{Grant, GrantOperation};
use serde::Serialize;

use super::grant_constraints::ConstraintsView;
use super::paging::PageEnd;
use crate::key_access::is_service;
use crate::reply::Epoch;

/// A page of grants.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GrantsReply {
    pub(super) grants: Vec<GrantEntry>,
    #[serde(flatten)]
    pub(super) end: PageEnd,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GrantEntry {
    key_id: String,
    grant_id: String,
    /// Empty when none was given.
    name: String,
    creation_date: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    grantee_principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retiring_principal: Option<String>,
    issuing_account: String,
    operations: Vec<GrantOperation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    constraints: Option<ConstraintsView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grantee_service_principal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retiring_service_principal: Option<String>,
}

impl GrantEntry {
    pub(super) fn new(key: &KeyArn, grant: Grant) -> Self {
        let (grantee_principal, grantee_service_principal) = split(Some(grant.grantee));
        let (retiring_principal, retiring_service_principal) = split(grant.retiring);
        Self {
            key_id: key.to_string(),
            grant_id: grant.id,
            name: grant.name.unwrap_or_default(),
            creation_date: Epoch(grant.created),
            grantee_principal,
            retiring_principal,
            issuing_account: format!("arn:aws:iam::{}:root", grant.issuing_account),
            operations: grant.operations,
            constraints: ConstraintsView::new(grant.constraints),
            grantee_service_principal,
            retiring_service_principal,
        }
    }
}

/// A principal, or a service.
fn split(name: Option<String>) -> (Option<String>, Option<String>) {
    match name {
        Some(name) if is_service(&name) => (None, Some(name)),
        name => (name, None),
    }
}
