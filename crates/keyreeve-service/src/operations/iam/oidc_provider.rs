//! OpenID Connect providers: create, get, list, delete, their client ids and thumbprints. Tags are in `oidc_tags.rs`.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use serde::Serialize;

use super::shapes;
use super::tags::{self, Tag};
use crate::desk::Desk;
use crate::identity::oidc_provider::{CLIENT_IDS_MAX, PROVIDERS_MAX, THUMBPRINTS_MAX, name_of_url};
use crate::identity::{AccountIam, AuthorizedIam, Found, IamResource, OIDC_PROVIDER, OidcProvider};
use crate::input::Input;
use crate::input::shape::{Kind, Member, Structure};
use crate::operation::{Empty, Operation};
use crate::reply::IsoTime;

/// `clientIDType`.
static CLIENT_ID: Kind = Kind::Text { min: 1, max: 255, pattern: None };
static CLIENT_IDS: Kind = Kind::List { element: &CLIENT_ID, min: 0, max: usize::MAX };
/// `thumbprintType`.
static THUMBPRINT: Kind = Kind::Text { min: 40, max: 40, pattern: None };
static THUMBPRINTS: Kind = Kind::List { element: &THUMBPRINT, min: 0, max: usize::MAX };
/// `OpenIDConnectProviderUrlType`.
static URL: Kind = Kind::Text { min: 1, max: 255, pattern: None };

/// The provider of an ARN.
///
/// # Errors
/// NoSuchEntity; InvalidInput for what is no ARN of a provider.
pub(crate) async fn existing(iam: &AccountIam<'_>, arn: &str) -> Result<Found<OidcProvider>, KmsError> {
    if let Some(found) = iam.identity().oidc_provider(iam.account, arn).await? {
        return Ok(found);
    }
    Err(KmsError::Iam(if names_a_provider(arn) {
        IamError::NoSuchEntity(format!("OpenIDConnect Provider not found for arn {arn}"))
    } else {
        invalid_arn(arn)
    }))
}

fn names_a_provider(arn: &str) -> bool {
    let resource = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(':'));
    resource
        .and_then(|(_, resource)| resource.strip_prefix("oidc-provider/"))
        .is_some_and(|name| !name.is_empty())
}

fn invalid_arn(arn: &str) -> IamError {
    IamError::InvalidInput(format!("ARN {arn} is not valid."))
}

/// Changes one provider.
pub(crate) async fn change(
    iam: &AccountIam<'_>,
    arn: &str,
    change: impl FnOnce(&mut OidcProvider) -> Result<(), KmsError>,
) -> Result<Empty, KmsError> {
    let found = existing(iam, arn).await?;
    let mut row = found.row.clone();
    change(&mut row)?;
    if row != found.row {
        iam.commit(iam.draft_oidc_provider(iam.draft()?, Some(&found), &row)?).await?;
    }
    Ok(Empty)
}

/// Client ids in their order, each once.
///
/// # Errors
/// LimitExceeded.
fn client_ids(ids: Vec<String>) -> Result<Vec<String>, KmsError> {
    let mut distinct: Vec<String> = Vec::new();
    for id in ids {
        if distinct.contains(&id) {
            continue;
        }
        if distinct.len() == CLIENT_IDS_MAX {
            let text = format!("Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: {CLIENT_IDS_MAX}");
            return Err(KmsError::Iam(IamError::LimitExceeded(text)));
        }
        distinct.push(id);
    }
    Ok(distinct)
}

/// The thumbprints of a request; their length was checked with its shape.
///
/// # Errors
/// InvalidInput.
fn thumbprints(input: &mut Input<'_>) -> Result<Vec<String>, KmsError> {
    let thumbprints = input.texts("ThumbprintList");
    let invalid = |text: &str| Err(KmsError::Iam(IamError::InvalidInput(text.to_owned())));
    if thumbprints.len() > THUMBPRINTS_MAX {
        return invalid("Thumbprint list must contain fewer than 5 entries.");
    }
    if thumbprints.iter().any(|one| !one.bytes().all(|b| b.is_ascii_hexdigit())) {
        return invalid("Thumbprint must consist of hexadecimal digits.");
    }
    Ok(thumbprints)
}

