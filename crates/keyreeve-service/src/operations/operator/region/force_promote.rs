//! `ForcePromote`: this Region becomes the primary of keys whose primary is in a lost one, as two operators confirmed.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use serde::Serialize;

use super::{DOCUMENT, SIGNATURES, Signed, other_action, refused};
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::{Action, KeySelection, PromotedKeys, Signer};

pub(crate) static INPUT: Structure = Structure {
    members: &[Member::required("Request", &DOCUMENT), Member::optional("Signatures", &SIGNATURES)],
};

pub(crate) struct ForcePromote;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    lost_region: Region,
    confirmed_by: Vec<Signer>,
    /// ARNs of the keys whose primary is here from now on.
    keys: Vec<String>,
    /// ARNs of those that could not be promoted, each with the reason: to be confirmed anew once that is mended.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
}

impl Operation for ForcePromote {
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
        let confirmed = signed.check(desk).await?;
        let Action::ForcePromote { keys, lost } = &confirmed.action else {
            return Err(other_action(&confirmed.action));
        };
        let selection = match (keys, keys.key_id()) {
            (PromotedKeys::All, _) => KeySelection::All,
            (PromotedKeys::Key { epoch, .. }, Some(id)) => KeySelection::Key { id, epoch: *epoch },
            (PromotedKeys::Key { id, .. }, None) => return Err(refused(format!("{id} is no key id"))),
        };
        // First, so that a crash in the middle leaves no request that could be carried out again.
        desk.service.regions().spend(&confirmed, desk).await?;
        let names: Vec<String> = confirmed.signers.iter().map(|signer| signer.name.clone()).collect();
        let promoted = desk.service.force_promote(desk, &selection, (lost, &names)).await?;
        Ok(Reply {
            lost_region: lost.clone(),
            keys: promoted.done.iter().map(ToString::to_string).collect(),
            failed: promoted
                .failed
                .iter()
                .map(|(arn, error)| format!("{arn}: {}", error.wire().code))
                .collect(),
            confirmed_by: confirmed.signers,
        })
    }
}
