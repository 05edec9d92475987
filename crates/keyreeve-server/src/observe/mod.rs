//! What an operator's tools see of a running server: metrics and health. No request's content reaches it.

mod health;
mod histogram;
mod metrics;
mod traffic;

pub use health::{Observation, Readiness, Ready};
pub use metrics::{CacheMetrics, Metrics, OperationMetrics, Outcome, StoreMetrics};
pub use traffic::Traffic;
