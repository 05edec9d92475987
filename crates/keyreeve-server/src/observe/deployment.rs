//! What a deployment counts of itself, read when the metrics are.

use std::sync::{Arc, OnceLock};

use keyreeve_service::Service;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::StoreCounts;

/// The counts of the deployment that the process serves, once it is open.
#[derive(Debug, Clone, Default)]
pub(super) struct DeploymentCounts(Arc<OnceLock<(Arc<Service>, StoreCounts)>>);

impl DeploymentCounts {
    /// The deployment is open; a process serves one.
    pub(super) fn opened(&self, service: Arc<Service>, store: StoreCounts) {
        // A second one would be a mistake of the caller's; the first one's counts stay.
        let _ = self.0.set((service, store));
    }
}

impl Collector for DeploymentCounts {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some((service, store)) = self.0.get() else { return Ok(()) };
        for (name, help, count) in [
            ("store_commits", "Commits acknowledged", store.commits.get()),
            ("store_conflicts", "Commits refused because another change came first", store.conflicts.get()),
            ("store_reads", "Reads that went to the store", store.reads.get()),
        ] {
            ConstCounter::new(count).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Counter,
            )?)?;
        }
        // Absent where identities are kept, and while a copy of them never agreed with its home.
        let standing = service.identities_standing();
        if let Some((standing, lag)) =
            standing.and_then(|standing| Some((standing.home, standing.lag_seconds?)))
        {
            let help = "Age of the copy of the identities of another Region";
            let mut family =
                encoder.encode_descriptor("identities_lag_seconds", help, None, MetricType::Gauge)?;
            ConstGauge::new(lag).encode(family.encode_family(&[("home", standing.as_str())])?)?;
        }
        let help = "Lookups that a cache could not answer";
        let mut family = encoder.encode_descriptor("cache_misses", help, None, MetricType::Counter)?;
        for (cache, misses) in service.cache_misses() {
            ConstCounter::new(misses).encode(family.encode_family(&[("cache", cache)])?)?;
        }
        Ok(())
    }
}
