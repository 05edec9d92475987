//! Why a request was refused: one variant a reason. The `Display` text is for logs; [`SigV4Error::public`] gives
//! what the caller of the service may see, in AWS's words. Neither ever holds a signature that we computed, nor
//! the canonical request.

use std::borrow::Cow;
use std::fmt::Write;

use crate::ALGORITHM;
use crate::scope::ScopeMismatch;
use crate::timestamp::Timestamp;

/// A refusal. Text fields hold what the caller sent (at most one header long), for the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigV4Error {
    /// Neither an `Authorization` header of an AWS4 scheme nor signature parameters in the query.
    #[error("the request is not signed")]
    MissingAuthentication,
    /// A presigned query where [`crate::Presigned::Refused`] holds.
    #[error("presigned requests are not accepted here")]
    PresignedRefused,
    /// Both an `Authorization` header and signature parameters in the query, or the token in both.
    #[error("the request is signed in its header and in its query")]
    TwoAuthentications,
    /// A piece of the `Authorization` header without `=`.
    #[error("a piece of the Authorization header is not key=value")]
    NotKeyValue {
        /// The piece.
        part: Box<str>,
        /// All that follows the algorithm.
        parameters: Box<str>,
    },
    /// `Credential`, `SignedHeaders` or `Signature` (or an `X-Amz-…` query parameter) appears twice.
    #[error("the signature parameter {name} is repeated")]
    RepeatedParameter {
        /// Its name.
        name: &'static str,
    },
    /// The header form lacks parameters or a date.
    #[error("the Authorization header is incomplete: {missing:?}")]
    IncompleteHeader {
        /// What is lacking.
        missing: MissingParameters,
        /// The header as received.
        authorization: Box<str>,
    },
    /// The presigned form lacks a parameter.
    #[error("the query lacks {name}")]
    IncompleteQuery {
        /// Its name.
        name: &'static str,
    },
    /// Another algorithm of the AWS4 family.
    #[error("the algorithm is not supported")]
    UnsupportedAlgorithm {
        /// The algorithm named by the caller.
        algorithm: Box<str>,
    },
    /// The date is neither ISO 8601 basic nor (for `Date`) an HTTP date.
    #[error("the date of the signature is malformed")]
    MalformedDate {
        /// As received.
        got: Box<str>,
    },
    /// `X-Amz-Expires` is not a number from 1 to 604800.
    #[error("X-Amz-Expires is not a number of seconds from 1 to 604800")]
    MalformedExpires,
    /// The credential is not five printable elements.
    #[error("the credential has not five elements")]
    MalformedCredential {
        /// As received.
        got: Box<str>,
    },
    /// The signature is not 64 lower-case hexadecimal digits.
    #[error("the signature is not 64 lower-case hexadecimal digits")]
    MalformedSignature,
    /// The signed headers are not lower-case names in strictly ascending order, separated by `;`.
    #[error("the list of signed headers is malformed")]
    MalformedSignedHeaders,
    /// A header value holds a line break or NUL, or is not text where text is needed.
    #[error("the value of header {name} is malformed")]
    MalformedHeader {
        /// Its name.
        name: Box<str>,
    },
    /// The method is empty or not printable.
    #[error("the method is malformed")]
    MalformedMethod,
    /// The path does not begin with `/`.
    #[error("the path is not absolute")]
    MalformedPath,
    /// The request is larger than will be canonicalised.
    #[error("the {part} of the request exceeds {limit}")]
    TooLarge {
        /// Which part.
        part: &'static str,
        /// The largest size accepted.
        limit: usize,
    },
    /// A header of which there may be one came twice.
    #[error("the header {name} is repeated")]
    RepeatedHeader {
        /// Its lower-case name.
        name: &'static str,
    },
    /// `host`, `content-type` or an `x-amz-*` header is not among the signed headers.
    #[error("the header {name} must be signed")]
    UnsignedHeader {
        /// Its lower-case name.
        name: Box<str>,
    },
    /// A signed header is not in the request.
    #[error("the signed header {name} is absent")]
    AbsentSignedHeader {
        /// Its lower-case name.
        name: Box<str>,
    },
    /// The signature is older than the window, or than its own `X-Amz-Expires`.
    #[error("the signature of {signed_at} expired; it is {now}")]
    Expired {
        /// When the client says that it signed.
        signed_at: Timestamp,
        /// The clock of the server.
        now: Timestamp,
        /// The age allowed, in seconds.
        allowed_s: u32,
    },
    /// The signature is further in the future than the window.
    #[error("the signature of {signed_at} is not yet current; it is {now}")]
    NotYetCurrent {
        /// When the client says that it signed.
        signed_at: Timestamp,
        /// The clock of the server.
        now: Timestamp,
        /// The advance allowed, in seconds.
        allowed_s: u32,
    },
    /// Region, service, terminator or day of the credential scope is not ours.
    #[error("the credential scope does not fit: {0:?}")]
    OutOfScope(ScopeMismatch),
    /// `x-amz-content-sha256` is `UNSIGNED-PAYLOAD`.
    #[error("the payload is not signed")]
    PayloadUnsigned,
    /// `x-amz-content-sha256` is one of `STREAMING-…`.
    #[error("the payload is a signed stream")]
    PayloadStreaming,
    /// `x-amz-content-sha256` is not the SHA-256 of the body.
    #[error("x-amz-content-sha256 is not the hash of the body")]
    PayloadHashMismatch,
    /// No such access key, or a session token that is not ours.
    #[error("the access key is unknown")]
    UnknownAccessKey,
    /// The session token was ours and is over. Never made by this crate: it is here for the caller, which reads
    /// tokens, so that all refusals of authentication have one table of public texts.
    #[error("the session token expired")]
    SessionExpired,
    /// The signature is another one.
    #[error("the signature does not match")]
    SignatureMismatch,
    /// AWS-LC reported a failure.
    #[error("the cryptographic library failed")]
    CryptographyFailed,
}

