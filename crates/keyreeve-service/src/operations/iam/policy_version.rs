//! Versions of managed policies: CreatePolicyVersion, GetPolicyVersion, ListPolicyVersions, SetDefaultPolicyVersion,
//! DeletePolicyVersion.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::Serialize;

use super::managed_policy::{AWS_VERSION, changeable, document, existing, version_id};
use super::paging::{PageEnd, Paging};
use super::{policy_document, shapes};
use crate::desk::Desk;
use crate::identity::{AuthorizedIam, IamResource, ManagedPolicy, PolicyArn, PolicyVersion, VERSIONS_MAX};
use crate::input::Input;
use crate::input::shape::{Kind, Member, Pattern, Structure};
use crate::operation::{Empty, Operation};
use crate::reply::IsoTime;

/// A version as IAM shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VersionView {
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    version_id: String,
    is_default_version: bool,
    create_date: IsoTime,
}

impl VersionView {
    /// Without the document, as lists show it.
    fn brief(policy: &ManagedPolicy, number: u32, version: &PolicyVersion) -> Self {
        Self {
            document: None,
            version_id: version_id(number),
            is_default_version: number == policy.default_version,
            create_date: IsoTime(version.created),
        }
    }

    /// All versions of a policy with their numbers, the newest first.
    fn all(policy: &PolicyArn) -> Vec<(u32, Self)> {
        match policy {
            PolicyArn::Customer(found) => {
                let policy = &found.row;
                let view = |(number, version): (&u32, &PolicyVersion)| {
                    let document = Some(policy_document::encoded(&version.document));
                    (*number, Self { document, ..Self::brief(policy, *number, version) })
                };
                policy.versions.iter().rev().map(view).collect()
            }
            PolicyArn::Aws(policy) => {
                let only = Self {
                    document: Some(policy_document::encoded(policy.document)),
                    version_id: version_id(AWS_VERSION),
                    is_default_version: true,
                    create_date: IsoTime(policy.created),
                };
                vec![(AWS_VERSION, only)]
            }
        }
    }
}

/// An answer that shows one version.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct VersionReply {
    policy_version: VersionView,
}

fn no_version(arn: &str, id: &str) -> KmsError {
    let text = format!("Policy {arn} version {id} does not exist or is not attachable.");
    KmsError::Iam(IamError::NoSuchEntity(text))
}

/// `policyVersionIdType`.
static VERSION_ID: Kind = Kind::Text { min: 0, max: usize::MAX, pattern: Some(&VERSION_ID_TEXT) };

static VERSION_ID_TEXT: Pattern = Pattern {
    expression: r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?",
    matches: |text| {
        let Some(rest) = text.strip_prefix('v') else { return false };
        let (number, suffix) = rest.split_once('.').unwrap_or((rest, ""));
        !number.is_empty()
            && !number.starts_with('0')
            && number.bytes().all(|b| b.is_ascii_digit())
            && suffix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    },
};

/// A version that a request names.
#[derive(Debug)]
pub(crate) struct VersionName {
    arn: String,
    id: String,
}

impl VersionName {
    fn parse(input: &mut Input<'_>) -> Result<Self, KmsError> {
        Ok(Self { arn: input.required_text("PolicyArn")?, id: input.required_text("VersionId")? })
    }

    fn resource(&self) -> IamResource {
        IamResource::Arn(self.arn.clone())
    }

    /// The number, of a policy that has this version.
    ///
    /// # Errors
    /// NoSuchEntity.
    fn number_in(&self, policy: &ManagedPolicy) -> Result<u32, KmsError> {
        let number = self.id.strip_prefix('v').and_then(|number| number.parse().ok());
        number
            .filter(|number| policy.versions.contains_key(number))
            .ok_or_else(|| no_version(&self.arn, &self.id))
    }
}

/// The input of an operation that takes nothing but a version.
pub(crate) static VERSION: Structure = Structure {
    members: &[Member::required("PolicyArn", &shapes::ARN), Member::required("VersionId", &VERSION_ID)],
};

pub(crate) static CREATE: Structure = Structure {
    members: &[
        Member::required("PolicyArn", &shapes::ARN),
        Member::required("PolicyDocument", &shapes::POLICY_DOCUMENT),
        Member::optional("SetAsDefault", &Kind::Boolean),
    ],
};

pub(crate) struct NewVersion {
    arn: String,
    version: PolicyVersion,
    set_as_default: bool,
}

pub(crate) struct CreatePolicyVersion;

