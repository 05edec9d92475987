//! Verification in two steps: [`Unverified::parse`] needs no secret, [`Verifier::verify`] needs one.

use std::borrow::Cow;
use std::fmt;
use std::hint;
use std::sync::Arc;

use aws_lc_rs::constant_time;

use crate::authorization::{Authorization, Form, SIGNATURE_PARAMETER};
use crate::canonical::{self, HexSha256, Parts, PathStyle};
use crate::error::SigV4Error;
use crate::headers::{SignedHeaders, Single, Survey, check_cover};
use crate::request::Request;
use crate::scope::Expectations;
use crate::secret::SecretAccessKey;
use crate::signing_key::{KeyScope, SigningKey, SigningKeyCache};
use crate::timestamp::Timestamp;

/// How far the time of a signature may be from now, both ways, in seconds: AWS KMS's five minutes.
pub const WINDOW_S: u32 = 300;

/// The widest window that can be configured, in seconds; some AWS services have fifteen minutes.
pub const WINDOW_S_MAX: u32 = 900;

/// A request whose form, time and scope are in order, and whose signature has yet to be checked.
pub struct Unverified<'r> {
    access_key_id: Cow<'r, str>,
    region: Cow<'r, str>,
    service: Cow<'r, str>,
    session_token: Option<Cow<'r, str>>,
    signed_headers: SignedHeaders<'r>,
    signed_at: Timestamp,
    form: Form,
    signature: [u8; 32],
    string_to_sign: Vec<u8>,
}

impl<'r> Unverified<'r> {
    /// Reads the signature of a request and makes every check that needs no secret. `now_epoch_s` is the time of
    /// the server in seconds since 1970.
    ///
    /// # Errors
    /// Any [`SigV4Error`] except `UnknownAccessKey`, `SignatureMismatch` and `SessionExpired`.
    pub fn parse(
        request: &Request<'r>,
        expected: &Expectations<'_>,
        now_epoch_s: i64,
    ) -> Result<Self, SigV4Error> {
        request.check_form()?;
        let survey = Survey::of(request.headers)?;
        let claim = Authorization::parse(request, &survey, expected.presigned)?;
        check_window(&claim, expected.window_s(), now_epoch_s)?;
        claim.signed_headers.check_host()?;
        claim.credential.check(expected, claim.signed_at)?;
        let payload_hash = canonical::sha256_hex(request.body);
        check_payload_hash(survey.value(Single::AmzContentSha256), &payload_hash)?;
        let string_to_sign = string_to_sign(request, &claim, &payload_hash)?;
        let Authorization { form, credential, signature, signed_at, session_token, signed_headers } = claim;
        Ok(Self {
            access_key_id: credential.access_key_id,
            region: credential.region,
            service: credential.service,
            session_token,
            signed_headers,
            signed_at,
            form,
            signature,
            string_to_sign,
        })
    }

    /// The access key id whose secret [`Verifier::verify`] needs. Only a claim so far.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The session token, from header or query. Only a claim so far, but signed if the signature holds.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.session_token.as_deref()
    }

    /// The Region of the credential scope.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The service of the credential scope.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }
}

/// Neither token nor signature is printed.
impl fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unverified")
            .field("access_key_id", &self.access_key_id)
            .field("region", &self.region)
            .field("service", &self.service)
            .field("signed_at", &self.signed_at)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

fn check_window(claim: &Authorization<'_>, window_s: u32, now_epoch_s: i64) -> Result<(), SigV4Error> {
    let signed_at = claim.signed_at;
    let lifetime_s = match claim.form {
        Form::Header => window_s,
        Form::Query { expires_s } => expires_s,
    };
    let age_s = now_epoch_s.saturating_sub(signed_at.epoch_s());
    if age_s > i64::from(lifetime_s) {
        let now = Timestamp::from_epoch_s(now_epoch_s);
        return Err(SigV4Error::Expired { signed_at, now, allowed_s: lifetime_s });
    }
    if age_s < -i64::from(window_s) {
        let now = Timestamp::from_epoch_s(now_epoch_s);
        return Err(SigV4Error::NotYetCurrent { signed_at, now, allowed_s: window_s });
    }
    Ok(())
}

/// The header is a claim about the body: it is held against the body, never used in its place.
fn check_payload_hash(claimed: Option<&[u8]>, actual: &HexSha256) -> Result<(), SigV4Error> {
    match claimed.map(<[u8]>::trim_ascii) {
        None => Ok(()),
        Some(claimed) if claimed == actual => Ok(()),
        Some(b"UNSIGNED-PAYLOAD") => Err(SigV4Error::PayloadUnsigned),
        Some(claimed) if claimed.starts_with(b"STREAMING-") => Err(SigV4Error::PayloadStreaming),
        Some(_) => Err(SigV4Error::PayloadHashMismatch),
    }
}

