//! `TakeHome`: this Region becomes the home of the identities in place of a lost one, as two operators confirmed.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use serde::Serialize;

use super::{DOCUMENT, SIGNATURES, Signed, other_action, refused};
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::{Action, HomeTerm, Signer};
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure {
    members: &[Member::required("Request", &DOCUMENT), Member::optional("Signatures", &SIGNATURES)],
};

pub(crate) struct TakeHome;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    lost_region: Region,
    /// The term: a lost home that returns hears of it and gives way.
    term: u64,
    confirmed_by: Vec<Signer>,
    /// When the copy here last was what the lost home had: what it changed later is lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    identities_agreed: Option<Epoch>,
}

impl Operation for TakeHome {
    type Request = Option<Signed>;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Option<Signed>, KmsError> {
        Signed::read(input)
    }

    fn names(_: &Option<Signed>) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        signed: &'a Option<Signed>,
        _: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let signed = signed.as_ref().ok_or_else(|| refused("give the signed request"))?;
        let (confirmed, request) = (signed.check(desk).await?, signed.confirmation()?);
        let Action::TakeHome { lost, epoch } = confirmed.action.clone() else {
            return Err(other_action(&confirmed.action));
        };
        let (home, signatures) = (request.region.clone(), signed.signatures.clone());
        let term = HomeTerm { epoch, home, request, signatures };
        let agreed = desk.service.take_home(desk, &confirmed, (&lost, term)).await?;
        Ok(Reply {
            lost_region: lost,
            term: epoch,
            confirmed_by: confirmed.signers,
            identities_agreed: agreed.map(Epoch),
        })
    }
}
