//! The audit: what becomes of a call is written down before its answer leaves, what becomes of the store before anybody
//! hears of it.
//!
//! `notes.rs` collects on the way, `record.rs` writes the CloudTrail record, `ledger.rs` sees that no change goes without
//! one; `heads.rs` signs and commits where the log stands.

mod answer;
mod context_keys;
mod event_id;
mod heads;
mod ledger;
mod notes;
mod parameters;
mod record;
mod recovery;
mod refusal;
mod scrub;
mod service_event;
mod signing;
mod text;
mod use_record;
mod user_identity;

pub(crate) use context_keys::HashedContextKeys;
pub(crate) use heads::{Heads, committed_head};
pub(crate) use ledger::{Cause, Ledger};
pub(crate) use notes::Notes;
pub(crate) use recovery::{check, is_recorded};
pub use refusal::RefusedCall;
pub(crate) use scrub::scrub;
pub use scrub::{Disagreement, Finding};
pub use service_event::authentication_failures;
pub(crate) use service_event::{End, Forced, Rotated, ServiceEvent};
pub use signing::Published;
pub(crate) use use_record::uses_of;
