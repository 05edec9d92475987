//! What operators do through the admin socket; each command is an operation like any other.

pub(crate) mod accept_rollback;
pub(crate) mod backup_status;
pub(crate) mod create_account;
pub(crate) mod describe_any_key;
pub(crate) mod describe_key_usage;
pub(crate) mod explain;
pub(crate) mod list_accounts;
pub(crate) mod list_all_keys;
pub(crate) mod list_services;
pub(crate) mod region;
pub(crate) mod register_service;
pub(crate) mod root_rotate;
pub(crate) mod root_rotation_status;
pub(crate) mod set_account;
pub(crate) mod start_backup;
pub(crate) mod unregister_service;
pub(crate) mod verify_audit;

use keyreeve_model::error::{KmsError, SerializationFault};
use keyreeve_model::region::AccountId;

use crate::input::Input;
use crate::input::shape::{Kind, Pattern};

/// A 12-digit account id.
static ACCOUNT_ID: Kind = Kind::Text { min: 12, max: 12, pattern: Some(&TWELVE_DIGITS) };
static TWELVE_DIGITS: Pattern =
    Pattern { expression: r"\d{12}", matches: |text| AccountId::parse(text).is_some() };

/// `<service>.<region>.amazonaws.com`, or without the Region.
static SERVICE_NAME: Kind = Kind::Text { min: 15, max: 128, pattern: Some(&SERVICE_TEXT) };
static SERVICE_TEXT: Pattern = Pattern {
    expression: r"[a-z0-9-]+(\.[a-z0-9-]+)?\.amazonaws\.com",
    matches: |text| {
        let Some(name) = text.strip_suffix(".amazonaws.com") else { return false };
        let plain = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        name.split('.').count() <= 2 && name.split('.').all(plain)
    },
};

/// The account that a command is about.
fn account_id(input: &mut Input<'_>) -> Result<AccountId, KmsError> {
    let refused = KmsError::Serialization(SerializationFault::NotJson);
    AccountId::parse(&input.required_text("AccountId")?).ok_or(refused)
}
