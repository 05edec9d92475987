//! `BackupStatus`: how far the newest backup is.

use keyreeve_model::error::KmsError;

use crate::backups::BackupProgress;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct BackupStatus;

impl Operation for BackupStatus {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = BackupProgress;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        (): &'a (),
        _: AuthorizedCall<Self>,
    ) -> Result<BackupProgress, KmsError> {
        Ok(desk.service.backups().progress())
    }
}
