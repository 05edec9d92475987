//! Where to send requests and as whom: found where every AWS tool finds it.
//! AWS: <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>

mod credentials;
mod endpoint;
mod environment;
mod profile;

use std::path::PathBuf;

use keyreeve_http::{AuthoritiesError, Url, UrlFault};
use keyreeve_model::region::is_region_name;

pub use credentials::Credentials;
pub use environment::Environment;
use profile::Profiles;

/// What the command line says; it wins over everything else.
#[derive(Debug, Clone, Default)]
pub struct Chosen {
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// `--profile`; its credentials then win over those of the environment.
    pub profile: Option<String>,
}

/// Where and as whom.
#[derive(Debug)]
pub struct Settings {
    /// Where requests go.
    pub endpoint: Url,
    /// The Region of their signatures.
    pub region: String,
    /// Who signs.
    pub credentials: Credentials,
    /// Authorities that are believed in place of those of the system (PEM).
    pub ca_bundle: Option<PathBuf>,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Nobody to sign as.
    #[error(
        "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or put aws_access_key_id and \
         aws_secret_access_key into the profile `{profile}` of {}. Those of a container, of an instance or of a web identity \
         the AWS CLI fetches:\n  eval \"$(aws configure export-credentials --format env)\"", .file.display()
    )]
    NoCredentials {
        /// The profile that was looked at.
        profile: String,
        /// The file of credentials.
        file: PathBuf,
    },
    /// An access key without its secret, or the other way round.
    #[error("half a credential: {present} is set and {absent} is not")]
    Half {
        /// What is there.
        present: String,
        /// What is not.
        absent: String,
    },
    /// The profile gets its credentials in a way that this client does not go.
    #[error(
        "the profile `{profile}` gets its credentials by {by}; let the AWS CLI fetch them and run this again:\n  \
         eval \"$(aws configure export-credentials --profile {profile} --format env)\""
    )]
    Elsewhere {
        /// The profile.
        profile: String,
        /// The setting that says so.
        by: &'static str,
    },
    /// The secret is too long or empty.
    #[error("the secret access key from {0} cannot be one: it has 1 to 128 bytes")]
    Secret(String),
    /// The profile is in neither file.
    #[error("there is no profile `{profile}` in {} or {}", .credentials.display(), .config.display())]
    NoProfile {
        /// The profile.
        profile: String,
        /// The file of credentials.
        credentials: PathBuf,
        /// The file of settings.
        config: PathBuf,
    },
    /// No Region, or no name of one.
    #[error("no Region: set AWS_REGION, or give --region, such as eu-central-1")]
    NoRegion,
    /// Not the name of a Region.
    #[error("`{0}` is no name of a Region; one is like eu-central-1")]
    Region(String),
    /// The endpoint's URL cannot be asked.
    #[error("the endpoint {url} (from {from}): {fault}")]
    Endpoint {
        /// What was set.
        url: String,
        /// Where it was set.
        from: String,
        /// What is wrong with it. Without TLS nobody knows who answers, and what answers may replace ciphertext.
        fault: UrlFault,
    },
    /// A file of settings cannot be read.
    #[error("cannot read {}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of authorities.
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
    /// No runtime for sockets.
    #[error("the system gives no more resources: {0}")]
    Runtime(std::io::Error),
}

impl Settings {
    /// Finds the settings. `key` is what the command is about: the Region of its ARN serves where none is set.
    ///
    /// # Errors
    /// [`SettingsError`], which says what to set.
    pub fn find(
        chosen: &Chosen,
        environment: &Environment<'_>,
        key: Option<&str>,
    ) -> Result<Self, SettingsError> {
        let profiles = Profiles::read(chosen.profile.as_deref(), environment)?;
        let credentials = Credentials::find(chosen.profile.is_some(), environment, &profiles)?;
        let region = region(chosen, environment, &profiles, key)?;
        let endpoint = endpoint::find(chosen.endpoint_url.as_deref(), environment, &profiles, &region)?;
        let ca_bundle =
            environment.get("AWS_CA_BUNDLE").or_else(|| profiles.get("ca_bundle").map(str::to_owned));
        Ok(Self { endpoint, region, credentials, ca_bundle: ca_bundle.map(PathBuf::from) })
    }
}

fn region(
    chosen: &Chosen,
    environment: &Environment<'_>,
    profiles: &Profiles,
    key: Option<&str>,
) -> Result<String, SettingsError> {
    let of_arn = || key?.strip_prefix("arn:")?.split(':').nth(2).map(str::to_owned);
    let found = chosen
        .region
        .clone()
        .or_else(|| environment.get("AWS_REGION"))
        .or_else(|| environment.get("AWS_DEFAULT_REGION"))
        .or_else(|| profiles.get("region").map(str::to_owned))
        .or_else(of_arn)
        .ok_or(SettingsError::NoRegion)?;
    if is_region_name(&found) { Ok(found) } else { Err(SettingsError::Region(found)) }
}

#[cfg(test)]
mod tests;
