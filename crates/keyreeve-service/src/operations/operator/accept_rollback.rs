//! `AcceptRollback`: what a restored deployment brings back, and an operator's word that it may serve. Without
//! `Confirm` it only lists.

use keyreeve_model::error::KmsError;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::input::shapes;
use crate::key_access::{AuthorizedCall, Inventory};
use crate::operation::Operation;
use crate::reply::Epoch;

pub(crate) static INPUT: Structure = Structure { members: &[Member::optional("Confirm", &shapes::BOOLEAN)] };

pub(crate) struct AcceptRollback;

pub(crate) struct Request {
    confirm: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    backup_id: String,
    backup_date: Epoch,
    restore_date: Epoch,
    revision: u64,
    #[serde(flatten)]
    inventory: Inventory,
    /// Number of the record of the acceptance.
    #[serde(skip_serializing_if = "Option::is_none")]
    rollback: Option<u64>,
}

impl Operation for AcceptRollback {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request { confirm: input.flag("Confirm") })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        call: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let premises = desk.service.premises()?;
        let refused = |error: crate::premises::PremisesError| KmsError::Refused(error.to_string());
        let nothing =
            || KmsError::Refused("this deployment was not restored: there is nothing to accept".to_owned());
        let restored = premises.restored().map_err(refused)?.ok_or_else(nothing)?;
        let inventory = call.inventory(desk).await?;
        let rollback = if request.confirm {
            let number = call.record_rollback(desk, &restored).await?;
            premises.forget_restored().map_err(refused)?;
            Some(number)
        } else {
            None
        };
        Ok(Reply {
            backup_id: restored.backup_id,
            backup_date: Epoch(restored.backed_up),
            restore_date: Epoch(restored.restored),
            revision: restored.revision,
            inventory,
            rollback,
        })
    }
}
