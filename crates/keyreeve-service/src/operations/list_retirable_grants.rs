//! `ListRetirableGrants`: the grants that a principal of the caller's account may retire, on keys of whatever account.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html>

use keyreeve_model::error::{Invalid, KmsError};

use super::grant_entry::{GrantEntry, GrantsReply};
use super::paging::{self, PageEnd, Paging};
use crate::caller::Principal;
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedRetirer, GrantPrincipal};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("Limit", &shapes::LIMIT),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("RetiringPrincipal", &shapes::PRINCIPAL_ID),
        Member::optional("RetiringServicePrincipal", &shapes::SERVICE_PRINCIPAL),
    ],
};

pub(crate) struct ListRetirableGrants;

pub(crate) struct Request {
    retirer: GrantPrincipal,
    paging: Paging,
}

impl Operation for ListRetirableGrants {
    type Request = Request;
    type Proof = AuthorizedRetirer<Self>;
    type Reply = GrantsReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        let paging = Paging::parse(input, &paging::SMALL)?;
        let retirer =
            GrantPrincipal::one_of(input.text("RetiringPrincipal"), input.text("RetiringServicePrincipal"));
        let retirer = retirer.ok().flatten().ok_or(KmsError::Invalid(Invalid::RetirerFilter))?;
        if retirer.is_service() && !is_caller(desk, retirer.as_str()) {
            return Err(KmsError::Invalid(Invalid::ServiceFilter));
        }
        Ok(Request { retirer, paging })
    }

    fn names(request: &Request) -> GrantPrincipal {
        request.retirer.clone()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        retirer: AuthorizedRetirer<Self>,
    ) -> Result<GrantsReply, KmsError> {
        let listed = retirer.list(desk, request.paging.limit, request.paging.marker.as_deref()).await?;
        let grants = listed.items.into_iter().map(|(key, grant)| GrantEntry::new(&key, grant));
        Ok(GrantsReply { grants: grants.collect(), end: PageEnd::new(listed.next_marker) })
    }
}

/// Only a service may ask by a service's name, and only by one of its own.
fn is_caller(desk: &Desk<'_>, service: &str) -> bool {
    matches!(&desk.caller.principal, Principal::Service(caller) if caller.is_called(service))
}
