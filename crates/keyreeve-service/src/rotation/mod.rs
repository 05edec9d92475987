//! Rotating the root key and everything under it: a new root key, a keyring with a new epoch in every ring, then each
//! row sealed anew, and last the old epochs removed.
//!
//! | after | store | a kill here |
//! |---|---|---|
//! | 1 `Premises::begin_rotation` | unchanged | the next start drops the new root key |
//! | 2 the keyring is committed, wrapped under the new root key | old and new epochs | the next start keeps the new root key |
//! | 3 `Premises::settle` | old and new epochs | the next start goes on with 4 |
//! | 4 every row is sealed anew, page by page (`pass.rs`) | fewer rows of old epochs | the next start goes on with 4 |
//! | 5 a whole scan found no row of an old epoch: the keyring is committed without them | new epochs alone | nothing is left to do |
//!
//! Nothing can be written under an old epoch after step 2: each change demands that the keyring it seals with is still
//! the stored one (`records/keyring_change.rs`). Tokens are in the hands of clients, so their epochs stay as long as a
//! token may live.
//!
//! The domain keys, which wrap key material and nothing else, have shorter epochs of their own: `domain.rs`.

mod domain;
mod pass;
mod status;
mod work;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::error::KmsError;
use tokio::sync::{Mutex, mpsc, oneshot};

pub(crate) use status::{RotationState, RotationStatus};

use crate::premises::Premises;
use status::StatusBoard;

/// Rotations that may wait for the one under way.
const WAITING_MAX: usize = 4;

/// A wish for a new root key.
#[derive(Debug)]
struct Wish {
    passphrases: Vec<SecretBytes>,
    answer: oneshot::Sender<Result<(), KmsError>>,
}

/// The rotation of one deployment.
#[derive(Debug)]
pub(crate) struct Rotation {
    premises: Arc<dyn Premises>,
    board: StatusBoard,
    wishes: mpsc::Sender<Wish>,
    /// Taken by whoever tends.
    inbox: Mutex<mpsc::Receiver<Wish>>,
    /// Days after which the domain keys get a new epoch.
    domain_key_days: AtomicU32,
}

impl Rotation {
    pub(crate) fn new(premises: Arc<dyn Premises>) -> Self {
        let (wishes, inbox) = mpsc::channel(WAITING_MAX);
        Self {
            premises,
            board: StatusBoard::default(),
            wishes,
            inbox: Mutex::new(inbox),
            domain_key_days: AtomicU32::new(domain::DOMAIN_KEY_DAYS),
        }
    }

    /// How far it is.
    pub(crate) fn status(&self) -> RotationStatus {
        self.board.read(self.premises.root().generation())
    }

    /// Begins a rotation; answers once its new root key is in force. While the rows of an earlier one are still being
    /// sealed it begins none.
    pub(crate) async fn begin(&self, passphrases: Vec<SecretBytes>) -> Result<(), KmsError> {
        if self.status().state == RotationState::Running {
            return Ok(());
        }
        let gone = || KmsError::Refused("the server is stopping".to_owned());
        let (answer, answered) = oneshot::channel();
        self.wishes.try_send(Wish { passphrases, answer }).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}
