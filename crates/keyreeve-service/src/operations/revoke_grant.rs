//! `RevokeGrant`: does away with a grant, by those whom the key policy lets do so.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::KmsError;

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, GrantId, KeyName};
use crate::operation::{DryRun, Empty, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::required("GrantId", &shapes::GRANT_ID),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct RevokeGrant;

pub(crate) struct Request {
    key: KeyRef,
    id: GrantId,
    dry_run: DryRun,
}

impl Operation for RevokeGrant {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let dry_run = DryRun(input.flag("DryRun"));
        let id = input.required_text("GrantId")?;
        let key = input.required_key_ref("KeyId")?;
        Ok(Request { key, id: GrantId::parse(&id)?, dry_run })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Empty, KmsError> {
        key.revoke(desk, &request.id, request.dry_run).await?;
        Ok(Empty)
    }
}
