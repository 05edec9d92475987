//! How old the copy of the identities is: for how long a deactivated access key may still sign here.

use keyreeve_model::region::Region;
use keyreeve_model::timestamp::Timestamp;

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
}

impl Service {
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
        })
    }
}
