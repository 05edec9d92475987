//! The operations of IAM: one file a noun. Permissions are in the catalogue; a file here never repeats them.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html>

pub(crate) mod absent_credentials;
pub(crate) mod access_key;
pub(crate) mod account;
pub(crate) mod account_details;
mod account_details_views;
pub(crate) mod attached_policy;
pub(crate) mod boundary;
pub(crate) mod group;
pub(crate) mod group_members;
pub(crate) mod holder;
pub(crate) mod inline_policy;
pub(crate) mod instance_profile;
pub(crate) mod managed_policy;
pub(crate) mod named;
pub(crate) mod oidc_provider;
pub(crate) mod oidc_tags;
pub(crate) mod paging;
pub(crate) mod policy_document;
pub(crate) mod policy_entities;
pub(crate) mod policy_list;
pub(crate) mod policy_version;
pub(crate) mod role;
pub(crate) mod role_update;
pub(crate) mod service_linked_role;
pub(crate) mod shapes;
pub(crate) mod simulation;
pub(crate) mod tags;
pub(crate) mod user;
