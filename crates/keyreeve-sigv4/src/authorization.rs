//! The two forms of a signature, an `Authorization` header or a presigned query, read into one shape.
//! Sources: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html>

use std::borrow::Cow;

use crate::ALGORITHM;
use crate::error::{MissingParameters, SigV4Error};
use crate::headers::{SignedHeaders, Single, Survey, same_name};
use crate::query;
use crate::request::Request;
use crate::scope::{Presigned, ScopedCredential};
use crate::timestamp::Timestamp;

/// Where the signature was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In the `Authorization` header.
    Header,
    /// In the query, with a lifetime of its own.
    Query {
        /// `X-Amz-Expires`, in seconds.
        expires_s: u32,
    },
}

/// The longest lifetime of a presigned request: seven days.
pub(crate) const EXPIRES_S_MAX: u32 = 604_800;
/// The query parameter that holds the signature, and so cannot be signed.
pub(crate) const SIGNATURE_PARAMETER: &str = "X-Amz-Signature";

/// What the client claims; nothing of it is proved.
pub(crate) struct Authorization<'r> {
    pub(crate) form: Form,
    pub(crate) credential: ScopedCredential<'r>,
    pub(crate) signed_headers: SignedHeaders<'r>,
    pub(crate) signature: [u8; 32],
    pub(crate) signed_at: Timestamp,
    pub(crate) session_token: Option<Cow<'r, str>>,
}

impl<'r> Authorization<'r> {
    pub(crate) fn parse(
        request: &Request<'r>,
        survey: &Survey<'r>,
        presigned: Presigned,
    ) -> Result<Self, SigV4Error> {
        let query = QueryParameters::of(request.query)?;
        match (survey.text(Single::Authorization)?, query.sign_the_request()) {
            (Some(_), true) => Err(SigV4Error::TwoAuthentications),
            (Some(header), false) => Self::from_header(header, request, survey),
            (None, true) if presigned == Presigned::Refused => Err(SigV4Error::PresignedRefused),
            (None, true) => Self::from_query(query, survey),
            (None, false) => Err(SigV4Error::MissingAuthentication),
        }
    }

    fn from_header(header: &'r str, request: &Request<'r>, survey: &Survey<'r>) -> Result<Self, SigV4Error> {
        let parameters = HeaderParameters::parse(header)?;
        let date = signing_date(request, survey)?;
        let missing = parameters.missing(date.is_none());
        let (Some(credential), Some(signed_headers), Some(signature), Some(date)) =
            (parameters.credential, parameters.signed_headers, parameters.signature, date)
        else {
            return Err(SigV4Error::IncompleteHeader { missing, authorization: header.into() });
        };
        Ok(Self {
            form: Form::Header,
            signed_at: date.parse()?,
            signed_headers: SignedHeaders::parse(signed_headers.into())?,
            credential: ScopedCredential::parse(credential.into())?,
            signature: decode_signature(signature)?,
            session_token: survey.text(Single::AmzSecurityToken)?.map(Cow::Borrowed),
        })
    }

    fn from_query(mut query: QueryParameters<'r>, survey: &Survey<'r>) -> Result<Self, SigV4Error> {
        let algorithm = query.required(Parameter::Algorithm)?;
        if algorithm != ALGORITHM {
            return Err(SigV4Error::UnsupportedAlgorithm { algorithm: (*algorithm).into() });
        }
        let session_token = query.take(Parameter::SecurityToken);
        if session_token.is_some() && survey.value(Single::AmzSecurityToken).is_some() {
            return Err(SigV4Error::TwoAuthentications);
        }
        let credential = query.required(Parameter::Credential)?;
        let date = query.required(Parameter::Date)?;
        let expires_s = query.required(Parameter::Expires)?;
        let signed_headers = query.required(Parameter::SignedHeaders)?;
        let signature = query.required(Parameter::Signature)?;
        Ok(Self {
            form: Form::Query { expires_s: parse_expires(&expires_s)? },
            signed_at: SigningDate::Basic(&date).parse()?,
            signed_headers: SignedHeaders::parse(signed_headers)?,
            credential: ScopedCredential::parse(credential)?,
            signature: decode_signature(&signature)?,
            session_token: session_token.or(survey.text(Single::AmzSecurityToken)?.map(Cow::Borrowed)),
        })
    }
}

/// `Credential=…, SignedHeaders=…, Signature=…`, in any order, spaces around the commas or not.
#[derive(Default)]
struct HeaderParameters<'r> {
    credential: Option<&'r str>,
    signed_headers: Option<&'r str>,
    signature: Option<&'r str>,
}

