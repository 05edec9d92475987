//! The condition keys that policies ask for: GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetContextKeysForPrincipalPolicy.html>

use keyreeve_model::error::KmsError;
use keyreeve_policy::policy::{Grammar, Policy};
use serde::Serialize;

use super::evaluation::{invalid, keys_of};
use super::sources::{holder, source_arn};
use super::{POLICIES, shapes};
use crate::desk::Desk;
use crate::identity::{AuthorizedIam, IamResource};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::Operation;

pub(crate) static CUSTOM_KEYS: Structure =
    Structure { members: &[Member::required("PolicyInputList", &POLICIES)] };

pub(crate) static PRINCIPAL_KEYS: Structure = Structure {
    members: &[
        Member::required("PolicySourceArn", &shapes::ARN),
        Member::optional("PolicyInputList", &POLICIES),
    ],
};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reply {
    context_key_names: Vec<String>,
}

/// The policies of the request: of identities or of resources.
///
/// # Errors
/// InvalidInput.
fn policies(input: &mut Input<'_>) -> Result<Vec<String>, KmsError> {
    let documents = input.texts("PolicyInputList");
    for (index, document) in documents.iter().enumerate() {
        if let Err(fault) = Policy::parse(document, Grammar::Identity)
            && Policy::parse(document, Grammar::KeyPolicy).is_err()
        {
            return Err(invalid(&format!("PolicyInputList.{}: {fault}", index + 1)));
        }
    }
    Ok(documents)
}

pub(crate) struct GetContextKeysForCustomPolicy;

impl Operation for GetContextKeysForCustomPolicy {
    type Request = Vec<String>;
    type Proof = AuthorizedIam<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<Vec<String>, KmsError> {
        policies(input)
    }

    fn names(_: &Vec<String>) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        _: &'a Desk<'a>,
        documents: &'a Vec<String>,
        _: AuthorizedIam<Self>,
    ) -> Result<Reply, KmsError> {
        Ok(Reply { context_key_names: keys_of(documents.iter().map(String::as_str)) })
    }
}

pub(crate) struct PrincipalRequest {
    source: String,
    documents: Vec<String>,
}

pub(crate) struct GetContextKeysForPrincipalPolicy;

impl Operation for GetContextKeysForPrincipalPolicy {
    type Request = PrincipalRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Reply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<PrincipalRequest, KmsError> {
        Ok(PrincipalRequest { source: source_arn(input)?, documents: policies(input)? })
    }

    fn names(request: &PrincipalRequest) -> IamResource {
        IamResource::Arn(request.source.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a PrincipalRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Reply, KmsError> {
        let holder = holder(&proof.open(desk), &request.source).await?;
        let own = holder.identity.iter().map(|policy| policy.document.as_str());
        let documents = own.chain(request.documents.iter().map(String::as_str));
        Ok(Reply { context_key_names: keys_of(documents) })
    }
}
