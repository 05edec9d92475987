//! `AssumeRoleWithWebIdentity`: temporary credentials of a role, for somebody whom an OpenID Connect provider vouches for.
//! It is not signed: the provider's token says who asks, and the proof verifies it.
//! AWS: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::assume_role::role;
use super::credentials::{AssumedRoleUser, Credentials};
use super::{duration, session_policies, shapes};
use crate::desk::Desk;
use crate::identity::{AuthorizedWebIdentity, RoleArn, SessionPolicies, SessionTerms, WebIdentityNames};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("RoleArn", &shapes::ARN),
        Member::required("RoleSessionName", &shapes::SESSION_NAME),
        Member::required("WebIdentityToken", &shapes::CLIENT_TOKEN),
        // Of OAuth 2.0 access tokens, which are not accepted.
        Member::not_honoured("ProviderId", &shapes::URL),
        Member::optional("PolicyArns", &shapes::POLICY_DESCRIPTORS),
        Member::optional("Policy", &shapes::SESSION_POLICY),
        Member::optional("DurationSeconds", &shapes::ROLE_DURATION),
        Member::not_honoured("MinimumSessionTokenSize", &shapes::MINIMUM_TOKEN_SIZE),
    ],
};

pub(crate) struct AssumeRoleWithWebIdentity;

pub(crate) struct Request {
    role: RoleArn,
    session_name: String,
    token: String,
    policies: SessionPolicies,
    duration_s: Option<i64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    credentials: Credentials,
    subject_from_web_identity_token: String,
    assumed_role_user: AssumedRoleUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
    provider: String,
    audience: String,
}

impl Operation for AssumeRoleWithWebIdentity {
    type Request = Request;
    type Proof = AuthorizedWebIdentity<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request {
            role: role(input)?,
            session_name: input.required_text("RoleSessionName")?,
            token: input.required_text("WebIdentityToken")?,
            policies: session_policies::parse(input)?,
            duration_s: input.integer("DurationSeconds"),
        })
    }

    fn names(request: &Request) -> WebIdentityNames {
        WebIdentityNames { role: request.role.clone(), token: request.token.clone() }
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        proof: AuthorizedWebIdentity<Self>,
    ) -> Result<Reply, KmsError> {
        let AuthorizedWebIdentity { role, identity } = proof;
        let seconds = duration::of_role(request.duration_s, role.role.max_session_duration, false)?;
        session_policies::check_exist(desk, &role, &request.policies).await?;
        let owner = role.session_owner(&request.session_name);
        let terms = SessionTerms {
            policies: request.policies.clone(),
            federated_provider: Some(identity.provider.clone()),
            ..SessionTerms::plain(owner, desk.now, desk.now.plus_seconds(seconds))
        };
        let issued = desk.service.identity().issue_session(&terms).await?;
        Ok(Reply {
            subject_from_web_identity_token: identity.subject,
            assumed_role_user: AssumedRoleUser::new(&role, &request.session_name),
            packed_policy_size: issued.packed_percent,
            // AWS answers the ARN for OpenID Connect providers.
            provider: identity.provider,
            audience: identity.audience,
            credentials: issued.into(),
        })
    }
}
