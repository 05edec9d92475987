//! `UnregisterService`: no role is the service any more; its sessions are sessions of a role like any other.

use keyreeve_model::error::KmsError;

use crate::audit::Cause;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure =
    Structure { members: &[Member::required("ServiceName", &super::SERVICE_NAME)] };

pub(crate) struct UnregisterService;

impl Operation for UnregisterService {
    type Request = String;
    type Proof = AuthorizedCall<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("ServiceName")
    }

    fn names(_: &String) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        service: &'a String,
        _: AuthorizedCall<Self>,
    ) -> Result<Empty, KmsError> {
        desk.service.identity().unregister_service(service, Cause::Request(desk)).await?;
        Ok(Empty)
    }
}
