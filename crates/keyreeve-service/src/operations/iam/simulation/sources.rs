//! The policies of a simulation and where they come from: those of a user, group or role, and those that the request
//! brings along.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Statement.html>

use std::collections::BTreeMap;
use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_policy::principal::{Principal, User as UserPrincipal};

use crate::identity::{
    AccountIam, Attachments, Entity, Group, Naming, PolicyHolder, Role, User, session_principal,
};
use crate::input::Input;

/// A policy with its origin.
#[derive(Debug, Clone)]
pub(super) struct Sourced {
    /// `SourcePolicyId`.
    pub(super) id: String,
    /// `SourcePolicyType`.
    pub(super) kind: &'static str,
    /// ARN of a managed policy.
    arn: Option<String>,
    /// Name of the user, group or role that an inline policy is in.
    holder: Option<String>,
    pub(super) document: String,
}

impl Sourced {
    /// The policies of a list of the request: `PolicyInputList.1` and so on.
    pub(super) fn inputs(list: &str, documents: Vec<String>) -> Vec<Self> {
        let numbered = documents.into_iter().enumerate();
        numbered
            .map(|(index, document)| Self::input(format!("{list}.{}", index + 1), "none", document))
            .collect()
    }

    /// A policy of the request.
    pub(super) const fn input(id: String, kind: &'static str, document: String) -> Self {
        Self { id, kind, arn: None, holder: None, document }
    }
}

/// The user, group or role whose policies are simulated.
#[derive(Debug)]
pub(super) struct Holder {
    /// Who asks, unless the request names another caller.
    pub(super) principal: Principal,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) identity: Vec<Sourced>,
    pub(super) boundary: Option<Sourced>,
    /// The guard of the account.
    pub(super) guard: Option<Sourced>,
}

/// What an ARN of a user, group or role says.
#[derive(Debug, Clone, Copy)]
enum Kind {
    User,
    Group,
    Role,
}

/// Kind and name in the ARN of a user, group or role; `None` for any other text. Whether its account and path are
/// right is seen when it is looked up.
fn kind_and_name(arn: &str) -> Option<(Kind, &str)> {
    let (_, resource) = arn.strip_prefix("arn:aws:iam::")?.split_once(':')?;
    let (segment, rest) = resource.split_once('/')?;
    let kind = match segment {
        "user" => Kind::User,
        "group" => Kind::Group,
        "role" => Kind::Role,
        _ => return None,
    };
    let name = rest.rsplit('/').next().unwrap_or(rest);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (!name.is_empty() && name.len() <= 128 && name.bytes().all(plain)).then_some((kind, name))
}

/// An ARN that no entity can have.
pub(super) fn invalid_entity(arn: &str) -> KmsError {
    let text = format!("Invalid Entity Arn: {arn} does not clearly define entity type and name.");
    KmsError::Iam(IamError::InvalidInput(text))
}

/// The source of a request's policies: its ARN, checked to be one.
///
/// # Errors
/// InvalidInput.
pub(super) fn source_arn(input: &mut Input<'_>) -> Result<String, KmsError> {
    let arn = input.required_text("PolicySourceArn")?;
    if kind_and_name(&arn).is_some() { Ok(arn) } else { Err(invalid_entity(&arn)) }
}

/// The session that a role is simulated as.
const SESSION: &str = "simulation";

/// The holder of an ARN with everything that policies say about it.
///
/// # Errors
/// NoSuchEntity.
pub(super) async fn holder(iam: &AccountIam<'_>, arn: &str) -> Result<Holder, KmsError> {
    let (kind, name) = kind_and_name(arn).ok_or_else(|| invalid_entity(arn))?;
    let mut holder = match kind {
        Kind::User => user(iam, arn, name).await?,
        Kind::Group => {
            let group = exactly::<Group>(iam, arn, name).await?;
            let principal = user_principal(iam, arn, group.naming());
            collect(iam, &group, "group", principal).await?
        }
        Kind::Role => {
            let role = exactly::<Role>(iam, arn, name).await?;
            let principal = session_principal(iam.account, &role, SESSION);
            collect(iam, &role, "role", principal).await?
        }
    };
    let account = iam.identity().account(iam.account).await?;
    let guard = account.and_then(|account| account.value.guard);
    holder.guard = guard.map(|document| Sourced::input("account guard".to_owned(), "none", document));
    Ok(holder)
}

async fn user(iam: &AccountIam<'_>, arn: &str, name: &str) -> Result<Holder, KmsError> {
    let user = exactly::<User>(iam, arn, name).await?;
    let principal = user_principal(iam, arn, user.naming());
    let mut holder = collect(iam, &user, "user", principal).await?;
    for name in &user.groups {
        if let Some(group) = iam.look::<Group>(name).await? {
            holder.identity.extend(policies(iam, &group.row, "group").await?);
        }
    }
    Ok(holder)
}

