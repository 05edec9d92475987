//! What the audit log and its streams count, read when the metrics are; and whether the log can be written.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keyreeve_audit::{Figures, Health, Journal, SYNC_BUCKETS_US};
use keyreeve_service::clock::Clock;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::{Readiness, Ready};
use crate::streams::FeedCounts;

/// Whose counts are shown.
#[derive(Debug)]
pub(crate) struct AuditCounts {
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
    feeds: Vec<Arc<FeedCounts>>,
}

/// The counts of the log that the process writes, once it is open.
#[derive(Debug, Clone, Default)]
pub(super) struct AuditCollector(Arc<OnceLock<AuditCounts>>);

impl AuditCounts {
    pub(crate) const fn new(
        journal: Arc<Journal>,
        clock: Arc<dyn Clock>,
        feeds: Vec<Arc<FeedCounts>>,
    ) -> Self {
        Self { journal, clock, feeds }
    }

    /// Frames that a stream has not sent yet.
    fn backlog(&self, feed: &FeedCounts) -> i64 {
        let behind = self.journal.durable().0.saturating_sub(feed.place().0);
        i64::try_from(behind).unwrap_or(i64::MAX)
    }

    /// How old the oldest record is that a stream has tried to send and not sent, in seconds.
    fn age_s(&self, feed: &FeedCounts) -> f64 {
        let now = self.clock.now().as_millis();
        feed.waiting_since().map_or(0.0, |since| seconds(now.saturating_sub(since.as_millis()).max(0)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of any real date are below 2^53")]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1_000.0
}

impl AuditCollector {
    /// The log is open; a process writes one.
    pub(super) fn opened(&self, counts: AuditCounts) {
        // A second one would be a mistake of the caller's; the first one's counts stay.
        let _ = self.0.set(counts);
    }
}

/// What each stream counts: name, help, value.
type FeedCounter = (&'static str, &'static str, fn(&FeedCounts) -> u64);

const FEED_COUNTERS: [FeedCounter; 3] = [
    ("audit_stream_sent", "Records and notices that a receiver of the audit trail took", FeedCounts::sent),
    ("audit_stream_rejected", "Records that a receiver refused for good", FeedCounts::rejected),
    ("audit_stream_failures", "Attempts to send that failed and were repeated", FeedCounts::failures),
];

/// What the log counts: name, help, value.
type LogCounter = (&'static str, &'static str, fn(&Figures) -> u64);

const LOG_COUNTERS: [LogCounter; 3] = [
    ("audit_frames", "Frames written to the audit log: records and heads", |figures| figures.frames),
    ("audit_bytes", "Bytes written to the audit log", |figures| figures.bytes),
    ("audit_batches", "Batches of frames, each made durable as one", |figures| figures.batches),
];

/// How the log stands: name, help, value.
type LogGauge = (&'static str, &'static str, fn(&Journal, &Figures) -> i64);

const LOG_GAUGES: [LogGauge; 6] = [
    (
        "audit_writable",
        "Whether the audit log can be written: requests are refused while it cannot",
        |journal, _| i64::from(journal.writable().is_ok()),
    ),
    (
        "audit_reserve_low",
        "Whether less space is kept ready for the audit log than configured: make room",
        |journal, _| i64::from(!matches!(journal.health(), Health::Writable)),
    ),
    ("audit_reserve_bytes", "Space that is kept ready for the audit log", |_, figures| {
        i64::try_from(figures.reserve_bytes).unwrap_or(i64::MAX)
    }),
    ("audit_queue", "Appends that wait for the audit log", |_, figures| {
        i64::try_from(figures.waiting).unwrap_or(i64::MAX)
    }),
    ("audit_segments", "Segment files of the audit log", |_, figures| {
        i64::try_from(figures.segments).unwrap_or(i64::MAX)
    }),
    ("audit_alarms", "Damage of the audit log that was found since the start", |journal, _| {
        i64::try_from(journal.alarms().len()).unwrap_or(i64::MAX)
    }),
];

impl Collector for AuditCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(counts) = self.0.get() else { return Ok(()) };
        let figures = counts.journal.figures();
        for (name, help, value) in LOG_COUNTERS {
            let family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(value(&figures)).encode(family)?;
        }
        for (name, help, value) in LOG_GAUGES {
            let family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value(&counts.journal, &figures)).encode(family)?;
        }
        let help = "Time that the disk took to make a batch durable";
        let mut family =
            encoder.encode_descriptor("audit_sync_seconds", help, None, MetricType::Histogram)?;
        let sum_s = Duration::from_micros(figures.sync_us).as_secs_f64();
        family.encode_histogram::<NoLabelSet>(sum_s, figures.syncs, &sync_buckets(&figures), None)?;
        encode_feeds(counts, &mut encoder)
    }
}

