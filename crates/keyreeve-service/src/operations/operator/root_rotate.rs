//! `RootRotate`: a new root key, and everything under it sealed anew in the background.

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::error::KmsError;

use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::rotation::{RotationState, RotationStatus};

/// A passphrase, base64.
static PASSPHRASE: Kind = Kind::Blob { min: 1, max: 4096 };
/// The passphrase of one slot; those that a key file opens need none.
pub(crate) static INPUT: Structure = Structure { members: &[Member::optional("Passphrase", &PASSPHRASE)] };

pub(crate) struct RootRotate;

/// Taken by the first run: the operation never conflicts, so that it runs once.
pub(crate) struct Request {
    passphrase: std::sync::Mutex<Option<SecretBytes>>,
}

/// The status after its beginning.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    /// Whether an earlier rotation is still under way, so that none was begun.
    resumed: bool,
    #[serde(flatten)]
    status: RotationStatus,
}

impl Operation for RootRotate {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request { passphrase: std::sync::Mutex::new(input.blob("Passphrase")) })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let rotation = desk.service.rotation()?;
        let resumed = rotation.status().state == RotationState::Running;
        if !resumed {
            let passphrase = request.passphrase.lock().ok().and_then(|mut given| given.take());
            rotation.begin(passphrase.into_iter().collect()).await?;
        }
        Ok(Reply { resumed, status: rotation.status() })
    }
}
