//! The canonical request and the string to sign: the bytes on which both sides must agree.
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use aws_lc_rs::digest;
use percent_encoding::{AsciiSet, percent_encode};

use crate::error::SigV4Error;
use crate::headers::{self, same_name};
use crate::query::{self, ENCODED};
use crate::timestamp::Timestamp;
use crate::{ALGORITHM, TERMINATOR};

/// What goes into a canonical request.
pub(crate) struct Parts<'c> {
    pub(crate) method: &'c str,
    pub(crate) path: &'c str,
    pub(crate) path_style: PathStyle,
    pub(crate) query: &'c str,
    /// A query parameter that is left out: the signature itself.
    pub(crate) query_skipped: Option<&'c str>,
    pub(crate) headers: &'c [(&'c str, &'c [u8])],
    /// Valid and sorted, as `SignedHeaders` holds it.
    pub(crate) signed_headers: &'c str,
    pub(crate) payload_hash: &'c HexSha256,
}

/// How a service canonicalises the path of the request line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathStyle {
    /// Dot segments and repeated slashes go, and the path as sent (already encoded once) is encoded again.
    NormalisedTwiceEncoded,
    /// S3: the path as sent, for a key may hold `//` or `..`.
    AsSent,
}

impl PathStyle {
    pub(crate) fn of_service(service: &str) -> Self {
        if service == "s3" { Self::AsSent } else { Self::NormalisedTwiceEncoded }
    }
}

/// A SHA-256 in lower-case hexadecimal.
pub(crate) type HexSha256 = [u8; 64];

pub(crate) fn sha256_hex(bytes: &[u8]) -> HexSha256 {
    let mut text = [0; 64];
    // The slice has exactly twice the length of the digest: this does not fail.
    let _ = hex::encode_to_slice(digest::digest(&digest::SHA256, bytes), &mut text);
    text
}

const SEGMENTS_ENCODED: &AsciiSet = &ENCODED.remove(b'/');
/// Percent signs stay: the client encoded once already.
const SEGMENTS_AS_SENT: &AsciiSet = &SEGMENTS_ENCODED.remove(b'%');

/// Which headers of a request are in its canonical request, by their place: what is not covered is not signed.
/// Taken from the very loop that writes them, so that the check and the signature cannot differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Covered(u128);

impl Covered {
    pub(crate) fn add(&mut self, place: usize) {
        self.0 |= Self::bit(place);
    }

    pub(crate) fn contains(self, place: usize) -> bool {
        self.0 & Self::bit(place) != 0
    }

    /// No bit beyond `HEADERS_MAX`: such a header counts as not covered.
    fn bit(place: usize) -> u128 {
        u32::try_from(place).ok().and_then(|place| 1_u128.checked_shl(place)).unwrap_or(0)
    }
}

/// Appends the canonical request, and says which headers it covers.
///
/// # Errors
/// [`SigV4Error::AbsentSignedHeader`] when a signed header is not among the headers,
/// [`SigV4Error::MalformedHeader`] when the value of one could forge a line.
pub(crate) fn write_request(out: &mut Vec<u8>, parts: &Parts<'_>) -> Result<Covered, SigV4Error> {
    out.extend_from_slice(parts.method.as_bytes());
    out.push(b'\n');
    write_path(out, parts.path, parts.path_style);
    out.push(b'\n');
    query::write_canonical(out, parts.query, parts.query_skipped);
    out.push(b'\n');
    let mut covered = Covered::default();
    for name in headers::names(parts.signed_headers) {
        write_header(out, name, parts.headers, &mut covered)?;
    }
    out.push(b'\n');
    out.extend_from_slice(parts.signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(parts.payload_hash);
    Ok(covered)
}

fn write_path(out: &mut Vec<u8>, path: &str, style: PathStyle) {
    match style {
        PathStyle::AsSent if path.is_empty() => out.push(b'/'),
        PathStyle::AsSent => extend_encoded(out, path, SEGMENTS_AS_SENT),
        PathStyle::NormalisedTwiceEncoded => write_normalised_path(out, path),
    }
}

/// A slash remains at the end only if the path had one: `/a/.` is `/a`, `/a/./` is `/a/`.
fn write_normalised_path(out: &mut Vec<u8>, path: &str) {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name),
        }
    }
    for segment in &segments {
        out.push(b'/');
        extend_encoded(out, segment, SEGMENTS_ENCODED);
    }
    if segments.is_empty() || path.ends_with('/') {
        out.push(b'/');
    }
}