async fn exactly<E: Entity>(iam: &AccountIam<'_>, arn: &str, name: &str) -> Result<E, KmsError> {
    let found = iam.look::<E>(name).await?.map(|found| found.row);
    found.filter(|row| row.arn(iam.account) == arn).ok_or_else(|| E::NOUN.missing(name))
}

fn user_principal(iam: &AccountIam<'_>, arn: &str, naming: &Naming) -> Principal {
    Principal::User(Arc::new(UserPrincipal {
        account: iam.account,
        arn: arn.into(),
        name: naming.name.as_str().into(),
        id: naming.id.as_str().into(),
    }))
}

async fn collect<E: PolicyHolder>(
    iam: &AccountIam<'_>,
    row: &E,
    kind: &'static str,
    principal: Principal,
) -> Result<Holder, KmsError> {
    let boundary = match &row.attachments().boundary {
        Some(arn) => Some(managed(iam, arn).await?.ok_or(KmsError::Internal)?),
        None => None,
    };
    let identity = policies(iam, row, kind).await?;
    Ok(Holder { principal, tags: row.naming().tags.clone(), identity, boundary, guard: None })
}

async fn policies<E: PolicyHolder>(
    iam: &AccountIam<'_>,
    row: &E,
    kind: &'static str,
) -> Result<Vec<Sourced>, KmsError> {
    let Attachments { inline, managed: arns, .. } = row.attachments();
    let holder = &row.naming().name;
    let inline = inline.iter().map(|(name, document)| Sourced {
        id: name.clone(),
        kind,
        arn: None,
        holder: Some(holder.clone()),
        document: document.clone(),
    });
    let mut policies: Vec<Sourced> = inline.collect();
    for arn in arns {
        policies.extend(managed(iam, arn).await?);
    }
    Ok(policies)
}

async fn managed(iam: &AccountIam<'_>, arn: &str) -> Result<Option<Sourced>, KmsError> {
    let policy = iam.policy_of(arn).await?;
    let document = policy.as_ref().and_then(|policy| policy.document());
    let kind = if arn.starts_with("arn:aws:iam::aws:") { "aws-managed" } else { "user-managed" };
    Ok(document.map(|document| Sourced {
        id: arn.rsplit('/').next().unwrap_or(arn).to_owned(),
        kind,
        arn: Some(arn.to_owned()),
        holder: None,
        document: document.to_owned(),
    }))
}

/// Policies of the holder that are left out.
#[derive(Debug)]
pub(super) enum Exclusion {
    Managed(String),
    /// Every policy of a type: `inline`, `aws-managed`, `user-managed`, `permission-boundary`, `scp`, `rcp`.
    Type(String),
    Inline {
        name: String,
        kind: String,
        holder: String,
    },
}

impl Exclusion {
    /// From `PolicyExclusionList`.
    pub(super) fn parse(input: &mut Input<'_>) -> Result<Vec<Self>, KmsError> {
        let one = |mut one: Input<'_>| -> Result<Self, KmsError> {
            let inline = match one.structure("InlinePolicyIdentifier") {
                Some(mut inline) => Some(Self::Inline {
                    name: inline.required_text("PolicyName")?,
                    kind: inline.required_text("AttachmentType")?,
                    holder: inline.required_text("AttachmentName")?,
                }),
                None => None,
            };
            let (arn, of_type) = (one.text("PolicyArn"), one.text("PolicyType"));
            match (arn, of_type, inline) {
                (Some(arn), None, None) => Ok(Self::Managed(arn)),
                (None, Some(name), None) => Ok(Self::Type(name)),
                (None, None, Some(inline)) => Ok(inline),
                _ => Err(KmsError::Iam(IamError::InvalidInput(
                    "A policy to exclude is named by exactly one of PolicyArn, PolicyType and InlinePolicyIdentifier."
                        .to_owned(),
                ))),
            }
        };
        input.structures("PolicyExclusionList").into_iter().map(one).collect()
    }

    fn covers(&self, policy: &Sourced) -> bool {
        match self {
            Self::Managed(arn) => policy.arn.as_ref() == Some(arn),
            Self::Type(name) if name == "inline" => policy.holder.is_some(),
            Self::Type(name) => name == policy.kind,
            Self::Inline { name, kind, holder } => {
                policy.holder.as_ref() == Some(holder) && policy.kind == kind && policy.id == *name
            }
        }
    }

    fn is_of_type(&self, of_type: &str) -> bool {
        matches!(self, Self::Type(name) if name == of_type)
    }
}

impl Holder {
    /// Leaves out what is excluded.
    pub(super) fn without(mut self, exclusions: &[Exclusion]) -> Self {
        self.identity.retain(|policy| !exclusions.iter().any(|exclusion| exclusion.covers(policy)));
        if exclusions.iter().any(|exclusion| exclusion.is_of_type("permission-boundary")) {
            self.boundary = None;
        }
        if exclusions.iter().any(|exclusion| exclusion.is_of_type("scp")) {
            self.guard = None;
        }
        self
    }
}
