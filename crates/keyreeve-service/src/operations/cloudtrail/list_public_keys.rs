//! `ListPublicKeys`: the keys that signed digests in a time.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_ListPublicKeys.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_model::trail_error::TrailFault;
use serde::Serialize;

use super::shapes;
use crate::audit::Published;
use crate::cloudtrail::{AuthorizedTrail, TrailResource};
use crate::desk::Desk;
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::Operation;
use crate::reply::{Blob, Epoch};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("StartTime", &shapes::DATE),
        Member::optional("EndTime", &shapes::DATE),
        Member::optional("NextToken", &shapes::TEXT),
    ],
};

pub(crate) struct ListPublicKeys;

pub(crate) struct Request {
    start: Timestamp,
    end: Timestamp,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    public_key_list: Vec<KeyView>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyView {
    value: Blob<Vec<u8>>,
    validity_start_time: Epoch,
    validity_end_time: Epoch,
    fingerprint: String,
}

impl Operation for ListPublicKeys {
    type Request = Request;
    type Proof = AuthorizedTrail<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        // One page holds all of them: no token was ever given out.
        if input.text("NextToken").is_some() {
            return Err(TrailFault::InvalidToken.because("The token is not valid.").into());
        }
        let mut time = |name| input.timestamp_millis(name).map_or(desk.now, Timestamp::from_millis);
        let (start, end) = (time("StartTime"), time("EndTime"));
        if start > end {
            let text = "The start time must not be after the end time.";
            return Err(TrailFault::InvalidTimeRange.because(text).into());
        }
        Ok(Request { start, end })
    }

    fn names(_: &Request) -> TrailResource {
        TrailResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        _: AuthorizedTrail<Self>,
    ) -> Result<Reply, KmsError> {
        let mut keys = desk.service.published_keys().await?;
        // A digest that begins a chain ends when logging began, which may be before the key was made.
        let margin = |time: Timestamp, days| time.plus_days(days);
        keys.retain(|key| margin(key.from, -1) <= request.end && margin(key.until, 1) >= request.start);
        let view = |Published { key, from, until }| KeyView {
            value: Blob(key.pkcs1),
            validity_start_time: Epoch(margin(from, -1)),
            validity_end_time: Epoch(margin(until, 1)),
            fingerprint: key.fingerprint,
        };
        Ok(Reply { public_key_list: keys.into_iter().map(view).collect() })
    }
}
