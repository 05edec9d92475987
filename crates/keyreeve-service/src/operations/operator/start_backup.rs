//! `StartBackup`: a consistent, sealed copy of the deployment in one file, written while serving.

use std::path::PathBuf;

use keyreeve_model::error::KmsError;

use crate::backups::BackupProgress;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;

static PATH: Kind = Kind::Text { min: 1, max: 4096, pattern: None };
pub(crate) static INPUT: Structure = Structure { members: &[Member::required("Path", &PATH)] };

pub(crate) struct StartBackup;

pub(crate) struct Request {
    path: PathBuf,
}

impl Operation for StartBackup {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = BackupProgress;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let path = PathBuf::from(input.required_text("Path")?);
        // Relative to the server's folder it would surprise whoever asks.
        if !path.is_absolute() {
            return Err(KmsError::Refused(format!("{} is not an absolute path", path.display())));
        }
        Ok(Request { path })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedCall<Self>,
    ) -> Result<BackupProgress, KmsError> {
        desk.service.backups().begin(desk.service, request.path.clone())?;
        Ok(desk.service.backups().progress())
    }
}
