//! The listener, seen from outside: real sockets, raw bytes, real TLS and HTTP/2 clients. One binary, as linking is
//! what these tests cost most. Waiting is by channels or by reading to the server's own close, never by sleeping.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

mod http1;
mod http2;
mod limits;
mod observe;
mod rig;
mod stop;
mod tls;
mod unix;
