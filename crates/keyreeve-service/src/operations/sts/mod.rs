//! The operations of STS that tools call before anything else.

pub(crate) mod get_caller_identity;