impl<'r> HeaderParameters<'r> {
    fn parse(header: &'r str) -> Result<Self, SigV4Error> {
        // No early exit, so that the compiler vectorises it.
        let printable = header.bytes().fold(true, |so_far, byte| so_far & (b' '..=b'~').contains(&byte));
        if !printable {
            return Err(SigV4Error::MalformedHeader { name: "authorization".into() });
        }
        let (algorithm, parameters) = header.split_once(' ').unwrap_or((header, ""));
        if !algorithm.starts_with("AWS4-") {
            return Err(SigV4Error::MissingAuthentication);
        }
        if algorithm != ALGORITHM {
            return Err(SigV4Error::UnsupportedAlgorithm { algorithm: algorithm.into() });
        }
        let mut parsed = Self::default();
        for part in parameters.split(',').map(str::trim_ascii).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(SigV4Error::NotKeyValue {
                    part: part.into(),
                    parameters: parameters.trim_ascii().into(),
                });
            };
            // As AWS does, a parameter of another name is passed over.
            let (name, slot) = match name {
                "Credential" => ("Credential", &mut parsed.credential),
                "SignedHeaders" => ("SignedHeaders", &mut parsed.signed_headers),
                "Signature" => ("Signature", &mut parsed.signature),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(SigV4Error::RepeatedParameter { name });
            }
        }
        Ok(parsed)
    }

    fn missing(&self, date: bool) -> MissingParameters {
        MissingParameters {
            credential: self.credential.is_none(),
            signature: self.signature.is_none(),
            signed_headers: self.signed_headers.is_none(),
            date,
        }
    }
}

/// The date of the signature as written, and the forms allowed there.
enum SigningDate<'d> {
    /// `X-Amz-Date`.
    Basic(&'d str),
    /// `Date`, used only when there is no `X-Amz-Date`.
    BasicOrHttp(&'d str),
}

impl SigningDate<'_> {
    fn parse(&self) -> Result<Timestamp, SigV4Error> {
        let (parsed, text) = match self {
            Self::Basic(text) => (Timestamp::parse_basic(text.as_bytes()), text),
            Self::BasicOrHttp(text) => {
                (Timestamp::parse_basic(text.as_bytes()).or_else(|| Timestamp::parse_http_date(text)), text)
            }
        };
        // A date is short: what is longer is not repeated to the caller in full.
        parsed.ok_or_else(|| SigV4Error::MalformedDate {
            got: text.chars().take(64).collect::<String>().into(),
        })
    }
}

fn signing_date<'r>(
    request: &Request<'r>,
    survey: &Survey<'r>,
) -> Result<Option<SigningDate<'r>>, SigV4Error> {
    if let Some(date) = survey.text(Single::AmzDate)? {
        return Ok(Some(SigningDate::Basic(date)));
    }
    let mut dates = request.headers.iter().filter(|(name, _)| same_name(name, b"date"));
    let Some((_, date)) = dates.next() else { return Ok(None) };
    if dates.next().is_some() {
        return Err(SigV4Error::RepeatedHeader { name: "date" });
    }
    match std::str::from_utf8(date) {
        Ok(date) => Ok(Some(SigningDate::BasicOrHttp(date.trim_ascii()))),
        Err(_) => Err(SigV4Error::MalformedHeader { name: "date".into() }),
    }
}

#[derive(Clone, Copy)]
enum Parameter {
    Algorithm,
    Credential,
    Date,
    Expires,
    SignedHeaders,
    Signature,
    SecurityToken,
}

/// The names of the query form, in the order of [`Parameter`].
const PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    SIGNATURE_PARAMETER,
    "X-Amz-Security-Token",
];

struct QueryParameters<'r> {
    found: [Option<Cow<'r, str>>; PARAMETERS.len()],
}

impl<'r> QueryParameters<'r> {
    fn of(query: &'r str) -> Result<Self, SigV4Error> {
        let mut found = [const { None }; PARAMETERS.len()];
        for (name, value) in query::pairs(query) {
            let known = PARAMETERS.iter().zip(found.iter_mut()).find(|(known, _)| *known.as_bytes() == *name);
            let Some((name, slot)) = known else { continue };
            let text = match value {
                Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
                Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
            };
            let Some(text) = text else { return Err(SigV4Error::MalformedHeader { name: (*name).into() }) };
            if slot.replace(text).is_some() {
                return Err(SigV4Error::RepeatedParameter { name });
            }
        }
        Ok(Self { found })
    }

