//! `RetireGrant`: does away with a grant that is no longer needed, by those whom the grant lets do so.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html>

use keyreeve_model::error::{Invalid, KmsError};

use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedRetirement, GrantId, GrantName};
use crate::operation::{DryRun, Empty, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("GrantToken", &shapes::GRANT_TOKEN),
        Member::optional("KeyId", &shapes::KEY_ID),
        Member::optional("GrantId", &shapes::GRANT_ID),
        Member::optional("DryRun", &shapes::BOOLEAN),
    ],
};

pub(crate) struct RetireGrant;

pub(crate) struct Request {
    grant: GrantName,
    dry_run: DryRun,
}

impl Operation for RetireGrant {
    type Request = Request;
    type Proof = AuthorizedRetirement<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        let dry_run = DryRun(input.flag("DryRun"));
        let (token, id) = (input.text("GrantToken"), input.text("GrantId"));
        let grant = match (token, input.key_ref("KeyId")?, id) {
            (Some(token), None, None) => desk.service.keys.open_grant_token(&token)?,
            (None, Some(key), Some(id)) => GrantName { key, id: GrantId::parse(&id)?, by_token: false },
            (Some(_) | None, _, _) => return Err(KmsError::Invalid(Invalid::RetiredGrant)),
        };
        Ok(Request { grant, dry_run })
    }

    fn names(request: &Request) -> GrantName {
        request.grant.clone()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        retirement: AuthorizedRetirement<Self>,
    ) -> Result<Empty, KmsError> {
        request.dry_run.before_effect()?;
        retirement.retire(desk).await?;
        Ok(Empty)
    }
}
