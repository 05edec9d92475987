//! The policy engine from outside: properties over generated policies, the table of condition keys, allocations.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail loudly, as tests do")]

mod allocations;
mod condition_keys;
mod properties;
mod question;
