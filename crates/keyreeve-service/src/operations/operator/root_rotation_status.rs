//! `RootRotationStatus`: how far the rotation of the root key is.

use keyreeve_model::error::KmsError;

use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::rotation::RotationStatus;

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct RootRotationStatus;

impl Operation for RootRotationStatus {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = RotationStatus;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        (): &'a (),
        _: AuthorizedCall<Self>,
    ) -> Result<RotationStatus, KmsError> {
        Ok(desk.service.rotation()?.status())
    }
}
