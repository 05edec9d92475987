//! The home hands out its rows: all of them by pages, then what changed since.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use keyreeve_crypto::keyring::Keyring;
use keyreeve_crypto::transport::TransportPublicKey;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_store::{Change, ChangeItem, Path, Revision};
use serde_json::Value;

use super::crossing::{Crossing, SECTIONS, crossing};
use super::{SECRET, binding};
use crate::records::Records;
use crate::regions::PeerFault;
use crate::regions::message::identities::{
    Identities, IdentitiesPage, IdentityRow, Position, RowState, Span,
};
use crate::service::Service;

/// Rows in a page, about: sealing each secret costs a millisecond.
const PAGE_ROWS: usize = 200;
/// Bytes of stored values in a page, about. The channel takes four times as much, and JSON in JSON grows.
const PAGE_BYTES: usize = 1024 * 1024;
/// How long a store may take to tell what changed.
const FEED_PATIENCE: Duration = Duration::from_secs(5);

/// What is on its way to another Region.
#[derive(Debug, Default)]
struct Load {
    rows: Vec<(Path, Revision, Option<Bytes>)>,
    bytes: usize,
}

impl Load {
    fn push(&mut self, path: Path, revision: Revision, value: Option<Bytes>) {
        if crossing(path.as_str()) != Crossing::Stays {
            self.bytes += path.as_str().len() + value.as_ref().map_or(0, Bytes::len);
            self.rows.push((path, revision, value));
        }
    }

    const fn is_full(&self) -> bool {
        self.rows.len() >= PAGE_ROWS || self.bytes >= PAGE_BYTES
    }
}

/// A page whose secrets are not sealed yet.
#[derive(Debug)]
struct Draft {
    load: Load,
    spans: Vec<Span>,
    next: Position,
    complete: bool,
}

impl Service {
    /// Answers what the Region `asker` asks the Region `own` about identities.
    pub(in crate::regions) async fn hand_out_identities(
        &self,
        asker: &Region,
        own: &Region,
        ask: Identities,
    ) -> Result<IdentitiesPage, PeerFault> {
        if let Some(home) = self.regions().home() {
            return Err(PeerFault::Refused(format!(
                "the identities are not kept in {own}: their home is {}",
                home.region
            )));
        }
        if self.regions().is_local(asker) {
            return Err(PeerFault::Refused(format!("{asker} and {own} share their rows")));
        }
        self.page_of_identities(asker, own, ask).await.map_err(|error| {
            PeerFault::Unreachable(format!("{own} cannot read its identities now: {error:?}"))
        })
    }

    async fn page_of_identities(
        &self,
        asker: &Region,
        own: &Region,
        ask: Identities,
    ) -> Result<IdentitiesPage, KmsError> {
        // A session may begin elsewhere before one does here.
        self.identity().check_token_key(self.clock().now()).await?;
        let incarnation = self.regions().identities.incarnation()?.to_owned();
        let position = if ask.incarnation == incarnation { ask.position } else { Position::Begin };
        let records = self.records();
        let draft = match position {
            Position::After(revision) => match changed(records, Revision(revision)).await? {
                Some(draft) => draft,
                None => listed(records, None, 0, None).await?,
            },
            Position::Listing { since, section, after } => {
                listed(records, Some(Revision(since)), section, after).await?
            }
            Position::Begin => listed(records, None, 0, None).await?,
        };
        let to = self.regions().transport_public_key(asker, self.clock().now()).await?;
        let Draft { load, spans, next, complete } = draft;
        let sealing = Sealing { records: Arc::clone(records), to, home: own.clone(), asker: asker.clone() };
        let rows = tokio::task::spawn_blocking(move || sealing.rows(load)).await;
        let rows = rows.map_err(|_| KmsError::Internal)??;
        Ok(IdentitiesPage { incarnation, spans, rows, next, complete })
    }
}

/// The newest revision of the store.
async fn head(records: &Records) -> Result<Revision, KmsError> {
    let snapshot = records.store().get(&[]).await.map_err(|_| KmsError::DependencyTimeout)?;
    Ok(snapshot.revision)
}

