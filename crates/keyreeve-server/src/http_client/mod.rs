//! HTTP/1.1 as a client: a URL that may be asked, whose certificates are believed, connections, one exchange at a time.
//! What is asked, and where, is the affair of whoever asks: identity providers, collectors of the audit trail.

mod authorities;
mod connection;
mod poster;
mod url;

pub(crate) use authorities::{read_certificates, roots};
pub(crate) use connection::{handshake, open, secure};
pub(crate) use poster::{Poster, Reply};
pub use url::{Url, UrlFault};