impl Operation for CreatePolicyVersion {
    type Request = NewVersion;
    type Proof = AuthorizedIam<Self>;
    type Reply = VersionReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<NewVersion, KmsError> {
        Ok(NewVersion {
            arn: input.required_text("PolicyArn")?,
            version: PolicyVersion { document: document(input)?, created: desk.now },
            set_as_default: input.flag("SetAsDefault"),
        })
    }

    fn names(request: &NewVersion) -> IamResource {
        IamResource::Arn(request.arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a NewVersion,
        proof: AuthorizedIam<Self>,
    ) -> Result<VersionReply, KmsError> {
        let iam = proof.open(desk);
        let found = changeable(desk, &iam, &request.arn).await?;
        if found.row.versions.len() >= VERSIONS_MAX {
            return Err(KmsError::Iam(IamError::LimitExceeded(format!(
                "A managed policy can have up to {VERSIONS_MAX} versions. Before you create a new version, you must \
                 delete an existing version."
            ))));
        }
        let mut policy = found.row.clone();
        let number = policy.next_version;
        policy.next_version += 1;
        policy.versions.insert(number, request.version.clone());
        policy.updated = desk.now;
        if request.set_as_default {
            policy.default_version = number;
        }
        iam.commit(iam.draft_changed(iam.draft()?, &found, &policy)?).await?;
        Ok(VersionReply { policy_version: VersionView::brief(&policy, number, &request.version) })
    }
}

pub(crate) struct GetPolicyVersion;

impl Operation for GetPolicyVersion {
    type Request = VersionName;
    type Proof = AuthorizedIam<Self>;
    type Reply = VersionReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<VersionName, KmsError> {
        VersionName::parse(input)
    }

    fn names(name: &VersionName) -> IamResource {
        name.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a VersionName,
        proof: AuthorizedIam<Self>,
    ) -> Result<VersionReply, KmsError> {
        let iam = proof.open(desk);
        let versions = VersionView::all(&existing(&iam, &name.arn).await?);
        let found = versions.into_iter().map(|(_, view)| view).find(|view| view.version_id == name.id);
        let policy_version = found.ok_or_else(|| no_version(&name.arn, &name.id))?;
        Ok(VersionReply { policy_version })
    }
}

pub(crate) static LIST: Structure = Structure {
    members: &[
        Member::required("PolicyArn", &shapes::ARN),
        Member::optional("Marker", &shapes::MARKER),
        Member::optional("MaxItems", &shapes::MAX_ITEMS),
    ],
};

pub(crate) struct ListRequest {
    arn: String,
    paging: Paging,
}

pub(crate) struct ListPolicyVersions;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListReply {
    versions: Vec<VersionView>,
    #[serde(flatten)]
    end: PageEnd,
}

impl Operation for ListPolicyVersions {
    type Request = ListRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<ListRequest, KmsError> {
        Ok(ListRequest { arn: input.required_text("PolicyArn")?, paging: Paging::parse(input)? })
    }

    fn names(request: &ListRequest) -> IamResource {
        IamResource::Arn(request.arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ListRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let iam = proof.open(desk);
        let versions = VersionView::all(&existing(&iam, &request.arn).await?);
        // The newest comes first, so that keys grow as numbers fall.
        let keyed = |(number, view): (u32, VersionView)| (format!("{:010}", u32::MAX - number), view);
        let (page, end) = request
            .paging
            .cut(versions.into_iter().map(keyed).collect(), |(key, _): &(String, _)| key.as_str());
        let brief = |(_, view): (String, VersionView)| VersionView { document: None, ..view };
        Ok(ListReply { versions: page.into_iter().map(brief).collect(), end })
    }
}

pub(crate) struct SetDefaultPolicyVersion;

impl Operation for SetDefaultPolicyVersion {
    type Request = VersionName;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<VersionName, KmsError> {
        VersionName::parse(input)
    }

    fn names(name: &VersionName) -> IamResource {
        name.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a VersionName,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = changeable(desk, &iam, &name.arn).await?;
        let number = name.number_in(&found.row)?;
        iam.change(&found, |policy| {
            policy.default_version = number;
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}

pub(crate) struct DeletePolicyVersion;

impl Operation for DeletePolicyVersion {
    type Request = VersionName;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<VersionName, KmsError> {
        VersionName::parse(input)
    }

    fn names(name: &VersionName) -> IamResource {
        name.resource()
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        name: &'a VersionName,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        let found = changeable(desk, &iam, &name.arn).await?;
        let number = name.number_in(&found.row)?;
        if number == found.row.default_version {
            let text = "Cannot delete the default version of a policy.".to_owned();
            return Err(KmsError::Iam(IamError::DeleteConflict(text)));
        }
        iam.change(&found, |policy| {
            policy.versions.remove(&number);
            Ok(())
        })
        .await?;
        Ok(Empty)
    }
}
