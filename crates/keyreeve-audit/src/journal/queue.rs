//! What waits for the writer: requests are gathered into one batch while the one before is written, and all who wait for a
//! batch share one note of its outcome.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use keyreeve_model::timestamp::Timestamp;
use tokio::sync::oneshot;

use super::JournalError;
use super::writer::Tip;
use crate::chain::SignedHead;
use crate::frame::FrameKind;
use crate::signing_key::SigningKey;

/// The most bytes that wait: more means that the disk does not keep up at all.
const WAITING_BYTES_MAX: usize = 256 << 20;

/// What the writer is asked to do.
#[derive(Debug)]
pub(super) enum Request {
    /// Appends frames of one kind with these payloads, all in one piece.
    Frames(FrameKind, Vec<Vec<u8>>),
    /// Signs the head and appends it.
    Seal(Seal),
    /// Goes on behind this end of the chain, in a new segment, where that is further than the log reaches.
    GoOn(Tip),
}

/// A head to be signed.
#[derive(Debug)]
pub(super) struct Seal {
    pub(super) key: SigningKey,
    pub(super) now: Timestamp,
    pub(super) answer: oneshot::Sender<Result<SignedHead, JournalError>>,
}

/// Requests that are written together. Dropped unwritten, it tells those who wait.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) requests: Vec<Request>,
    bytes: usize,
    done: Arc<Done>,
}

/// The outcome of a batch, once there is one.
#[derive(Debug, Default)]
struct Done(Mutex<Outcome>);

#[derive(Debug, Default)]
struct Outcome {
    result: Option<Result<(), JournalError>>,
    wakers: Vec<Waker>,
}

/// An append under way. It is carried out whether or not anybody waits for it.
#[derive(Debug)]
#[must_use = "the append is durable only once this was awaited"]
pub struct Appended {
    done: Arc<Done>,
    /// Which of the wakers is ours.
    slot: Option<usize>,
}

/// The requests that wait.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    batch: Batch,
    /// The writer sleeps until so many requests wait.
    idle: Option<usize>,
    poked: bool,
    closed: bool,
}

/// How long the writer waits for a batch to grow. Those who were answered together come back together; without it the first
/// of them would be written alone, and the others would wait for that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Patience {
    /// Until so many requests wait: as many as were answered last. One that is alone waits for nobody.
    pub(super) requests: usize,
    /// But no longer than this.
    pub(super) most: Duration,
}

/// What the writer woke up for.
#[derive(Debug)]
pub(super) struct Taken {
    /// Empty where something else woke it.
    pub(super) batch: Batch,
    /// Nothing comes after this.
    pub(super) closed: bool,
}

impl Batch {
    /// Of one request.
    pub(super) fn of(request: Request) -> Self {
        let mut batch = Self::default();
        batch.requests.push(request);
        batch
    }

    /// Waits for it.
    pub(super) fn appended(&self) -> Appended {
        Appended { done: Arc::clone(&self.done), slot: None }
    }

    /// Tells all who wait.
    pub(super) fn finish(&self, result: Result<(), JournalError>) {
        let wakers = {
            let mut outcome = self.done.lock();
            outcome.result.get_or_insert(result);
            std::mem::take(&mut outcome.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.finish(Err(closed()));
    }
}

impl Done {
    fn lock(&self) -> MutexGuard<'_, Outcome> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Appended {
    /// One that has already failed.
    pub(super) fn failed(error: JournalError) -> Self {
        let batch = Batch::default();
        batch.finish(Err(error));
        batch.appended()
    }
}

impl Future for Appended {
    type Output = Result<(), JournalError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let done = Arc::clone(&self.done);
        let mut outcome = done.lock();
        if let Some(result) = &outcome.result {
            return Poll::Ready(result.clone());
        }
        match self.slot.and_then(|slot| outcome.wakers.get_mut(slot)) {
            Some(waker) => waker.clone_from(context.waker()),
            None => {
                self.slot = Some(outcome.wakers.len());
                outcome.wakers.push(context.waker().clone());
            }
        }
        Poll::Pending
    }
}

impl Queue {
    /// Puts a request into the batch that is gathered.
    pub(super) fn push(&self, request: Request) -> Result<Appended, JournalError> {
        let bytes = match &request {
            Request::Frames(_, payloads) => payloads.iter().map(Vec::len).sum(),
            Request::Seal(_) | Request::GoOn(_) => 0,
        };
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(closed());
        }
        if waiting.batch.bytes.saturating_add(bytes) > WAITING_BYTES_MAX && !waiting.batch.requests.is_empty()
        {
            return Err(JournalError::Unwritable("the disk does not keep up: too much waits for it".into()));
        }
        waiting.batch.bytes += bytes;
        waiting.batch.requests.push(request);
        let appended = waiting.batch.appended();
        self.wake_writer(&mut waiting);
        Ok(appended)
    }

