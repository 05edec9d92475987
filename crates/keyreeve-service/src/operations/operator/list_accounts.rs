//! `ListAccounts`: every account of the deployment.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct ListAccounts;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    accounts: Vec<Account>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    account_id: AccountId,
    account_name: String,
    creation_date: Epoch,
}

impl Operation for ListAccounts {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(desk: &'a Desk<'a>, (): &'a (), _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let accounts = desk.service.identity().accounts().await?.into_iter().map(|(account_id, record)| {
            Account { account_id, account_name: record.name, creation_date: Epoch(record.created) }
        });
        Ok(Reply { accounts: accounts.collect() })
    }
}
