//! A request as it arrived, borrowed: the bytes that the client signed, not what a parser made of them.

use std::fmt;

use crate::error::SigV4Error;

/// An HTTP request, as received (to verify) or as it will be sent (to sign).
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// The method, in the case in which it was sent.
    pub method: &'r str,
    /// The path as on the request line, without the query, still percent-encoded. Empty means `/`.
    pub path: &'r str,
    /// The query as on the request line, without `?`, still percent-encoded. Empty when there is none.
    pub query: &'r str,
    /// Every header in the order received; names in any case. For HTTP/2 the caller adds `:authority` as `host`
    /// (when no `host` was sent). `host` is exactly as received: some clients sign it without the port.
    pub headers: &'r [(&'r str, &'r [u8])],
    /// The raw body, before any decoding.
    pub body: &'r [u8],
}

/// More headers than this are refused before any other work. `canonical::Covered` has one bit for each.
pub(crate) const HEADERS_MAX: usize = 128;
/// A longer path is refused.
pub(crate) const PATH_BYTES_MAX: usize = 8 * 1024;
/// A longer query is refused; a presigned STS request with a session token needs about 3 KiB.
pub(crate) const QUERY_BYTES_MAX: usize = 16 * 1024;

impl Request<'_> {
    /// Refuses what would cost too much to canonicalise, or could forge a line of the canonical request.
    pub(crate) fn check_form(&self) -> Result<(), SigV4Error> {
        let sizes = [
            ("number of headers", self.headers.len(), HEADERS_MAX),
            ("path", self.path.len(), PATH_BYTES_MAX),
            ("query", self.query.len(), QUERY_BYTES_MAX),
        ];
        for (part, size, limit) in sizes {
            if size > limit {
                return Err(SigV4Error::TooLarge { part, limit });
            }
        }
        if self.method.is_empty() || !self.method.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SigV4Error::MalformedMethod);
        }
        // A relative path would share its canonical form with an absolute one.
        if !self.path.is_empty() && !self.path.starts_with('/') {
            return Err(SigV4Error::MalformedPath);
        }
        Ok(())
    }
}

/// Header values may hold tokens and the body a plaintext: neither is printed.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &self.headers.len())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
