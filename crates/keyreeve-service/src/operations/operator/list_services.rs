//! `ListServices`: the registered services and the roles that are them.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct ListServices;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    services: Vec<RegisteredService>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct RegisteredService {
    service_name: String,
    account_id: AccountId,
    role_name: String,
}

impl Operation for ListServices {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(desk: &'a Desk<'a>, (): &'a (), _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let services = desk.service.identity().services().await?.into_iter();
        let services = services.map(|(service_name, record)| RegisteredService {
            service_name,
            account_id: record.account,
            role_name: record.role,
        });
        Ok(Reply { services: services.collect() })
    }
}
