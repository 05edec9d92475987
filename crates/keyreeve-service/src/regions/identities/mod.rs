//! Identities among Regions: one Region is their home, the others hold a copy of its rows, serve from it also while the
//! home is away, and change nothing themselves.
//!
//! `crossing.rs` says which rows cross, `home.rs` hands them out, `replica.rs` asks for them, `arrival.rs` writes them down,
//! `standing.rs` tells how old the copy is, `term.rs` how another
//! Region becomes the home.

mod arrival;
mod crossing;
mod home;
mod replica;
mod standing;
mod term;

pub use standing::{IdentitiesStanding, Replaced};
pub use term::HomeTerm;

use std::sync::{OnceLock, PoisonError, RwLock};

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::message::identities::Position;

/// How often it is written down that home and copy still agree, where their age has no limit.
const AGREED_EVERY_SECONDS: i64 = 600;

/// The row of a copy: whose it is, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CopyRecord {
    /// The home that it is a copy of.
    home: String,
    incarnation: String,
    position: Position,
    /// When it was last known to be what the home has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agreed: Option<Timestamp>,
    /// Whether what is here was kept here until this home took it over: what differs is lost then, and named.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    was_home: bool,
    /// What was lost so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced: Option<Replaced>,
}

/// What the process knows beyond its rows.
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// Names this process as a home: what it told of its store's revisions holds as long as it lives. A store that was
    /// restored from a backup counts them anew.
    incarnation: OnceLock<String>,
    /// Held by whoever asks the home.
    following: Mutex<Option<CopyRecord>>,
    seen: RwLock<Seen>,
    /// The newest term of the home, as the store has it.
    term: RwLock<Option<HomeTerm>>,
    claims: RwLock<term::Claims>,
    /// For how many seconds a copy is believed that does not agree with its home; without an end where nobody said.
    max_age_seconds: OnceLock<i64>,
}

/// What is told to operators.
#[derive(Debug, Default, Clone)]
struct Seen {
    agreed: Option<Timestamp>,
    /// Why the last attempt to agree with the home failed.
    fault: Option<String>,
    /// Since when none succeeds.
    since: Option<Timestamp>,
    /// What was lost when this Region stopped being the home.
    replaced: Option<Replaced>,
}

impl Identities {
    fn incarnation(&self) -> Result<&str, KmsError> {
        if let Some(known) = self.incarnation.get() {
            return Ok(known);
        }
        let fresh: [u8; 16] = keyreeve_crypto::random::array().map_err(|_| KmsError::Internal)?;
        Ok(self.incarnation.get_or_init(|| hex::encode(fresh)))
    }

    /// How often it is written down that home and copy still agree, when nothing changes: a restart knows no more.
    fn note_every_seconds(&self) -> i64 {
        let every = self.max_age_seconds.get().map(|most| most / 4);
        every.map_or(AGREED_EVERY_SECONDS, |every| every.clamp(1, AGREED_EVERY_SECONDS))
    }

    fn seen(&self) -> Seen {
        self.seen.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What a secret of a row is bound to while it is on its way.
fn binding(home: &Region, asker: &Region, path: &str) -> Vec<u8> {
    format!("keyreeve/v1/identity\0{home}\0{asker}\0{path}").into_bytes()
}

/// The member of a row that holds its secret.
const SECRET: &str = "secret";

#[cfg(test)]
pub(super) mod tests;
