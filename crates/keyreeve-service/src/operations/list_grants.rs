//! `ListGrants`: the grants on a key, in the order of their ids.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::{Invalid, KmsError};

use super::grant_entry::{GrantEntry, GrantsReply};
use super::paging::{self, PageEnd, Paging};
use crate::caller::Principal;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, GrantFilter, GrantId, GrantPrincipal, KeyName};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("Limit", &shapes::LIMIT),
        Member::optional("Marker", &shapes::MARKER),
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("GrantId", &shapes::GRANT_ID),
        Member::optional("GranteePrincipal", &shapes::PRINCIPAL_ID),
        Member::optional("GranteeServicePrincipal", &shapes::SERVICE_PRINCIPAL),
    ],
};

pub(crate) struct ListGrants;

pub(crate) struct Request {
    key: KeyRef,
    filter: GrantFilter,
    paging: Paging,
}

impl Operation for ListGrants {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = GrantsReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        let paging = Paging::parse(input, &paging::SMALL)?;
        let grantee =
            GrantPrincipal::one_of(input.text("GranteePrincipal"), input.text("GranteeServicePrincipal"));
        let grantee = grantee.map_err(|_| KmsError::Invalid(Invalid::GranteeFilter))?;
        let by_service = grantee.as_ref().is_some_and(GrantPrincipal::is_service);
        if by_service && !matches!(desk.caller.principal, Principal::Service(_)) {
            return Err(KmsError::Invalid(Invalid::ServiceFilter));
        }
        let id = input.text("GrantId").map(|text| GrantId::parse(&text)).transpose()?;
        let filter = GrantFilter { id, grantee };
        Ok(Request { paging, filter, key: input.required_key_ref("KeyId")? })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<GrantsReply, KmsError> {
        let Request { filter, paging, .. } = request;
        let listed = key.list_grants(desk, filter, paging.limit, paging.marker.as_deref()).await?;
        let grants = listed.items.into_iter().map(|grant| GrantEntry::new(key.arn(), grant));
        Ok(GrantsReply { grants: grants.collect(), end: PageEnd::new(listed.next_marker) })
    }
}
