//! The APIs that speak the query protocol: one row each.
//! Source: botocore 1.44.5, `iam/2010-05-08` and `sts/2011-06-15` (`metadata`).

use keyreeve_service::catalogue::Api;

use crate::doors::authenticate::SignedFor;

/// One API.
#[derive(Debug)]
pub(in crate::doors) struct Dialect {
    /// Which.
    pub(in crate::doors) api: Api,
    /// `Version` of its requests.
    version: &'static str,
    /// Namespace of its answers.
    pub(super) namespace: &'static str,
    /// What its requests are signed for.
    pub(in crate::doors) signed_for: SignedFor,
    /// Code of an error that is nobody's fault but ours.
    pub(super) internal_code: &'static str,
}

static DIALECTS: [Dialect; 2] = [
    Dialect {
        api: Api::Iam,
        version: "2010-05-08",
        namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
        signed_for: SignedFor::IAM,
        internal_code: "ServiceFailure",
    },
    Dialect {
        api: Api::Sts,
        version: "2011-06-15",
        namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
        signed_for: SignedFor::STS,
        internal_code: "InternalFailure",
    },
];

impl Dialect {
    /// The API whose requests have this version.
    pub(in crate::doors) fn of_version(version: &str) -> Option<&'static Self> {
        DIALECTS.iter().find(|dialect| dialect.version == version)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn versions_and_namespaces_are_those_of_the_models() {
        let models =
            [include_str!("../../../../../model/iam.json"), include_str!("../../../../../model/sts.json")];
        for (dialect, model) in DIALECTS.iter().zip(models) {
            let model: Value = serde_json::from_str(model).unwrap();
            assert_eq!(model["metadata"]["apiVersion"], dialect.version);
            assert_eq!(model["metadata"]["xmlNamespace"], dialect.namespace);
            let service = model["metadata"]["endpointPrefix"].as_str().unwrap();
            assert_eq!(dialect.signed_for.services, [service]);
        }
    }
}
