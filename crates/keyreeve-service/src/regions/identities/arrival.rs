//! Rows from the home are written down here: only what differs, what is left of one commit of the home at once, secrets
//! under the keyring of this Region, and nobody is judged by what was before once it is done.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::keyring::Keyring;
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_crypto::transport::TransportKeyPair;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_store::{MAX_COMMIT_BYTES, Path};
use serde_json::Value;

use super::crossing::{Binding, Crossing, PREFIX, crossing};
use super::{SECRET, binding};
use crate::audit::Cause;
use crate::identity::Identity;
use crate::records::{Draft, path};
use crate::regions::message::identities::{IdentitiesPage, RowState, Span};

/// Rows of several commits of the home that are written at once. Each costs two operations of the 96 that a store takes.
const BATCH_ROWS: usize = 40;
/// The most rows that one commit of the home has, by the same count: they are written at once too.
const COMMIT_ROWS_MAX: usize = 47;
/// Bytes written at once, when they are of several commits.
const BATCH_BYTES: usize = MAX_COMMIT_BYTES / 2;
/// How often a batch is drafted anew when a rotation seals the same rows at the same moment.
const ATTEMPTS_MAX: usize = 8;
/// Own rows looked at at once.
const PAGE: usize = 500;

/// A row that arrived, with its secret apart.
#[derive(Debug)]
pub(super) struct Arrived {
    path: Path,
    revision: u64,
    /// `None`: gone.
    content: Option<Content>,
}

impl Arrived {
    /// Whether it is a row below this prefix, and gone.
    pub(super) fn is_gone_below(&self, prefix: &str) -> bool {
        self.content.is_none() && self.path.as_str().starts_with(prefix)
    }
}

#[derive(Debug)]
struct Content {
    value: Value,
    secret: Option<(Binding, SecretBytes)>,
    bytes: usize,
}

/// Opens what a page brought. Rows that do not cross are left out, whatever the home says.
///
/// # Errors
/// A sentence for the operator.
pub(super) fn open(
    page: &mut IdentitiesPage,
    pair: &TransportKeyPair,
    home: &Region,
    own: &Region,
) -> Result<Vec<Arrived>, String> {
    let mut arrived = Vec::with_capacity(page.rows.len());
    for row in page.rows.drain(..) {
        let crossing = crossing(&row.path);
        let Some(path) = Path::parse(&row.path).ok().filter(|_| crossing != Crossing::Stays) else {
            tracing::warn!(path = %row.path, "the home of the identities sent a row that does not cross");
            continue;
        };
        let content = match row.state {
            RowState::Unreadable => continue,
            RowState::Gone => None,
            RowState::Put(value) => {
                Some(content(value, crossing, pair, &binding(home, own, &row.path)).ok_or_else(|| {
                    format!(
                        "the row {path} from {home} does not open: was another transport key trusted there?"
                    )
                })?)
            }
        };
        arrived.push(Arrived { path, revision: row.revision, content });
    }
    Ok(newest(arrived))
}

/// Of each row only what became of it last: one that was deleted and made again is written once.
fn newest(arrived: Vec<Arrived>) -> Vec<Arrived> {
    let mut seen = BTreeSet::new();
    let mut newest: Vec<Arrived> =
        arrived.into_iter().rev().filter(|row| seen.insert(row.path.clone())).collect();
    newest.reverse();
    newest
}

fn content(mut value: Value, crossing: Crossing, pair: &TransportKeyPair, binding: &[u8]) -> Option<Content> {
    let secret = match crossing {
        Crossing::WithSecret(bound) => {
            let sealed = value.as_object_mut()?.remove(SECRET)?;
            let sealed = STANDARD.decode(sealed.as_str()?).ok()?;
            Some((bound, pair.open(binding, &sealed).ok()?))
        }
        Crossing::Whole | Crossing::Stays => None,
    };
    let bytes = serde_json::to_vec(&value).ok()?.len();
    Some(Content { value, secret, bytes })
}

/// Writes rows of identities.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub(super) identity: &'a Identity,
    pub(super) now: Timestamp,
}

