//! An access key: from the environment, or from a profile.

use std::fmt;

use keyreeve_sigv4::SecretAccessKey;
use zeroize::Zeroizing;

use super::SettingsError;
use super::environment::Environment;
use super::profile::Profiles;

/// Who signs. The secret and the session token are zeroised and never printed.
pub struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret: SecretAccessKey,
    pub(crate) session_token: Option<Zeroizing<String>>,
}

/// Settings of a profile that say where its credentials come from, that this client does not follow, and that win over
/// keys which stand beside them: those are then of somebody else, such as who may assume the role.
/// AWS: the order of providers in `credentials.py` of botocore.
const INSTEAD_OF_KEYS: &[&str] = &["role_arn", "web_identity_token_file", "sso_session", "sso_start_url"];

/// The same, of settings that count where there are no keys.
const WITHOUT_KEYS: &[&str] = &["login_session", "credential_process"];

impl Credentials {
    /// Those of the environment, unless the command line names a profile; or else those of the profile.
    pub(super) fn find(
        profile_first: bool,
        environment: &Environment<'_>,
        profiles: &Profiles,
    ) -> Result<Self, SettingsError> {
        let variable = |name| environment.get(name).map(Zeroizing::new);
        let of_profile = |name| profiles.get(name).map(|value| Zeroizing::new(value.to_owned()));
        if !profile_first {
            let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
            if let Some(found) = Self::of(names, &variable, "the environment")? {
                return Ok(found);
            }
        }
        let elsewhere = |settings: &[&'static str]| {
            let by = settings.iter().find(|name| profiles.get(name).is_some());
            by.map_or(Ok(()), |by| Err(SettingsError::Elsewhere { profile: profiles.name.clone(), by }))
        };
        elsewhere(INSTEAD_OF_KEYS)?;
        let names = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
        if let Some(found) = Self::of(names, &of_profile, &format!("the profile `{}`", profiles.name))? {
            return Ok(found);
        }
        elsewhere(WITHOUT_KEYS)?;
        let (profile, file) = (profiles.name.clone(), profiles.credentials_file.clone());
        Err(SettingsError::NoCredentials { profile, file })
    }

    fn of(
        names: [&'static str; 3],
        get: &dyn Fn(&'static str) -> Option<Zeroizing<String>>,
        place: &str,
    ) -> Result<Option<Self>, SettingsError> {
        let [id, secret, token] = names;
        let half = |present, absent: &str| SettingsError::Half {
            present: format!("{present} of {place}"),
            absent: absent.to_owned(),
        };
        match (get(id), get(secret)) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(half(id, secret)),
            (None, Some(_)) => Err(half(secret, id)),
            (Some(access_key_id), Some(secret)) => {
                let secret = SecretAccessKey::new(secret.as_bytes());
                let secret = secret.map_err(|_| SettingsError::Secret(place.to_owned()))?;
                let access_key_id = access_key_id.as_str().to_owned();
                Ok(Some(Self { access_key_id, secret, session_token: get(token) }))
            }
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
