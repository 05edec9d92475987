//! OpenID Connect providers: whose tokens AssumeRoleWithWebIdentity takes. Nothing is fetched here.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>

use std::collections::BTreeMap;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::entity::{Found, arn_of};
use super::{AccountIam, Identity};
use crate::records::{Draft, path};

/// Part of paths and ARNs.
pub(crate) const OIDC_PROVIDER: &str = "oidc-provider";
/// Most providers of an account.
/// AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) const PROVIDERS_MAX: usize = 100;
/// Most client ids of a provider.
pub(crate) const CLIENT_IDS_MAX: usize = 100;
/// Most thumbprints of a provider.
pub(crate) const THUMBPRINTS_MAX: usize = 5;

/// The row of a provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OidcProvider {
    /// Host, port and path of its URL, exactly as the issuer claim has them: `auth.example.org/realms/x`.
    pub(crate) name: String,
    pub(crate) created: Timestamp,
    /// Audiences that its tokens may be for.
    #[serde(default)]
    pub(crate) client_ids: Vec<String>,
    /// SHA-1 fingerprints of certificates, 40 hexadecimal digits each.
    #[serde(default)]
    pub(crate) thumbprints: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
}

impl OidcProvider {
    /// `arn:aws:iam::<account>:oidc-provider/<name>`.
    pub(crate) fn arn(&self, account: AccountId) -> String {
        arn_of(account, OIDC_PROVIDER, "/", &self.name)
    }

    /// What the `iss` claim of its tokens is.
    pub(crate) fn issuer(&self) -> String {
        format!("https://{}", self.name)
    }
}

/// The name of the provider at a URL: host, port and path; `None` for a URL that no provider has.
pub(crate) fn name_of_url(url: &str) -> Option<&str> {
    url.strip_prefix("https://").filter(|name| is_name(name))
}

/// Whether a text is host, optional port and optional path. The host has a dot: by it the condition keys of a provider
/// (`<name>:<claim>`) are told from those of services. There is no query, no fragment, no user.
fn is_name(name: &str) -> bool {
    let (authority, path) = name.find('/').map_or((name, ""), |at| name.split_at(at));
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let in_path = |b: u8| b.is_ascii_alphanumeric() || b"/-._~%+=@,".contains(&b);
    name.len() <= NAME_MAX
        && host.contains('.')
        && host.split('.').all(label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port))
        && path.bytes().all(in_path)
}

/// Most characters of a URL, `https://` not counted.
const NAME_MAX: usize = 255 - "https://".len();

impl Identity {
    /// The provider of an ARN of this account.
    ///
    /// # Errors
    /// Store errors.
    pub(crate) async fn oidc_provider(
        &self,
        account: AccountId,
        arn: &str,
    ) -> Result<Option<Found<OidcProvider>>, KmsError> {
        let name = arn.strip_prefix(&arn_of(account, OIDC_PROVIDER, "/", "")).filter(|name| is_name(name));
        let Some(name) = name else { return Ok(None) };
        let row = self.records.read::<OidcProvider>(&path::entity(account, OIDC_PROVIDER, name)?).await?;
        // The path has the name in lower case; the letter case of a URL's path counts.
        let same = row.filter(|row| row.value.name == name);
        Ok(same.map(|row| Found { row: row.value, stamp: row.stamp }))
    }
}

/// Rows that are read at a time.
const PAGE: usize = 1000;

impl AccountIam<'_> {
    /// Every provider, in the order of their names.
    pub(crate) async fn oidc_providers(&self) -> Result<Vec<OidcProvider>, KmsError> {
        let prefix = path::entities_prefix(self.account, OIDC_PROVIDER);
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = self.identity.records.page::<OidcProvider>(&prefix, after.as_ref(), PAGE).await?;
            all.extend(page.rows.into_iter().map(|(_, row)| row));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// Adds a provider to a change: a new one, or in place of the one that was found.
    pub(crate) fn draft_oidc_provider(
        &self,
        draft: Draft,
        found: Option<&Found<OidcProvider>>,
        row: &OidcProvider,
    ) -> Result<Draft, KmsError> {
        let path = path::entity(self.account, OIDC_PROVIDER, &row.name)?;
        draft.put(&path, found.map(|found| found.stamp), row)
    }

    /// Adds the removal of a provider to a change.
    pub(crate) fn draft_no_oidc_provider(
        &self,
        draft: Draft,
        found: &Found<OidcProvider>,
    ) -> Result<Draft, KmsError> {
        Ok(draft.delete(&path::entity(self.account, OIDC_PROVIDER, &found.row.name)?, found.stamp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_https_url_with_a_dotted_host_names_a_provider() {
        for url in [
            "https://accounts.example.org",
            "https://accounts.example.org/",
            "https://oidc.eks.eu-central-1.example.com/id/EXAMPLED539D",
            "https://10.0.0.1:6443",
            "https://a.b:8443/realms/x_y~z",
        ] {
            assert_eq!(name_of_url(url), url.strip_prefix("https://"), "{url}");
        }
        let too_long = format!("https://a.b/{}", "x".repeat(250));
        for url in [
            "",
            "https://",
            "https:///path",
            "http://accounts.example.org",
            "HTTPS://accounts.example.org",
            "accounts.example.org",
            "https://localhost",
            "https://user@a.b",
            "https://a.b?x=1",
            "https://a.b/c?x=1",
            "https://a.b/#x",
            "https://a.b:",
            "https://a.b:0443",
            "https://a.b:65536",
            "https://a..b",
            "https://-a.b",
            "https://a.b/*",
            "https://a.b/c:d",
            "https://a.b/ü",
            &too_long,
        ] {
            assert_eq!(name_of_url(url), None, "{url}");
        }
    }
}
