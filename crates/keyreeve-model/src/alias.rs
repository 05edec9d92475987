//! Alias names: `alias/` and letters, digits, `/`, `_`, `-`.
//! AWS: <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>

use std::fmt;

/// An alias name with its prefix, such as `alias/payments`; 7 to 256 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AliasName(String);

/// Why a text is not an alias name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AliasNameError {
    /// It does not begin with `alias/`.
    #[error("no alias/ prefix")]
    NoPrefix,
    /// Nothing follows the prefix, or a character is not allowed, or it is too long.
    #[error("invalid characters")]
    InvalidCharacters,
}

impl AliasName {
    /// Parses an alias name. `:` is in AWS's model pattern but refused by the service.
    ///
    /// # Errors
    /// [`AliasNameError`] names which rule is broken.
    pub fn parse(text: &str) -> Result<Self, AliasNameError> {
        let rest = text.strip_prefix("alias/").ok_or(AliasNameError::NoPrefix)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-');
        if rest.is_empty() || text.len() > 256 || !rest.bytes().all(allowed) {
            return Err(AliasNameError::InvalidCharacters);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name with its prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is reserved for AWS managed keys (`alias/aws/…`).
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with("alias/aws/")
    }
}

impl fmt::Display for AliasName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for AliasName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for AliasName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// Services whose AWS managed key (`alias/aws/<service>`) appears on first use.
/// Source: <https://docs.aws.amazon.com/kms/latest/developerguide/service-integration.html>
pub const AWS_MANAGED_SERVICES: &[&str] = &[
    "acm",
    "backup",
    "cloudtrail",
    "codecommit",
    "codewhisperer",
    "connect",
    "dms",
    "dynamodb",
    "ebs",
    "ec2",
    "ecr",
    "elasticfilesystem",
    "es",
    "fsx",
    "glue",
    "kinesis",
    "kinesisvideo",
    "lambda",
    "lightsail",
    "mgn",
    "rds",
    "redshift",
    "s3",
    "secretsmanager",
    "ses",
    "sns",
    "sqs",
    "ssm",
    "workspaces",
    "xray",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alias_names_follow_the_rules() {
        for (text, expected) in [
            ("alias/a", Ok(())),
            ("alias/a/b_c-9", Ok(())),
            ("a", Err(AliasNameError::NoPrefix)),
            ("Alias/a", Err(AliasNameError::NoPrefix)),
            ("alias/", Err(AliasNameError::InvalidCharacters)),
            ("alias/a:b", Err(AliasNameError::InvalidCharacters)),
            ("alias/a b", Err(AliasNameError::InvalidCharacters)),
        ] {
            assert_eq!(AliasName::parse(text).map(drop), expected, "{text}");
        }
        assert!(AliasName::parse(&format!("alias/{}", "x".repeat(251))).is_err());
    }

    #[test]
    fn only_alias_aws_is_reserved() {
        assert!(AliasName::parse("alias/aws/s3").unwrap().is_reserved());
        assert!(!AliasName::parse("alias/awsome").unwrap().is_reserved());
    }
}
