//! Who calls, as a door found out.

use std::net::IpAddr;
use std::sync::Arc;

use keyreeve_model::region::{AccountId, Region};
pub use keyreeve_policy::principal::{Principal, WebIdentity};
use serde::Serialize;
use uuid::Uuid;

use crate::identity::{Profile, Session};

/// An authenticated caller of one request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The principal.
    pub principal: Principal,
    /// What policies of IAM say about it.
    pub profile: Arc<Profile>,
    /// Id of the access key that signed.
    pub access_key_id: Option<Box<str>>,
    /// The temporary credentials that signed, if they were temporary.
    pub session: Option<Arc<Session>>,
    /// Region that the request was signed for.
    pub region: Region,
    /// Id of the request; stands in the answer and in the audit record.
    pub request_id: Uuid,
    /// Where the request came from.
    pub connection: Connection,
    /// The service that asks on behalf of the principal.
    pub forwarding: Option<Arc<Forwarding>>,
}

/// What is known of the way on which a request came; conditions and audit records ask for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Connection {
    /// Where it came from: the peer, or whom a trusted proxy names. `None` on a Unix socket, and where a trusted
    /// proxy's word makes no sense.
    pub source_ip: Option<IpAddr>,
    /// Whether it came over TLS that ended here.
    pub secure: bool,
    /// How TLS that ended here was spoken.
    pub tls: Option<TlsDetails>,
    /// The `User-Agent` header.
    pub user_agent: Option<Box<str>>,
    /// The `Referer` header.
    pub referer: Option<Box<str>>,
}

/// `tlsDetails` of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TlsDetails {
    /// `TLSv1.3`.
    pub tls_version: &'static str,
    /// `TLS_AES_256_GCM_SHA384`.
    pub cipher_suite: String,
    /// The `Host` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_provided_host_header: Option<String>,
}

/// A registered service that speaks for somebody, or for a resource of somebody's.
#[derive(Debug, Clone)]
pub struct Forwarding {
    /// `s3.eu-central-1.amazonaws.com`.
    pub service: Box<str>,
    /// Whether the principal is the one that the service speaks for; else the service acts as itself.
    pub on_behalf: bool,
    /// ARN of the resource for which the service asks.
    pub source_arn: Option<Box<str>>,
    /// Account of that resource.
    pub source_account: Option<AccountId>,
}

impl Caller {
    /// A caller with what IAM says about it, on no connection.
    pub const fn new(principal: Principal, profile: Arc<Profile>, region: Region, request_id: Uuid) -> Self {
        let connection =
            Connection { source_ip: None, secure: false, tls: None, user_agent: None, referer: None };
        let (access_key_id, session, forwarding) = (None, None, None);
        Self { principal, profile, access_key_id, session, region, request_id, connection, forwarding }
    }

    /// A caller about whom IAM says nothing, on no connection: operators, whoever did not sign, tests.
    pub fn bare(principal: Principal, region: Region, request_id: Uuid) -> Self {
        let profile = Arc::new(Profile::bare(Some(principal.clone())));
        Self::new(principal, profile, region, request_id)
    }

    /// The account whose keys and aliases the caller names without an ARN.
    pub fn account(&self) -> AccountId {
        self.principal.account().unwrap_or(AccountId::ZERO)
    }
}
