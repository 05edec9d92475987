//! Accepts connections of one listener and hands each to the worker with the fewest.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::activity::Activity;
use super::connection;
use super::exchange::{Handler, Peer, Refusal};
use super::server::{Stopping, Workers};
use super::service::{Alive, Connected, Door};
use super::wire::Wire;
use crate::tls::TlsServer;

/// How long accepting pauses after an error such as "too many open files", which would otherwise repeat at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Connections over the limit that are told so at one time; those beyond it are closed without a word.
const TURNED_AWAY: usize = 64;

/// What an accepting task needs besides its listener.
pub(super) struct Accept<H> {
    pub(super) door: Arc<Door<H>>,
    pub(super) workers: Arc<Workers>,
    pub(super) stopping: Stopping,
    pub(super) alive: Alive,
}

impl<H: Handler> Accept<H> {
    /// Accepts TCP connections until the server stops.
    pub(super) async fn tcp(mut self, listener: TcpListener, tls: Option<Arc<TlsServer>>) {
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
        while let Some(accepted) = self.next(listener.accept()).await {
            let Some((stream, address)) = accepted else { continue };
            let peer = Peer::Tcp(address);
            match self.door.traffic.take_connection(self.door.limits.connections) {
                None => self.turn_away(stream, peer, tls.is_some(), &turned_away),
                Some(place) => {
                    let Some((stream, worker)) = stream.into_std().ok().zip(self.workers.least_loaded())
                    else {
                        continue;
                    };
                    let (origin, tls) = (self.origin(peer), tls.clone());
                    worker.run(async move {
                        let _place = place;
                        if let Err(error) = serve_tcp(stream, tls, origin).await {
                            tracing::debug!(%error, "connection lost before it was served");
                        }
                    });
                }
            }
        }
    }

    /// Accepts connections of a Unix socket until the server stops.
    pub(super) async fn unix(mut self, listener: UnixListener) {
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
        while let Some(accepted) = self.next(listener.accept()).await {
            let Some((stream, _)) = accepted else { continue };
            // Without credentials there is nobody to authorise.
            let Ok(credentials) = stream.peer_cred() else { continue };
            let peer = Peer::Unix { uid: credentials.uid(), gid: credentials.gid(), pid: credentials.pid() };
            match self.door.traffic.take_connection(self.door.limits.connections) {
                None => self.turn_away(stream, peer, false, &turned_away),
                Some(place) => {
                    let Some((stream, worker)) = stream.into_std().ok().zip(self.workers.least_loaded())
                    else {
                        continue;
                    };
                    let origin = self.origin(peer);
                    worker.run(async move {
                        let _place = place;
                        if let Ok(stream) = UnixStream::from_std(stream) {
                            let (connected, stopping) = origin.connected(None);
                            let activity = Arc::clone(&connected.activity);
                            let wire = Wire::new(stream, activity, &connected.door.limits);
                            connection::serve_h1(wire, connected, stopping).await;
                        }
                    });
                }
            }
        }
    }

    /// The next connection; `None` within if accepting failed, `None` outside when the server stops.
    async fn next<T>(&mut self, accept: impl Future<Output = io::Result<T>>) -> Option<Option<T>> {
        tokio::select! {
            biased;
            () = self.stopping.begun() => None,
            accepted = accept => match accepted {
                Ok(accepted) => Some(Some(accepted)),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    Some(None)
                }
            },
        }
    }

    fn origin(&self, peer: Peer) -> Origin<H> {
        Origin {
            door: Arc::clone(&self.door),
            stopping: self.stopping.clone(),
            alive: self.alive.clone(),
            peer,
            accepted: Instant::now(),
        }
    }

    /// Tells a connection over the limit that it is, on the accepting thread. A TLS client is closed at once:
    /// a handshake only to say no would make overload worse.
    fn turn_away<S>(&self, stream: S, peer: Peer, encrypted: bool, at_one_time: &Arc<Semaphore>)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let Some(permit) = Arc::clone(at_one_time).try_acquire_owned().ok().filter(|_| !encrypted) else {
            self.door.traffic.refuse(Refusal::TooManyConnections);
            return;
        };
        let (connected, _) = self.origin(peer).connected(None);
        drop(tokio::spawn(async move {
            let _permit = permit;
            let wire = Wire::new(stream, Arc::clone(&connected.activity), &connected.door.limits);
            connection::refuse(wire, &connected, Refusal::TooManyConnections).await;
        }));
    }
}

/// Where a connection comes from, on its way to its worker.
struct Origin<H> {
    door: Arc<Door<H>>,
    stopping: Stopping,
    alive: Alive,
    peer: Peer,
    accepted: Instant,
}

impl<H> Origin<H> {
    fn connected(self, tls: Option<crate::listener::TlsFacts>) -> (Arc<Connected<H>>, Stopping) {
        let connected = Connected {
            door: self.door,
            peer: self.peer,
            tls: tls.map(Arc::new),
            activity: Activity::new(self.accepted),
            stopping: self.stopping.clone(),
            _alive: self.alive,
        };
        (Arc::new(connected), self.stopping)
    }
}

/// Serves a TCP connection on the worker's own runtime.
async fn serve_tcp<H: Handler>(
    stream: std::net::TcpStream,
    tls: Option<Arc<TlsServer>>,
    mut origin: Origin<H>,
) -> io::Result<()> {
    let stream = TcpStream::from_std(stream)?;
    stream.set_nodelay(true)?;
    let Some(tls) = tls else {
        let (connected, stopping) = origin.connected(None);
        connection::serve_any(stream, connected, stopping).await;
        return Ok(());
    };
    let limits = &origin.door.limits;
    let shaken = connection::handshake(&tls, stream, limits, &mut origin.stopping).await;
    let Some((stream, facts)) = shaken else { return Ok(()) };
    // The time of the handshake does not count against the first request.
    origin.accepted = Instant::now();
    let (connected, stopping) = origin.connected(Some(facts));
    if stream.get_ref().1.alpn_protocol() == Some(crate::tls::ALPN_H2) {
        let wire = Wire::new(stream, Arc::clone(&connected.activity), &connected.door.limits);
        connection::serve_h2(wire, connected, stopping).await;
    } else {
        connection::serve_any(stream, connected, stopping).await;
    }
    Ok(())
}