/// What an `Authorization` header lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MissingParameters {
    /// No `Credential=`.
    pub credential: bool,
    /// No `Signature=`.
    pub signature: bool,
    /// No `SignedHeaders=`.
    pub signed_headers: bool,
    /// Neither `X-Amz-Date` nor `Date`.
    pub date: bool,
}

const INCOMPLETE: &str = "IncompleteSignatureException";
const INVALID: &str = "InvalidSignatureException";
const MISSING: &str = "MissingAuthenticationTokenException";
const UNRECOGNIZED: &str = "UnrecognizedClientException";
const EXPIRED: &str = "ExpiredTokenException";
const FAILED: &str = "InternalFailure";

const MISMATCH_TEXT: &str = "The request signature we calculated does not match the signature you provided. \
     Check your AWS Secret Access Key and signing method. Consult the service documentation for details.";

impl SigV4Error {
    /// The AWS error code and the message that the caller of the service may see. Reasons for which AWS has no
    /// known text answer as a signature that does not match.
    /// Source: <https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html> and recorded answers.
    #[must_use]
    pub fn public(&self) -> (&'static str, Cow<'static, str>) {
        match self {
            Self::MissingAuthentication | Self::PresignedRefused => {
                (MISSING, "Missing Authentication Token".into())
            }
            Self::NotKeyValue { .. }
            | Self::IncompleteHeader { .. }
            | Self::IncompleteQuery { .. }
            | Self::UnsupportedAlgorithm { .. }
            | Self::MalformedDate { .. }
            | Self::MalformedCredential { .. } => (INCOMPLETE, self.incomplete_text().into()),
            Self::UnsignedHeader { name } => (INVALID, unsigned_header_text(name).into()),
            Self::Expired { signed_at, now, allowed_s } => (
                INVALID,
                window_text("Signature expired", "now earlier", '-', *signed_at, *now, *allowed_s).into(),
            ),
            Self::NotYetCurrent { signed_at, now, allowed_s } => {
                let text = window_text(
                    "Signature not yet current",
                    "still later",
                    '+',
                    *signed_at,
                    *now,
                    *allowed_s,
                );
                (INVALID, text.into())
            }
            Self::OutOfScope(mismatch) => (INVALID, mismatch.to_string().into()),
            Self::UnknownAccessKey => {
                (UNRECOGNIZED, "The security token included in the request is invalid.".into())
            }
            Self::SessionExpired => (EXPIRED, "The security token included in the request is expired".into()),
            Self::CryptographyFailed => (FAILED, "".into()),
            Self::TwoAuthentications
            | Self::RepeatedParameter { .. }
            | Self::MalformedExpires
            | Self::MalformedSignature
            | Self::MalformedSignedHeaders
            | Self::MalformedHeader { .. }
            | Self::MalformedMethod
            | Self::MalformedPath
            | Self::TooLarge { .. }
            | Self::RepeatedHeader { .. }
            | Self::AbsentSignedHeader { .. }
            | Self::PayloadUnsigned
            | Self::PayloadStreaming
            | Self::PayloadHashMismatch
            | Self::SignatureMismatch => (INVALID, MISMATCH_TEXT.into()),
        }
    }

    /// The texts of `IncompleteSignatureException`; empty for any other reason.
    fn incomplete_text(&self) -> String {
        if let Self::NotKeyValue { part, parameters } = self {
            format!(
                "'{part}' not a valid key=value pair (missing equal-sign) in Authorization header: '{parameters}'."
            )
        } else if let Self::IncompleteHeader { missing, authorization } = self {
            missing.text(authorization)
        } else if let Self::IncompleteQuery { name } = self {
            format!(
                "AWS query-string parameters must include '{name}'. Re-examine the query-string parameters."
            )
        } else if let Self::UnsupportedAlgorithm { algorithm } = self {
            format!("Unsupported AWS 'algorithm': '{algorithm}' (only {ALGORITHM} for now). ")
        } else if let Self::MalformedDate { got } = self {
            format!(
                "Date must be in ISO-8601 'basic format'. Got '{got}'. See http://en.wikipedia.org/wiki/ISO_8601"
            )
        } else if let Self::MalformedCredential { got } = self {
            format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, \
                 got '{got}'"
            )
        } else {
            String::new()
        }
    }
}

