//! The server: its threads, its listeners, and how it stops.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket, UnixListener};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::accept::Accept;
use super::exchange::Handler;
use super::service::Door;
use super::unix_socket::UnixSocket;
use super::worker::{Worker, least_loaded};
use crate::limits::Limits;
use crate::observe::Traffic;
use crate::tls::TlsServer;

/// Connections that the kernel holds ready before they are accepted. It cuts this to `net.core.somaxconn`.
const BACKLOG: u32 = 4_096;

/// What a thread that still computes at the deadline gets to notice that it is over.
const JOIN_GRACE: Duration = Duration::from_secs(1);

/// Where to listen.
#[derive(Clone, Debug)]
pub enum Endpoint {
    /// A TCP port; port 0 lets the kernel choose.
    Tcp {
        /// Where to bind.
        address: SocketAddr,
        /// The certificate; `None` speaks plain HTTP.
        tls: Option<Arc<TlsServer>>,
    },
    /// A Unix socket (mode 0600), HTTP/1.1 only. A socket left behind by a dead process is replaced; one that somebody
    /// still serves is `AddrInUse`.
    Unix {
        /// The file.
        path: PathBuf,
    },
}

/// Where a listener is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The address, with the port that the kernel chose.
    Tcp(SocketAddr),
    /// The file.
    Unix(PathBuf),
}

/// How a stop went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Every request was answered and every thread has ended.
    Finished,
    /// At the deadline some requests were still running; they were cut.
    Cut,
}

/// Threads that serve any number of listeners. Dropping it without [`stop`](Self::stop) cuts every request.
#[derive(Debug)]
pub struct Server {
    workers: Arc<Workers>,
    /// Accepts, for all listeners.
    acceptor: Worker,
    stop: watch::Sender<bool>,
    /// Cloned into every connection; `drained` is disconnected when the last is gone.
    alive: Sender<Infallible>,
    drained: Receiver<Infallible>,
    /// Disconnected when the last thread is about to end.
    ended: Receiver<Infallible>,
    sockets: Mutex<Vec<UnixSocket>>,
}

/// The worker threads, as the acceptor sees them.
#[derive(Debug)]
pub(super) struct Workers(Vec<Worker>);

impl Workers {
    pub(super) fn least_loaded(&self) -> Option<&Worker> {
        least_loaded(&self.0)
    }
}

/// Tells that the server begins to stop.
#[derive(Clone, Debug)]
pub(super) struct Stopping(watch::Receiver<bool>);

impl Stopping {
    /// Waits until it does; returns at once from then on.
    pub(super) async fn begun(&mut self) {
        // An error says that the server was dropped, which is a stop as well.
        let _ = self.0.wait_for(|begun| *begun).await;
    }

    /// Whether it has. One relaxed load, so cheap enough for every answer; to be asked of a clone on which
    /// [`begun`](Self::begun) was never awaited.
    pub(super) fn has_begun(&self) -> bool {
        self.0.has_changed().unwrap_or(true)
    }
}

impl Server {
    /// Starts the threads: one that accepts, and `workers` that serve (by default one a core).
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(workers: Option<NonZeroUsize>) -> io::Result<Self> {
        let count =
            workers.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        let (running, ended) = channel();
        let (alive, drained) = channel();
        let acceptor = Worker::start("keyreeve-accept".to_owned(), running.clone())?;
        let workers = (0..count)
            .map(|index| Worker::start(format!("keyreeve-worker-{index}"), running.clone()))
            .collect::<io::Result<Vec<_>>>()?;
        let (stop, _) = watch::channel(false);
        let (workers, sockets) = (Arc::new(Workers(workers)), Mutex::default());
        Ok(Self { workers, acceptor, stop, alive, drained, ended, sockets })
    }

    /// Begins to serve `handler` at an endpoint, under its own limits.
    ///
    /// # Errors
    /// When the endpoint cannot be bound.
    pub fn listen<H: Handler>(
        &self,
        endpoint: Endpoint,
        handler: H,
        limits: Limits,
        traffic: Traffic,
    ) -> io::Result<Bound> {
        // Registering a socket needs the runtime that will poll it.
        let _runtime = self.acceptor.runtime().enter();
        let accept = Accept {
            door: Door::new(handler, limits, traffic),
            workers: Arc::clone(&self.workers),
            stopping: Stopping(self.stop.subscribe()),
            alive: self.alive.clone(),
        };
        match endpoint {
            Endpoint::Tcp { address, tls } => {
                let listener = bind_tcp(address)?;
                let bound = listener.local_addr()?;
                drop(self.acceptor.runtime().spawn(accept.tcp(listener, tls)));
                Ok(Bound::Tcp(bound))
            }
            Endpoint::Unix { path } => {
                let (socket, listener) = UnixSocket::bind(path.clone())?;
                let listener = UnixListener::from_std(listener)?;
                self.sockets.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
                drop(self.acceptor.runtime().spawn(accept.unix(listener)));
                Ok(Bound::Unix(path))
            }
        }
    }

    /// The runtimes of the workers, for whoever wants to run a task beside the requests.
    pub fn runtimes(&self) -> impl Iterator<Item = &Handle> {
        self.workers.0.iter().map(Worker::runtime)
    }

    /// Stops: accepts no more, lets the requests that run finish (also those whose client is gone), closes idle
    /// connections, joins the threads. Blocks for `deadline`, and a second more if a thread does not give way.
    pub fn stop(self, deadline: Duration) -> Stopped {
        let Self { workers, mut acceptor, stop, alive, drained, ended, sockets } = self;
        let until = Instant::now() + deadline;
        stop.send_replace(true);
        drop((alive, sockets));
        // Nothing is ever sent: the channel tells by being disconnected.
        let finished = drained.recv_timeout(deadline) == Err(RecvTimeoutError::Disconnected);
        acceptor.quit();
        let rest = until.saturating_duration_since(Instant::now()).max(JOIN_GRACE);
        // The accepting tasks, which share the workers, are gone when all connections are; at the deadline they may
        // hold them a moment longer.
        let Some(mut workers) = owned(workers, &mut acceptor) else { return Stopped::Cut };
        workers.iter_mut().for_each(Worker::quit);
        if ended.recv_timeout(rest) != Err(RecvTimeoutError::Disconnected) {
            return Stopped::Cut;
        }
        workers.iter_mut().for_each(Worker::join);
        if finished { Stopped::Finished } else { Stopped::Cut }
    }
}

/// The workers, once the acceptor's thread has ended and let go of them.
fn owned(workers: Arc<Workers>, acceptor: &mut Worker) -> Option<Vec<Worker>> {
    acceptor.join();
    Arc::into_inner(workers).map(|workers| workers.0)
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server must not wait for connections of its predecessor in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
