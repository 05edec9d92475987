//! The errors of IAM and STS: code and HTTP status of each in one table. Their texts are composed where they are found.
//! Source: botocore 1.44.5, `iam/2010-05-08` and `sts/2011-06-15`; held to `model/iam.json` and `model/sts.json` by a test.

/// Why IAM or STS refused a request; each holds its public text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IamError {
    /// What the request names does not exist.
    NoSuchEntity(String),
    /// A thing of this name exists.
    EntityAlreadyExists(String),
    /// Something still depends on what should be deleted.
    DeleteConflict(String),
    /// A quota.
    LimitExceeded(String),
    /// Not a policy of the kind that belongs here.
    MalformedPolicyDocument(String),
    /// Values that do not go together.
    InvalidInput(String),
    /// Only the service that owns it may change it.
    UnmodifiableEntity(String),
    /// This policy cannot be attached there.
    PolicyNotAttachable(String),
    /// A policy given for simulation could not be evaluated.
    PolicyEvaluation(String),
    /// Another request changed the same thing meanwhile.
    ConcurrentModification(String),
    /// A change to it is still going on.
    EntityTemporarilyUnmodifiable(String),
    /// The identity provider of a registration does not answer.
    OpenIdIdpCommunicationError(String),
    /// Session policies and tags take more room than a token has.
    PackedPolicyTooLarge(String),
    /// A token that was exchanged, not one that signed, has expired.
    ExpiredTokenException(String),
    /// The identity provider, or what its token says, is not trusted.
    IdpRejectedClaim(String),
    /// The identity provider does not answer.
    IdpCommunicationError(String),
    /// Not a token of the provider.
    InvalidIdentityToken(String),
    /// Not an authorization message of ours.
    InvalidAuthorizationMessage(String),
    /// STS is off in this Region.
    RegionDisabled(String),
    /// A constraint that the model does not express.
    ValidationError(String),
}

impl IamError {
    /// Code, HTTP status and text.
    const fn row(&self) -> (&'static str, u16, &String) {
        match self {
            Self::NoSuchEntity(text) => ("NoSuchEntity", 404, text),
            Self::EntityAlreadyExists(text) => ("EntityAlreadyExists", 409, text),
            Self::DeleteConflict(text) => ("DeleteConflict", 409, text),
            Self::LimitExceeded(text) => ("LimitExceeded", 409, text),
            Self::MalformedPolicyDocument(text) => ("MalformedPolicyDocument", 400, text),
            Self::InvalidInput(text) => ("InvalidInput", 400, text),
            Self::UnmodifiableEntity(text) => ("UnmodifiableEntity", 400, text),
            Self::PolicyNotAttachable(text) => ("PolicyNotAttachable", 400, text),
            Self::PolicyEvaluation(text) => ("PolicyEvaluation", 500, text),
            Self::ConcurrentModification(text) => ("ConcurrentModification", 409, text),
            Self::EntityTemporarilyUnmodifiable(text) => ("EntityTemporarilyUnmodifiable", 409, text),
            Self::OpenIdIdpCommunicationError(text) => ("OpenIdIdpCommunicationError", 400, text),
            Self::PackedPolicyTooLarge(text) => ("PackedPolicyTooLarge", 400, text),
            Self::ExpiredTokenException(text) => ("ExpiredTokenException", 400, text),
            Self::IdpRejectedClaim(text) => ("IDPRejectedClaim", 403, text),
            Self::IdpCommunicationError(text) => ("IDPCommunicationError", 400, text),
            Self::InvalidIdentityToken(text) => ("InvalidIdentityToken", 400, text),
            Self::InvalidAuthorizationMessage(text) => ("InvalidAuthorizationMessageException", 400, text),
            Self::RegionDisabled(text) => ("RegionDisabledException", 403, text),
            Self::ValidationError(text) => ("ValidationError", 400, text),
        }
    }

    /// `Code` of the answer.
    pub const fn code(&self) -> &'static str {
        self.row().0
    }

    /// HTTP status of the answer.
    pub const fn status(&self) -> u16 {
        self.row().1
    }

    /// `Message` of the answer.
    pub fn message(&self) -> &str {
        self.row().2
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    /// Code and status of every error that the two models declare.
    fn modelled() -> BTreeMap<String, u64> {
        let mut errors = BTreeMap::new();
        for text in [include_str!("../../../model/iam.json"), include_str!("../../../model/sts.json")] {
            let model: Value = serde_json::from_str(text).unwrap();
            for shape in model["shapes"].as_object().unwrap().values() {
                if let Some(code) = shape["error"]["code"].as_str() {
                    errors.insert(code.to_owned(), shape["error"]["httpStatusCode"].as_u64().unwrap());
                }
            }
        }
        errors
    }

    #[test]
    fn codes_and_statuses_are_those_of_the_models() {
        let modelled = modelled();
        let variants: [fn(String) -> IamError; 20] = [
            IamError::NoSuchEntity,
            IamError::EntityAlreadyExists,
            IamError::DeleteConflict,
            IamError::LimitExceeded,
            IamError::MalformedPolicyDocument,
            IamError::InvalidInput,
            IamError::UnmodifiableEntity,
            IamError::PolicyNotAttachable,
            IamError::PolicyEvaluation,
            IamError::ConcurrentModification,
            IamError::EntityTemporarilyUnmodifiable,
            IamError::OpenIdIdpCommunicationError,
            IamError::PackedPolicyTooLarge,
            IamError::ExpiredTokenException,
            IamError::IdpRejectedClaim,
            IamError::IdpCommunicationError,
            IamError::InvalidIdentityToken,
            IamError::InvalidAuthorizationMessage,
            IamError::RegionDisabled,
            IamError::ValidationError,
        ];
        for variant in variants {
            let error = variant("text".to_owned());
            assert_eq!(error.message(), "text");
            // ValidationError is an error of the protocol, common to all APIs.
            let expected = modelled.get(error.code()).copied();
            let expected = expected.or_else(|| (error.code() == "ValidationError").then_some(400));
            assert_eq!(Some(u64::from(error.status())), expected, "{}", error.code());
        }
    }
}
