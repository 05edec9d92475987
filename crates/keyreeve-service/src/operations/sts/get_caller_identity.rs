//! `GetCallerIdentity`: who the caller is; needs no permission.
//! AWS: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct GetCallerIdentity;

/// In the order in which AWS answers.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    arn: String,
    user_id: String,
    account: AccountId,
}

impl Operation for GetCallerIdentity {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(desk: &'a Desk<'a>, (): &'a (), _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let account = desk.caller.account();
        Ok(Reply {
            arn: desk.caller.principal.to_string(),
            user_id: desk.caller.principal.user_id().into_owned(),
            account,
        })
    }
}
