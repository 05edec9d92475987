//! What trails have still to deliver, read when the metrics are. A trail is labelled with its ARN: operators have few.

use std::sync::{Arc, OnceLock};

use keyreeve_service::Service;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::delivery::{Backlog, Backlogs};

/// The deliveries of the deployment that the process serves, once they run.
#[derive(Debug, Clone, Default)]
pub(super) struct DeliveryCollector(Arc<OnceLock<(Arc<Service>, Backlogs)>>);

impl DeliveryCollector {
    /// Trails are delivered; a process serves one deployment.
    pub(super) fn began(&self, service: Arc<Service>, backlogs: Backlogs) {
        // A second one would be a mistake of the caller's; the first one's are shown.
        let _ = self.0.set((service, backlogs));
    }
}

/// Name, help, value.
type Gauge<'a> = (&'static str, &'static str, &'a dyn Fn(&Backlog) -> i64);

impl Collector for DeliveryCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some((service, backlogs)) = self.0.get() else { return Ok(()) };
        let all: Vec<(String, Backlog)> =
            backlogs.all().into_iter().map(|(id, backlog)| (id.to_string(), backlog)).collect();
        if all.is_empty() {
            return Ok(());
        }
        let now = service.clock().now().as_millis();
        let age_s = |backlog: &Backlog| {
            let oldest = backlog.oldest.map_or(now, |oldest| oldest.as_millis());
            now.saturating_sub(oldest).max(0) / 1000
        };
        let frames = |backlog: &Backlog| i64::try_from(backlog.frames).unwrap_or(i64::MAX);
        let failing = |backlog: &Backlog| i64::from(backlog.error.is_some());
        let gauges: [Gauge<'_>; 3] = [
            ("delivery_backlog", "Frames of the audit log that a trail has not delivered yet", &frames),
            (
                "delivery_backlog_age_seconds",
                "Age of the oldest record that a trail has not delivered yet",
                &age_s,
            ),
            ("delivery_failing", "Whether the last attempt to deliver a trail's files failed", &failing),
        ];
        for (name, help, value) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (trail, backlog) in &all {
                let label = [("trail", trail.as_str())];
                ConstGauge::new(value(backlog)).encode(family.encode_family(&label)?)?;
            }
        }
        Ok(())
    }
}
