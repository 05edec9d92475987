//! Tokens of OpenID Connect providers: whether one is genuine, meant for this account, and timely.
//! OpenID Connect Core 1.0 §3.1.3.7: <https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Identity;
use super::entity::arn_of;
use super::issuer::{IssuerFault, IssuerSite};
use super::oidc_provider::{OIDC_PROVIDER, OidcProvider, name_of_url};

/// Somebody whom a provider of the account vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifiedIdentity {
    /// ARN of the provider.
    pub(crate) provider: String,
    /// `sub`.
    pub(crate) subject: String,
    /// The client id that the token is meant for.
    pub(crate) audience: String,
    /// `<issuer>:<claim>` and its value; a claim with several values comes as often.
    pub(crate) claims: Vec<(String, String)>,
}

/// Signatures by public keys only: a MAC or none would make the public key a secret.
const ALGORITHMS: &[(Algorithm, KeyAlgorithm)] = &[
    (Algorithm::RS256, KeyAlgorithm::RS256),
    (Algorithm::RS384, KeyAlgorithm::RS384),
    (Algorithm::RS512, KeyAlgorithm::RS512),
    (Algorithm::PS256, KeyAlgorithm::PS256),
    (Algorithm::PS384, KeyAlgorithm::PS384),
    (Algorithm::PS512, KeyAlgorithm::PS512),
    (Algorithm::ES256, KeyAlgorithm::ES256),
    (Algorithm::ES384, KeyAlgorithm::ES384),
    (Algorithm::EdDSA, KeyAlgorithm::EdDSA),
];

/// How far clocks may differ, in seconds.
const LEEWAY_S: i64 = 300;

/// Claims that would give a session tags or a source identity. They are not acted on, and what a provider means to be a
/// restriction must not be lost.
const CLAIMS_NOT_HONOURED: &[&str] =
    &["https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"];

type Claims = Map<String, Value>;

impl Identity {
    /// Verifies a token of a provider that the account trusts.
    ///
    /// # Errors
    /// InvalidIdentityToken, ExpiredTokenException, IDPCommunicationError, IDPRejectedClaim; store errors.
    pub(crate) async fn verify(
        &self,
        account: AccountId,
        token: &str,
        now: Timestamp,
    ) -> Result<VerifiedIdentity, KmsError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| not_a_jwt())?;
        // RFC 7515 §4.1.11: a token is refused that asks to understand what is not.
        if header.crit.is_some() {
            return Err(not_a_jwt());
        }
        let issuer = claimed_issuer(token)?;
        let provider = self.provider_of(account, &issuer).await?.ok_or_else(|| no_provider(&issuer))?;
        let (_, algorithm) = ALGORITHMS
            .iter()
            .find(|(known, _)| *known == header.alg)
            .ok_or_else(|| invalid("The signature algorithm of the token is not supported."))?;
        let site = IssuerSite { url: &issuer, thumbprints: &provider.thumbprints };
        let keys = self.issuer_keys().keys(site, header.kid.as_deref()).await.map_err(|fault| {
            tracing::warn!(issuer, %fault, "the keys of an identity provider are not known");
            communication(&fault)
        })?;
        let key = pick(&keys, &header, *algorithm).ok_or_else(no_key)?;
        let claims = authentic(token, &header, key)?;
        check_times(&claims, now)?;
        let audience = check_audience(&claims, &provider)?;
        describe(account, &provider, audience, &claims)
    }

    /// The provider that an account registered for this issuer.
    async fn provider_of(&self, account: AccountId, issuer: &str) -> Result<Option<OidcProvider>, KmsError> {
        let Some(name) = name_of_url(issuer) else { return Ok(None) };
        let arn = arn_of(account, OIDC_PROVIDER, "/", name);
        Ok(self.oidc_provider(account, &arn).await?.map(|found| found.row))
    }
}

/// Who the token says that issued it; believed only as far as to know whose keys to ask.
fn claimed_issuer(token: &str) -> Result<String, KmsError> {
    #[derive(Deserialize)]
    struct Claimed {
        iss: String,
    }
    let payload = token.split('.').nth(1).ok_or_else(not_a_jwt)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| not_a_jwt())?;
    let claimed: Claimed = serde_json::from_slice(&payload).map_err(|_| missing_claim("iss"))?;
    Ok(claimed.iss)
}

/// The key of the header's id; of a set with one key, that one, where the header names none.
fn pick<'k>(keys: &'k JwkSet, header: &Header, algorithm: KeyAlgorithm) -> Option<&'k Jwk> {
    let signs = |key: &&Jwk| {
        let common = &key.common;
        !matches!(common.public_key_use, Some(PublicKeyUse::Encryption | PublicKeyUse::Other(_)))
            && common.key_algorithm.is_none_or(|declared| declared == algorithm)
    };
    match &header.kid {
        Some(id) => keys.keys.iter().filter(|key| key.common.key_id.as_ref() == Some(id)).find(signs),
        None => match keys.keys.as_slice() {
            [only] => Some(only).filter(signs),
            _ => None,
        },
    }
}

