//! What an operator's tools see of a running server: metrics and health. No request's content reaches it.

mod audit;
mod counted_store;
mod deliveries;
mod deployment;
mod health;
mod histogram;
mod identities;
mod metrics;
mod traffic;

pub(crate) use audit::{AuditCounts, AuditWatch};
pub(crate) use counted_store::CountedStore;
pub use counted_store::StoreCounts;
pub use health::{Observation, Readiness, Ready};
pub(crate) use identities::IdentitiesWatch;
pub use metrics::{Metrics, OperationMetrics, Outcome};
pub use traffic::Traffic;
