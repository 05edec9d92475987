//! What operators do through the admin socket; each command is an operation like any other.

pub(crate) mod accept_rollback;
pub(crate) mod backup_status;
pub(crate) mod create_account;
pub(crate) mod describe_any_key;
pub(crate) mod list_accounts;
pub(crate) mod list_all_keys;
pub(crate) mod root_rotate;
pub(crate) mod root_rotation_status;
pub(crate) mod start_backup;
