//! Signed calls of the JSON 1.1 protocol, with retries.
//! AWS: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use keyreeve_crypto::random;
use keyreeve_http::{HeaderMap, HeaderName, HeaderValue, Poster, Reply};
use keyreeve_sigv4::{Credential, Request, SignError, Target, sign};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::error::{CallError, Refusal};
use crate::retry::Backoff;
use crate::settings::{Settings, SettingsError};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";
/// Prefix of `X-Amz-Target` (`TrentService` is what AWS called KMS).
const TARGET_PREFIX: &str = "TrentService.";
const SERVICE: &str = "kms";

/// Whoever answers calls of KMS.
pub trait Call {
    /// Asks for one operation and waits for its answer.
    ///
    /// # Errors
    /// [`CallError`]; the operation may have been done nevertheless when nobody answered.
    fn call(&mut self, operation: &'static str, input: &Value) -> Result<Value, CallError>;

    /// Asks for one that must not be done twice: without an answer it is not asked again.
    ///
    /// # Errors
    /// [`CallError`], sooner than [`Call::call`].
    fn call_once(&mut self, operation: &'static str, input: &Value) -> Result<Value, CallError> {
        self.call(operation, input)
    }
}

/// A client of one endpoint, over one connection that is kept open.
pub struct Kms {
    settings: Arc<Settings>,
    poster: Poster,
    runtime: Runtime,
    backoff: Backoff,
}

impl Kms {
    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// When the file of authorities cannot be read, or the system gives no more resources.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        // As in every AWS tool: a file of authorities stands in place of the system's.
        let poster = Poster::believing(settings.endpoint.clone(), settings.ca_bundle.as_deref())?;
        let runtime = runtime().map_err(SettingsError::Runtime)?;
        Ok(Self { settings: Arc::new(settings), poster, runtime, backoff: Backoff::USUAL })
    }

    /// Another client of the same endpoint, for another thread.
    ///
    /// # Errors
    /// When the system gives no more resources.
    pub fn another(&self) -> Result<Self, SettingsError> {
        Ok(Self {
            settings: Arc::clone(&self.settings),
            poster: self.poster.another(),
            runtime: runtime().map_err(SettingsError::Runtime)?,
            backoff: self.backoff,
        })
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    fn attempt(
        &mut self,
        operation: &'static str,
        body: &Bytes,
    ) -> (Result<Value, CallError>, Option<Duration>) {
        // Signed anew for each attempt: a signature lives for five minutes.
        let headers = match signed(&self.settings, operation, body) {
            Ok(headers) => headers,
            Err(error) => return (Err(error.into()), None),
        };
        match self.runtime.block_on(self.poster.post(&headers, body.clone())) {
            Ok(reply) => {
                let asked = reply.retry_after;
                (read(operation, &reply), asked)
            }
            Err(why) => (Err(CallError::Unreachable { why }), None),
        }
    }
}

impl Kms {
    /// Asks until there is an answer, or an error that is not worth another attempt.
    fn persist(
        &mut self,
        operation: &'static str,
        input: &Value,
        again: fn(&CallError) -> bool,
    ) -> Result<Value, CallError> {
        let body = Bytes::from(input.to_string());
        let mut failed = 0;
        loop {
            let (answer, asked) = self.attempt(operation, &body);
            let error = match answer {
                Err(error) if again(&error) => error,
                done => return done,
            };
            failed += 1;
            // Were there no randomness, every client would wait equally long, which is no harm to correctness.
            let draw = random::array().map(u64::from_ne_bytes).unwrap_or_default();
            match self.backoff.pause(failed, draw, asked) {
                Some(pause) => std::thread::sleep(pause),
                None => return Err(error),
            }
        }
    }
}

impl Call for Kms {
    fn call(&mut self, operation: &'static str, input: &Value) -> Result<Value, CallError> {
        self.persist(operation, input, CallError::is_passing)
    }

    fn call_once(&mut self, operation: &'static str, input: &Value) -> Result<Value, CallError> {
        self.persist(operation, input, CallError::is_throttled)
    }
}

impl fmt::Debug for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kms").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn signed(settings: &Settings, operation: &str, body: &[u8]) -> Result<HeaderMap, SignError> {
    let target = format!("{TARGET_PREFIX}{operation}");
    let url = &settings.endpoint;
    let (path, query) = url.path.split_once('?').unwrap_or((&url.path, ""));
    let headers: [(&str, &[u8]); 3] = [
        ("host", url.authority.as_bytes()),
        ("content-type", CONTENT_TYPE.as_bytes()),
        ("x-amz-target", target.as_bytes()),
    ];
    let request = Request { method: "POST", path, query, headers: &headers, body };
    let credentials = &settings.credentials;
    let credential = Credential {
        access_key_id: &credentials.access_key_id,
        secret: &credentials.secret,
        session_token: credentials.session_token.as_ref().map(|token| token.as_str()),
    };
    let scope = Target { region: &settings.region, service: SERVICE };
    let signed = sign(&request, &credential, &scope, epoch_s())?;
    let mut map = HeaderMap::new();
    map.insert("content-type", HeaderValue::from_static(CONTENT_TYPE));
    for (name, value) in
        [("x-amz-target", &target)].into_iter().chain(signed.headers().iter().map(|(n, v)| (*n, v)))
    {
        // Operation, scope and token are printable: sign() has refused everything else in the first two.
        let mut value = HeaderValue::from_str(value).map_err(|_| SignError::MalformedScope)?;
        value.set_sensitive(name != "x-amz-target");
        map.insert(HeaderName::from_static(name), value);
    }
    Ok(map)
}

fn epoch_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn read(operation: &'static str, reply: &Reply) -> Result<Value, CallError> {
    let status = reply.status.as_u16();
    if reply.status.is_success() && reply.body.is_empty() {
        return Ok(Value::Null);
    }
    let parsed = serde_json::from_slice(&reply.body).ok().filter(Value::is_object);
    let Some(answer) = parsed else { return Err(CallError::Foreign { operation, status }) };
    if reply.status.is_success() {
        return Ok(answer);
    }
    let text = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| answer.get(*name)).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    };
    // `com.amazonaws.kms#NotFoundException` in some answers of AWS.
    let code = text(["__type", "code"]);
    let code = code.rsplit('#').next().unwrap_or_default().to_owned();
    Err(CallError::Refused(Refusal { operation, status, code, message: text(["message", "Message"]) }))
}

#[cfg(test)]
mod tests;
