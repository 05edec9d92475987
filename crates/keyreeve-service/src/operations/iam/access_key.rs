//! Access keys: CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey, GetAccessKeyLastUsed.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AccessKey.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::Serialize;

use super::paging::{PageEnd, Paging};
use super::shapes;
use crate::desk::Desk;
use crate::identity::{AuthorizedIam, IamResource, Whose};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::{Empty, Operation};
use crate::reply::{IsoTime, ShownOnce};

/// Where an access key that was never used was used last.
const NOWHERE: &str = "N/A";

const fn status(inactive: bool) -> &'static str {
    if inactive { "Inactive" } else { "Active" }
}

fn whose(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Whose, KmsError> {
    Whose::named_or(&desk.caller.principal, input.text("UserName"))
}

pub(crate) static CREATE: Structure =
    Structure { members: &[Member::optional("UserName", &shapes::NAME_128)] };

pub(crate) struct CreateAccessKey;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateReply {
    access_key: NewKeyView,
}

/// An access key with its secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NewKeyView {
    user_name: String,
    access_key_id: String,
    status: &'static str,
    secret_access_key: ShownOnce,
    create_date: IsoTime,
}

impl Operation for CreateAccessKey {
    type Request = Whose;
    type Proof = AuthorizedIam<Self>;
    type Reply = CreateReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Whose, KmsError> {
        whose(input, desk)
    }

    fn names(whose: &Whose) -> IamResource {
        whose.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        whose: &'a Whose,
        proof: AuthorizedIam<Self>,
    ) -> Result<CreateReply, KmsError> {
        let iam = proof.open(desk);
        let user_name = whose.shown(&iam).await?;
        let key = iam.create_access_key(whose, desk.now).await?;
        let access_key = NewKeyView {
            user_name,
            access_key_id: key.id,
            status: status(false),
            secret_access_key: ShownOnce(key.secret),
            create_date: IsoTime(desk.now),
        };
        Ok(CreateReply { access_key })
    }
}

pub(crate) static LIST: Structure = Structure {
    members: &[
        Member::optional("UserName", &shapes::NAME_128),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

pub(crate) struct ListAccessKeys;

/// Whose keys, and a page.
pub(crate) struct ListRequest {
    whose: Whose,
    paging: Paging,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    access_key_metadata: Vec<KeyView>,
    #[serde(flatten)]
    end: PageEnd,
}

/// An access key without its secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyView {
    user_name: String,
    access_key_id: String,
    status: &'static str,
    create_date: IsoTime,
}

impl Operation for ListAccessKeys {
    type Request = ListRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<ListRequest, KmsError> {
        Ok(ListRequest { whose: whose(input, desk)?, paging: Paging::parse(input)? })
    }

    fn names(request: &ListRequest) -> IamResource {
        request.whose.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ListRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let iam = proof.open(desk);
        let user_name = request.whose.shown(&iam).await?;
        let keys = iam.access_keys(&request.whose).await?;
        let keys = keys.into_iter().map(|(access_key_id, key)| KeyView {
            user_name: user_name.clone(),
            access_key_id,
            status: status(key.inactive),
            create_date: IsoTime(key.created),
        });
        let (keys, end) = request.paging.cut(keys.collect(), |key| key.access_key_id.as_str());
        Ok(ListReply { access_key_metadata: keys, end })
    }
}

pub(crate) static UPDATE: Structure = Structure {
    members: &[
        Member::optional("UserName", &shapes::NAME_128),
        Member::required("AccessKeyId", &shapes::ACCESS_KEY_ID),
        Member::required("Status", &shapes::STATUS),
    ],
};

pub(crate) struct UpdateAccessKey;

/// One of somebody's keys, and whether it shall sign.
pub(crate) struct UpdateRequest {
    whose: Whose,
    id: String,
    active: bool,
}

impl Operation for UpdateAccessKey {
    type Request = UpdateRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<UpdateRequest, KmsError> {
        let (whose, id) = (whose(input, desk)?, input.required_text("AccessKeyId")?);
        let active = match input.required_text("Status")?.as_str() {
            "Active" => true,
            "Inactive" => false,
            // The third one of the model is never a customer's to set.
            other => {
                return Err(KmsError::Iam(IamError::InvalidInput(format!(
                    "The status of an access key cannot be set to {other}."
                ))));
            }
        };
        Ok(UpdateRequest { whose, id, active })
    }

    fn names(request: &UpdateRequest) -> IamResource {
        request.whose.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a UpdateRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let UpdateRequest { whose, id, active } = request;
        proof.open(desk).set_access_key_active(whose, id, *active).await?;
        Ok(Empty)
    }
}

pub(crate) static DELETE: Structure = Structure {
    members: &[
        Member::optional("UserName", &shapes::NAME_128),
        Member::required("AccessKeyId", &shapes::ACCESS_KEY_ID),
    ],
};

pub(crate) struct DeleteAccessKey;

/// One of somebody's keys.
pub(crate) struct DeleteRequest {
    whose: Whose,
    id: String,
}

impl Operation for DeleteAccessKey {
    type Request = DeleteRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<DeleteRequest, KmsError> {
        Ok(DeleteRequest { whose: whose(input, desk)?, id: input.required_text("AccessKeyId")? })
    }

    fn names(request: &DeleteRequest) -> IamResource {
        request.whose.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a DeleteRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        proof.open(desk).delete_access_key(&request.whose, &request.id).await?;
        Ok(Empty)
    }
}

pub(crate) static LAST_USED: Structure =
    Structure { members: &[Member::required("AccessKeyId", &shapes::ACCESS_KEY_ID)] };

pub(crate) struct GetAccessKeyLastUsed;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LastUsedReply {
    user_name: String,
    access_key_last_used: LastUsed,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LastUsed {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_date: Option<IsoTime>,
    service_name: String,
    region: String,
}

impl Operation for GetAccessKeyLastUsed {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = LastUsedReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("AccessKeyId")
    }

    fn names(id: &String) -> IamResource {
        IamResource::OwnerOf(id.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        id: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<LastUsedReply, KmsError> {
        let (user_name, last) = proof.open(desk).access_key_last_used(id).await?;
        let nowhere = NOWHERE.to_owned();
        let access_key_last_used = match last {
            Some(last) => LastUsed {
                last_used_date: Some(IsoTime(last.at)),
                service_name: last.service,
                region: last.region,
            },
            None => LastUsed { last_used_date: None, service_name: nowhere.clone(), region: nowhere },
        };
        Ok(LastUsedReply { user_name, access_key_last_used })
    }
}
