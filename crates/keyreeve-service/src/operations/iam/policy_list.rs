//! ListPolicies: the account's own managed policies and those of AWS, narrowed by scope, path and use.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicies.html>

use keyreeve_model::error::KmsError;
use serde::Serialize;

use super::managed_policy::{AwsUsage, PolicyView};
use super::paging::{PageEnd, Paging};
use super::shapes;
use crate::desk::Desk;
use crate::identity::{AWS_MANAGED_POLICIES, AuthorizedIam, AwsManagedPolicy, IamResource, ManagedPolicy};
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::operation::Operation;

static SCOPE: Kind = Kind::Enum(&["All", "AWS", "Local"]);
/// `PolicyUsageType`.
static USAGE: Kind = Kind::Enum(&["PermissionsPolicy", "PermissionsBoundary"]);

pub(crate) static LIST: Structure = Structure {
    members: &[
        Member::optional("Scope", &SCOPE),
        Member::optional("OnlyAttached", &Kind::Boolean),
        Member::optional("PathPrefix", &shapes::POLICY_PATH),
        Member::optional("PolicyUsageFilter", &USAGE),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

/// What a policy is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Usage {
    Permissions,
    Boundary,
}

/// Which policies are asked for.
pub(crate) struct ListRequest {
    local: bool,
    aws: bool,
    only_attached: bool,
    path_prefix: String,
    usage: Option<Usage>,
    paging: Paging,
}

impl ListRequest {
    fn wants(&self, policy: &PolicyView) -> bool {
        let (attached, bounds) = (policy.attachment_count > 0, policy.permissions_boundary_usage_count > 0);
        let fits = match self.usage {
            None => !self.only_attached || attached,
            Some(Usage::Boundary) => bounds,
            // What is used for nothing yet is a permissions policy.
            Some(Usage::Permissions) => attached || !(bounds || self.only_attached),
        };
        fits && policy.path.starts_with(&self.path_prefix)
    }
}

pub(crate) struct ListPolicies;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    policies: Vec<PolicyView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListPolicies {
    type Request = ListRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<ListRequest, KmsError> {
        let scope = input.text("Scope");
        let usage = |name: &str| match name {
            "PermissionsPolicy" => Some(Usage::Permissions),
            "PermissionsBoundary" => Some(Usage::Boundary),
            _ => None,
        };
        Ok(ListRequest {
            local: scope.as_deref() != Some("AWS"),
            aws: scope.as_deref() != Some("Local"),
            only_attached: input.flag("OnlyAttached"),
            path_prefix: input.text("PathPrefix").unwrap_or_else(|| "/".to_owned()),
            usage: input.choice("PolicyUsageFilter", usage),
            paging: Paging::parse(input)?,
        })
    }

    fn names(_: &ListRequest) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ListRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let iam = proof.open(desk);
        // The account's own first. A name alone is no key: AWS and the account may both use it.
        let mut policies: Vec<(String, PolicyView)> = Vec::new();
        if request.local {
            let own = iam.all::<ManagedPolicy>(&request.path_prefix).await?;
            let keyed = |policy: &ManagedPolicy| {
                let key = format!("account/{}", policy.naming.name.to_ascii_lowercase());
                (key, PolicyView::brief(policy, iam.account))
            };
            policies.extend(own.iter().map(keyed));
        }
        if request.aws {
            let usage = AwsUsage::count(&iam).await?;
            let keyed = |policy: &AwsManagedPolicy| {
                (format!("aws/{}", policy.name.to_ascii_lowercase()), PolicyView::of_aws(policy, &usage))
            };
            policies.extend(AWS_MANAGED_POLICIES.iter().map(keyed));
        }
        policies.retain(|(_, policy)| request.wants(policy));
        policies.sort_by(|(one, _), (other, _)| one.cmp(other));
        let (page, end) = request.paging.cut(policies, |(key, _)| key.as_str());
        Ok(ListReply { policies: page.into_iter().map(|(_, policy)| policy).collect(), end })
    }
}
