//! The operators' door: a Unix socket whose peers the kernel names. `POST /` with `X-Keyreeve-Operation` and a JSON body;
//! each command is a row of the catalogue and walks the corridor like any other.

use std::sync::Arc;

use hyper::{Method, StatusCode};
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_service::Service;
use keyreeve_service::caller::{Caller, Principal};
use keyreeve_service::catalogue::{Api, find};
use uuid::Uuid;

use super::aws_json;
use crate::listener::{Answer, Handler, Incoming, Peer, Refusal};

/// The header that names a command.
pub(crate) const OPERATION_HEADER: &str = "x-keyreeve-operation";
/// The header that names the Region of a command about keys.
pub(crate) const REGION_HEADER: &str = "x-keyreeve-region";

/// What answers operators.
#[derive(Debug)]
pub struct OperatorDoor {
    service: Arc<Service>,
    region: Region,
}

impl OperatorDoor {
    /// A door to this service; commands act in this Region unless they name another.
    pub const fn new(service: Arc<Service>, region: Region) -> Self {
        Self { service, region }
    }

    fn caller(&self, incoming: &Incoming) -> Option<Caller> {
        let Peer::Unix { uid, .. } = incoming.peer else { return None };
        let named = incoming.headers.get(REGION_HEADER).and_then(|value| Region::parse(value.to_str().ok()?));
        let region = named.unwrap_or_else(|| self.region.clone());
        Some(Caller::bare(Principal::Operator(uid), region, incoming.request_id))
    }
}

impl Handler for OperatorDoor {
    async fn handle(&self, incoming: Incoming) -> Answer {
        let operation =
            incoming.headers.get(OPERATION_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(caller) = self.caller(&incoming).filter(|_| incoming.method == Method::POST) else {
            return Answer::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "text/plain",
                "The admin socket answers POST / only.\n",
            );
        };
        let Some(row) = find(Api::Operator, operation) else {
            let error = KmsError::UnknownOperation;
            let refusal = keyreeve_service::RefusedCall {
                api: Api::Operator,
                name: operation,
                code: error.wire().code,
                message: None,
                read_only: false,
            };
            let recorded = self.service.refused(&caller, refusal).await;
            return aws_json::KMS.error(&recorded.err().unwrap_or(error));
        };
        tracing::info!(operation, principal = %caller.principal, request_id = %caller.request_id, "an operator's command");
        aws_json::KMS.answer(self.service.call(&caller, row, &incoming.body).await)
    }

    fn refuse(&self, refusal: Refusal, _: Uuid) -> Answer {
        aws_json::refusal(refusal)
    }
}
