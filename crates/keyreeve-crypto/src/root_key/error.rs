//! What can go wrong with the root key, told to the operator together with what to do next.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::passphrase::{MEMORY_KIB_MIN, PASSES_MIN, PASSPHRASE_CHARS_MIN};
use crate::error::Unspecified;

/// The kinds and the list of them are one table.
macro_rules! slot_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)+) => {
        /// What opens a slot.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum SlotKind {
            $($(#[$doc])* $kind,)+
        }

        impl SlotKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];
        }

        impl fmt::Display for SlotKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$kind => $name,)+
                })
            }
        }
    };
}

slot_kinds! {
    /// A file of its own.
    KeyFile = "key file",
    /// A passphrase, through Argon2id.
    Passphrase = "passphrase",
}

/// Why creating, unsealing or changing the root key did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Creating would overwrite a root key.
    #[error("{0} exists already: unseal with it, or initialise an empty directory")]
    EnvelopeExists(PathBuf),
    /// There is nothing to unseal.
    #[error(
        "{0} is missing: restore it from the backup, as nothing in the store can be read without it; \
         for a new deployment, initialise an empty directory"
    )]
    EnvelopeMissing(PathBuf),
    /// Not an envelope, or one with impossible values.
    #[error("{0} is damaged: restore it from the backup")]
    EnvelopeMalformed(PathBuf),
    /// From a newer release.
    #[error("{path} has format {version}, newer than this release knows: run the newer release")]
    EnvelopeTooNew {
        /// The envelope.
        path: PathBuf,
        /// Its format.
        version: u32,
    },
    /// A slot opened, but the list of slots is not the one that was written.
    #[error("the slots of {0} were altered: find out who did, then restore it from the backup")]
    EnvelopeAltered(PathBuf),
    /// The key file is not there.
    #[error("the key file {0} is missing: mount or restore it, or unseal with another slot")]
    KeyFileMissing(PathBuf),
    /// Others than the owner have access to the key file.
    #[error("the key file {path} is open to other users (mode {mode:04o}): run chmod 600 {path}")]
    KeyFileNotPrivate {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is not a key file.
    #[error(
        "{0} is not a Keyreeve key file, or is damaged: restore it from the backup, or unseal with another slot"
    )]
    KeyFileMalformed(PathBuf),
    /// Too easily guessed.
    #[error(
        "the passphrase has fewer than {PASSPHRASE_CHARS_MIN} characters or repeats too few of them: \
         take six random words, or run openssl rand -base64 24"
    )]
    PassphraseWeak,
    /// Argon2id parameters below RFC 9106's, or above what an unsealing could afford.
    #[error(
        "Argon2id needs at least {MEMORY_KIB_MIN} KiB and {PASSES_MIN} passes, \
         and at most 4 GiB, 64 passes and 64 lanes (RFC 9106)"
    )]
    PassphraseCost,
    /// Argon2id's memory is not there.
    #[error("no memory for Argon2id: {memory_kib} KiB are needed while unsealing with the passphrase")]
    PassphraseMemory {
        /// How much the slot asks for.
        memory_kib: u32,
    },
    /// There is no slot that such a secret could open.
    #[error("root.json has no {0} slot: unseal with another kind of secret")]
    NoSlotOfKind(SlotKind),
    /// The secret opens no slot.
    #[error(
        "this {0} opens no slot of root.json: check that it belongs to this deployment and was typed correctly"
    )]
    NoSlotOpened(SlotKind),
    /// There is no slot of this number.
    #[error("there is no slot {0}")]
    SlotAbsent(u32),
    /// A deployment without a slot could never be unsealed again.
    #[error("slot {0} is the only one: add another slot first")]
    LastSlot(u32),
    /// More slots than an envelope holds, or none.
    #[error("root.json holds 1 to {0} slots")]
    SlotCount(usize),
    /// The root key is being rotated.
    #[error("a rotation of the root key is under way: finish it (root rotate) first")]
    RotationPending,
    /// A rotation needs the secret of every slot.
    #[error("the rotation needs the {kind} of slot {slot} too: give it, or remove the slot first")]
    SecretMissing {
        /// The slot.
        slot: u32,
        /// Its kind.
        kind: SlotKind,
    },
    /// The generation that the keyring needs was not unsealed.
    #[error(
        "the keyring needs generation {wanted} of the root key, which this secret does not open in root.json: \
         use root.json and store of the same backup"
    )]
    GenerationAbsent {
        /// The generation that is needed.
        wanted: u32,
    },
    /// What was written does not read back.
    #[error("{0} did not read back as it was written; the previous one is still in force: check the disk")]
    ReadBack(PathBuf),
    /// Cryptography failed: the random generator or memory.
    #[error("the cryptographic operation failed: check memory and the kernel's random generator")]
    Crypto(#[from] Unspecified),
}

impl RootKeyError {
    /// Turns an I/O error into one that says what was tried on which file.
    pub(super) fn io(action: &'static str, path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}
