//! `[region]`: how this Region and others of the installation speak with each other.

use std::net::SocketAddr;

use keyreeve_service::regions::is_endpoint;

use super::problem::Place;
use super::values::Values;

/// What `[region]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionConfig {
    /// Where other Regions are answered.
    pub listen: SocketAddr,
    /// Where they find this one: `https://host:port`.
    pub endpoint: String,
    /// For how many seconds a copy of the identities is believed that does not agree with its home.
    pub identities_max_age_seconds: Option<u32>,
}

const LISTEN: &str = "region.listen";
const ENDPOINT: &str = "region.endpoint";
const MAX_AGE: &str = "region.identities_max_age_seconds";

/// Everything of `[region]`; what is wrong with it becomes problems. `served` is how many Regions are.
pub(super) fn check(values: &mut Values, served: usize) -> Option<RegionConfig> {
    let (listen, endpoint) = (values.text(LISTEN), values.text(ENDPOINT));
    let (listen, endpoint) = match (listen.map(str::to_owned), endpoint.map(str::to_owned)) {
        (Some(listen), Some(endpoint)) => (listen, endpoint),
        (None, None) if values.count(MAX_AGE).is_some() => {
            return refuse(values, MAX_AGE, format!("{MAX_AGE} needs {LISTEN} and {ENDPOINT} beside it"));
        }
        (None, None) => return None,
        (Some(_), None) => return refuse(values, LISTEN, format!("{LISTEN} needs {ENDPOINT} beside it")),
        (None, Some(_)) => return refuse(values, ENDPOINT, format!("{ENDPOINT} needs {LISTEN} beside it")),
    };
    if served > 1 {
        let place = values.place("deployment.regions");
        let text = format!(
            "deployment.regions names {served} Regions: a server that speaks with other Regions ([region]) serves one, so \
             give each of them a deployment of its own, or leave [region] out"
        );
        values.refuse(place, text);
    }
    if !is_endpoint(&endpoint) {
        let text = format!("{ENDPOINT} is https://host:port, and this is `{endpoint}`");
        refuse(values, ENDPOINT, text);
    }
    match listen.parse() {
        Ok(listen) => {
            let seconds = values.count(MAX_AGE).map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX));
            Some(RegionConfig { listen, endpoint, identities_max_age_seconds: seconds })
        }
        Err(_) => refuse(values, LISTEN, format!("{LISTEN} is ADDRESS:PORT, and this is `{listen}`")),
    }
}

fn refuse(values: &mut Values, name: &str, text: String) -> Option<RegionConfig> {
    let place: Place = values.place(name);
    values.refuse(place, text);
    None
}
