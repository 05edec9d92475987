//! Who calls, as a door found out.

use keyreeve_model::region::{AccountId, Region};
pub use keyreeve_policy::principal::Principal;
use uuid::Uuid;

/// An authenticated caller of one request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The principal.
    pub principal: Principal,
    /// Region that the request was signed for.
    pub region: Region,
    /// Id of the request; stands in the answer and in the audit record.
    pub request_id: Uuid,
}

impl Caller {
    /// The account whose keys and aliases the caller names without an ARN.
    pub fn account(&self) -> AccountId {
        self.principal.account().unwrap_or(AccountId::ZERO)
    }
}
