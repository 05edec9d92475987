//! Runs a future to its end even when whoever awaits it goes away: on drop, an unfinished future moves into a task of
//! its own. A request whose client hangs up half-way is thus finished, never cut; a request that is awaited to its
//! end, the usual case, costs no task.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that outlives its awaiter.
pub(super) struct Detached<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send> + Send + 'static> Detached<F> {
    pub(super) fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Detached<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Some(future) = self.0.as_mut() else {
            // Polled after its end: there is nothing to answer, which is what a pending future says.
            return Poll::Pending;
        };
        let output = std::task::ready!(future.as_mut().poll(context));
        self.0 = None;
        Poll::Ready(output)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Detached<F> {
    fn drop(&mut self) {
        // Outside a runtime only a stopping server drops futures, and it has waited for its deadline already.
        if let (Some(future), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            drop(runtime.spawn(future));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn a_dropped_future_still_runs_to_its_end() {
        let (open, gate) = oneshot::channel::<()>();
        let (report, done) = oneshot::channel();
        let mut detached = Detached::new(async move {
            gate.await.unwrap();
            report.send(7).unwrap();
        });
        assert!((&mut detached).now_or_never().is_none());
        drop(detached);
        open.send(()).unwrap();
        assert_eq!(done.await, Ok(7));
    }

    #[tokio::test]
    async fn an_awaited_future_gives_its_output() {
        assert_eq!(Detached::new(async { 3 }).await, 3);
    }
}
