//! The network half of the server: sockets, TLS, HTTP/1.1 and HTTP/2, limits, threads. It knows no KMS: a [`Handler`]
//! receives each request complete and answers it. A request takes the files in this order: `accept` → `connection`
//! (on its `wire`, watched through `activity`) → `service` → `body` → the handler, `detached` from its client.

mod accept;
mod activity;
mod body;
mod connection;
mod detached;
mod exchange;
mod raw_answer;
mod request_id;
mod server;
mod service;
mod unix_socket;
mod wire;
mod worker;

pub use exchange::{Answer, Handler, Http10, Incoming, Peer, Refusal, TlsFacts};
pub use server::{Bound, Endpoint, Server, Stopped};
