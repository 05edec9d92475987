//! `AssumeRole`: temporary credentials of a role, for whom its trust policy names.
//! AWS: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::Serialize;

use super::chain::{self, SessionTags};
use super::credentials::{AssumedRoleUser, Credentials};
use super::{duration, session_policies, shapes};
use crate::desk::Desk;
use crate::identity::{AuthorizedRole, RoleArn, RoleNames, SessionPolicies, SessionTerms};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::Operation;

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("RoleArn", &shapes::ARN),
        Member::required("RoleSessionName", &shapes::SESSION_NAME),
        Member::optional("PolicyArns", &shapes::POLICY_DESCRIPTORS),
        Member::optional("Policy", &shapes::UNRESTRICTED_POLICY),
        Member::optional("DurationSeconds", &shapes::ROLE_DURATION),
        Member::optional("Tags", &shapes::TAGS),
        Member::optional("TransitiveTagKeys", &shapes::TAG_KEYS),
        // Conditions of trust policies ask for it; nothing else does.
        Member::optional("ExternalId", &shapes::EXTERNAL_ID),
        Member::not_honoured("SerialNumber", &shapes::SERIAL_NUMBER),
        Member::not_honoured("TokenCode", &shapes::TOKEN_CODE),
        Member::optional("SourceIdentity", &shapes::SESSION_NAME),
        Member::not_honoured("ProvidedContexts", &shapes::PROVIDED_CONTEXTS),
        Member::not_honoured("MinimumSessionTokenSize", &shapes::MINIMUM_TOKEN_SIZE),
    ],
};

pub(crate) struct AssumeRole;

pub(crate) struct Request {
    role: RoleArn,
    session_name: String,
    policies: SessionPolicies,
    duration_s: Option<i64>,
    tags: SessionTags,
    source_identity: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    credentials: Credentials,
    assumed_role_user: AssumedRoleUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    packed_policy_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<String>,
}

/// The role of `RoleArn`.
///
/// # Errors
/// ValidationError, as AWS words it.
pub(super) fn role(input: &mut Input<'_>) -> Result<RoleArn, KmsError> {
    let text = input.required_text("RoleArn")?;
    let invalid = || KmsError::Iam(IamError::ValidationError(format!("{text} is invalid")));
    RoleArn::parse(&text).ok_or_else(invalid)
}

impl Operation for AssumeRole {
    type Request = Request;
    type Proof = AuthorizedRole<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        Ok(Request {
            role: role(input)?,
            session_name: input.required_text("RoleSessionName")?,
            policies: session_policies::parse(input)?,
            duration_s: input.integer("DurationSeconds"),
            tags: chain::tags(input, desk)?,
            source_identity: chain::source_identity(input, desk)?,
        })
    }

    /// What a chain hands on needs permission as well as what the request asks for.
    fn names(request: &Request) -> RoleNames {
        RoleNames {
            role: request.role.clone(),
            tagged: !request.tags.tags.is_empty(),
            source_identity: request.source_identity.is_some(),
        }
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        proof: AuthorizedRole<Self>,
    ) -> Result<Reply, KmsError> {
        let (max, chained) = (proof.role.max_session_duration, chain::is_chained(desk));
        let seconds = duration::of_role(request.duration_s, max, chained)?;
        session_policies::check_exist(desk, &proof, &request.policies).await?;
        let owner = proof.session_owner(&request.session_name);
        let terms = SessionTerms {
            policies: request.policies.clone(),
            tags: request.tags.tags.clone(),
            transitive_tags: request.tags.transitive.clone(),
            source_identity: request.source_identity.clone(),
            ..SessionTerms::plain(owner, desk.now, desk.now.plus_seconds(seconds))
        };
        let issued = desk.service.identity().issue_session(&terms).await?;
        Ok(Reply {
            assumed_role_user: AssumedRoleUser::new(&proof, &request.session_name),
            packed_policy_size: issued.packed_percent,
            source_identity: request.source_identity.clone(),
            credentials: issued.into(),
        })
    }
}
