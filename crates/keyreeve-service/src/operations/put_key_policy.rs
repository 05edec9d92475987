//! `PutKeyPolicy`: replaces the key policy.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;

use super::policy_name;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, CheckedPolicy, KeyName};
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("PolicyName", &shapes::POLICY_NAME),
        Member::required("Policy", &shapes::POLICY),
        Member::optional("BypassPolicyLockoutSafetyCheck", &shapes::BOOLEAN),
    ],
};

pub(crate) struct PutKeyPolicy;

pub(crate) struct Request {
    key: KeyRef,
    policy: String,
    bypass_lockout_check: bool,
}

impl Operation for PutKeyPolicy {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        policy_name::check(input)?;
        Ok(Request {
            key: input.required_key_ref("KeyId")?,
            policy: input.required_text("Policy")?,
            bypass_lockout_check: input.flag("BypassPolicyLockoutSafetyCheck"),
        })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Empty, KmsError> {
        let policy =
            CheckedPolicy::check(desk, key.arn(), &request.policy, request.bypass_lockout_check).await?;
        let mut record = key.record().clone();
        (record.policy, record.policy_pins) = (policy.text, policy.pins);
        key.replace(desk, &record).await?;
        Ok(Empty)
    }
}