    /// A date or a token alone signs nothing and is left to the service.
    fn sign_the_request(&self) -> bool {
        [Parameter::Algorithm, Parameter::Credential, Parameter::Signature]
            .iter()
            .any(|parameter| self.found.get(*parameter as usize).is_some_and(Option::is_some))
    }

    fn take(&mut self, parameter: Parameter) -> Option<Cow<'r, str>> {
        self.found.get_mut(parameter as usize).and_then(Option::take)
    }

    fn required(&mut self, parameter: Parameter) -> Result<Cow<'r, str>, SigV4Error> {
        let name = PARAMETERS.get(parameter as usize).copied().unwrap_or_default();
        self.take(parameter).ok_or(SigV4Error::IncompleteQuery { name })
    }
}

fn parse_expires(text: &str) -> Result<u32, SigV4Error> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(seconds) if digits && (1..=EXPIRES_S_MAX).contains(&seconds) => Ok(seconds),
        Ok(_) | Err(_) => Err(SigV4Error::MalformedExpires),
    }
}

/// Exactly 64 lower-case hexadecimal digits: one signature has one spelling.
fn decode_signature(text: &str) -> Result<[u8; 32], SigV4Error> {
    let mut signature = [0; 32];
    let lower_case = text.bytes().fold(true, |so_far, byte| so_far & !byte.is_ascii_uppercase());
    match hex::decode_to_slice(text, &mut signature) {
        Ok(()) if lower_case => Ok(signature),
        Ok(()) | Err(_) => Err(SigV4Error::MalformedSignature),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_has_one_spelling() {
        let good = "0123456789abcdef".repeat(4);
        assert!(decode_signature(&good).is_ok());
        for bad in [good.to_uppercase(), good[1..].to_owned(), format!("{good}0"), format!(" {}", &good[1..])]
        {
            assert_eq!(decode_signature(&bad), Err(SigV4Error::MalformedSignature), "{bad}");
        }
        assert!(decode_signature("").is_err());
    }

    #[test]
    fn expires_is_one_second_to_seven_days() {
        for (text, seconds) in [
            ("1", Some(1)),
            ("604800", Some(604_800)),
            ("0", None),
            ("604801", None),
            ("", None),
            ("+5", None),
        ] {
            assert_eq!(parse_expires(text).ok(), seconds, "{text}");
        }
    }

    #[test]
    fn header_parameters_come_in_any_order_and_spacing_but_once() {
        for header in [
            "AWS4-HMAC-SHA256 Credential=c, SignedHeaders=h, Signature=s",
            "AWS4-HMAC-SHA256 Signature=s,Credential=c,SignedHeaders=h",
            "AWS4-HMAC-SHA256  Credential=c ,  Other=o , SignedHeaders=h, Signature=s,",
        ] {
            let parsed = HeaderParameters::parse(header).unwrap();
            assert_eq!(
                (parsed.credential, parsed.signed_headers, parsed.signature),
                (Some("c"), Some("h"), Some("s")),
                "{header}"
            );
        }
        let twice = HeaderParameters::parse("AWS4-HMAC-SHA256 Credential=c, Credential=c");
        assert_eq!(twice.err(), Some(SigV4Error::RepeatedParameter { name: "Credential" }));
    }

    #[test]
    fn other_schemes_are_not_signatures_and_other_algorithms_are_named() {
        for scheme in ["Basic dXNlcjpwdw==", "Bearer x", "aws4-hmac-sha256 Credential=c", ""] {
            assert_eq!(
                HeaderParameters::parse(scheme).err(),
                Some(SigV4Error::MissingAuthentication),
                "{scheme}"
            );
        }
        let algorithm = "AWS4-ECDSA-P256-SHA256".into();
        assert_eq!(
            HeaderParameters::parse("AWS4-ECDSA-P256-SHA256 Credential=c").err(),
            Some(SigV4Error::UnsupportedAlgorithm { algorithm })
        );
    }

    #[test]
    fn the_table_of_parameters_follows_the_enum() {
        assert_eq!(PARAMETERS[Parameter::Algorithm as usize], "X-Amz-Algorithm");
        assert_eq!(PARAMETERS[Parameter::Signature as usize], "X-Amz-Signature");
        assert_eq!(PARAMETERS[Parameter::SecurityToken as usize], "X-Amz-Security-Token");
    }
}
