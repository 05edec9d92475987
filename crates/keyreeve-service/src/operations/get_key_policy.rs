//! `GetKeyPolicy`: the key policy, as it was put; principals that are gone stand as their unique ids.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::policy_name;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, KeyName};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("PolicyName", &shapes::POLICY_NAME),
    ],
};

pub(crate) struct GetKeyPolicy;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    policy: String,
    policy_name: &'static str,
}

impl Operation for GetKeyPolicy {
    type Request = KeyRef;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<KeyRef, KmsError> {
        policy_name::check(input)?;
        input.required_key_ref("KeyId")
    }

    fn names(key: &KeyRef) -> KeyName {
        KeyName::Ref(key.clone())
    }

    async fn run<'a>(desk: &'a Desk<'a>, _: &'a KeyRef, key: AuthorizedKey<Self>) -> Result<Reply, KmsError> {
        let record = key.record();
        let policy = desk.service.identity().shown(&record.policy, &record.policy_pins).await?;
        Ok(Reply { policy, policy_name: policy_name::DEFAULT })
    }
}
