//! `ListAllKeys`: the keys of a Region, of every account or of one, as an operator sees them: no material, no policy.

use keyreeve_model::algorithm::{KeyManager, KeyUsage};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::key_state::KeyState;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use serde::Serialize;

use super::super::paging::{self, PageEnd, Paging};
use crate::desk::Desk;
use crate::input::shape::{Kind, Member, Pattern, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedCall, SurveyedKey};
use crate::operation::Operation;
use crate::reply::Epoch;

static TWELVE_DIGITS: Pattern =
    Pattern { expression: "[0-9]{12}", matches: |text| AccountId::parse(text).is_some() };
static ACCOUNT_ID: Kind = Kind::Text { min: 12, max: 12, pattern: Some(&TWELVE_DIGITS) };
pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("AccountId", &ACCOUNT_ID),
        Member::optional("Limit", &shapes::LIMIT),
        Member::optional("Marker", &shapes::MARKER),
    ],
};

pub(crate) struct ListAllKeys;

pub(crate) struct Request {
    account: Option<AccountId>,
    paging: Paging,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    keys: Vec<Key>,
    #[serde(flatten)]
    end: PageEnd,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    account_id: AccountId,
    key_id: String,
    key_arn: String,
    aliases: Vec<String>,
    /// Absent where the key's row does not open.
    #[serde(flatten)]
    facts: Option<Facts>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Facts {
    key_spec: KeySpec,
    key_usage: KeyUsage,
    key_state: KeyState,
    key_manager: KeyManager,
    creation_date: Epoch,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<Epoch>,
    description: String,
}

impl Key {
    fn new(key: SurveyedKey, now: Timestamp) -> Self {
        Self {
            account_id: key.arn.account,
            key_id: key.arn.key_id.to_string(),
            key_arn: key.arn.to_string(),
            aliases: key.aliases.iter().map(ToString::to_string).collect(),
            facts: key.record.map(|record| Facts {
                key_spec: record.spec,
                key_usage: record.usage,
                key_state: record.state_at(now),
                key_manager: record.manager,
                creation_date: Epoch(record.created),
                deletion_date: record.deletion.map(Epoch),
                description: record.description,
            }),
        }
    }
}

impl Operation for ListAllKeys {
    type Request = Request;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        let account = input.text("AccountId").and_then(|text| AccountId::parse(&text));
        Ok(Request { account, paging: Paging::parse(input, &paging::LARGE)? })
    }

    fn names(_: &Request) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        call: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let paging = &request.paging;
        let listed = call.survey(desk, request.account, paging.limit, paging.marker.as_deref()).await?;
        let keys = listed.items.into_iter().map(|key| Key::new(key, desk.now)).collect();
        Ok(Reply { keys, end: PageEnd::new(listed.next_marker) })
    }
}
