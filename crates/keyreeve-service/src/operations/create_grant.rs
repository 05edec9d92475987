//! `CreateGrant`: lets a principal use a key, beside the key policy.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html>

use keyreeve_model::arn::KeyRef;
use keyreeve_model::error::{Invalid, KmsError};
use keyreeve_model::grant::{Grant, GrantConstraints, GrantOperation};
use keyreeve_model::grantable::grantable;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_model::key_spec::KeyClass;
use serde::Serialize;

use super::{grant_constraints, grant_tokens};
use crate::desk::Desk;
use crate::input::shape::{Member, Structure};
use crate::input::{Input, shapes};
use crate::key_access::{AuthorizedKey, GrantId, GrantPrincipal, KeyName};
use crate::operation::{DryRun, Operation};

pub(crate) static INPUT: Structure = Structure {
    members: &[
        Member::required("KeyId", &shapes::KEY_ID),
        Member::optional("GranteePrincipal", &shapes::PRINCIPAL_ID),
        Member::optional("RetiringPrincipal", &shapes::PRINCIPAL_ID),
        Member::required("Operations", &shapes::GRANT_OPERATIONS),
        Member::optional("Constraints", &shapes::GRANT_CONSTRAINTS),
        Member::optional("GrantTokens", &shapes::GRANT_TOKENS),
        Member::optional("Name", &shapes::GRANT_NAME),
        Member::optional("DryRun", &shapes::BOOLEAN),
        Member::optional("GranteeServicePrincipal", &shapes::SERVICE_PRINCIPAL),
        Member::optional("RetiringServicePrincipal", &shapes::SERVICE_PRINCIPAL),
    ],
};

pub(crate) struct CreateGrant;

pub(crate) struct Request {
    key: KeyRef,
    name: Option<String>,
    grantee: GrantPrincipal,
    retiring: Option<GrantPrincipal>,
    /// Not empty, without duplicates.
    operations: Vec<GrantOperation>,
    constraints: GrantConstraints,
    dry_run: DryRun,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    grant_token: String,
    grant_id: String,
}

impl Operation for CreateGrant {
    type Request = Request;
    type Proof = AuthorizedKey<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Request, KmsError> {
        grant_tokens::check(input, desk)?;
        let operations = parse_operations(input)?;
        let constraints = grant_constraints::parse(input)?;
        let (grantee, retiring) = parse_principals(input, &constraints)?;
        Ok(Request {
            name: input.text("Name"),
            grantee,
            retiring,
            operations,
            constraints,
            dry_run: DryRun(input.flag("DryRun")),
            key: input.required_key_ref("KeyId")?,
        })
    }

    fn names(request: &Request) -> KeyName {
        KeyName::Ref(request.key.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Request,
        key: AuthorizedKey<Self>,
    ) -> Result<Reply, KmsError> {
        let passing = key.passing(&request.operations, &request.constraints)?;
        request.check_key(key.record())?;
        let grant = request.grant(desk).await?;
        let grant_id = key.create_grant(desk, grant, passing, request.dry_run).await?;
        Ok(Reply { grant_token: desk.service.keys.grant_token(key.arn(), &grant_id)?, grant_id })
    }
}

fn parse_operations(input: &mut Input<'_>) -> Result<Vec<GrantOperation>, KmsError> {
    let mut operations = Vec::new();
    for operation in input.texts("Operations").iter().filter_map(|name| GrantOperation::parse(name)) {
        if !operations.contains(&operation) {
            operations.push(operation);
        }
    }
    match operations.as_slice() {
        [] => Err(KmsError::Invalid(Invalid::GrantOfNothing)),
        [GrantOperation::CreateGrant] => Err(KmsError::Invalid(Invalid::GrantOfCreateGrantOnly)),
        _ => Ok(operations),
    }
}

/// The grantee and the retiring principal. A service acts for one resource, and somebody must be able to retire its grant.
fn parse_principals(
    input: &mut Input<'_>,
    constraints: &GrantConstraints,
) -> Result<(GrantPrincipal, Option<GrantPrincipal>), KmsError> {
    let grantee =
        GrantPrincipal::one_of(input.text("GranteePrincipal"), input.text("GranteeServicePrincipal"));
    let grantee = grantee.ok().flatten().ok_or(KmsError::Invalid(Invalid::GrantGrantee))?;
    let retiring =
        GrantPrincipal::one_of(input.text("RetiringPrincipal"), input.text("RetiringServicePrincipal"));
    let retiring = retiring.map_err(|_| KmsError::Invalid(Invalid::GrantRetirer))?;
    match (grantee.is_service(), &constraints.source_arn, &retiring) {
        (false, Some(_), _) => Err(KmsError::Invalid(Invalid::GrantSourceWithoutService)),
        (true, None, _) => Err(KmsError::Invalid(Invalid::GrantServiceWithoutSource)),
        (true, Some(_), None) => Err(KmsError::Invalid(Invalid::GrantServiceWithoutRetirer)),
        (true, Some(_), Some(_)) | (false, None, _) => Ok((grantee, retiring)),
    }
}

impl Request {
    /// Whether the key can do what the grant permits, and has a context to constrain.
    fn check_key(&self, key: &KeyRecord) -> Result<(), KmsError> {
        let (class, usage) = (key.spec.row().class, key.usage);
        let valid = grantable(class, usage);
        if self.operations.iter().any(|operation| !valid.contains(operation)) {
            let asked = self.operations.clone();
            return Err(KmsError::Invalid(Invalid::GrantOperations { asked, class, usage }));
        }
        let context = self.constraints.equals.is_some() || self.constraints.subset.is_some();
        if context && class != KeyClass::Symmetric {
            return Err(KmsError::Invalid(Invalid::GrantContextKind));
        }
        Ok(())
    }

    /// The grant, with the unique ids that its principals have now.
    async fn grant(&self, desk: &Desk<'_>) -> Result<Grant, KmsError> {
        Ok(Grant {
            id: GrantId::fresh()?.into_text(),
            name: self.name.clone(),
            grantee: self.grantee.as_str().to_owned(),
            grantee_id: self.grantee.unique_id(desk).await?,
            grantee_service: self.grantee.is_service(),
            retiring: self.retiring.as_ref().map(|retiring| retiring.as_str().to_owned()),
            retiring_id: match &self.retiring {
                Some(retiring) => retiring.unique_id(desk).await?,
                None => None,
            },
            operations: self.operations.clone(),
            constraints: self.constraints.clone(),
            issuing_account: desk.caller.account(),
            created: desk.now,
        })
    }
}