pub(crate) static CREATE: Structure = Structure {
    members: &[
        Member::required("Url", &URL),
        Member::optional("ClientIDList", &CLIENT_IDS),
        Member::optional("ThumbprintList", &THUMBPRINTS),
        Member::optional("Tags", &shapes::TAGS),
    ],
};

pub(crate) struct CreateOpenIDConnectProvider;

#[derive(Debug, Serialize)]
pub(crate) struct CreateReply {
    #[serde(rename = "OpenIDConnectProviderArn")]
    arn: String,
    #[serde(rename = "Tags", skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

impl Operation for CreateOpenIDConnectProvider {
    type Request = OidcProvider;
    type Proof = AuthorizedIam<Self>;
    type Reply = CreateReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<OidcProvider, KmsError> {
        let url = input.required_text("Url")?;
        let Some(name) = name_of_url(&url) else {
            let text = "Invalid Open ID Connect Provider URL".to_owned();
            return Err(KmsError::Iam(IamError::ValidationError(text)));
        };
        Ok(OidcProvider {
            name: name.to_owned(),
            created: desk.now,
            client_ids: client_ids(input.texts("ClientIDList"))?,
            thumbprints: thumbprints(input)?,
            tags: tags::parse(input)?,
        })
    }

    fn names(provider: &OidcProvider) -> IamResource {
        IamResource::New { segment: OIDC_PROVIDER, path: "/".to_owned(), name: provider.name.clone() }
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        provider: &'a OidcProvider,
        proof: AuthorizedIam<Self>,
    ) -> Result<CreateReply, KmsError> {
        let iam = proof.open(desk);
        let known = iam.oidc_providers().await?;
        // Two that differ in letter case only would have one row.
        if known.iter().any(|known| known.name.eq_ignore_ascii_case(&provider.name)) {
            let text = format!("Provider with url https://{} already exists.", provider.name);
            return Err(KmsError::Iam(IamError::EntityAlreadyExists(text)));
        }
        if known.len() >= PROVIDERS_MAX {
            let text = format!("Cannot exceed quota for OpenIdConnectProvidersPerAccount: {PROVIDERS_MAX}");
            return Err(KmsError::Iam(IamError::LimitExceeded(text)));
        }
        iam.commit(iam.draft_oidc_provider(iam.draft()?, None, provider)?).await?;
        Ok(CreateReply { arn: provider.arn(iam.account), tags: tags::view(&provider.tags) })
    }
}

/// The input of an operation that takes nothing but the ARN of a provider.
pub(crate) static PROVIDER_ARN: Structure =
    Structure { members: &[Member::required("OpenIDConnectProviderArn", &shapes::ARN)] };

pub(crate) struct GetOpenIDConnectProvider;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GetReply {
    url: String,
    #[serde(rename = "ClientIDList")]
    client_ids: Vec<String>,
    thumbprint_list: Vec<String>,
    create_date: IsoTime,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Tag>,
}

impl Operation for GetOpenIDConnectProvider {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = GetReply;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        input.required_text("OpenIDConnectProviderArn")
    }

