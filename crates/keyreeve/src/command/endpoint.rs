//! What every command that speaks to a KMS as its clients do shares: which endpoint, and as whom.

use clap::Args;
use keyreeve_client::{Chosen, Environment, Kms, Settings};

use super::Failure;

/// Which KMS: an endpoint of Keyreeve, or AWS KMS itself. What is not given here comes from where every AWS tool finds it:
/// AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
/// AWS_PROFILE, AWS_CA_BUNDLE, ~/.aws/config and ~/.aws/credentials.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which KMS")]
pub(crate) struct Endpoint {
    /// URL of the KMS; without one that is set anywhere, AWS's own of the Region. Plain http only to this machine.
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// Region; by default AWS_REGION, the profile's, or the one in the key's ARN.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Profile of ~/.aws/config and ~/.aws/credentials, whose keys then win over those of the environment.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// What every help of such a command says at its end.
pub(crate) const SETTINGS_HELP: &str = "Endpoint, Region and credentials come from where every AWS tool finds them: \
AWS_ENDPOINT_URL_KMS, AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, \
AWS_PROFILE, AWS_CA_BUNDLE, ~/.aws/config and ~/.aws/credentials; credentials of roles, of SSO, of containers and instances \
by eval \"$(aws configure export-credentials --format env)\". Where no endpoint is set it is AWS KMS itself.";

impl Endpoint {
    /// A client. `key` is what the command is about.
    pub(crate) fn kms(&self, key: Option<&str>) -> Result<Kms, Failure> {
        let chosen = Chosen {
            endpoint_url: self.endpoint_url.clone(),
            region: self.region.clone(),
            profile: self.profile.clone(),
        };
        Ok(Kms::new(Settings::find(&chosen, &Environment::of_process(), key)?)?)
    }
}
