//! Credentials of a role, asked of an STS server with the configured ones and kept until shortly before they expire.
//! AWS: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::clock::Clock;
use keyreeve_sigv4::{Credential, SecretAccessKey, Target, sign};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::credentials::{Credentials, CredentialsSource};
use super::exchange::{Exchange, between};
use crate::http_client::Url;

/// How the session of the role is called in the audit trail of whoever has it.
const SESSION: &str = "keyreeve-audit";
/// Credentials that expire sooner are replaced.
const LEFT_SECONDS: i64 = 300;
const FORM: &str = "application/x-www-form-urlencoded";

/// A role to be assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSource {
    /// Its ARN.
    pub arn: String,
    /// The STS server.
    pub sts: Url,
}

/// Who signs: as configured, or as the role.
#[derive(Debug)]
pub(super) struct Signer {
    own: CredentialsSource,
    role: Option<RoleSource>,
    region: String,
    clock: Arc<dyn Clock>,
    assumed: Mutex<Option<Assumed>>,
}

#[derive(Debug)]
struct Assumed {
    credentials: Arc<Credentials>,
    expires: Timestamp,
}

impl Signer {
    pub(super) fn new(
        own: CredentialsSource,
        role: Option<RoleSource>,
        region: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { own, role, region, clock, assumed: Mutex::default() }
    }

    /// Credentials for a request that is made now.
    ///
    /// # Errors
    /// A sentence for the log.
    pub(super) async fn credentials(&self, exchange: &Exchange) -> Result<Arc<Credentials>, String> {
        let Some(role) = &self.role else { return self.own.read().map(Arc::new) };
        let mut assumed = self.assumed.lock().await;
        let soon = self.clock.now().plus_seconds(LEFT_SECONDS);
        if let Some(kept) = assumed.as_ref().filter(|kept| kept.expires > soon) {
            return Ok(Arc::clone(&kept.credentials));
        }
        let fresh = self.assume(role, exchange).await?;
        let credentials = Arc::clone(&fresh.credentials);
        *assumed = Some(fresh);
        Ok(credentials)
    }

    async fn assume(&self, role: &RoleSource, exchange: &Exchange) -> Result<Assumed, String> {
        let arn = utf8_percent_encode(&role.arn, NON_ALPHANUMERIC);
        let body = format!("Action=AssumeRole&Version=2011-06-15&RoleArn={arn}&RoleSessionName={SESSION}");
        let own = self.own.read()?;
        let headers: [(&str, &[u8]); 2] =
            [("host", role.sts.authority.as_bytes()), ("content-type", FORM.as_bytes())];
        let asked = keyreeve_sigv4::Request {
            method: "POST",
            path: &role.sts.path,
            query: "",
            headers: &headers,
            body: body.as_bytes(),
        };
        let signed = self.sign("sts", &own, &asked)?;
        let mut request =
            Request::post(&role.sts.path).header(HOST, &role.sts.authority).header(CONTENT_TYPE, FORM);
        for (name, value) in signed {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| error.to_string())?;
        let (status, answer) = exchange.send(&role.sts, request).await?;
        let answer = Zeroizing::new(String::from_utf8_lossy(&answer).into_owned());
        if !status.is_success() {
            let code = between(&answer, "<Code>", "</Code>").unwrap_or("no code");
            return Err(format!("{}: the role is not given: status {} ({code})", role.sts, status.as_u16()));
        }
        assumed(&answer).ok_or_else(|| format!("{}: the answer holds no credentials", role.sts))
    }

    /// The headers that sign a request.
    ///
    /// # Errors
    /// A sentence for the log.
    pub(super) fn sign(
        &self,
        service: &str,
        credentials: &Credentials,
        request: &keyreeve_sigv4::Request<'_>,
    ) -> Result<Vec<(&'static str, String)>, String> {
        let credential = Credential {
            access_key_id: &credentials.access_key_id,
            secret: &credentials.secret,
            session_token: credentials.session_token.as_ref().map(|token| token.as_str()),
        };
        let target = Target { region: &self.region, service };
        let signed = sign(request, &credential, &target, self.clock.now().as_seconds());
        signed.map(|signed| signed.headers().to_vec()).map_err(|error| error.to_string())
    }
}

fn assumed(answer: &str) -> Option<Assumed> {
    let element = |name: &str| between(answer, &format!("<{name}>"), &format!("</{name}>"));
    let credentials = Credentials {
        access_key_id: element("AccessKeyId")?.to_owned(),
        secret: SecretAccessKey::new(element("SecretAccessKey")?.as_bytes()).ok()?,
        session_token: Some(Zeroizing::new(element("SessionToken")?.to_owned())),
    };
    let expires = Timestamp::parse_iso_8601(element("Expiration")?)?;
    Some(Assumed { credentials: Arc::new(credentials), expires })
}

#[cfg(test)]
mod tests;
