//! What policies would decide: SimulatePrincipalPolicy, SimulateCustomPolicy, and the condition keys that policies ask
//! for. Nothing but what the request gives is known about the simulated requests; resources have no policy but
//! `ResourcePolicy`, which is taken as the policy of a key.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>

mod context_keys;
mod documents;
mod evaluation;
mod input;
mod sources;

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::paging::PageEnd;
use super::shapes;
use crate::desk::Desk;
use crate::identity::{AuthorizedIam, IamResource};
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::operation::Operation;

pub(crate) use context_keys::{
    CUSTOM_KEYS, GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy, PRINCIPAL_KEYS,
};
use evaluation::EvaluationResult;
use input::Scenario;
use sources::{Exclusion, holder, source_arn};

/// `ActionNameListType`.
static ACTION_NAMES: Kind =
    Kind::List { element: &Kind::Text { min: 3, max: 128, pattern: None }, min: 0, max: usize::MAX };
/// `ResourceNameType`.
static RESOURCE_NAME: Kind = Kind::Text { min: 1, max: 2048, pattern: None };
static RESOURCE_NAMES: Kind = Kind::List { element: &RESOURCE_NAME, min: 0, max: usize::MAX };
/// `SimulationPolicyListType`.
static POLICIES: Kind = Kind::List { element: &shapes::POLICY_DOCUMENT, min: 0, max: usize::MAX };
/// `ResourceHandlingOptionType`.
static HANDLING: Kind = Kind::Text { min: 1, max: 64, pattern: None };
/// `ContextKeyTypeEnum`.
static CONTEXT_KEY_TYPE: Kind = Kind::Enum(&[
    "string",
    "stringList",
    "numeric",
    "numericList",
    "boolean",
    "booleanList",
    "ip",
    "ipList",
    "binary",
    "binaryList",
    "date",
    "dateList",
]);
static CONTEXT_KEY_NAME: Kind = Kind::Text { min: 5, max: 256, pattern: None };
static CONTEXT_KEY_VALUES: Kind =
    Kind::List { element: &Kind::Text { min: 0, max: usize::MAX, pattern: None }, min: 0, max: usize::MAX };
static CONTEXT_ENTRY: Kind = Kind::Structure(&Structure {
    members: &[
        Member::optional("ContextKeyName", &CONTEXT_KEY_NAME),
        Member::optional("ContextKeyValues", &CONTEXT_KEY_VALUES),
        Member::optional("ContextKeyType", &CONTEXT_KEY_TYPE),
    ],
});
/// `ContextEntryListType`.
static CONTEXT_ENTRIES: Kind = Kind::List { element: &CONTEXT_ENTRY, min: 0, max: usize::MAX };
static EXCLUDED_TYPE: Kind =
    Kind::Enum(&["inline", "aws-managed", "user-managed", "permission-boundary", "scp", "rcp"]);
static ATTACHMENT_TYPE: Kind = Kind::Enum(&["user", "group", "role"]);
static INLINE_POLICY: Kind = Kind::Structure(&Structure {
    members: &[
        Member::required("PolicyName", &shapes::NAME_128),
        Member::required("AttachmentType", &ATTACHMENT_TYPE),
        Member::required("AttachmentName", &shapes::NAME_128),
    ],
});
static EXCLUSION: Kind = Kind::Structure(&Structure {
    members: &[
        Member::optional("PolicyArn", &shapes::ARN),
        Member::optional("PolicyType", &EXCLUDED_TYPE),
        Member::optional("InlinePolicyIdentifier", &INLINE_POLICY),
    ],
});
/// `PolicyExclusionsListType`.
static EXCLUSIONS: Kind = Kind::List { element: &EXCLUSION, min: 0, max: 256 };
static CONTROL_POLICIES: Kind =
    Kind::Structure(&Structure { members: &[Member::optional("ServiceControlPolicyInputList", &POLICIES)] });
/// `OrganizationPolicyListType`.
static ORGANIZATION: Kind = Kind::List { element: &CONTROL_POLICIES, min: 0, max: 7 };

pub(crate) static PRINCIPAL: Structure = Structure {
    members: &[
        Member::required("PolicySourceArn", &shapes::ARN),
        Member::optional("PolicyInputList", &POLICIES),
        Member::optional("PermissionsBoundaryPolicyInputList", &POLICIES),
        Member::optional("PolicyExclusionList", &EXCLUSIONS),
        Member::required("ActionNames", &ACTION_NAMES),
        Member::optional("ResourceArns", &RESOURCE_NAMES),
        Member::optional("ResourcePolicy", &shapes::POLICY_DOCUMENT),
        Member::optional("ResourceOwner", &RESOURCE_NAME),
        Member::optional("CallerArn", &RESOURCE_NAME),
        Member::optional("ContextEntries", &CONTEXT_ENTRIES),
        // Scenarios of EC2 instances, of which there are none here.
        Member::not_honoured("ResourceHandlingOption", &HANDLING),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
        Member::optional("Marker", &shapes::MARKER),
    ],
};

pub(crate) static CUSTOM: Structure = Structure {
    members: &[
        Member::required("PolicyInputList", &POLICIES),
        Member::optional("PermissionsBoundaryPolicyInputList", &POLICIES),
        // Levels of an organization, in each of which one of several policies must allow: guards have no levels.
        Member::not_honoured("OrderedOrganizationPolicyInputList", &ORGANIZATION),
        Member::required("ActionNames", &ACTION_NAMES),
        Member::optional("ResourceArns", &RESOURCE_NAMES),
        Member::optional("ResourcePolicy", &shapes::POLICY_DOCUMENT),
        Member::optional("ResourceOwner", &RESOURCE_NAME),
        Member::optional("CallerArn", &RESOURCE_NAME),
        Member::optional("ContextEntries", &CONTEXT_ENTRIES),
        Member::not_honoured("ResourceHandlingOption", &HANDLING),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
        Member::optional("Marker", &shapes::MARKER),
    ],
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    evaluation_results: Vec<EvaluationResult>,
    #[serde(flatten)]
    end: PageEnd,
}

pub(crate) struct SimulateCustomPolicy;

impl Operation for SimulateCustomPolicy {
    type Request = Scenario;
    type Proof = AuthorizedIam<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Scenario, KmsError> {
        Scenario::parse(input)
    }

    fn names(_: &Scenario) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        scenario: &'a Scenario,
        _: AuthorizedIam<Self>,
    ) -> Result<Reply, KmsError> {
        scenario.run(desk, None).await
    }
}

pub(crate) struct PrincipalRequest {
    source: String,
    exclusions: Vec<Exclusion>,
    scenario: Scenario,
}

pub(crate) struct SimulatePrincipalPolicy;

impl Operation for SimulatePrincipalPolicy {
    type Request = PrincipalRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<PrincipalRequest, KmsError> {
        Ok(PrincipalRequest {
            source: source_arn(input)?,
            exclusions: Exclusion::parse(input)?,
            scenario: Scenario::parse(input)?,
        })
    }

    fn names(request: &PrincipalRequest) -> IamResource {
        IamResource::Arn(request.source.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a PrincipalRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Reply, KmsError> {
        let iam = proof.open(desk);
        let holder = holder(&iam, &request.source).await?.without(&request.exclusions);
        request.scenario.run(desk, Some(holder)).await
    }
}
