//! What exactly is wrong, where one reason has several forms, and the part of the text that says so.

use crate::arn::KeyArn;
use crate::material_id::MaterialId;
use crate::region::Region;

/// Why no key can be replicated to a Region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplicaRegionFault {
    /// The primary is there.
    HasPrimary,
    /// Another partition.
    OtherPartition,
    /// There is no such Region, or this deployment does not know it.
    Unknown,
}

impl ReplicaRegionFault {
    pub(super) fn message(self, region: &Region) -> String {
        match self {
            Self::HasPrimary => format!("{region} cannot have a replica because it contains the primary."),
            Self::OtherPartition => {
                "The replica key Region must be in the same AWS partition as the primary key Region."
                    .to_owned()
            }
            Self::Unknown => format!(
                "Region {region} is not a valid Region or multi-Region keys are not supported in Region {region}."
            ),
        }
    }
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SerializationFault {
    /// Not JSON.
    NotJson,
    /// A name occurs twice in one object.
    DuplicateName,
    /// A value has another type than the model's.
    WrongType {
        /// What stands there.
        found: &'static str,
        /// What should.
        expected: &'static str,
    },
    /// A blob is not base64.
    NotBase64,
    /// Nested deeper than any request.
    TooDeep,
}

/// Why material is not the one that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaterialMismatch {
    /// NEW_KEY_MATERIAL that the key has already.
    AlreadyAssociated(MaterialId),
    /// Another material than this one.
    Expected(MaterialId),
    /// None of those that the key has.
    Unknown(MaterialId),
    /// Not the one that the key has; the specs of such keys give their material no id.
    Other,
}

/// Resource quotas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is documented by its text in `message`")]
pub enum Quota {
    AliasesPerKey,
    GrantsPerKey,
    KeysPerAccount,
    PolicyBytes,
}

/// Why a policy document is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyFault {
    /// Whoever puts it could not put another one afterwards.
    Lockout,
    /// Not a policy: what is wrong, and where.
    Grammar(String),
    /// A principal that does not exist or has no form.
    Principal,
}

impl SerializationFault {
    pub(super) fn message(self) -> String {
        match self {
            Self::NotJson => "The request body is not valid JSON.".to_owned(),
            Self::DuplicateName => "The request body names a member twice.".to_owned(),
            Self::WrongType { found, expected } => format!("{found} found where {expected} was expected."),
            Self::NotBase64 => "The value of a blob member is not valid base64.".to_owned(),
            Self::TooDeep => "The request body is nested too deeply.".to_owned(),
        }
    }
}

impl MaterialMismatch {
    pub(super) fn message(self, key: &KeyArn) -> String {
        match self {
            Self::AlreadyAssociated(id) => format!(
                "Key material (id: {id}) being imported as NEW_KEY_MATERIAL is already associated with KMS key {key}."
            ),
            Self::Expected(id) => {
                format!("Imported key material does not have the expected identifier ({id}).")
            }
            Self::Unknown(id) => format!(
                "Key material (id: {id}) being imported as EXISTING_KEY_MATERIAL is not associated with KMS key {key}."
            ),
            Self::Other => {
                format!("Imported key material is not the key material that was imported into KMS key {key}.")
            }
        }
    }
}

impl Quota {
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::AliasesPerKey => "The maximum number of aliases for this key (50) has been reached.",
            Self::GrantsPerKey => "The maximum number of grants for this key (50000) has been reached.",
            Self::KeysPerAccount => {
                "The maximum number of keys for this account in this Region (100000) has been reached."
            }
            Self::PolicyBytes => "The key policy exceeds the maximum size of 32768 bytes.",
        }
    }
}

impl PolicyFault {
    pub(super) fn message(&self) -> String {
        match self {
            Self::Lockout => {
                "The new key policy will not allow you to update the key policy in the future.".to_owned()
            }
            Self::Grammar(text) => text.clone(),
            Self::Principal => "Policy contains a statement with one or more invalid principals.".to_owned(),
        }
    }
}

impl std::fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message())
    }
}
