//! What leaves a serving process beside its answers: summaries of failed authentication into the audit log, streams and
//! notices out of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyreeve_audit::Journal;
use keyreeve_model::region::Region;
use keyreeve_service::clock::Clock;

use crate::doors::Strangers;
use crate::observe::{AuditCounts, Metrics};
use crate::streams::{FeedSettings, Source, Streams, StreamsError};

/// How long streams may take at the stop to send what the log has.
const STOP_DEADLINE: Duration = Duration::from_secs(3);

/// What is reported, and from where.
#[derive(Debug)]
pub(crate) struct ReportingParts<'a> {
    /// The log.
    pub(crate) journal: Arc<Journal>,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The Region of what belongs to none: the first that is served.
    pub(crate) region: Option<Region>,
    /// The streams.
    pub(crate) feeds: &'a [FeedSettings],
    /// Folder of their places; `None` keeps them in memory.
    pub(crate) cursors: Option<PathBuf>,
}

/// What reports.
#[derive(Debug)]
pub struct Reporting {
    journal: Arc<Journal>,
    region: Region,
    strangers: Arc<Strangers>,
    streams: Streams,
}

impl Reporting {
    /// Starts the streams, and shows in the metrics what they and the log count.
    ///
    /// # Errors
    /// [`StreamsError`].
    pub(crate) fn start(parts: ReportingParts<'_>, metrics: &Metrics) -> Result<Self, StreamsError> {
        let ReportingParts { journal, clock, region, feeds, cursors } = parts;
        let region = region.ok_or(StreamsError::NoRegion)?;
        let source = Source { journal: Arc::clone(&journal), clock: Arc::clone(&clock), cursors };
        let streams = Streams::start(&source, feeds)?;
        metrics.audited(AuditCounts::new(Arc::clone(&journal), clock, streams.counts().to_vec()));
        Ok(Self { journal, region, strangers: Arc::default(), streams })
    }

    /// Whom doors tell of failed authentication.
    pub(crate) const fn strangers(&self) -> &Arc<Strangers> {
        &self.strangers
    }

    /// The Region of what belongs to none.
    pub(crate) const fn home(&self) -> &Region {
        &self.region
    }

    /// Tells of the last second's failures; the future owns what it needs.
    pub(crate) fn tell(&self) -> impl Future<Output = ()> + Send + 'static {
        let (strangers, journal) = (Arc::clone(&self.strangers), Arc::clone(&self.journal));
        let region = self.region.clone();
        async move { strangers.report(&journal, &region).await }
    }

    /// Ends the streams, once nothing is written any more.
    pub(crate) fn stop(self) {
        self.streams.stop(STOP_DEADLINE);
    }
}
