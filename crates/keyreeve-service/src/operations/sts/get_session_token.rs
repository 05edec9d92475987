//! `GetSessionToken`: temporary credentials of the caller itself; needs no permission.
//! AWS: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>

use keyreeve_model::error::KmsError;
use keyreeve_policy::principal::Principal;
use serde::Serialize;

use super::credentials::Credentials;
use super::shapes;
use crate::desk::Desk;
use crate::identity::{SessionOwner, SessionTerms};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::key_access::AuthorizedCall;
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::optional("DurationSeconds", &shapes::DURATION),
        Member::not_honoured("SerialNumber", &shapes::SERIAL_NUMBER),
        Member::not_honoured("TokenCode", &shapes::TOKEN_CODE),
        Member::not_honoured("MinimumSessionTokenSize", &shapes::MINIMUM_TOKEN_SIZE),
    ],
};

/// Seconds when nobody says.
const DEFAULT_S: i64 = 43_200;
/// The most for a root user; who asks for more gets this.
const ROOT_MAX_S: i64 = 3_600;

pub(crate) struct GetSessionToken;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    credentials: Credentials,
}

impl Operation for GetSessionToken {
    type Request = i64;
    type Proof = AuthorizedCall<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<i64, KmsError> {
        Ok(input.integer("DurationSeconds").unwrap_or(DEFAULT_S))
    }

    fn names(_: &i64) {}

    async fn run<'a>(
        desk: &'a Desk<'a>,
        asked_s: &'a i64,
        _: AuthorizedCall<Self>,
    ) -> Result<Reply, KmsError> {
        let refused =
            || KmsError::AccessDenied("Cannot call GetSessionToken with session credentials".to_owned());
        // Nor for somebody for whom a service speaks: that would outlive what it was asked for.
        if desk.caller.session.is_some() || desk.caller.forwarding.is_some() {
            return Err(refused());
        }
        let (owner, seconds) = match &desk.caller.principal {
            Principal::Root(account) => {
                (SessionOwner::Root { account: *account }, (*asked_s).min(ROOT_MAX_S))
            }
            Principal::User(user) => {
                let (name, id) = (user.name.to_string(), user.id.to_string());
                (SessionOwner::User { account: user.account, name, id }, *asked_s)
            }
            Principal::Session(_)
            | Principal::Service(_)
            | Principal::Federated(_)
            | Principal::Operator(_) => {
                return Err(refused());
            }
        };
        let terms = SessionTerms::plain(owner, desk.now, desk.now.plus_seconds(seconds));
        Ok(Reply { credentials: desk.service.identity().issue_session(&terms).await?.into() })
    }
}
