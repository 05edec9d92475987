//! `CreateAccount`: a new account with a root credential, whose secret is shown once.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use serde::Serialize;

use crate::audit::Cause;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::reply::ShownOnce;

static ACCOUNT_NAME: Kind = Kind::Text { min: 1, max: 50, pattern: None };
pub(crate) static INPUT: Structure = Structure { members: &[Member::required("AccountName", &ACCOUNT_NAME)] };

pub(crate) struct CreateAccount;

pub(crate) struct Request {
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    account_id: AccountId,
    access_key_id: String,
    secret_access_key: ShownOnce,
}

impl Operation for CreateAccount {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request { name: input.required_text("AccountName")? })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        // A taken id is a conflict: the corridor starts again and draws another.
        let random: [u8; 8] = keyreeve_crypto::random::array().map_err(|_| KmsError::Internal)?;
        let account_id = AccountId::from_number(u64::from_be_bytes(random));
        let key = desk
            .service
            .identity()
            .add_account(account_id, request.name.clone(), desk.now, Cause::Request(desk))
            .await?;
        Ok(Reply { account_id, access_key_id: key.id, secret_access_key: ShownOnce(key.secret) })
    }
}