/// One buffer holds first the canonical request, then the string to sign.
fn string_to_sign(
    request: &Request<'_>,
    claim: &Authorization<'_>,
    payload_hash: &HexSha256,
) -> Result<Vec<u8>, SigV4Error> {
    let headers_bytes: usize = request.headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    let mut buffer = Vec::with_capacity(256 + request.path.len() + request.query.len() + headers_bytes);
    let parts = Parts {
        method: request.method,
        path: request.path,
        path_style: PathStyle::of_service(&claim.credential.service),
        query: request.query,
        query_skipped: match claim.form {
            Form::Header => None,
            Form::Query { .. } => Some(SIGNATURE_PARAMETER),
        },
        headers: request.headers,
        signed_headers: claim.signed_headers.as_str(),
        payload_hash,
    };
    let covered = canonical::write_request(&mut buffer, &parts)?;
    check_cover(request.headers, covered)?;
    let request_hash = canonical::sha256_hex(&buffer);
    buffer.clear();
    let credential = &claim.credential;
    canonical::write_string_to_sign(
        &mut buffer,
        claim.signed_at,
        &credential.region,
        &credential.service,
        &request_hash,
    );
    Ok(buffer)
}

/// Checks signatures; keeps signing keys. One for a whole server: it is shared between threads by reference.
pub struct Verifier {
    keys: SigningKeyCache,
    decoy: SecretAccessKey,
}

impl Verifier {
    /// A verifier that keeps about `keys_max` signing keys: one for each access key, day, Region and service.
    #[must_use]
    pub fn new(keys_max: usize) -> Self {
        Self { keys: SigningKeyCache::new(keys_max), decoy: SecretAccessKey::decoy() }
    }

    /// Checks the signature under the secret of [`Unverified::access_key_id`], or `None` when there is no such key
    /// or its session token is not ours.
    ///
    /// INVARIANT (equal work): every refusal costs one key derivation and one signature, whether the access key is
    /// unknown, known, or known and cached, so that its time does not tell which access keys exist. Only a correct
    /// signature, which its sender knew beforehand to be of a real key, may be faster.
    ///
    /// # Errors
    /// [`SigV4Error::UnknownAccessKey`] for `None`, else [`SigV4Error::SignatureMismatch`];
    /// [`SigV4Error::CryptographyFailed`] if AWS-LC fails.
    pub fn verify<'r>(
        &self,
        request: Unverified<'r>,
        secret: Option<&SecretAccessKey>,
    ) -> Result<Verified<'r>, SigV4Error> {
        let scope = KeyScope {
            access_key_id: &request.access_key_id,
            epoch_day: request.signed_at.epoch_day(),
            region: &request.region,
            service: &request.service,
        };
        let secret_or_decoy = secret.unwrap_or(&self.decoy);
        let derive = || {
            SigningKey::derive(secret_or_decoy, request.signed_at, scope.region, scope.service)
                .map_err(|_| SigV4Error::CryptographyFailed)
        };
        let (key, kept) = match self.keys.get(&scope, secret_or_decoy) {
            Some(key) => (key, true),
            None => (Arc::new(derive()?), false),
        };
        let signature = key.sign(&request.string_to_sign).map_err(|_| SigV4Error::CryptographyFailed)?;
        let matches = constant_time::verify_slices_are_equal(&*signature, &request.signature).is_ok();
        match (matches, secret, kept) {
            (true, Some(_), true) => return Ok(Verified { request }),
            (true, Some(_), false) => {
                self.keys.insert(scope, key);
                return Ok(Verified { request });
            }
            (true, None, _) | (false, _, false) => {}
            (false, _, true) => drop(hint::black_box(derive()?)),
        }
        Err(if secret.is_some() { SigV4Error::SignatureMismatch } else { SigV4Error::UnknownAccessKey })
    }

    /// Drops the signing keys of a credential that was changed, deactivated or deleted. Safety does not rest on
    /// it: a kept key is used only together with the very secret that it was derived from.
    pub fn forget(&self, access_key_id: &str) {
        self.keys.forget(access_key_id);
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// Proof that the owner of the secret signed this request: only [`Verifier::verify`] makes one.
#[derive(Debug)]
pub struct Verified<'r> {
    request: Unverified<'r>,
}

