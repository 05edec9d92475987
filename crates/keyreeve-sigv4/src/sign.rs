//! Signing in the client: headers to add to a request, or a query that carries the signature.

use std::fmt;

use aws_lc_rs::error::Unspecified;

use crate::authorization::{EXPIRES_S_MAX, SIGNATURE_PARAMETER};
use crate::canonical::{self, HexSha256, Parts, PathStyle};
use crate::error::SigV4Error;
use crate::headers::SignedHeaders;
use crate::query;
use crate::request::Request;
use crate::secret::SecretAccessKey;
use crate::signing_key::SigningKey;
use crate::timestamp::Timestamp;
use crate::{ALGORITHM, TERMINATOR};

/// Who signs.
#[derive(Clone, Copy)]
pub struct Credential<'c> {
    /// The access key id.
    pub access_key_id: &'c str,
    /// Its secret.
    pub secret: &'c SecretAccessKey,
    /// The session token of temporary credentials; it is always signed.
    pub session_token: Option<&'c str>,
}

/// For whom: the Region and service of the credential scope.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    /// E.g. `eu-west-1`.
    pub region: &'t str,
    /// E.g. `kms`.
    pub service: &'t str,
}

/// Why a request cannot be signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// There is no `host` header (for HTTP/2: put `:authority` there).
    #[error("the request has no host header")]
    HostMissing,
    /// A header or query parameter that the signer adds is there already.
    #[error("the request already has {name}")]
    AlreadySigned {
        /// Its name.
        name: &'static str,
    },
    /// Access key id, Region or service is empty, holds `/`, or is not printable ASCII.
    #[error("access key id, region and service are printable and hold no slash")]
    MalformedScope,
    /// The lifetime of a presigned request is not 1 s to 604,800 s.
    #[error("a presigned request lives 1 to {EXPIRES_S_MAX} seconds")]
    ExpiresOutOfRange,
    /// The request has a form that no verifier would accept.
    #[error(transparent)]
    Form(#[from] SigV4Error),
    /// AWS-LC reported a failure.
    #[error("the cryptographic library failed")]
    CryptographyFailed,
}

impl From<Unspecified> for SignError {
    fn from(_: Unspecified) -> Self {
        Self::CryptographyFailed
    }
}

/// What came of [`sign`].
pub struct Signed {
    headers: Vec<(&'static str, String)>,
    canonical_request: Vec<u8>,
    string_to_sign: Vec<u8>,
}

impl Signed {
    /// The headers to add: `x-amz-date`, `authorization`, and where due `x-amz-security-token` and
    /// `x-amz-content-sha256`.
    #[must_use]
    pub fn headers(&self) -> &[(&'static str, String)] {
        &self.headers
    }

    /// What was hashed, to compare with another implementation. Holds the session token.
    #[must_use]
    pub fn canonical_request(&self) -> &[u8] {
        &self.canonical_request
    }

    /// What was signed.
    #[must_use]
    pub fn string_to_sign(&self) -> &[u8] {
        &self.string_to_sign
    }
}

/// Holds a token and a signature: neither is printed.
impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("Signed").field("headers", &names).finish_non_exhaustive()
    }
}

