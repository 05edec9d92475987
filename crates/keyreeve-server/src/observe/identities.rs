//! Whether the copy of another Region's identities is new enough to authenticate anybody: a part of readiness.

use std::sync::{Arc, OnceLock};

use keyreeve_service::Service;

use super::{Readiness, Ready};

/// The deployment that the process serves, once it is open. Ready before: others say then that it is not.
#[derive(Debug, Clone, Default)]
pub(crate) struct IdentitiesWatch(Arc<OnceLock<Arc<Service>>>);

impl IdentitiesWatch {
    /// The deployment is open.
    pub(crate) fn opened(&self, service: &Arc<Service>) {
        // A second one would be a mistake of the caller's; the first one stays.
        let _ = self.0.set(Arc::clone(service));
    }
}

impl Ready for IdentitiesWatch {
    fn readiness(&self) -> Readiness {
        match self.0.get().and_then(|service| service.identities_outdated()) {
            Some(reason) => Readiness::NotReady(vec![reason]),
            None => Readiness::Ready,
        }
    }
}