/// Upper bound in seconds, and count.
fn sync_buckets(figures: &Figures) -> Vec<(f64, u64)> {
    let bounds = SYNC_BUCKETS_US.iter().map(|us| Duration::from_micros(*us).as_secs_f64());
    bounds.chain([f64::INFINITY]).zip(figures.sync_buckets).collect()
}

fn encode_feeds(counts: &AuditCounts, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    if counts.feeds.is_empty() {
        return Ok(());
    }
    for (name, help, value) in FEED_COUNTERS {
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for feed in &counts.feeds {
            ConstCounter::new(value(feed)).encode(family.encode_family(&[("stream", feed.name())])?)?;
        }
    }
    let help = "Frames of the audit log that a stream has not passed yet";
    let mut family = encoder.encode_descriptor("audit_stream_backlog", help, None, MetricType::Gauge)?;
    for feed in &counts.feeds {
        let label = [("stream", feed.name())];
        ConstGauge::new(counts.backlog(feed)).encode(family.encode_family(&label)?)?;
    }
    let help = "Age of the oldest record that a stream tried to send and that was not taken yet";
    let name = "audit_stream_backlog_age_seconds";
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for feed in &counts.feeds {
        let label = [("stream", feed.name())];
        ConstGauge::new(counts.age_s(feed)).encode(family.encode_family(&label)?)?;
    }
    let help = "When an attempt to send failed last, in seconds since 1970; 0 is never";
    let name = "audit_stream_last_failure_timestamp_seconds";
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for feed in &counts.feeds {
        let failed_s = feed.failed_at().map_or(0.0, |at| seconds(at.as_millis()));
        ConstGauge::new(failed_s).encode(family.encode_family(&[("stream", feed.name())])?)?;
    }
    Ok(())
}

/// Whether the audit log can be written. Ready before it is open: others say then that it is not.
#[derive(Debug, Clone, Default)]
pub(crate) struct AuditWatch(Arc<OnceLock<Arc<Journal>>>);

impl AuditWatch {
    /// The log is open.
    pub(crate) fn opened(&self, journal: &Arc<Journal>) {
        // As above.
        let _ = self.0.set(Arc::clone(journal));
    }
}

impl Ready for AuditWatch {
    fn readiness(&self) -> Readiness {
        match self.0.get().map(|journal| journal.writable()) {
            Some(Err(error)) => Readiness::NotReady(vec![error.to_string()]),
            Some(Ok(())) | None => Readiness::Ready,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::observe::Metrics;

    #[test]
    fn the_log_is_counted_from_when_it_is_open() {
        let (metrics, journal) = (Metrics::new(), Arc::new(Journal::ephemeral().unwrap()));
        assert!(!metrics.encode().unwrap().contains("keyreeve_audit"));
        metrics.audited(AuditCounts::new(Arc::clone(&journal), Arc::new(SystemClock), Vec::new()));
        let watch = AuditWatch::default();
        assert_eq!(watch.readiness(), Readiness::Ready);
        watch.opened(&journal);
        assert_eq!(watch.readiness(), Readiness::Ready);
        let text = metrics.encode().unwrap();
        for line in [
            "keyreeve_audit_writable 1",
            "keyreeve_audit_reserve_low 0",
            "keyreeve_audit_alarms 0",
            "keyreeve_audit_queue 0",
            "keyreeve_audit_sync_seconds_bucket{le=\"+Inf\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} not in\n{text}");
        }
        journal.close();
    }
}