/// Headers that proxies and HTTP libraries add or change: signed, they would break the signature on the way.
const NOT_SIGNED: [&str; 6] =
    ["connection", "content-length", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"];

/// Headers that the signer adds itself.
const ADDED: [&str; 4] = ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"];

/// Signs a request in its headers: all that it has except those which are changed on the way.
///
/// # Errors
/// Any [`SignError`] except `ExpiresOutOfRange`.
pub fn sign(
    request: &Request<'_>,
    credential: &Credential<'_>,
    target: &Target<'_>,
    now_epoch_s: i64,
) -> Result<Signed, SignError> {
    check_request(request, credential, target)?;
    let signed_at = Timestamp::from_epoch_s(now_epoch_s);
    let payload_hash = canonical::sha256_hex(request.body);
    let mut added = vec![("x-amz-date", signed_at.to_string())];
    if let Some(token) = credential.session_token {
        added.push(("x-amz-security-token", token.to_owned()));
    }
    if target.service == "s3" {
        added.push(("x-amz-content-sha256", String::from_utf8_lossy(&payload_hash).into_owned()));
    }
    let mut headers = request.headers.to_vec();
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let signed_headers = signed_header_list(&headers);
    let signature = signature_of(
        &Request { headers: &headers, ..*request },
        &signed_headers,
        &payload_hash,
        credential,
        target,
        signed_at,
    )?;
    let authorization = format!(
        "{ALGORITHM} Credential={}, SignedHeaders={signed_headers}, Signature={}",
        scope_text(credential, target, signed_at),
        signature.hex,
    );
    added.push(("authorization", authorization));
    let Computed { canonical_request, string_to_sign, .. } = signature;
    Ok(Signed { headers: added, canonical_request, string_to_sign })
}

/// Signs a request in its query, and returns the whole query, to be sent with the same headers and body. Not for
/// S3, which leaves the body of a presigned request unsigned.
///
/// # Errors
/// Any [`SignError`].
pub fn presign(
    request: &Request<'_>,
    credential: &Credential<'_>,
    target: &Target<'_>,
    now_epoch_s: i64,
    expires_s: u32,
) -> Result<String, SignError> {
    check_request(request, credential, target)?;
    if !(1..=EXPIRES_S_MAX).contains(&expires_s) {
        return Err(SignError::ExpiresOutOfRange);
    }
    let signed_at = Timestamp::from_epoch_s(now_epoch_s);
    let signed_headers = signed_header_list(request.headers);
    let mut parameters = vec![
        ("X-Amz-Algorithm", ALGORITHM.to_owned()),
        ("X-Amz-Credential", scope_text(credential, target, signed_at)),
        ("X-Amz-Date", signed_at.to_string()),
        ("X-Amz-Expires", expires_s.to_string()),
        ("X-Amz-SignedHeaders", signed_headers.clone()),
    ];
    if let Some(token) = credential.session_token {
        parameters.push(("X-Amz-Security-Token", token.to_owned()));
    }
    let mut query = request.query.to_owned();
    for (name, value) in parameters {
        if query::pairs(request.query).any(|(present, _)| *present == *name.as_bytes()) {
            return Err(SignError::AlreadySigned { name });
        }
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.push_str(&query::encode(value.as_bytes()));
    }
    let payload_hash = canonical::sha256_hex(request.body);
    let presigned = Request { query: &query, ..*request };
    let signature = signature_of(&presigned, &signed_headers, &payload_hash, credential, target, signed_at)?;
    Ok(format!("{query}&{SIGNATURE_PARAMETER}={}", signature.hex))
}

fn check_request(
    request: &Request<'_>,
    credential: &Credential<'_>,
    target: &Target<'_>,
) -> Result<(), SignError> {
    request.check_form()?;
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        return Err(SignError::HostMissing);
    }
    for added in ADDED {
        if request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(added)) {
            return Err(SignError::AlreadySigned { name: added });
        }
    }
    let element = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    if [credential.access_key_id, target.region, target.service].into_iter().all(element) {
        Ok(())
    } else {
        Err(SignError::MalformedScope)
    }
}

fn signed_header_list(headers: &[(&str, &[u8])]) -> String {
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.retain(|name| !NOT_SIGNED.contains(&name.as_str()));
    names.sort_unstable();
    names.dedup();
    names.join(";")
}

fn scope_text(credential: &Credential<'_>, target: &Target<'_>, signed_at: Timestamp) -> String {
    let day = String::from_utf8_lossy(&signed_at.day()).into_owned();
    format!("{}/{day}/{}/{}/{TERMINATOR}", credential.access_key_id, target.region, target.service)
}

struct Computed {
    hex: String,
    canonical_request: Vec<u8>,
    string_to_sign: Vec<u8>,
}

fn signature_of(
    request: &Request<'_>,
    signed_headers: &str,
    payload_hash: &HexSha256,
    credential: &Credential<'_>,
    target: &Target<'_>,
    signed_at: Timestamp,
) -> Result<Computed, SignError> {
    let list = SignedHeaders::parse(signed_headers.into())?;
    let parts = Parts {
        method: request.method,
        path: request.path,
        path_style: PathStyle::of_service(target.service),
        query: request.query,
        query_skipped: None,
        headers: request.headers,
        signed_headers: list.as_str(),
        payload_hash,
    };
    let (mut canonical_request, mut string_to_sign) = (Vec::new(), Vec::new());
    canonical::write_request(&mut canonical_request, &parts)?;
    let request_hash = canonical::sha256_hex(&canonical_request);
    canonical::write_string_to_sign(
        &mut string_to_sign,
        signed_at,
        target.region,
        target.service,
        &request_hash,
    );
    let key = SigningKey::derive(credential.secret, signed_at, target.region, target.service)?;
    let hex = hex::encode(*key.sign(&string_to_sign)?);
    Ok(Computed { hex, canonical_request, string_to_sign })
}