impl Arrival<'_> {
    /// Adds to what a listing brought that own rows which it does not have are gone.
    pub(super) async fn add_absent(
        self,
        spans: &[Span],
        arrived: &mut Vec<Arrived>,
        kept: &BTreeSet<String>,
    ) -> Result<(), KmsError> {
        let mut absent = Vec::new();
        for span in spans.iter().filter(|span| span.prefix.starts_with(PREFIX)) {
            let parse = |text: &String| Path::parse(text).map_err(|_| KmsError::Internal);
            let (mut after, to) = (span.after.as_ref().map(parse).transpose()?, span.to.as_deref());
            loop {
                let page = self.identity.records().stored_below(&span.prefix, after.as_ref(), PAGE).await?;
                let own = page.rows.into_iter().map(|(path, _)| path);
                let own: Vec<Path> = own.take_while(|path| to.is_none_or(|to| path.as_str() <= to)).collect();
                let full = own.len();
                after = own.last().cloned();
                absent.extend(own.into_iter().filter(|path| {
                    crossing(path.as_str()) != Crossing::Stays && !kept.contains(path.as_str())
                }));
                if !page.more || full == 0 || after.as_ref().is_some_and(|last| to == Some(last.as_str())) {
                    break;
                }
            }
        }
        arrived.extend(absent.into_iter().map(|path| Arrived { path, revision: 0, content: None }));
        Ok(())
    }

    /// Writes what differs, as long as what arrived is still the home's word; answers how many rows that was. Of a listing
    /// each row stands for itself.
    pub(super) async fn write(
        self,
        arrived: &[Arrived],
        listing: bool,
        counts: impl Fn() -> bool,
    ) -> Result<usize, KmsError> {
        let mut changed = 0;
        for batch in batches(arrived, listing) {
            if !counts() {
                return Err(KmsError::Refused(
                    "the identities have another home since they were asked for".to_owned(),
                ));
            }
            changed += self.write_batch(batch).await?;
        }
        Ok(changed)
    }

    /// Own rows that what arrived says are gone, or are others.
    pub(super) async fn differing(self, arrived: &[Arrived]) -> Result<Vec<String>, KmsError> {
        let (keyring, mut differing) = (self.identity.records().keyring(), Vec::new());
        for row in arrived {
            let Some(before) = self.identity.records().read_bytes(&row.path).await? else { continue };
            let same =
                row.content.as_ref().is_some_and(|content| content.is(&keyring, &row.path, &before.value));
            if !same {
                differing.push(row.path.as_str().to_owned());
            }
        }
        Ok(differing)
    }

    async fn write_batch(self, batch: &[Arrived]) -> Result<usize, KmsError> {
        for _ in 0..ATTEMPTS_MAX {
            let (mut draft, mut changed) = (self.identity.records().draft()?, Vec::new());
            for row in batch {
                draft = self.draft_row(draft, row, &mut changed).await?;
            }
            if changed.is_empty() {
                return Ok(0);
            }
            match self.identity.arrive(draft, &changed, Cause::Upkeep(self.now)).await {
                Ok(()) => return Ok(changed.len()),
                Err(KmsError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(KmsError::Conflict)
    }

    async fn draft_row(
        self,
        draft: Draft,
        row: &Arrived,
        changed: &mut Vec<Path>,
    ) -> Result<Draft, KmsError> {
        let before = self.identity.records().read_bytes(&row.path).await?;
        match (&row.content, before) {
            (None, None) => Ok(draft),
            (None, Some(before)) => {
                changed.push(row.path.clone());
                let draft = draft.delete(&row.path, before.stamp);
                match row.path.as_str().strip_prefix(path::ACCESS_KEYS_PREFIX) {
                    Some(id) => self.identity.draft_forget_use(draft, id).await,
                    None => Ok(draft),
                }
            }
            (Some(content), before) => {
                let keyring = self.identity.records().keyring();
                if before.as_ref().is_some_and(|before| content.is(&keyring, &row.path, &before.value)) {
                    return Ok(draft);
                }
                changed.push(row.path.clone());
                let value = content.sealed(draft.keyring(), &row.path)?;
                draft.put(&row.path, before.map(|before| before.stamp), &value)
            }
        }
    }
}

impl Content {
    /// Whether a stored row means the same.
    fn is(&self, keyring: &Keyring, path: &Path, stored: &[u8]) -> bool {
        let Ok(mut stored) = serde_json::from_slice::<Value>(stored) else { return false };
        let Some((bound, secret)) = &self.secret else { return stored == self.value };
        let sealed = stored.as_object_mut().and_then(|members| members.remove(SECRET));
        let sealed = sealed.and_then(|sealed| STANDARD.decode(sealed.as_str()?).ok());
        let same = |sealed: Vec<u8>| {
            let known = keyring.open_credential(bound.of(path.as_str()), &sealed);
            known.is_ok_and(|known| known.ct_eq(secret))
        };
        stored == self.value && sealed.is_some_and(same)
    }

    /// The row with its secret under the keyring.
    fn sealed(&self, keyring: &Keyring, path: &Path) -> Result<Value, KmsError> {
        let mut value = self.value.clone();
        if let (Some((bound, secret)), Some(members)) = (&self.secret, value.as_object_mut()) {
            let sealed =
                keyring.seal_credential(bound.of(path.as_str()), secret).map_err(|_| KmsError::Internal)?;
            members.insert(SECRET.to_owned(), Value::from(STANDARD.encode(sealed)));
        }
        Ok(value)
    }
}

/// What is written at once: whole commits of the home, several small ones together.
fn batches(arrived: &[Arrived], listing: bool) -> Vec<&[Arrived]> {
    let (mut batches, mut rest) = (Vec::new(), arrived);
    while !rest.is_empty() {
        let (mut taken, mut bytes, mut cost) = (0, 0, 0);
        for commit in rest.chunk_by(|row, next| !listing && row.revision == next.revision) {
            let more: usize = commit.iter().map(Arrived::bytes).sum();
            let rows: usize = commit.iter().map(Arrived::cost).sum();
            if taken > 0 && (cost + rows > BATCH_ROWS || bytes + more > BATCH_BYTES) {
                break;
            }
            (taken, bytes, cost) = (taken + commit.len(), bytes + more, cost + rows);
        }
        let (batch, later) = rest.split_at(taken.clamp(1, COMMIT_ROWS_MAX).min(rest.len()));
        batches.push(batch);
        rest = later;
    }
    batches
}

impl Arrived {
    fn bytes(&self) -> usize {
        2 * self.path.as_str().len() + self.content.as_ref().map_or(0, |content| content.bytes + 256)
    }

    /// The rows that it writes here: with an access key goes its last use.
    fn cost(&self) -> usize {
        if self.content.is_none() && self.path.as_str().starts_with(path::ACCESS_KEYS_PREFIX) { 2 } else { 1 }
    }
}

/// The key pair that what arrives is sealed to, for work off the I/O threads.
pub(super) type Pair = Arc<TransportKeyPair>;

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(revisions: &[u64]) -> Vec<Arrived> {
        let row = |(index, revision): (usize, &u64)| Arrived {
            path: Path::parse(&format!("iam/111122223333/user/u{index}")).unwrap(),
            revision: *revision,
            content: None,
        };
        revisions.iter().enumerate().map(row).collect()
    }

    #[test]
    fn a_row_that_changed_twice_is_written_as_it_became_last() {
        let path = |name: &str| Path::parse(&format!("iam/account-alias/{name}")).unwrap();
        let row = |name, revision| Arrived { path: path(name), revision, content: None };
        let newest = newest(vec![row("a", 1), row("b", 1), row("a", 2), row("c", 3)]);
        let told: Vec<_> = newest.iter().map(|row| (row.path.clone(), row.revision)).collect();
        assert_eq!(told, [(path("b"), 1), (path("a"), 2), (path("c"), 3)]);
    }

    #[test]
    fn commits_of_the_home_are_never_torn_and_small_ones_go_together() {
        let sizes = |revisions: &[u64], listing| {
            let arrived = arrived(revisions);
            batches(&arrived, listing).iter().map(|batch| batch.len()).collect::<Vec<_>>()
        };
        let commit = |revision: u64, rows: usize| vec![revision; rows];
        assert_eq!(sizes(&[], false), [0; 0]);
        assert_eq!(sizes(&[1, 2, 3], false), [3]);
        assert_eq!(sizes(&[commit(1, 30), commit(2, 20), commit(3, 5)].concat(), false), [30, 25]);
        assert_eq!(sizes(&[commit(1, 47), commit(2, 1)].concat(), false), [47, 1]);
        assert_eq!(sizes(&commit(1, 100), true), [40, 40, 20]);
    }
}
