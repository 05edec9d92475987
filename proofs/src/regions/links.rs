//! Breakable links: one TCP proxy for each ordered pair of Regions, on a thread of its own, so that a proof that waits for a
//! process does not stop what the process waits for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::failure::Failure;

/// What a link does with what goes over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// All arrives.
    Whole,
    /// Nobody gets through, and connections are reset.
    Cut,
    /// Connections stand, and nothing arrives until this changes.
    Stalled,
    /// Each connection is reset after so many bytes of the asker.
    TornAsking(usize),
    /// Each connection is reset after so many bytes of answers: what was asked may have been done.
    TornAnswering(usize),
    /// Everything arrives late.
    Slow(Duration),
}

/// A link from one Region to another.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// Where the asking Region finds the other.
    pub(super) address: SocketAddr,
    fate: Arc<watch::Sender<Fate>>,
}

impl Link {
    /// Opens a link to where the other Region listens.
    pub(super) fn to(target: SocketAddr) -> Result<Self, Failure> {
        let trouble = |error: std::io::Error| Failure::Setting(format!("a link cannot be opened: {error}"));
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(trouble)?;
        listener.set_nonblocking(true).map_err(trouble)?;
        let address = listener.local_addr().map_err(trouble)?;
        let (fate, watched) = watch::channel(Fate::Whole);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(trouble)?;
        thread::spawn(move || runtime.block_on(carry(listener, target, watched)));
        Ok(Self { address, fate: Arc::new(fate) })
    }

    /// Changes what it does, for open connections too.
    pub(super) fn set(&self, fate: Fate) {
        self.fate.send_replace(fate);
    }

    pub(super) fn fate(&self) -> Fate {
        *self.fate.borrow()
    }
}

/// Carries connections until the link is dropped.
async fn carry(listener: std::net::TcpListener, target: SocketAddr, mut fate: watch::Receiver<Fate>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    tokio::spawn(connection(stream, target, fate.clone()));
                }
            }
            changed = fate.changed() => if changed.is_err() { return },
        }
    }
}

async fn connection(asker: TcpStream, target: SocketAddr, fate: watch::Receiver<Fate>) {
    if *fate.borrow() == Fate::Cut {
        reset(&asker);
        return;
    }
    let Ok(answerer) = TcpStream::connect(target).await else {
        reset(&asker);
        return;
    };
    drop(asker.set_nodelay(true).and_then(|()| answerer.set_nodelay(true)));
    // Closed by reset, whoever closes: half a message is never taken for the end of one.
    reset_when_closed(&asker);
    reset_when_closed(&answerer);
    let ((asks, answers), (heard, told)) = (asker.into_split(), answerer.into_split());
    tokio::select! {
        () = pump(asks, told, fate.clone(), true) => {}
        () = pump(heard, answers, fate.clone(), false) => {}
        () = until_cut(fate) => {}
    }
}

fn reset(stream: &TcpStream) {
    reset_when_closed(stream);
}

fn reset_when_closed(stream: &TcpStream) {
    let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

async fn until_cut(mut fate: watch::Receiver<Fate>) {
    drop(fate.wait_for(|fate| *fate == Fate::Cut).await);
}

/// Copies one direction as the link's fate says; returns when the connection is to end.
async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut fate: watch::Receiver<Fate>,
    asking: bool,
) {
    let (mut passed, mut buffer) = (0_usize, vec![0_u8; 4096]);
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer).await else { return };
        // What came while the link stands still waits here until it goes on.
        if fate.wait_for(|fate| *fate != Fate::Stalled).await.is_err() {
            return;
        }
        let now = *fate.borrow();
        let limit = match now {
            Fate::TornAsking(limit) if asking => limit,
            Fate::TornAnswering(limit) if !asking => limit,
            Fate::Whole | Fate::Cut | Fate::Stalled | Fate::TornAsking(_) | Fate::TornAnswering(_) => {
                usize::MAX
            }
            Fate::Slow(delay) => {
                tokio::time::sleep(delay).await;
                usize::MAX
            }
        };
        let passes = read.min(limit.saturating_sub(passed));
        if to.write_all(buffer.get(..passes).unwrap_or_default()).await.is_err() || passes < read {
            return;
        }
        passed += passes;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::{Fate, Link};

    /// A server that answers each byte with the same.
    fn echo() -> std::net::SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                thread::spawn(move || {
                    let mut byte = [0];
                    while let Ok(1) = stream.read(&mut byte) {
                        if stream.write_all(&byte).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        address
    }

    /// What comes back of ten bytes that are sent one after the other.
    fn passes(stream: &mut TcpStream) -> usize {
        let back =
            |stream: &mut TcpStream| stream.write_all(b"x").is_ok() && matches!(stream.read(&mut [0]), Ok(1));
        (0..10).take_while(|_| back(stream)).count()
    }

    #[test]
    fn a_link_does_what_its_fate_says_and_heals() {
        let link = Link::to(echo()).unwrap();
        let open = || TcpStream::connect(link.address).unwrap();
        let mut old = open();
        assert_eq!(passes(&mut old), 10);
        link.set(Fate::Cut);
        assert_eq!(passes(&mut old), 0, "an open connection survives a cut");
        assert_eq!(passes(&mut open()), 0, "a new connection gets through a cut");
        link.set(Fate::TornAsking(3));
        assert_eq!(passes(&mut open()), 3);
        link.set(Fate::TornAnswering(4));
        assert_eq!(passes(&mut open()), 4);
        link.set(Fate::Whole);
        assert_eq!(passes(&mut open()), 10);
    }

    #[test]
    fn what_is_sent_over_a_stalled_link_arrives_when_it_goes_on() {
        let link = Link::to(echo()).unwrap();
        link.set(Fate::Stalled);
        let mut stream = TcpStream::connect(link.address).unwrap();
        stream.write_all(b"x").unwrap();
        link.set(Fate::Whole);
        assert_eq!(stream.read(&mut [0]).unwrap(), 1);
    }
}
