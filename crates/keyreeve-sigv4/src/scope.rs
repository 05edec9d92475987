//! The credential scope: `<access key id>/<day>/<Region>/<service>/aws4_request`, and what a server expects of it.

use std::borrow::Cow;
use std::fmt;

use crate::TERMINATOR;
use crate::error::SigV4Error;
use crate::timestamp::Timestamp;
use crate::verify::{WINDOW_S, WINDOW_S_MAX};

/// What the server accepts. Each door makes its own.
#[derive(Clone, Copy)]
pub struct Expectations<'e> {
    /// The services for which a signature may be scoped, e.g. `&["kms"]`. The first is named in the refusal.
    pub services: &'e [&'e str],
    /// Whether this server answers for a Region. A server of every Region accepts any well-formed name here and
    /// reads it from [`crate::Verified::region`].
    pub region: &'e dyn Fn(&str) -> bool,
    /// How far the time of the signature may be from now, both ways, in seconds; more than
    /// [`WINDOW_S_MAX`] counts as that.
    pub window_s: u32,
    /// Whether the query form is accepted.
    pub presigned: Presigned,
}

/// Whether signatures in the query are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presigned {
    /// Accepted, until their own `X-Amz-Expires`.
    Accepted,
    /// Answered as if the request were not signed.
    Refused,
}

impl<'e> Expectations<'e> {
    /// AWS's window of five minutes, no presigned requests.
    #[must_use]
    pub fn new(services: &'e [&'e str], region: &'e dyn Fn(&str) -> bool) -> Self {
        Self { services, region, window_s: WINDOW_S, presigned: Presigned::Refused }
    }

    pub(crate) fn window_s(&self) -> u32 {
        self.window_s.min(WINDOW_S_MAX)
    }
}

impl fmt::Debug for Expectations<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expectations")
            .field("services", &self.services)
            .field("window_s", &self.window_s)
            .field("presigned", &self.presigned)
            .finish_non_exhaustive()
    }
}

/// Which parts of a credential scope do not fit; at least one is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeMismatch {
    /// The Region is not one of this server.
    pub region: bool,
    /// The service is another; this one was expected.
    pub service_expected: Option<Box<str>>,
    /// The last element is this instead of `aws4_request`.
    pub terminator: Option<Box<str>>,
    /// The day of the scope, which differs from the day of the signature.
    pub day: Option<(Box<str>, Timestamp)>,
}

/// AWS's public text: one sentence a mismatch, one after the other.
impl fmt::Display for ScopeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.region {
            f.write_str("Credential should be scoped to a valid region. ")?;
        }
        if let Some(service) = &self.service_expected {
            write!(f, "Credential should be scoped to correct service: '{service}'. ")?;
        }
        if let Some(terminator) = &self.terminator {
            write!(
                f,
                "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'. "
            )?;
        }
        if let Some((day, signed_at)) = &self.day {
            let expected = String::from_utf8_lossy(&signed_at.day()).into_owned();
            write!(
                f,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '{day}' != '{expected}', from '{signed_at}'."
            )?;
        }
        Ok(())
    }
}

/// A credential as the client wrote it, taken apart.
pub(crate) struct ScopedCredential<'r> {
    pub(crate) access_key_id: Cow<'r, str>,
    day: Cow<'r, str>,
    pub(crate) region: Cow<'r, str>,
    pub(crate) service: Cow<'r, str>,
    terminator: Cow<'r, str>,
}

/// An access key id has at most 128 characters; Regions and services far fewer.
const CREDENTIAL_BYTES_MAX: usize = 384;