fn extend_encoded(out: &mut Vec<u8>, text: &str, set: &'static AsciiSet) {
    for piece in percent_encode(text.as_bytes(), set) {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// One line `name:value,value\n` of all headers of that name in the order received.
fn write_header(
    out: &mut Vec<u8>,
    name: &[u8],
    headers: &[(&str, &[u8])],
    covered: &mut Covered,
) -> Result<(), SigV4Error> {
    out.extend_from_slice(name);
    let mut separator = b':';
    for (place, (received, value)) in headers.iter().enumerate() {
        if same_name(received, name) {
            out.push(separator);
            if !write_header_value(out, value) {
                return Err(SigV4Error::MalformedHeader { name: String::from_utf8_lossy(name).into() });
            }
            covered.add(place);
            separator = b',';
        }
    }
    if separator == b':' {
        return Err(SigV4Error::AbsentSignedHeader { name: String::from_utf8_lossy(name).into() });
    }
    out.push(b'\n');
    Ok(())
}

/// Spaces at the ends go; a run of spaces within becomes one, also between quotes. False, if the value holds a line
/// break or NUL. The first pass has no early exit, so that the compiler vectorises it: few values need the second.
fn write_header_value(out: &mut Vec<u8>, value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let after_first = value.get(1..).unwrap_or_default();
    let control = value.iter().fold(0, |seen, &byte| seen | u8::from(byte <= b'\r'));
    let spaces = value
        .iter()
        .zip(after_first)
        .fold(0, |seen, (&one, &next)| seen | (u8::from(one == b' ') & u8::from(next == b' ')));
    if control | spaces == 0 {
        out.extend_from_slice(value);
        return true;
    }
    let mut after_space = false;
    for &byte in value {
        if matches!(byte, b'\n' | b'\r' | 0) {
            return false;
        }
        let space = byte == b' ';
        if !(space && after_space) {
            out.push(byte);
        }
        after_space = space;
    }
    true
}

/// Appends the string to sign of a canonical request with this hash.
pub(crate) fn write_string_to_sign(
    out: &mut Vec<u8>,
    signed_at: Timestamp,
    region: &str,
    service: &str,
    request_hash: &HexSha256,
) {
    let (time, day) = (signed_at.basic(), signed_at.day());
    let pieces: [&[u8]; 12] = [
        ALGORITHM.as_bytes(),
        b"\n",
        &time,
        b"\n",
        &day,
        b"/",
        region.as_bytes(),
        b"/",
        service.as_bytes(),
        b"/",
        TERMINATOR.as_bytes(),
        b"\n",
    ];
    for piece in pieces {
        out.extend_from_slice(piece);
    }
    out.extend_from_slice(request_hash);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(path: &str, style: PathStyle) -> String {
        let mut out = Vec::new();
        write_path(&mut out, path, style);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_are_normalised_and_encoded_again() {
        for (sent, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/a//b/", "/a/b/"),
            ("/./a", "/a"),
            ("/a/.", "/a"),
            ("/a/./", "/a/"),
            ("/a/..", "/"),
            ("/a/../../b", "/b"),
            ("/a b", "/a%20b"),
            ("/a%20b", "/a%2520b"),
            ("/a%2Fb", "/a%252Fb"),
            ("/-._~", "/-._~"),
            ("/a\nb", "/a%0Ab"),
            ("/..a", "/..a"),
        ] {
            assert_eq!(path(sent, PathStyle::NormalisedTwiceEncoded), canonical, "{sent}");
        }
    }

    #[test]
    fn s3_paths_are_left_as_sent() {
        for (sent, canonical) in
            [("", "/"), ("/a//b/../c", "/a//b/../c"), ("/a%20b", "/a%20b"), ("/a b\n", "/a%20b%0A")]
        {
            assert_eq!(path(sent, PathStyle::of_service("s3")), canonical, "{sent}");
        }
    }

    #[test]
    fn header_values_are_trimmed_collapsed_and_joined_in_order() {
        let headers: [(&str, &[u8]); 4] =
            [("X-A", b"  b   c  "), ("x-b", b"no"), ("x-a", b"\"d   e\""), ("X-a", b"a\tb")];
        let mut out = Vec::new();
        let mut covered = Covered::default();
        write_header(&mut out, b"x-a", &headers, &mut covered).unwrap();
        assert_eq!([0, 1, 2, 3].map(|place| covered.contains(place)), [true, false, true, true]);
        assert_eq!(String::from_utf8(out).unwrap(), "x-a:b c,\"d e\",a\tb\n");
    }

    #[test]
    fn an_absent_signed_header_is_refused() {
        let refusal = write_header(&mut Vec::new(), b"x-a", &[("x-b", b"")], &mut Covered::default()).err();
        assert_eq!(refusal, Some(SigV4Error::AbsentSignedHeader { name: "x-a".into() }));
    }
}