impl Verified<'_> {
    /// The access key id that signed.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.request.access_key_id
    }

    /// The session token that was signed with the request.
    #[must_use]
    pub fn session_token(&self) -> Option<&str> {
        self.request.session_token()
    }

    /// Whether the signature covers the header of this lower-case name.
    #[must_use]
    pub fn signs(&self, header: &str) -> bool {
        self.request.signed_headers.contains(header)
    }

    /// The Region for which the request was signed.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.request.region
    }

    /// The service for which the request was signed.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.request.service
    }

    /// When the client signed, by its own clock.
    #[must_use]
    pub fn signed_at(&self) -> Timestamp {
        self.request.signed_at
    }

    /// Where the signature was.
    #[must_use]
    pub fn form(&self) -> Form {
        self.request.form
    }

    /// The signature: with the access key id it identifies this very request, for a replay cache.
    #[must_use]
    pub fn signature(&self) -> &[u8; 32] {
        &self.request.signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::{Credential, Target, sign};
    use crate::signing_key::work;

    /// 2015-08-30T12:36:00Z
    const NOW: i64 = 1_440_938_160;
    const HEADERS: [(&str, &[u8]); 2] = [("host", b"kms.local"), ("x-amz-target", b"TrentService.ListKeys")];
    const TARGET: Target<'static> = Target { region: "eu-west-1", service: "kms" };
    /// Four HMACs of the key chain and the signature itself.
    const FULL_WORK: u32 = 5;

    fn secret(text: &str) -> SecretAccessKey {
        SecretAccessKey::new(text.as_bytes()).unwrap()
    }

    /// Signs with `signer` and answers what the verifier says of it, and how many HMACs it took to say so.
    fn verdict(
        verifier: &Verifier,
        signer: &SecretAccessKey,
        known: Option<&SecretAccessKey>,
    ) -> (Result<(), SigV4Error>, u32) {
        let request = Request { method: "POST", path: "/", query: "", headers: &HEADERS, body: b"{}" };
        let credential = Credential { access_key_id: "AKIDEXAMPLE", secret: signer, session_token: None };
        let signed = sign(&request, &credential, &TARGET, NOW).unwrap();
        let mut headers = HEADERS.to_vec();
        headers.extend(signed.headers().iter().map(|(name, value)| (*name, value.as_bytes())));
        let request = Request { headers: &headers, ..request };
        let expected = Expectations::new(&["kms"], &|region| region == "eu-west-1");
        let unverified = Unverified::parse(&request, &expected, NOW).unwrap();
        work::macs_of(|| verifier.verify(unverified, known).map(|_| ()))
    }

    #[test]
    fn every_refusal_does_the_same_work_whether_the_key_is_unknown_known_or_kept() {
        let (ours, other) = (secret("ours"), secret("other"));
        let verifier = Verifier::new(8);
        let unknown = (Err(SigV4Error::UnknownAccessKey), FULL_WORK);
        let mismatch = (Err(SigV4Error::SignatureMismatch), FULL_WORK);
        assert_eq!(verdict(&verifier, &other, None), unknown);
        assert_eq!(verdict(&verifier, &other, Some(&ours)), mismatch);
        assert_eq!(verdict(&verifier, &ours, Some(&ours)), (Ok(()), FULL_WORK));
        // From here the signing key is kept, and a refusal must not become cheaper.
        assert_eq!(verdict(&verifier, &other, Some(&ours)), mismatch);
        assert_eq!(verdict(&verifier, &other, None), unknown);
        // Deleted since: the right signature of yesterday is refused in the same way.
        assert_eq!(verdict(&verifier, &ours, None), unknown);
    }

    #[test]
    fn a_kept_key_saves_the_chain_until_it_is_forgotten_or_the_secret_changes() {
        let (old, new) = (secret("old"), secret("new"));
        let verifier = Verifier::new(8);
        assert_eq!(verdict(&verifier, &old, Some(&old)), (Ok(()), FULL_WORK));
        assert_eq!(verdict(&verifier, &old, Some(&old)), (Ok(()), 1));
        verifier.forget("AKIDEXAMPLE");
        assert_eq!(verdict(&verifier, &old, Some(&old)), (Ok(()), FULL_WORK));
        assert_eq!(verdict(&verifier, &old, Some(&new)), (Err(SigV4Error::SignatureMismatch), FULL_WORK));
        assert_eq!(verdict(&verifier, &new, Some(&new)), (Ok(()), FULL_WORK));
        assert_eq!(verdict(&verifier, &new, Some(&new)), (Ok(()), 1));
    }

    #[test]
    fn refused_requests_leave_nothing_in_the_cache() {
        let (ours, other) = (secret("ours"), secret("other"));
        let verifier = Verifier::new(8);
        verdict(&verifier, &other, Some(&ours)).0.unwrap_err();
        verdict(&verifier, &other, None).0.unwrap_err();
        assert_eq!(verifier.keys.len(), 0);
    }

    #[test]
    fn a_verified_request_tells_which_headers_its_signature_covers() {
        let ours = secret("ours");
        let request = Request { method: "POST", path: "/", query: "", headers: &HEADERS, body: b"" };
        let credential = Credential { access_key_id: "AKIDEXAMPLE", secret: &ours, session_token: None };
        let signed = sign(&request, &credential, &TARGET, NOW).unwrap();
        let mut headers = HEADERS.to_vec();
        headers.extend(signed.headers().iter().map(|(name, value)| (*name, value.as_bytes())));
        headers.push(("x-later", b"added on the way"));
        let request = Request { headers: &headers, ..request };
        let expected = Expectations::new(&["kms"], &|region| region == "eu-west-1");
        let unverified = Unverified::parse(&request, &expected, NOW).unwrap();
        let verified = Verifier::new(8).verify(unverified, Some(&ours)).unwrap();
        for (name, covered) in
            [("host", true), ("x-amz-target", true), ("x-later", false), ("x-absent", false), ("hos", false)]
        {
            assert_eq!(verified.signs(name), covered, "{name}");
        }
    }

    #[test]
    fn knowing_the_decoy_opens_nothing() {
        let refused = verdict(&Verifier::new(8), &SecretAccessKey::decoy(), None);
        assert_eq!(refused, (Err(SigV4Error::UnknownAccessKey), FULL_WORK));
    }
}
