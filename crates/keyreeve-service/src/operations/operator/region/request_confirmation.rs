//! `RequestConfirmation`: prints what two operators are to sign, and changes nothing.

use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::region::Region;

use super::{FINGERPRINT, NAME, PUBLIC_KEY, REGION, own_region, refused, region};
use crate::desk::Desk;
use crate::input::shape::{Kind, Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;
use crate::regions::{Action, Confirmation, OperatorKey, PromotedKeys};

static WHAT: Kind = Kind::Enum(&["ForcePromote", "TakeHome", "AddOperatorKey", "RemoveOperatorKey"]);

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("What", &WHAT),
        Member::optional("Name", &NAME),
        Member::optional("PublicKey", &PUBLIC_KEY),
        Member::optional("Fingerprint", &FINGERPRINT),
        Member::optional("KeyId", &shapes::KEY_ID),
        Member::optional("All", &shapes::BOOLEAN),
        Member::optional("LostRegion", &REGION),
    ],
};

pub(crate) struct RequestConfirmation;

/// What the members come to; what is not given is `None`.
pub(crate) struct Request {
    what: String,
    name: Option<String>,
    public_key: Option<Vec<u8>>,
    fingerprint: Option<String>,
    key_id: Option<String>,
    all: bool,
    lost: Option<String>,
}

impl Operation for RequestConfirmation {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Confirmation;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request {
            what: input.required_text("What")?,
            name: input.text("Name"),
            public_key: input.blob("PublicKey").map(|bytes| bytes.expose_secret().to_vec()),
            fingerprint: input.text("Fingerprint"),
            key_id: input.text("KeyId"),
            all: input.flag("All"),
            lost: input.text("LostRegion"),
        })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedCall<Self>,
    ) -> Result<Confirmation, KmsError> {
        let own = own_region(desk)?;
        let action = match request.what.as_str() {
            "ForcePromote" => promotion(desk, request).await?,
            "TakeHome" => taking_home(desk, request).await?,
            "AddOperatorKey" => addition(desk, request)?,
            _ => removal(desk, request).await?,
        };
        let deployment = desk.service.regions().transport_key(own, desk.now).await?.public().fingerprint();
        Confirmation::new(own.clone(), deployment, action, desk.now)
    }
}

async fn promotion(desk: &Desk<'_>, request: &Request) -> Result<Action, KmsError> {
    let (own, lost) = (&desk.caller.region, lost(desk, request)?);
    let keys = match (&request.key_id, request.all) {
        (None, true) => PromotedKeys::All,
        (Some(id), false) => {
            let id = KeyId::parse(id).filter(KeyId::is_multi_region);
            let id = id.ok_or_else(|| refused("a key is named by its id, mrk-…"))?;
            let epoch = desk.service.epoch_of_replica(own, id, &lost).await?;
            PromotedKeys::Key { id: id.to_string(), epoch }
        }
        (Some(_), true) | (None, false) => return Err(refused("name one key, or say that all are meant")),
    };
    Ok(Action::ForcePromote { keys, lost })
}

async fn taking_home(desk: &Desk<'_>, request: &Request) -> Result<Action, KmsError> {
    let lost = lost(desk, request)?;
    let epoch = desk.service.epoch_to_take_home(&lost).await?;
    Ok(Action::TakeHome { lost, epoch })
}

/// The Region that is said to be lost.
fn lost(desk: &Desk<'_>, request: &Request) -> Result<Region, KmsError> {
    let own = &desk.caller.region;
    let lost = request.lost.as_deref().ok_or_else(|| refused("say which Region is lost"))?;
    match region(lost)? {
        lost if lost == *own => Err(refused(format!("{own} answers you: it is not lost"))),
        lost => Ok(lost),
    }
}

fn addition(desk: &Desk<'_>, request: &Request) -> Result<Action, KmsError> {
    let (Some(name), Some(spki)) = (&request.name, &request.public_key) else {
        return Err(refused("give the name and the public key"));
    };
    let key = OperatorKey::new(name, spki, desk.now)?;
    Ok(Action::AddOperatorKey { name: key.name, spki: key.spki })
}

async fn removal(desk: &Desk<'_>, request: &Request) -> Result<Action, KmsError> {
    let fingerprint = request.fingerprint.as_deref().ok_or_else(|| refused("give the fingerprint"))?;
    let keys = desk.service.regions().operator_keys().await?;
    if keys.iter().any(|key| key.fingerprint() == fingerprint) {
        return Ok(Action::RemoveOperatorKey { fingerprint: fingerprint.to_owned() });
    }
    Err(refused(format!("no operator key has the fingerprint {fingerprint}")))
}
