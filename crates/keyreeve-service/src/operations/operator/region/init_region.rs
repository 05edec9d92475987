//! `InitRegion`: makes the keys of this Region that are missing, and answers how it introduces itself to others.

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::site;
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::Structure;
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::Introduction;

pub(crate) static INPUT: Structure = Structure { members: &[] };

pub(crate) struct InitRegion;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    introduction: Introduction,
    fingerprint: String,
}

impl Operation for InitRegion {
    type Request = ();
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) {}

    async fn run<'a>(desk: &'a Desk<'a>, (): &'a (), _: AuthorizedCall<Self>) -> Result<Reply, KmsError> {
        let (region, endpoint) = site(desk)?;
        let regions = desk.service.regions();
        // A server that speaks with other Regions makes it before it listens.
        let certificate = regions.certificate(region).await?.ok_or(KmsError::Internal)?;
        let pair = regions.transport_key(region, desk.now).await?;
        let introduction = Introduction::new(region.clone(), endpoint, certificate.pin, pair.public());
        Ok(Reply { fingerprint: introduction.fingerprint(), introduction })
    }
}
