//! `ListOperatorKeys`: the registered operator keys.

use keyreeve_model::error::KmsError;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct ListOperatorKeys;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    operator_keys: Vec<Registered>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Registered {
    name: String,
    fingerprint: String,
    registration_date: Epoch,
}

impl Operation for ListOperatorKeys {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(desk: &'a Desk<'a>, (): &'a (), _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let keys = desk.service.regions().operator_keys().await?.into_iter();
        let operator_keys = keys.map(|key| Registered {
            fingerprint: key.fingerprint(),
            name: key.name,
            registration_date: Epoch(key.registered),
        });
        Ok(Reply { operator_keys: operator_keys.collect() })
    }
}
