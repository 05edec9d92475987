//! The operations of STS: one file an operation. Session tokens themselves are `identity/session_token.rs`.
//! AWS: <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

pub(crate) mod assume_role;
pub(crate) mod assume_role_with_web_identity;
pub(crate) mod get_access_key_info;
pub(crate) mod get_caller_identity;
pub(crate) mod get_session_token;

mod chain;
mod credentials;
mod duration;
mod session_policies;
mod shapes;
