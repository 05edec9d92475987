//! `SetAccount`: the guard that limits everybody of an account, and the organisation that it belongs to.

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use keyreeve_policy::policy::{Grammar, Policy};

use crate::audit::Cause;
use crate::desk::Desk;
use crate::input::shape::{Kind, Member, Pattern, Structure};
use crate::input::{Input, shapes};
use crate::key_access::AuthorizedCall;
use crate::operation::{Empty, Operation};

static ORGANIZATION: Kind = Kind::Text { min: 0, max: 34, pattern: Some(&ORGANIZATION_ID) };
static ORGANIZATION_ID: Pattern = Pattern {
    expression: r"(o-[a-z0-9]{10,32})?",
    matches: |text| {
        text.is_empty()
            || text.strip_prefix("o-").is_some_and(|id| {
                (10..=32).contains(&id.len())
                    && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            })
    },
};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("AccountId", &super::ACCOUNT_ID),
        Member::optional("Guard", &shapes::POLICY),
        Member::optional("RemoveGuard", &shapes::BOOLEAN),
        Member::optional("OrganizationId", &ORGANIZATION),
    ],
};

pub(crate) struct SetAccount;

pub(crate) struct Request {
    account: AccountId,
    guard: Option<Option<String>>,
    /// The empty one removes it.
    organization: Option<String>,
}

impl Operation for SetAccount {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let guard = match (input.text("Guard"), input.flag("RemoveGuard")) {
            (Some(text), _) => {
                Policy::parse(&text, Grammar::Identity)
                    .map_err(|fault| KmsError::Iam(IamError::MalformedPolicyDocument(fault.to_string())))?;
                Some(Some(text))
            }
            (None, true) => Some(None),
            (None, false) => None,
        };
        Ok(Request { account: super::account_id(input)?, guard, organization: input.text("OrganizationId") })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedCall<Self>,
    ) -> Result<Empty, KmsError> {
        let identity = desk.service.identity();
        let before = identity.account(request.account).await?;
        identity
            .change_account(request.account, before, desk.now, Cause::Request(desk), |account| {
                if let Some(guard) = &request.guard {
                    account.guard.clone_from(guard);
                }
                if let Some(organization) = &request.organization {
                    account.organization = Some(organization.clone()).filter(|id| !id.is_empty());
                }
            })
            .await?;
        Ok(Empty)
    }
}
