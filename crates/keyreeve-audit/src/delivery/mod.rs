//! The files that a trail delivers, as bytes and names: log files and signed digests in CloudTrail's formats. Nothing is
//! read or written here; when and where they go is the server's affair.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html>

mod digest;
mod log_file;
mod name;

pub use digest::{DeliveredLog, Digest, PreviousDigest, SIGNATURE_ALGORITHM, SignedDigest};
pub use log_file::{LogFile, log_file};
pub use name::{DeliveredBy, digest_key, log_key};

use std::io::Write as _;

use flate2::{Compression, GzBuilder};

/// Bytes as one gzip member; the same bytes always give the same member (RFC 1952: no time, no name).
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    if encoder.write_all(bytes).is_err() {
        return Vec::new();
    }
    encoder.finish().unwrap_or_default()
}
