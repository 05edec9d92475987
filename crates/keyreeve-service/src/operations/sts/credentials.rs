//! Temporary credentials in answers; the secret is shown once.
//! AWS: <https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html>

use keyreeve_crypto::secret::SecretBytes;
use serde::{Serialize, Serializer};

use crate::identity::{AuthorizedRole, IssuedSession, session_arn};
use crate::reply::IsoTime;

/// `Credentials`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Credentials {
    access_key_id: String,
    #[serde(serialize_with = "shown_once")]
    secret_access_key: SecretBytes,
    session_token: String,
    expiration: IsoTime,
}

impl From<IssuedSession> for Credentials {
    fn from(issued: IssuedSession) -> Self {
        Self {
            access_key_id: issued.access_key_id,
            secret_access_key: issued.secret,
            session_token: issued.token,
            expiration: IsoTime(issued.expires),
        }
    }
}

fn shown_once<S: Serializer>(secret: &SecretBytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(std::str::from_utf8(secret.expose_secret()).unwrap_or_default())
}

/// `AssumedRoleUser`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AssumedRoleUser {
    assumed_role_id: String,
    arn: String,
}

impl AssumedRoleUser {
    /// The session of this name of a role that may be assumed.
    pub(super) fn new<O>(proof: &AuthorizedRole<O>, session: &str) -> Self {
        let naming = &proof.role.naming;
        Self {
            assumed_role_id: format!("{}:{session}", naming.id),
            arn: session_arn(proof.account, &naming.name, session),
        }
    }
}
