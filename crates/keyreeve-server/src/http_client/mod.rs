//! HTTP as a client, which is a crate of its own; here is what its failures are among the server's.

pub(crate) use keyreeve_http::{Poster, Reply, handshake, open, read_certificates, roots, secure};
pub use keyreeve_http::{Url, UrlFault};

use keyreeve_http::AuthoritiesError;

use crate::tls::TlsError;

impl From<AuthoritiesError> for TlsError {
    fn from(error: AuthoritiesError) -> Self {
        match error {
            AuthoritiesError::Pem { path, source } => Self::Pem { what: "a certificate", path, source },
            AuthoritiesError::None { path } => Self::NoCertificate { path },
        }
    }
}
