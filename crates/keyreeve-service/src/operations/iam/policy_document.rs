//! Policy documents on their way in and out: checked by their grammar, measured, and URL-encoded in answers.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>

use keyreeve_model::error::{KmsError, PolicyFault};
use keyreeve_model::iam_error::IamError;
use keyreeve_policy::policy::{Grammar, Policy};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A document as answers show it.
pub(crate) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

/// A document of a request, compiled.
///
/// # Errors
/// MalformedPolicyDocument.
pub(crate) fn parse(document: &str, grammar: Grammar) -> Result<Policy, KmsError> {
    Policy::parse(document, grammar).map_err(|fault| {
        malformed(match fault {
            PolicyFault::Grammar(text) => text,
            PolicyFault::Principal => "Invalid principal in policy.".to_owned(),
            // A question about keys, which no grammar asks.
            PolicyFault::Lockout => "Syntax errors in policy.".to_owned(),
        })
    })
}

/// MalformedPolicyDocument with this text.
pub(crate) const fn malformed(text: String) -> KmsError {
    KmsError::Iam(IamError::MalformedPolicyDocument(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_hold_only_unreserved_characters() {
        assert_eq!(encoded("{\"a\": [~._-*]}ÿ"), "%7B%22a%22%3A%20%5B~._-%2A%5D%7D%C3%BF");
    }

    #[test]
    fn a_document_of_the_wrong_kind_is_malformed() {
        let identity =
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        assert!(parse(identity, Grammar::Identity).is_ok());
        for (document, grammar) in [(identity, Grammar::TrustPolicy), ("{", Grammar::Identity)] {
            let error = parse(document, grammar).unwrap_err();
            assert!(matches!(error, KmsError::Iam(IamError::MalformedPolicyDocument(_))), "{error:?}");
        }
    }
}
