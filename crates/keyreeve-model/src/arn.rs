//! ARNs of keys and aliases, and the `KeyId` parameter that may be any of four forms.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id>

use std::fmt;

use crate::alias::AliasName;
use crate::key_id::KeyId;
use crate::region::{AccountId, Region};

/// `arn:<partition>:kms:<region>:<account>:key/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyArn {
    /// Region that holds the key.
    pub region: Region,
    /// Account that owns the key.
    pub account: AccountId,
    /// Id of the key.
    pub key_id: KeyId,
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:kms:{}:{}:key/{}", self.region.partition(), self.region, self.account, self.key_id)
    }
}

/// `arn:<partition>:kms:<region>:<account>:alias/<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AliasArn {
    /// Region that holds the alias.
    pub region: Region,
    /// Account that owns the alias.
    pub account: AccountId,
    /// Name with its `alias/` prefix.
    pub name: AliasName,
}

impl fmt::Display for AliasArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "arn:{}:kms:{}:{}:{}", self.region.partition(), self.region, self.account, self.name)
    }
}

/// What a `KeyId` parameter names: a key or an alias, in the caller's account or in the one that an ARN tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyRef {
    /// A bare key id, in the caller's account and Region.
    Id(KeyId),
    /// A key ARN.
    Arn(KeyArn),
    /// A bare alias name, in the caller's account and Region.
    Alias(AliasName),
    /// An alias ARN.
    AliasArn(AliasArn),
}

/// Why a text names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefError {
    /// Neither a dashed UUID nor `mrk-` and 32 hex digits.
    #[error("invalid key id")]
    InvalidKeyId,
    /// Begins with `arn:` but is no ARN of a key or an alias.
    #[error("invalid arn")]
    InvalidArn,
    /// Begins with `alias/` but is no alias name.
    #[error("invalid alias name")]
    InvalidAliasName,
}

impl KeyRef {
    /// Parses a key id, key ARN, alias name or alias ARN.
    ///
    /// # Errors
    /// [`KeyRefError`] tells which form the text failed at.
    pub fn parse(text: &str) -> Result<Self, KeyRefError> {
        if text.starts_with("arn:") {
            return parse_arn(text).ok_or(KeyRefError::InvalidArn);
        }
        if text.starts_with("alias/") {
            return AliasName::parse(text).map(Self::Alias).map_err(|_| KeyRefError::InvalidAliasName);
        }
        KeyId::parse(text).map(Self::Id).ok_or(KeyRefError::InvalidKeyId)
    }

    /// Whether the text was an alias name or an alias ARN.
    pub const fn is_alias(&self) -> bool {
        matches!(self, Self::Alias(_) | Self::AliasArn(_))
    }
}

fn parse_arn(text: &str) -> Option<KeyRef> {
    let mut parts = text.splitn(6, ':');
    let (_arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account) = (Region::parse(parts.next()?)?, AccountId::parse(parts.next()?)?);
    let resource = parts.next()?;
    if service != "kms" || partition != region.partition() {
        return None;
    }
    if let Some(id) = resource.strip_prefix("key/") {
        return Some(KeyRef::Arn(KeyArn { region, account, key_id: KeyId::parse(id)? }));
    }
    Some(KeyRef::AliasArn(AliasArn { region, account, name: AliasName::parse(resource).ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_forms_of_a_key_reference_parse_and_print() {
        let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
        assert!(matches!(KeyRef::parse(id), Ok(KeyRef::Id(_))));
        assert!(matches!(KeyRef::parse("alias/x"), Ok(KeyRef::Alias(_))));
        let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
        let Ok(KeyRef::Arn(parsed)) = KeyRef::parse(&arn) else { panic!("{arn}") };
        assert_eq!(parsed.to_string(), arn);
        let arn = "arn:aws-cn:kms:cn-north-1:111122223333:alias/a/b";
        let Ok(KeyRef::AliasArn(parsed)) = KeyRef::parse(arn) else { panic!("{arn}") };
        assert_eq!(parsed.to_string(), arn);
    }

    #[test]
    fn what_names_no_key_says_why() {
        for (text, error) in [
            ("x", KeyRefError::InvalidKeyId),
            ("alias/", KeyRefError::InvalidAliasName),
            (
                "arn:aws:s3:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
                KeyRefError::InvalidArn,
            ),
            ("arn:aws:kms:us-east-1:111122223333:key/x", KeyRefError::InvalidArn),
            ("arn:aws-cn:kms:us-east-1:111122223333:alias/x", KeyRefError::InvalidArn),
            ("arn:", KeyRefError::InvalidArn),
        ] {
            assert_eq!(KeyRef::parse(text), Err(error), "{text}");
        }
    }
}
