//! Unique ids: `AIDA…` and its kin, which no later namesake ever has.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>

use keyreeve_model::error::KmsError;

/// What an id is for; the prefix says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdKind {
    User,
    Role,
    Group,
    ManagedPolicy,
    InstanceProfile,
    AccessKey,
    TemporaryAccessKey,
}

/// Characters after the prefix of an access key id: 80 bits of randomness.
const KEY_CHARACTERS: usize = 16;
/// Characters after the prefix of every other id. On AWS too these ids are one longer than those of access keys.
const ENTITY_CHARACTERS: usize = 17;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

impl IdKind {
    /// The first four characters.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Role => "AROA",
            Self::Group => "AGPA",
            Self::ManagedPolicy => "ANPA",
            Self::InstanceProfile => "AIPA",
            Self::AccessKey => "AKIA",
            Self::TemporaryAccessKey => "ASIA",
        }
    }

    const fn characters(self) -> usize {
        match self {
            Self::AccessKey | Self::TemporaryAccessKey => KEY_CHARACTERS,
            Self::User | Self::Role | Self::Group | Self::ManagedPolicy | Self::InstanceProfile => {
                ENTITY_CHARACTERS
            }
        }
    }

    /// A fresh id.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when there is no randomness.
    pub(crate) fn fresh(self) -> Result<String, KmsError> {
        let random: [u8; ENTITY_CHARACTERS] =
            keyreeve_crypto::random::array().map_err(|_| KmsError::Internal)?;
        let letters = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte % 32)));
        let letters = letters.take(self.characters());
        Ok(self.prefix().chars().chain(letters.map(|letter| char::from(*letter))).collect())
    }
}
