//! `userIdentity`: who asked, in CloudTrail's forms.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>

use keyreeve_model::region::AccountId;
use keyreeve_policy::principal::{Principal, RoleSession, WebIdentity};
use serde::Serialize;

use crate::caller::Caller;

/// The element.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserIdentity<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_context: Option<SessionContext<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_provider: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invoked_by: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionContext<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    session_issuer: Option<SessionIssuer<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    web_id_federation_data: Option<WebIdFederationData<'a>>,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_identity: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionIssuer<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    principal_id: &'a str,
    arn: &'a str,
    account_id: AccountId,
    user_name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WebIdFederationData<'a> {
    federated_provider: &'a str,
    attributes: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    creation_date: String,
    /// Keyreeve has no multi-factor authentication.
    mfa_authenticated: &'static str,
}

/// What CloudTrail calls its own services.
pub(super) const INTERNAL: &str = "AWS Internal";

/// The service that keeps the Regions of multi-Region keys in step.
pub(super) const MULTI_REGION_SERVICE: &str = "mrk.kms.amazonaws.com";
/// Its service-linked role.
/// AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-auth-slr.html>
const MULTI_REGION_ROLE: &str = "AWSServiceRoleForKeyManagementServiceMultiRegionKeys";

impl<'a> UserIdentity<'a> {
    /// A caller, as its own account sees it.
    pub(super) fn of(caller: &'a Caller, web_identity: Option<&'a WebIdentity>) -> Self {
        let mut identity = match (&caller.principal, web_identity) {
            (_, Some(web)) => Self::of_web_identity(web),
            (Principal::Root(account), None) => {
                Self::typed("Root").named(account.to_string(), &caller.principal)
            }
            (Principal::User(user), None) => Self {
                user_name: Some(&user.name),
                ..Self::typed("IAMUser").named(user.id.to_string(), &caller.principal)
            },
            (Principal::Session(session), None) => {
                let id = format!("{}:{}", session.role_id, session.name);
                Self::typed("AssumedRole").named(id, &caller.principal)
            }
            (Principal::Service(service), None) => {
                return Self { invoked_by: Some(&service.name), ..Self::typed("AWSService") };
            }
            (Principal::Federated(web), None) => Self::of_web_identity(web),
            (Principal::Operator(uid), None) => {
                Self::typed("Operator").named(format!("uid:{uid}"), &caller.principal)
            }
        };
        identity.account_id = caller.principal.account();
        identity.access_key_id = caller.access_key_id.as_deref();
        identity.session_context = session_context(caller);
        identity.invoked_by =
            caller.forwarding.as_deref().filter(|f| f.on_behalf).map(|forwarding| &*forwarding.service);
        identity
    }

    /// A caller, as the account of a key sees somebody of another account.
    pub(super) fn of_stranger(caller: &'a Caller) -> Self {
        Self {
            principal_id: Some(caller.principal.user_id().into_owned()),
            account_id: caller.principal.account(),
            ..Self::typed("AWSAccount")
        }
    }

    /// Keyreeve itself, in an account.
    pub(super) fn internal(account: AccountId) -> Self {
        Self { account_id: Some(account), invoked_by: Some(INTERNAL), ..Self::default() }
    }

    /// The service-linked role of multi-Region keys, in an account.
    pub(super) fn multi_region_role(account: AccountId) -> Self {
        Self {
            // Regions write this whether or not the role's row is there: its name stands for its unique id.
            principal_id: Some(format!("{MULTI_REGION_ROLE}:{MULTI_REGION_SERVICE}")),
            arn: Some(format!(
                "arn:aws:sts::{account}:assumed-role/{MULTI_REGION_ROLE}/{MULTI_REGION_SERVICE}"
            )),
            account_id: Some(account),
            invoked_by: Some(MULTI_REGION_SERVICE),
            ..Self::typed("AssumedRole")
        }
    }

    fn typed(kind: &'static str) -> Self {
        Self { kind: Some(kind), ..Self::default() }
    }

    fn named(self, principal_id: String, principal: &Principal) -> Self {
        Self { principal_id: Some(principal_id), arn: Some(principal.to_string()), ..self }
    }

    fn of_web_identity(web: &'a WebIdentity) -> Self {
        if web.provider.is_empty() {
            return Self::typed("Unknown");
        }
        Self {
            principal_id: Some(format!("{}:{}", web.provider, web.subject)),
            user_name: Some(&web.subject),
            identity_provider: Some(&web.provider),
            ..Self::typed("WebIdentityUser")
        }
    }
}

fn session_context(caller: &Caller) -> Option<SessionContext<'_>> {
    let session = caller.session.as_deref()?;
    let issuer = match &caller.principal {
        Principal::Session(role) => Some(issuer(role)),
        Principal::Root(_)
        | Principal::User(_)
        | Principal::Service(_)
        | Principal::Federated(_)
        | Principal::Operator(_) => None,
    };
    Some(SessionContext {
        session_issuer: issuer,
        web_id_federation_data: session.federated_provider.as_deref().map(|federated_provider| {
            WebIdFederationData { federated_provider, attributes: serde_json::Map::new() }
        }),
        attributes: Attributes { creation_date: session.issued.to_iso_8601(), mfa_authenticated: "false" },
        source_identity: session.source_identity.as_deref(),
    })
}

fn issuer(role: &RoleSession) -> SessionIssuer<'_> {
    SessionIssuer {
        kind: "Role",
        principal_id: &role.role_id,
        arn: &role.role_arn,
        account_id: role.account,
        user_name: &role.role_name,
    }
}