impl<'r> ScopedCredential<'r> {
    pub(crate) fn parse(credential: Cow<'r, str>) -> Result<Self, SigV4Error> {
        let printable =
            credential.len() <= CREDENTIAL_BYTES_MAX && credential.bytes().all(|b| b.is_ascii_graphic());
        let elements = match &credential {
            _ if !printable => None,
            Cow::Borrowed(text) => five_elements(text).map(|five| five.map(Cow::Borrowed)),
            Cow::Owned(text) => {
                five_elements(text).map(|five| five.map(|element| Cow::Owned(element.to_owned())))
            }
        };
        match elements {
            Some([access_key_id, day, region, service, terminator]) if !access_key_id.is_empty() => {
                Ok(Self { access_key_id, day, region, service, terminator })
            }
            Some(_) | None => {
                let got = credential.chars().take(CREDENTIAL_BYTES_MAX).collect::<String>().into();
                Err(SigV4Error::MalformedCredential { got })
            }
        }
    }

    /// Holds the scope against what the server expects and the day of the signature.
    pub(crate) fn check(&self, expected: &Expectations<'_>, signed_at: Timestamp) -> Result<(), SigV4Error> {
        let service_fits = expected.services.contains(&&*self.service);
        let mismatch = ScopeMismatch {
            region: !(expected.region)(&self.region),
            service_expected: (!service_fits)
                .then(|| expected.services.first().copied().unwrap_or_default().into()),
            terminator: (self.terminator != TERMINATOR).then(|| (*self.terminator).into()),
            day: (self.day.as_bytes() != signed_at.day()).then(|| ((*self.day).into(), signed_at)),
        };
        if mismatch == ScopeMismatch::default() { Ok(()) } else { Err(SigV4Error::OutOfScope(mismatch)) }
    }
}

fn five_elements(credential: &str) -> Option<[&str; 5]> {
    let mut rest = credential.split('/');
    let five = [rest.next()?, rest.next()?, rest.next()?, rest.next()?, rest.next()?];
    rest.next().is_none().then_some(five)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(credential: &str) -> Option<SigV4Error> {
        let ours = |region: &str| region == "eu-west-1";
        let expected = Expectations::new(&["kms", "sts"], &ours);
        let signed_at = Timestamp::parse_basic(b"20150830T123600Z").unwrap();
        ScopedCredential::parse(Cow::Borrowed(credential))
            .and_then(|parsed| parsed.check(&expected, signed_at))
            .err()
    }

    #[test]
    fn each_mismatch_has_its_sentence_and_they_are_joined() {
        let table = [
            ("A/20150830/us-east-1/kms/aws4_request", "Credential should be scoped to a valid region. "),
            (
                "A/20150830/eu-west-1/s3/aws4_request",
                "Credential should be scoped to correct service: 'kms'. ",
            ),
            (
                "A/20150830/us-east-1/s3/aws4_request",
                "Credential should be scoped to a valid region. \
                 Credential should be scoped to correct service: 'kms'. ",
            ),
            (
                "A/20150830/eu-west-1/kms/x",
                "Credential should be scoped with a valid terminator: 'aws4_request', not 'x'. ",
            ),
            (
                "A/20150829/eu-west-1/kms/aws4_request",
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                 '20150829' != '20150830', from '20150830T123600Z'.",
            ),
        ];
        for (credential, text) in table {
            let (code, message) = refusal(credential).unwrap().public();
            assert_eq!((code, &*message), ("InvalidSignatureException", text));
        }
    }

    #[test]
    fn any_allowed_service_fits() {
        for service in ["kms", "sts"] {
            assert_eq!(refusal(&format!("A/20150830/eu-west-1/{service}/aws4_request")), None);
        }
    }

    #[test]
    fn a_credential_has_exactly_five_printable_elements() {
        for credential in [
            "",
            "A",
            "A/20150830/eu-west-1/kms",
            "A/20150830/eu-west-1/kms/aws4_request/",
            "/20150830/eu-west-1/kms/aws4_request",
            "A b/20150830/eu-west-1/kms/aws4_request",
            "A\n/20150830/eu-west-1/kms/aws4_request",
        ] {
            let refused = matches!(refusal(credential), Some(SigV4Error::MalformedCredential { .. }));
            assert!(refused, "{credential}");
        }
        assert!(refusal(&format!("{}/20150830/eu-west-1/kms/aws4_request", "A".repeat(400))).is_some());
    }
}
