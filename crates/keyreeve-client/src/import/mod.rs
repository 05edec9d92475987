//! Import of key material: the whole ceremony, from the key's description to the material under a key of the service.
//! The material is wrapped here; it leaves this process in no other form.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/importing-keys.html>

mod ceremony;
mod described;
mod material;
mod wrapping;

pub use ceremony::{Imported, Kind, Order, Validity, import};
pub use described::{DescribedKey, describe};
pub use material::{Format, Material, MaterialError, read};

use keyreeve_crypto::error::Unspecified;

use crate::error::CallError;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The key makes its material itself.
    #[error(
        "{arn} has origin {origin}: material can be imported only into a key that was made for it, with\n  \
         aws kms create-key --origin EXTERNAL --key-spec {spec}"
    )]
    Origin {
        /// The key.
        arn: String,
        /// Its origin.
        origin: String,
        /// Its spec.
        spec: String,
    },
    /// There was no answer to the import of further material, which cannot be repeated where it was done.
    #[error(
        "{source}\nSo the material may have been imported, or not. Where this shows it as PENDING_ROTATION it was; else run the \
         command again:\n  aws kms list-key-rotations --key-id {arn} --include-key-material ALL_KEY_MATERIAL"
    )]
    Unsure {
        /// The key.
        arn: String,
        /// What came instead of an answer.
        source: CallError,
    },
    /// A spec that this version does not know.
    #[error("{arn} has the spec {spec}, which this version does not know how to wrap")]
    Spec {
        /// The key.
        arn: String,
        /// Its spec.
        spec: String,
    },
    /// The public key that the service gave does not wrap.
    #[error("the public key from GetParametersForImport is not what was asked for: {0}")]
    Wrapping(#[from] Unspecified),
}
