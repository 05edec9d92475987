//! The worker threads: one single-threaded runtime each. That costs less than work stealing for requests this short
//! (a connection stays on one core), and the accepting thread evens out the load by connections.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread with its runtime.
#[derive(Debug)]
pub(super) struct Worker {
    runtime: Handle,
    /// Connections open on this worker.
    load: Arc<AtomicUsize>,
    /// Dropped to end the thread.
    quit: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts a thread. `running` is dropped when the thread is about to end.
    ///
    /// # Errors
    /// When the system refuses a thread or an epoll instance.
    pub(super) fn start(name: String, running: Sender<Infallible>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (quit, quitting) = oneshot::channel::<Infallible>();
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            // Only ever ends by the sender being dropped.
            let _ = runtime.block_on(quitting);
            drop(runtime);
            drop(running);
        })?;
        Ok(Self { runtime: handle, load: Arc::default(), quit: Some(quit), thread: Some(thread) })
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Runs a connection on this worker.
    pub(super) fn run(&self, connection: impl Future<Output = ()> + Send + 'static) {
        self.load.fetch_add(1, Relaxed);
        let load = Load(Arc::clone(&self.load));
        drop(self.runtime.spawn(async move {
            let _load = load;
            connection.await;
        }));
    }

    /// Lets the thread end after the poll it is in; what still runs on it is dropped.
    pub(super) fn quit(&mut self) {
        self.quit = None;
    }

    /// Waits for the thread. To be called only after it said that it ends.
    pub(super) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // It has caught every panic of a task already.
            let _ = thread.join();
        }
    }
}

/// The worker with the fewest connections.
pub(super) fn least_loaded(workers: &[Worker]) -> Option<&Worker> {
    workers.iter().min_by_key(|worker| worker.load.load(Relaxed))
}

/// One connection's weight on its worker.
struct Load(Arc<AtomicUsize>);

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
