//! Where requests go: an endpoint that was set, or else AWS's own of the Region.
//! AWS: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>

use keyreeve_http::Url;

use super::SettingsError;
use super::environment::Environment;
use super::profile::Profiles;

/// The domain of AWS's endpoints by the prefix of the Region's name.
/// AWS: `partitions.json` of botocore.
const DOMAINS: &[(&str, &str)] = &[
    ("cn-", "amazonaws.com.cn"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
];

/// The first that is set, in the order of the AWS SDKs.
pub(super) fn find(
    chosen: Option<&str>,
    environment: &Environment<'_>,
    profiles: &Profiles,
    region: &str,
) -> Result<Url, SettingsError> {
    let is_true = |value: &str| value.eq_ignore_ascii_case("true");
    let ignored = environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_some_and(|value| is_true(&value))
        || profiles.get("ignore_configured_endpoint_urls").is_some_and(is_true);
    let variable = |name: &str| Some((environment.get(name)?, name.to_owned()));
    let profile = |value: Option<&str>| Some((value?.to_owned(), format!("the profile `{}`", profiles.name)));
    let configured = || {
        variable("AWS_ENDPOINT_URL_KMS")
            .or_else(|| variable("AWS_ENDPOINT_URL"))
            .or_else(|| profile(profiles.of_kms("endpoint_url")))
            .or_else(|| profile(profiles.get("endpoint_url")))
            .filter(|_| !ignored)
    };
    let flag = chosen.map(|url| (url.to_owned(), "--endpoint-url".to_owned()));
    let (url, from) = flag.or_else(configured).unwrap_or_else(|| (of_aws(region), "the Region".to_owned()));
    Url::parse(&url).map_err(|fault| SettingsError::Endpoint { url, from, fault })
}

fn of_aws(region: &str) -> String {
    let domain = DOMAINS.iter().find(|(prefix, _)| region.starts_with(prefix));
    format!("https://kms.{region}.{}", domain.map_or("amazonaws.com", |(_, domain)| domain))
}