    /// Wakes the writer though there is nothing to write.
    pub(super) fn poke(&self) {
        let mut waiting = self.lock();
        waiting.poked = true;
        self.wake_writer(&mut waiting);
    }

    /// Nothing is accepted from now on.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        waiting.closed = true;
        self.wake_writer(&mut waiting);
    }

    /// Everything that waits; sleeps until there is something, or for this long.
    pub(super) fn take(&self, sleep: Option<Duration>, patience: Patience) -> Taken {
        let mut waiting = self.sleep(self.lock(), 1, sleep);
        if waiting.is_short_of(patience.requests) && !waiting.batch.requests.is_empty() {
            waiting = self.sleep(waiting, patience.requests, Some(patience.most));
        }
        waiting.poked = false;
        Taken { batch: std::mem::take(&mut waiting.batch), closed: waiting.closed }
    }

    /// Requests that wait.
    pub(super) fn depth(&self) -> usize {
        self.lock().batch.requests.len()
    }

    fn sleep<'q>(
        &self,
        mut waiting: MutexGuard<'q, Waiting>,
        requests: usize,
        most: Option<Duration>,
    ) -> MutexGuard<'q, Waiting> {
        if !waiting.is_short_of(requests) {
            return waiting;
        }
        waiting.idle = Some(requests);
        let short = |waiting: &mut Waiting| waiting.is_short_of(requests);
        let mut waiting = match most {
            None => self.wake.wait_while(waiting, short).unwrap_or_else(PoisonError::into_inner),
            Some(most) => {
                let slept = self.wake.wait_timeout_while(waiting, most, short);
                slept.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        waiting.idle = None;
        waiting
    }

    fn wake_writer(&self, waiting: &mut Waiting) {
        // A writer that is at work looks again before it sleeps.
        if waiting.idle.is_some_and(|requests| !waiting.is_short_of(requests)) {
            waiting.idle = None;
            self.wake.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_short_of(&self, requests: usize) -> bool {
        self.batch.requests.len() < requests && !self.poked && !self.closed
    }
}

fn closed() -> JournalError {
    JournalError::Unwritable("it was closed: Keyreeve is stopping".into())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    fn poll(appended: &mut Appended) -> Poll<Result<(), JournalError>> {
        pin!(appended).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn what_comes_during_a_batch_stands_in_the_next_and_each_has_one_outcome() {
        let queue = Queue::default();
        let request = || Request::Frames(FrameKind::Entry, vec![vec![1]]);
        let mut first = [queue.push(request()).unwrap(), queue.push(request()).unwrap()];
        let taken = queue.take(None, Patience::default());
        assert_eq!((taken.batch.requests.len(), taken.closed), (2, false));
        let mut second = queue.push(request()).unwrap();
        assert!(first.iter_mut().all(|appended| poll(appended).is_pending()));
        taken.batch.finish(Ok(()));
        assert!(first.iter_mut().all(|appended| poll(appended) == Poll::Ready(Ok(()))));
        assert!(poll(&mut second).is_pending());
        queue.close();
        assert!(queue.push(request()).is_err());
        let taken = queue.take(None, Patience::default());
        assert_eq!((taken.batch.requests.len(), taken.closed), (1, true));
        drop(taken);
        assert_eq!(poll(&mut second), Poll::Ready(Err(closed())));
    }

    #[test]
    fn a_waiter_that_is_polled_twice_keeps_one_waker() {
        let batch = Batch::default();
        let mut appended = batch.appended();
        (0..3).for_each(|_| assert!(poll(&mut appended).is_pending()));
        assert_eq!(batch.done.lock().wakers.len(), 1);
    }

    /// A writer with patience takes the second request together with the first; without, it does not wait for it.
    #[test]
    fn a_batch_waits_to_grow_as_large_as_the_last_one() {
        let request = || Request::Frames(FrameKind::Entry, vec![vec![1]]);
        let day = Duration::from_hours(24);
        for (requests, taken) in [(1, 1), (2, 2)] {
            let queue = Queue::default();
            drop(queue.push(request()));
            let second = std::thread::scope(|scope| {
                let writer =
                    scope.spawn(|| queue.take(None, Patience { requests, most: day }).batch.requests.len());
                if requests == 2 {
                    drop(queue.push(request()));
                }
                writer.join().unwrap()
            });
            assert_eq!(second, taken);
        }
    }
}
