//! Listing keys and aliases, page by page. A marker is the last path of the page before, sealed, so that nobody can
//! make one up or read another account's with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keyreeve_model::alias::{AWS_MANAGED_SERVICES, AliasName};
use keyreeve_model::arn::{AliasArn, KeyArn};
use keyreeve_model::error::KmsError;
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_record::KeyRecord;
use keyreeve_store::Path;

use super::alias::AliasRecord;
use super::{AuthorizedCall, KeyAccess};
use crate::desk::Desk;
use crate::records::path;

/// One page.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    /// Present while more follow.
    pub(crate) next_marker: Option<String>,
}

/// An alias in a list; the predefined aliases of services have no target until their first use.
#[derive(Debug)]
pub(crate) struct ListedAlias {
    pub(crate) arn: AliasArn,
    pub(crate) record: Option<AliasRecord>,
}

/// The purpose that markers are sealed for.
const MARKER: &str = "list-marker";

impl KeyAccess {
    /// Seals the place where the next page begins.
    pub(crate) fn marker(&self, list: &str, place: &str) -> Result<String, KmsError> {
        let sealed = self.records.keyring().seal_token(MARKER, format!("{list}\n{place}").as_bytes());
        sealed.map(|sealed| URL_SAFE_NO_PAD.encode(sealed)).map_err(|_| KmsError::Internal)
    }

    /// The place that a marker of this list names.
    pub(crate) fn open_marker(&self, list: &str, marker: &str) -> Result<String, KmsError> {
        let sealed = URL_SAFE_NO_PAD.decode(marker).map_err(|_| KmsError::InvalidMarker)?;
        let opened =
            self.records.keyring().open_token(MARKER, &sealed).map_err(|_| KmsError::InvalidMarker)?;
        let text = std::str::from_utf8(opened.expose_secret()).map_err(|_| KmsError::InvalidMarker)?;
        match text.split_once('\n') {
            Some((of, place)) if of == list => Ok(place.to_owned()),
            Some(_) | None => Err(KmsError::InvalidMarker),
        }
    }

    pub(super) fn path_of_marker(&self, list: &str, marker: Option<&str>) -> Result<Option<Path>, KmsError> {
        let place = marker.map(|marker| self.open_marker(list, marker)).transpose()?;
        place.map(|place| Path::parse(&place).map_err(|_| KmsError::InvalidMarker)).transpose()
    }
}

impl<O> AuthorizedCall<O> {
    /// Keys of the caller's account and Region, in the order of their ids.
    pub(crate) async fn list_keys(
        &self,
        desk: &Desk<'_>,
        limit: usize,
        marker: Option<&str>,
    ) -> Result<Listed<KeyArn>, KmsError> {
        let keys = &desk.service.keys;
        let prefix = path::keys_prefix(&desk.caller.region, desk.caller.account());
        let mut after = keys.path_of_marker(&prefix, marker)?;
        let mut items = Vec::new();
        loop {
            let page = keys.records.page::<KeyRecord>(&prefix, after.as_ref(), limit - items.len()).await?;
            let living = page.rows.into_iter().filter(|(_, record)| !record.is_expired(desk.now));
            items.extend(living.filter_map(|(path, _)| {
                KeyId::parse(path.as_str().strip_prefix(&prefix)?).map(|id| desk.key_arn(id))
            }));
            match page.next {
                None => return Ok(Listed { items, next_marker: None }),
                Some(next) if items.len() >= limit => {
                    let next_marker = Some(keys.marker(&prefix, next.as_str())?);
                    return Ok(Listed { items, next_marker });
                }
                Some(next) => after = Some(next),
            }
        }
    }

    /// All aliases of the caller's account and Region: those that exist, then the predefined ones of services.
    pub(crate) async fn list_aliases(
        &self,
        desk: &Desk<'_>,
        limit: usize,
        marker: Option<&str>,
    ) -> Result<Listed<ListedAlias>, KmsError> {
        let keys = &desk.service.keys;
        let all = keys.all_aliases(desk).await?;
        // A marker is good for its own list only, so that the list's name tells whose and where it is.
        let list = format!("aliases/{}/{}", desk.caller.region, desk.caller.account());
        page_of(keys, all, &list, limit, marker)
    }

    /// The aliases of one key of the caller's account.
    pub(crate) async fn list_aliases_of(
        &self,
        desk: &Desk<'_>,
        key: &KeyArn,
        limit: usize,
        marker: Option<&str>,
    ) -> Result<Listed<ListedAlias>, KmsError> {
        let keys = &desk.service.keys;
        match keys.entry(key).await? {
            Some(entry) if !entry.record.is_expired(desk.now) && key.account == desk.caller.account() => {}
            Some(_) | None => return Err(KmsError::KeyNotFound(key.clone())),
        }
        let names = keys.names_of(key).await?.map(|row| row.value).unwrap_or_default();
        let mut all = Vec::with_capacity(names.len());
        for name in names {
            let arn = desk.alias_arn(name);
            if let Some(entry) = keys.alias(&arn).await? {
                all.push(ListedAlias { arn, record: Some(entry.record.clone()) });
            }
        }
        page_of(keys, all, &format!("aliases-of/{key}"), limit, marker)
    }
}

impl KeyAccess {
    async fn all_aliases(&self, desk: &Desk<'_>) -> Result<Vec<ListedAlias>, KmsError> {
        let (region, account) = (&desk.caller.region, desk.caller.account());
        let prefix = format!("{}alias/", path::aliases_prefix(region, account));
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = self.records.page::<AliasRecord>(&prefix, after.as_ref(), 1000).await?;
            for (path, record) in page.rows {
                let Some(name) = path::alias_name(&path, region, account) else { continue };
                // The alias of a key that is gone is gone with it, whether or not its row was removed yet.
                let lives = match self.entry(&desk.key_arn(record.target)).await {
                    Ok(key) => key.is_some_and(|key| !key.record.is_expired(desk.now)),
                    // One damaged key must not take the list of the whole account away.
                    Err(KmsError::Internal) => true,
                    Err(error) => return Err(error),
                };
                if lives {
                    all.push(ListedAlias { arn: desk.alias_arn(name), record: Some(record) });
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        let predefined = AWS_MANAGED_SERVICES
            .iter()
            .filter_map(|service| AliasName::parse(&format!("alias/aws/{service}")).ok());
        for name in predefined {
            if all.iter().all(|alias| alias.arn.name != name) {
                all.push(ListedAlias { arn: desk.alias_arn(name), record: None });
            }
        }
        all.sort_by(|one, other| one.arn.name.cmp(&other.arn.name));
        Ok(all)
    }
}

/// Cuts a page out of a sorted list.
fn page_of(
    keys: &KeyAccess,
    all: Vec<ListedAlias>,
    list: &str,
    limit: usize,
    marker: Option<&str>,
) -> Result<Listed<ListedAlias>, KmsError> {
    let after = marker.map(|marker| keys.open_marker(list, marker)).transpose()?;
    let mut rest =
        all.into_iter().filter(|alias| after.as_deref().is_none_or(|after| alias.arn.name.as_str() > after));
    let items: Vec<_> = rest.by_ref().take(limit).collect();
    let next_marker = match (items.last(), rest.next()) {
        (Some(last), Some(_)) => Some(keys.marker(list, last.arn.name.as_str())?),
        (Some(_) | None, _) => None,
    };
    Ok(Listed { items, next_marker })
}
