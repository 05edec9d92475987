//! The root key: `root.json` beside the store holds it once in each of several independent slots.
//!
//! A slot is opened by a key file or a passphrase. Any one slot unseals; losing the secret of one is no loss while
//! another is left. The root key wraps the keyring (which stands in the store) and authenticates the list of slots.
//!
//! # Rotation
//!
//! Two places change, so each step leaves a state from which every key can be reached:
//!
//! | after | `root.json` | keyring in the store | unsealing gives |
//! |---|---|---|---|
//! | 0 | v | v | v |
//! | 1 [`begin_rotation`] | v and v+1 | v | v for the keyring; v+1 is unused |
//! | 2 the caller stores the keyring wrapped under v+1 | v and v+1 | v+1 | v+1 |
//! | 3 [`settle`] on v+1 | v+1 | v+1 | v+1 |
//!
//! After a crash the caller unseals, takes the generation that the stored keyring names ([`Unsealed::for_keyring`])
//! and [`settle`]s on it: that undoes step 1 or finishes step 3. Each write of `root.json` goes to a temporary file,
//! is synced, read back, opened slot by slot, renamed, and the directory is synced. A rotation needs the secrets of all
//! slots: were they kept for it, whoever knows generation v would know v+1 as well.

mod envelope;
mod envelope_file;
mod error;
mod file;
mod key;
mod key_file;
mod passphrase;
mod rotation;
mod secret_source;
mod slots;
mod unseal;

pub use error::{RootKeyError, SlotKind};
pub use key::RootKey;
pub use passphrase::{Argon2Cost, PASSPHRASE_CHARS_MIN};
pub use rotation::{begin_rotation, settle};
pub use secret_source::{NewSlot, SlotSecret};
pub use slots::{SlotView, add_slot, remove_slot, slots};
pub use unseal::{UnsealKeyringError, Unsealed, create, unseal};

/// Name of the envelope in its directory.
pub const ENVELOPE_NAME: &str = "root.json";
/// Name of the key file that `dev` and `serve` make unless told otherwise.
pub const KEY_FILE_NAME: &str = "root.key";
