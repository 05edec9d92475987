//! `GetAccessKeyInfo`: the account of a long-term access key. An id of temporary credentials names no row and is unknown.
//! AWS: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use serde::Serialize;

use super::shapes;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;

pub(crate) static INPUT: Structure =
    Structure { members: &[Member::required("AccessKeyId", &shapes::ACCESS_KEY_ID)] };

pub(crate) struct GetAccessKeyInfo;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    account: AccountId,
}

impl Operation for GetAccessKeyInfo {
    type Request = String;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("AccessKeyId")
    }

    fn names(_: &String) {}

    async fn run<'a>(desk: &'a Desk<'a>, id: &'a String, _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let credential = desk.service.identity().credential(id).await?;
        let unknown = || IamError::ValidationError(format!("The access key {id} is not known."));
        let credential = credential.ok_or_else(|| KmsError::Iam(unknown()))?;
        Ok(Reply { account: credential.owner.account() })
    }
}
