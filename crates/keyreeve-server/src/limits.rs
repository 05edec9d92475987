//! What the listener accepts from a stranger: one constant a limit, with its unit, and the struct that carries them.
//! It is not about what an authenticated caller may do (quotas are the service's), nor about AWS's member lengths.

use std::time::Duration;

/// Request line and headers of one request, in bytes. AWS refuses more than about 16 KB as well.
pub const HEAD_BYTES: usize = 16 * 1024;

/// Body of one request, in bytes. The largest KMS request (a policy, imported material) stays under 100 KB.
pub const BODY_BYTES: usize = 1024 * 1024;

/// A body up to this size needs no share of [`LARGE_BODIES_BYTES`], in bytes.
pub const SMALL_BODY_BYTES: usize = 64 * 1024;

/// All bodies over [`SMALL_BODY_BYTES`] that are held at one time, together, in bytes.
pub const LARGE_BODIES_BYTES: usize = 256 * 1024 * 1024;

/// Connections open at one time on one listener.
pub const CONNECTIONS: usize = 10_000;

/// Requests being read or answered at one time on one listener.
pub const CONCURRENT_REQUESTS: usize = 4_096;

/// Streams that one HTTP/2 connection may have open.
pub const H2_STREAMS: u32 = 128;

/// How long a connection may wait between two requests.
/// Longer than the 60 s after which the AWS SDKs commonly drop an idle connection, so that the client closes first.
pub const IDLE_TIME: Duration = Duration::from_secs(75);

/// From the first byte of a request (or from the connection's begin) to the end of its headers.
pub const HEAD_TIME: Duration = Duration::from_secs(10);

/// From the end of the headers to the end of the body.
pub const BODY_TIME: Duration = Duration::from_secs(20);

/// From the accepted connection to the end of the TLS handshake.
pub const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How long a connection that was answered before its request had been read is drained, so that the answer is not
/// lost to a TCP reset (RFC 9112 §9.6); also the grace for a peer that does not finish closing.
pub const LINGER_TIME: Duration = Duration::from_secs(2);

/// How much is drained from such a connection, in bytes.
pub const LINGER_BYTES: usize = 16 * 1024 * 1024;

/// The limits of one listener. `Default` is what production uses; tests shrink single fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// See [`HEAD_BYTES`].
    pub head_bytes: usize,
    /// See [`BODY_BYTES`].
    pub body_bytes: usize,
    /// See [`LARGE_BODIES_BYTES`].
    pub large_bodies_bytes: usize,
    /// See [`CONNECTIONS`].
    pub connections: usize,
    /// See [`CONCURRENT_REQUESTS`].
    pub concurrent_requests: usize,
    /// See [`H2_STREAMS`].
    pub h2_streams: u32,
    /// See [`IDLE_TIME`].
    pub idle_time: Duration,
    /// See [`HEAD_TIME`].
    pub head_time: Duration,
    /// See [`BODY_TIME`].
    pub body_time: Duration,
    /// See [`HANDSHAKE_TIME`].
    pub handshake_time: Duration,
    /// See [`LINGER_TIME`].
    pub linger_time: Duration,
    /// See [`LINGER_BYTES`].
    pub linger_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: HEAD_BYTES,
            body_bytes: BODY_BYTES,
            large_bodies_bytes: LARGE_BODIES_BYTES,
            connections: CONNECTIONS,
            concurrent_requests: CONCURRENT_REQUESTS,
            h2_streams: H2_STREAMS,
            idle_time: IDLE_TIME,
            head_time: HEAD_TIME,
            body_time: BODY_TIME,
            handshake_time: HANDSHAKE_TIME,
            linger_time: LINGER_TIME,
            linger_bytes: LINGER_BYTES,
        }
    }
}
