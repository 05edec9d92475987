//! Streams of the audit log: each record to a collector as it becomes durable, and notices in EventBridge's shape.
//!
//! A stream reads what the log has on disk already and keeps its own place in it, so that a collector that is slow, or
//! gone, holds nothing up: the stream lags, and goes on where it was, also after a restart. They run on a thread of
//! their own. What reaches a collector at least once is its affair to tell apart by the record's `eventID`; while the
//! process lives, none is sent twice.

mod counts;
mod cursor;
mod feed;
mod lines;
mod notice;
mod otlp;
mod settings;
mod sieve;
mod sink;
mod webhook;

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use futures_util::future::join_all;
use keyreeve_audit::Journal;
use keyreeve_service::clock::Clock;
use tokio::sync::watch;

pub(crate) use counts::FeedCounts;
pub use settings::{Content, Endpoint, FeedSettings, Target};

use crate::tls::TlsError;
use cursor::Cursor;
use feed::Feed;
use sink::Sink;

/// How far streams are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// They go on for ever.
    Running,
    /// They end once they have sent what the log has.
    Draining,
    /// They end.
    Ending,
}

/// What streams read, and where they keep their places.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// The log.
    pub(crate) journal: Arc<Journal>,
    /// For the times of failures.
    pub(crate) clock: Arc<dyn Clock>,
    /// Folder of the places; `None` keeps them in memory.
    pub(crate) cursors: Option<PathBuf>,
}

/// Streams that run.
#[derive(Debug)]
pub(crate) struct Streams {
    stage: watch::Sender<Stage>,
    ended: mpsc::Receiver<()>,
    counts: Vec<Arc<FeedCounts>>,
}

/// Why streams do not start.
#[derive(Debug, thiserror::Error)]
pub enum StreamsError {
    /// The authorities of one cannot be read.
    #[error("{name}: {source}")]
    Authorities {
        /// Which stream.
        name: String,
        /// Why not.
        source: TlsError,
    },
    /// No Region is served.
    #[error("no Region is served")]
    NoRegion,
    /// No thread.
    #[error("the system refuses threads: {0}")]
    Threads(std::io::Error),
}

impl Streams {
    /// Starts these.
    ///
    /// # Errors
    /// [`StreamsError`].
    pub(crate) fn start(source: &Source, settings: &[FeedSettings]) -> Result<Self, StreamsError> {
        let (stage, heard) = watch::channel(Stage::Running);
        let (end, ended) = mpsc::channel();
        let feeds = settings.iter().map(|settings| feed(source, settings)).collect::<Result<Vec<_>, _>>()?;
        let counts = feeds.iter().map(Feed::counts).collect();
        if !feeds.is_empty() {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(StreamsError::Threads)?;
            let all = move || {
                runtime.block_on(join_all(feeds.into_iter().map(|feed| feed.run(heard.clone()))));
                // Nobody waits any more when the deadline has passed.
                let _ = end.send(());
            };
            std::thread::Builder::new()
                .name("keyreeve-streams".to_owned())
                .spawn(all)
                .map_err(StreamsError::Threads)?;
        }
        Ok(Self { stage, ended, counts })
    }

    /// What each has sent, and what it has not.
    pub(crate) fn counts(&self) -> &[Arc<FeedCounts>] {
        &self.counts
    }

    /// Ends them: what is sent by the deadline is sent, the rest after the next start.
    pub(crate) fn stop(self, deadline: Duration) {
        self.stage.send_replace(Stage::Draining);
        if self.ended.recv_timeout(deadline) == Err(mpsc::RecvTimeoutError::Timeout) {
            self.stage.send_replace(Stage::Ending);
            let _ = self.ended.recv_timeout(Duration::from_secs(1));
            let late = self.counts.iter().filter(|counts| counts.is_waiting());
            let names: Vec<_> = late.map(|counts| counts.name()).collect();
            tracing::warn!(
                names = names.join(", "),
                "some streams end before all was sent, and go on at the next start"
            );
        }
    }
}

fn feed(source: &Source, settings: &FeedSettings) -> Result<Feed, StreamsError> {
    let name = settings.full_name();
    let sink =
        Sink::new(settings).map_err(|source| StreamsError::Authorities { name: name.clone(), source })?;
    let file = source.cursors.as_ref().map(|folder| folder.join(format!("{name}.json")));
    let start = cursor::start(&source.journal, file.as_deref(), settings.from_beginning);
    let cursor = Cursor::new(file, start);
    Ok(Feed::new(source, settings.content, sink, cursor, FeedCounts::new(name, start)))
}

#[cfg(test)]
mod tests;
