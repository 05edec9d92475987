//! What operators do through the admin socket; each command is an operation like any other.

pub(crate) mod create_account;
pub(crate) mod describe_any_key;
pub(crate) mod list_accounts;
pub(crate) mod list_all_keys;
