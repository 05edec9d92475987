//! How old the copy of the identities is: for how long a deactivated access key may still sign here.

use keyreeve_model::error::KmsError;
use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

use crate::regions::message::hello::IdentitiesThere;
use crate::service::Service;

/// Where a copy of the identities stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitiesStanding {
    /// Their home.
    pub home: Region,
    /// When the copy was last known to be what the home has; `None` while it never was.
    pub synced_at: Option<Timestamp>,
    /// Seconds since then: what was changed at the home within them may not count here yet.
    pub lag_seconds: Option<i64>,
    /// Why they do not agree now.
    pub trouble: Option<String>,
    /// Since when no attempt to agree succeeded.
    pub since: Option<Timestamp>,
    /// What was lost when this Region stopped being the home.
    pub replaced: Option<Replaced>,
}

/// Rows of identities that were kept here and that another home had not, when it took them over.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Replaced {
    /// How many.
    pub rows: u64,
    /// The first of them, by their paths: `iam/<account>/<kind>/<name>`.
    pub paths: Vec<String>,
}

impl Replaced {
    /// Paths that are remembered.
    const NAMED_MAX: usize = 100;

    /// With these too. What a crash made to be found twice counts once, as far as it is remembered.
    pub(super) fn and(mut self, paths: &[String]) -> Self {
        for path in paths.iter().filter(|path| !self.paths.contains(path)).collect::<Vec<_>>() {
            self.rows = self.rows.saturating_add(1);
            if self.paths.len() < Self::NAMED_MAX {
                self.paths.push(path.clone());
            }
        }
        self
    }
}

impl Service {
    /// Believes a copy of the identities for so many seconds after it last agreed with its home. To be called before the
    /// first request; else it is believed without an end.
    pub fn limit_identities_age(&self, seconds: i64) {
        // The first word stands.
        let _ = self.regions().identities.max_age_seconds.set(seconds);
    }

    /// Why identities are not believed here now: a sentence for operators. `None` where they are.
    pub fn identities_outdated(&self) -> Option<String> {
        let limit = *self.regions().identities.max_age_seconds.get()?;
        let standing = self.identities_standing()?;
        if standing.lag_seconds.is_some_and(|lag| lag <= limit) {
            return None;
        }
        let age = standing.lag_seconds.map_or("have not arrived yet".to_owned(), |lag| {
            format!("are {lag} seconds old, more than identities_max_age_seconds ({limit})")
        });
        Some(format!("the identities of {} {age}: nobody is authenticated by them", standing.home))
    }

    /// Whether whoever signs may be authenticated by the identities here.
    ///
    /// # Errors
    /// [`KmsError::DependencyTimeout`]: they are older than the operator allows. Clients retry it.
    pub fn check_identities_age(&self) -> Result<(), KmsError> {
        self.identities_outdated().map_or(Ok(()), |_| Err(KmsError::DependencyTimeout))
    }

    /// What other Regions are told of how this one stands about identities.
    pub(in crate::regions) fn identities_for_others(&self, own: &Region) -> IdentitiesThere {
        let (standing, doubt) = (self.identities_standing(), self.regions().home_in_doubt());
        let home = standing.as_ref().map_or(own, |standing| &standing.home).clone();
        let (trouble, since) = standing.map_or((None, None), |standing| (standing.trouble, standing.since));
        IdentitiesThere { home, term: self.regions().home_epoch(), trouble: doubt.or(trouble), since }
    }

    /// Where the copy of the identities here stands; `None` where they are kept here.
    pub fn identities_standing(&self) -> Option<IdentitiesStanding> {
        let home = self.regions().home()?;
        let seen = self.regions().identities.seen();
        let now = self.clock().now();
        // A clock that was set back makes nothing younger than now.
        let lag = |agreed: Timestamp| (now.as_seconds() - agreed.as_seconds()).max(0);
        Some(IdentitiesStanding {
            home: home.region.clone(),
            synced_at: seen.agreed,
            lag_seconds: seen.agreed.map(lag),
            trouble: seen.fault,
            since: seen.since,
            replaced: seen.replaced,
        })
    }
}
