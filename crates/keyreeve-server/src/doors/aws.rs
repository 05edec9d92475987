//! The AWS door: one port for every AWS API, told apart by how a request says its operation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use hyper::header::{CONTENT_TYPE, ORIGIN};
use hyper::{Method, StatusCode};
use keyreeve_model::error::KmsError;
use keyreeve_service::Service;
use keyreeve_service::caller::Caller;
use keyreeve_service::catalogue::{Api, CATALOGUE, Row, find};
use uuid::Uuid;

use super::authenticate::{Authenticator, SignedFor, Unauthenticated};
use super::aws_query::{Dialect, Form};
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
}

/// How a request says what it asks for.
enum Asked<'a> {
    /// `X-Amz-Target: TrentService.Encrypt`.
    Json(&'a str),
    /// `Action=GetCallerIdentity&Version=2011-06-15` in a form.
    Query,
    /// Neither.
    Nothing,
}

impl AwsDoor {
    /// A door to this service.
    pub fn new(service: Arc<Service>, authenticator: Authenticator, metrics: &Metrics) -> Self {
        let aws = CATALOGUE.iter().filter(|row| row.api != Api::Operator);
        let operations = aws.map(|row| (row.name, metrics.operation(row.name))).collect();
        Self { service, authenticator, operations, unidentified: metrics.operation("none") }
    }

    async fn json(&self, incoming: &Incoming, target: &str) -> Answer {
        let caller = match self.authenticator.caller(&self.service, incoming, SignedFor::KMS).await {
            Ok(caller) => caller,
            Err(refused) => return self.unauthenticated(refused, aws_json::fault, aws_json::error),
        };
        match target.strip_prefix(aws_json::TARGET_PREFIX).and_then(|name| find(Api::Kms, name)) {
            Some(row) => aws_json::answer(self.call(&caller, row, &incoming.body).await),
            None => self.not_identified(aws_json::error(&KmsError::UnknownOperation)),
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
            Some(row) if !row.signed => self.authenticator.unsigned_caller(incoming),
            Some(_) | None => {
                let signed_for = dialect.map_or(SignedFor::QUERY, |dialect| dialect.signed_for);
                self.authenticator.caller(&self.service, incoming, signed_for).await
            }
        };
        let caller = match caller {
            Ok(caller) => caller,
            Err(refused) => {
                return self.unauthenticated(
                    refused,
                    |code, message| aws_query::signature(dialect, code, message, id),
                    |error| aws_query::error(dialect, error, id),
                );
            }
        };
        let Some(row) = row else { return self.not_identified(aws_query::unknown_action(&form, id)) };
        match aws_query::to_json(&form, row.input) {
            Ok(input) => aws_query::answer(dialect, row, self.call(&caller, row, &input).await, id),
            Err(fault) => self.not_identified(aws_query::malformed(&fault, id)),
        }
    }

    async fn call(&self, caller: &Caller, row: &'static Row, body: &[u8]) -> Result<Vec<u8>, KmsError> {
        let begun = Instant::now();
        let result = self.service.call(caller, row, body).await;
        if let Some(operation) = self.operations.get(row.name) {
            operation.count(outcome::of(&result), begun.elapsed());
        }
        if let Err(error) = &result {
            tracing::debug!(operation = row.name, request_id = %caller.request_id, %error, "refused");
        }
        result
    }

    fn unauthenticated(
        &self,
        refused: Unauthenticated,
        fault: impl FnOnce(&'static str, &str) -> Answer,
        error: impl FnOnce(&KmsError) -> Answer,
    ) -> Answer {
        self.unidentified.count(Outcome::Denied, std::time::Duration::ZERO);
        match refused {
            Unauthenticated::Signature(refusal) => {
                tracing::debug!(%refusal, "a request is not authentic");
                let (code, message) = refusal.public();
                fault(code, &message)
            }
            Unauthenticated::Service(cause) => error(&cause),
        }
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
