//! The change stream that all embedded engines share: fetch what is known, deliver it, wait for the head to
//! move.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use tokio::sync::watch;

use crate::error::StoreError;
use crate::store::{Change, ChangeItem, Revision};

/// How often a healthy engine says that its feed is up to date when nothing changes. A quarter of the second
/// that a node may lag, so that one late beat is not taken for a lost feed.
pub const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// What an engine knows about the changes after a revision.
pub(crate) enum Batch {
    /// The changes of whole commits, up to and including `through`.
    Known { changes: Vec<Change>, through: Revision },
    /// No longer known.
    Forgotten,
}

struct Feed<F> {
    delivered: Revision,
    ready: VecDeque<ChangeItem>,
    head: watch::Receiver<Revision>,
    fetch: F,
    ended: bool,
}

/// Follows the changes after a revision. `head` is sent on every commit and on every heartbeat.
pub(crate) fn follow<'a, F>(
    after: Revision,
    head: watch::Receiver<Revision>,
    fetch: F,
) -> BoxStream<'a, ChangeItem>
where
    F: Fn(Revision) -> BoxFuture<'a, Result<Batch, StoreError>> + Send + 'a,
{
    let mut head = head;
    // The first fetch must not wait for the next commit.
    head.mark_changed();
    let feed = Feed { delivered: after, ready: VecDeque::new(), head, fetch, ended: false };
    unfold(feed, next).boxed()
}

async fn next<'a, F>(mut feed: Feed<F>) -> Option<(ChangeItem, Feed<F>)>
where
    F: Fn(Revision) -> BoxFuture<'a, Result<Batch, StoreError>>,
{
    loop {
        if let Some(item) = feed.ready.pop_front() {
            return Some((item, feed));
        }
        if feed.ended || feed.head.changed().await.is_err() {
            return None;
        }
        let head = *feed.head.borrow_and_update();
        let fetched = (feed.fetch)(feed.delivered).await;
        feed.take(fetched, head);
    }
}

impl<F> Feed<F> {
    fn take(&mut self, fetched: Result<Batch, StoreError>, head: Revision) {
        let last = match fetched {
            Ok(Batch::Known { changes, through }) => {
                self.delivered = through;
                self.ready.extend(changes.into_iter().map(ChangeItem::Changed));
                if through < head {
                    // The engine answers in bounded batches: the rest is there already.
                    self.head.mark_changed();
                }
                ChangeItem::Progress(through)
            }
            Ok(Batch::Forgotten) => {
                self.ended = true;
                ChangeItem::Resync
            }
            Err(error) => {
                self.ended = true;
                ChangeItem::Failed(error)
            }
        };
        self.ready.push_back(last);
    }
}
