//! What Keyreeve counts, as Prometheus text. Everything that a request touches is registered beforehand: counting is
//! an atomic addition, never a lookup by name and never a lock. No label holds a key id, a principal or an address.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::histogram::LatencyHistogram;
use std::sync::Arc;

use keyreeve_service::Service;

use super::audit::AuditCollector;
use super::deliveries::DeliveryCollector;
use super::deployment::DeploymentCounts;
use super::traffic::{Traffic, TrafficFamilies};
use super::{AuditCounts, StoreCounts};
use crate::delivery::Backlogs;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it asked for.
    Success,
    /// The caller is not who it says, or may not do this.
    Denied,
    /// The request itself was wrong, or the key not in a state for it.
    Rejected,
    /// The caller asks for too much at a time.
    Throttled,
    /// Our fault.
    Failed,
}

/// One row an outcome, in the order of the enum: its label.
const OUTCOMES: [&str; 5] = ["success", "denied", "rejected", "throttled", "failed"];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

/// All metrics of the process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    latency: Family<OperationLabel, LatencyHistogram>,
    traffic: TrafficFamilies,
    deployment: DeploymentCounts,
    audit: AuditCollector,
    deliveries: DeliveryCollector,
}

/// What one operation counts. Clones count together.
#[derive(Clone, Debug)]
pub struct OperationMetrics {
    outcomes: [Counter; OUTCOMES.len()],
    latency: LatencyHistogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Everything at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("keyreeve");
        let traffic = TrafficFamilies::register(&mut registry);
        let metrics = Self {
            traffic,
            requests: Family::default(),
            latency: Family::default(),
            deployment: DeploymentCounts::default(),
            audit: AuditCollector::default(),
            deliveries: DeliveryCollector::default(),
            registry,
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("requests", "Requests by operation and outcome", self.requests.clone());
        registry.register(
            "request_duration_seconds",
            "Time from the complete request to its answer, by operation",
            self.latency.clone(),
        );
        registry.register_collector(Box::new(self.deployment.clone()));
        registry.register_collector(Box::new(self.audit.clone()));
        registry.register_collector(Box::new(self.deliveries.clone()));
        self
    }

    /// The counters of an operation. To be called once an operation, at start: it takes a lock.
    pub fn operation(&self, operation: &'static str) -> OperationMetrics {
        let count = |outcome| self.requests.get_or_create_owned(&RequestLabels { operation, outcome });
        OperationMetrics {
            outcomes: OUTCOMES.map(count),
            latency: self.latency.get_or_create_owned(&OperationLabel { operation }),
        }
    }

    /// The traffic of a listener (`api`, `admin`, `observe`), for [`Server::listen`](crate::listener::Server::listen).
    pub fn listener(&self, listener: &'static str) -> Traffic {
        self.traffic.listener(listener)
    }

    /// Shows what the deployment counts of itself, from when it is open.
    pub fn opened(&self, service: Arc<Service>, store: StoreCounts) {
        self.deployment.opened(service, store);
    }

    /// Shows what the audit log and its streams count, from when they are open.
    pub(crate) fn audited(&self, counts: AuditCounts) {
        self.audit.opened(counts);
    }

    /// Shows what trails have still to deliver.
    pub fn delivered(&self, service: Arc<Service>, backlogs: Backlogs) {
        self.deliveries.began(service, backlogs);
    }

    /// Everything as text.
    ///
    /// # Errors
    /// Never: a `String` takes everything.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl OperationMetrics {
    /// Counts one request.
    pub fn count(&self, outcome: Outcome, duration: Duration) {
        if let Some(counter) = self.outcomes.get(outcome as usize) {
            counter.inc();
        }
        self.latency.observe(duration);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::Refusal;

    #[test]
    fn what_was_counted_is_shown_under_its_labels() {
        let metrics = Metrics::new();
        let outcomes =
            [Outcome::Success, Outcome::Denied, Outcome::Rejected, Outcome::Throttled, Outcome::Failed];
        let encrypt = metrics.operation("Encrypt");
        for (times, outcome) in (1..).zip(outcomes) {
            (0..times).for_each(|_| encrypt.count(outcome, Duration::from_micros(80)));
        }
        let api = metrics.listener("api");
        api.refuse(Refusal::BodyTooLarge);
        let _place = api.take_connection(1);
        let text = metrics.encode().unwrap();
        for line in [
            "keyreeve_requests_total{operation=\"Encrypt\",outcome=\"success\"} 1",
            "keyreeve_requests_total{operation=\"Encrypt\",outcome=\"denied\"} 2",
            "keyreeve_requests_total{operation=\"Encrypt\",outcome=\"rejected\"} 3",
            "keyreeve_requests_total{operation=\"Encrypt\",outcome=\"throttled\"} 4",
            "keyreeve_requests_total{operation=\"Encrypt\",outcome=\"failed\"} 5",
            "keyreeve_request_duration_seconds_bucket{le=\"0.0001\",operation=\"Encrypt\"} 15",
            "keyreeve_connections{listener=\"api\"} 1",
            "keyreeve_refused_total{listener=\"api\",reason=\"body_too_large\"} 1",
            "keyreeve_refused_total{listener=\"api\",reason=\"body_too_slow\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} not in\n{text}");
        }
    }
}
