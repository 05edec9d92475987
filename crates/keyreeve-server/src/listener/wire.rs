//! The stream under a connection: it notes when bytes arrive, gives back bytes that were read to recognise the
//! protocol, and closes so that the last answer is not lost (RFC 9112 §9.6: a socket closed with unread bytes sends a
//! reset, which destroys an answer that the peer has not read yet).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::activity::Activity;
use crate::limits::Limits;

/// The client's first bytes on an HTTP/2 connection (RFC 9113 §3.4).
const H2_PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much a drain reads at a time, in bytes.
const DRAIN_CHUNK_BYTES: usize = 8 * 1024;

/// Which protocol the first bytes of a connection speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// HTTP/1.1, HTTP/1.0, or anything else: the HTTP/1 parser will say.
    H1,
    /// HTTP/2 with prior knowledge.
    H2,
}

/// A stream with its notes.
pub(super) struct Wire<S> {
    stream: S,
    /// Bytes to be read again before those of the stream.
    replay: Bytes,
    activity: Arc<Activity>,
    linger: Linger,
    closing: Closing,
}

/// How long and how much is drained at close.
#[derive(Clone, Copy)]
struct Linger {
    time: std::time::Duration,
    bytes: usize,
}

enum Closing {
    No,
    Draining { left: usize, until: Pin<Box<Sleep>> },
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>, limits: &Limits) -> Self {
        let linger = Linger { time: limits.linger_time, bytes: limits.linger_bytes };
        Self { stream, replay: Bytes::new(), activity, linger, closing: Closing::No }
    }

    /// Reads until the protocol is certain; what was read will be read again. The caller limits the time.
    ///
    /// # Errors
    /// As the stream.
    pub(super) async fn recognise(&mut self) -> io::Result<Protocol> {
        let mut seen = Vec::with_capacity(H2_PREFACE.len());
        let protocol = loop {
            let before = seen.len();
            let read = (&mut *self).take((H2_PREFACE.len() - before) as u64).read_buf(&mut seen).await?;
            if read == 0 || !H2_PREFACE.starts_with(&seen) {
                break Protocol::H1;
            }
            if seen.len() == H2_PREFACE.len() {
                break Protocol::H2;
            }
        };
        self.replay = seen.into();
        Ok(protocol)
    }

    /// Reads and forgets, until the peer is done or the linger limits are reached.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Closing::Draining { left, until } = &mut self.closing else { return Poll::Ready(()) };
        let mut chunk = [0; DRAIN_CHUNK_BYTES];
        loop {
            if until.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            let mut buffer = ReadBuf::new(&mut chunk);
            let result = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            let read = buffer.filled().len();
            *left = left.saturating_sub(read);
            if result.is_err() || read == 0 || *left == 0 {
                return Poll::Ready(());
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.replay.has_remaining() {
            let length = self.replay.len().min(buffer.remaining());
            buffer.put_slice(&self.replay.split_to(length));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.activity.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(self.closing, Closing::No) {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.closing = if self.activity.may_be_sending() {
                let until = Box::pin(tokio::time::sleep(self.linger.time));
                Closing::Draining { left: self.linger.bytes, until }
            } else {
                Closing::Done
            };
        }
        ready!(self.poll_drain(context));
        self.closing = Closing::Done;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::io::AsyncWriteExt;

    /// What a connection whose peer sends `parts`, each on its own, is taken for; and that no byte is lost.
    async fn check(parts: &[&[u8]], expected: Protocol) {
        let (mut peer, stream) = tokio::io::duplex(1);
        let sent = parts.concat();
        let parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
        let send = async move {
            for part in parts {
                peer.write_all(&part).await.unwrap();
            }
        };
        let mut wire = Wire::new(stream, Activity::new(Instant::now()), &Limits::default());
        let receive = async move {
            let protocol = wire.recognise().await.unwrap();
            let mut received = Vec::new();
            wire.read_to_end(&mut received).await.unwrap();
            (protocol, received)
        };
        let ((), (protocol, received)) = tokio::join!(send, receive);
        assert_eq!(protocol, expected);
        assert_eq!(received, sent);
    }

    #[tokio::test]
    async fn the_first_bytes_decide_the_protocol_and_are_not_lost() {
        check(&[b"POST / HTTP/1.1\r\n\r\n"], Protocol::H1).await;
        check(&[b"PRI * HTTP/1.1\r\n\r\nand more than the preface is long"], Protocol::H1).await;
        check(&[b"PRI"], Protocol::H1).await;
        check(&[b""], Protocol::H1).await;
        check(&[b"PRI * HT", b"TP/2.0\r\n\r\nSM\r\n\r\n", b"frames"], Protocol::H2).await;
    }

    #[tokio::test]
    async fn a_close_with_unread_bytes_drains_at_most_its_limit() {
        let (mut peer, stream) = tokio::io::duplex(4 * DRAIN_CHUNK_BYTES);
        let activity = Activity::new(Instant::now());
        activity.leave_unread();
        let limits = Limits { linger_bytes: DRAIN_CHUNK_BYTES, ..Limits::default() };
        let mut wire = Wire::new(stream, activity, &limits);
        peer.write_all(&[0; 2 * DRAIN_CHUNK_BYTES]).await.unwrap();
        wire.shutdown().await.unwrap();
        let mut rest = Vec::new();
        drop(peer);
        wire.stream.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest.len(), DRAIN_CHUNK_BYTES);
    }
}
