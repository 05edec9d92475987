//! Trails: what an account has delivered of its audit log, and where to. It sees rows of trails and the log, and no keys;
//! files and buckets are the server's affair.

mod buckets;
mod delivery;
mod gatehouse;
mod inventory;
mod trail;

pub use buckets::Buckets;
pub use delivery::{Chain, Delivery, DeliveryStatus, Pending, PendingLog};
pub(crate) use gatehouse::{AuthorizedTrail, TrailResource};
pub use inventory::Trails;
pub use trail::{Run, Trail, TrailId};
pub(crate) use trail::{TRAILS_PER_REGION, check_bucket, check_prefix};
