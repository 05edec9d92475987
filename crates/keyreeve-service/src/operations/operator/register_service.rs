//! `RegisterService`: the sessions of a role act as a service from now on, and may speak for others.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;

use crate::audit::Cause;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::{Empty, Operation};
use crate::operations::iam::shapes::ROLE_NAME;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("ServiceName", &super::SERVICE_NAME),
        Member::required("AccountId", &super::ACCOUNT_ID),
        Member::required("RoleName", &ROLE_NAME),
    ],
};

pub(crate) struct RegisterService;

pub(crate) struct Request {
    service: String,
    account: AccountId,
    role: String,
}

impl Operation for RegisterService {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request {
            service: input.required_text("ServiceName")?,
            account: super::account_id(input)?,
            role: input.required_text("RoleName")?,
        })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedCall<Self>,
    ) -> Result<Empty, KmsError> {
        let Request { service, account, role } = request;
        desk.service.identity().register_service(service, *account, role, Cause::Request(desk)).await?;
        Ok(Empty)
    }
}
