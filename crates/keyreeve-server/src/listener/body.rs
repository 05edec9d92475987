//! Reads a request's body within its limits: size, time, and the memory of all large bodies together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::exchange::Refusal;
use crate::limits::{Limits, SMALL_BODY_BYTES};

/// The memory that large bodies of one listener hold together.
#[derive(Debug, Default)]
pub(super) struct LargeBodies(AtomicUsize);

/// A large body's share of the memory, given back on drop.
#[derive(Debug)]
pub(super) struct Share {
    of: Arc<LargeBodies>,
    bytes: usize,
}

impl LargeBodies {
    /// Takes a share, unless that would exceed `limit`, in bytes.
    fn take(self: &Arc<Self>, bytes: usize, limit: usize) -> Result<Share, Refusal> {
        let share = Share { of: Arc::clone(self), bytes };
        let held_before = self.0.fetch_add(bytes, Relaxed);
        if held_before + bytes > limit { Err(Refusal::TooManyRequests) } else { Ok(share) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Relaxed);
    }
}

/// Reads a whole body. The share is to be kept as long as the bytes.
///
/// # Errors
/// The limit that was exceeded, or [`Refusal::BodyMalformed`]. An announced length over the limit is refused before
/// anything is read.
pub(super) async fn read(
    body: Incoming,
    limits: &Limits,
    large: &Arc<LargeBodies>,
) -> Result<(Bytes, Option<Share>), Refusal> {
    if body.is_end_stream() {
        return Ok((Bytes::new(), None));
    }
    let announced = body.size_hint().exact().map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    if announced.is_some_and(|bytes| bytes > limits.body_bytes) {
        return Err(Refusal::BodyTooLarge);
    }
    // A body without an announced length (chunked) may still grow to the limit.
    let share = match announced.unwrap_or(limits.body_bytes) {
        0..=SMALL_BODY_BYTES => None,
        bytes => Some(large.take(bytes, limits.large_bodies_bytes)?),
    };
    match timeout(limits.body_time, collect(body, limits.body_bytes)).await {
        Ok(result) => result.map(|bytes| (bytes, share)),
        Err(_elapsed) => Err(Refusal::BodyTooSlow),
    }
}

/// Reads a body and forgets it. `Err` if it did not end in time and within [`SMALL_BODY_BYTES`].
pub(super) async fn discard(mut body: Incoming, time: Duration) -> Result<(), Refusal> {
    let mut left = SMALL_BODY_BYTES;
    let discarded = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Refusal::BodyMalformed)?;
            let length = frame.data_ref().map_or(0, Bytes::len);
            left = left.checked_sub(length).ok_or(Refusal::BodyTooLarge)?;
        }
        Ok(())
    };
    timeout(time, discarded).await.unwrap_or(Err(Refusal::BodyTooSlow))
}

async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, Refusal> {
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(Refusal::BodyTooLarge);
    }
    if body.is_end_stream() {
        // The usual case: the body came with its headers, in one piece, and is not copied.
        return Ok(first);
    }
    let mut whole = BytesMut::from(first);
    while let Some(piece) = next(&mut body).await? {
        if piece.len() > limit - whole.len() {
            return Err(Refusal::BodyTooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The next piece of data; trailers are read and ignored, as no protocol here uses them.
async fn next(body: &mut Incoming) -> Result<Option<Bytes>, Refusal> {
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| Refusal::BodyMalformed)?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_bounded_together_and_given_back() {
        let large = Arc::new(LargeBodies::default());
        let first = large.take(60, 100).unwrap();
        assert_eq!(large.take(60, 100).unwrap_err(), Refusal::TooManyRequests);
        let second = large.take(40, 100).unwrap();
        drop((first, second));
        assert_eq!(large.0.load(Relaxed), 0);
    }
}
