//! What the rooms write down about a request on its way, for its record: which keys it met, which material worked, which
//! statement decided, what was written to the store.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keyreeve_audit::WrittenRow;
use keyreeve_model::region::AccountId;
use keyreeve_policy::evidence::PolicyKind;
use keyreeve_policy::principal::WebIdentity;
use keyreeve_policy::verdict::Denial;
use serde_json::{Value, json};
use uuid::Uuid;

use super::event_id;
use crate::key_access::KeyEntry;

/// The member that names the statement that denied.
pub(super) const DECIDED_BY: &str = "decidedBy";

/// The notes of one request.
pub(crate) struct Notes(Mutex<Noted>);

/// What was noted.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub(super) event_id: Uuid,
    pub(super) resources: Vec<Resource>,
    /// Materials in the order in which they worked.
    pub(super) materials: Vec<String>,
    /// Members of `additionalEventData`.
    pub(super) additional: Vec<(&'static str, Value)>,
    /// Who asks, where the request itself proves it.
    pub(super) web_identity: Option<Arc<WebIdentity>>,
    /// The account that the request is about, where its caller has none.
    pub(super) account: Option<AccountId>,
    /// Changes that are in the store.
    pub(super) written: Vec<Written>,
}

/// What a request met.
#[derive(Debug, Clone)]
pub(super) enum Resource {
    /// A key.
    Key(Arc<KeyEntry>),
    /// An alias, role or trail: its account, its type, its ARN.
    Other(AccountId, &'static str, String),
}

impl Resource {
    pub(super) fn account(&self) -> AccountId {
        match self {
            Self::Key(entry) => entry.arn.account,
            Self::Other(account, ..) => *account,
        }
    }

    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Key(_) => "AWS::KMS::Key",
            Self::Other(_, kind, _) => kind,
        }
    }

    pub(super) fn arn(&self) -> &str {
        match self {
            Self::Key(entry) => &entry.text,
            Self::Other(.., arn) => arn,
        }
    }
}

/// A change of the store that is durable in an outbox row of this id.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) id: Uuid,
    pub(super) rows: Vec<WrittenRow>,
}

impl Notes {
    /// Notes of a request, under the id of its event.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Noted { event_id: event_id::draw(), ..Noted::default() }))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The corridor starts, perhaps anew: what an earlier attempt met does not count; what it wrote does.
    pub(crate) fn begin(&self) {
        let mut noted = self.lock();
        noted.resources.clear();
        noted.materials.clear();
        noted.additional.clear();
    }

    /// The id of the request's event.
    pub(crate) fn event_id(&self) -> Uuid {
        self.lock().event_id
    }

    /// The request is about this key, and the caller may know it.
    pub(crate) fn key(&self, entry: &Arc<KeyEntry>) {
        let mut noted = self.lock();
        let known = |resource: &Resource| matches!(resource, Resource::Key(key) if key.arn == entry.arn);
        if !noted.resources.iter().any(known) {
            noted.resources.push(Resource::Key(Arc::clone(entry)));
        }
    }

    /// The request is about this.
    pub(crate) fn resource(&self, account: AccountId, kind: &'static str, arn: String) {
        let mut noted = self.lock();
        if !noted.resources.iter().any(|resource| resource.arn() == arn) {
            noted.resources.push(Resource::Other(account, kind, arn));
        }
    }

    /// This material worked.
    pub(crate) fn material(&self, id: &impl fmt::Display) {
        self.lock().materials.push(id.to_string());
    }

    /// A member of `additionalEventData`.
    pub(crate) fn additional(&self, name: &'static str, value: Value) {
        let mut noted = self.lock();
        noted.additional.retain(|(known, _)| *known != name);
        noted.additional.push((name, value));
    }

    /// Who asks, as an identity provider vouches, and the account that they turn to.
    pub(crate) fn web_identity(&self, identity: Arc<WebIdentity>, account: AccountId) {
        let mut noted = self.lock();
        noted.web_identity = Some(identity);
        noted.account = Some(account);
    }

    /// The statement that decided against the request.
    pub(crate) fn denied(&self, why: &Denial<'_>) {
        let decided = match why {
            Denial::Explicit(decisive) => json!({
                "policyType": kind_name(decisive.policy.kind),
                "policy": decisive.policy.name,
                "statement": decisive.statement,
                "sid": decisive.sid,
            }),
            Denial::Implicit(kind) => json!({"policyType": kind_name(*kind), "statement": null}),
            Denial::OtherAccount => json!({"policyType": null, "statement": null}),
        };
        self.additional(DECIDED_BY, decided);
    }

    /// The id for the outbox row of the next change: the event's own for the first.
    pub(super) fn next_change(&self) -> Uuid {
        let noted = self.lock();
        if noted.written.is_empty() { noted.event_id } else { event_id::draw() }
    }

    /// A change is in the store.
    pub(super) fn written(&self, id: Uuid, rows: Vec<WrittenRow>) {
        self.lock().written.push(Written { id, rows });
    }

    /// Whether a change of this id is in the store is not known: its outbox row will tell. What the caller hears is
    /// another event.
    pub(super) fn uncertain(&self, id: Uuid) {
        let mut noted = self.lock();
        if noted.event_id == id {
            noted.event_id = event_id::draw();
        }
    }
}

/// As AWS's documentation calls the kinds of policies.
const fn kind_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Guard => "service control policy",
        PolicyKind::KeyPolicy => "key policy",
        PolicyKind::TrustPolicy => "role trust policy",
        PolicyKind::Identity => "identity-based policy",
        PolicyKind::Boundary => "permissions boundary",
        PolicyKind::Session => "session policy",
    }
}

/// Nothing of it belongs into a log.
impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notes").finish_non_exhaustive()
    }
}
