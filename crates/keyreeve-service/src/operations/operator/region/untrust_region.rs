//! `UntrustRegion`: another Region is nobody any more, also on connections that are open.

use keyreeve_model::error::KmsError;

use super::{REGION, refused, region};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::{Empty, Operation};

pub(crate) static INPUT: Structure = Structure { members: &[Member::required("Region", &REGION)] };

pub(crate) struct UntrustRegion;

impl Operation for UntrustRegion {
    type Request = String;
    type Proof = AuthorizedCall<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("Region")
    }

    fn names(_: &String) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a String,
        _: AuthorizedCall<Self>,
    ) -> Result<Empty, KmsError> {
        let region = region(name)?;
        if desk.service.regions().untrust(&region, Cause::Request(desk)).await? {
            Ok(Empty)
        } else {
            Err(refused(format!("the Region {region} was not trusted")))
        }
    }
}
