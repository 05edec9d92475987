//! `AddOperatorKey`: another key confirms from now on. While fewer than two are registered a name and a key are enough;
//! then a request signed by two.

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::{DOCUMENT, NAME, PUBLIC_KEY, SIGNATURES, Signed, other_action, refused};
use crate::audit::Cause;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::{Action, KeyChange, OperatorKey, Signer};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("Name", &NAME),
        Member::optional("PublicKey", &PUBLIC_KEY),
        Member::optional("Request", &DOCUMENT),
        Member::optional("Signatures", &SIGNATURES),
    ],
};

pub(crate) struct AddOperatorKey;

pub(crate) struct Request {
    name: Option<String>,
    public_key: Option<Vec<u8>>,
    signed: Option<Signed>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    name: String,
    fingerprint: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    confirmed_by: Vec<Signer>,
}

impl Operation for AddOperatorKey {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request {
            name: input.text("Name"),
            public_key: input.blob("PublicKey").map(|bytes| bytes.expose_secret().to_vec()),
            signed: Signed::read(input)?,
        })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let (confirmed, key) = match (&request.signed, &request.name, &request.public_key) {
            (Some(signed), None, None) => {
                let confirmed = signed.check(desk).await?;
                let Action::AddOperatorKey { name, spki } = &confirmed.action else {
                    return Err(other_action(&confirmed.action));
                };
                let spki = hex::decode(spki).map_err(refused)?;
                let key = OperatorKey::new(name, &spki, desk.now)?;
                (Some(confirmed), key)
            }
            (None, Some(name), Some(spki)) => (None, OperatorKey::new(name, spki, desk.now)?),
            (Some(_) | None, _, _) => {
                return Err(refused("give a name and a public key, or a signed request"));
            }
        };
        let change = KeyChange::Add(key.clone());
        let regions = desk.service.regions();
        regions.change_operator_keys(&change, confirmed.as_ref(), Cause::Request(desk)).await?;
        let confirmed_by = confirmed.map(|confirmed| confirmed.signers).unwrap_or_default();
        Ok(Reply { fingerprint: key.fingerprint(), name: key.name, confirmed_by })
    }
}
