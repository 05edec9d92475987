//! A few threads that read, each with a connection of its own: SQLite blocks, the callers must not.

use std::fmt;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use futures_util::future::BoxFuture;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::link::{Link, Opened, Role};
use super::schema;
use crate::error::{Reason, StoreError};
use crate::store::Revision;

/// Reads sit behind the caches of a node, so that a few threads suffice.
const THREADS: usize = 4;

type Task = Box<dyn FnOnce(&mut Link) + Send>;

/// The reading threads. Dropping it ends them, and waits for that.
pub(super) struct Readers {
    tasks: Option<Sender<Task>>,
    threads: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Readers({})", self.threads.len())
    }
}

impl Readers {
    pub(super) fn start(opened: &Arc<Opened>) -> io::Result<Self> {
        let (sender, receiver) = channel::<Task>();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut readers = Self { tasks: Some(sender), threads: Vec::with_capacity(THREADS) };
        for _ in 0..THREADS {
            let link = Link::new(Arc::clone(opened), Role::Reader);
            let receiver = Arc::clone(&receiver);
            let thread = thread::Builder::new().name("store-reader".to_owned());
            readers.threads.push(thread.spawn(move || serve(&receiver, link))?);
        }
        Ok(readers)
    }

    /// Runs `work` in a read transaction on one of the threads.
    pub(super) fn read<'a, T, W>(&self, work: W) -> BoxFuture<'a, Result<T, StoreError>>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let task: Task = Box::new(move |link| {
            // Nobody waits for the answer of a caller that has gone.
            if !reply.is_closed() {
                drop(reply.send(transaction(link, work)));
            }
        });
        let sent = self.tasks.as_ref().is_some_and(|tasks| tasks.send(task).is_ok());
        Box::pin(async move {
            let answer = if sent { answer.await.ok() } else { None };
            let answer = answer.unwrap_or(Err(Reason::Stopping));
            answer.map_err(|reason| StoreError::Unavailable { reason })
        })
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.tasks = None;
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

fn serve(tasks: &Mutex<Receiver<Task>>, mut link: Link) {
    loop {
        let next = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(task) => task(&mut link),
            Err(_) => return,
        }
    }
}

fn transaction<T>(
    link: &mut Link,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, Reason> {
    let acknowledged = *link.opened().head.borrow();
    let connection = link.ready()?;
    let (value, head) = match snapshot(connection, work) {
        Ok(read) => read,
        Err(error) => return Err(link.failed(&error)),
    };
    let path = || link.opened().site.database().to_owned();
    if head < acknowledged {
        return Err(Reason::Replaced { path: path() });
    }
    // What a failed COMMIT left in the log may be found by SQLite before it is durable. The writer raises the
    // flag before that can happen.
    if link.opened().doubtful.load(Ordering::SeqCst) && head > *link.opened().head.borrow() {
        return Err(Reason::Unsettled { path: path() });
    }
    Ok(value)
}

fn snapshot<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<(T, Revision)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let value = work(&transaction)?;
    let head = schema::head(&transaction)?;
    transaction.commit()?;
    Ok((value, head))
}
