//! `RemoveOperatorKey`: a key confirms nothing any more. While fewer than two are registered its fingerprint is enough;
//! then a request signed by two.

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::{DOCUMENT, FINGERPRINT, SIGNATURES, Signed, other_action, refused};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::{Action, KeyChange, Signer};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("Fingerprint", &FINGERPRINT),
        Member::optional("Request", &DOCUMENT),
        Member::optional("Signatures", &SIGNATURES),
    ],
};

pub(crate) struct RemoveOperatorKey;

pub(crate) struct Request {
    fingerprint: Option<String>,
    signed: Option<Signed>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    fingerprint: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    confirmed_by: Vec<Signer>,
}

impl Operation for RemoveOperatorKey {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request { fingerprint: input.text("Fingerprint"), signed: Signed::read(input)? })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let (confirmed, fingerprint) = match (&request.signed, &request.fingerprint) {
            (Some(signed), None) => {
                let confirmed = signed.check(desk).await?;
                let Action::RemoveOperatorKey { fingerprint } = &confirmed.action else {
                    return Err(other_action(&confirmed.action));
                };
                let fingerprint = fingerprint.clone();
                (Some(confirmed), fingerprint)
            }
            (None, Some(fingerprint)) => (None, fingerprint.clone()),
            (Some(_), Some(_)) | (None, None) => {
                return Err(refused("give a fingerprint, or a signed request"));
            }
        };
        let change = KeyChange::Remove { fingerprint: fingerprint.clone() };
        let regions = desk.service.regions();
        regions.change_operator_keys(&change, confirmed.as_ref(), Cause::Request(desk)).await?;
        let confirmed_by = confirmed.map(|confirmed| confirmed.signers).unwrap_or_default();
        Ok(Reply { fingerprint, confirmed_by })
    }
}
