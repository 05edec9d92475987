//! The AWS door: one port for every AWS API, told apart by how a request says its operation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use hyper::header::{CONTENT_TYPE, ORIGIN};
use hyper::{Method, StatusCode};
use keyreeve_model::error::{Blame, KmsError};
use keyreeve_service::Service;
use keyreeve_service::caller::Caller;
use keyreeve_service::catalogue::{Api, CATALOGUE, Effect, Row, find};
use uuid::Uuid;

use super::authenticate::{Authenticator, SignedFor, Unauthenticated};
use super::aws_query::{Dialect, Form};
use super::strangers::{Failure, Strangers, claimed_access_key_id};
use super::{aws_json, aws_query, outcome};
use crate::listener::{Answer, Handler, Incoming, Refusal};
use crate::observe::{Metrics, OperationMetrics, Outcome};

/// What answers AWS clients.
#[derive(Debug)]
pub struct AwsDoor {
    service: Arc<Service>,
    authenticator: Authenticator,
    operations: HashMap<&'static str, OperationMetrics>,
    /// Requests that named no operation, or no known caller.
    unidentified: OperationMetrics,
    /// Who hears of the latter.
    strangers: Arc<Strangers>,
}

/// How a request says what it asks for.
enum Asked<'a> {
    /// `X-Amz-Target: TrentService.Encrypt`, `X-Amz-Target: CloudTrail_20131101.LookupEvents`.
    Json(&'a str),
    /// `Action=GetCallerIdentity&Version=2011-06-15` in a form.
    Query,
    /// Neither.
    Nothing,
}

impl AwsDoor {
    /// A door to this service.
    pub fn new(
        service: Arc<Service>,
        authenticator: Authenticator,
        metrics: &Metrics,
        strangers: Arc<Strangers>,
    ) -> Self {
        let aws = CATALOGUE.iter().filter(|row| row.api != Api::Operator);
        let operations = aws.map(|row| (row.name, metrics.operation(row.name))).collect();
        Self { service, authenticator, operations, unidentified: metrics.operation("none"), strangers }
    }

    async fn json(&self, incoming: &Incoming, target: &str) -> Answer {
        let dialect = aws_json::dialect_of(target);
        let error = |cause: &KmsError| dialect.error(cause);
        let caller = match self.authenticator.caller(&self.service, incoming, dialect.signed_for).await {
            Ok(caller) => caller,
            Err(refused) => return self.unauthenticated(incoming, refused, aws_json::fault, error),
        };
        match dialect.operation(target).and_then(|name| find(dialect.api, name)) {
            Some(row) => dialect.answer(self.call(&caller, row, &incoming.body).await),
            None => {
                let refusal = KmsError::UnknownOperation;
                let name = dialect.operation(target).unwrap_or_default();
                match self.refused(&caller, dialect.api, name, refusal.wire().code).await {
                    Ok(()) => self.not_identified(error(&refusal)),
                    Err(cause) => error(&cause),
                }
            }
        }
    }

    async fn query(&self, incoming: &Incoming) -> Answer {
        let id = incoming.request_id;
        let form = match Form::parse(&incoming.body) {
            Ok(form) => form,
            Err(fault) => return self.not_identified(aws_query::malformed(&fault, id)),
        };
        let dialect = form.get("Version").and_then(Dialect::of_version);
        let row = dialect.zip(form.get("Action")).and_then(|(dialect, name)| find(dialect.api, name));
        let caller = match row {
            Some(row) if !row.signed => self.authenticator.unsigned_caller(&self.service, incoming),
            Some(_) | None => {
                let signed_for = dialect.map_or(SignedFor::QUERY, |dialect| dialect.signed_for);
                self.authenticator.caller(&self.service, incoming, signed_for).await
            }
        };
        let caller = match caller {
            Ok(caller) => caller,
            Err(refused) => {
                return self.unauthenticated(
                    incoming,
                    refused,
                    |code, message| aws_query::signature(dialect, code, message, id),
                    |error| aws_query::error(dialect, error, id),
                );
            }
        };
        let (name, code, answer) = match row.map(|row| (row, aws_query::to_json(&form, row.input))) {
            Some((row, Ok(input))) => {
                return aws_query::answer(dialect, row, self.call(&caller, row, &input).await, id);
            }
            Some((row, Err(fault))) => (row.name, "MalformedInput", aws_query::malformed(&fault, id)),
            None => {
                let name = form.get("Action").unwrap_or_default();
                (name, "InvalidAction", aws_query::unknown_action(&form, id))
            }
        };
        let api = dialect.map_or(Api::Sts, |dialect| dialect.api);
        match self.refused(&caller, api, name, code).await {
            Ok(()) => self.not_identified(answer),
            Err(cause) => aws_query::error(dialect, &cause, id),
        }
    }

