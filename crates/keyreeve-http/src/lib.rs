//! HTTP/1.1 as a client: a URL that may be asked, whose certificates are believed, connections, one exchange at a time.
//! What is asked, and where, is the affair of whoever asks: identity providers, collectors of the audit trail, and a KMS
//! that the command line speaks to.
#![forbid(unsafe_code)]

mod authorities;
mod connection;
mod poster;
mod url;

pub use authorities::{AuthoritiesError, read_certificates, roots};
pub use connection::{handshake, open, secure};
pub use hyper::header::{HeaderName, HeaderValue};
pub use hyper::{HeaderMap, StatusCode};
pub use poster::{Poster, Reply};
pub use url::{Url, UrlFault};