/// A page of a listing. `since` is absent where it begins.
async fn listed(
    records: &Records,
    since: Option<Revision>,
    section: usize,
    after: Option<String>,
) -> Result<Draft, KmsError> {
    let since = match since {
        Some(since) => since,
        None => head(records).await?,
    };
    let (mut load, mut spans, mut after) = (Load::default(), Vec::new(), after);
    for (number, prefix) in SECTIONS.iter().enumerate().skip(section) {
        loop {
            if load.is_full() {
                let next = Position::Listing { since: since.0, section: number, after };
                return Ok(Draft { load, spans, next, complete: false });
            }
            let place = after.as_deref().map(Path::parse).transpose().map_err(|_| KmsError::Internal)?;
            let limit = PAGE_ROWS.saturating_sub(load.rows.len()).max(1);
            let page = records.store().scan(prefix, place.as_ref(), limit).await;
            let page = page.map_err(|_| KmsError::DependencyTimeout)?;
            let last = page.rows.last().map(|(path, _)| path.as_str().to_owned());
            let to = last.filter(|_| page.more);
            spans.push(Span { prefix: (*prefix).to_owned(), after: after.take(), to: to.clone() });
            page.rows.into_iter().for_each(|(path, row)| load.push(path, row.revision, Some(row.value)));
            match to {
                Some(to) => after = Some(to),
                None => break,
            }
        }
    }
    Ok(Draft { load, spans, next: Position::After(since.0), complete: false })
}

/// What changed after a revision; `None` when the store no longer knows.
async fn changed(records: &Records, after: Revision) -> Result<Option<Draft>, KmsError> {
    let head = head(records).await?;
    let feed = tokio::time::timeout(FEED_PATIENCE, feed(records, after)).await;
    let Some((changes, through)) = feed.map_err(|_| KmsError::DependencyTimeout)?? else { return Ok(None) };
    let (mut load, mut told) = (Load::default(), after);
    for change in changes {
        // Only whole commits are told.
        if load.is_full() && change.revision() != told {
            let next = Position::After(told.0);
            return Ok(Some(Draft { load, spans: Vec::new(), next, complete: false }));
        }
        told = change.revision();
        match change {
            Change::Put { path, row } => load.push(path, row.revision, Some(row.value)),
            Change::Delete { path, revision } => load.push(path, revision, None),
        }
    }
    let (next, complete) = (Position::After(through.0), through >= head);
    Ok(Some(Draft { load, spans: Vec::new(), next, complete }))
}

async fn feed(records: &Records, after: Revision) -> Result<Option<(Vec<Change>, Revision)>, KmsError> {
    let (mut changes, mut items) = (Vec::new(), records.store().changes(after));
    loop {
        match items.next().await {
            Some(ChangeItem::Changed(change)) => changes.push(change),
            Some(ChangeItem::Progress(through)) => return Ok(Some((changes, through))),
            Some(ChangeItem::Resync) => return Ok(None),
            Some(ChangeItem::Failed(error)) => {
                tracing::warn!(%error, "the store does not tell what changed");
                return Err(KmsError::DependencyTimeout);
            }
            None => return Err(KmsError::DependencyTimeout),
        }
    }
}

/// Seals the secrets of rows for their way.
#[derive(Debug)]
struct Sealing {
    records: Arc<Records>,
    to: TransportPublicKey,
    home: Region,
    asker: Region,
}

impl Sealing {
    fn rows(&self, load: Load) -> Result<Vec<IdentityRow>, KmsError> {
        let keyring = self.records.keyring();
        let row = |(path, revision, value): (Path, Revision, Option<Bytes>)| {
            let state = match value {
                None => RowState::Gone,
                Some(value) => self.state(&keyring, &path, &value)?,
            };
            Ok(IdentityRow { path: path.as_str().to_owned(), revision: revision.0, state })
        };
        load.rows.into_iter().map(row).collect()
    }

    fn state(&self, keyring: &Keyring, path: &Path, stored: &Bytes) -> Result<RowState, KmsError> {
        let Some(opened) = self.records.open_stored(keyring, path, stored) else {
            tracing::error!(%path, "a row of identities was altered: other Regions keep what they have");
            return Ok(RowState::Unreadable);
        };
        let Ok(mut value) = serde_json::from_slice::<Value>(opened.value.expose_secret()) else {
            tracing::error!(%path, "a row of identities does not parse: other Regions keep what they have");
            return Ok(RowState::Unreadable);
        };
        if let Crossing::WithSecret(bound) = crossing(path.as_str()) {
            let Some(member) = value.get_mut(SECRET) else { return Ok(RowState::Unreadable) };
            let sealed = member.as_str().and_then(|text| STANDARD.decode(text).ok());
            let secret =
                sealed.and_then(|sealed| keyring.open_credential(bound.of(path.as_str()), &sealed).ok());
            let Some(secret) = secret else {
                tracing::error!(%path, "a secret of identities does not open: other Regions keep what they have");
                return Ok(RowState::Unreadable);
            };
            let binding = binding(&self.home, &self.asker, path.as_str());
            let sealed = self.to.seal(&binding, &secret).map_err(|_| KmsError::Internal)?;
            *member = Value::from(STANDARD.encode(sealed));
        }
        Ok(RowState::Put(value))
    }
}
