//! A real deployment by the command line alone: the built binary is run, as an operator runs it. Waiting is by what it
//! prints, logs and answers, never by sleeping.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

mod accounts;
mod audit_faults;
mod configuration;
mod health;
mod making;
mod rig;
mod signals;