    fn names(arn: &String) -> IamResource {
        IamResource::Arn(arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        arn: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<GetReply, KmsError> {
        let iam = proof.open(desk);
        let provider = existing(&iam, arn).await?.row;
        Ok(GetReply {
            // AWS: without the scheme, other than in the request that made it.
            url: provider.name,
            client_ids: provider.client_ids,
            thumbprint_list: provider.thumbprints,
            create_date: IsoTime(provider.created),
            tags: tags::view(&provider.tags),
        })
    }
}

pub(crate) static LIST: Structure = Structure { members: &[] };

pub(crate) struct ListOpenIDConnectProviders;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    arn: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct ListReply {
    #[serde(rename = "OpenIDConnectProviderList")]
    providers: Vec<Entry>,
}

impl Operation for ListOpenIDConnectProviders {
    type Request = ();
    type Proof = AuthorizedIam<Self>;
    type Reply = ListReply;

    fn parse(_: &mut Input<'_>, _: &Desk<'_>) -> Result<(), KmsError> {
        Ok(())
    }

    fn names((): &()) -> IamResource {
        IamResource::Everything
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        (): &'a (),
        proof: AuthorizedIam<Self>,
    ) -> Result<ListReply, KmsError> {
        let iam = proof.open(desk);
        let providers = iam.oidc_providers().await?;
        let entries = providers.iter().map(|provider| Entry { arn: provider.arn(iam.account) });
        Ok(ListReply { providers: entries.collect() })
    }
}

pub(crate) struct DeleteOpenIDConnectProvider;

impl Operation for DeleteOpenIDConnectProvider {
    type Request = String;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<String, KmsError> {
        let arn = input.required_text("OpenIDConnectProviderArn")?;
        if names_a_provider(&arn) { Ok(arn) } else { Err(KmsError::Iam(invalid_arn(&arn))) }
    }

    fn names(arn: &String) -> IamResource {
        IamResource::Arn(arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        arn: &'a String,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        let iam = proof.open(desk);
        // AWS: a provider that is not there is no error.
        if let Some(found) = iam.identity().oidc_provider(iam.account, arn).await? {
            iam.commit(iam.draft_no_oidc_provider(iam.draft()?, &found)?).await?;
        }
        Ok(Empty)
    }
}

/// The input of AddClientID… and RemoveClientID….
pub(crate) static CLIENT: Structure = Structure {
    members: &[
        Member::required("OpenIDConnectProviderArn", &shapes::ARN),
        Member::required("ClientID", &CLIENT_ID),
    ],
};

pub(crate) struct ClientRequest {
    arn: String,
    client_id: String,
}

impl ClientRequest {
    fn parse(input: &mut Input<'_>) -> Result<Self, KmsError> {
        let arn = input.required_text("OpenIDConnectProviderArn")?;
        Ok(Self { arn, client_id: input.required_text("ClientID")? })
    }
}

pub(crate) struct AddClientIDToOpenIDConnectProvider;

impl Operation for AddClientIDToOpenIDConnectProvider {
    type Request = ClientRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<ClientRequest, KmsError> {
        ClientRequest::parse(input)
    }

    fn names(request: &ClientRequest) -> IamResource {
        IamResource::Arn(request.arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ClientRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        change(&proof.open(desk), &request.arn, |provider| {
            provider.client_ids.push(request.client_id.clone());
            provider.client_ids = client_ids(std::mem::take(&mut provider.client_ids))?;
            Ok(())
        })
        .await
    }
}

pub(crate) struct RemoveClientIDFromOpenIDConnectProvider;

impl Operation for RemoveClientIDFromOpenIDConnectProvider {
    type Request = ClientRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<ClientRequest, KmsError> {
        ClientRequest::parse(input)
    }

    fn names(request: &ClientRequest) -> IamResource {
        IamResource::Arn(request.arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ClientRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        change(&proof.open(desk), &request.arn, |provider| {
            provider.client_ids.retain(|known| *known != request.client_id);
            Ok(())
        })
        .await
    }
}

pub(crate) static UPDATE_THUMBPRINT: Structure = Structure {
    members: &[
        Member::required("OpenIDConnectProviderArn", &shapes::ARN),
        Member::required("ThumbprintList", &THUMBPRINTS),
    ],
};

pub(crate) struct ThumbprintRequest {
    arn: String,
    thumbprints: Vec<String>,
}

pub(crate) struct UpdateOpenIDConnectProviderThumbprint;

impl Operation for UpdateOpenIDConnectProviderThumbprint {
    type Request = ThumbprintRequest;
    type Proof = AuthorizedIam<Self>;
    type Reply = Empty;

    fn parse(input: &mut Input<'_>, _: &Desk<'_>) -> Result<ThumbprintRequest, KmsError> {
        let arn = input.required_text("OpenIDConnectProviderArn")?;
        Ok(ThumbprintRequest { arn, thumbprints: thumbprints(input)? })
    }

    fn names(request: &ThumbprintRequest) -> IamResource {
        IamResource::Arn(request.arn.clone())
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a ThumbprintRequest,
        proof: AuthorizedIam<Self>,
    ) -> Result<Empty, KmsError> {
        change(&proof.open(desk), &request.arn, |provider| {
            provider.thumbprints.clone_from(&request.thumbprints);
            Ok(())
        })
        .await
    }
}