    /// Records what is refused here although its caller is known.
    async fn refused(&self, caller: &Caller, api: Api, name: &str, code: &str) -> Result<(), KmsError> {
        let read_only = find(api, name).is_some_and(|row| row.effect != Effect::Changes);
        let refusal = keyreeve_service::RefusedCall { api, name, code, message: None, read_only };
        self.service.refused(caller, refusal).await
    }

    async fn call(&self, caller: &Caller, row: &'static Row, body: &[u8]) -> Result<Vec<u8>, KmsError> {
        let begun = Instant::now();
        let result = match row.signed {
            true => self.service.call(caller, row, body).await,
            false => self.call_of_stranger(caller, row, body).await,
        };
        if let Some(operation) = self.operations.get(row.name) {
            operation.count(outcome::of(&result), begun.elapsed());
        }
        if let Err(error) = &result {
            tracing::debug!(operation = row.name, request_id = %caller.request_id, %error, "refused");
        }
        result
    }

    /// A call that proves who asks by its members, if at all. In each second a few refusals have records of their own,
    /// and the others are summed up.
    async fn call_of_stranger(
        &self,
        caller: &Caller,
        row: &'static Row,
        body: &[u8],
    ) -> Result<Vec<u8>, KmsError> {
        let now = self.service.clock().now();
        if self.strangers.are_recorded(body.len(), now) {
            return self.service.call(caller, row, body).await;
        }
        let result = self.service.call_of_stranger(caller, row, body).await;
        if let Some(wire) =
            result.as_ref().err().map(KmsError::wire).filter(|wire| wire.blame == Blame::Client)
        {
            let failure =
                Failure { source: caller.connection.source_ip, access_key_id: None, code: wire.code };
            self.strangers.note(&failure, now);
        }
        result
    }

    fn unauthenticated(
        &self,
        incoming: &Incoming,
        refused: Unauthenticated,
        fault: impl FnOnce(&'static str, &str) -> Answer,
        error: impl FnOnce(&KmsError) -> Answer,
    ) -> Answer {
        self.unidentified.count(Outcome::Denied, std::time::Duration::ZERO);
        match refused {
            Unauthenticated::Signature(refusal) => {
                tracing::debug!(%refusal, "a request is not authentic");
                let (code, message) = refusal.public();
                self.tell_of(incoming, code);
                fault(code, &message)
            }
            Unauthenticated::Service(cause) => {
                // A store that does not answer says nothing about the caller.
                if cause.wire().blame == Blame::Client {
                    self.tell_of(incoming, cause.wire().code);
                }
                error(&cause)
            }
        }
    }

    fn tell_of(&self, incoming: &Incoming, code: &'static str) {
        let failure = Failure {
            source: self.authenticator.source(incoming),
            access_key_id: claimed_access_key_id(incoming),
            code,
        };
        self.strangers.note(&failure, self.service.clock().now());
    }

    fn not_identified(&self, answer: Answer) -> Answer {
        self.unidentified.count(Outcome::Rejected, std::time::Duration::ZERO);
        answer
    }
}

fn asked(incoming: &Incoming) -> Asked<'_> {
    if let Some(target) = incoming.headers.get("x-amz-target") {
        return Asked::Json(target.to_str().unwrap_or_default());
    }
    let form = incoming
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(aws_query::CONTENT_TYPE.as_bytes()));
    if form { Asked::Query } else { Asked::Nothing }
}

impl Handler for AwsDoor {
    async fn handle(&self, incoming: Incoming) -> Answer {
        // No browser speaks this protocol: a page that tries to is refused before anything is looked at.
        if incoming.headers.contains_key(ORIGIN) {
            return self.not_identified(Answer::new(
                StatusCode::FORBIDDEN,
                "text/plain",
                "Keyreeve does not answer browsers.\n",
            ));
        }
        let root = incoming.target.path() == "/";
        if incoming.method != Method::POST || !root {
            let message = "This is Keyreeve, a key management service. Point an AWS client at it: POST / is all it answers.\n";
            let status = if root { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NOT_FOUND };
            return self.not_identified(Answer::new(status, "text/plain", message));
        }
        match asked(&incoming) {
            Asked::Json(target) => self.json(&incoming, target).await,
            Asked::Query => self.query(&incoming).await,
            Asked::Nothing => self.json(&incoming, "").await,
        }
    }

    fn refuse(&self, refusal: Refusal, _: Uuid) -> Answer {
        aws_json::refusal(refusal)
    }
}

#[cfg(test)]
mod tests;