impl MissingParameters {
    fn text(self, authorization: &str) -> String {
        let lines = [
            (self.credential, "Authorization header requires 'Credential' parameter. "),
            (self.signature, "Authorization header requires 'Signature' parameter. "),
            (self.signed_headers, "Authorization header requires 'SignedHeaders' parameter. "),
            (
                self.date,
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
            ),
        ];
        let mut text: String = lines.iter().filter(|(lacking, _)| *lacking).map(|(_, line)| *line).collect();
        text.push_str("Authorization=");
        text.push_str(authorization);
        text
    }
}

/// `…: T is now earlier than L (N - 5 min.)`. The SDKs parse this text to correct their clock.
fn window_text(
    what: &str,
    relation: &str,
    sign: char,
    signed_at: Timestamp,
    now: Timestamp,
    allowed_s: u32,
) -> String {
    let offset_s = i64::from(allowed_s);
    let limit = now.plus_s(if sign == '-' { -offset_s } else { offset_s });
    let mut text = format!("{what}: {signed_at} is {relation} than {limit} ({now} {sign} ");
    // Writing to a String does not fail.
    let _ = match allowed_s % 60 {
        0 => write!(text, "{} min.)", allowed_s / 60),
        _ => write!(text, "{allowed_s} sec.)"),
    };
    text
}

/// AWS names the header as people write it: `X-Amz-Target`.
fn unsigned_header_text(name: &str) -> String {
    let written = match name {
        "host" => "'Host' or ':authority'".to_owned(),
        _ => {
            let mut after_hyphen = true;
            let title: String = name
                .chars()
                .map(|letter| {
                    let written = if after_hyphen { letter.to_ascii_uppercase() } else { letter };
                    after_hyphen = letter == '-';
                    written
                })
                .collect();
            format!("'{title}'")
        }
    };
    format!("{written} must be a 'SignedHeader' in the AWS Authorization.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_basic(text.as_bytes()).unwrap()
    }

    #[test]
    fn public_texts_are_those_of_aws() {
        let table = [
            (SigV4Error::MissingAuthentication, MISSING, "Missing Authentication Token".to_owned()),
            (
                SigV4Error::NotKeyValue { part: "X".into(), parameters: "X".into() },
                INCOMPLETE,
                "'X' not a valid key=value pair (missing equal-sign) in Authorization header: 'X'."
                    .to_owned(),
            ),
            (
                SigV4Error::IncompleteHeader {
                    missing: MissingParameters {
                        credential: true,
                        signature: true,
                        signed_headers: true,
                        date: true,
                    },
                    authorization: "AWS4-HMAC-SHA256".into(),
                },
                INCOMPLETE,
                "Authorization header requires 'Credential' parameter. \
                 Authorization header requires 'Signature' parameter. \
                 Authorization header requires 'SignedHeaders' parameter. \
                 Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. \
                 Authorization=AWS4-HMAC-SHA256"
                    .to_owned(),
            ),
            (
                SigV4Error::UnknownAccessKey,
                UNRECOGNIZED,
                "The security token included in the request is invalid.".to_owned(),
            ),
            (SigV4Error::SignatureMismatch, INVALID, MISMATCH_TEXT.to_owned()),
            (
                SigV4Error::SessionExpired,
                EXPIRED,
                "The security token included in the request is expired".to_owned(),
            ),
            (
                SigV4Error::Expired {
                    signed_at: at("20260101T000000Z"),
                    now: at("20260101T001000Z"),
                    allowed_s: 300,
                },
                INVALID,
                "Signature expired: 20260101T000000Z is now earlier than 20260101T000500Z \
                 (20260101T001000Z - 5 min.)"
                    .to_owned(),
            ),
            (
                SigV4Error::NotYetCurrent {
                    signed_at: at("20260101T001000Z"),
                    now: at("20260101T000000Z"),
                    allowed_s: 300,
                },
                INVALID,
                "Signature not yet current: 20260101T001000Z is still later than 20260101T000500Z \
                 (20260101T000000Z + 5 min.)"
                    .to_owned(),
            ),
            (
                SigV4Error::UnsignedHeader { name: "x-amz-target".into() },
                INVALID,
                "'X-Amz-Target' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
            ),
            (
                SigV4Error::UnsignedHeader { name: "host".into() },
                INVALID,
                "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.".to_owned(),
            ),
        ];
        for (error, code, message) in table {
            assert_eq!(error.public(), (code, Cow::from(message)), "{error}");
        }
    }
}