/// The claims, once the signature holds.
fn authentic(token: &str, header: &Header, key: &Jwk) -> Result<Claims, KmsError> {
    let key = DecodingKey::from_jwk(key).map_err(|_| no_key())?;
    let mut validation = Validation::new(header.alg);
    // Times and audience are checked here, by the clock of the service and in AWS's words.
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
    let verified = jsonwebtoken::decode::<Claims>(token, &key, &validation);
    verified.map(|data| data.claims).map_err(|_| invalid("The signature of the token is not valid."))
}

fn check_times(claims: &Claims, now: Timestamp) -> Result<(), KmsError> {
    let now = now.as_seconds();
    let expires = time(claims, "exp")?.ok_or_else(|| missing_claim("exp"))?;
    if now >= expires.saturating_add(LEEWAY_S) {
        return Err(KmsError::Iam(IamError::ExpiredTokenException(format!(
            "Token expired: current date/time {now} must be before the expiration date/time {expires}"
        ))));
    }
    for name in ["nbf", "iat"] {
        if time(claims, name)?.is_some_and(|time| time.saturating_sub(LEEWAY_S) > now) {
            return Err(rejected(&format!("The claim {name} of the token is in the future.")));
        }
    }
    Ok(())
}

/// Seconds since the epoch, of which some providers write a fraction.
fn time(claims: &Claims, name: &str) -> Result<Option<i64>, KmsError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => {
            #[expect(clippy::cast_possible_truncation, reason = "a conversion of floats saturates")]
            let seconds = number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64));
            seconds.map(Some).ok_or_else(|| missing_claim(name))
        }
        Some(Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            Err(missing_claim(name))
        }
    }
}

/// The audience that counts: the authorised party where the token has one, as on AWS, else one of `aud`.
fn check_audience(claims: &Claims, provider: &OidcProvider) -> Result<String, KmsError> {
    let candidates = match claims.get("azp") {
        Some(party) => texts(party),
        None => texts(claims.get("aud").ok_or_else(|| missing_claim("aud"))?),
    };
    let accepted = candidates.into_iter().find(|audience| provider.client_ids.contains(audience));
    accepted.ok_or_else(|| invalid("Incorrect token audience"))
}

/// Every value of a claim that conditions can name: texts, numbers and booleans, alone or in a list.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(flag) => vec![flag.to_string()],
        Value::Array(items) => items.iter().filter(|item| !item.is_array()).flat_map(texts).collect(),
        Value::Null | Value::Object(_) => Vec::new(),
    }
}

fn describe(
    account: AccountId,
    provider: &OidcProvider,
    audience: String,
    claims: &Claims,
) -> Result<VerifiedIdentity, KmsError> {
    // What is verified is what was looked at before, unless a name stood twice.
    if claims.get("iss").and_then(Value::as_str) != Some(&provider.issuer()) {
        return Err(not_a_jwt());
    }
    let name = provider.name.as_str();
    if let Some(claim) = CLAIMS_NOT_HONOURED.iter().find(|claim| claims.contains_key(**claim)) {
        return Err(rejected(&format!("The claim {claim} is not supported.")));
    }
    let subject = claims.get("sub").and_then(Value::as_str).ok_or_else(|| missing_claim("sub"))?;
    let described = claims.iter().filter(|(claim, _)| !matches!(claim.as_str(), "aud" | "oaud"));
    let mut described: Vec<_> = described.flat_map(|(claim, value)| labelled(name, claim, value)).collect();
    // As on AWS, `aud` is the authorised party where there is one, and `oaud` then what the token calls `aud`.
    let aud = claims.get("aud").unwrap_or(&Value::Null);
    match claims.get("azp") {
        Some(party) => {
            described.extend(labelled(name, "aud", party));
            described.extend(labelled(name, "oaud", aud));
        }
        None => described.extend(labelled(name, "aud", aud)),
    }
    Ok(VerifiedIdentity {
        provider: provider.arn(account),
        subject: subject.to_owned(),
        audience,
        claims: described,
    })
}

fn labelled(issuer: &str, claim: &str, value: &Value) -> Vec<(String, String)> {
    texts(value).into_iter().map(|text| (format!("{issuer}:{claim}"), text)).collect()
}

fn invalid(text: &str) -> KmsError {
    KmsError::Iam(IamError::InvalidIdentityToken(text.to_owned()))
}

fn rejected(text: &str) -> KmsError {
    KmsError::Iam(IamError::IdpRejectedClaim(text.to_owned()))
}

fn not_a_jwt() -> KmsError {
    invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
}

fn missing_claim(name: &str) -> KmsError {
    invalid(&format!("Missing a required claim: {name}"))
}

fn no_provider(issuer: &str) -> KmsError {
    invalid(&format!("No OpenIDConnect provider found in your account for {issuer}"))
}

fn no_key() -> KmsError {
    invalid(
        "Couldn't retrieve verification key from your identity provider, please reference \
         AssumeRoleWithWebIdentity documentation for requirements",
    )
}

fn communication(fault: &IssuerFault) -> KmsError {
    match fault {
        IssuerFault::Unreachable(_) => KmsError::Iam(IamError::IdpCommunicationError(
            "The identity provider could not be reached to verify the token.".to_owned(),
        )),
        IssuerFault::Malformed(_) => no_key(),
    }
}

#[cfg(test)]
mod tests;
